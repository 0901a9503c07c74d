/* What the server side's capture says of a flow of the client's side. */
#include "dissect/pair_match.h"

/* A relay that takes a connection and asks the server itself does so within this of the client's packets. */
#define RELAY_NS (FLOW_SECOND_NS / 2)

/* A flow of the client's side and what it is at the server's. */
struct both {
    const struct pair *pair;
    struct trail *here, *there;
    uint32_t index;                    /* of the track */
    const struct track *track, *other; /* other: NULL when the flow never reached the server's side */
    const struct pair_server *server;
};

static bool find_both(const struct pair *pair, const struct flow_record *record, struct both *both)
{
    struct trail *here = pair->trails[PAIR_CLIENT], *there = pair->trails[PAIR_SERVER];
    uint32_t step = TRAIL_NONE;
    for (unsigned i = 0; i < record->timeline_count && step == TRAIL_NONE; i++)
        step = trail_step_of(here, record->timeline[i].ref);
    if (step == TRAIL_NONE || trail_step(here, step)->kind == TRAIL_UDP)
        return false;
    const struct track *track = trail_track(here, trail_step(here, step)->track);
    *both = (struct both){
        .pair = pair, .here = here, .there = there, .track = track, .index = trail_step(here, step)->track};
    both->other = track->twin == TRAIL_NONE ? NULL : trail_track(there, track->twin);
    both->server = &pair->servers[track->server];
    return true;
}

/* Walks the steps of a track: begin with TRAIL_NONE; NULL at the end. */
static const struct step *next_step(struct trail *trail, const struct track *track, uint32_t *at)
{
    *at = *at == TRAIL_NONE ? track->first : trail_step(trail, *at)->next;
    return *at == TRAIL_NONE ? NULL : trail_step(trail, *at);
}

static bool covers(const struct both *both, const struct step *step, enum pair_side side)
{
    return pair_covers(both->pair, side, step->time_ns);
}

/*
 * From the last answer over UDP before the flow to the first after it: answers that the other capture lacks show that it
 * had a gap.
 */
static bool has_gap(const struct both *both)
{
    enum { AROUND = 4096 };
    uint32_t first = both->track->first, last = both->track->last, end = trail_step_count(both->here);
    uint32_t from = first > AROUND ? first - AROUND : 0, until = end - last > AROUND ? last + AROUND : end;
    bool missing = false;
    for (uint32_t i = from; i < until; i++) {
        const struct step *step = trail_step(both->here, i);
        if (step->kind != TRAIL_UDP || !step->from_server || step->server != both->track->server)
            continue;
        if (i < first)
            missing = false; /* the latest one counts */
        missing |= step->twin == TRAIL_NONE;
        if (i > last)
            break;
    }
    return missing;
}

/* The other capture was running from the flow's first packet to its last, and it sees what goes to this server. */
static bool is_covered(const struct both *both)
{
    return both->server->matched[0] > 0 && covers(both, trail_step(both->here, both->track->first), PAIR_CLIENT) &&
           covers(both, trail_step(both->here, both->track->last), PAIR_CLIENT) && !has_gap(both);
}

/* The other capture has packets that this server sent: a capture of one direction proves nothing of the other. */
static bool sees_server(const struct both *both)
{
    return both->server->matched[1] + both->server->alone[1] > 0;
}

/* The same of its TCP, which a bundle of links or a second interface may part from UDP. */
static bool sees_server_tcp(const struct both *both)
{
    return sees_server(both) && (!both->other || trail_speaks_tcp(both->there, both->other->server));
}

/* The client sent something again, as one does who got no reply; or else this capture holds what it got. */
static bool lacked_reply(const struct both *both, const struct flow_record *record)
{
    return record->count[FLOW_SYN_AGAIN] > 0 || record->count[FLOW_QUERY_AGAIN] > 0 ||
           trail_speaks_tcp(both->here, both->track->server);
}

static bool is_query(const struct step *step)
{
    return step->kind == TRAIL_TCP && !step->from_server && step->length > 0 && !(step->flags & TCP_RST);
}

static bool is_synack(const struct step *step)
{
    return step->kind == TRAIL_TCP && step->from_server && (step->flags & (TCP_SYN | TCP_RST)) == TCP_SYN;
}

/* A packet that ends or refuses something, or carries something: not a bare ACK. */
static bool is_weighty(const struct step *step)
{
    return step->kind == TRAIL_ICMP || step->length > 0 || (step->flags & (TCP_SYN | TCP_FIN | TCP_RST));
}

