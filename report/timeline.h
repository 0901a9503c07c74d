/* A flow told packet by packet, as all renderers show it. */
#ifndef TCP53_REPORT_TIMELINE_H
#define TCP53_REPORT_TIMELINE_H

#include "report/report.h"

enum { TIMELINE_WHAT = 96, TIMELINE_NOTE = 200, TIMELINE_HISTORY = 4 * FLOW_TIMELINE };

/* One packet. */
struct timeline_line {
    struct frame_ref ref;
    int64_t time_ns;
    const char *from; /* "client", "server", "icmp" */
    uint8_t ttl;
    unsigned hops;
    char what[TIMELINE_WHAT]; /* all that happened by it: "ACK, query" */
    char note[TIMELINE_NOTE]; /* "2 hops nearer than the server", or empty */
};

struct timeline {
    struct timeline_line lines[FLOW_TIMELINE];
    unsigned count;
    const char *stage; /* how far the flow came: "before handshake", ... "answered" */
    /* Zeek's letters: S SYN, H SYN-ACK, A ACK, D data, F FIN, R RST; capitals from the client; I an ICMP error. */
    char history[TIMELINE_HISTORY];
};

/* `ended` is how the flow ended; the server gives the distance to compare with, the report a second capture. */
void timeline_of(struct timeline *timeline, const struct flow_record *record, enum mechanism ended,
                 const struct report_server *server, const struct report *report);

#endif
