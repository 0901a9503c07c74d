#include "dissect/analysis.h"

#include "dissect/trail.h"

#include <assert.h>
#include <stdlib.h>

/*
 * Packets of the server ports wait here for a few more, so that the memory of their flows can be asked for before
 * it is needed: a table that serves many flows is seldom in the processor's cache.
 */
enum { LOOKAHEAD = 8, LOOKAHEAD_NEAR = 4, LOOKAHEAD_BYTES = 2048 };

struct waiting {
    struct packet packet;
    struct flow_key key;
    bool from_server;
    uint8_t bytes[LOOKAHEAD_BYTES]; /* its options and payload: the reader's buffer will hold the next frame */
};

struct analysis {
    struct waiting waiting[LOOKAHEAD];
    unsigned waiting_first, waiting_count;
    struct fragments *fragments;
    struct facts *facts;
    struct facts *so_far; /* with the flows under way; NULL until asked for */
    struct exchanges *exchanges;
    struct flows *flows;
    struct analysis_options options;
    int64_t now_ns;
    int64_t leap_ns;                   /* time of a frame far ahead of the clock */
    struct analysis_counters counters; /* without those of the parts */
    struct analysis_counters before;   /* all, at the window's beginning */
};

static bool is_server_port(const struct analysis *analysis, uint16_t port)
{
    for (unsigned i = 0; i < analysis->options.port_count; i++)
        if (analysis->options.ports[i] == port)
            return true;
    return false;
}

/* Of DNS the question is read, and of ICMP the quote; other datagrams may carry a packet that only the whole shows. */
static bool is_read_by_its_head(const void *context, const struct packet *packet)
{
    const struct analysis *analysis = context;
    return packet->protocol != PROTOCOL_UDP || is_server_port(analysis, packet->source_port) ||
           is_server_port(analysis, packet->target_port);
}

struct analysis *analysis_new(const struct analysis_options *options)
{
    struct analysis *analysis = calloc(1, sizeof *analysis);
    if (!analysis)
        return NULL;
    analysis->options = *options;
    if (analysis->options.port_count == 0)
        analysis->options.ports[analysis->options.port_count++] = DNS_PORT;
    analysis->fragments = fragments_new(is_read_by_its_head, analysis);
    analysis->facts = analysis->fragments ? facts_new() : NULL;
    analysis->exchanges = analysis->facts ? exchanges_new(analysis->facts) : NULL;
    analysis->flows =
        analysis->exchanges ? flows_new(analysis->facts, analysis->exchanges, options->pair, options->observer) : NULL;
    if (!analysis->flows) {
        analysis_free(analysis);
        return NULL;
    }
    if (options->live)
        facts_watch_turns(analysis->facts);
    return analysis;
}

void analysis_free(struct analysis *analysis)
{
    if (!analysis)
        return;
    flows_free(analysis->flows);
    exchanges_free(analysis->exchanges);
    facts_free(analysis->so_far);
    facts_free(analysis->facts);
    fragments_free(analysis->fragments);
    free(analysis);
}

static bool is_selected(const struct analysis *analysis, struct addr client)
{
    for (size_t i = 0; i < analysis->options.client_count; i++)
        if (addr_same(analysis->options.clients[i], client))
            return true;
    return analysis->options.client_count == 0;
}

static void take(struct analysis *analysis, const struct flow_key *key, const struct packet *packet, bool from_server)
{
    if (packet->protocol == PROTOCOL_TCP)
        flows_packet(analysis->flows, key, packet, from_server);
    else
        exchanges_packet(analysis->exchanges, packet, from_server);
}

static void take_waiting(struct analysis *analysis)
{
    struct waiting *first = &analysis->waiting[analysis->waiting_first % LOOKAHEAD];
    analysis->waiting_first++;
    analysis->waiting_count--;
    take(analysis, &first->key, &first->packet, first->from_server);
}

