/* Rules on the path that a probe walked: at which hop TCP ends, against the hop that answers over UDP. */
#include "report/located.h"
#include "report/report.h"
#include "report/seen.h"

static struct located located(const struct rule_case *c)
{
    return located_of(c->path, &c->ending->end, c->flow);
}

/* The path was walked alike every time, and something was met on it. */
static bool met(const struct rule_case *c, const struct located *at)
{
    return at->known && c->path->stable;
}

static bool nearer_than_server(const struct rule_case *c, const struct located *at)
{
    return met(c, at) && at->ttl < at->server_least && at->route != LOCATED_ROUTE_OTHER;
}

/* What ended the flow was captured as it came in from the network: then this host's own filter did not make it. */
static bool came_by_wire(const struct rule_case *c)
{
    const struct sighting *last = c->flow->decisive == FLOW_UNSEEN ? NULL : &c->flow->timeline[c->flow->decisive];
    return last && last->ref.number != 0 && !last->loopback && last->direction != LINK_OUTGOING;
}

/*
 * Nothing tells whether the routers are those of UDP: then what begins at a hop may be the server by a shorter route, unless
 * it came from nearer than that hop, from next door, or the routes would differ by more than routes do.
 */
static bool is_plain(const struct located *at)
{
    bool nearer = at->box > 0 && at->box < at->ttl;
    return at->route == LOCATED_ROUTE_SAME || nearer || at->ttl <= SEEN_EDGE_HOPS + 1 ||
           at->server_least - at->ttl > SEEN_ROUTE_GAP;
}

static bool rejected_before(const struct rule_case *c)
{
    struct located at = located(c);
    return at.reply != PATH_SILENT && located_before_server(c->path, &at);
}

static bool rejected_before_likely(const struct rule_case *c)
{
    struct located at = located(c);
    if (!nearer_than_server(c, &at) || at.reply == PATH_SILENT || located_before_server(c->path, &at))
        return false;
    return at.ttl > 1 ? at.provoked && is_plain(&at) : at.way == PATH_SYN && came_by_wire(c);
}

static bool at_first_hop(const struct rule_case *c)
{
    struct located at = located(c);
    bool shown = at.reply != PATH_SILENT || at.alive == 1; /* or else routers say nothing to anybody */
    return nearer_than_server(c, &at) && at.ttl == 1 && shown && !rejected_before_likely(c);
}

static bool rejected_at_server(const struct rule_case *c)
{
    struct located at = located(c);
    return met(c, &at) && at.reply != PATH_SILENT && at.reply != PATH_ANSWERED && at.ttl == at.server;
}

/* UDP comes back by as many routers as it went, and what rejects by one fewer. */
static bool rejected_by_last_router(const struct rule_case *c)
{
    struct located at = located(c);
    bool one_nearer = seen_nearer(c) && c->end.gap == 1 && c->ruler.constant && c->constant;
    return rejected_at_server(c) && at.route == LOCATED_ROUTE_SAME && at.provoked && at.ttl > 2 &&
           at.box + 1 == at.ttl && one_nearer && ttl_hops(c->ruler.usual) + 1 == at.server;
}

static bool refusal_at_server(const struct rule_case *c)
{
    struct located at = located(c);
    return met(c, &at) && at.reply == PATH_ANSWERED && at.ttl == at.server && at.told && at.provoked &&
           at.route == LOCATED_ROUTE_SAME && !c->ruler.split;
}

static bool silent_before(const struct rule_case *c)
{
    struct located at = located(c);
    return at.reply == PATH_SILENT && located_before_server(c->path, &at);
}

static bool silent_before_likely(const struct rule_case *c)
{
    struct located at = located(c);
    return nearer_than_server(c, &at) && at.reply == PATH_SILENT && at.ttl > 1 && at.told && at.alive > 0 &&
           is_plain(&at) && !located_before_server(c->path, &at);
}

static bool silent_at_server(const struct rule_case *c)
{
    struct located at = located(c);
    return met(c, &at) && at.reply == PATH_SILENT && at.ttl == at.server && at.told;
}

static bool after_handshake(const struct rule_case *c)
{
    return seen_mechanism(c, MECHANISM_RESET_AFTER_HANDSHAKE) || seen_mechanism(c, MECHANISM_RESET_AFTER_QUERY) ||
           seen_mechanism(c, MECHANISM_CLOSED) || seen_mechanism(c, MECHANISM_PARTIAL_ANSWER) ||
           seen_mechanism(c, MECHANISM_ERROR_RCODE) || seen_mechanism(c, MECHANISM_QUERY_UNANSWERED) ||
           seen_mechanism(c, MECHANISM_QUERY_UNACKED);
}

static bool accepted_before(const struct rule_case *c)
{
    struct located at = located_handshake(c->path);
    return after_handshake(c) && nearer_than_server(c, &at);
}

