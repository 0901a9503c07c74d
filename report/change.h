/* A server's verdict that has become another one: as a line to read, a message to log, and a line of JSON. */
#ifndef TCP53_REPORT_CHANGE_H
#define TCP53_REPORT_CHANGE_H

#include "report/report.h"

enum { CHANGE_MESSAGE = 900 }; /* bytes of a message: RFC 3164 has 1024 for it and what is put before it */

struct change {
    int64_t time_ns; /* when it was judged so, since 1970 */
    struct addr address;
    uint16_t port;
    struct change_state {
        enum report_outcome outcome;
        enum culprit culprit;
        enum confidence confidence;
        enum mechanism mechanism;
    } before, now;
    const char *headline; /* of the new verdict */
    uint32_t attempts, answered, rejected, unanswered;
    int64_t since_ns; /* the first failure; 0: there is none */
};

/* One line for people, with its end; false when `out` took less. */
bool change_text(const struct change *change, FILE *out);
/* One line of `word=value` and the headline, without an end, newly allocated; NULL without memory. */
char *change_message(const struct change *change);
/* One line, $defs/change of report.schema.json; false when `out` took less or there is no memory. */
bool change_json(const struct change *change, FILE *out);
/* How urgent it is, as syslog(3) ranks it: LOG_ERR, LOG_WARNING, LOG_NOTICE or LOG_INFO. */
int change_priority(const struct change *change);

#endif
