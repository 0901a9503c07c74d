/* Rules on two captures of the same traffic: what reached the other side, and what never left it. Each row stands with its function. */
#include "report/seen.h"

static bool crossed(const struct rule_case *c, uint32_t crossings)
{
    return (c->ending->end.crossings & CROSSING_COVERED) && (c->ending->end.crossings & crossings);
}

static bool holds_tcp(const struct rule_case *c)
{
    return pair_summary(c->crowd->pair).holds_tcp[PAIR_SERVER];
}

/* Neither the client's own filter nor a relay that asked in the client's stead. */
static bool between(const struct rule_case *c)
{
    return c->crowd->pair && !seen_mechanism(c, MECHANISM_LOCAL_FILTER) && !crossed(c, CROSSING_RELAYED);
}

static bool silence(const struct rule_case *c)
{
    return c->ending->end.outcome == OUTCOME_UNANSWERED;
}

/* Never came to the server's side, and nothing came back from anywhere. */
static bool never_arrived(const struct rule_case *c)
{
    return between(c) && crossed(c, CROSSING_LOST) && silence(c) && !crossed(c, CROSSING_SYNACK_MADE);
}

static bool syn_lost(const struct rule_case *c)
{
    return never_arrived(c) && holds_tcp(c);
}

/* With the client side filtered as well, the same filter most likely stood at both, and that lets TCP in. */
static bool syn_lost_unfiltered(const struct rule_case *c)
{
    return never_arrived(c) && !holds_tcp(c) && pair_summary(c->crowd->pair).filtered[PAIR_CLIENT];
}

/* Made nearer than the server side's capture: by its distance, its time, or its sender's own address. */
static bool made_on_the_way(const struct rule_case *c)
{
    struct pair_clock clock = pair_summary(c->crowd->pair).clock;
    bool here = c->vantage != VANTAGE_SERVER;
    uint8_t ttl = c->ending->end.ttl ? c->ending->end.ttl : c->ending->end.synack_ttl;
    bool near = c->both && ttl && here && c->both->hops[1] > 0 && (int)ttl_hops(ttl) < c->both->hops[1];
    bool early = clock.steady && c->ending->least_us > 0 && (int64_t)c->ending->least_us * 1000 < clock.error_ns;
    bool other = seen_icmp(c) && !addr_same(c->ending->end.icmp_source, c->server->address);
    return near || early || other || seen_nearer(c) || c->synack.relation == RELATION_NEARER;
}

/* Other flows do reach the captured host: what this one met may be another machine with the server's address. */
static bool others_arrive(const struct rule_case *c)
{
    return c->both && c->both->flows > 0;
}

static bool end_made(const struct rule_case *c)
{
    return between(c) && crossed(c, CROSSING_END_MADE) && !crossed(c, CROSSING_END_PASSED) &&
           (crossed(c, CROSSING_ARRIVED) || (made_on_the_way(c) && holds_tcp(c)));
}

static bool end_made_somewhere(const struct rule_case *c)
{
    return between(c) && crossed(c, CROSSING_END_MADE) && crossed(c, CROSSING_LOST) && !end_made(c) &&
           (made_on_the_way(c) || (holds_tcp(c) && !others_arrive(c) && c->end.relation != RELATION_FARTHER));
}

static bool handshake_made(const struct rule_case *c)
{
    return between(c) && crossed(c, CROSSING_SYNACK_MADE) && crossed(c, CROSSING_LOST) && holds_tcp(c) &&
           (made_on_the_way(c) || silence(c)) && c->synack.relation != RELATION_FARTHER;
}

static bool query_lost(const struct rule_case *c)
{
    return between(c) && crossed(c, CROSSING_QUERY_LOST) && !crossed(c, CROSSING_END_PASSED);
}

static bool reply_lost(const struct rule_case *c)
{
    return between(c) && crossed(c, CROSSING_REPLY_LOST);
}

static bool client_forged(const struct rule_case *c)
{
    return between(c) && crossed(c, CROSSING_CLIENT_MADE);
}

