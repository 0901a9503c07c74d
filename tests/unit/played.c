#include "tests/unit/played.h"

#include "capture/source.h"
#include "clock.h"
#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct source *open_capture(const char *path)
{
    struct failure failure = {""};
    cr_assert(clock_set_zone("UTC")); /* some captures have times of a zone that they do not tell */
    struct source *source = source_open(&path, 1, NULL, &failure);
    cr_assert_not_null(source, "%s: %s", path, failure.text);
    return source;
}

static uint64_t count_frames(const char *path)
{
    struct source *source = open_capture(path);
    struct frame frame;
    uint64_t frames = 0;
    while (source_next(source, &frame))
        frames++;
    source_close(source);
    return frames;
}

/* The answer is the same when the question is put twice. */
static void ask_twice(struct analysis *analysis)
{
    struct analysis_counters counters = analysis_counters(analysis);
    char *first = played_report(analysis_so_far(analysis), counters);
    played_same("asked twice", first, played_report(analysis_so_far(analysis), counters));
}

static void let_happen(struct analysis *analysis, const struct moment *moment, int64_t *set_ns)
{
    switch (moment->what) {
    case MOMENT_ASK:
        ask_twice(analysis);
        break;
    case MOMENT_RENEW:
        analysis_renew(analysis);
        break;
    case MOMENT_STEP:
        analysis_shift(analysis, moment->step_ns);
        *set_ns += moment->step_ns;
    }
}

struct analysis *played_begin(const char *path, unsigned parts, const struct moment *moments, size_t count)
{
    static const struct analysis_options options = {.live = true};
    uint64_t frames = count_frames(path), taken = 0;
    struct source *source = open_capture(path);
    struct analysis *analysis = analysis_new(&options);
    struct frame frame;
    size_t next = 0;
    int64_t set_ns = 0;
    cr_assert_not_null(analysis);
    while (taken < frames * parts / PLAYED_PARTS && source_next(source, &frame)) {
        for (; next < count && taken >= frames * moments[next].part / PLAYED_PARTS; next++)
            let_happen(analysis, &moments[next], &set_ns);
        frame.time_ns += set_ns;
        analysis_feed(analysis, &frame);
        taken++;
    }
    source_close(source);
    return analysis;
}

char *played_report(const struct facts *facts, struct analysis_counters counters)
{
    static const struct report_source from = {.command = "test", .pcap_version = "none", .generated_ns = 1};
    static const struct render_options plain = {.colour = false};
    char *text = NULL;
    size_t size = 0;
    cr_assert_not_null(facts);
    struct report *report = report_build(facts, counters, &from);
    FILE *out = open_memstream(&text, &size);
    cr_assert(report && out && render_json(report, &plain, out));
    fclose(out);
    report_free(report);
    return text;
}

char *played_to_end(const char *path, const struct moment *moments, size_t count)
{
    struct analysis *analysis = played_begin(path, PLAYED_PARTS, moments, count);
    analysis_finish(analysis);
    char *text = played_report(analysis_facts(analysis), analysis_counters(analysis));
    analysis_free(analysis);
    return text;
}

void played_same(const char *path, char *expected, char *got)
{
    enum { AROUND = 200 };
    size_t at = 0;
    while (expected[at] && expected[at] == got[at])
        at++;
    size_t from = at > AROUND ? at - AROUND : 0;
    cr_assert(expected[at] == got[at], "%s\n- %.*s\n+ %.*s", path, 2 * AROUND, expected + from, 2 * AROUND, got + from);
    free(expected);
    free(got);
}
