#include "compare.h"

#include "capture/file.h"

#include <string.h>

/* Which of the two operands a frame comes from. */
static unsigned operand_of(const struct source *source, const struct frame *frame)
{
    size_t count;
    return source_inputs(source, &count)[frame->ref.input].operand;
}

static bool walk_both(struct comparison *comparison, const struct analysis_options *options)
{
    for (int side = 0; side < PAIR_SIDES; side++) {
        struct analysis_options own = *options;
        own.trail = comparison->trails[side] = trail_new();
        comparison->sides[side] = own.trail ? analysis_new(&own) : NULL;
        if (!comparison->sides[side])
            return false;
    }
    struct frame frame;
    while (source_next(comparison->source, &frame))
        analysis_feed(comparison->sides[operand_of(comparison->source, &frame)], &frame);
    for (int side = 0; side < PAIR_SIDES; side++)
        analysis_finish(comparison->sides[side]);
    return true;
}

static void exchange_sides(struct comparison *comparison)
{
    struct trail *trail = comparison->trails[PAIR_CLIENT];
    comparison->trails[PAIR_CLIENT] = comparison->trails[PAIR_SERVER];
    comparison->trails[PAIR_SERVER] = trail;
    struct analysis *side = comparison->sides[PAIR_CLIENT];
    comparison->sides[PAIR_CLIENT] = comparison->sides[PAIR_SERVER];
    comparison->sides[PAIR_SERVER] = side;
}

static bool match(struct comparison *comparison)
{
    comparison->pair = pair_new(comparison->trails[PAIR_CLIENT], comparison->trails[PAIR_SERVER]);
    comparison->swapped = comparison->pair && pair_summary(comparison->pair).swapped;
    if (comparison->swapped) {
        pair_free(comparison->pair);
        exchange_sides(comparison);
        comparison->pair = pair_new(comparison->trails[PAIR_CLIENT], comparison->trails[PAIR_SERVER]);
    }
    return comparison->pair;
}

/* Reads the client side's capture again, and with it the other only when that was named first. */
static bool judge_client_side(struct comparison *comparison, struct source *again,
                              const struct analysis_options *options)
{
    struct analysis_options own = *options;
    own.pair = comparison->pair;
    analysis_free(comparison->sides[PAIR_CLIENT]);
    comparison->sides[PAIR_CLIENT] = analysis_new(&own);
    if (!comparison->sides[PAIR_CLIENT])
        return false;
    struct frame frame;
    unsigned operand, wanted = comparison->swapped;
    while (source_next(again, &frame) && (operand = operand_of(again, &frame)) <= wanted)
        if (operand == wanted)
            analysis_feed(comparison->sides[PAIR_CLIENT], &frame);
    analysis_finish(comparison->sides[PAIR_CLIENT]);
    return true;
}

/* Reads both, once or (by runs, when that is what puts their frames in order) twice, and matches them. */
static bool read_and_match(struct comparison *comparison, const char *const paths[PAIR_SIDES],
                           struct source_options *selection, const struct analysis_options *options,
                           struct failure *failure)
{
    comparison->source = source_open(paths, PAIR_SIDES, selection, failure);
    if (!comparison->source)
        return false;
    if (!walk_both(comparison, options))
        return failure_set(failure, "out of memory");
    if (source_may_order(comparison->source)) {
        comparison_end(comparison);
        *comparison = (struct comparison){.source = NULL};
        selection->by_runs = true;
        return read_and_match(comparison, paths, selection, options, failure);
    }
    return match(comparison) || failure_set(failure, "out of memory");
}

bool comparison_make(struct comparison *comparison, const char *const paths[PAIR_SIDES],
                     const struct source_options *selection, const struct analysis_options *options,
                     struct failure *failure)
{
    struct source_options apart = *selection;
    apart.apart = true;
    for (int side = 0; side < PAIR_SIDES; side++)
        if (file_is_once(paths[side]))
            return failure_set(failure, "compare: captures are read twice, so %s cannot be one of them: save it first",
                               strcmp(paths[side], "-") == 0 ? "standard input" : paths[side]);
    if (!read_and_match(comparison, paths, &apart, options, failure))
        return false;
    struct source *again = source_open(paths, PAIR_SIDES, &apart, failure);
    if (!again)
        return false;
    bool judged = judge_client_side(comparison, again, options);
    source_close(again);
    return judged || failure_set(failure, "out of memory");
}

void comparison_end(struct comparison *comparison)
{
    pair_free(comparison->pair);
    for (int side = 0; side < PAIR_SIDES; side++) {
        analysis_free(comparison->sides[side]);
        trail_free(comparison->trails[side]);
    }
    source_close(comparison->source);
}
