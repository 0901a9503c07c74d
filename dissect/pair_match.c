/*
 * How it works: flows are matched by their ends and the client's initial sequence number, or by that number alone (NAT
 * between); datagrams by DNS ID and question. Within matched flows packets are matched by what their sender wrote:
 * flags, and sequence numbers counted from the initial one, since firewalls rewrite them. Packets that cannot be
 * mistaken for another come first; they give the offset between the clocks, for a packet can only arrive after it left:
 * the offset lies between the least difference of one direction and the greatest of the other. With the offset known,
 * packets that were sent several times are matched by time.
 */
#include "dissect/pair_match.h"

#include <stdlib.h>

enum { NEAR = 64 }; /* steps of a flow that are looked at for a twin */

#define LAG_MOST (3 * FLOW_SECOND_NS) /* a packet that took longer on its way is another one, sent again */
#define LAG_SLACK (FLOW_SECOND_NS / 200)

int64_t pair_lag(const struct pair *pair, const struct step *sent, const struct step *received)
{
    int64_t offset = pair->summary.clock.known ? pair->summary.clock.offset_ns : 0;
    return received->time_ns - sent->time_ns + (sent->from_server ? offset : -offset);
}

static bool plausible(const struct pair *pair, const struct step *sent, const struct step *received)
{
    const struct pair_clock *clock = &pair->summary.clock;
    int64_t lag = pair_lag(pair, sent, received);
    return !clock->known || (lag > -clock->error_ns - LAG_SLACK && lag < LAG_MOST + clock->error_ns);
}

/* Sequence numbers of one sender as both captures can be compared: from its initial one where both know that. */
static uint32_t counted(const struct track *track, const struct track *other, bool from_server, uint32_t seq)
{
    bool both = track->has_isn[from_server] && other->has_isn[from_server];
    return both ? seq - track->isn[from_server] : seq;
}

/*
 * A box has written other numbers, or (a SYN proxy before a closed port) a SYN-ACK that the server never sent. That the
 * receiving side lacks a SYN-ACK is mere loss.
 */
static bool is_rewritten(const struct track *sent, const struct track *received, bool from_server)
{
    bool known = sent->has_isn[from_server];
    return received->has_isn[from_server] &&
           (known ? sent->isn[from_server] != received->isn[from_server] : from_server);
}

static bool overlaps(uint32_t a, uint32_t a_length, uint32_t b, uint32_t b_length)
{
    return (int32_t)(a - b - b_length) < 0 && (int32_t)(b - a - a_length) < 0;
}

bool pair_same_packet(const struct track *sent_track, const struct step *sent, const struct track *received_track,
                      const struct step *received)
{
    enum { TELLING = TCP_SYN | TCP_FIN | TCP_RST };
    bool server = sent->from_server;
    if (sent->kind != received->kind || server != received->from_server)
        return false;
    if (sent->kind == TRAIL_ICMP)
        return sent->ack == received->ack;
    if ((sent->flags & TELLING) != (received->flags & TELLING))
        return false;
    if ((sent->flags & TCP_RST) && ((sent->flags ^ received->flags) & TCP_ACK))
        return false; /* stacks and forgers make different ones */
    uint32_t left = counted(sent_track, received_track, server, sent->seq);
    uint32_t came = counted(received_track, sent_track, server, received->seq);
    if (sent->flags & TCP_RST)
        return sent->seq == received->seq || left == came || is_rewritten(sent_track, received_track, server);
    if (sent->length > 0 && received->length > 0)
        return overlaps(left, sent->length, came, received->length);
    if (sent->flags & (TCP_SYN | TCP_FIN)) /* a FIN may ride on data at one place and travel alone at another */
        return left + sent->length == came + received->length;
    uint32_t sent_ack = counted(sent_track, received_track, !server, sent->ack);
    return sent->length == received->length && left == came &&
           sent_ack == counted(received_track, sent_track, !server, received->ack);
}

static void make_twins(struct trail *a, uint32_t a_step, struct trail *b, uint32_t b_step)
{
    trail_step(a, a_step)->twin = b_step;
    trail_step(b, b_step)->twin = a_step;
}