static void take_all_waiting(struct analysis *analysis)
{
    while (analysis->waiting_count > 0)
        take_waiting(analysis);
}

/* Copies what the cursor sees to `bytes` and points it there. */
static uint8_t *keep_bytes(struct cursor *cursor, uint8_t *bytes)
{
    if (cursor->left > 0)
        memcpy(bytes, cursor->at, cursor->left);
    cursor->at = bytes;
    return bytes + cursor->left;
}

/* The place for the next frame's packet; the one that waits longest makes room. */
static struct waiting *next_place(struct analysis *analysis)
{
    if (analysis->waiting_count == LOOKAHEAD)
        take_waiting(analysis);
    return &analysis->waiting[(analysis->waiting_first + analysis->waiting_count) % LOOKAHEAD];
}

/* Lets the packet at the next place wait there. */
static void let_wait(struct analysis *analysis, struct waiting *place, bool from_server)
{
    struct packet *packet = &place->packet;
    place->from_server = from_server;
    place->key = flow_key_of(packet, from_server);
    if (analysis->options.trail)
        trail_packet(analysis->options.trail, &place->key, packet, from_server);
    if (analysis->options.observer)
        analysis->options.observer->packet(analysis->options.observer->context, &place->key, packet, from_server);
    analysis->waiting_count++;
    if (packet->options.left + packet->payload.left > LOOKAHEAD_BYTES) {
        take_all_waiting(analysis); /* it is the last of them: its bytes are still the reader's */
        return;
    }
    keep_bytes(&packet->payload, keep_bytes(&packet->options, place->bytes));
    flows_prefetch_place(analysis->flows, &place->key);
    if (analysis->waiting_count > LOOKAHEAD_NEAR)
        flows_prefetch(analysis->flows, &analysis->waiting[(analysis->waiting_first + LOOKAHEAD_NEAR) % LOOKAHEAD].key);
}

/* Both ports are the server's: a flow that is known tells, else a SYN's or a question's direction. */
static bool sent_by_server(struct analysis *analysis, const struct packet *packet)
{
    if (packet->protocol == PROTOCOL_UDP) {
        struct dns_message message;
        return dns_parse(&message, packet->payload) && message.response;
    }
    take_all_waiting(analysis);
    struct flow_key from_client = flow_key_of(packet, false), from_server = flow_key_of(packet, true);
    if (flows_has(analysis->flows, &from_client))
        return false;
    if (flows_has(analysis->flows, &from_server))
        return true;
    return (packet->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK) || (packet->flags & TCP_RST);
}

static void count_tunnels(struct analysis_counters *counters, const struct packet *packet)
{
    if (packet->tunnels == 0)
        return;
    counters->tunnelled_packets++;
    for (int tunnel = 0; tunnel < TUNNELS; tunnel++)
        counters->tunnelled[tunnel] += packet->tunnels >> tunnel & 1;
}

static void count(struct analysis_counters *counters, const struct packet *packet, bool from_server)
{
    enum { ETHERNET_SEGMENT = 1460 }; /* 1500 bytes less two headers of 20 (RFC 894, RFC 9293) */
    bool tcp = packet->protocol == PROTOCOL_TCP;
    *(tcp ? &counters->tcp : &counters->udp) += 1;
    counters->from_servers += from_server;
    counters->cut += packet->cut && packet->payload.left < packet->payload_declared;
    counters->merged += tcp && packet->payload_declared > ETHERNET_SEGMENT;
    count_tunnels(counters, packet);
}

static void feed_ports(struct analysis *analysis, struct waiting *place)
{
    const struct packet *packet = &place->packet;
    bool to_server = is_server_port(analysis, packet->target_port);
    bool from_server = is_server_port(analysis, packet->source_port);
    bool tcp = packet->protocol == PROTOCOL_TCP;
    if (!to_server && !from_server) {
        if (!(tcp && (packet->flags & TCP_RST)))
            facts_other_packet(analysis->facts, packet);
        return;
    }
    if (to_server && from_server)
        from_server = sent_by_server(analysis, packet);
    if (!is_selected(analysis, from_server ? packet->target : packet->source))
        return;
    count(&analysis->counters, packet, from_server);
    let_wait(analysis, place, from_server);
}