/* What accepted also ended it: a SYN proxy passes on what the server does, from where the server is. */
static bool same_machine_ended(const struct rule_case *c)
{
    const struct flow_end *end = &c->ending->end;
    return end->ttl != 0 && end->ttl == end->synack_ttl && !seen_icmp(c) && c->end.relation != RELATION_SAME &&
           c->end.relation != RELATION_AMONG;
}

static bool handshake_before(const struct rule_case *c)
{
    struct located at = located_handshake(c->path);
    return accepted_before(c) && at.ttl > 1 && at.route == LOCATED_ROUTE_SAME && same_machine_ended(c);
}

static bool handshake_elsewhere(const struct rule_case *c)
{
    return accepted_before(c) && !handshake_before(c);
}

static bool unsure(const struct rule_case *c)
{
    struct located at = located(c);
    return nearer_than_server(c, &at) && at.ttl > 1 && !is_plain(&at) && !located_before_server(c->path, &at);
}

static bool unstable(const struct rule_case *c)
{
    return located(c).known && !c->path->stable;
}

static bool other_route(const struct rule_case *c)
{
    struct located at = located(c);
    return met(c, &at) && at.route == LOCATED_ROUTE_OTHER;
}

static bool beyond_udp(const struct rule_case *c)
{
    struct located at = located(c);
    return met(c, &at) && at.server > 0 && at.ttl > at.server;
}

static bool asked_name_only(const struct rule_case *c)
{
    const struct report_probe *probe = c->crowd->probe;
    unsigned asked = 0, other = 0;
    for (size_t i = 0; probe && i < probe->attempt_count; i++) {
        const struct attempt *attempt = &probe->attempts[i];
        bool answered = attempt->status == ATTEMPT_ANSWERED;
        bool here = addr_same(attempt->server, c->server->address) && attempt->server_port == c->server->port;
        if (!here || (attempt->test != ATTEMPT_TCP && attempt->test != ATTEMPT_OTHER_NAME))
            continue;
        if (answered != (attempt->test == ATTEMPT_OTHER_NAME))
            return false;
        *(answered ? &other : &asked) += 1;
    }
    return asked > 0 && other > 0;
}

