/*
 * The samples, each through the same calls as `tcp53 read --format json`: against the expected report beside it,
 * against the table of truths, cut at every length, and twice.
 *
 * BLESS=NAME writes samples/NAME.json anew instead of comparing, BLESS=all every one of them.
 */
#include "capture/file.h"
#include "tests/chain.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <glob.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PATH_MOST = 256, LINE_MOST = 512, BIG_FILE = 8192, BIG_STEP = 7, GENERATED = 1 };

struct sample {
    char path[PATH_MOST];
};

/* Captures directly in samples/, and with `deep` those in its folders as well. */
static struct criterion_test_params samples_of(bool deep)
{
    static const char *const patterns[] = {"samples/*.pcap", "samples/*.pcapng", "samples/*/*.pcap",
                                           "samples/*/*.pcapng"};
    glob_t found = {.gl_pathc = 0};
    for (int i = 0; i < (deep ? 4 : 2); i++)
        glob(patterns[i], i ? GLOB_APPEND : 0, NULL, &found);
    struct sample *samples = cr_calloc(found.gl_pathc + 1, sizeof *samples);
    for (size_t i = 0; i < found.gl_pathc; i++)
        snprintf(samples[i].path, PATH_MOST, "%s", found.gl_pathv[i]);
    size_t count = found.gl_pathc;
    globfree(&found);
    return cr_make_param_array(struct sample, samples, count, NULL);
}

static renderer *const json_only[] = {render_json};

/* The report as text, to be freed. */
static char *json_text_of(const char *path, int64_t generated_ns)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cr_assert_not_null(out);
    bool fine = chain_run(path, generated_ns, json_only, 1, out);
    fclose(out);
    cr_assert(fine, "%s: no report", path);
    return text;
}

/* Without what may differ between runs and machines. */
static struct json_object *json_of(const char *path)
{
    char *text = json_text_of(path, GENERATED);
    struct json_object *report = json_tokener_parse(text), *tool;
    cr_assert_not_null(report, "%s: the report is not JSON", path);
    json_object_object_del(report, "generated");
    if (json_object_object_get_ex(report, "tool", &tool)) {
        json_object_object_del(tool, "version");
        json_object_object_del(tool, "libraries");
    }
    free(text);
    return report;
}

/* samples/NAME.json for samples/NAME.pcap. */
static void expected_path(const char *sample, char *path)
{
    const char *end = strrchr(sample, '.');
    snprintf(path, PATH_MOST, "%.*s.json", (int)(end - sample), sample);
}

static bool is_blessed(const char *sample)
{
    const char *name = getenv("BLESS");
    if (!name || !*name)
        return false;
    const char *file = strrchr(sample, '/') + 1;
    size_t stem = (size_t)(strrchr(file, '.') - file);
    return strcmp(name, "all") == 0 || strcmp(name, file) == 0 ||
           (strlen(name) == stem && strncmp(name, file, stem) == 0);
}

/* the first difference of two values */

struct difference {
    char where[LINE_MOST];
    const char *expected, *got;
};

static bool differ(struct difference *difference, size_t at, struct json_object *expected, struct json_object *got);

static bool differ_here(struct difference *difference, struct json_object *expected, struct json_object *got)
{
    difference->expected = expected ? json_object_to_json_string(expected) : "null, or nothing";
    difference->got = got ? json_object_to_json_string(got) : "null, or nothing";
    return true;
}

static size_t step_into_key(struct difference *difference, size_t at, const char *key)
{
    int count = snprintf(difference->where + at, LINE_MOST - at, "%s%s", at ? "." : "", key);
    return at + (size_t)count < LINE_MOST ? at + (size_t)count : LINE_MOST - 1;
}

static bool objects_differ(struct difference *difference, size_t at, struct json_object *expected,
                           struct json_object *got)
{
    json_object_object_foreach(expected, key, value)
    {
        struct json_object *other = NULL;
        bool has = json_object_object_get_ex(got, key, &other);
        size_t inner = step_into_key(difference, at, key);
        if (!has ? differ_here(difference, value, NULL) : differ(difference, inner, value, other))
            return true;
    }
    json_object_object_foreach(got, extra, surplus)
    {
        if (json_object_object_get_ex(expected, extra, NULL))
            continue;
        step_into_key(difference, at, extra);
        return differ_here(difference, NULL, surplus);
    }
    difference->where[at] = '\0';
    return false;
}

