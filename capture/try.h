/* One attempt at a server under way: its socket, from the first packet to the last. */
#ifndef TCP53_CAPTURE_TRY_H
#define TCP53_CAPTURE_TRY_H

#include "capture/sockets.h"
#include "dissect/attempt.h"
#include "dissect/query.h"

#include <poll.h>

enum { TRY_MESSAGE = 2 + UINT16_MAX }; /* a message behind its length */

/* Who is told of an attempt while it goes on. */
struct try_observer {
    void *context;
    /* Before its first packet: packets of this port are the probe's own. */
    void (*port)(void *context, bool tcp, uint16_t port);
    /* A whole answer without TC, the length left off; only for the call. */
    void (*answer)(void *context, const struct attempt *attempt, const uint8_t *bytes, size_t length);
};

/* What to try. */
struct try_plan {
    enum attempt_test test;
    struct addr server;
    uint16_t port;
    const struct query *query;
    int64_t timeout_ns;
    enum socket_parity parity; /* of its port: boxes that spread load go by that */
    uint8_t least_ttl;         /* packets with a lesser TTL are not heard (IP_MINTTL; RFC 5082); 0: all are */
    uint8_t least_later_ttl;   /* the same of those that come after the handshake */
    bool unseen; /* no packets are captured: ICMP errors about an open connection end it, so that they are told */
};

struct try;

/* NULL without memory; one that cannot even begin is over at once. Times are CLOCK_MONOTONIC's, nanoseconds. */
struct try *try_new(const struct try_plan *plan, const struct try_observer *observer, int64_t now_ns);
/* Closes the socket; accepts NULL. */
void try_free(struct try *try);
/* What it waits for: a descriptor and its events, and when it has to be looked at at the latest. */
struct pollfd try_waits_for(const struct try *try);
int64_t try_due_ns(const struct try *try);
/* Goes on with what `list`, that was polled, says of its descriptor; false when it is over. */
bool try_step(struct try *try, const struct pollfd *list, size_t count, int64_t now_ns);
const struct attempt *try_attempt(const struct try *try);

#endif
