/* What packets with growing TTLs met on the way to a server: its path, hop by hop. */
#ifndef TCP53_DISSECT_PATH_H
#define TCP53_DISSECT_PATH_H

#include "dissect/addr.h"

enum { PATH_HOPS = 30, PATH_PORTS = 6 };

/* What was sent with a limited TTL. */
enum path_way {
    PATH_UDP,   /* the question over UDP */
    PATH_SYN,   /* a SYN */
    PATH_QUERY, /* the query over TCP, in a connection that was opened with an ordinary TTL */
    PATH_WAYS
};

/* What came back. */
enum path_reply {
    PATH_SILENT,
    PATH_EXCEEDED, /* ICMP time exceeded: it got as far as that router (RFC 792; RFC 4443, 3.3) */
    PATH_ICMP,     /* another ICMP error */
    PATH_RESET,
    PATH_CLOSED,   /* FIN */
    PATH_ACCEPTED, /* SYN-ACK */
    PATH_ANSWERED, /* DNS */
    PATH_REPLIES
};

#define PATH_BIT(reply) (1u << (reply))
/* What a packet gets that came to somebody who answered it, whoever that is. */
#define PATH_ENDS                                                                                                      \
    (PATH_BIT(PATH_ICMP) | PATH_BIT(PATH_RESET) | PATH_BIT(PATH_CLOSED) | PATH_BIT(PATH_ACCEPTED) |                    \
     PATH_BIT(PATH_ANSWERED))

/* One kind of packet with one TTL, over all source ports. */
struct path_step {
    uint8_t count[PATH_REPLIES];  /* how often each came */
    struct addr from;             /* who sent the ICMP errors; none: there were none, or the socket was not told */
    bool several;                 /* they came from several addresses: routes differ by source port */
    uint8_t icmp_type, icmp_code; /* of PATH_ICMP */
};

struct path {
    struct addr server;
    uint16_t port;
    bool stable;               /* the last sweeps gave the same, or the bound was reached before (false) */
    uint8_t sweeps[PATH_WAYS]; /* times that each way was walked, each from other source ports */
    uint8_t most[PATH_WAYS];   /* highest TTL that was sent */
    struct path_step steps[PATH_WAYS][PATH_HOPS + 1]; /* by TTL, from 1 */
};

/* How often a way was tried with that TTL. */
unsigned path_tries(const struct path_step *step);
/* The least TTL at which one of these replies (PATH_BIT) came even once; 0: at none. */
unsigned path_first(const struct path *path, enum path_way way, unsigned replies);
/* The TTL from which on there was nothing but silence, at every try; 0: the last one sent had a reply. */
unsigned path_silent_from(const struct path *path, enum path_way way);
/* The router that a packet with that TTL comes to, by whichever way it was told; none: it never said. */
struct addr path_hop(const struct path *path, unsigned ttl);

/* Stable words: "udp", "syn", "query"; "time-exceeded", "reset". */
const char *path_way_name(enum path_way way);
const char *path_reply_name(enum path_reply reply);

#endif
