#include "dissect/analysis.h"

#include <stdlib.h>

struct analysis {
    struct facts *facts;
    struct exchanges *exchanges;
    struct flows *flows;
    struct analysis_options options;
    int64_t now_ns;
    struct analysis_counters counters;
};

struct analysis *analysis_new(const struct analysis_options *options)
{
    struct analysis *analysis = calloc(1, sizeof *analysis);
    if (!analysis)
        return NULL;
    analysis->options = *options;
    if (analysis->options.port_count == 0)
        analysis->options.ports[analysis->options.port_count++] = ANALYSIS_PORT_DNS;
    analysis->facts = facts_new();
    analysis->exchanges = analysis->facts ? exchanges_new(analysis->facts) : NULL;
    analysis->flows = analysis->exchanges ? flows_new(analysis->facts, analysis->exchanges) : NULL;
    if (!analysis->flows) {
        analysis_free(analysis);
        return NULL;
    }
    return analysis;
}

void analysis_free(struct analysis *analysis)
{
    if (!analysis)
        return;
    flows_free(analysis->flows);
    exchanges_free(analysis->exchanges);
    facts_free(analysis->facts);
    free(analysis);
}

static bool is_server_port(const struct analysis *analysis, uint16_t port)
{
    for (unsigned i = 0; i < analysis->options.port_count; i++)
        if (analysis->options.ports[i] == port)
            return true;
    return false;
}

static bool is_selected(const struct analysis *analysis, struct addr client)
{
    for (size_t i = 0; i < analysis->options.client_count; i++)
        if (addr_same(analysis->options.clients[i], client))
            return true;
    return analysis->options.client_count == 0;
}

/* Both ports are the server's: a flow that is known tells, else a SYN's or a question's direction. */
static bool sent_by_server(const struct analysis *analysis, const struct packet *packet)
{
    if (packet->protocol == PROTOCOL_UDP) {
        struct dns_message message;
        return dns_parse(&message, packet->payload) && message.response;
    }
    if (flows_has(analysis->flows, packet, false))
        return false;
    if (flows_has(analysis->flows, packet, true))
        return true;
    return (packet->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK) || (packet->flags & TCP_RST);
}

static void feed_ports(struct analysis *analysis, const struct packet *packet)
{
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
    if (tcp) {
        analysis->counters.tcp++;
        flows_packet(analysis->flows, packet, from_server);
    } else {
        analysis->counters.udp++;
        exchanges_packet(analysis->exchanges, packet, from_server);
    }
}

static void feed_icmp(struct analysis *analysis, const struct packet *packet)
{
    if (!packet_is_icmp_error(packet)) {
        facts_other_packet(analysis->facts, packet);
        return;
    }
    const struct packet_quote *quote = &packet->quote;
    if (!is_server_port(analysis, quote->target_port) || !is_selected(analysis, quote->source))
        return;
    if (quote->protocol == PROTOCOL_TCP) {
        analysis->counters.icmp++;
        flows_icmp(analysis->flows, packet);
    } else if (quote->protocol == PROTOCOL_UDP) {
        analysis->counters.icmp++;
        exchanges_icmp(analysis->exchanges, packet);
    }
}

/*
 * The clock is the capture's and only goes forward, but for a jump far back: another capture begins there, so what was
 * under way is over.
 */
static void keep_time(struct analysis *analysis, int64_t time_ns)
{
    if (time_ns > analysis->now_ns || analysis->now_ns - time_ns > ANALYSIS_JUMP_NS) {
        if (time_ns < analysis->now_ns)
            flows_finish(analysis->flows, analysis->now_ns);
        analysis->now_ns = time_ns;
    }
}

void analysis_feed(struct analysis *analysis, const struct frame *frame)
{
    struct packet packet;
    analysis->counters.frames++;
    keep_time(analysis, frame->time_ns);
    enum packet_status status = packet_parse(&packet, frame);
    analysis->counters.statuses[status]++;
    if (status != PACKET_OK)
        return;
    if (packet.protocol == PROTOCOL_TCP || packet.protocol == PROTOCOL_UDP)
        feed_ports(analysis, &packet);
    else
        feed_icmp(analysis, &packet);
    flows_age(analysis->flows, analysis->now_ns);
}

void analysis_finish(struct analysis *analysis)
{
    flows_finish(analysis->flows, analysis->now_ns);
}

const struct facts *analysis_facts(const struct analysis *analysis)
{
    return analysis->facts;
}

struct analysis_counters analysis_counters(const struct analysis *analysis)
{
    struct analysis_counters counters = analysis->counters;
    counters.flows = flows_counters(analysis->flows);
    counters.exchanges = exchanges_counters(analysis->exchanges);
    counters.refused = facts_refused(analysis->facts);
    return counters;
}

int64_t analysis_now_ns(const struct analysis *analysis)
{
    return analysis->now_ns;
}
