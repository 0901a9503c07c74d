/* The pattern that only shows across servers: rejected by one TTL, from the client's edge. */
#include "report/verdict.h"

enum { EDGE_HOPS_MOST = 3, EDGE_SERVERS_MOST = 64 };

/* What most of a server's flows were rejected by, NULL when that was no packet of a small distance seen by the client. */
static const struct ending *rejected_at_edge(const struct facts *facts, const struct server *server)
{
    const struct tcp_facts *tcp = facts_tcp_seen(facts, server);
    const struct ending *most = NULL;
    if (!tcp || tcp->outcomes[OUTCOME_ANSWERED] > 0 || ttl_hops(tcp->client_ttl.seen[0].ttl) > 0 ||
        ruler_vantage(server, tcp) == VANTAGE_SERVER)
        return NULL;
    for (uint32_t i = 0; i < tcp->endings.count; i++)
        if (tcp->endings.rows[i].end.outcome == OUTCOME_REJECTED && (!most || tcp->endings.rows[i].count > most->count))
            most = &tcp->endings.rows[i];
    return most && most->end.ttl != 0 && ttl_hops(most->end.ttl) <= EDGE_HOPS_MOST ? most : NULL;
}

/* Networks so far that were rejected by one TTL, in one way. */
struct edge {
    struct addr address;
    uint8_t ttl;
    bool posing;
};

/* True for servers that say nothing of the edge: private ones, the client's neighbours, and networks seen before. */
static bool edge_is_known(const struct edge *edges, unsigned count, const struct edge *edge, struct addr client)
{
    if (addr_is_private(edge->address) || addr_same_region(edge->address, client))
        return true;
    for (unsigned i = 0; i < count; i++)
        if (edges[i].ttl == edge->ttl && edges[i].posing == edge->posing &&
            addr_same_region(edges[i].address, edge->address))
            return true;
    return false;
}

struct crowd verdict_crowd(const struct facts *facts)
{
    struct edge edges[EDGE_SERVERS_MOST];
    uint32_t networks[2][2][UINT8_MAX + 1] = {{{0}}}; /* by posing, and by family: one site has a network of each */
    unsigned count = 0;
    struct crowd crowd = {0};
    for (uint32_t i = facts_next_server(facts, 0); i != FACTS_NONE && count < EDGE_SERVERS_MOST;
         i = facts_next_server(facts, i + 1)) {
        const struct server *server = facts_server_at(facts, i);
        const struct ending *ending = rejected_at_edge(facts, server);
        const struct flow_record *flow = ending ? facts_exemplar(facts, ending->exemplar) : NULL;
        if (!flow)
            continue;
        struct ruler ruler = ruler_of(facts, server);
        struct edge edge = {server->address, ending->end.ttl,
                            ruler_read(&ruler, server, ending->end.ttl).relation == RELATION_SAME};
        if (edge_is_known(edges, count, &edge, flow->client))
            continue;
        edges[count++] = edge;
        uint32_t here = ++networks[edge.posing][addr_is_v4(edge.address)][edge.ttl];
        uint32_t *most = edge.posing ? &crowd.posing_networks : &crowd.edge_networks;
        if (here > *most) {
            *most = here;
            *(edge.posing ? &crowd.posing_ttl : &crowd.edge_ttl) = edge.ttl;
        }
    }
    return crowd;
}
