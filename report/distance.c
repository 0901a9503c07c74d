#include "report/distance.h"

struct distance distance_of(const struct ttl_set *set)
{
    struct distance distance = {.samples = set->other};
    unsigned nearest = 0, farthest = 0;
    uint32_t most = 0;
    for (size_t i = 0; i < FACTS_TTLS && set->seen[i].count > 0; i++) {
        const struct ttl_seen *seen = &set->seen[i];
        unsigned hops = ttl_hops(seen->ttl);
        nearest = i == 0 || hops < nearest ? hops : nearest;
        farthest = hops > farthest ? hops : farthest;
        distance.samples += seen->count;
        if (seen->count > most) {
            most = seen->count;
            distance.ttl = seen->ttl;
            distance.hops = hops;
        }
    }
    distance.spread = farthest - nearest;
    return distance;
}

struct distance distance_tcp(const struct server *server)
{
    struct distance answers = distance_of(&server->references[REFERENCE_TCP_ANSWER]);
    return answers.samples > 0 ? answers : distance_of(&server->references[REFERENCE_SYNACK]);
}

struct distance distance_intermediary(const struct report *report, const struct report_intermediary *box)
{
    struct distance distance = {.hops = box->hops};
    for (unsigned i = 0; i < box->server_count; i++) {
        const struct report_server *server = &report->servers[box->servers[i]];
        const struct flow_end *end = server->ending ? &server->ending->end : NULL;
        uint8_t ttl = !end ? 0 : end->ttl ? end->ttl : end->synack_ttl; /* a box that answers the handshake itself */
        if (ttl == 0 || ttl_hops(ttl) != box->hops)
            continue;
        distance.ttl = distance.ttl ? distance.ttl : ttl;
        distance.samples += server->ending->count;
    }
    return distance;
}
