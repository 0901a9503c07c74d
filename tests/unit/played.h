/* Saved captures taken as a watch takes packets, with what happens to it in between. */
#ifndef TCP53_TESTS_PLAYED_H
#define TCP53_TESTS_PLAYED_H

#include "dissect/analysis.h"

#include "tests/sample.h"

enum { PLAYED_PARTS = 8 };

/* What happens when so many eighths of the frames have been taken. */
struct moment {
    enum { MOMENT_ASK, MOMENT_RENEW, MOMENT_STEP } what;
    unsigned part;
    int64_t step_ns; /* the clock is set by so much */
};

/* An analysis that has taken the first eighths of a capture; the moments in their order. */
struct analysis *played_begin(const char *path, unsigned parts, const struct moment *moments, size_t count);
/* The report on these facts as JSON, newly allocated. */
char *played_report(const struct facts *facts, struct analysis_counters counters);
/* The report on a whole capture, with those moments in it. */
char *played_to_end(const char *path, const struct moment *moments, size_t count);
/* Fails the test where the texts differ; frees them. */
void played_same(const char *path, char *expected, char *got);

#endif