static void note_quoted(struct analysis *analysis, const struct packet *packet)
{
    struct flow_key key = flow_key_quoted(packet);
    if (analysis->options.trail && packet->quote.protocol == PROTOCOL_TCP)
        trail_icmp(analysis->options.trail, &key, packet);
    if (analysis->options.observer)
        analysis->options.observer->packet(analysis->options.observer->context, &key, packet, true);
}

static void feed_icmp(struct analysis *analysis, const struct packet *packet)
{
    if (!packet_is_icmp_error(packet)) {
        facts_other_packet(analysis->facts, packet);
        return;
    }
    const struct packet_quote *quote = &packet->quote;
    analysis->counters.icmp_cut += quote->cut && quote->protocol == 0;
    if (!is_server_port(analysis, quote->target_port) || !is_selected(analysis, quote->source))
        return;
    if (quote->protocol == PROTOCOL_TCP) {
        analysis->counters.icmp++;
        count_tunnels(&analysis->counters, packet);
        take_all_waiting(analysis);
        note_quoted(analysis, packet);
        flows_icmp(analysis->flows, packet);
    } else if (quote->protocol == PROTOCOL_UDP) {
        analysis->counters.icmp++;
        count_tunnels(&analysis->counters, packet);
        note_quoted(analysis, packet);
        exchanges_icmp(analysis->exchanges, packet);
    }
}

static void feed_packet(struct analysis *analysis, struct waiting *place)
{
    bool has_ports = place->packet.protocol == PROTOCOL_TCP || place->packet.protocol == PROTOCOL_UDP;
    if (has_ports)
        feed_ports(analysis, place);
    else
        feed_icmp(analysis, &place->packet);
    if (analysis->options.trail && !has_ports)
        trail_icmp_seen(analysis->options.trail);
}

/* First fragments whose rest is not waited for any longer are read alone, as far as they go. */
static void feed_overdue(struct analysis *analysis, int64_t now_ns, const struct packet *later)
{
    struct waiting *place = next_place(analysis);
    while (fragments_overdue(analysis->fragments, now_ns, later, &place->packet)) {
        feed_packet(analysis, place);
        place = next_place(analysis);
    }
}

/*
 * A fragment, or a packet while fragments are waited for: the first fragments that it is too late for come before it.
 * Returns how far the packet could be read, and its place.
 */
static enum packet_status reassemble(struct analysis *analysis, struct waiting **place, enum packet_status status)
{
    struct packet packet = (*place)->packet;
    feed_overdue(analysis, analysis->now_ns, status == PACKET_OK ? &packet : NULL);
    if (status == PACKET_FRAGMENT)
        status = fragments_take(analysis->fragments, &packet);
    *place = next_place(analysis);
    (*place)->packet = packet;
    return status;
}

void analysis_finish(struct analysis *analysis)
{
    feed_overdue(analysis, INT64_MAX, NULL);
    take_all_waiting(analysis);
    flows_finish(analysis->flows, analysis->now_ns);
}

static void begin_again(struct analysis *analysis, int64_t time_ns)
{
    analysis_finish(analysis);
    analysis->now_ns = time_ns;
}

/*
 * The clock is the capture's and only goes forward, but for a jump far back: another capture begins there, so what was
 * under way is over. A leap far forward counts when a second frame confirms it.
 */