static bool arrays_differ(struct difference *difference, size_t at, struct json_object *expected,
                          struct json_object *got)
{
    size_t expected_count = json_object_array_length(expected), got_count = json_object_array_length(got);
    size_t most = expected_count > got_count ? expected_count : got_count;
    for (size_t i = 0; i < most; i++) {
        char index[24];
        snprintf(index, sizeof index, "%zu", i);
        size_t inner = step_into_key(difference, at, index);
        struct json_object *a = i < expected_count ? json_object_array_get_idx(expected, i) : NULL;
        struct json_object *b = i < got_count ? json_object_array_get_idx(got, i) : NULL;
        if (differ(difference, inner, a, b))
            return true;
    }
    difference->where[at] = '\0';
    return false;
}

static bool differ(struct difference *difference, size_t at, struct json_object *expected, struct json_object *got)
{
    if (json_object_get_type(expected) != json_object_get_type(got))
        return differ_here(difference, expected, got);
    if (json_object_is_type(expected, json_type_object))
        return objects_differ(difference, at, expected, got);
    if (json_object_is_type(expected, json_type_array))
        return arrays_differ(difference, at, expected, got);
    return !json_object_equal(expected, got) && differ_here(difference, expected, got);
}

/* The report is the one that stands beside the capture. */
ParameterizedTestParameters(samples, expected)
{
    return samples_of(false);
}

ParameterizedTest(struct sample *sample, samples, expected)
{
    char path[PATH_MOST];
    expected_path(sample->path, path);
    struct json_object *got = json_of(sample->path);
    if (is_blessed(sample->path)) {
        int style = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
        cr_assert_eq(json_object_to_file_ext(path, got, style), 0, "%s: cannot be written", path);
        json_object_put(got);
        return;
    }
    struct json_object *expected = json_object_from_file(path);
    cr_assert_not_null(expected, "%s is not there, or no JSON: BLESS=NAME writes it", path);
    struct difference difference = {.where = ""};
    bool unlike = differ(&difference, 0, expected, got);
    cr_assert_not(unlike, "%s\n@@ %s @@\n- %s\n+ %s", path, difference.where, difference.expected, difference.got);
    json_object_put(expected);
    json_object_put(got);
}

/* The same capture gives the same bytes. */
ParameterizedTestParameters(samples, twice)
{
    return samples_of(true);
}

ParameterizedTest(struct sample *sample, samples, twice)
{
    char *one = json_text_of(sample->path, GENERATED), *two = json_text_of(sample->path, GENERATED);
    cr_assert_str_eq(one, two);
    free(one);
    free(two);
}

/* truths */

struct truth {
    char file[PATH_MOST];
    char address[64], outcome[64], culprit[64], mechanism[96];
    int port;
};

/* Copies a field and steps over its tab; false when there is none. */
static bool take_field(const char **line, char *field, size_t size)
{
    size_t length = strcspn(*line, "\t\n");
    if (length == 0 || length >= size)
        return false;
    memcpy(field, *line, length);
    field[length] = '\0';
    *line += length + ((*line)[length] == '\t');
    return true;
}

static bool read_truth(const char *line, struct truth *truth)
{
    char port[16];
    bool fine = take_field(&line, truth->file, sizeof truth->file) &&
                take_field(&line, truth->address, sizeof truth->address) && take_field(&line, port, sizeof port) &&
                take_field(&line, truth->outcome, sizeof truth->outcome) &&
                take_field(&line, truth->culprit, sizeof truth->culprit) &&
                take_field(&line, truth->mechanism, sizeof truth->mechanism);
    truth->port = fine ? atoi(port) : 0;
    return fine;
}

ParameterizedTestParameters(samples, truth)
{
    char line[LINE_MOST];
    size_t count = 0, room = 1024;
    struct truth *truths = cr_calloc(room, sizeof *truths);
    FILE *table = fopen("samples/truth.tsv", "r");
    while (table && count < room && fgets(line, sizeof line, table))
        if (*line != '#' && *line != '\n' && !read_truth(line, &truths[count++]))
            snprintf(truths[count - 1].file, PATH_MOST, "row %zu of truth.tsv cannot be read", count);
    if (table)
        fclose(table);
    return cr_make_param_array(struct truth, truths, count, NULL);
}

/* "a|b" holds the word "a" and the word "b"; "-" holds any. */
static bool holds(const char *alternatives, const char *word)
{
    if (strcmp(alternatives, "-") == 0)
        return true;
    size_t length = strlen(word);
    for (const char *at = alternatives; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        if (strcspn(at, "|") == length && strncmp(at, word, length) == 0)
            return true;
    return false;
}

static const char *word_of(struct json_object *object, const char *key)
{
    struct json_object *value;
    return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value) : "(nothing)";
}

static struct json_object *server_of(struct json_object *report, const struct truth *truth)
{
    struct json_object *servers, *port;
    if (!json_object_object_get_ex(report, "servers", &servers))
        return NULL;
    for (size_t i = 0; i < json_object_array_length(servers); i++) {
        struct json_object *server = json_object_array_get_idx(servers, i);
        if (json_object_object_get_ex(server, "port", &port) && json_object_get_int(port) == truth->port &&
            strcmp(word_of(server, "address"), truth->address) == 0)
            return server;
    }
    return NULL;
}

