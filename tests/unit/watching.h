/* Captures taken through keep and ring as `tcp53 watch` does it, and what comes out read again. */
#ifndef TCP53_TESTS_WATCHING_H
#define TCP53_TESTS_WATCHING_H

#include "capture/keep.h"
#include "capture/ring.h"
#include "dissect/analysis.h"
#include "inputs.h"

/* Files of a ring in the test's folder (tests/unit/draft.h). */
struct ring_options watching_files(uint64_t bytes, unsigned files);
unsigned watching_write(void *ring, const struct frame *frame);

/* A report, with all that it rests on. */
struct verdicts {
    struct source *source;
    struct analysis *analysis;
    struct report_source from;
    struct report *report;
};

/* As `tcp53 read PATH`. */
void watching_read(struct verdicts *verdicts, const char *path);
/* The same, and all goes through `keep` on the way. */
void watching_keep(struct verdicts *verdicts, const char *path, struct keep *keep);
void watching_end(struct verdicts *verdicts);
/* What it says of a server: "rejected server syn-reset proven"; good for some calls more. */
const char *watching_verdict(const struct verdicts *verdicts, const struct server *server);

#endif
