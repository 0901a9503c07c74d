/* Rules on ICMP errors, on acknowledgements, on the place of the capture, and on what servers have in common. Each row stands with its function. */
#include "report/located.h"
#include "report/report.h"
#include "report/seen.h"

static bool icmp_refuses(const struct rule_case *c)
{
    return seen_mechanism(c, MECHANISM_ICMP_ADMIN) || seen_mechanism(c, MECHANISM_ICMP_PORT) ||
           seen_mechanism(c, MECHANISM_ICMP_PROTOCOL);
}

static bool icmp_by_server(const struct rule_case *c)
{
    return seen_icmp(c) && addr_same(c->ending->end.icmp_source, c->server->address);
}

static bool icmp_maybe_multihomed(const struct rule_case *c)
{
    return c->end.relation == RELATION_SAME || c->end.relation == RELATION_SAME_HOPS ||
           c->end.relation == RELATION_FARTHER;
}

static bool icmp_by_client(const struct rule_case *c)
{
    return seen_icmp(c) && addr_same(c->ending->end.icmp_source, c->flow->client);
}

static bool icmp_by_other(const struct rule_case *c)
{
    return seen_icmp(c) && !icmp_by_server(c) && !icmp_by_client(c) && !icmp_maybe_multihomed(c);
}

static bool icmp_other_refuses(const struct rule_case *c)
{
    return icmp_by_other(c) && icmp_refuses(c) && c->end.relation != RELATION_UNKNOWN;
}

/* Without a ruler a neighbour of the server may be the server: hosts have several addresses. */
static bool icmp_other_unmeasured(const struct rule_case *c)
{
    return icmp_by_other(c) && icmp_refuses(c) && c->end.relation == RELATION_UNKNOWN &&
           !addr_are_neighbours(c->ending->end.icmp_source, c->server->address);
}

static bool icmp_other_host(const struct rule_case *c)
{
    return icmp_by_other(c) && seen_mechanism(c, MECHANISM_ICMP_HOST) && c->udp_alive;
}

static bool icmp_server_same(const struct rule_case *c)
{
    return icmp_by_server(c) && c->vantage != VANTAGE_SERVER &&
           (c->end.relation == RELATION_SAME || c->end.relation == RELATION_SAME_HOPS) && !seen_posing(c);
}

static bool icmp_server_nearer(const struct rule_case *c)
{
    return icmp_by_server(c) && seen_nearer(c) && (c->end.gap >= 2 || seen_steady(c));
}

static bool query_never_acked(const struct rule_case *c)
{
    bool repeated = c->flow->count[FLOW_QUERY_AGAIN] > 0 || c->ending->count > 1; /* not one packet that was lost */
    return seen_mechanism(c, MECHANISM_QUERY_UNACKED) && repeated && !seen_only_told(c) && c->udp_alive &&
           c->vantage != VANTAGE_SERVER && !seen_tcp_ends_nearer(c) && !seen_sign(c, SIGN_ACK_IGNORED);
}

static bool query_never_acked_unseen(const struct rule_case *c)
{
    return seen_mechanism(c, MECHANISM_QUERY_UNACKED) && seen_only_told(c) && c->udp_alive;
}

static bool acked_silence(const struct rule_case *c)
{
    bool big = seen_sign(c, SIGN_BIG_ANSWER) && !seen_sign(c, SIGN_NOTHING_SENT);
    return seen_mechanism(c, MECHANISM_QUERY_UNANSWERED) && !seen_sign(c, SIGN_DATA_LOST) && !big &&
           c->vantage != VANTAGE_SERVER && c->ack.relation == RELATION_SAME && c->ruler.kind == RULER_DNS_ANSWERS;
}

/* A proxy that refuses would be told by its distance, or by the hop at which it answers. */
static bool refused_over_tcp(const struct rule_case *c)
{
    struct located at = located_of(c->path, &c->ending->end, c->flow);
    return seen_mechanism(c, MECHANISM_ERROR_RCODE) && !c->ruler.split && c->ruler.kind == RULER_DNS_ANSWERS &&
           c->server->references[REFERENCE_TCP_ANSWER].seen[0].count > 0 && /* sockets are not told its TTL */
           !located_before_server(c->path, &at);
}

