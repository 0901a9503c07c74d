/* The tables of keep.c: flows and servers, each with its frames; full ones give up what is missed least. */
#ifndef TCP53_CAPTURE_KEPT_H
#define TCP53_CAPTURE_KEPT_H

#include "capture/cells.h"
#include "capture/keep.h"

enum { KEPT_NONE = 0 }; /* no index */

struct kept_flow {
    struct flow_key key;
    int64_t first_ns;
    uint32_t isn;
    uint32_t server;
    uint32_t chain; /* the next flow of the same hash, an older one */
    struct pile first, latest;
    bool has_isn, over, server_first;
    bool failing, refused; /* it had failed before it was over; and was not to be written */
};

struct kept_server {
    struct addr address;
    uint16_t port;
    uint8_t answered_count, failed_count;
    uint32_t chain;
    uint32_t open; /* flows under way */
    uint32_t udp_answers;
    struct pile earlier, latest;                           /* UDP: before a flow began, and since */
    int64_t earlier_ns;                                    /* when that was */
    uint32_t answered[KEEP_ANSWERED], failed[KEEP_FAILED]; /* flows, the oldest first */
    int64_t after_ns;                                      /* UDP is written until then */
    unsigned frames_after, flows_after;
    int64_t window_ns;         /* when the minute of the next two began */
    unsigned written, refused; /* failed flows; those of them that were answered with an error */
};

struct kept_link {
    uint32_t before, after;
};

/* Entries in order of age. */
struct kept_line {
    struct kept_link *links;
    uint32_t first, last;
};

struct kept {
    struct cells *cells;
    uint64_t dropped, flows_dropped;
    uint32_t flows_used, servers_used; /* entries that were ever used, the first ones */
    uint32_t free_flow, free_server;
    struct kept_line under_way, over; /* flows: by their beginning, by their end */
    struct kept_line idle, busy;      /* servers without and with flows under way, by their latest frame */
    uint32_t flow_chains[KEEP_FLOWS], server_chains[KEEP_SERVERS];
    struct kept_link flow_links[KEEP_FLOWS + 1], server_links[KEEP_SERVERS + 1];
    struct kept_flow flows[KEEP_FLOWS + 1]; /* the first one is none */
    struct kept_server servers[KEEP_SERVERS + 1];
};

struct kept *kept_new(size_t bytes);
void kept_free(struct kept *kept);
/* Gives up flows and servers until a frame of so many bytes finds room; false when there is none at all. */
bool kept_make_room(struct kept *kept, uint32_t captured);
/* The server; KEPT_NONE when it is not known. */
uint32_t kept_server_find(const struct kept *kept, struct addr address, uint16_t port);
/* The server, a new one if need be: now the one used latest. */
uint32_t kept_server(struct kept *kept, struct addr address, uint16_t port);
/* The newest flow under way with that key; KEPT_NONE when there is none. */
uint32_t kept_flow_find(const struct kept *kept, const struct flow_key *key);
/* A new flow of a server. */
uint32_t kept_flow_begin(struct kept *kept, const struct flow_key *key, uint32_t server, int64_t now_ns);
/* A flow is over, and from now on one of the server's latest answered or failed. */
void kept_flow_over(struct kept *kept, uint32_t index, bool answered);
/* Forgets a flow and its frames. */
void kept_flow_drop(struct kept *kept, uint32_t index);

/* The next younger entry of a line. */
static inline uint32_t kept_after(const struct kept_line *line, uint32_t index)
{
    return line->links[index].after;
}

#endif