/* ---- flows */

static void make_track_twins(struct pair *pair, uint32_t here, uint32_t there)
{
    struct track *a = trail_track(pair->trails[PAIR_CLIENT], here);
    struct track *b = trail_track(pair->trails[PAIR_SERVER], there);
    a->twin = there;
    b->twin = here;
    pair->summary.flows++;
    pair->summary.translated |= !flow_key_same(&a->key, &b->key);
    pair->summary.rewritten |=
        is_rewritten(a, b, false) || (a->has_isn[1] && b->has_isn[1] && is_rewritten(b, a, true));
}

/* Same ends, same initial sequence number; or, `loose`, another one, in time. */
static uint32_t find_by_ends(struct pair *pair, const struct track *track, bool loose)
{
    struct trail *there = pair->trails[PAIR_SERVER];
    for (uint32_t i = trail_find(there, &track->key); i != TRAIL_NONE; i = trail_track(there, i)->chain) {
        struct track *other = trail_track(there, i);
        if (other->twin != TRAIL_NONE || !flow_key_same(&other->key, &track->key))
            continue;
        bool same = track->has_isn[0] && other->has_isn[0] && track->isn[0] == other->isn[0];
        const struct step *sent = trail_step(pair->trails[PAIR_CLIENT], track->first);
        if (same || (loose && pair->summary.clock.known && plausible(pair, sent, trail_step(there, other->first))))
            return i;
    }
    return TRAIL_NONE;
}

static uint32_t isn_chain(uint32_t isn)
{
    return (uint32_t)hash_mix(isn) % PAIR_INDEX;
}

static void index_isns(struct pair *pair)
{
    struct trail *there = pair->trails[PAIR_SERVER];
    memset(pair->index[PAIR_SERVER], 0xff, sizeof pair->index[PAIR_SERVER]);
    for (uint32_t i = 0; i < trail_track_count(there); i++) {
        struct track *track = trail_track(there, i);
        if (track->twin != TRAIL_NONE || !track->has_isn[0])
            continue;
        uint32_t *head = &pair->index[PAIR_SERVER][isn_chain(track->isn[0])];
        pair->isn_next[i] = *head;
        *head = i;
    }
}

/* Behind a translator the client's initial sequence number is what is left of the flow's identity. */
static uint32_t find_by_isn(struct pair *pair, const struct track *track)
{
    struct trail *there = pair->trails[PAIR_SERVER];
    if (!track->has_isn[0])
        return TRAIL_NONE;
    uint32_t i = pair->index[PAIR_SERVER][isn_chain(track->isn[0])];
    while (i != TRAIL_NONE &&
           (trail_track(there, i)->twin != TRAIL_NONE || trail_track(there, i)->isn[0] != track->isn[0]))
        i = pair->isn_next[i];
    return i;
}

enum manner { BY_ENDS, BY_ISN, LOOSELY };

static void match_flows(struct pair *pair, enum manner manner)
{
    if (manner == BY_ISN)
        index_isns(pair);
    struct trail *here = pair->trails[PAIR_CLIENT];
    for (uint32_t i = 0; i < trail_track_count(here); i++) {
        const struct track *track = trail_track(here, i);
        if (track->twin != TRAIL_NONE)
            continue;
        uint32_t found = manner == BY_ISN ? find_by_isn(pair, track) : find_by_ends(pair, track, manner == LOOSELY);
        if (found != TRAIL_NONE)
            make_track_twins(pair, i, found);
    }
}

/* ---- packets of flows */

/* How many of the sender's steps could be the received one; `best`: the likeliest that has no twin. */
static unsigned candidates(struct pair *pair, int sender, const struct track *from, const struct track *to,
                           const struct step *received, uint32_t *best)
{
    struct trail *trail = pair->trails[sender];
    int64_t least = INT64_MAX;
    unsigned count = 0, seen = 0;
    *best = TRAIL_NONE;
    for (uint32_t i = from->first; i != TRAIL_NONE && seen < NEAR; i = trail_step(trail, i)->next) {
        const struct step *step = trail_step(trail, i);
        seen += step->twin == TRAIL_NONE;
        if (!pair_same_packet(from, step, to, received))
            continue;
        count++;
        int64_t lag = llabs(pair_lag(pair, step, received));
        if (step->twin == TRAIL_NONE && lag < least && plausible(pair, step, received)) {
            least = lag;
            *best = i;
        }
    }
    return count;
}

