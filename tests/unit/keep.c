/* Evidence: what keep writes of a capture says the same as the capture; and its bounds. */
#include "tests/unit/draft.h"
#include "tests/unit/evidence.h"

#include "clock.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <glob.h>

enum { PATH_MOST = 200 };

TestSuite(keep, .init = draft_begin, .fini = draft_end);

struct sample {
    char path[PATH_MOST];
};

static struct criterion_test_params samples(void)
{
    static const char *const patterns[] = {"samples/*.pcap", "samples/*.pcapng", "samples/*.cap", "samples/*/*.pcap"};
    glob_t found = {.gl_pathc = 0};
    for (int i = 0; i < 4; i++)
        glob(patterns[i], i ? GLOB_APPEND : 0, NULL, &found);
    struct sample *list = cr_calloc(found.gl_pathc + 1, sizeof *list);
    for (size_t i = 0; i < found.gl_pathc; i++)
        snprintf(list[i].path, PATH_MOST, "%s", found.gl_pathv[i]);
    size_t count = found.gl_pathc;
    globfree(&found);
    return cr_make_param_array(struct sample, list, count, NULL);
}

static bool failed(const struct report_server *server)
{
    return server->outcome == REPORT_REJECTED || server->outcome == REPORT_UNANSWERED ||
           server->outcome == REPORT_MIXED;
}

/* Each server that failed in the whole capture is judged alike in the evidence. */
static void expect_alike(const struct verdicts *whole, const struct verdicts *evidence, const char *path)
{
    for (size_t i = 0; i < whole->report->server_count; i++) {
        const struct report_server *server = &whole->report->servers[i];
        if (failed(server))
            cr_expect_str_eq(verdicts_of(evidence, server->facts), verdicts_of(whole, server->facts), "%s: %s, not %s",
                             path, verdicts_of(evidence, server->facts), verdicts_of(whole, server->facts));
    }
}

static bool any_failed(const struct verdicts *verdicts)
{
    for (size_t i = 0; i < verdicts->report->server_count; i++)
        if (failed(&verdicts->report->servers[i]))
            return true;
    return false;
}

/* The files of the ring. */
ParameterizedTestParameters(keep, written)
{
    return samples();
}

ParameterizedTest(struct sample *sample, keep, written)
{
    struct ring_options options = evidence_files(0, 0);
    struct ring *ring = ring_new(&options);
    struct keep *keep = keep_new(0, evidence_write, ring);
    struct verdicts whole, evidence;
    cr_assert(ring && keep && clock_set_zone("UTC"));
    verdicts_keep(&whole, sample->path, keep);
    ring_free(ring);
    if (any_failed(&whole)) {
        verdicts_read(&evidence, draft_folder());
        expect_alike(&whole, &evidence, sample->path);
        verdicts_end(&evidence);
    }
    verdicts_end(&whole);
    keep_free(keep);
}
