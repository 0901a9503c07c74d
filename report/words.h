/* Values as words that all renderers share: times, ends of a flow, clean text, and the names of the counters. */
#ifndef TCP53_REPORT_WORDS_H
#define TCP53_REPORT_WORDS_H

#include "report/report.h"

#include <stddef.h>

enum {
    WORDS_TIME = 48,                    /* bytes that a time takes, with its NUL */
    WORDS_ENDPOINT = ADDR_TEXT + 2 + 6, /* bytes that an address with its port takes */
};

/* RFC 3339 UTC with nanoseconds into `text` of WORDS_TIME bytes; returns `text`. */
const char *words_time(int64_t time_ns, char *text);
/* "192.0.2.1:53" or "[2001:db8::1]:53" into `text` of WORDS_ENDPOINT bytes; returns `text`. */
const char *words_endpoint(struct addr address, uint16_t port, char *text);
/* A copy that is valid UTF-8 without control characters, whatever came in; NULL without memory. */
char *words_utf8(const char *text);
/* "" for one, "s" for any other number. */
const char *words_plural(uint64_t count);
/* A sentence, newly allocated; NULL without memory. */
__attribute__((format(printf, 1, 2))) char *words_format(const char *pattern, ...);

/* A counter of the analysis: its JSON key, what a reader has to be told of it (NULL: nothing; page.h), and where it is. */
struct words_counter {
    const char *name;
    const char *warning;
    size_t offset;
};

/* The table of all counters; returns its length. */
size_t words_counters(const struct words_counter **counters);
uint64_t words_counter(const struct analysis_counters *counters, const struct words_counter *counter);

#endif