static void keep_time(struct analysis *analysis, const struct frame *frame)
{
    int64_t step = frame->time_ns - analysis->now_ns;
    bool confirmed = llabs(frame->time_ns - analysis->leap_ns) < ANALYSIS_LEAP_NS;
    if (analysis->counters.frames > 1 && step > ANALYSIS_LEAP_NS && !confirmed)
        analysis->leap_ns = frame->time_ns;
    else if (step > 0)
        analysis->now_ns = frame->time_ns;
    else if (step < -ANALYSIS_JUMP_NS)
        begin_again(analysis, frame->time_ns);
}

void analysis_feed(struct analysis *analysis, const struct frame *frame)
{
    analysis->counters.frames++;
    keep_time(analysis, frame);
    struct waiting *place = next_place(analysis);
    if (analysis->options.trail)
        trail_frame(analysis->options.trail, frame->time_ns);
    enum packet_status status = packet_parse(&place->packet, frame);
    analysis->counters.statuses[status] += frame->captured > 0; /* one without bytes only tells the time (keep.c) */
    if (status == PACKET_FRAGMENT || fragments_held(analysis->fragments) > 0)
        status = reassemble(analysis, &place, status);
    if (analysis->options.trail && status == PACKET_SHORT)
        trail_unread(analysis->options.trail);
    if (status != PACKET_OK)
        return;
    feed_packet(analysis, place);
    flows_age(analysis->flows, analysis->now_ns);
}

void analysis_tell(struct analysis *analysis, const struct attempt *attempt)
{
    attempt_tell(attempt, analysis->facts);
}

const struct facts *analysis_facts(const struct analysis *analysis)
{
    return analysis->facts;
}

struct analysis_counters analysis_totals(const struct analysis *analysis)
{
    struct analysis_counters counters = analysis->counters;
    counters.fragments = fragments_counters(analysis->fragments);
    counters.flows = flows_counters(analysis->flows);
    counters.exchanges = exchanges_counters(analysis->exchanges);
    counters.refused = facts_refused(analysis->facts);
    return counters;
}

struct analysis_counters analysis_counters(const struct analysis *analysis)
{
    enum { COUNTERS = sizeof(struct analysis_counters) / sizeof(uint64_t) };
    struct analysis_counters counters = analysis_totals(analysis);
    uint64_t now[COUNTERS], before[COUNTERS];
    static_assert(sizeof now == sizeof counters, "nothing but counters");
    memcpy(now, &counters, sizeof now);
    memcpy(before, &analysis->before, sizeof before);
    for (int i = 0; i < COUNTERS; i++)
        now[i] -= before[i];
    memcpy(&counters, now, sizeof now);
    return counters;
}

int64_t analysis_now_ns(const struct analysis *analysis)
{
    return analysis->now_ns;
}

void analysis_pass_time(struct analysis *analysis, int64_t now_ns)
{
    if (now_ns > analysis->now_ns)
        analysis->now_ns = now_ns;
    feed_overdue(analysis, analysis->now_ns, NULL);
    take_all_waiting(analysis);
    flows_sweep(analysis->flows, analysis->now_ns);
}

const struct facts *analysis_so_far(struct analysis *analysis)
{
    if (!analysis->so_far)
        analysis->so_far = facts_new();
    if (!analysis->so_far)
        return NULL;
    take_all_waiting(analysis);
    facts_copy(analysis->so_far, analysis->facts);
    flows_so_far(analysis->flows, analysis->so_far, analysis->now_ns);
    return analysis->so_far;
}

void analysis_renew(struct analysis *analysis)
{
    take_all_waiting(analysis);
    flows_renew(analysis->flows, analysis->now_ns);
    facts_renew(analysis->facts, analysis->now_ns);
    analysis->before = analysis_totals(analysis);
}

void analysis_shift(struct analysis *analysis, int64_t step_ns)
{
    take_all_waiting(analysis);
    analysis->now_ns += step_ns;
    analysis->leap_ns += step_ns;
    fragments_shift(analysis->fragments, step_ns);
    facts_shift(analysis->facts, step_ns);
    exchanges_shift(analysis->exchanges, step_ns);
    flows_shift(analysis->flows, step_ns);
}
