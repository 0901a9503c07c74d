#include "report/ruler.h"

#include <assert.h>
#include <string.h>

enum { HOPS_PLAUSIBLE = 40 }; /* Internet paths are shorter; a larger number is an initial TTL nobody knows */

unsigned ttl_initial(uint8_t ttl)
{
    return ttl <= 32 ? 32 : ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255;
}

unsigned ttl_hops(uint8_t ttl)
{
    return ttl_initial(ttl) - ttl;
}

static unsigned ttl_kinds(const struct ttl_set *set)
{
    unsigned kinds = 0;
    while (kinds < FACTS_TTLS && set->seen[kinds].count > 0)
        kinds++;
    return kinds;
}

static bool ttl_has(const struct ttl_set *set, uint8_t ttl)
{
    for (unsigned i = 0; i < ttl_kinds(set); i++)
        if (set->seen[i].ttl == ttl)
            return true;
    return false;
}

static void merge(struct ttl_set *into, const struct ttl_set *from)
{
    for (unsigned i = 0; i < ttl_kinds(from); i++) {
        ttl_set_add(into, from->seen[i].ttl, from->seen[i].first);
        for (int k = 0; k < FACTS_TTLS; k++)
            if (into->seen[k].count && into->seen[k].ttl == from->seen[i].ttl)
                into->seen[k].count += from->seen[i].count - 1;
    }
    into->other += from->other;
}

static void measure(struct ruler *ruler)
{
    uint32_t most = 0;
    ruler->nearest = UINT8_MAX;
    for (unsigned i = 0; i < ttl_kinds(&ruler->ttl); i++) {
        const struct ttl_seen *seen = &ruler->ttl.seen[i];
        unsigned hops = ttl_hops(seen->ttl);
        ruler->samples += seen->count;
        ruler->nearest = hops < ruler->nearest ? hops : ruler->nearest;
        ruler->farthest = hops > ruler->farthest ? hops : ruler->farthest;
        if (seen->count > most) {
            most = seen->count;
            ruler->usual = seen->ttl;
            ruler->frame = seen->first;
        }
    }
    ruler->constant = ttl_kinds(&ruler->ttl) == 1 && ruler->ttl.other == 0;
}

/* Both transports were answered, each from one distance of its own: two machines answer for one address. */
static bool answers_split(const struct server *server)
{
    const struct ttl_set *udp = &server->references[REFERENCE_UDP_ANSWER];
    const struct ttl_set *tcp = &server->references[REFERENCE_TCP_ANSWER];
    if (ttl_kinds(udp) == 0 || ttl_kinds(tcp) == 0)
        return false;
    for (unsigned i = 0; i < ttl_kinds(tcp); i++)
        if (ttl_has(udp, tcp->seen[i].ttl))
            return false;
    return true;
}

/*
 * The answers over UDP went to another host than the connections, each with its own capture; or to several hosts, and not
 * from the same distance.
 */
bool ruler_is_elsewhere(const struct facts *facts, const struct server *server)
{
    const struct tcp_facts *tcp = facts_tcp_seen(facts, server);
    bool alike = server->point.several && ttl_kinds(&server->references[REFERENCE_UDP_ANSWER]) == 1;
    return tcp && !alike && !point_is_same(&server->point, &tcp->point);
}

struct ruler ruler_of(const struct facts *facts, const struct server *server)
{
    struct ruler ruler = {.kind = RULER_NONE};
    if (ruler_is_elsewhere(facts, server))
        return ruler;
    merge(&ruler.ttl, &server->references[REFERENCE_UDP_ANSWER]);
    merge(&ruler.ttl, &server->references[REFERENCE_TCP_ANSWER]);
    if (ttl_kinds(&ruler.ttl) > 0) {
        ruler.kind = RULER_DNS_ANSWERS;
    } else {
        const struct host *host = facts_host(facts, server->address);
        if (!host)
            return ruler;
        ruler.kind = RULER_OTHER_TRAFFIC;
        ruler.ttl = host->ttl;
    }
    ruler.split = answers_split(server);
    measure(&ruler);
    return ruler;
}

static bool class_is_used(const struct ruler *ruler, uint8_t ttl)
{
    for (unsigned i = 0; i < ttl_kinds(&ruler->ttl); i++)
        if (ttl_initial(ruler->ttl.seen[i].ttl) == ttl_initial(ttl))
            return true;
    return false;
}

/*
 * A smaller hop count that need not be one: the server's own TTL does not stem from a known initial TTL, the two lie on
 * both sides of the edge between initial TTLs, or the initial TTL may be the 30 of old UNIX (UDP 30, TCP 60 or 64).
 */
