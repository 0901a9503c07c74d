#include "tests/expected.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct json_object *expected_parse(const char *name, const char *text)
{
    struct json_object *report = json_tokener_parse(text), *tool;
    cr_assert_not_null(report, "%s: the report is not JSON", name);
    json_object_object_del(report, "generated");
    if (json_object_object_get_ex(report, "tool", &tool)) {
        json_object_object_del(tool, "version");
        json_object_object_del(tool, "libraries");
    }
    return report;
}

static bool is_blessed(const char *stem)
{
    const char *name = getenv("BLESS");
    return name && (strcmp(name, "all") == 0 || strcmp(name, stem) == 0);
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

void expected_report(const char *folder, const char *stem, struct json_object *report)
{
    char path[2 * PATH_MOST];
    snprintf(path, sizeof path, "%s/%s.json", folder, stem);
    if (is_blessed(stem)) {
        int style = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
        cr_assert_eq(json_object_to_file_ext(path, report, style), 0, "%s: cannot be written", path);
        json_object_put(report);
        return;
    }
    struct json_object *expected = json_object_from_file(path);
    cr_assert_not_null(expected, "%s is not there, or no JSON: make bless S=%s writes it", path, stem);
    struct difference difference = {.where = ""};
    bool unlike = differ(&difference, 0, expected, report);
    cr_assert_not(unlike, "%s\n@@ %s @@\n- %s\n+ %s", path, difference.where, difference.expected, difference.got);
    json_object_put(expected);
    json_object_put(report);
}

/* truths */

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

struct criterion_test_params expected_truths(const char *folder)
{
    char line[LINE_MOST], path[PATH_MOST];
    size_t count = 0, room = 1024;
    struct truth *truths = cr_calloc(room, sizeof *truths);
    snprintf(path, sizeof path, "%s/truth.tsv", folder);
    FILE *table = fopen(path, "r");
    while (table && count < room && fgets(line, sizeof line, table)) {
        if (*line == '#' || *line == '\n')
            continue;
        struct truth *truth = &truths[count++];
        if (!read_truth(line, truth))
            snprintf(truth->file, PATH_MOST, "row %zu of truth.tsv cannot be read", count);
        snprintf(truth->folder, sizeof truth->folder, "%s", folder);
    }
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

void expected_truth(const struct truth *truth, struct json_object *report)
{
    const char *path = truth->file;
    struct json_object *server = server_of(report, truth);
    if (!server && holds(truth->outcome, "none")) /* a server that was never seen was not asked either */
        return;
    cr_assert_not_null(server, "%s: the report does not show %s port %d", path, truth->address, truth->port);
    cr_expect(holds(truth->outcome, word_of(server, "outcome")), "%s: outcome %s, not %s", path,
              word_of(server, "outcome"), truth->outcome);
    cr_expect(holds(truth->culprit, word_of(server, "culprit")), "%s: culprit %s, not %s", path,
              word_of(server, "culprit"), truth->culprit);
    cr_expect(holds(truth->mechanism, word_of(server, "mechanism")), "%s: mechanism %s, not %s", path,
              word_of(server, "mechanism"), truth->mechanism);
}
