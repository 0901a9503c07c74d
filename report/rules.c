/*
 * The rules. Each is one small pure function and one row; verdict.c weighs those that hold, `explain` prints the rows.
 * "Sources" name where the fact was learnt; [lab] is what real stacks and firewalls did in network namespaces.
 */
#include "report/rules.h"

#include "report/phrase.h"

#include <assert.h>
#include <stdlib.h>

enum {
    SAMPLES_ENOUGH = 3,    /* packets of each kind from which on a constant distance counts as constant */
    FLOOR_LEAST_US = 4000, /* round trips below this are too near the noise of a capture to compare */
    FLOOR_SAMPLES = 5,
    FLOOR_NEAR = 3, /* of them within 1.25 times the least */
    COUNTER_STEPS = 3,
    ROUTE_GAP = 3, /* hops by which routes to one address differ */
    EDGE_HOPS = 1, /* this near the capture there is no other route */
    NETWORKS_ENOUGH = 3,
};

static bool sign(const struct rule_case *c, uint32_t signs)
{
    return (c->ending->end.signs & signs) != 0;
}

static bool is(const struct rule_case *c, enum mechanism mechanism)
{
    return c->ending->end.mechanism == mechanism;
}

static bool by_icmp(const struct rule_case *c)
{
    return !addr_is_none(c->ending->end.icmp_source);
}

/* The decisive packet is a RST or a FIN in the server's name. */
static bool by_segment(const struct rule_case *c)
{
    return c->ending->end.ttl != 0 && !by_icmp(c) && c->ending->end.outcome == OUTCOME_REJECTED &&
           !is(c, MECHANISM_LOCAL_FILTER);
}

static bool steady(const struct rule_case *c)
{
    return c->ruler.kind == RULER_DNS_ANSWERS && c->ruler.constant && c->ruler.samples >= SAMPLES_ENOUGH &&
           c->alike >= SAMPLES_ENOUGH && c->constant;
}

static bool nearer(const struct rule_case *c)
{
    return c->end.relation == RELATION_NEARER && c->vantage != VANTAGE_SERVER;
}

/* TCP ends at the place from which the SYN-ACK came, and that is not where the server is. */
static bool tcp_ends_nearer(const struct rule_case *c)
{
    if (c->synack.relation != RELATION_NEARER || c->ruler.split || c->vantage == VANTAGE_SERVER)
        return false;
    uint8_t last = c->ending->end.ttl && !by_icmp(c) ? c->ending->end.ttl : c->ending->end.ack_ttl;
    if (last && last != c->ending->end.synack_ttl)
        return false;
    bool plain = c->synack.gap > ROUTE_GAP || (c->synack.gap >= 2 && ttl_hops(c->ending->end.synack_ttl) <= EDGE_HOPS);
    return plain || (c->ruler.constant && c->ruler.samples >= SAMPLES_ENOUGH && c->ending->count >= 2);
}

static bool refused_by_proxy(const struct rule_case *c)
{
    return is(c, MECHANISM_ERROR_RCODE) && c->ruler.split;
}

/* sequence */

static bool rst_contradicted(const struct rule_case *c)
{
    return sign(c, SIGN_AFTER_RST);
}

static bool rst_seq_change(const struct rule_case *c)
{
    return sign(c, SIGN_SEQ_CHANGE);
}

static bool rst_ack_change(const struct rule_case *c)
{
    return sign(c, SIGN_ACK_CHANGE);
}

static bool client_forged(const struct rule_case *c)
{
    return sign(c, SIGN_CLIENT_FORGED);
}

static bool nothing_sent(const struct rule_case *c)
{
    return is(c, MECHANISM_QUERY_UNANSWERED) && sign(c, SIGN_NOTHING_SENT) && !sign(c, SIGN_DATA_LOST) &&
           c->synack.relation == RELATION_SAME;
}

static bool data_lost(const struct rule_case *c)
{
    return (is(c, MECHANISM_QUERY_UNANSWERED) || is(c, MECHANISM_PARTIAL_ANSWER)) && sign(c, SIGN_DATA_LOST) &&
           c->vantage != VANTAGE_SERVER;
}

/* distance */

/*
 * Routes for UDP and TCP, or two sites of one address, differ by up to 3 routers: such a gap is proof only at the
 * capture's own edge, where no route can be that short by chance, or against the server's own TCP answers.
 */
