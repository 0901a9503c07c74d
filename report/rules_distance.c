/* Rules on hop distances: where packets were made. Each row stands with its function. */
#include "report/located.h"
#include "report/seen.h"

enum { MANY = 5 }; /* flows and answers from which on a single hop counts */

static bool refused_by_proxy(const struct rule_case *c)
{
    return seen_mechanism(c, MECHANISM_ERROR_RCODE) && c->ruler.split;
}

static bool gap_is_plain(const struct rule_case *c)
{
    return c->end.gap > SEEN_ROUTE_GAP || ttl_hops(c->ending->end.ttl) <= SEEN_EDGE_HOPS ||
           c->server->references[REFERENCE_TCP_ANSWER].seen[0].count > 0;
}

static bool nearer_by_two(const struct rule_case *c)
{
    return seen_segment(c) && seen_nearer(c) && c->end.gap >= 2 && !seen_tcp_ends_nearer(c);
}

static bool nearer_constant(const struct rule_case *c)
{
    return nearer_by_two(c) && seen_steady(c) && gap_is_plain(c);
}

static bool nearer_likely(const struct rule_case *c)
{
    return nearer_by_two(c) && !nearer_constant(c) && (gap_is_plain(c) || (seen_steady(c) && !seen_at_round_trip(c)));
}

static bool nearer_few(const struct rule_case *c)
{
    return nearer_by_two(c) && !gap_is_plain(c) && (!seen_steady(c) || seen_at_round_trip(c));
}

/* A probe's are of one client at one time, and go one way each: its path tells more. */
static bool many_flows(const struct rule_case *c)
{
    return seen_steady(c) && c->alike >= MANY && c->ruler.samples >= MANY && !c->crowd->probe;
}

static bool nearer_one_hop(const struct rule_case *c)
{
    return seen_segment(c) && seen_nearer(c) && c->end.gap == 1 && many_flows(c) && !seen_tcp_ends_nearer(c);
}

static bool nearer_one_hop_few(const struct rule_case *c)
{
    return seen_segment(c) && seen_nearer(c) && c->end.gap == 1 && !many_flows(c) && !seen_tcp_ends_nearer(c);
}

static bool not_the_server(const struct rule_case *c)
{
    return seen_segment(c) && c->end.relation == RELATION_NEARER && seen_perhaps_own(c);
}

static bool nearer_than_handshake(const struct rule_case *c)
{
    return seen_segment(c) && !seen_perhaps_own(c) && c->ending->end.synack_ttl != 0 && c->vantage != VANTAGE_SERVER &&
           ttl_hops(c->ending->end.ttl) < ttl_hops(c->ending->end.synack_ttl);
}

static bool nearer_than_handshake_known(const struct rule_case *c)
{
    return nearer_than_handshake(c) && c->synack.relation == RELATION_SAME;
}

static bool nearer_than_handshake_alone(const struct rule_case *c)
{
    return nearer_than_handshake(c) && c->synack.relation == RELATION_UNKNOWN;
}

/* A TTL can be chosen so that it arrives like the server's; the hop at which a packet is rejected cannot. */
static bool located_elsewhere(const struct rule_case *c)
{
    struct located at = located_of(c->path, &c->ending->end, c->flow);
    return located_before_server(c->path, &at);
}

/* Who reads queries may forge a reset of any TTL; that the server then goes on shows in packets, not to a socket. */
static bool forged_unseen(const struct rule_case *c)
{
    return seen_only_told(c) &&
           (seen_mechanism(c, MECHANISM_RESET_AFTER_QUERY) || seen_mechanism(c, MECHANISM_RESET_AFTER_HANDSHAKE));
}

static bool same_distance_unseen(const struct rule_case *c)
{
    return seen_segment(c) && c->end.relation == RELATION_SAME && c->ruler.kind == RULER_DNS_ANSWERS &&
           forged_unseen(c);
}

static bool same_distance(const struct rule_case *c)
{
    return seen_segment(c) && !forged_unseen(c) && c->end.relation == RELATION_SAME &&
           c->ruler.kind == RULER_DNS_ANSWERS && c->vantage != VANTAGE_SERVER && !seen_posing(c) && !c->forged_alike &&
           !seen_refuted(c) && !located_elsewhere(c) &&
           (c->synack.relation == RELATION_SAME || c->synack.relation == RELATION_UNKNOWN);
}

