/*
 * Asks DNS servers in every way that tells something: over UDP with and without EDNS, over TCP alone, pipelined, over a kept
 * connection, in two segments. All servers at once, each by one poll loop's steps.
 */
#ifndef TCP53_CAPTURE_PROBE_H
#define TCP53_CAPTURE_PROBE_H

#include "capture/failure.h"
#include "capture/try.h"

#include <poll.h>

enum {
    PROBE_SERVERS = 16,
    PROBE_TRIES = 20,  /* of each test, at most */
    PROBE_ACTIVE = 12, /* attempts under way at one server, at most */
};

#define PROBE_GAP_NS INT64_C(50000000)   /* between the beginnings of two attempts at one server, at least */
#define PROBE_TURN_NS INT64_C(500000000) /* a connection that is under way for so long is not waited for */

struct probe_options {
    const struct addr *servers;
    size_t server_count;
    uint16_t port;
    const char *name, *type;
    const char *other_name; /* NULL: none */
    uint16_t other_port;    /* 0: none */
    bool marked;            /* SYNs with a TOS as well */
    unsigned tries;
    int64_t timeout_ns; /* of one attempt */
    bool unseen;        /* no packets are captured */
};

/* What a server answered, the length left off. */
struct probe_answer {
    uint8_t *bytes; /* NULL: nothing, so far */
    size_t length;
    bool over_tcp;
};

struct probe;

/*
 * NULL and a sentence for what cannot be asked: a name, a type. `port` is told of each port before its first packet. Sends
 * at most PROBE_TRIES attempts of each test to each server; times are CLOCK_MONOTONIC's.
 */
struct probe *probe_new(const struct probe_options *options, void (*port)(void *context, bool tcp, uint16_t port),
                        void *context, struct failure *failure);
void probe_free(struct probe *probe);

/* What to poll for, and until when: INT64_MAX when there is nothing more to do. */
size_t probe_descriptors(const struct probe *probe, struct pollfd *list, size_t room);
int64_t probe_due_ns(const struct probe *probe);
/* Goes on with what `list` of probe_descriptors() says; false when all is done. */
bool probe_step(struct probe *probe, const struct pollfd *list, size_t count, int64_t now_ns);

/* All attempts that are over, in the order in which they ended. */
const struct attempt *probe_attempts(const struct probe *probe, size_t *count);
const struct probe_answer *probe_answer_of(const struct probe *probe, size_t server);
/* For those who try more, in other ways: what was to be done, the query, whom to tell of ports. */
const struct probe_options *probe_options_of(const struct probe *probe);
const struct query *probe_query(const struct probe *probe);
const struct try_observer *probe_observer(const struct probe *probe);
/* What ended connections to that server in their opening (`later`: after it) came with that TTL, as did its SYN-ACK. */
void probe_measured(struct probe *probe, struct addr server, bool later, uint8_t ttl);

#endif