static bool gap_is_plain(const struct rule_case *c)
{
    return c->end.gap > ROUTE_GAP || ttl_hops(c->ending->end.ttl) <= EDGE_HOPS ||
           c->server->references[REFERENCE_TCP_ANSWER].seen[0].count > 0;
}

static bool nearer_by_two(const struct rule_case *c)
{
    return by_segment(c) && nearer(c) && c->end.gap >= 2 && !tcp_ends_nearer(c);
}

static bool nearer_constant(const struct rule_case *c)
{
    return nearer_by_two(c) && steady(c) && gap_is_plain(c);
}

static bool nearer_likely(const struct rule_case *c)
{
    return nearer_by_two(c) && !nearer_constant(c) && (steady(c) || gap_is_plain(c));
}

static bool nearer_few(const struct rule_case *c)
{
    return nearer_by_two(c) && !steady(c) && !gap_is_plain(c);
}

static bool nearer_one_hop(const struct rule_case *c)
{
    return by_segment(c) && nearer(c) && c->end.gap == 1 && steady(c) && !tcp_ends_nearer(c);
}

static bool nearer_one_hop_few(const struct rule_case *c)
{
    return by_segment(c) && nearer(c) && c->end.gap == 1 && !steady(c) && !tcp_ends_nearer(c);
}

