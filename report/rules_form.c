/* Rules on the form of a RST, its IP identification and its timing: what made it. Each row stands with its function. */
#include "report/seen.h"

enum {
    FLOOR_NEAR = 3, /* of them within 1.5 times the least */
    COUNTER_STEPS = 3,
};

static bool in_state(const struct rule_case *c)
{
    return seen_sign(c, SIGN_IN_STATE) && c->ending->end.ttl == c->ending->end.synack_ttl &&
           c->end.relation == RELATION_SAME;
}

static bool in_state_alone(const struct rule_case *c)
{
    return seen_sign(c, SIGN_IN_STATE) && c->ending->end.ttl == c->ending->end.synack_ttl &&
           c->end.relation == RELATION_UNKNOWN && ttl_hops(c->ending->end.ttl) > 0;
}

static bool bad_ack(const struct rule_case *c)
{
    return seen_sign(c, SIGN_BAD_ACK);
}

static bool timestamp_jump(const struct rule_case *c)
{
    return seen_sign(c, SIGN_TIMESTAMP_JUMP);
}

static bool window_echo(const struct rule_case *c)
{
    return seen_segment(c) && seen_sign(c, SIGN_WINDOW_ECHO);
}

static bool tos_lowdelay(const struct rule_case *c)
{
    return seen_segment(c) && seen_sign(c, SIGN_TOS_LOWDELAY);
}

static bool tos_dropped(const struct rule_case *c)
{
    return seen_mechanism(c, MECHANISM_SYN_RESET) && seen_sign(c, SIGN_TOS_DROPPED);
}

static bool tos_copied(const struct rule_case *c)
{
    return seen_mechanism(c, MECHANISM_SYN_RESET) && seen_sign(c, SIGN_TOS_COPIED);
}

static bool label_set(const struct rule_case *c)
{
    return seen_mechanism(c, MECHANISM_SYN_RESET) && seen_sign(c, SIGN_LABEL_SET);
}

static bool label_zero(const struct rule_case *c)
{
    return seen_mechanism(c, MECHANISM_SYN_RESET) && seen_sign(c, SIGN_LABEL_ZERO);
}

static bool repeated(const struct rule_case *c)
{
    return seen_segment(c) && seen_sign(c, SIGN_REPEATED);
}

static bool scanner_syn(const struct rule_case *c)
{
    return seen_sign(c, SIGN_SIMPLE_SYN) && !seen_sign(c, SIGN_BIG_ANSWER) && c->flow->at[FLOW_QUERY] == FLOW_UNSEEN;
}

static bool bare_without_fin(const struct rule_case *c)
{
    const struct sighting *last = c->flow->decisive == FLOW_UNSEEN ? NULL : &c->flow->timeline[c->flow->decisive];
    return seen_mechanism(c, MECHANISM_RESET_AFTER_QUERY) && !seen_sign(c, SIGN_AFTER_FIN) && last &&
           last->from_server && (last->flags & (TCP_RST | TCP_ACK)) == TCP_RST;
}

static bool has_payload(const struct rule_case *c)
{
    return seen_segment(c) && seen_sign(c, SIGN_RST_PAYLOAD);
}

static bool id_echo(const struct rule_case *c)
{
    return seen_segment(c) && seen_sign(c, SIGN_ID_ECHO);
}

static bool shared_counter(const struct rule_case *c)
{
    return seen_segment(c) && c->tcp->shared_counter >= COUNTER_STEPS;
}

static bool own_counter(const struct rule_case *c)
{
    return seen_segment(c) && c->tcp->own_counter >= COUNTER_STEPS && c->end.relation == RELATION_SAME &&
           !shared_counter(c);
}

static bool udp_floor_is_bare(const struct rule_case *c)
{
    const struct delays *rtt = &c->server->udp_rtt;
    uint32_t seen = 0, near = 0;
    for (; seen < FACTS_DELAYS && seen < rtt->count; seen++)
        near += rtt->recent_us[seen] <= rtt->least_us / 2 * 3;
    return seen_udp_floor(c) && near >= FLOOR_NEAR && near * 3 >= seen;
}

static bool too_early(const struct rule_case *c)
{
    return seen_timed(c) && seen_handshake_floor(c) && c->ending->most_us < c->tcp->handshake.least_us / 2;
}

static bool earlier_than_udp(const struct rule_case *c)
{
    const struct delays *rtt = &c->server->udp_rtt;
    return seen_timed(c) && !seen_handshake_floor(c) && !ruler_is_elsewhere(c->facts, c->server) && rtt->count > 0 &&
           rtt->least_us >= SEEN_FLOOR_LEAST_US && c->ending->most_us < rtt->least_us / 2;
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
    return c->end.relation != RELATION_NEARER &&
           seen_at_round_trip(c); /* a box shortly before the server is as far in time */
}

static bool slow(const struct rule_case *c)
{
    return seen_segment(c) && seen_sign(c, SIGN_SLOW);
}

static const struct rule rows[] = {
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
    {"rst-bare-without-fin", BOX, WEAK, GROUP_FORM, bare_without_fin,
     "A bare RST answers the query, and no FIN came before it: its sender knew nothing of the connection that it had "
     "accepted.",
     "A program that closes sends a FIN or a RST that continues the connection; a bare one comes from a packet filter, "
     "or from a stack whose side of the connection something else has reset.",
     "Linux tcp_v4_send_reset, nf_reject_ipv4.c; [lab]: RST forged to the server alone"},
    {"scanner-syn", NOBODY, WEAK, GROUP_FORM, scanner_syn,
     "The client's SYN has no option but its MSS: this may be a port scan, not a DNS client.",
     "Resolvers connect through their kernel, which offers SACK, timestamps or window scaling; scanners write SYNs "
     "themselves.",
     "nmap, masscan and zmap in public captures"},
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
     "RTT floor over at least 3 handshakes of 4 ms or more; [lab]: resets forged with the server's TTL"},
    {"rst-earlier-than-udp", BOX, STRONG, GROUP_TIMING, too_early_for_udp,
     "The RST came {delay}; none of the server's UDP answers takes less than {floor}, and several just that.",
     "UDP answers that take the same time are bare round trips; nothing arrives from there in less than half.",
     "RTT floor over at least 5 answers of 4 ms or more, a third of them within 1.5 times the least; [lab]: TTL set "
     "to match"},
    {"rst-earlier-than-lookups", BOX, WEAK, GROUP_TIMING, too_early_for_lookups,
     "The RST came {delay}, the server's fastest UDP answer takes {floor}.",
     "UDP answers that take unlike times include looking something up, and few may all do, so this is a hint only.",
     "RTT floor over answers of 4 ms or more"},
    {"rst-at-round-trip", SERVER, WEAK, GROUP_TIMING, at_round_trip,
     "The RST came {delay}, about one round trip to the server ({floor}).",
     "It fits the server's distance in time as well.", "RTT floor over samples of 4 ms or more"},
    {"rst-slow", BOX, WEAK, GROUP_TIMING, slow, "The RST came {delay}: far too late for a closed port.",
     "A proxy's or NAT's own connection attempt times out after 2 or about 20 s, then it resets the client.",
     "public captures, read by hand"},
};

const struct rule_set rules_form = {rows, sizeof rows / sizeof *rows};