/* What ended the flow: a packet of the server's side. */
static uint32_t end_crossing(const struct both *both, const struct flow_record *record, const struct flow_end *end)
{
    const struct sighting *last =
        record->decisive < record->timeline_count ? &record->timeline[record->decisive] : NULL;
    uint32_t index = last && last->from_server ? trail_step_of(both->here, last->ref) : TRAIL_NONE;
    if (index == TRAIL_NONE)
        return 0;
    const struct step *step = trail_step(both->here, index);
    bool ends =
        step->kind == TRAIL_ICMP || (step->flags & (TCP_FIN | TCP_RST)) || end->mechanism == MECHANISM_ERROR_RCODE;
    if (step->twin != TRAIL_NONE)
        return ends ? CROSSING_END_PASSED : 0;
    /* a filter for a port lets no ICMP in, so what is missing there may have been left out */
    if (step->kind == TRAIL_ICMP && both->other && trail_extent(both->there).icmp == 0)
        return 0;
    bool sees = step->kind == TRAIL_ICMP ? sees_server(both) : sees_server_tcp(both);
    return ends && sees && covers(both, step, PAIR_CLIENT) ? CROSSING_END_MADE : 0;
}

static uint32_t here_crossing(const struct both *both)
{
    uint32_t found = 0, at = TRAIL_NONE;
    const struct step *step;
    bool synack = false, synack_twin = false, query = false, query_twin = false;
    while ((step = next_step(both->here, both->track, &at))) {
        synack |= is_synack(step);
        synack_twin |= is_synack(step) && step->twin != TRAIL_NONE;
        query |= is_query(step);
        query_twin |= is_query(step) && step->twin != TRAIL_NONE;
    }
    found |= synack && !synack_twin && sees_server_tcp(both) ? CROSSING_SYNACK_MADE : 0;
    found |= query_twin ? CROSSING_QUERY_ARRIVED : 0;
    found |= query && !query_twin && both->other ? CROSSING_QUERY_LOST : 0;
    return found;
}

/* The client's own end of the flow: what the server sends afterwards nobody waits for. */
static bool client_leaves(const struct step *step)
{
    return !step->from_server && step->kind == TRAIL_TCP && (step->flags & (TCP_FIN | TCP_RST));
}

/* The same packet came by, if not this very one: what was sent again and lost once is not lost. */
static bool came_by(const struct both *both, const struct step *sent)
{
    uint32_t at = TRAIL_NONE;
    const struct step *step;
    while ((step = next_step(both->here, both->track, &at)))
        if (pair_same_packet(both->other, sent, both->track, step))
            return true;
    return false;
}

static bool was_sent(const struct both *both, const struct step *received)
{
    uint32_t at = TRAIL_NONE;
    const struct step *step;
    unsigned sent = 0, came = 0;
    while ((step = next_step(both->here, both->track, &at)))
        sent += pair_same_packet(both->track, step, both->other, received);
    at = TRAIL_NONE;
    while ((step = next_step(both->there, both->other, &at)))
        came += !step->from_server && step->kind == TRAIL_TCP && step->flags == received->flags &&
                step->seq == received->seq;
    return sent >= came;
}

/* A RST or FIN of the client at the server's side, of a kind that the client did not send so often. */
static bool is_client_made(const struct both *both, const struct step *step)
{
    return client_leaves(step) && step->twin == TRAIL_NONE && covers(both, step, PAIR_SERVER) && !was_sent(both, step);
}

static uint32_t there_crossing(const struct both *both)
{
    uint32_t found = 0, at = TRAIL_NONE;
    const struct step *step;
    bool over = false, lossy = false;
    while ((step = next_step(both->there, both->other, &at))) {
        bool leaves = client_leaves(step);
        over |= leaves || (step->from_server && (step->flags & (TCP_FIN | TCP_RST)) && step->twin != TRAIL_NONE);
        lossy |= !step->from_server && !leaves && step->kind == TRAIL_TCP && step->twin == TRAIL_NONE &&
                 covers(both, step, PAIR_SERVER) && !was_sent(both, step);
        if (step->twin != TRAIL_NONE || !is_weighty(step) || !covers(both, step, PAIR_SERVER))
            continue;
        if (step->from_server && !over && both->server->matched[1] > 0 && !came_by(both, step))
            found |= CROSSING_REPLY_LOST;
        found |= is_client_made(both, step) ? CROSSING_CLIENT_MADE : 0U;
    }
    return lossy || both->pair->summary.lossy
               ? 0
               : found; /* the client's side lacks more of the client's own packets: its capture lost them */
}

/* The last thing that a client waits for an answer to reached the server's side, and the server says nothing to it. */
static bool is_silent(const struct both *both)
{
    uint32_t at = TRAIL_NONE;
    const struct step *step;
    bool asked = false, query = false;
    while ((step = next_step(both->there, both->other, &at))) {
        if (client_leaves(step))
            break;
        if (!step->from_server && (step->flags & TCP_SYN))
            asked = true;
        else if (is_query(step))
            asked = query = true;
        else if (step->from_server && is_weighty(step) && !(query && is_synack(step)))
            asked = false;
    }
    return asked;
}