static void match_track(struct pair *pair, struct track *here, bool sole)
{
    struct track *ends[PAIR_SIDES] = {here, trail_track(pair->trails[PAIR_SERVER], here->twin)};
    for (int to = 0; to < PAIR_SIDES; to++) {
        struct trail *trail = pair->trails[to];
        for (uint32_t i = ends[to]->first; i != TRAIL_NONE; i = trail_step(trail, i)->next) {
            const struct step *step = trail_step(trail, i);
            uint32_t best, back;
            if (step->twin != TRAIL_NONE || step->from_server != (to == PAIR_CLIENT))
                continue;
            unsigned count = candidates(pair, 1 - to, ends[1 - to], ends[to], step, &best);
            if (best == TRAIL_NONE)
                continue;
            const struct step *sent = trail_step(pair->trails[1 - to], best);
            if (sole &&
                (count > 1 || sent->seq != step->seq || candidates(pair, to, ends[to], ends[1 - to], sent, &back) > 1))
                continue;
            make_twins(pair->trails[1 - to], best, trail, i);
        }
    }
}

static void match_packets(struct pair *pair, bool sole)
{
    struct trail *here = pair->trails[PAIR_CLIENT];
    for (uint32_t i = 0; i < trail_track_count(here); i++)
        if (trail_track(here, i)->twin != TRAIL_NONE)
            match_track(pair, trail_track(here, i), sole);
}

/* ---- datagrams */

/* Datagrams are looked for among those of the same ends; behind a translator among those of the same DNS ID. */
static uint32_t *datagram_chain(struct pair *pair, int side, const struct step *step, bool same_ends)
{
    uint64_t key = (uint64_t)(same_ends ? step->track : step->ack) << 1 | step->from_server;
    return &pair->index[side][hash_mix(key) % PAIR_INDEX];
}

static void index_datagrams(struct pair *pair, int side, bool same_ends)
{
    struct trail *trail = pair->trails[side];
    memset(pair->index[side], 0xff, sizeof pair->index[side]);
    for (uint32_t i = trail_step_count(trail); i-- > 0;) { /* backwards, so that the chains run forwards */
        struct step *step = trail_step(trail, i);
        if (step->kind != TRAIL_UDP)
            continue;
        uint32_t *head = datagram_chain(pair, side, step, same_ends);
        step->next = *head;
        *head = i;
    }
}

/* What either capture has cut off cannot differ; but a translated datagram is known by its question alone. */
static bool same_datagram(const struct step *a, const struct step *b, bool same_ends)
{
    unsigned both = a->flags & b->flags;
    if (a->from_server != b->from_server || a->length != b->length || (same_ends && a->track != b->track))
        return false;
    if (!same_ends && !(both & TRAIL_KNOWS_QUESTION))
        return false;
    return (!(both & TRAIL_KNOWS_ID) || a->ack == b->ack) && (!(both & TRAIL_KNOWS_QUESTION) || a->seq == b->seq);
}

/* As candidates(). */
static unsigned datagram_candidates(struct pair *pair, int side, const struct step *step, bool same_ends,
                                    uint32_t *best)
{
    struct trail *trail = pair->trails[side];
    int64_t least = INT64_MAX;
    unsigned count = 0, seen = 0;
    *best = TRAIL_NONE;
    uint32_t i = *datagram_chain(pair, side, step, same_ends);
    for (; i != TRAIL_NONE && seen < NEAR; i = trail_step(trail, i)->next) {
        const struct step *other = trail_step(trail, i);
        seen += other->twin == TRAIL_NONE;
        if (!same_datagram(step, other, same_ends))
            continue;
        count++;
        bool sender_there = (side == PAIR_SERVER) == other->from_server;
        int64_t lag = llabs(sender_there ? pair_lag(pair, other, step) : pair_lag(pair, step, other));
        bool fits = sender_there ? plausible(pair, other, step) : plausible(pair, step, other);
        if (other->twin == TRAIL_NONE && fits && lag < least) {
            least = lag;
            *best = i;
        }
    }
    return count;
}

