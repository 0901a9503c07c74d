/*
 * The samples, each through the same calls as `tcp53 read --format json`: against the expected report beside it,
 * against the table of truths, cut at every length, and twice.
 */
#include "capture/file.h"
#include "clock.h"
#include "tests/chain.h"
#include "tests/expected.h"
#include "tests/sample.h"

#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BIG_FILE = 8192, BIG_STEP = 7 };

static renderer *const json_only[] = {render_json};

/* The report as text, to be freed. */
static char *json_text_of(const char *path, int64_t generated_ns)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cr_assert_not_null(out);
    cr_assert(clock_set_zone("UTC")); /* some captures have times of a zone that they do not tell */
    bool fine = chain_run(path, generated_ns, json_only, 1, out);
    fclose(out);
    cr_assert(fine, "%s: no report", path);
    return text;
}

static struct json_object *json_of(const char *path)
{
    char *text = json_text_of(path, GENERATED);
    struct json_object *report = expected_parse(path, text);
    free(text);
    return report;
}

/* The report is the one that stands beside the capture. */
ParameterizedTestParameters(samples, expected)
{
    return sample_params(false);
}

ParameterizedTest(struct sample *sample, samples, expected)
{
    char stem[PATH_MOST];
    const char *file = strrchr(sample->path, '/') + 1;
    snprintf(stem, sizeof stem, "%.*s", (int)strcspn(file, "."), file);
    expected_report("samples", stem, json_of(sample->path));
}

/* The same capture gives the same bytes. */
ParameterizedTestParameters(samples, twice)
{
    return sample_params(true);
}

ParameterizedTest(struct sample *sample, samples, twice)
{
    char *one = json_text_of(sample->path, GENERATED), *two = json_text_of(sample->path, GENERATED);
    cr_assert_str_eq(one, two);
    free(one);
    free(two);
}

/* truths */

ParameterizedTestParameters(samples, truth)
{
    return expected_truths("samples");
}

ParameterizedTest(struct truth *truth, samples, truth)
{
    char path[2 * PATH_MOST];
    snprintf(path, sizeof path, "%s/%s", truth->folder, truth->file);
    cr_assert_eq(access(path, R_OK), 0, "%s: not there", path);
    struct json_object *report = json_of(path);
    expected_truth(truth, report);
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
    struct input input = {.path = path};
    static struct notes notes;
    struct file *file = file_open(&input, &notes);
    struct frame frame;
    while (file && file_next(file, &input, &frame))
        cr_assert_leq(frame.captured, frame.declared);
    file_close(file);
    return input.frames;
}

ParameterizedTestParameters(samples, cut)
{
    return sample_params(true);
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
    return sample_params(true);
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
    struct source *source = source_open(&path, 1, NULL, &failure);
    struct frame frame;
    cr_assert_not_null(source);
    while (source_next(source, &frame))
        cut_everywhere(path, frame);
    source_close(source);
}