/* The server's side of a connection that somebody else made. */
static bool server_refuses(const struct both *both, const struct track *track)
{
    uint32_t at = TRAIL_NONE;
    const struct step *step;
    bool refused = false, data = false;
    while ((step = next_step(both->there, track, &at))) {
        refused |= step->from_server && (step->kind == TRAIL_ICMP || (step->flags & TCP_RST));
        data |= step->from_server && step->length > 0;
    }
    return refused && !data;
}

static const struct step *begin_of(const struct both *both, uint32_t track)
{
    return trail_step(both->there, trail_track(both->there, track)->first);
}

/* The server side's first track that began no earlier than the client's packet: they stand in order of time. */
static uint32_t first_since(const struct both *both, const struct step *first)
{
    uint32_t low = 0, high = trail_track_count(both->there);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (pair_lag(both->pair, first, begin_of(both, middle)) < -RELAY_NS / 10)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A flow that never came may have been taken by a relay, which asks the server with a connection of its own. */
static uint32_t relay_crossing(const struct both *both)
{
    const struct step *first = trail_step(both->here, both->track->first);
    const struct step *last = trail_step(both->here, both->track->last);
    uint32_t found = 0;
    for (uint32_t i = first_since(both, first); i < trail_track_count(both->there); i++) {
        const struct track *track = trail_track(both->there, i);
        if (pair_lag(both->pair, last, begin_of(both, i)) > RELAY_NS)
            break;
        if (track->twin != TRAIL_NONE || !addr_same(trail_server(both->there, track->server), both->server->address))
            continue;
        bool refused = server_refuses(both, track);
        if (track->question ? track->question == both->track->question : refused)
            found |= CROSSING_RELAYED | (refused ? CROSSING_RELAY_FAILED : 0U);
    }
    return found;
}

/*
 * A host that translates addresses shows a flow twice, one right behind the other; what leaves it is the second, with the
 * client's initial sequence number. That the first is not at the server's side is no loss.
 */
static bool is_translated_here(const struct both *both)
{
    enum { NEAR = 8 };
    uint32_t first = both->index > NEAR ? both->index - NEAR : 0, count = trail_track_count(both->here);
    for (uint32_t i = first; i < count && i <= both->index + NEAR; i++) {
        const struct track *other = trail_track(both->here, i);
        if (i != both->index && other->twin != TRAIL_NONE && other->has_isn[0] && both->track->has_isn[0] &&
            other->isn[0] == both->track->isn[0])
            return true;
    }
    return false;
}

uint32_t pair_crossings(const struct pair *pair, const struct flow_record *record, const struct flow_end *end)
{
    struct both both;
    if (!find_both(pair, record, &both) || !is_covered(&both) || (!both.other && is_translated_here(&both)))
        return 0;
    uint32_t found = CROSSING_COVERED | here_crossing(&both);
    if (end->outcome != OUTCOME_UNANSWERED)
        found |= end_crossing(&both, record, end);
    if (!both.other)
        return found | CROSSING_LOST | relay_crossing(&both);
    uint32_t there = there_crossing(&both);
    bool lacked = lacked_reply(&both, record);
    found |= CROSSING_ARRIVED | (lacked ? there : there & ~(uint32_t)CROSSING_REPLY_LOST);
    return found | (lacked && sees_server(&both) && is_silent(&both) ? CROSSING_SILENT : 0U);
}

const struct step *pair_twin(const struct pair *pair, struct frame_ref client_side)
{
    struct trail *here = pair->trails[PAIR_CLIENT];
    uint32_t index = trail_step_of(here, client_side);
    uint32_t twin = index == TRAIL_NONE ? TRAIL_NONE : trail_step(here, index)->twin;
    return twin == TRAIL_NONE ? NULL : trail_step(pair->trails[PAIR_SERVER], twin);
}

uint8_t pair_forged_ttl(const struct pair *pair, const struct flow_record *record)
{
    struct both both;
    uint32_t at = TRAIL_NONE;
    const struct step *step;
    if (!find_both(pair, record, &both) || !both.other)
        return 0;
    while ((step = next_step(both.there, both.other, &at)))
        if (is_client_made(&both, step))
            return step->ttl;
    return 0;
}

bool pair_other_ends(const struct pair *pair, const struct flow_record *record, struct flow_key *ends)
{
    struct both both;
    if (!find_both(pair, record, &both) || !both.other)
        return false;
    *ends = both.other->key;
    return true;
}

unsigned pair_frames(const struct pair *pair, const struct flow_record *record, struct frame_ref *frames, unsigned most)
{
    struct both both;
    unsigned count = 0;
    if (!find_both(pair, record, &both) || !both.other)
        return 0;
    for (int with_twin = 0; with_twin < 2; with_twin++) {
        uint32_t at = TRAIL_NONE;
        const struct step *step;
        while ((step = next_step(both.there, both.other, &at)) && count < most)
            if (is_weighty(step) && (step->twin != TRAIL_NONE) == with_twin)
                frames[count++] = step->ref;
    }
    return count;
}