static const struct rule rows[] = {
    {"located-before-server", BOX, CONCLUSIVE, GROUP_PATH, rejected_before,
     "A {path_way} that can get no farther than {path_reach} {path_reply}; the server is {path_server}. What does it "
     "is {path_box}.",
     "A packet whose TTL ends at a hop before the server never comes to the server, so that something before it "
     "answers. The routers up to there are those by which UDP reaches the server.",
     "RFC 1812 5.3.1; CenTrace (Censored Planet, CoNEXT 2022); [lab]: SYNs with limited TTL"},
    {"located-before-server-likely", BOX, STRONG, GROUP_PATH, rejected_before_likely,
     "A {path_way} that can get no farther than {path_reach} {path_reply}; the server is {path_server}. What does it "
     "is {path_box}.",
     "As `located-before-server`, but seen once only, or by routers that do not say who they are: TCP might take a "
     "shorter route than UDP.",
     "RFC 1812 5.3.1; CenTrace (Censored Planet, CoNEXT 2022); [lab]"},
    {"located-at-first-hop", NOBODY, WEAK, GROUP_PATH, at_first_hop,
     "A {path_way} that can get no farther than the first hop {path_reply}; the server is {path_server}. It is the "
     "first hop, something on this link, or this very host.",
     "This host's own filter answers, or drops, whatever the TTL is; and so does a device before the first router.",
     "[lab]: OUTPUT REJECT and DROP on the client"},
    {"located-at-server", NOBODY, WEAK, GROUP_PATH, rejected_at_server,
     "It begins exactly where UDP is answered: a {path_way} {path_reply} from {path_ttl} on, which is the server. It "
     "is the server, or the last router as it forwards.",
     "A router filters what it forwards after it has looked at the TTL, so that what the last one rejects begins with "
     "the TTL that reaches the server. Only the TTL of what came back tells these two apart.",
     "RFC 1812 5.2.1; netfilter's FORWARD; [lab]: a reject rule on the last router"},
    {"located-at-last-router", BOX, STRONG, GROUP_PATH, rejected_by_last_router,
     "A {path_way} {path_reply} where UDP is answered, at {path_server}, but by something one hop nearer (TTL "
     "{end_ttl}): "
     "{path_box}, as it forwards.",
     "UDP takes as many routers there as back, TCP comes there by the same ones, and what rejects it has passed one "
     "fewer: the last router's packet.",
     "RFC 1812 5.2.1; netfilter's FORWARD; [lab]: a reject rule on the last router"},
    {"located-odd-initial-ttl", SERVER, WEAK, GROUP_PATH, rejected_by_last_router,
     "A server whose resets begin with a TTL one above that of its answers would look the same.",
     "Few stacks do; the last router, or a firewall there, is likelier.",
     "nmap-os-db: SYN-ACK and RST of one host differ in initial TTL in 2.0 %; [lab]: resets with TTL 65"},
    {"located-answer-at-server", SERVER, STRONG, GROUP_PATH, refusal_at_server,
     "The query was answered {rcode} over TCP at {path_ttl}, where UDP is answered, and not before: by the server.",
     "A proxy on the way takes the connection for itself, and answers at its own hop, which is before the server's.",
     "[lab]: proxies that answer REFUSED"},
    {"located-silence-before-server", BOX, CONCLUSIVE, GROUP_PATH, silent_before,
     "Of a {path_way} nothing was heard from {path_ttl} on, at every try, while it got to {path_before} and UDP to "
     "{path_alive}; the server is {path_server}. What drops it is {path_box}.",
     "The same router says of UDP that its TTL has ended there, and of TCP it never does: TCP does not come to it.",
     "RFC 1812 5.3.1; CenTrace (Censored Planet, CoNEXT 2022); [lab]: drop rules on routers"},
    {"located-silence-before-server-likely", BOX, STRONG, GROUP_PATH, silent_before_likely,
     "Of a {path_way} nothing was heard from {path_ttl} on, while it got to {path_before} and UDP to {path_alive}; the "
     "server is {path_server}. What drops it is {path_box}.",
     "As `located-silence-before-server`, by few tries, by routers that do not say who they are, or while the server "
     "does not answer over UDP either: routers limit how many errors they send.",
     "RFC 1812 4.3.2.8; Linux icmp_ratelimit; [lab]"},
    {"located-silence-at-server", NOBODY, WEAK, GROUP_PATH, silent_at_server,
     "A {path_way} got to {path_before}, the last router, and of what went farther nothing was heard: it is the "
     "server, "
     "the last router as it forwards, or what drops the answers.",
     "A router filters what it forwards after it has looked at the TTL. Only a capture on the server tells whether the "
     "packets come there.",
     "RFC 1812 5.2.1; [lab]: drop rules on the last router and on the server"},
    {"located-handshake-before-server", BOX, STRONG, GROUP_PATH, handshake_before,
     "A SYN that can get no farther than {handshake_reach} was accepted, and what ended the connection came from as "
     "far away; the server is {path_server}: a proxy takes the connections.",
     "Only who has the SYN can accept it. A SYN proxy does that too, but what follows comes from the server then.",
     "[lab]: REDIRECT to a local listener, netfilter SYNPROXY"},
    {"located-handshake-elsewhere", NOBODY, WEAK, GROUP_PATH, handshake_elsewhere,
     "A SYN that can get no farther than {handshake_reach} was accepted; the server is {path_server}. A proxy, or a "
     "SYN proxy that only passes on what the server does.",
     "Who accepts is not always who ends the connection.", "[lab]: netfilter SYNPROXY before a closed port"},
    {"located-nearer-than-udp", NOBODY, WEAK, GROUP_PATH, unsure,
     "A {path_way} {path_reply} from {path_ttl} on; over UDP the server is {path_server}. Routers do not say whether "
     "TCP comes there by the same way, or to the server itself by a shorter one.",
     "Where routes are chosen by protocol, the same server is at two distances.", "[lab]: policy routing by protocol"},
    {"path-unstable", NOBODY, WEAK, GROUP_PATH, unstable,
     "The path to the server was not the same each time it was walked, so that it does not tell where TCP ends.",
     "Routers that share load send each connection by another route.", "RFC 2992; Paris traceroute (IMC 2006)"},
    {"path-differs", NOBODY, WEAK, GROUP_PATH, other_route,
     "TCP comes to the server by other routers than UDP does, so that their hops cannot be compared.",
     "Where routes are chosen by protocol or port, the same TTL ends at different places.",
     "[lab]: policy routing by protocol"},
    {"located-beyond-udp", NOBODY, WEAK, GROUP_PATH, beyond_udp,
     "UDP is answered at {path_server}, TCP goes farther: a {path_way} {path_reply} from {path_ttl} on only. Two "
     "machines "
     "answer for this address, or two routes lead to it.",
     "A resolver on the way that takes DNS over UDP for itself is nearer than the server.",
     "[lab]: redirected UDP, policy routing by protocol"},
    {"asked-name-only", NOBODY, WEAK, GROUP_PATTERN, asked_name_only,
     "Over TCP the question for the name fails every time, and one for another name is answered: something reads what "
     "is asked.",
     "Filters by name are in the DNS software, or in a box that inspects packets; this does not tell in which.",
     "[lab]: string matches on the way and on the server"},
};

const struct rule_set rules_path = {rows, sizeof rows / sizeof *rows};