/* The capture stands at the server, where its packets have passed no router. */
static bool at_server(const struct rule_case *c)
{
    bool whole_way = c->both && c->far_ttl - c->ending->end.ttl == c->both->hops[1]; /* whatever TTL it began with */
    return c->far == VANTAGE_SERVER && (c->far_ttl == 0 || ttl_hops(c->far_ttl) == 0 || whole_way);
}

/* Nothing but what ends the connections shows where it was taken: beside whoever made that. */
static bool beside_sender(const struct rule_case *c)
{
    return c->far == VANTAGE_UNKNOWN && c->far_ttl != 0 && ttl_hops(c->far_ttl) == 0 && c->both && c->both->hops[1] > 0;
}

static bool end_left(const struct rule_case *c)
{
    return between(c) && crossed(c, CROSSING_END_PASSED) && !crossed(c, CROSSING_CLIENT_MADE | CROSSING_REPLY_LOST);
}

static bool end_passed(const struct rule_case *c)
{
    return end_left(c) && at_server(c);
}

static bool end_passed_beside(const struct rule_case *c)
{
    return end_left(c) && beside_sender(c);
}

static bool end_passed_beyond(const struct rule_case *c)
{
    return end_left(c) && !at_server(c) && !beside_sender(c);
}

static bool arrived_in_silence(const struct rule_case *c)
{
    return between(c) && crossed(c, CROSSING_SILENT) && !crossed(c, CROSSING_CLIENT_MADE | CROSSING_REPLY_LOST) &&
           silence(c);
}

static bool silent_at_server(const struct rule_case *c)
{
    return arrived_in_silence(c) && at_server(c);
}

static bool silent_beyond(const struct rule_case *c)
{
    return arrived_in_silence(c) && !at_server(c);
}

/*
 * By their own clocks both captures were running, but the second has nothing of this server's traffic: what answers the
 * client is not there. (Clocks that are far apart would look the same.)
 */
static bool nothing_in_common(const struct rule_case *c)
{
    return c->crowd->pair && !c->ending->end.crossings && pair_is_foreign(c->crowd->pair, c->server->address);
}

static bool relay_refused(const struct rule_case *c)
{
    return c->crowd->pair && crossed(c, CROSSING_RELAY_FAILED);
}

