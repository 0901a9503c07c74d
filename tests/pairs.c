/*
 * The pairs in samples/pairs/, each through the same calls as `tcp53 compare --format json`: against the expected report
 * beside it, against the table of truths, in the other order, and each capture by itself.
 */
#include "tests/chain.h"
#include "tests/expected.h"

#include <glob.h>
#include <string.h>

enum { ENDING = sizeof ".client.pcap" - 1 };

struct couple {
    char stem[PATH_MOST];
};

static struct criterion_test_params couples(void)
{
    glob_t found = {.gl_pathc = 0};
    glob("samples/pairs/*.client.pcap", 0, NULL, &found);
    struct couple *couples = cr_calloc(found.gl_pathc + 1, sizeof *couples);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *file = strrchr(found.gl_pathv[i], '/') + 1;
        snprintf(couples[i].stem, PATH_MOST, "%.*s", (int)(strlen(file) - ENDING), file);
    }
    size_t count = found.gl_pathc;
    globfree(&found);
    return cr_make_param_array(struct couple, couples, count, NULL);
}

/* One side of a pair by itself when `file` names it, else both of them compared. */
static struct json_object *json_of(const char *file, bool other_order)
{
    static renderer *const json_only[] = {render_json};
    char *text = NULL, client[2 * PATH_MOST], server[2 * PATH_MOST];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cr_assert_not_null(out);
    bool alone = strchr(file, '.') != NULL;
    snprintf(client, sizeof client, "samples/pairs/%s%s", file, alone ? "" : ".client.pcap");
    snprintf(server, sizeof server, "samples/pairs/%s.server.pcap", file);
    bool fine = alone         ? chain_run(client, GENERATED, json_only, 1, out)
                : other_order ? chain_compare(server, client, GENERATED, json_only, 1, out)
                              : chain_compare(client, server, GENERATED, json_only, 1, out);
    fclose(out);
    cr_assert(fine, "%s: no report", file);
    struct json_object *report = expected_parse(file, text);
    free(text);
    return report;
}

ParameterizedTestParameters(pairs, expected)
{
    return couples();
}

ParameterizedTest(struct couple *couple, pairs, expected)
{
    expected_report("samples/pairs", couple->stem, json_of(couple->stem, false));
}

ParameterizedTestParameters(pairs, truth)
{
    return expected_truths("samples/pairs");
}

ParameterizedTest(struct truth *truth, pairs, truth)
{
    struct json_object *report = json_of(truth->file, false);
    expected_truth(truth, report);
    json_object_put(report);
}

static bool have_something_in_common(struct json_object *report)
{
    struct json_object *comparison, *offset;
    return json_object_object_get_ex(report, "comparison", &comparison) &&
           json_object_object_get_ex(comparison, "clock_offset_ms", &offset) && offset;
}

/* Whichever is named first, TTLs of packets that both have tell which was taken where. */
ParameterizedTestParameters(pairs, other_order)
{
    return couples();
}

ParameterizedTest(struct couple *couple, pairs, other_order)
{
    struct json_object *one = json_of(couple->stem, false), *two = json_of(couple->stem, true), *a, *b;
    cr_assert(json_object_object_get_ex(one, "verdict", &a));
    cr_assert(json_object_object_get_ex(two, "verdict", &b));
    cr_expect(!have_something_in_common(one) || json_object_equal(a, b), "%s: %s, and in the other order %s",
              couple->stem, json_object_to_json_string(a), json_object_to_json_string(b));
    json_object_put(one);
    json_object_put(two);
}