static bool nearer_than_handshake(const struct rule_case *c)
{
    return by_segment(c) && c->ending->end.synack_ttl != 0 && c->vantage != VANTAGE_SERVER &&
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

/*
 * A device on the client's own link that answers for an address of another network is hardly that address; nor are
 * servers of several networks that are all at one small distance. (Virtual machine NATs, hotspots and home routers.)
 */
static bool poses_as_far(const struct rule_case *c)
{
    bool client_here = c->vantage != VANTAGE_SERVER && ttl_hops(c->tcp->client_ttl.seen[0].ttl) == 0;
    bool everybody = c->crowd->posing_networks >= NETWORKS_ENOUGH && c->ending->end.ttl == c->crowd->posing_ttl;
    return client_here && (everybody || (ttl_hops(c->ending->end.ttl) == 0 &&
                                         !addr_may_share_link(c->flow->client, c->server->address)));
}

static bool same_distance(const struct rule_case *c)
{
    return by_segment(c) && c->end.relation == RELATION_SAME && c->ruler.kind == RULER_DNS_ANSWERS &&
           c->vantage != VANTAGE_SERVER && !poses_as_far(c) &&
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
    return by_segment(c) && c->end.relation == RELATION_SAME && c->ruler.kind == RULER_OTHER_TRAFFIC &&
           c->vantage != VANTAGE_SERVER && !poses_as_far(c);
}

static bool same_hops_other_ttl(const struct rule_case *c)
{
    return by_segment(c) && c->end.relation == RELATION_SAME_HOPS;
}

static bool farther(const struct rule_case *c)
{
    return by_segment(c) && c->end.relation == RELATION_FARTHER;
}

static bool among(const struct rule_case *c)
{
    return by_segment(c) && c->end.relation == RELATION_AMONG;
}

static bool tcp_nearer(const struct rule_case *c)
{
    return tcp_ends_nearer(c) || refused_by_proxy(c);
}

static bool syn_proxy(const struct rule_case *c)
{
    return by_segment(c) && c->synack.relation == RELATION_NEARER && c->end.relation == RELATION_SAME;
}

/* form of the RST */

static bool in_state(const struct rule_case *c)
{
    return sign(c, SIGN_IN_STATE) && c->ending->end.ttl == c->ending->end.synack_ttl &&
           c->end.relation == RELATION_SAME;
}

static bool in_state_alone(const struct rule_case *c)
{
    return sign(c, SIGN_IN_STATE) && c->ending->end.ttl == c->ending->end.synack_ttl &&
           c->end.relation == RELATION_UNKNOWN && ttl_hops(c->ending->end.ttl) > 0;
}

static bool bad_ack(const struct rule_case *c)
{
    return sign(c, SIGN_BAD_ACK);
}

static bool timestamp_jump(const struct rule_case *c)
{
    return sign(c, SIGN_TIMESTAMP_JUMP);
}

static bool window_echo(const struct rule_case *c)
{
    return by_segment(c) && sign(c, SIGN_WINDOW_ECHO);
}

static bool tos_lowdelay(const struct rule_case *c)
{
    return by_segment(c) && sign(c, SIGN_TOS_LOWDELAY);
}

static bool tos_dropped(const struct rule_case *c)
{
    return is(c, MECHANISM_SYN_RESET) && sign(c, SIGN_TOS_DROPPED);
}

static bool tos_copied(const struct rule_case *c)
{
    return is(c, MECHANISM_SYN_RESET) && sign(c, SIGN_TOS_COPIED);
}

static bool label_set(const struct rule_case *c)
{
    return is(c, MECHANISM_SYN_RESET) && sign(c, SIGN_LABEL_SET);
}

static bool label_zero(const struct rule_case *c)
{
    return is(c, MECHANISM_SYN_RESET) && sign(c, SIGN_LABEL_ZERO);
}

static bool repeated(const struct rule_case *c)
{
    return by_segment(c) && sign(c, SIGN_REPEATED);
}

static bool has_payload(const struct rule_case *c)
{
    return by_segment(c) && sign(c, SIGN_RST_PAYLOAD);
}

/* IP identification */

static bool id_echo(const struct rule_case *c)
{
    return by_segment(c) && sign(c, SIGN_ID_ECHO);
}

static bool shared_counter(const struct rule_case *c)
{
    return by_segment(c) && c->tcp->shared_counter >= COUNTER_STEPS;
}

static bool own_counter(const struct rule_case *c)
{
    return by_segment(c) && c->tcp->own_counter >= COUNTER_STEPS && c->end.relation == RELATION_SAME &&
           !shared_counter(c);
}

/* timing */

static bool handshake_floor(const struct rule_case *c)
{
    return c->tcp->handshake.count >= FLOOR_SAMPLES && c->tcp->handshake.least_us >= FLOOR_LEAST_US;
}

static bool udp_floor(const struct rule_case *c)
{
    return c->server->udp_rtt.count >= FLOOR_SAMPLES && c->server->udp_rtt.least_us >= FLOOR_LEAST_US;
}

/*
 * Several answers that take hardly longer than the fastest are bare round trips: times to look something up would
 * scatter them. Late ones say nothing of the least.
 */
static bool udp_floor_is_bare(const struct rule_case *c)
{
    const struct delays *rtt = &c->server->udp_rtt;
    uint32_t seen = rtt->count < FACTS_DELAYS ? rtt->count : FACTS_DELAYS, near = 0;
    for (uint32_t i = 0; i < seen; i++)
        near += rtt->recent_us[i] <= rtt->least_us / 4 * 5;
    return udp_floor(c) && near >= FLOOR_NEAR && near * 3 >= seen;
}

static bool timed(const struct rule_case *c)
{
    return by_segment(c) && c->vantage == VANTAGE_CLIENT && c->ending->most_us > 0;
}

static bool too_early(const struct rule_case *c)
{
    return timed(c) && handshake_floor(c) && c->ending->most_us < c->tcp->handshake.least_us / 2;
}

static bool earlier_than_udp(const struct rule_case *c)
{
    return timed(c) && !handshake_floor(c) && udp_floor(c) && c->ending->most_us < c->server->udp_rtt.least_us / 2;
}

static bool too_early_for_udp(const struct rule_case *c)
{
    return earlier_than_udp(c) && udp_floor_is_bare(c);
}

static bool too_early_for_lookups(const struct rule_case *c)
{
    return earlier_than_udp(c) && !udp_floor_is_bare(c);
}

static bool at_round_trip(const struct rule_case *c)
{
    uint32_t floor = handshake_floor(c) ? c->tcp->handshake.least_us : c->server->udp_rtt.least_us;
    return timed(c) && (handshake_floor(c) || udp_floor(c)) && c->ending->least_us >= floor / 10 * 8 &&
           c->ending->most_us <= floor * 3;
}

static bool slow(const struct rule_case *c)
{
    return by_segment(c) && sign(c, SIGN_SLOW);
}

/* ICMP */

static bool icmp_refuses(const struct rule_case *c)
{
    return is(c, MECHANISM_ICMP_ADMIN) || is(c, MECHANISM_ICMP_PORT) || is(c, MECHANISM_ICMP_PROTOCOL);
}

static bool icmp_by_server(const struct rule_case *c)
{
    return by_icmp(c) && addr_same(c->ending->end.icmp_source, c->server->address);
}

static bool icmp_maybe_multihomed(const struct rule_case *c)
{
    return c->end.relation == RELATION_SAME || c->end.relation == RELATION_SAME_HOPS ||
           c->end.relation == RELATION_FARTHER;
}

static bool icmp_by_other(const struct rule_case *c)
{
    return by_icmp(c) && !icmp_by_server(c) && !is(c, MECHANISM_LOCAL_FILTER) && !icmp_maybe_multihomed(c);
}

static bool icmp_other_refuses(const struct rule_case *c)
{
    return icmp_by_other(c) && icmp_refuses(c);
}

static bool icmp_other_host(const struct rule_case *c)
{
    return icmp_by_other(c) && is(c, MECHANISM_ICMP_HOST) && c->udp_alive;
}

static bool icmp_server_same(const struct rule_case *c)
{
    return icmp_by_server(c) && c->vantage != VANTAGE_SERVER &&
           (c->end.relation == RELATION_SAME || c->end.relation == RELATION_SAME_HOPS) && !poses_as_far(c);
}

static bool icmp_server_nearer(const struct rule_case *c)
{
    return icmp_by_server(c) && nearer(c) && (c->end.gap >= 2 || steady(c));
}

/* payload */

static bool query_never_acked(const struct rule_case *c)
{
    return is(c, MECHANISM_QUERY_UNACKED) && c->udp_alive && c->vantage != VANTAGE_SERVER && !tcp_ends_nearer(c) &&
           !sign(c, SIGN_ACK_IGNORED);
}

static bool acked_silence(const struct rule_case *c)
{
    bool big = sign(c, SIGN_BIG_ANSWER) && !sign(c, SIGN_NOTHING_SENT);
    return is(c, MECHANISM_QUERY_UNANSWERED) && !sign(c, SIGN_DATA_LOST) && !big && c->vantage != VANTAGE_SERVER &&
           c->ack.relation == RELATION_SAME && c->ruler.kind == RULER_DNS_ANSWERS;
}

static bool refused_over_tcp(const struct rule_case *c)
{
    return is(c, MECHANISM_ERROR_RCODE) && !c->ruler.split && c->ruler.kind == RULER_DNS_ANSWERS;
}

/* vantage */

static bool own_host_rejects(const struct rule_case *c)
{
    if (c->vantage != VANTAGE_SERVER || c->ruler.farthest > 0)
        return false;
    if (by_icmp(c))
        return icmp_by_server(c) && ttl_hops(c->ending->end.ttl) == 0;
    return by_segment(c) && ttl_hops(c->ending->end.ttl) == 0 && c->end.relation != RELATION_UNKNOWN;
}

static bool own_host_silent(const struct rule_case *c)
{
    bool silent =
        is(c, MECHANISM_SYN_UNANSWERED) || is(c, MECHANISM_QUERY_UNACKED) || is(c, MECHANISM_QUERY_UNANSWERED);
    return c->vantage == VANTAGE_SERVER && silent && c->udp_alive && c->ruler.constant && c->ruler.farthest == 0;
}

static bool client_refuses(const struct rule_case *c)
{
    return sign(c, SIGN_CLIENT_REFUSES);
}

static bool rst_on_loopback(const struct rule_case *c)
{
    return is(c, MECHANISM_LOCAL_FILTER) && sign(c, SIGN_LOOPBACK);
}

static bool icmp_from_client(const struct rule_case *c)
{
    return is(c, MECHANISM_LOCAL_FILTER) && by_icmp(c);
}

static bool synack_ignored(const struct rule_case *c)
{
    return is(c, MECHANISM_SYNACK_IGNORED) && c->vantage == VANTAGE_CLIENT;
}

/* pattern over servers */

static bool same_edge(const struct rule_case *c)
{
    return (by_segment(c) || by_icmp(c)) && c->crowd->edge_networks >= NETWORKS_ENOUGH &&
           c->ending->end.ttl == c->crowd->edge_ttl && c->end.relation == RELATION_UNKNOWN &&
           c->vantage != VANTAGE_SERVER;
}

#define SERVER CULPRIT_SERVER
#define BOX CULPRIT_INTERMEDIARY
#define LOCAL CULPRIT_LOCAL
#define NOBODY CULPRIT_NONE
#define WEAK STRENGTH_WEAK
#define STRONG STRENGTH_STRONG
#define CONCLUSIVE STRENGTH_CONCLUSIVE

static const struct rule table[] = {
    {"rst-contradicted", BOX, CONCLUSIVE, GROUP_SEQUENCE, rst_contradicted,
     "The server went on with the connection after the RST that bears its name: the RST was forged.",
     "An endpoint that has sent a RST has no connection left: a SYN-ACK or new data after it, within 2 s and with no "
     "new SYN between, comes from the real server, so the RST came from something else.",
     "Weaver, Sommer, Paxson, NDSS 2009 (RST_SEQ_DATA); RFC 9293 3.10.7; [lab]"},
    {"rst-sequence-runs-ahead", BOX, CONCLUSIVE, GROUP_SEQUENCE, rst_seq_change,
     "Several RSTs came with growing sequence numbers, beyond anything sent: an injector guessing ahead.",
     "A real RST stands at the sender's next sequence number. An injector that must win a race sends several that "
     "guess how far the connection will be.",
     "NDSS 2009 (RST_SEQ_CHANGE) with the guards of S. Khattak's implementation"},
    {"rst-ack-changes", BOX, CONCLUSIVE, GROUP_SEQUENCE, rst_ack_change,
     "RSTs one after the other acknowledge data that the client never sent.",
     "The acknowledgement number of a real host cannot move without new data from its peer.",
     "NDSS 2009 (RST_ACK_CHANGE)"},
    {"client-rst-forged", BOX, CONCLUSIVE, GROUP_SEQUENCE, client_forged,
     "A RST in the client's name came from another distance than the client, which went on with the connection.",
     "Reset injectors send to both ends. Seen from the server's side, the RST bears the client's address but not its "
     "TTL, and the client's own packets follow.",
     "NDSS 2009; Clayton, Murdoch, Watson 2006"},
    {"nothing-sent", SERVER, STRONG, GROUP_SEQUENCE, nothing_sent,
     "The server's later packets still stand at the first sequence number: it never sent a byte of an answer.",
     "Had an answer been sent and lost on the way, the server's sequence number would have moved on.",
     "RFC 9293 3.4; [lab]"},
    {"answer-lost", BOX, STRONG, GROUP_SEQUENCE, data_lost,
     "The server's sequence numbers show that it had sent data which never arrived here.",
     "A later packet of the server that stands beyond the data seen proves that it did answer; what lies between lost "
     "the full-sized packets (a path-MTU black hole) or filtered them.",
     "RFC 9293 3.4; RFC 2923 2.1"},

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
     "By few packets and few hops: another route, or another site of an anycast address, would do it too.",
     "asymmetric routes differ by 1 to 3 routers"},
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
    {"same-distance", SERVER, STRONG, GROUP_DISTANCE, same_distance,
     "The packet that ends the connection came with TTL {end_ttl} ({end_hops}), exactly as the server's own DNS "
     "answers "
     "do ({ref_samples} of them).",
     "It was made at the server's distance: by the server's host (closed port, its own firewall, its DNS software) or "
     "by a device directly in front of it that does not show in the TTL.",
     "nmap-os-db; [lab]"},
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

    {"rst-in-state", SERVER, CONCLUSIVE, GROUP_FORM, in_state,
     "The RST continues the connection's own timestamps, IP-ID and window, from the server's distance: its TCP stack "
     "aborted on behalf of the DNS software.",
     "Linux sends such a RST when a program closes a socket with the query unread (a limit or an access list). Nothing "
     "on the way can do that without being a full proxy.",
     "Linux tcp_send_active_reset; RFC 2525 2.17; [lab]"},
    {"rst-in-state-alone", SERVER, STRONG, GROUP_FORM, in_state_alone,
     "The RST continues the connection's own timestamps, IP-ID and window: the stack that accepted the connection "
     "aborted it.",
     "As `rst-in-state`, without DNS answers to tell the server from a full proxy.",
     "Linux tcp_send_active_reset; [lab]"},
    {"rst-acknowledges-wrong", BOX, STRONG, GROUP_FORM, bad_ack,
     "The RST does not acknowledge the SYN that it answers; the client has to ignore it.",
     "A stack always acknowledges the SYN: 99.9 % have the ACK flag, over 96 % the right number.",
     "RFC 9293 3.10.7.3; nmap-os-db; Snort sp_respond.c"},
    {"rst-timestamps-jump", BOX, STRONG, GROUP_FORM, timestamp_jump,
     "The RST carries timestamps that do not fit those of the connection.",
     "An injector that fills in the option does not know the server's clock.", "net4people #442; RFC 7323 5.4"},
    {"rst-echoes-window", BOX, STRONG, GROUP_FORM, window_echo, "The RST's window is the client's own.",
     "Window 0 in 98.6 % of closed ports; boxes that build the RST out of the client's packet leave its window in.",
     "nmap-os-db; Suricata respond-reject-libnet11.c; N. Davids"},
    {"rst-tos-lowdelay", BOX, WEAK, GROUP_FORM, tos_lowdelay, "The RST bears TOS 0x10, as a pf packet filter sends it.",
     "pf (OpenBSD, FreeBSD, pfSense, OPNsense) marks its resets so; it may run on the server as well.", "pf_build_tcp"},
    {"rst-tos-dropped", BOX, WEAK, GROUP_FORM, tos_dropped,
     "The SYN was marked with a TOS, the RST is not: netfilter makes resets so, a Linux stack copies the mark.",
     "It tells what made the RST, not where that runs.", "Linux nf_reject_ipv4.c against tcp_v4_send_reset; [lab]"},
    {"rst-tos-copied", SERVER, WEAK, GROUP_FORM, tos_copied,
     "The RST bears the TOS of the SYN, as a Linux stack's own reset does.", "netfilter's REJECT sends TOS 0, pf 0x10.",
     "Linux tcp_v4_send_reset; [lab]"},
    {"rst-flow-label", SERVER, WEAK, GROUP_FORM, label_set,
     "The RST has an IPv6 flow label: it was made by a TCP stack, so the port is closed, not filtered.",
     "Linux gives its own resets a flow label, netfilter's REJECT sends 0.", "Linux auto_flowlabels; [lab]"},
    {"rst-no-flow-label", NOBODY, WEAK, GROUP_FORM, label_zero,
     "The RST has no IPv6 flow label: it was made by a packet filter such as netfilter, not by a TCP stack.",
     "It tells a firewall rule from a closed port, not where the firewall runs.", "Linux nf_reject_ipv6.c; [lab]"},
    {"rst-repeated", BOX, WEAK, GROUP_FORM, repeated, "One packet of the client drew several RSTs.",
     "Injectors send several to be sure; load balancers and NATs are known to do it too.",
     "Clayton, Murdoch, Watson 2006; net4people #285"},
    {"rst-payload", NOBODY, WEAK, GROUP_FORM, has_payload,
     "The RST carries text: read it in the capture, it may name its sender.",
     "RFC 9293 allows text in a RST; HP-UX and load balancers use it.", "RFC 9293 3.5.3; nmap-os-db"},

    {"rst-echoes-ip-id", BOX, STRONG, GROUP_IP_ID, id_echo,
     "The RST's IP identification is that of the client's own packet.",
     "A box that turned the client's packet round left it in; by chance it is one in 65536.",
     "N. Davids, firewall reset trace"},
    {"shared-ip-id-counter", BOX, STRONG, GROUP_IP_ID, shared_counter,
     "Packets of different server addresses come out of one IP-ID counter: one box writes them all.",
     "A NAT that ends TCP itself (virtual machine hosts, some routers) answers for every far address. What lies behind "
     "it stays unknown.",
     "public captures, read by hand"},
    {"own-ip-id-counter", SERVER, STRONG, GROUP_IP_ID, own_counter,
     "The RSTs and the UDP answers of this address come out of one IP-ID counter: the same machine wrote both.",
     "A box on the way would have a counter of its own.", "public captures, read by hand"},

    {"rst-too-early", BOX, STRONG, GROUP_TIMING, too_early,
     "The RST came {delay}, the server's fastest handshake takes {floor}.",
     "Nothing arrives from the server in less than half of its least round trip.",
     "RTT floor over at least 5 handshakes of 4 ms or more"},
    {"rst-earlier-than-udp", BOX, STRONG, GROUP_TIMING, too_early_for_udp,
     "The RST came {delay}; none of the server's UDP answers takes less than {floor}, and several just that.",
     "UDP answers that take the same time are bare round trips; nothing arrives from there in less than half.",
     "RTT floor over at least 5 answers of 4 ms or more, a third of them within 1.25 times the least; [lab]: TTL set "
     "to match"},
    {"rst-earlier-than-lookups", BOX, WEAK, GROUP_TIMING, too_early_for_lookups,
     "The RST came {delay}, the server's fastest UDP answer takes {floor}.",
     "UDP answers that take unlike times include looking something up, so this is a hint only.",
     "RTT floor over at least 5 answers of 4 ms or more"},
    {"rst-at-round-trip", SERVER, WEAK, GROUP_TIMING, at_round_trip,
     "The RST came {delay}, about one round trip to the server ({floor}).",
     "It fits the server's distance in time as well.", "RTT floor over at least 5 samples of 4 ms or more"},
    {"rst-slow", BOX, WEAK, GROUP_TIMING, slow, "The RST came {delay}: far too late for a closed port.",
     "A proxy's or NAT's own connection attempt times out after 2 or about 20 s, then it resets the client.",
     "public captures, read by hand"},

    {"icmp-from-intermediary", BOX, CONCLUSIVE, GROUP_ICMP, icmp_other_refuses,
     "{icmp_source} says so itself: it sent ICMP \"{icmp_name}\" for the client's SYN, and that is not the server's "
     "address.",
     "The error quotes the sequence number of the client's packet, so its sender had it. A server answers from the "
     "address that was asked.",
     "RFC 792, RFC 1812 5.2.7.1, RFC 4443 3.1; Linux icmp_send; [lab]"},
    {"icmp-unreachable-udp-alive", BOX, STRONG, GROUP_ICMP, icmp_other_host,
     "{icmp_source} reports the host unreachable for TCP while the server answers over UDP: a filter, not a fault.",
     "Unreachable routes stop both transports; `reject-with icmp-host-unreachable` stops one.",
     "RFC 1122 3.2.2.1; [lab]"},
    {"icmp-from-server", SERVER, STRONG, GROUP_ICMP, icmp_server_same,
     "ICMP \"{icmp_name}\" came from the server's address and distance (TTL {end_ttl}): the packet filter on the "
     "server's host.",
     "A TCP stack answers a SYN to a closed port with a RST, never with ICMP: a filter sent this.",
     "RFC 1122 3.2.2.1 and 4.2.3.9; [lab]"},
    {"icmp-from-server-nearer", BOX, STRONG, GROUP_ICMP, icmp_server_nearer,
     "ICMP \"{icmp_name}\" bears the server's address but came from {end_hops} away (TTL {end_ttl}), the server's "
     "answers from {ref_hops}: a NAT before the server.",
     "A box that translates the address of the server also translates that of its own errors.",
     "[lab]: REJECT on a DNAT box"},

    {"query-never-acknowledged", BOX, STRONG, GROUP_PAYLOAD, query_never_acked,
     "The handshake completed, but the query was sent again and again without being acknowledged, while the server was "
     "alive: something drops packets with DNS in them.",
     "A kernel acknowledges data whether its program is busy or not. (Not when it sends its SYN-ACK again: then it "
     "took "
     "not even the client's ACK, as Linux does with a full accept queue.)",
     "[lab]: a string match that drops"},
    {"query-acknowledged-silence", SERVER, STRONG, GROUP_PAYLOAD, acked_silence,
     "The query was acknowledged from the server's own distance (TTL {ack_ttl}) and never answered: it reached the "
     "host, "
     "whose DNS software is exhausted or stuck.",
     "BIND, NSD, Knot, PowerDNS and dnsmasq leave connections beyond their limit waiting exactly like that.",
     "[lab]: tcp-clients, tcp-count, tcp-max-clients, max-tcp-connections used up"},
    {"refused-over-tcp", SERVER, CONCLUSIVE, GROUP_PAYLOAD, refused_over_tcp,
     "The server's DNS software answered {rcode} over TCP to a question that it answers over UDP.",
     "The refusal is a DNS answer of the server itself.", "RFC 7766 5; RFC 9210 3"},

    {"own-host-rejects", SERVER, CONCLUSIVE, GROUP_VANTAGE, own_host_rejects,
     "The capture was taken at the server: the rejection leaves it with the untouched TTL {end_ttl}.",
     "What has passed no router was made on the host where, or beside which, the capture was taken.", "[lab]"},
    {"own-host-silent", SERVER, STRONG, GROUP_VANTAGE, own_host_silent,
     "The capture was taken at the server: the client's packets reach it and nothing leaves, while UDP is answered.",
     "The capture sees packets before the host's own firewall does.", "Linux packet taps come before INPUT; [lab]"},
    {"client-refuses-synack", LOCAL, CONCLUSIVE, GROUP_VANTAGE, client_refuses,
     "The SYN-ACK came, a RST left the client, and then the same SYN again: a filter on the client's host rejects the "
     "server's answer before its TCP stack sees it.",
     "A stack that had really reset the connection would not go on with the same SYN.",
     "[lab]: INPUT REJECT on the client"},
    {"rst-on-loopback", LOCAL, CONCLUSIVE, GROUP_VANTAGE, rst_on_loopback,
     "The RST in the server's name was seen on this host's loopback device, and the SYN never left: this host's own "
     "output filter.",
     "netfilter's REJECT in OUTPUT delivers its answer through the loopback device.",
     "[lab]: OUTPUT REJECT, captured on any"},
    {"icmp-from-own-host", LOCAL, CONCLUSIVE, GROUP_VANTAGE, icmp_from_client,
     "The ICMP error for the client's SYN comes from the client's own address: its own output filter.",
     "netfilter's REJECT in OUTPUT sends the error from the host itself.", "[lab]"},
    {"synack-ignored", LOCAL, STRONG, GROUP_VANTAGE, synack_ignored,
     "The SYN-ACK reached this host, which sends its SYN again as if it had not: its own input filter drops it.",
     "The capture sees packets before the host's own firewall does.", "Linux packet taps come before INPUT; [lab]"},

    {"same-edge", BOX, STRONG, GROUP_PATTERN, same_edge,
     "Servers of {edge_networks} different networks are all rejected from the same {end_hops} away (TTL {end_ttl}): "
     "what "
     "they share is this side's edge.",
     "Servers of different networks at one and the same small distance would be a strange chance.",
     "evidence of several servers in one capture"},
};

