#include "dissect/pair_match.h"

#include <stdlib.h>

enum { HOPS_MOST = 64, HOPS_COUNTS = 2 * HOPS_MOST + 1 };

/* The number that a server of the server side's trail has in the client side's; TRAIL_SERVERS when it has none. */
static uint32_t number_here(const struct pair *pair, uint32_t number_there)
{
    const struct pair_server *server = pair_server(pair, trail_server(pair->trails[PAIR_SERVER], number_there));
    return server ? (uint32_t)(server - pair->servers) : TRAIL_SERVERS;
}

/* Packets that were sent at `side` and never came to the other, though that was running. */
static void count_alone(struct pair *pair, enum pair_side side)
{
    struct trail *trail = pair->trails[side];
    uint32_t numbers[TRAIL_SERVERS] = {0};
    for (uint32_t i = 0; i < trail_server_count(trail); i++)
        numbers[i] = side == PAIR_CLIENT ? i : number_here(pair, i);
    for (uint32_t i = 0; i < trail_step_count(trail); i++) {
        const struct step *step = trail_step(trail, i);
        bool sent_here = step->from_server == (side == PAIR_SERVER);
        uint32_t number = numbers[step->server];
        if (step->twin == TRAIL_NONE && sent_here && number != TRAIL_SERVERS && pair_covers(pair, side, step->time_ns))
            pair->servers[number].alone[step->from_server]++;
    }
}

/* The difference of TTLs that most twins have. */
static int usual(const uint32_t counts[HOPS_COUNTS])
{
    int best = PAIR_HOPS_UNKNOWN;
    uint32_t most = 0;
    for (int i = 0; i < HOPS_COUNTS; i++) {
        if (counts[i] > most) {
            most = counts[i];
            best = i - HOPS_MOST;
        }
    }
    return best;
}

static bool measure_servers(struct pair *pair)
{
    struct trail *here = pair->trails[PAIR_CLIENT];
    uint32_t(*counts)[2][HOPS_COUNTS] = calloc(pair->server_count + 1, sizeof *counts);
    if (!counts)
        return false;
    for (uint32_t i = 0; i < trail_step_count(here); i++) {
        const struct step *step = trail_step(here, i);
        pair->servers[step->server].answers += step->kind == TRAIL_UDP && step->from_server;
        if (step->twin == TRAIL_NONE)
            continue;
        int other = trail_step(pair->trails[PAIR_SERVER], step->twin)->ttl;
        int hops = step->from_server ? other - step->ttl : step->ttl - other;
        pair->servers[step->server].matched[step->from_server]++;
        if (hops >= -HOPS_MOST && hops <= HOPS_MOST)
            counts[step->server][step->from_server][hops + HOPS_MOST]++;
    }
    for (uint32_t i = 0; i < pair->server_count; i++)
        for (int way = 0; way < 2; way++)
            pair->servers[i].hops[way] = usual(counts[i][way]);
    free(counts);
    return true;
}

static int64_t track_start(struct trail *trail, const struct track *track)
{
    return trail_step(trail, track->first)->time_ns;
}

static void count_flows(struct pair *pair)
{
    struct trail *here = pair->trails[PAIR_CLIENT];
    for (uint32_t i = 0; i < trail_track_count(here); i++) {
        const struct track *track = trail_track(here, i);
        bool lost = track->twin == TRAIL_NONE && pair_covers(pair, PAIR_CLIENT, track_start(here, track));
        pair->servers[track->server].flows += track->twin != TRAIL_NONE;
        pair->servers[track->server].flows_lost += lost;
    }
    for (uint32_t i = 0; i < trail_step_count(here); i++) {
        const struct step *step = trail_step(here, i);
        pair->summary.packets += step->kind != TRAIL_UDP && step->twin != TRAIL_NONE;
    }
}

/*
 * Packets of clients at the server's side that the client's side lacks, of flows that both have. RSTs and FINs may be
 * somebody else's; the others were there, so that the client side's capture lost them.
 */
static bool is_lossy(const struct pair *pair)
{
    enum { SHARE = 50 };
    struct trail *there = pair->trails[PAIR_SERVER];
    uint32_t all = 0, missing = 0;
    for (uint32_t i = 0; i < trail_step_count(there); i++) {
        const struct step *step = trail_step(there, i);
        if (step->kind != TRAIL_TCP || step->from_server || (step->flags & (TCP_RST | TCP_FIN)) ||
            trail_track(there, step->track)->twin == TRAIL_NONE || !pair_covers(pair, PAIR_SERVER, step->time_ns))
            continue;
        all++;
        missing += step->twin == TRAIL_NONE;
    }
    return missing > 0 && missing * SHARE >= all;
}