static bool same_on_link(const struct rule_case *c)
{
    const struct sighting *last = c->flow->decisive == FLOW_UNSEEN ? NULL : &c->flow->timeline[c->flow->decisive];
    return same_distance(c) && ttl_hops(c->ending->end.ttl) == 0 && last && last->mac != 0 &&
           last->mac == c->server->mac && ttl_hops(c->tcp->client_ttl.seen[0].ttl) == 0;
}

static bool same_as_other_traffic(const struct rule_case *c)
{
    return seen_segment(c) && c->end.relation == RELATION_SAME && c->ruler.kind == RULER_OTHER_TRAFFIC &&
           c->vantage != VANTAGE_SERVER && !seen_posing(c);
}

static bool same_hops_other_ttl(const struct rule_case *c)
{
    return seen_segment(c) && c->end.relation == RELATION_SAME_HOPS;
}

static bool farther(const struct rule_case *c)
{
    return seen_segment(c) && c->end.relation == RELATION_FARTHER;
}

static bool among(const struct rule_case *c)
{
    return seen_segment(c) && c->end.relation == RELATION_AMONG;
}

static bool tcp_nearer(const struct rule_case *c)
{
    return seen_tcp_ends_nearer(c) || refused_by_proxy(c);
}

static bool syn_proxy(const struct rule_case *c)
{
    return seen_segment(c) && c->synack.relation == RELATION_NEARER && c->end.relation == RELATION_SAME;
}