size_t rules_table(const struct rule **rules)
{
    *rules = table;
    return sizeof table / sizeof *table;
}

char *rules_sentence(const struct rule *rule, const struct rule_case *rule_case)
{
    return phrase(rule->sentence, rule_case);
}

const char *culprit_name(enum culprit culprit)
{
    static const char *const names[] = {
        [CULPRIT_NONE] = "none",     [CULPRIT_UNDETERMINED] = "undetermined",
        [CULPRIT_SERVER] = "server", [CULPRIT_INTERMEDIARY] = "intermediary",
        [CULPRIT_LOCAL] = "local",
    };
    static_assert(sizeof names / sizeof *names == CULPRITS, "each culprit has its name");
    return names[culprit];
}

const char *strength_name(enum strength strength)
{
    static const char *const names[] = {
        [STRENGTH_WEAK] = "weak", [STRENGTH_STRONG] = "strong", [STRENGTH_CONCLUSIVE] = "conclusive"};
    static_assert(sizeof names / sizeof *names == STRENGTHS, "each strength has its name");
    return names[strength];
}

const char *rule_group_name(enum rule_group group)
{
    static const char *const names[] = {
        [GROUP_DISTANCE] = "distance", [GROUP_SEQUENCE] = "sequence", [GROUP_FORM] = "form",
        [GROUP_IP_ID] = "ip-id",       [GROUP_TIMING] = "timing",     [GROUP_ICMP] = "icmp",
        [GROUP_PAYLOAD] = "payload",   [GROUP_VANTAGE] = "vantage",   [GROUP_PATTERN] = "pattern",
    };
    static_assert(sizeof names / sizeof *names == RULE_GROUPS, "each group has its name");
    return names[group];
}