/* The receiving side's datagrams look for those that were sent. */
static void match_datagrams(struct pair *pair, bool sole, bool same_ends)
{
    index_datagrams(pair, PAIR_CLIENT, same_ends);
    index_datagrams(pair, PAIR_SERVER, same_ends);
    for (int to = 0; to < PAIR_SIDES; to++) {
        struct trail *trail = pair->trails[to];
        for (uint32_t i = 0; i < trail_step_count(trail); i++) {
            const struct step *step = trail_step(trail, i);
            uint32_t best, back;
            if (step->kind != TRAIL_UDP || step->twin != TRAIL_NONE || step->from_server != (to == PAIR_CLIENT))
                continue;
            unsigned count = datagram_candidates(pair, 1 - to, step, same_ends, &best);
            if (best == TRAIL_NONE)
                continue;
            if (sole && (count > 1 ||
                         datagram_candidates(pair, to, trail_step(pair->trails[1 - to], best), same_ends, &back) > 1))
                continue;
            make_twins(pair->trails[1 - to], best, trail, i);
            pair->summary.datagrams++;
            pair->summary.translated |= !same_ends;
        }
    }
}

/* ---- clocks */

static void read_clock(struct pair *pair)
{
    struct trail *here = pair->trails[PAIR_CLIENT];
    int64_t bound[2] = {INT64_MAX, INT64_MIN}; /* the least difference of clients' packets, the most of the server's */
    bool seen[2] = {false, false};
    for (uint32_t i = 0; i < trail_step_count(here); i++) {
        const struct step *step = trail_step(here, i);
        if (step->twin == TRAIL_NONE)
            continue;
        int64_t difference = trail_step(pair->trails[PAIR_SERVER], step->twin)->time_ns - step->time_ns;
        bool from_server = step->from_server;
        if (from_server ? difference > bound[1] : difference < bound[0])
            bound[from_server] = difference;
        seen[from_server] = true;
    }
    struct pair_clock *clock = &pair->summary.clock;
    clock->known = seen[0] || seen[1];
    if (seen[0] && seen[1]) {
        clock->offset_ns = bound[1] + (bound[0] - bound[1]) / 2;
        clock->error_ns = llabs(bound[0] - bound[1]) / 2;
        clock->steady = bound[0] >= bound[1];
    } else if (clock->known) {
        clock->offset_ns = bound[seen[1]];
        clock->error_ns = FLOW_SECOND_NS / 2; /* one direction alone: its delay is part of the difference */
    }
}

static void forget_twins(struct pair *pair)
{
    for (int side = 0; side < PAIR_SIDES; side++) {
        for (uint32_t i = 0; i < trail_step_count(pair->trails[side]); i++)
            trail_step(pair->trails[side], i)->twin = TRAIL_NONE;
        for (uint32_t i = 0; i < trail_track_count(pair->trails[side]); i++)
            trail_track(pair->trails[side], i)->twin = TRAIL_NONE;
    }
}

/* Sure matches first: they set the clocks, by which the others are told apart. */
void pair_match(struct pair *pair)
{
    forget_twins(pair);
    match_flows(pair, BY_ENDS);
    match_flows(pair, BY_ISN);
    match_packets(pair, true);
    match_datagrams(pair, true, true);
    if (pair->summary.datagrams == 0)
        match_datagrams(pair, true, false);
    read_clock(pair);
    match_flows(pair, LOOSELY);
    match_packets(pair, false);
    match_datagrams(pair, false, true);
    match_datagrams(pair, false, false);
    if (!pair->summary.clock.known)
        read_clock(pair);
}
