#include "report/seen.h"

bool seen_sign(const struct rule_case *c, uint32_t signs)
{
    return (c->ending->end.signs & signs) != 0;
}

bool seen_mechanism(const struct rule_case *c, enum mechanism mechanism)
{
    return c->ending->end.mechanism == mechanism;
}

bool seen_icmp(const struct rule_case *c)
{
    return !addr_is_none(c->ending->end.icmp_source);
}

bool seen_segment(const struct rule_case *c)
{
    return c->ending->end.ttl != 0 && !seen_icmp(c) && c->ending->end.outcome == OUTCOME_REJECTED &&
           !seen_mechanism(c, MECHANISM_LOCAL_FILTER);
}

bool seen_steady(const struct rule_case *c)
{
    return c->ruler.kind == RULER_DNS_ANSWERS && c->ruler.constant && c->ruler.samples >= SEEN_SAMPLES_ENOUGH &&
           c->alike >= SEEN_SAMPLES_ENOUGH && c->constant;
}

/* Server and client are neighbours, and the packet has the hardware address of the server's answers: one machine. */
static bool same_machine(const struct rule_case *c)
{
    const struct sighting *last = c->flow->decisive == FLOW_UNSEEN ? NULL : &c->flow->timeline[c->flow->decisive];
    return addr_are_neighbours(c->flow->client, c->server->address) && last && last->mac != 0 &&
           last->mac == c->server->mac;
}

bool seen_only_told(const struct rule_case *c)
{
    const struct sighting *last = c->flow->decisive == FLOW_UNSEEN ? NULL : &c->flow->timeline[c->flow->decisive];
    return last && last->ref.number == 0;
}

bool seen_perhaps_own(const struct rule_case *c)
{
    return seen_only_told(c) && c->flow->timeline[c->flow->decisive].from_server && ttl_hops(c->ending->end.ttl) == 0 &&
           c->end.relation != RELATION_SAME;
}

bool seen_nearer(const struct rule_case *c)
{
    if (same_machine(c) || seen_perhaps_own(c))
        return false;
    return c->end.relation == RELATION_NEARER && c->vantage != VANTAGE_SERVER;
}

bool seen_refuted(const struct rule_case *c)
{
    return (c->ending->end.crossings & CROSSING_COVERED) && (c->ending->end.crossings & CROSSING_END_MADE);
}

bool seen_handshake_floor(const struct rule_case *c)
{
    return c->tcp->handshake.count >= SEEN_HANDSHAKES && c->tcp->handshake.least_us >= SEEN_FLOOR_LEAST_US;
}

bool seen_udp_floor(const struct rule_case *c)
{
    return !ruler_is_elsewhere(c->facts, c->server) && c->server->udp_rtt.count >= SEEN_FLOOR_SAMPLES &&
           c->server->udp_rtt.least_us >= SEEN_FLOOR_LEAST_US;
}

/* What speaks against an accusation need not be as sure: the floor of any answers, since real round trips are shorter. */
static uint32_t udp_floor_us(const struct rule_case *c)
{
    const struct delays *rtt = &c->server->udp_rtt;
    bool measured = rtt->count > 0 && rtt->least_us >= SEEN_FLOOR_LEAST_US && !ruler_is_elsewhere(c->facts, c->server);
    return measured ? rtt->least_us : 0;
}

bool seen_timed(const struct rule_case *c)
{
    return seen_segment(c) && c->vantage == VANTAGE_CLIENT && c->ending->most_us > 0 && !seen_perhaps_own(c);
}

/*
 * At least two thirds of the least round trip. [lab]: what a router on the way answers takes up to a sixth of it, what the
 * server answers by a way two routers shorter 0.78.
 */
static bool takes_round_trip(uint32_t least_us, uint32_t floor_us)
{
    return least_us >= floor_us / 3 * 2;
}

bool seen_at_round_trip(const struct rule_case *c)
{
    uint32_t floor = seen_handshake_floor(c) ? c->tcp->handshake.least_us : udp_floor_us(c);
    return seen_timed(c) && floor > 0 && takes_round_trip(c->ending->least_us, floor) &&
           c->ending->most_us <= floor * 3;
}

/* The SYN-ACK takes as long as the server's UDP answers: routes that differ, rather than another machine. */
static bool handshake_takes_round_trip(const struct rule_case *c)
{
    return c->vantage == VANTAGE_CLIENT && c->tcp->handshake.count > 0 && udp_floor_us(c) > 0 &&
           takes_round_trip(c->tcp->handshake.least_us, udp_floor_us(c));
}

bool seen_tcp_ends_nearer(const struct rule_case *c)
{
    if (c->synack.relation != RELATION_NEARER || c->ruler.split || c->vantage == VANTAGE_SERVER)
        return false;
    uint8_t last = c->ending->end.ttl && !seen_icmp(c) ? c->ending->end.ttl : c->ending->end.ack_ttl;
    if (last && last != c->ending->end.synack_ttl)
        return false;
    bool plain =
        c->synack.gap > SEEN_ROUTE_GAP || (c->synack.gap >= 2 && ttl_hops(c->ending->end.synack_ttl) <= SEEN_EDGE_HOPS);
    return plain || (c->ruler.constant && !handshake_takes_round_trip(c) && c->ruler.samples >= SEEN_SAMPLES_ENOUGH &&
                     c->ending->count >= 2);
}

bool seen_posing(const struct rule_case *c)
{
    bool client_here = c->vantage != VANTAGE_SERVER && ttl_hops(c->tcp->client_ttl.seen[0].ttl) == 0;
    bool everybody = c->crowd->posing_networks >= SEEN_NETWORKS_ENOUGH && c->ending->end.ttl == c->crowd->posing_ttl;
    return client_here && (everybody || (ttl_hops(c->ending->end.ttl) == 0 &&
                                         !addr_may_share_link(c->flow->client, c->server->address)));
}