static bool nearer_is_doubtful(const struct ruler *ruler, uint8_t ttl, unsigned gap)
{
    enum { EDGE = 8, OLD_UNIX = 5 };
    int difference = ttl - ruler->usual;
    bool crosses = ttl_initial(ttl) != ttl_initial(ruler->usual) && difference >= -EDGE && difference <= EDGE;
    bool old_unix = ttl_initial(ruler->usual) == 32 && gap < OLD_UNIX;
    return ruler->farthest > HOPS_PLAUSIBLE || ruler->ttl.other > 0 || crosses || old_unix;
}

struct reading ruler_read(const struct ruler *ruler, const struct server *server, uint8_t ttl)
{
    struct reading reading = {.relation = RELATION_UNKNOWN};
    if (ttl == 0 || ruler->kind == RULER_NONE)
        return reading;
    reading.other_class = !class_is_used(ruler, ttl);
    unsigned hops = ttl_hops(ttl);
    if (ttl_has(&ruler->ttl, ttl)) {
        const struct ttl_set *udp = &server->references[REFERENCE_UDP_ANSWER];
        bool udp_differs = ttl_kinds(udp) > 0 && !ttl_has(udp, ttl);
        reading.relation = udp_differs || server->udp_contested > 0 ? RELATION_AMONG : RELATION_SAME;
    } else if (hops > HOPS_PLAUSIBLE || hops > ruler->farthest) {
        reading.relation = RELATION_FARTHER;
        reading.gap = hops - ruler->farthest;
    } else if (hops < ruler->nearest) {
        reading.gap = ruler->nearest - hops;
        reading.relation = nearer_is_doubtful(ruler, ttl, reading.gap) ? RELATION_AMONG : RELATION_NEARER;
    } else {
        reading.relation = reading.other_class && ruler->constant ? RELATION_SAME_HOPS : RELATION_AMONG;
    }
    return reading;
}

static bool all_at_zero(const struct ttl_set *set, bool *any)
{
    for (unsigned i = 0; i < ttl_kinds(set); i++) {
        *any = true;
        if (ttl_hops(set->seen[i].ttl) != 0)
            return false;
    }
    return set->other == 0;
}

/* Both ends are on the capture's link: the one that answers sooner than the other is this host. */
static enum vantage vantage_by_time(const struct tcp_facts *tcp)
{
    if (tcp->least_reply_us == 0 || tcp->handshake.count == 0)
        return VANTAGE_UNKNOWN;
    if (tcp->least_reply_us * 2 < tcp->handshake.least_us)
        return VANTAGE_CLIENT;
    return tcp->handshake.least_us * 2 < tcp->least_reply_us ? VANTAGE_SERVER : VANTAGE_UNKNOWN;
}

enum vantage ruler_vantage(const struct server *server, const struct tcp_facts *tcp)
{
    bool client_seen = false, server_seen = false;
    bool client_zero = all_at_zero(&tcp->client_ttl, &client_seen);
    client_zero = all_at_zero(&server->client_ttl, &client_seen) && client_zero; /* SYNs may be a proxy's beside */
    client_zero = client_zero && client_seen;
    bool server_zero = all_at_zero(&server->references[REFERENCE_UDP_ANSWER], &server_seen);
    server_zero = all_at_zero(&server->references[REFERENCE_SYNACK], &server_seen) && server_zero;
    server_zero = all_at_zero(&server->references[REFERENCE_TCP_ANSWER], &server_seen) && server_zero && server_seen;
    if (tcp->from_client_out > 0 && tcp->from_client_in == 0)
        return VANTAGE_CLIENT;
    if (tcp->from_client_in > 0 && tcp->from_client_out == 0)
        return server_zero && server->udp_incoming == 0 ? VANTAGE_SERVER : VANTAGE_PATH;
    if (client_zero && server_zero)
        return vantage_by_time(tcp);
    if (client_zero)
        return VANTAGE_CLIENT;
    if (!client_seen)
        return VANTAGE_UNKNOWN;
    return server_zero ? VANTAGE_SERVER : server_seen ? VANTAGE_PATH : VANTAGE_UNKNOWN;
}

enum vantage ruler_vantage_probed(const struct server *server, const struct tcp_facts *tcp)
{
    const struct point *point = tcp->point.known ? &tcp->point : &server->point;
    bool elsewhere = point->known && !addr_same(point->client, server->address);
    return elsewhere ? VANTAGE_CLIENT : ruler_vantage(server, tcp);
}

const char *vantage_name(enum vantage vantage)
{
    static const char *const names[] = {
        [VANTAGE_UNKNOWN] = "unknown",
        [VANTAGE_CLIENT] = "client",
        [VANTAGE_SERVER] = "server",
        [VANTAGE_PATH] = "path",
    };
    static_assert(sizeof names / sizeof *names == VANTAGES, "each vantage has its name");
    return names[vantage];
}
