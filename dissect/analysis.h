/* The whole walk of a frame: packet, flow, stream, exchange, facts. One analysis is one capture point. */
#ifndef TCP53_DISSECT_ANALYSIS_H
#define TCP53_DISSECT_ANALYSIS_H

#include "dissect/exchange.h"
#include "dissect/facts.h"
#include "dissect/flow.h"
#include "dissect/fragment.h"
#include "dissect/frame.h"
#include "dissect/packet.h"
#include "dissect/tunnel.h"

enum { ANALYSIS_PORTS = 8, ANALYSIS_CLIENTS = 32 };

/* Frames out of order lie closer together than this; a clock that goes back further belongs to another capture. */
#define ANALYSIS_JUMP_NS (10 * FLOW_SECOND_NS)

#define ANALYSIS_LEAP_NS (3600 * FLOW_SECOND_NS)

/* Told of what the analysis takes, as it takes it. Packets, keys and flows are gone when the call returns. */
struct analysis_observer {
    void *context;
    /*
     * A packet of the server ports, or an ICMP error about one: with the key that it quotes and `from_server`. Its
     * `ref` is that of the frame being fed, but for the first piece of a packet whose rest did not come.
     */
    void (*packet)(void *context, const struct flow_key *key, const struct packet *packet, bool from_server);
    void (*flow_over)(void *context, const struct flow *flow, const struct flow_end *end);
};

/* What to look at. */
struct analysis_options {
    uint16_t ports[ANALYSIS_PORTS]; /* server ports; none means DNS_PORT */
    unsigned port_count;
    struct addr clients[ANALYSIS_CLIENTS]; /* clients whose queries count; none means all */
    size_t client_count;
    struct trail *trail;                      /* keeps every packet for a comparison; or NULL */
    const struct pair *pair;                  /* what another capture says of the flows of this one; or NULL */
    const struct analysis_observer *observer; /* must outlive the analysis; or NULL */
};

struct analysis_counters {
    uint64_t frames;
    uint64_t statuses[PACKET_STATUSES]; /* how far frames could be read */
    uint64_t tcp, udp, icmp;            /* packets of the server ports, and errors about them */
    uint64_t from_servers;              /* of those TCP and UDP packets */
    uint64_t cut;                       /* with a payload that the capture does not hold whole */
    uint64_t icmp_cut;                  /* ICMP errors that are cut before the ports they quote */
    uint64_t merged;                    /* TCP segments larger than an Ethernet frame */
    uint64_t tunnelled_packets;         /* that came in a tunnel */
    uint64_t tunnelled[TUNNELS];        /* how many of these came in which tunnel; one in two counts in both */
    struct fragment_counters fragments;
    struct flow_counters flows;
    struct exchange_counters exchanges;
    struct facts_refused refused;
};

struct analysis;

/* NULL when there is no memory. */
struct analysis *analysis_new(const struct analysis_options *options);
void analysis_free(struct analysis *analysis);
/* Takes the next frame; its bytes are not needed any more when the call returns. */
void analysis_feed(struct analysis *analysis, const struct frame *frame);
/* The capture is over: whatever is still under way is judged by what was seen of it. */
void analysis_finish(struct analysis *analysis);

const struct facts *analysis_facts(const struct analysis *analysis);
struct analysis_counters analysis_counters(const struct analysis *analysis);
/* Time of the latest frame, nanoseconds since 1970; 0 when there was none. */
int64_t analysis_now_ns(const struct analysis *analysis);

#endif
