/* The whole chain as `tcp53 read` (and compare) runs it, from a capture's path to a rendered report, for tests and fuzzers. */
#ifndef TCP53_TESTS_CHAIN_H
#define TCP53_TESTS_CHAIN_H

#include "compare.h"
#include "inputs.h"

#include <stdio.h>

/* Judges what the analysis saw and writes it in each of the forms. */
static inline bool chain_conclude(const struct source *source, const struct analysis *analysis,
                                  struct report_source from, renderer *const *renderers, size_t count, FILE *out)
{
    static const struct render_options options = {.verbose = true};
    if (!inputs_describe(source, &from))
        return false;
    struct report *report = report_build(analysis_facts(analysis), analysis_counters(analysis), &from);
    bool fine = report != NULL;
    for (size_t i = 0; i < count && fine; i++)
        fine = renderers[i](report, &options, out);
    report_free(report);
    inputs_release(&from);
    return fine;
}

/* Reads a capture and writes its report in each of the forms, one behind the other; false when that failed. */
static inline bool chain_run(const char *path, int64_t generated_ns, renderer *const *renderers, size_t count,
                             FILE *out)
{
    static const struct analysis_options options = {.port_count = 0};
    struct report_source from = {.command = "read", .generated_ns = generated_ns};
    struct failure failure = {""};
    struct source *source = source_open(&path, 1, NULL, &failure);
    struct analysis *analysis = analysis_new(&options);
    bool fine = source && analysis;
    struct frame frame;
    while (fine && source_next(source, &frame))
        analysis_feed(analysis, &frame);
    if (fine) {
        analysis_finish(analysis);
        fine = chain_conclude(source, analysis, from, renderers, count, out);
    }
    source_close(source);
    analysis_free(analysis);
    return fine;
}

/* The same for two captures of one traffic, as `tcp53 compare` runs it. */
static inline bool chain_compare(const char *client_side, const char *server_side, int64_t generated_ns,
                                 renderer *const *renderers, size_t count, FILE *out)
{
    static const struct analysis_options options = {.port_count = 0};
    static const struct source_options selection = {.count = 0};
    const char *const paths[PAIR_SIDES] = {client_side, server_side};
    struct comparison comparison = {.source = NULL};
    struct failure failure = {""};
    bool fine = comparison_make(&comparison, paths, &selection, &options, &failure);
    if (fine) {
        struct report_source from = {.command = "compare",
                                     .generated_ns = generated_ns,
                                     .pair = comparison.pair,
                                     .server_side = comparison.sides[PAIR_SERVER],
                                     .swapped = comparison.swapped};
        fine = chain_conclude(comparison.source, comparison.sides[PAIR_CLIENT], from, renderers, count, out);
    }
    comparison_end(&comparison);
    return fine;
}

#endif
