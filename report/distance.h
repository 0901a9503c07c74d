/* How far away the packets of one kind were written, as renderers show it. */
#ifndef TCP53_REPORT_DISTANCE_H
#define TCP53_REPORT_DISTANCE_H

#include "report/report.h"

struct distance {
    unsigned hops;    /* of the TTL seen most */
    unsigned ttl;     /* that TTL; 0: not known */
    unsigned spread;  /* hops between the nearest and the farthest */
    uint64_t samples; /* 0: there is no distance */
};

struct distance distance_of(const struct ttl_set *set);
/* Of what a server sent over TCP: its answers, or else its SYN-ACKs. */
struct distance distance_tcp(const struct server *server);
/* Of a box that rejects, by the packets that ended its servers' flows. */
struct distance distance_intermediary(const struct report *report, const struct report_intermediary *box);

#endif