static bool refused_unmeasured(const struct rule_case *c)
{
    return seen_mechanism(c, MECHANISM_ERROR_RCODE) && !c->ruler.split &&
           c->server->references[REFERENCE_TCP_ANSWER].seen[0].count == 0;
}

static bool own_host_rejects(const struct rule_case *c)
{
    if (c->vantage != VANTAGE_SERVER || c->ruler.farthest > 0)
        return false;
    if (seen_icmp(c)) /* from whichever of its addresses */
        return ttl_hops(c->ending->end.ttl) == 0;
    return seen_segment(c) && ttl_hops(c->ending->end.ttl) == 0 && c->end.relation != RELATION_UNKNOWN;
}

static bool own_host_rejects_alone(const struct rule_case *c)
{
    return c->vantage == VANTAGE_SERVER && seen_segment(c) && c->end.relation == RELATION_UNKNOWN &&
           c->ending->end.synack_ttl == c->ending->end.ttl && ttl_hops(c->ending->end.ttl) == 0;
}

static bool own_host_silent(const struct rule_case *c)
{
    bool silent = seen_mechanism(c, MECHANISM_SYN_UNANSWERED) || seen_mechanism(c, MECHANISM_QUERY_UNACKED) ||
                  seen_mechanism(c, MECHANISM_QUERY_UNANSWERED);
    return c->vantage == VANTAGE_SERVER && silent && c->udp_alive && c->ruler.constant && c->ruler.farthest == 0;
}

/* A cooked capture on a router: the server's answers come in, what ends the connection only goes out. */
static bool made_here(const struct rule_case *c)
{
    const struct sighting *last = c->flow->decisive == FLOW_UNSEEN ? NULL : &c->flow->timeline[c->flow->decisive];
    return c->vantage == VANTAGE_PATH && c->server->udp_incoming > 0 && last && last->from_server &&
           last->direction == LINK_OUTGOING && (seen_segment(c) || seen_icmp(c)) && !seen_sign(c, SIGN_FORWARDED);
}

static bool client_refuses(const struct rule_case *c)
{
    return seen_sign(c, SIGN_CLIENT_REFUSES);
}

static bool rst_on_loopback(const struct rule_case *c)
{
    return seen_mechanism(c, MECHANISM_LOCAL_FILTER) && seen_sign(c, SIGN_LOOPBACK);
}

static bool icmp_from_client(const struct rule_case *c)
{
    return icmp_by_client(c) && (seen_mechanism(c, MECHANISM_LOCAL_FILTER) || c->udp_alive);
}

static bool synack_ignored(const struct rule_case *c)
{
    return seen_mechanism(c, MECHANISM_SYNACK_IGNORED) && c->vantage == VANTAGE_CLIENT;
}

/* Sockets know of it, and the capture, which worked, does not. */
static bool not_captured(const struct rule_case *c)
{
    const struct report_probe *probe = c->crowd->probe;
    return probe && !probe->obstacle && c->flow->timeline_count > 0 && c->flow->timeline[0].ref.number == 0;
}

static bool same_edge(const struct rule_case *c)
{
    return (seen_segment(c) || seen_icmp(c)) && c->crowd->edge_networks >= SEEN_NETWORKS_ENOUGH &&
           c->ending->end.ttl == c->crowd->edge_ttl && c->end.relation == RELATION_UNKNOWN &&
           c->vantage != VANTAGE_SERVER;
}

