/* Hop distances: how far a packet came, and how that compares with what is known of a server. */
#ifndef TCP53_REPORT_RULER_H
#define TCP53_REPORT_RULER_H

#include "dissect/facts.h"

/* Where the capture was taken, as the packets show. */
enum vantage { VANTAGE_UNKNOWN, VANTAGE_CLIENT, VANTAGE_SERVER, VANTAGE_PATH, VANTAGES };

/* The initial TTLs in use (nmap's database: 64 66.6 %, 128 29.2 %, 255 3.1 %, 32 0.9 % of general-purpose stacks). */
unsigned ttl_initial(uint8_t ttl);
/* Routers passed: the nearest initial TTL that is not below, less the TTL. */
unsigned ttl_hops(uint8_t ttl);

enum ruler_kind { RULER_NONE, RULER_OTHER_TRAFFIC, RULER_DNS_ANSWERS };

/* A server's distance, as packets that are surely its own show it. */
struct ruler {
    enum ruler_kind kind;
    struct ttl_set ttl;
    uint32_t samples;
    uint8_t usual;              /* the TTL most seen */
    unsigned nearest, farthest; /* hops, over all TTLs seen */
    bool constant;              /* one TTL only */
    bool split;                 /* answers over UDP and over TCP come from different distances */
    struct frame_ref frame;     /* a packet with the usual TTL */
};

enum relation {
    RELATION_UNKNOWN,
    RELATION_SAME,      /* a TTL that the server's own packets have */
    RELATION_SAME_HOPS, /* as many hops by another initial TTL */
    RELATION_NEARER,    /* nearer than every packet of the server */
    RELATION_FARTHER,
    RELATION_AMONG, /* within the spread of the server's packets, or equal to only one kind of its answers */
};

struct reading {
    enum relation relation;
    unsigned gap;     /* hops between the packet and the server's nearest (or farthest) one */
    bool other_class; /* its initial TTL is none that the server uses */
};

/* RULER_NONE as well where ruler_is_elsewhere(). */
struct ruler ruler_of(const struct facts *facts, const struct server *server);
/* True when what is known of the server's distance was measured at another host than its connections. */
bool ruler_is_elsewhere(const struct facts *facts, const struct server *server);
/* Compares a TTL with the ruler; 0 stands for no packet. */
struct reading ruler_read(const struct ruler *ruler, const struct server *server, uint8_t ttl);
enum vantage ruler_vantage(const struct server *server, const struct tcp_facts *tcp);
/* The same of a probe, which is the client: only where it asks its own host may it be elsewhere as well. */
enum vantage ruler_vantage_probed(const struct server *server, const struct tcp_facts *tcp);
const char *vantage_name(enum vantage vantage);

#endif
