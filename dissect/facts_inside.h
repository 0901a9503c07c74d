/* How the facts are kept: for facts.c, which fills them, and renew.c, which copies them and lets them age. */
#ifndef TCP53_DISSECT_FACTS_INSIDE_H
#define TCP53_DISSECT_FACTS_INSIDE_H

#include "dissect/facts.h"
#include "dissect/flow.h"

struct rcode_memory {
    uint32_t tag; /* 0: free */
    uint8_t rcode;
};

/* The latest packet with a running IP-ID, for counters that several addresses share. */
struct counter_memory {
    uint32_t server;
    uint16_t ip_id;
    uint8_t ttl;
    bool valid;
};

struct facts {
    uint32_t server_tags[FACTS_SERVERS];
    uint32_t client_tags[FACTS_CLIENTS];
    uint32_t host_tags[FACTS_HOSTS];
    struct server servers[FACTS_SERVERS];
    struct tcp_facts tcp[FACTS_TCP_SERVERS];
    uint32_t tcp_used;
    struct client clients[FACTS_CLIENTS];
    struct host hosts[FACTS_HOSTS];
    struct flow_record exemplars[FACTS_EXEMPLARS];
    uint32_t exemplars_used;
    struct lost_lookup lost[FACTS_LOST];
    uint32_t lost_used;
    uint16_t lost_first[FACTS_LOST],
        lost_next[FACTS_LOST]; /* chains by the question's hash; 0 ends, n is entry n - 1 */
    struct rcode_memory rcodes[FACTS_RCODES];
    struct counter_memory counter;
    struct facts_refused refused;
    bool turns; /* see facts_watch_turns() */
};

/* Counts a flow, which its ending counts already, for the run of like ones that its server is in; see renew.c. */
void facts_turn(struct facts *facts, uint32_t server, struct ending *ending, const struct flow *flow,
                enum flow_outcome outcome);

#endif
