/*
 * How it works: a datagram has a place with a buffer and a list of the pieces that came. Pieces never overlap, so it is
 * whole when their lengths sum up to its end, which the last piece tells. A whole or refused one keeps its place until
 * another needs it, or its time is over, so that copies of its pieces (mirror ports, the `any` device) are known.
 */
#include "dissect/fragment.h"

#include "dissect/table.h"

#include <assert.h>

enum state {
    STATE_FREE,
    STATE_WAITING,  /* nothing can be read yet */
    STATE_READABLE, /* its first piece could be read alone */
    STATE_READ,     /* its first piece was handed on */
    STATE_REFUSED,
    STATE_WHOLE,
};

struct piece {
    uint16_t offset, length, captured;
};

struct datagram {
    struct packet first; /* IP header of the first piece; until it comes, of another */
    struct packet alone; /* the first piece read alone: readable and read ones only */
    int64_t begun_ns;    /* time of the piece that came first */
    uint32_t total;      /* bytes; 0: the last piece did not come yet */
    uint32_t extent;     /* where the farthest piece ends */
    uint32_t have;       /* bytes that the pieces declare */
    uint32_t cut;        /* where the first gap begins that the capture made in a piece */
    uint8_t state;       /* enum state */
    uint8_t piece_count;
    struct piece pieces[FRAGMENT_PIECES];
};

struct fragments {
    fragment_head_only *head_only;
    const void *context;
    struct fragment_counters counters;
    unsigned used; /* places that are not free */
    unsigned held; /* readable ones of TCP */
    struct datagram datagrams[FRAGMENT_DATAGRAMS];
    uint8_t bytes[FRAGMENT_DATAGRAMS][FRAGMENT_BYTES];
};

struct fragments *fragments_new(fragment_head_only *head_only, const void *context)
{
    struct fragments *fragments = table_new(sizeof *fragments);
    if (!fragments)
        return NULL;
    fragments->head_only = head_only;
    fragments->context = context;
    return fragments;
}

void fragments_free(struct fragments *fragments)
{
    table_free(fragments, sizeof *fragments);
}

void fragments_shift(struct fragments *fragments, int64_t step_ns)
{
    for (int i = 0; i < FRAGMENT_DATAGRAMS; i++) {
        struct datagram *datagram = &fragments->datagrams[i];
        datagram->begun_ns += step_ns;
        datagram->first.time_ns += step_ns;
        datagram->alone.time_ns += step_ns;
    }
}

unsigned fragments_held(const struct fragments *fragments)
{
    return fragments->held;
}

struct fragment_counters fragments_counters(const struct fragments *fragments)
{
    return fragments->counters;
}

static uint8_t *bytes_of(struct fragments *fragments, const struct datagram *datagram)
{
    return fragments->bytes[datagram - fragments->datagrams];
}

static bool is_held(const struct datagram *datagram)
{
    return datagram->state == STATE_READABLE && datagram->alone.protocol == PROTOCOL_TCP;
}

static void turn(struct fragments *fragments, struct datagram *datagram, enum state state)
{
    fragments->used -= datagram->state != STATE_FREE;
    fragments->held -= is_held(datagram);
    datagram->state = (uint8_t)state;
    fragments->used += state != STATE_FREE;
    fragments->held += is_held(datagram);
}

/* RFC 791 tells packets apart by their protocol as well; in RFC 8200 only the first piece says what it is. */
static bool is_piece_of(const struct packet *packet, const struct datagram *datagram)
{
    const struct packet *known = &datagram->first;
    return known->fragment.id == packet->fragment.id && known->family == packet->family &&
           (packet->family == 6 || known->protocol == packet->protocol) && addr_same(known->source, packet->source) &&
           addr_same(known->target, packet->target);
}

static struct datagram *find(struct fragments *fragments, const struct packet *packet)
{
    for (int i = 0; i < FRAGMENT_DATAGRAMS; i++) {
        struct datagram *datagram = &fragments->datagrams[i];
        if (datagram->state != STATE_FREE && is_piece_of(packet, datagram))
            return datagram;
    }
    return NULL;
}

/* The one that began first, of those that are whole or of all; NULL when there is none. */
static struct datagram *oldest(struct fragments *fragments, bool whole)
{
    struct datagram *found = NULL;
    for (int i = 0; i < FRAGMENT_DATAGRAMS; i++) {
        struct datagram *datagram = &fragments->datagrams[i];
        bool fits = whole ? datagram->state == STATE_WHOLE : datagram->state != STATE_FREE;
        if (fits && (!found || datagram->begun_ns < found->begun_ns))
            found = datagram;
    }
    return found;
}

