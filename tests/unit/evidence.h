/* Captures taken through keep and ring as `tcp53 watch` does it, and what comes out read again. */
#ifndef TCP53_TESTS_EVIDENCE_H
#define TCP53_TESTS_EVIDENCE_H

#include "capture/keep.h"
#include "capture/ring.h"
#include "dissect/analysis.h"
#include "inputs.h"

/* Files of a ring in the test's folder (tests/unit/draft.h). */
struct ring_options evidence_files(uint64_t bytes, unsigned files);
unsigned evidence_write(void *ring, const struct frame *frame);

/* A report, with all that it rests on. */
struct verdicts {
    struct source *source;
    struct analysis *analysis;
    struct report_source from;
    struct report *report;
};

/* As `tcp53 read PATH`. */
void verdicts_read(struct verdicts *verdicts, const char *path);
/* The same, and all goes through `keep` on the way. */
void verdicts_keep(struct verdicts *verdicts, const char *path, struct keep *keep);
void verdicts_end(struct verdicts *verdicts);
/* What it says of a server: "rejected server syn-reset proven"; good for some calls more. */
const char *verdicts_of(const struct verdicts *verdicts, const struct server *server);

#endif
