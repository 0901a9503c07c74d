/* One packet with a limited TTL, and what came back for it. */
#ifndef TCP53_CAPTURE_LOCATE_SHOT_H
#define TCP53_CAPTURE_LOCATE_SHOT_H

#include "capture/sockets.h"

#include "dissect/path.h"
#include "dissect/query.h"

/* What all shots of a path have in common. */
struct shot_target {
    struct addr server;
    uint16_t port;
    const struct query *query;
    int64_t timeout_ns;
    void (*bound)(void *context, bool tcp, uint16_t port); /* may be NULL */
    void *context;
};

/* Only the query's shots go beyond the first. */
enum shot_state { SHOT_SENT, SHOT_OPEN, SHOT_ASKED };

struct shot {
    int fd; /* -1: none */
    enum path_way way;
    uint8_t ttl;
    enum shot_state state;
    bool counts;           /* false: the packet could not be sent, or what came is not for it */
    enum path_reply reply; /* so far */
    struct socket_error icmp;
    bool by_errno;    /* the ICMP error is known by its errno alone, which says EHOSTUNREACH */
    int64_t since_ns; /* since when it is in that state */
    int64_t due_ns;
};

/* Sends it, from an even or an odd port. False: this host could not. */
bool shot_fire(struct shot *shot, const struct shot_target *target, enum path_way way, unsigned ttl,
               enum socket_parity parity, int64_t now_ns);
/* Looks what came; true when that is all: then its socket is closed. */
bool shot_look(struct shot *shot, const struct shot_target *target, int64_t now_ns);
/* What to poll its socket for. */
short shot_events(const struct shot *shot);
void shot_end(struct shot *shot, const struct shot_target *target);

#endif
