/*
 * How it works: a packet with TTL n is read by hop n, and by all before. A router first takes one off the TTL and only
 * then filters what it forwards (RFC 1812, 5.2.1 and 5.3.1; netfilter's FORWARD): what hop n rejects as it forwards
 * begins with TTL n + 1, what it rejects as it receives, or takes for itself, with TTL n.
 */
#include "report/located.h"

#include "report/ruler.h"

enum { BY_STAGE = PATH_WAYS, SURE_TIMES = 2, SURE_SILENCE = 3 };

/* Where to look for what ended the flows. What ends them whatever is sent next is in no row. */
static const struct row {
    enum mechanism mechanism;
    int way; /* enum path_way; BY_STAGE: a SYN unless the handshake was made */
    enum path_reply reply;
} rows[] = {
    {MECHANISM_SYN_RESET, PATH_SYN, PATH_RESET},
    {MECHANISM_FORGED_RESET, BY_STAGE, PATH_RESET},
    {MECHANISM_RESET_AFTER_QUERY, PATH_QUERY, PATH_RESET},
    {MECHANISM_CLOSED, PATH_QUERY, PATH_CLOSED},
    {MECHANISM_ERROR_RCODE, PATH_QUERY, PATH_ANSWERED},
    {MECHANISM_ICMP_ADMIN, BY_STAGE, PATH_ICMP},
    {MECHANISM_ICMP_PORT, BY_STAGE, PATH_ICMP},
    {MECHANISM_ICMP_PROTOCOL, BY_STAGE, PATH_ICMP},
    {MECHANISM_ICMP_HOST, BY_STAGE, PATH_ICMP},
    {MECHANISM_SYN_UNANSWERED, PATH_SYN, PATH_SILENT},
    {MECHANISM_QUERY_UNACKED, PATH_QUERY, PATH_SILENT},
    {MECHANISM_QUERY_UNANSWERED, PATH_QUERY, PATH_SILENT},
};

static const struct row *row_of(enum mechanism mechanism)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].mechanism == mechanism)
            return &rows[i];
    return NULL;
}

static unsigned count_of(const struct path *path, enum path_way way, unsigned ttl, enum path_reply reply)
{
    return ttl >= 1 && ttl <= PATH_HOPS ? path->steps[way][ttl].count[reply] : 0;
}

/* The router that this way came to; none when it did not say, or several did. */
static struct addr told_router(const struct path_step *step)
{
    bool told = step->count[PATH_EXCEEDED] > 0 && step->count[PATH_ICMP] == 0 && !step->several;
    return told ? step->from : (struct addr){{0, 0}};
}

/* Linux tells of ICMP errors who sent them while a connection is opened, not later: SYNs speak for queries. */
static struct addr router(const struct path *path, enum path_way way, unsigned ttl)
{
    struct addr address = told_router(&path->steps[way][ttl]);
    return way == PATH_QUERY && addr_is_none(address) ? told_router(&path->steps[PATH_SYN][ttl]) : address;
}

/* By the routers that both ways were told of, up to the last one before `ttl`. */
static enum located_route route_of(const struct path *path, enum path_way way, unsigned ttl)
{
    enum located_route route = ttl == 1 ? LOCATED_ROUTE_SAME : LOCATED_ROUTE_UNKNOWN;
    for (unsigned hop = 1; hop < ttl && hop <= PATH_HOPS; hop++) {
        struct addr udp = router(path, PATH_UDP, hop), tcp = router(path, way, hop);
        bool both = !addr_is_none(udp) && !addr_is_none(tcp);
        if (both && !addr_same(udp, tcp))
            return LOCATED_ROUTE_OTHER;
        route = both ? LOCATED_ROUTE_SAME : LOCATED_ROUTE_UNKNOWN; /* the last one counts */
    }
    return route;
}

/* The first hop at or behind where silence begins, before the server, that another way came to. */
static unsigned alive_from(const struct path *path, const struct located *at)
{
    enum path_way other = located_within(at) ? PATH_SYN : PATH_UDP;
    unsigned end = located_within(at) ? at->accepted : at->server_least;
    for (unsigned hop = at->ttl; hop < end && hop <= PATH_HOPS; hop++)
        if (count_of(path, other, hop, PATH_EXCEEDED) > 0)
            return hop;
    return 0;
}