static struct datagram *free_place(struct fragments *fragments)
{
    for (int i = 0; fragments->used < FRAGMENT_DATAGRAMS && i < FRAGMENT_DATAGRAMS; i++)
        if (fragments->datagrams[i].state == STATE_FREE)
            return &fragments->datagrams[i];
    return oldest(fragments, true);
}

static void begin(struct fragments *fragments, struct datagram *place, const struct packet *packet)
{
    assert(place);
    turn(fragments, place, STATE_WAITING);
    place->first = *packet;
    place->begun_ns = packet->time_ns;
    place->total = place->extent = place->have = 0;
    place->cut = UINT32_MAX;
    place->piece_count = 0;
}

enum fit { FIT_FRESH, FIT_COPY, FIT_OVERLAP };

/* RFC 5722 refuses pieces that overlap; RFC 8200 lets exact copies pass. */
static enum fit fit_of(struct fragments *fragments, const struct datagram *datagram, const struct packet *packet)
{
    uint32_t from = packet->fragment.offset, to = from + packet->payload_declared;
    for (int i = 0; i < datagram->piece_count; i++) {
        const struct piece *known = &datagram->pieces[i];
        if (to <= known->offset || from >= (uint32_t)known->offset + known->length)
            continue;
        size_t both = known->captured < packet->payload.left ? known->captured : packet->payload.left;
        bool same_place = from == known->offset && packet->payload_declared == known->length &&
                          packet->fragment.more == (to != datagram->total);
        bool same = both == 0 || memcmp(bytes_of(fragments, datagram) + from, packet->payload.at, both) == 0;
        return same_place && same ? FIT_COPY : FIT_OVERLAP;
    }
    bool beyond_end = datagram->total != 0 && to > datagram->total;
    bool another_end = !packet->fragment.more && (datagram->total != 0 || datagram->extent > to);
    return beyond_end || another_end ? FIT_OVERLAP : FIT_FRESH;
}

static void add_piece(struct fragments *fragments, struct datagram *datagram, const struct packet *packet)
{
    uint32_t from = packet->fragment.offset, to = from + packet->payload_declared;
    size_t captured = packet->payload.left;
    datagram->pieces[datagram->piece_count++] = (struct piece){
        .offset = (uint16_t)from, .length = (uint16_t)packet->payload_declared, .captured = (uint16_t)captured};
    if (captured > 0) /* of a packet in a packet: the bytes may be those of this very place */
        memmove(bytes_of(fragments, datagram) + from, packet->payload.at, captured);
    if (captured < packet->payload_declared && from + captured < datagram->cut)
        datagram->cut = (uint32_t)(from + captured);
    datagram->have += packet->payload_declared;
    if (to > datagram->extent)
        datagram->extent = to;
    if (!packet->fragment.more)
        datagram->total = to;
}

/* What came of a piece. */
enum outcome {
    OUTCOME_NOTHING,
    OUTCOME_FIRST, /* the packet is the first piece, read alone */
    OUTCOME_WHOLE, /* its payload is the whole packet's, not read yet */
};

static enum outcome take_whole(struct fragments *fragments, struct datagram *datagram, struct packet *packet)
{
    bool read = datagram->state == STATE_READ;
    fragments->counters.reassembled++;
    turn(fragments, datagram, STATE_WHOLE);
    if (read)
        return OUTCOME_NOTHING;
    struct frame_ref ref = packet->ref;
    int64_t time_ns = packet->time_ns;
    *packet = datagram->first;
    packet->ref = ref;
    packet->time_ns = time_ns;
    packet->payload = cursor_of(bytes_of(fragments, datagram), datagram->total);
    cursor_limit(&packet->payload, datagram->cut);
    packet->payload_declared = datagram->total;
    return OUTCOME_WHOLE;
}

/*
 * A first piece of TCP waits for the rest whatever its length: only the whole says how far its sequence numbers reach.
 * One that is too short for a header (RFC 1858) is no reason to refuse: it deceives filters that look at this piece
 * only, and hosts take it.
 */
static enum outcome take_first(struct fragments *fragments, struct datagram *datagram, struct packet *packet)
{
    struct packet *alone = &datagram->alone;
    *alone = *packet;
    struct cursor bytes = cursor_of(bytes_of(fragments, datagram), packet->payload.left);
    if (packet_parse_payload(alone, bytes, packet->payload_declared) != PACKET_OK)
        return OUTCOME_NOTHING;
    bool enough = alone->protocol != PROTOCOL_TCP && packet->payload_declared >= FRAGMENT_ENOUGH &&
                  (!fragments->head_only || fragments->head_only(fragments->context, alone));
    turn(fragments, datagram, enough ? STATE_READ : STATE_READABLE);
    if (!enough)
        return OUTCOME_NOTHING;
    *packet = *alone;
    return OUTCOME_FIRST;
}

