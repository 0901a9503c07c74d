/*
 * Where on the way to a server something answers in its place: packets with growing TTLs, from ordinary sockets, which
 * need no rights. Nothing here waits; several may be driven by one loop.
 */
#ifndef TCP53_CAPTURE_LOCATE_H
#define TCP53_CAPTURE_LOCATE_H

#include "capture/failure.h"

#include "dissect/path.h"
#include "dissect/query.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LOCATE_BATCH = 8,                                   /* UDP queries, and as many SYNs, that are out at one time */
    LOCATE_QUERIES = 4,                                 /* connections for the query: servers limit their clients' */
    LOCATE_SOCKETS = 2 * LOCATE_BATCH + LOCATE_QUERIES, /* open at one time */
    LOCATE_MOST = PATH_PORTS * PATH_HOPS * PATH_WAYS,   /* sockets used in all: one for each way, sweep and TTL */
    LOCATE_TIMEOUT_MS = 1500,
};

struct locate_options {
    struct addr server;
    uint16_t port;
    const struct query *query; /* has to stay */
    bool ask;                  /* walk PATH_QUERY as well: the handshake works, and what follows it does not */
    int64_t timeout_ns;        /* of one packet; 0: LOCATE_TIMEOUT_MS */
    /* Told of each local port before anything is sent from it; may be NULL. */
    void (*port_bound)(void *context, bool tcp, uint16_t port);
    void *context;
};

struct locate;

struct locate *locate_new(const struct locate_options *options, struct failure *failure);
void locate_free(struct locate *locate);
/* Its sockets, LOCATE_SOCKETS at most; how many. */
size_t locate_descriptors(const struct locate *locate, struct pollfd *list, size_t room);
/* When locate_step() has to be called at the latest; CLOCK_MONOTONIC. */
int64_t locate_due_ns(const struct locate *locate);
/* Reads what came and sends what is due; false when it is done. */
bool locate_step(struct locate *locate, int64_t now_ns);
/* What is known so far. */
const struct path *locate_path(const struct locate *locate);
/* Sockets used so far, each of which sent one packet, and again what TCP sends again. */
unsigned locate_sent(const struct locate *locate);

#endif
