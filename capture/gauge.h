/*
 * Measures the TTL of packets that no capture shows: a socket hears only those with at least a given TTL (IP_MINTTL,
 * IPV6_MINHOPCOUNT; RFC 5082), so a few connections narrow it down. An ordinary user may do so.
 */
#ifndef TCP53_CAPTURE_GAUGE_H
#define TCP53_CAPTURE_GAUGE_H

#include "capture/try.h"

/* Connections that one measuring takes, at most: eight halvings, two guesses, two to confirm. */
enum { GAUGE_TRIES = 12 };

/* Whose TTL: of what answers a SYN (a RST or SYN-ACK), or of what ends the connection later. */
enum gauge_of { GAUGE_FIRST, GAUGE_LATER };

struct gauge_options {
    enum gauge_of of;
    struct addr server;
    uint16_t port;
    const struct query *query;
    const struct try_observer *observer;
    uint8_t guess;   /* what it likely is: that of the server's UDP answers; 0: no idea */
    int64_t wait_ns; /* after which nothing more is expected: some round trips */
};

struct gauge {
    struct gauge_options options;
    struct try *try;
    unsigned heard, unheard; /* a least TTL at which it came, and one at which it did not */
    unsigned asked;          /* the one that is being tried */
    unsigned tries, confirmed;
    uint8_t ttl; /* the result; 0: there is none (yet) */
};

void gauge_init(struct gauge *gauge, const struct gauge_options *options);
void gauge_release(struct gauge *gauge);
/* What to poll for, with a try under way, and when to step at the latest. */
struct pollfd gauge_waits_for(const struct gauge *gauge);
int64_t gauge_due_ns(const struct gauge *gauge);
/* Goes on with what `list`, that was polled, says; false when it is over, with `ttl` set unless what came was not constant. */
bool gauge_step(struct gauge *gauge, const struct pollfd *list, size_t count, int64_t now_ns);

#endif