static const struct rule rows[] = {
    {"icmp-from-intermediary", BOX, CONCLUSIVE, GROUP_ICMP, icmp_other_refuses,
     "{icmp_source} says so itself: it sent ICMP \"{icmp_name}\" for the client's SYN, and that is not the server's "
     "address.",
     "The error quotes the sequence number of the client's packet, so its sender had it. A server answers from the "
     "address that was asked.",
     "RFC 792, RFC 1812 5.2.7.1, RFC 4443 3.1; Linux icmp_send; [lab]"},
    {"icmp-from-other-address", BOX, STRONG, GROUP_ICMP, icmp_other_unmeasured,
     "{icmp_source} says so itself: it sent ICMP \"{icmp_name}\" for the client's SYN, and that is not the server's "
     "address.",
     "As `icmp-from-intermediary`, but nothing shows how far away the server is, so that this might be another address "
     "of its own.",
     "RFC 792, RFC 4443 3.1; Linux icmp_send answers from the address that was asked"},
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
     "took not even the client's ACK, as Linux does with a full accept queue.)",
     "[lab]: a string match that drops"},
    {"query-never-acknowledged-host", SERVER, WEAK, GROUP_PAYLOAD, query_never_acked,
     "A filter on the server's own host that looks into packets would look the same from here.",
     "Hosts seldom filter by content; but only a capture at the server excludes it.",
     "[lab]: a string match in the server's INPUT chain"},
    {"query-never-acknowledged-unseen", NOBODY, WEAK, GROUP_PAYLOAD, query_never_acked_unseen,
     "The handshake completed, and no query was ever acknowledged, while the server was alive: something drops packets "
     "with "
     "DNS in them. No packets were captured: it may be on the way, on the server's host, or this very host's own "
     "filter.",
     "A socket is not told whether its packets leave the host. A capture shows that.",
     "[lab]: a string match that drops, on routers and in the client's own output"},
    {"query-acknowledged-silence", SERVER, STRONG, GROUP_PAYLOAD, acked_silence,
     "The query was acknowledged from the server's own distance (TTL {ack_ttl}) and never answered: it reached the "
     "host, "
     "whose DNS software is exhausted or stuck.",
     "BIND, NSD, Knot, PowerDNS and dnsmasq leave connections beyond their limit waiting exactly like that.",
     "[lab]: tcp-clients, tcp-count, tcp-max-clients, max-tcp-connections used up"},
    {"refused-over-tcp", SERVER, CONCLUSIVE, GROUP_PAYLOAD, refused_over_tcp,
     "The server's DNS software answered {rcode} over TCP to a question that it answers over UDP.",
     "The refusal is a DNS answer of the server itself.", "RFC 7766 5; RFC 9210 3"},
    {"refused-over-tcp-unmeasured", SERVER, WEAK, GROUP_PAYLOAD, refused_unmeasured,
     "Over TCP the answer was {rcode}, and nothing shows how far away it was made.",
     "As `refused-over-tcp`, but the TTL of what came over TCP is not known: a proxy on the way may have answered.",
     "[lab]: proxies that answer REFUSED"},

    {"own-host-rejects", SERVER, CONCLUSIVE, GROUP_VANTAGE, own_host_rejects,
     "The capture was taken at the server: the rejection leaves it with the untouched TTL {end_ttl}.",
     "What has passed no router was made on the host where, or beside which, the capture was taken.", "[lab]"},
    {"own-host-rejects-alone", SERVER, STRONG, GROUP_VANTAGE, own_host_rejects_alone,
     "The capture seems to have been taken at the server: SYN-ACK and rejection leave it with untouched TTLs "
     "({synack_ttl}, {end_ttl}).",
     "As `own-host-rejects`, without DNS answers to tell the server from a proxy beside the capture.", "[lab]"},
    {"own-host-silent", SERVER, STRONG, GROUP_VANTAGE, own_host_silent,
     "The capture was taken at the server: the client's packets reach it and nothing leaves, while UDP is answered.",
     "The capture sees packets before the host's own firewall does.", "Linux packet taps come before INPUT; [lab]"},
    {"made-on-this-host", BOX, CONCLUSIVE, GROUP_VANTAGE, made_here,
     "The capture was taken on a host between: the server's answers come in there, what ends the connection only goes "
     "out, so this host made it.",
     "A cooked capture says of each packet whether it came in or went out.", "Linux cooked captures; [lab]"},
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
    {"syn-not-captured", NOBODY, WEAK, GROUP_VANTAGE, not_captured,
     "The capture, which saw other packets of this probe, saw no SYN leave: this host's own output filter keeps it "
     "back, or it leaves by an interface that was not captured (`-i any` takes all).",
     "A packet that the host's own output filter drops or rejects never comes to where captures are taken.",
     "Linux packet taps come after OUTPUT; [lab]: OUTPUT DROP on the client"},

    {"same-edge", BOX, STRONG, GROUP_PATTERN, same_edge,
     "Servers of {edge_networks} different networks are all rejected from the same {end_hops} away (TTL {end_ttl}): "
     "what they share is this side's edge.",
     "Servers of different networks at one and the same small distance would be a strange chance.",
     "evidence of several servers in one capture"},
};

const struct rule_set rules_other = {rows, sizeof rows / sizeof *rows};
