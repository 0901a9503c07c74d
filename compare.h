/* Two captures of the same traffic, read and matched: what `compare` judges. */
#ifndef TCP53_COMPARE_H
#define TCP53_COMPARE_H

#include "capture/source.h"
#include "dissect/analysis.h"
#include "dissect/pair.h"

struct comparison {
    struct source *source; /* the first reading, of both, by which a report describes them */
    struct analysis *sides[PAIR_SIDES];
    struct trail *trails[PAIR_SIDES];
    struct pair *pair;
    bool swapped; /* they were named in the other order */
};

/*
 * Reads two captures (files or directories), the client side's first, twice: once to match them packet by packet, and
 * the client side's again to judge it by what the other says. Captures that were named in the other order (their TTLs
 * tell) change places. False and a sentence when they cannot be opened; then and later comparison_end() frees all.
 */
bool comparison_make(struct comparison *comparison, const char *const paths[PAIR_SIDES],
                     const struct source_options *selection, const struct analysis_options *options,
                     struct failure *failure);
void comparison_end(struct comparison *comparison);

#endif
