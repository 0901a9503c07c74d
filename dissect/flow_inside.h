/* The flow table as flow.c, which fills it, and fold.c, which empties it, have it. */
#ifndef TCP53_DISSECT_FLOW_INSIDE_H
#define TCP53_DISSECT_FLOW_INSIDE_H

#include "dissect/exchange.h"
#include "dissect/facts.h"
#include "dissect/pair.h"

enum { FLOWS_CHAINS = FLOW_TABLE * 2, FLOWS_RESETS = 8 };

#define FLOWS_NOWHERE UINT32_MAX
#define FLOWS_FREE INT64_MAX /* deadline of a slot that is free */

struct flows {
    struct facts *facts;
    struct exchanges *exchanges;
    const struct pair *pair;
    const struct analysis_observer *observer; /* or NULL */
    struct stream_pool *pool;
    uint32_t hand;
    uint32_t free_first;
    uint32_t chains[FLOWS_CHAINS];
    uint32_t next[FLOW_TABLE];
    uint32_t hashes[FLOW_TABLE];  /* asked before the flow itself, which is seldom in the processor's cache */
    int64_t deadline[FLOW_TABLE]; /* FLOWS_FREE: no flow */
    struct flow slots[FLOW_TABLE];
    struct flow_counters counters;
    struct reset {
        struct addr server, client;
        int64_t time_ns;
        uint32_t seq, ack;
        uint8_t ttl;
    } resets[FLOWS_RESETS]; /* the latest */
    unsigned next_reset;
};

/* True when no side has anything more to say. */
bool flow_is_closed(const struct flow_record *record);
/* Makes room when no slot is free. */
void flows_evict(struct flows *flows, int64_t now_ns);
/* Judges the flow, hands it to the facts and frees its slot. */
void flows_fold(struct flows *flows, uint32_t slot, int64_t now_ns);

#endif