static void look_for_server(const struct path *path, struct located *at)
{
    at->server = path_first(path, PATH_UDP, PATH_BIT(PATH_ANSWERED));
    for (unsigned hop = 1; hop < at->server; hop++)
        if (addr_same(path_hop(path, hop), path->server)) /* a balancer that has the address, and hands UDP on */
            at->server = hop;
    at->server_least = at->server;
    for (unsigned hop = 1; hop <= PATH_HOPS && at->server == 0; hop++)
        if (count_of(path, PATH_UDP, hop, PATH_EXCEEDED) > 0)
            at->server_least = hop + 1;
}

bool located_within(const struct located *at)
{
    return at->known && at->way == PATH_QUERY && at->accepted > 0 && at->ttl < at->accepted;
}

/* Looks around the TTL at which it begins. */
static void look_around(const struct path *path, struct located *at)
{
    at->known = at->ttl > 0;
    look_for_server(path, at);
    at->accepted = path_first(path, PATH_SYN, PATH_BIT(PATH_ACCEPTED));
    if (!at->known)
        return;
    at->times = count_of(path, at->way, at->ttl, at->reply);
    at->provoked = at->ttl > 1 && path_tries(&path->steps[at->way][at->ttl - 1]) > 0;
    at->told = at->ttl == 1 || count_of(path, at->way, at->ttl - 1, PATH_EXCEEDED) > 0;
    at->route = route_of(path, at->way, at->ttl);
    if (at->reply == PATH_SILENT)
        at->alive = alive_from(path, at);
}

/* The hop that made it, if it is the one at which it begins or the one before, by what came from there. */
static unsigned box_of(const struct path *path, const struct located *at, const struct flow_end *end)
{
    if (at->reply == PATH_SILENT)
        return 0;
    for (unsigned hop = at->ttl; hop >= 1 && hop + 1 >= at->ttl; hop--) {
        bool by_address = !addr_is_none(end->icmp_source) && addr_same(end->icmp_source, path_hop(path, hop));
        bool by_ttl = addr_is_none(end->icmp_source) && end->ttl != 0 && ttl_hops(end->ttl) + 1 == hop;
        if (by_address || by_ttl)
            return hop;
    }
    return 0;
}

struct located located_of(const struct path *path, const struct flow_end *end, const struct flow_record *flow)
{
    struct located at = {.known = false};
    const struct row *row = row_of((enum mechanism)end->mechanism);
    if (!path || !row)
        return at;
    bool opened =
        flow && flow->at[FLOW_SYNACK] < flow->at[FLOW_SERVER_RST] && flow->at[FLOW_SYNACK] < flow->at[FLOW_ICMP];
    at.way = row->way != BY_STAGE ? (enum path_way)row->way : opened ? PATH_QUERY : PATH_SYN;
    at.reply = row->reply;
    at.ttl = at.reply == PATH_SILENT ? path_silent_from(path, at.way) : path_first(path, at.way, PATH_BIT(at.reply));
    look_around(path, &at);
    if (at.known)
        at.box = box_of(path, &at, end);
    return at;
}

struct located located_handshake(const struct path *path)
{
    struct located at = {.way = PATH_SYN, .reply = PATH_ACCEPTED};
    if (!path)
        return at;
    at.ttl = path_first(path, PATH_SYN, PATH_BIT(PATH_ACCEPTED));
    look_around(path, &at);
    return at;
}

bool located_before_server(const struct path *path, const struct located *at)
{
    bool nearer = located_within(at) || (at->ttl < at->server_least && at->route == LOCATED_ROUTE_SAME);
    unsigned server = located_within(at) ? at->accepted : at->server;
    if (!at->known || !path->stable || at->ttl < 2 || !nearer)
        return false;
    if (at->reply == PATH_SILENT)
        return at->told && at->alive > 0 && at->times >= SURE_SILENCE && server > 0 && path->most[at->way] >= server;
    return at->provoked && at->times >= SURE_TIMES;
}

struct addr located_address(const struct path *path, const struct located *at)
{
    return at->box ? path_hop(path, at->box) : (struct addr){{0, 0}};
}