ParameterizedTest(struct truth *truth, samples, truth)
{
    char path[PATH_MOST + 16];
    snprintf(path, sizeof path, "samples/%s", truth->file);
    cr_assert_eq(access(path, R_OK), 0, "%s: not there", path);
    struct json_object *report = json_of(path), *server = server_of(report, truth);
    cr_assert_not_null(server, "%s: the report does not show %s port %d", path, truth->address, truth->port);
    cr_expect(holds(truth->outcome, word_of(server, "outcome")), "%s: outcome %s, not %s", path,
              word_of(server, "outcome"), truth->outcome);
    cr_expect(holds(truth->culprit, word_of(server, "culprit")), "%s: culprit %s, not %s", path,
              word_of(server, "culprit"), truth->culprit);
    cr_expect(holds(truth->mechanism, word_of(server, "mechanism")), "%s: mechanism %s, not %s", path,
              word_of(server, "mechanism"), truth->mechanism);
    json_object_put(report);
}

/* prefixes */

/* A copy of the file in memory that has a path; returns its descriptor. */
static int copy_in_memory(const char *path, off_t *length)
{
    FILE *file = fopen(path, "rb");
    int copy = memfd_create("sample", MFD_CLOEXEC);
    cr_assert(file && copy >= 0);
    char bytes[4096];
    size_t count;
    *length = 0;
    while ((count = fread(bytes, 1, sizeof bytes, file)) > 0) {
        cr_assert_eq(write(copy, bytes, count), (ssize_t)count);
        *length += (off_t)count;
    }
    fclose(file);
    return copy;
}

/* How many frames a reader finds in the file. */
static uint64_t frames_in(const char *path)
{
    struct source_input input = {.path = path};
    struct file *file = file_open(&input);
    struct frame frame;
    while (file && file_next(file, &input, &frame))
        cr_assert_leq(frame.captured, frame.declared);
    file_close(file);
    return input.frames;
}

ParameterizedTestParameters(samples, cut)
{
    return samples_of(true);
}

/* A file cut anywhere is read; where another number of frames comes out than one byte later, it is judged as well. */
ParameterizedTest(struct sample *sample, samples, cut)
{
    off_t whole;
    int copy = copy_in_memory(sample->path, &whole);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", copy);
    FILE *nowhere = fopen("/dev/null", "w");
    cr_assert_not_null(nowhere);
    uint64_t before = frames_in(path);
    off_t step = whole < BIG_FILE ? 1 : BIG_STEP;
    for (off_t length = whole - 1; length >= 0; length -= step) {
        cr_assert_eq(ftruncate(copy, length), 0);
        uint64_t frames = frames_in(path);
        cr_expect_leq(frames, before);
        if (frames != before)
            cr_expect(chain_run(path, GENERATED, json_only, 1, nowhere), "%s cut to %d bytes: no report", sample->path,
                      (int)length);
        before = frames;
    }
    cr_expect_eq(before, 0);
    fclose(nowhere);
    close(copy);
}

/* A frame cut anywhere blames no sender. */
ParameterizedTestParameters(samples, frames_cut)
{
    return samples_of(true);
}

static void cut_everywhere(const char *path, struct frame frame)
{
    struct packet packet;
    enum packet_status whole = packet_parse(&packet, &frame);
    uint32_t length = frame.captured;
    for (frame.captured = 0; frame.captured < length; frame.captured++) {
        uint8_t *exact = malloc(frame.captured ? frame.captured : 1); /* so that a sanitizer sees the end */
        cr_assert_not_null(exact);
        memcpy(exact, frame.data, frame.captured);
        struct frame cut = frame;
        cut.data = exact;
        enum packet_status status = packet_parse(&packet, &cut);
        cr_expect(status != PACKET_BAD || whole == PACKET_BAD, "%s: %u of %u bytes of frame %d are said to be bad",
                  path, frame.captured, length, (int)frame.ref.number);
        if (status == PACKET_OK) {
            cr_expect_leq(packet.payload.left, frame.captured);
            if (packet.protocol == PROTOCOL_TCP)
                packet_tcp_options(&packet);
        }
        free(exact);
    }
}

ParameterizedTest(struct sample *sample, samples, frames_cut)
{
    const char *path = sample->path;
    struct failure failure = {""};
    struct source *source = source_open(&path, 1, &failure);
    struct frame frame;
    cr_assert_not_null(source);
    while (source_next(source, &frame))
        cut_everywhere(path, frame);
    source_close(source);
}