static const struct rule rows[] = {
    {"pair-never-arrived", BOX, CONCLUSIVE, GROUP_PAIR, syn_lost,
     "The client's packets left its side and none of them reached the server's side, whose capture was running and has "
     "other packets between the two: something between drops them.",
     "What is in the one capture and not in the other was lost between the two places.",
     "two captures of one flow; [lab]: drop at each router"},
    {"pair-never-arrived-unfiltered", BOX, STRONG, GROUP_PAIR, syn_lost_unfiltered,
     "None of the client's packets reached the server's side; but that capture holds nothing but DNS over UDP, so that "
     "its filter may have left TCP out.",
     "As `pair-never-arrived`, with a doubt about the second capture. The client side's is filtered, too, and has TCP.",
     "tcpdump's filters are not saved in the file"},
    {"pair-filter-unknown", SERVER, WEAK, GROUP_PAIR, syn_lost_unfiltered,
     "Nothing shows that the second capture would have taken TCP; if not, the silence may be the server's.",
     "Make it again, filtered by address only.", "tcpdump's filters are not saved in the file"},
    {"pair-rejection-made-between", BOX, CONCLUSIVE, GROUP_PAIR, end_made,
     "The packet that ends the connection never left the server's side, whose capture was running: something between "
     "made it{pair_place}.",
     "A packet in the server's name that the server's side never sent was made on the way.",
     "two captures of one flow; [lab]: reject at each router, forged resets"},
    {"pair-rejection-made-elsewhere", BOX, STRONG, GROUP_PAIR, end_made_somewhere,
     "The client's packets never reached the server's side, and what ends the connection did not leave it: something "
     "between rejects them, or another machine that answers for the server's address.",
     "A load balancer or anycast may send TCP to another machine than the captured one; a nearer distance, or an "
     "earlier time, would exclude that.",
     "two captures of one flow; [lab]"},
    {"pair-handshake-made-between", BOX, CONCLUSIVE, GROUP_PAIR, handshake_made,
     "The SYN-ACK never left the server's side, and the client's SYN never reached it: a proxy between takes the "
     "connections.",
     "Who answers a SYN that the server never got is not the server.", "two captures of one flow; [lab]: redirect"},
    {"pair-query-lost", BOX, CONCLUSIVE, GROUP_PAIR, query_lost,
     "The handshake reached the server's side, the query did not: something between drops packets with DNS in them.",
     "What is in the one capture and not in the other was lost between the two places.",
     "two captures of one flow; [lab]: a string match that drops"},
    {"pair-reply-lost", BOX, CONCLUSIVE, GROUP_PAIR, reply_lost,
     "The server replied, and its packets never reached the client's side: something between drops them.",
     "What is in the one capture and not in the other was lost between the two places.",
     "two captures of one flow; [lab]: long packets dropped on the way"},
    {"pair-client-forged", BOX, CONCLUSIVE, GROUP_PAIR, client_forged,
     "The server's side got a reset or FIN in the client's name that the client's side never sent: something between "
     "forges to the server too{pair_forged_place}.",
     "A packet in the client's name that the client's side never sent was made on the way.",
     "two captures of one flow; [lab]: resets forged to both ends"},
    {"pair-rejection-left-server", SERVER, CONCLUSIVE, GROUP_PAIR, end_passed,
     "What ends the connection left the server itself: it is in its capture too, with the untouched TTL {far_ttl}.",
     "The capture at the server sees what its host sends. What has passed no router was made there.",
     "two captures of one flow; [lab]: closed port, host firewall, access lists"},
    {"pair-rejection-left-second-place", SERVER, STRONG, GROUP_PAIR, end_passed_beside,
     "What ends the connection is in both captures, and left the place of the second one with the untouched TTL "
     "{far_ttl}: it was made there.",
     "As `pair-rejection-left-server`, but nothing else of the server shows that this place is the server and not a "
     "box before it.",
     "two captures of one flow; [lab]"},
    {"pair-rejection-from-beyond", NOBODY, WEAK, GROUP_PAIR, end_passed_beyond,
     "What ends the connection is in both captures: it came from the server, or from a device between it and the "
     "second capture.",
     "The second capture was not taken at the server, so that there is room for another device.",
     "two captures of one flow"},
    {"pair-server-silent", SERVER, CONCLUSIVE, GROUP_PAIR, silent_at_server,
     "The client's packets reached the server itself, and nothing left it in reply.",
     "The capture sees packets before the host's own firewall and its DNS software do.",
     "Linux packet taps come before INPUT; two captures of one flow; [lab]: drop on the server, limits used up"},
    {"pair-silent-beyond", NOBODY, WEAK, GROUP_PAIR, silent_beyond,
     "The client's packets reached the second capture, and nothing came back: the silence is the server's, or that of "
     "a device between it and that capture.",
     "The second capture was not taken at the server, or does not show that it was, so that there is room for another "
     "device.",
     "two captures of one flow"},
    {"pair-nothing-in-common", BOX, STRONG, GROUP_PAIR, nothing_in_common,
     "By their clocks both captures were running, and not one packet of the client's is at the server's side, not even "
     "of the lookups that were answered: something between answers in the server's name, or the captures do not belong "
     "together.",
     "Whatever answers the client is not where the second capture was taken.",
     "[lab]: all DNS redirected to a resolver on the way"},
    {"pair-relay-refused", SERVER, CONCLUSIVE, GROUP_PAIR, relay_refused,
     "The client's connection ended at a relay, which at that moment asked the server itself and was refused by it.",
     "A proxy that cannot reach the server over TCP turns its clients down in its turn.",
     "two captures; [lab]: a relay before a closed port"},
};

const struct rule_set rules_pair = {rows, sizeof rows / sizeof *rows};
