/* A probe as its sockets were told of it, and a path walked, for tests that read like a story. */
#ifndef TCP53_TESTS_PROBING_H
#define TCP53_TESTS_PROBING_H

#include "report/report.h"

enum { PROBING_ATTEMPTS = 64 };

struct probing {
    struct facts *facts;
    struct attempt attempts[PROBING_ATTEMPTS];
    struct report_probe probe;
    int64_t time_ns;
    struct report *report;
};

/* Client 192.0.2.10 asks for the MX of microsoft.com; nothing is captured. */
void probing_begin(struct probing *probing);
void probing_end(struct probing *probing);
/* One attempt, which is told to the facts. TTLs: of what came back, and of the SYN-ACK; 0: not measured. */
struct attempt *probing_try(struct probing *probing, const char *server, enum attempt_test test,
                            enum attempt_status status, uint8_t ttl);
/* Several alike. */
void probing_tries(struct probing *probing, unsigned count, const char *server, enum attempt_test test,
                   enum attempt_status status, uint8_t ttl);
/* The report, made once. */
const struct report *probing_report(struct probing *probing);
/* The report of a server, by its address. */
const struct report_server *probing_server(struct probing *probing, const char *server);
/* True when the server's evidence has such a rule. */
bool probing_found(struct probing *probing, const char *server, const char *rule);

/*
 * Walks one way of a path: a letter for each TTL from 1, each three times. e time exceeded (of 198.18.0.TTL), E the same of
 * another router (198.18.1.TTL), n the same of one that was not told, s silence, R RST, F FIN, I ICMP error, A SYN-ACK, D DNS answer, '-' not tried.
 */
void probing_walk(struct path *path, enum path_way way, const char *replies);
/* A path to a server, stable, walked three times. */
struct path probing_path(const char *server, const char *udp, const char *syn, const char *query);

#endif
