/* The whole walk of a frame: packet, flow, stream, exchange, facts. One analysis is one capture point. */
#ifndef TCP53_DISSECT_ANALYSIS_H
#define TCP53_DISSECT_ANALYSIS_H

#include "dissect/attempt.h"
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

/* Who is told of what is taken and judged, as it happens. */
struct analysis_observer {
    void *context;
    /* A packet of the server ports, or an ICMP error about one (of the server, with the ends that it quotes). */
    void (*packet)(void *context, const struct flow_key *key, const struct packet *packet, bool from_server);
    /* A flow that is over; only for the call. */
    void (*flow_over)(void *context, const struct flow *flow, const struct flow_end *end);
    /* A flow under way that has failed by what was seen so far; at each analysis_so_far(). May be NULL. */
    void (*flow_failing)(void *context, const struct flow *flow, const struct flow_end *end);
};

/* What to look at. */
struct analysis_options {
    uint16_t ports[ANALYSIS_PORTS]; /* server ports; none means DNS_PORT */
    unsigned port_count;
    struct addr clients[ANALYSIS_CLIENTS]; /* clients whose queries count; none means all */
    size_t client_count;
    struct trail *trail;                      /* keeps every packet for a comparison; or NULL */
    const struct pair *pair;                  /* what another capture says of the flows of this one; or NULL */
    const struct analysis_observer *observer; /* or NULL */
    bool
        live; /* it goes on for weeks: judged by windows, and by what a server did since it turned (facts_watch_turns) */
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

/* What a socket was told of an attempt of which no packet was captured. */
void analysis_tell(struct analysis *analysis, const struct attempt *attempt);

const struct facts *analysis_facts(const struct analysis *analysis);
/* Counted in the present window, which is the whole capture unless analysis_renew() is called. */
struct analysis_counters analysis_counters(const struct analysis *analysis);
/* Counted in all windows. */
struct analysis_counters analysis_totals(const struct analysis *analysis);

/* Live: time passes, though no frame comes. */
void analysis_pass_time(struct analysis *analysis, int64_t now_ns);
/*
 * The facts as they would be if the capture ended now, without what is incomplete so far; good until the next call. NULL
 * without memory.
 */
const struct facts *analysis_so_far(struct analysis *analysis);
/* Another window begins: what was counted is forgotten, what measures a server stays (facts_renew). */
void analysis_renew(struct analysis *analysis);
/* The clock was set forward (or back) by so much: all times move with it. */
void analysis_shift(struct analysis *analysis, int64_t step_ns);

/* Time of the latest frame, nanoseconds since 1970; 0 when there was none. */
int64_t analysis_now_ns(const struct analysis *analysis);

#endif