/* A packet's TTL only falls on its way: where it rises, the captures were named in the other order. */
static bool are_swapped(const struct pair *pair)
{
    unsigned wrong = 0, right = 0;
    for (uint32_t i = 0; i < pair->server_count; i++) {
        for (int way = 0; way < 2; way++) {
            int hops = pair->servers[i].hops[way];
            wrong += hops != PAIR_HOPS_UNKNOWN && hops < 0;
            right += hops > 0;
        }
    }
    return wrong > right;
}

static bool summarise(struct pair *pair)
{
    struct pair_summary *summary = &pair->summary;
    for (uint32_t i = 0; i < pair->server_count; i++)
        pair->servers[i].address = trail_server(pair->trails[PAIR_CLIENT], i);
    if (!measure_servers(pair))
        return false;
    count_flows(pair);
    count_alone(pair, PAIR_CLIENT);
    count_alone(pair, PAIR_SERVER);
    summary->swapped = are_swapped(pair);
    summary->lossy = is_lossy(pair);
    for (int side = 0; side < PAIR_SIDES; side++) {
        struct trail_extent extent = trail_extent(pair->trails[side]);
        summary->left_out += extent.left_out;
        summary->filtered[side] = extent.frames == extent.packets;
        summary->holds_tcp[side] = extent.frames > extent.datagrams;
    }
    return true;
}

struct pair *pair_new(struct trail *client_side, struct trail *server_side)
{
    struct pair *pair = calloc(1, sizeof *pair);
    if (!pair)
        return NULL;
    pair->trails[PAIR_CLIENT] = client_side;
    pair->trails[PAIR_SERVER] = server_side;
    trail_finish(client_side);
    trail_finish(server_side);
    pair->server_count = trail_server_count(client_side);
    pair->servers = calloc(pair->server_count + 1, sizeof *pair->servers);
    pair->isn_next = calloc(trail_track_count(server_side) + 1, sizeof *pair->isn_next);
    bool fine = pair->servers && pair->isn_next;
    if (fine)
        pair_match(pair);
    if (fine && summarise(pair))
        return pair;
    pair_free(pair);
    return NULL;
}

void pair_free(struct pair *pair)
{
    if (!pair)
        return;
    free(pair->servers);
    free(pair->isn_next);
    free(pair);
}

struct pair_summary pair_summary(const struct pair *pair)
{
    return pair->summary;
}

const struct pair_server *pair_server(const struct pair *pair, struct addr address)
{
    for (uint32_t i = 0; i < pair->server_count; i++)
        if (addr_same(pair->servers[i].address, address))
            return &pair->servers[i];
    return NULL;
}

static bool knows_server(const struct pair *pair, struct addr address)
{
    for (uint32_t i = 0; i < trail_server_count(pair->trails[PAIR_SERVER]); i++)
        if (addr_same(trail_server(pair->trails[PAIR_SERVER], i), address))
            return true;
    return false;
}

bool pair_is_foreign(const struct pair *pair, struct addr address)
{
    const struct pair_server *server = pair_server(pair, address);
    struct trail_extent here = trail_extent(pair->trails[PAIR_CLIENT]);
    struct trail_extent there = trail_extent(pair->trails[PAIR_SERVER]);
    bool overlap = there.frames > 0 && there.first_ns <= here.last_ns && there.last_ns >= here.first_ns;
    return server && overlap && knows_server(pair, address) && server->answers > 0 &&
           server->matched[0] + server->matched[1] == 0 && here.left_out + there.left_out == 0;
}

bool pair_covers(const struct pair *pair, enum pair_side side, int64_t time_ns)
{
    const struct pair_clock *clock = &pair->summary.clock;
    struct trail_extent other = trail_extent(pair->trails[1 - side]);
    if (!clock->known || other.left_out > 0)
        return false;
    int64_t there = time_ns + (side == PAIR_CLIENT ? clock->offset_ns : -clock->offset_ns);
    return there >= other.first_ns - clock->error_ns && there <= other.last_ns + clock->error_ns;
}
