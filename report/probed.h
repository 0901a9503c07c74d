/* What a probe did, put together by server and test for the renderers. */
#ifndef TCP53_REPORT_PROBED_H
#define TCP53_REPORT_PROBED_H

#include "report/located.h"
#include "report/report.h"

enum { PROBED_SERVERS = 64 };

/* All tries of one test at one server. */
struct probed_test {
    unsigned tries;
    unsigned statuses[ATTEMPT_STATUSES];
    struct delays rtt;            /* of those that were answered, from the first packet to the last */
    const struct attempt *failed; /* the latest that was not answered; NULL: none */
    const struct attempt *last;
};

struct probed_server {
    struct addr address;
    uint16_t port;
    struct probed_test tests[ATTEMPT_TESTS];
    const struct report_server *judged; /* NULL: it is not in the report */
    const struct report_answer *answer; /* NULL: it gave none */
    const struct path *path;            /* NULL: it was not located */
};

/* Fills in up to PROBED_SERVERS, in the order in which they were asked; returns how many. */
unsigned probed_servers(const struct report *report, struct probed_server *list);
/* Those tests that were answered as far as DNS goes: with an answer, or one with TC=1. */
unsigned probed_answered(const struct probed_test *test);
/* The status that most of the tries that failed came to; ATTEMPT_ANSWERED when none failed. */
enum attempt_status probed_failure(const struct probed_test *test);
/* It answers over UDP. */
bool probed_answers_udp(const struct probed_server *server);
/* It answers over TCP, every time: the one to use. */
bool probed_answers_tcp(const struct probed_server *server);
/* The answer shown came over TCP. */
bool probed_answer_is_tcp(const struct probed_server *server);
/* Where its path shows that TCP ends. */
struct located probed_located(const struct report *report, const struct probed_server *server);

#endif