static const struct rule rows[] = {
    {"nearer", BOX, CONCLUSIVE, GROUP_DISTANCE, nearer_constant,
     "All {alike} packets that ended connections came from {end_hops} away (TTL {end_ttl}), the server's own DNS "
     "answers from {ref_hops} "
     "(TTL {ref_ttl}, {ref_samples} answers, always the same).",
     "Each router takes one off the TTL. Packets in the server's name that passed at least two routers fewer than its "
     "answers, constantly, were made on the way.",
     "nmap-os-db: SYN-ACK and RST of one host differ in initial TTL in 2.0 %; [lab]"},
    {"nearer-likely", BOX, STRONG, GROUP_DISTANCE, nearer_likely,
     "The packet came from {end_hops} away (TTL {end_ttl}), the server's own {ref_kind} from {ref_hops} (TTL "
     "{ref_ttl}).",
     "As `nearer`, but by few packets, or by no more hops than routes for UDP and TCP may differ.",
     "nmap-os-db; [lab]"},
    {"nearer-few-samples", BOX, WEAK, GROUP_DISTANCE, nearer_few,
     "The packet came from {end_hops} away (TTL {end_ttl}), the server's own {ref_kind} from {ref_hops} (TTL "
     "{ref_ttl}).",
     "By few packets and few hops, or after a whole round trip: another route for TCP, or another site of an anycast "
     "address, would do it too.",
     "asymmetric routes differ by 1 to 3 routers; [lab]: policy routing by protocol"},
    {"nearer-one-hop", BOX, STRONG, GROUP_DISTANCE, nearer_one_hop,
     "All {alike} packets that ended connections came from one hop nearer (TTL {end_ttl}) than the server's own DNS "
     "answers (TTL "
     "{ref_ttl}, {ref_samples} answers, always the same): from the last router before it.",
     "One hop is what a last-hop firewall or load balancer makes. A route of another length for TCP would do it too, "
     "which is why many flows with constant values are asked for.",
     "[lab]: a reject rule on the last router"},
    {"nearer-one-hop-few", BOX, WEAK, GROUP_DISTANCE, nearer_one_hop_few,
     "The packet came from one hop nearer (TTL {end_ttl}) than the server's own {ref_kind} (TTL {ref_ttl}).",
     "One hop by few packets: a firewall before the server, or a route that differs by one router.", "[lab]"},
    {"nearer-than-handshake", BOX, CONCLUSIVE, GROUP_DISTANCE, nearer_than_handshake_known,
     "Within one connection the SYN-ACK came from {synack_hops} away (TTL {synack_ttl}), as the server's DNS answers "
     "do, and the end of it from {end_hops} (TTL {end_ttl}).",
     "Packets of one flow take one route: two distances in it are two senders, and the SYN-ACK's is the server's.",
     "NDSS 2009; [lab]: a string match with tcp-reset"},
    {"nearer-than-handshake-alone", BOX, STRONG, GROUP_DISTANCE, nearer_than_handshake_alone,
     "Within one connection the SYN-ACK came from {synack_hops} away (TTL {synack_ttl}) and the end of it from "
     "{end_hops} (TTL {end_ttl}).",
     "Two distances in one flow are two senders. A SYN proxy would answer nearer than the server, not farther, so the "
     "nearer one is the intermediary.",
     "NDSS 2009; [lab]"},
    {"nearest-or-own-host", NOBODY, WEAK, GROUP_DISTANCE, not_the_server,
     "What ends the connections passed no router (TTL {end_ttl}), while the server's answers come from {ref_hops}: it "
     "is not the server that sends it, but the first router or firewall, or a filter on this very host.",
     "A socket is not told whether a RST came in from the network. A capture shows that, and `--locate`: a SYN that "
     "the first router still reports as expired has left this host.",
     "IP_MINTTL of ip(7), RFC 5082; [lab]: reject in the client's own output, and at the first router"},
    {"same-distance", SERVER, STRONG, GROUP_DISTANCE, same_distance,
     "The packet that ends the connection came with TTL {end_ttl} ({end_hops}), exactly as the server's own DNS "
     "answers "
     "do ({ref_samples} of them).",
     "It was made at the server's distance: by the server's host (closed port, its own firewall, its DNS software) or "
     "by a device directly in front of it that does not show in the TTL.",
     "nmap-os-db; [lab]"},
    {"same-distance-unseen", NOBODY, WEAK, GROUP_DISTANCE, same_distance_unseen,
     "The RST came from as far as the server's DNS answers; but no packets were captured, and whether the server went "
     "on "
     "after it, as it does when somebody forged it, nobody saw.",
     "A forger may choose the TTL. A capture shows what came after the RST.",
     "IP_MINTTL of ip(7), RFC 5082; [lab]: forgers with the server's TTL"},
    {"same-distance-on-link", SERVER, CONCLUSIVE, GROUP_DISTANCE, same_on_link,
     "The server is on this link: the packet came from the same hardware address and TTL as its DNS answers.",
     "No router lies between, so nothing but a bridge could have put itself there.", "[lab]"},
    {"same-as-other-traffic", SERVER, STRONG, GROUP_DISTANCE, same_as_other_traffic,
     "The packet that ends the connection came with TTL {end_ttl} ({end_hops}), as other traffic of that address does "
     "({ref_samples} packets on other ports).",
     "Every packet of an address shows how far it is. Without DNS answers that is the next best ruler.",
     "public captures, read by hand"},
    {"same-hops-other-ttl", BOX, WEAK, GROUP_DISTANCE, same_hops_other_ttl,
     "The packet seems to have come as far as the server's answers, from another initial TTL (TTL {end_ttl} against "
     "{ref_ttl}).",
     "2.0 % of hosts use different initial TTLs for SYN-ACK and RST, an independent box does in about half of all "
     "cases; but a box would seldom be at exactly the server's distance.",
     "nmap-os-db"},
    {"farther", NOBODY, WEAK, GROUP_DISTANCE, farther,
     "The packet seems to come from farther away (TTL {end_ttl}) than the server's {ref_kind} (TTL {ref_ttl}).",
     "A box that copies the TTL of what it answers, an asymmetric route, an unusual initial TTL or a proxy for UDP: "
     "nothing can be said of the sender.",
     "net4people #98; public captures"},
    {"among-distances", NOBODY, WEAK, GROUP_DISTANCE, among,
     "The server's own answers come from several distances; TTL {end_ttl} lies among them.",
     "Anycast, several machines behind one address or a changing route: TTLs tell nothing here.",
     "public captures: 55-59 for one address"},
    {"tcp-ends-nearer", BOX, STRONG, GROUP_DISTANCE, tcp_nearer,
     "TCP to this address ends {synack_hops} away (TTL {synack_ttl}), its UDP answers come from {ref_hops} (TTL "
     "{ref_ttl}): another machine takes the TCP connections.",
     "A transparent proxy answers the handshake itself, so all that follows is its doing.",
     "[lab]: REDIRECT to a local listener"},
    {"syn-proxy", SERVER, STRONG, GROUP_DISTANCE, syn_proxy,
     "The SYN-ACK came from a SYN proxy {synack_hops} away (TTL {synack_ttl}); the RST came from the server itself "
     "(TTL "
     "{end_ttl}, as its DNS answers).",
     "A SYN proxy answers for the server before it knows whether the port is open; the real refusal follows from the "
     "server's distance.",
     "[lab]: netfilter SYNPROXY before a closed port"},
};

const struct rule_set rules_distance = {rows, sizeof rows / sizeof *rows};
