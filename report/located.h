/* At which hop TCP ends, as a walked path shows it for one way in which flows ended. */
#ifndef TCP53_REPORT_LOCATED_H
#define TCP53_REPORT_LOCATED_H

#include "dissect/flow.h"
#include "dissect/path.h"

/* Whether packets over TCP come by the same routers as those over UDP, as far as TCP gets. */
enum located_route { LOCATED_ROUTE_UNKNOWN, LOCATED_ROUTE_SAME, LOCATED_ROUTE_OTHER };

struct located {
    bool known;            /* such an ending can be looked for, and it was met */
    enum path_way way;     /* what was sent */
    enum path_reply reply; /* what it got; PATH_SILENT: nothing */
    unsigned ttl;          /* the least with which it got that; for silence: from which on */
    unsigned times;        /* how often with that TTL */
    unsigned server;       /* the hop that answers over UDP; 0: none did */
    unsigned server_least; /* the server is not nearer than this hop */
    unsigned accepted;     /* the first hop that accepts SYNs; 0: none does */
    bool provoked;         /* with a TTL less by one it was tried, and got that not */
    bool told;             /* with a TTL less by one it got as far as a router that said so; or there is no router */
    unsigned alive; /* silence: the first hop from there on, before the server, to which UDP, or SYNs, came; 0: none */
    enum located_route route;
    unsigned box; /* the hop that made it, by its TTL or address as well; 0: that one, or the one before, or between */
};

/* `path` may be NULL, as may `flow`. */
struct located located_of(const struct path *path, const struct flow_end *end, const struct flow_record *flow);
/* Of the handshake: the least TTL with which a SYN was accepted. */
struct located located_handshake(const struct path *path);
/* With a TTL at which SYNs are not accepted yet: whoever made it is nearer than who has the connection, by one route. */
bool located_within(const struct located *at);
/* It was made nearer than the server, surely; the first hop may be this very host, and does not count. */
bool located_before_server(const struct path *path, const struct located *at);
/* The address of the hop that made it; none when more than one hop may be. */
struct addr located_address(const struct path *path, const struct located *at);

#endif