static enum outcome take_fresh(struct fragments *fragments, struct datagram *datagram, struct packet *packet)
{
    if (datagram->piece_count == FRAGMENT_PIECES)
        return OUTCOME_NOTHING; /* without this one it will never be whole */
    bool is_first = packet->fragment.offset == 0;
    if (is_first)
        datagram->first = *packet;
    add_piece(fragments, datagram, packet);
    if (datagram->have == datagram->total)
        return take_whole(fragments, datagram, packet);
    return is_first ? take_first(fragments, datagram, packet) : OUTCOME_NOTHING;
}

static enum outcome take(struct fragments *fragments, struct packet *packet)
{
    struct datagram *datagram = find(fragments, packet);
    enum fit fit = datagram ? fit_of(fragments, datagram, packet) : FIT_FRESH;
    if (fit == FIT_COPY)
        return OUTCOME_NOTHING;
    if (!datagram || datagram->state == STATE_WHOLE) { /* the latter: its sender uses the ID again */
        datagram = datagram ? datagram : free_place(fragments);
        begin(fragments, datagram, packet);
        return take_fresh(fragments, datagram, packet);
    }
    if (datagram->state == STATE_REFUSED)
        return OUTCOME_NOTHING;
    if (fit == FIT_FRESH)
        return take_fresh(fragments, datagram, packet);
    fragments->counters.overlapping++;
    turn(fragments, datagram, STATE_REFUSED);
    return OUTCOME_NOTHING;
}

enum packet_status fragments_take(struct fragments *fragments, struct packet *packet)
{
    enum packet_status status = PACKET_FRAGMENT;
    for (int nested = 0; nested < FRAGMENT_NESTED && status == PACKET_FRAGMENT; nested++) {
        enum outcome outcome = take(fragments, packet);
        if (outcome != OUTCOME_WHOLE)
            return outcome == OUTCOME_FIRST ? PACKET_OK : PACKET_FRAGMENT;
        status = packet_parse_payload(packet, packet->payload, packet->payload_declared);
    }
    return status;
}

/* Frees the place; true when its first piece is still to be read. */
static bool give_up(struct fragments *fragments, struct datagram *datagram, struct packet *alone)
{
    enum state state = datagram->state;
    turn(fragments, datagram, STATE_FREE);
    if (state != STATE_WHOLE && state != STATE_REFUSED)
        fragments->counters.incomplete++;
    if (state == STATE_READABLE)
        *alone = datagram->alone;
    return state == STATE_READABLE;
}

/* The connection went on: the rest of the segment is not in this capture, or far behind, and order matters more. */
static bool is_passed(const struct datagram *datagram, const struct packet *later)
{
    const struct packet *alone = &datagram->alone;
    if (!is_held(datagram) || later->protocol != PROTOCOL_TCP)
        return false;
    bool along = alone->source_port == later->source_port && alone->target_port == later->target_port &&
                 addr_same(alone->source, later->source) && addr_same(alone->target, later->target);
    bool against = alone->source_port == later->target_port && alone->target_port == later->source_port &&
                   addr_same(alone->source, later->target) && addr_same(alone->target, later->source);
    return along || against;
}

static bool make_room(struct fragments *fragments, struct packet *alone)
{
    if (free_place(fragments))
        return false;
    struct datagram *datagram = oldest(fragments, false);
    fragments->counters.evicted += datagram->state != STATE_REFUSED;
    return give_up(fragments, datagram, alone);
}

bool fragments_overdue(struct fragments *fragments, int64_t now_ns, const struct packet *later, struct packet *alone)
{
    for (int i = 0; fragments->used > 0 && i < FRAGMENT_DATAGRAMS; i++) {
        struct datagram *datagram = &fragments->datagrams[i];
        if (datagram->state == STATE_FREE)
            continue;
        if (datagram->begun_ns < now_ns - FRAGMENT_TIMEOUT_NS || datagram->begun_ns - FRAGMENT_TIMEOUT_NS > now_ns) {
            if (give_up(fragments, datagram, alone))
                return true;
        } else if (later && is_passed(datagram, later)) {
            turn(fragments, datagram, STATE_READ);
            *alone = datagram->alone;
            return true;
        }
    }
    return make_room(fragments, alone);
}
