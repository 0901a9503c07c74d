#include "dissect/trail.h"

#include "dissect/table.h"

#include <stdlib.h>

enum { CHAINS = TRAIL_TRACKS * 2, PLACES = TRAIL_SERVERS * 2, PREFIX = 2 };

struct trail {
    struct trail_extent extent;
    uint32_t step_count, track_count, server_count;
    uint32_t chains[CHAINS];
    struct addr servers[TRAIL_SERVERS];
    uint16_t server_ports[TRAIL_SERVERS];
    bool speaks_tcp[TRAIL_SERVERS];
    uint16_t places[PLACES]; /* index of a server and one; 0: free */
    struct track tracks[TRAIL_TRACKS];
    struct step steps[TRAIL_STEPS];
    bool unordered;                 /* frames of several files, and such as stood out of order of time */
    uint32_t by_frame[TRAIL_STEPS]; /* then: the steps in the order of their frames */
};

struct trail *trail_new(void)
{
    struct trail *trail = table_new(sizeof *trail);
    if (trail)
        memset(trail->chains, 0xff, sizeof trail->chains);
    return trail;
}

void trail_free(struct trail *trail)
{
    table_free(trail, sizeof *trail);
}

uint32_t trail_step_count(const struct trail *trail)
{
    return trail->step_count;
}

uint32_t trail_track_count(const struct trail *trail)
{
    return trail->track_count;
}

struct step *trail_step(struct trail *trail, uint32_t index)
{
    return &trail->steps[index];
}

struct track *trail_track(struct trail *trail, uint32_t index)
{
    return &trail->tracks[index];
}

uint32_t trail_server_count(const struct trail *trail)
{
    return trail->server_count;
}

struct addr trail_server(const struct trail *trail, uint32_t index)
{
    return trail->servers[index];
}

bool trail_speaks_tcp(const struct trail *trail, uint32_t server)
{
    return trail->speaks_tcp[server];
}

/* The server's number, a new one if need be; TRAIL_SERVERS when there is no room for it. */
static uint16_t number_server(struct trail *trail, const struct flow_key *key)
{
    uint32_t place = (uint32_t)(addr_hash(key->server, key->server_port) % PLACES);
    for (; trail->places[place] != 0; place = (place + 1) % PLACES) {
        uint16_t known = (uint16_t)(trail->places[place] - 1);
        if (addr_same(trail->servers[known], key->server) && trail->server_ports[known] == key->server_port)
            return known;
    }
    if (trail->server_count == TRAIL_SERVERS)
        return TRAIL_SERVERS;
    uint16_t fresh = (uint16_t)trail->server_count++;
    trail->servers[fresh] = key->server;
    trail->server_ports[fresh] = key->server_port;
    trail->places[place] = (uint16_t)(fresh + 1);
    return fresh;
}

struct trail_extent trail_extent(const struct trail *trail)
{
    return trail->extent;
}

uint32_t trail_find(const struct trail *trail, const struct flow_key *key)
{
    uint32_t found = trail->chains[key->hash % CHAINS];
    while (found != TRAIL_NONE && !flow_key_same(&trail->tracks[found].key, key))
        found = trail->tracks[found].chain;
    return found;
}

static bool is_before(struct frame_ref a, struct frame_ref b)
{
    return a.input != b.input ? a.input < b.input : a.number < b.number;
}

static int frame_order(const void *a, const void *b, void *context)
{
    const struct step *steps = context;
    struct frame_ref x = steps[*(const uint32_t *)a].ref, y = steps[*(const uint32_t *)b].ref;
    return is_before(x, y) ? -1 : is_before(y, x);
}

void trail_finish(struct trail *trail)
{
    for (uint32_t i = 0; trail->unordered && i < trail->step_count; i++)
        trail->by_frame[i] = i;
    if (trail->unordered)
        qsort_r(trail->by_frame, trail->step_count, sizeof *trail->by_frame, frame_order, trail->steps);
}

uint32_t trail_step_of(const struct trail *trail, struct frame_ref ref)
{
    uint32_t low = 0, high = trail->step_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2, step = trail->unordered ? trail->by_frame[middle] : middle;
        if (is_before(trail->steps[step].ref, ref))
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t step = low < trail->step_count && trail->unordered ? trail->by_frame[low] : low;
    bool found = low < trail->step_count && !is_before(ref, trail->steps[step].ref);
    return found ? step : TRAIL_NONE;
}

void trail_frame(struct trail *trail, int64_t time_ns)
{
    struct trail_extent *extent = &trail->extent;
    extent->frames++;
    if (extent->first_ns == 0 || time_ns < extent->first_ns)
        extent->first_ns = time_ns;
    if (time_ns > extent->last_ns)
        extent->last_ns = time_ns;
}

void trail_unread(struct trail *trail)
{
    trail->extent.left_out++;
}

static struct step *add_step(struct trail *trail, const struct packet *packet, uint16_t server, bool from_server)
{
    if (trail->step_count == TRAIL_STEPS || server == TRAIL_SERVERS) {
        trail->extent.left_out++;
        return NULL;
    }
    trail->unordered |= trail->step_count > 0 && is_before(packet->ref, trail->steps[trail->step_count - 1].ref);
    struct step *step = &trail->steps[trail->step_count++];
    *step = (struct step){.time_ns = packet->time_ns,
                          .ref = packet->ref,
                          .ttl = packet->ttl,
                          .server = server,
                          .from_server = from_server,
                          .next = TRAIL_NONE,
                          .twin = TRAIL_NONE};
    return step;
}

static void add_to_track(struct trail *trail, uint32_t index, struct step *step)
{
    struct track *track = &trail->tracks[index];
    uint32_t number = (uint32_t)(step - trail->steps);
    step->track = index;
    if (track->first == TRAIL_NONE)
        track->first = number;
    else
        trail->steps[track->last].next = number;
    track->last = track->latest[step->from_server] = number;
}

static uint32_t new_track(struct trail *trail, const struct flow_key *key)
{
    uint16_t server = number_server(trail, key);
    if (trail->track_count == TRAIL_TRACKS || trail->step_count == TRAIL_STEPS || server == TRAIL_SERVERS)
        return TRAIL_NONE; /* a track has a step */
    uint32_t index = trail->track_count++;
    trail->tracks[index] = (struct track){.key = *key,
                                          .first = TRAIL_NONE,
                                          .last = TRAIL_NONE,
                                          .latest = {TRAIL_NONE, TRAIL_NONE},
                                          .twin = TRAIL_NONE,
                                          .server = server,
                                          .chain = trail->chains[key->hash % CHAINS]};
    trail->chains[key->hash % CHAINS] = index;
    return index;
}

/* A SYN with another initial sequence number begins another flow of the same ends. */
static uint32_t track_of(struct trail *trail, const struct flow_key *key, bool syn, uint32_t seq)
{
    uint32_t index = trail_find(trail, key);
    const struct track *track = index == TRAIL_NONE ? NULL : &trail->tracks[index];
    bool another = track && syn && !(track->has_isn[0] && track->isn[0] == seq);
    return !track || another ? new_track(trail, key) : index;
}

static bool is_copy(const struct trail *trail, const struct track *track, const struct packet *packet, bool from_server)
{
    if (track->latest[from_server] == TRAIL_NONE)
        return false;
    const struct step *latest = &trail->steps[track->latest[from_server]];
    return latest->kind == TRAIL_TCP && latest->seq == packet->seq && latest->ack == packet->ack &&
           latest->flags == packet->flags && latest->length == packet->payload_declared &&
           llabs(packet->time_ns - latest->time_ns) < FLOW_DUPLICATE_NS;
}

static void read_query(struct track *track, const struct packet *packet)
{
    struct dns_message message;
    struct cursor bytes = packet->payload;
    if (cursor_take(&bytes, PREFIX) && dns_parse(&message, bytes) && message.has_question)
        track->question = message.question;
}

static void take_segment(struct trail *trail, const struct flow_key *key, const struct packet *packet, bool from_server)
{
    bool syn = packet->flags & TCP_SYN;
    uint32_t index = track_of(trail, key, syn && !from_server, packet->seq);
    if (index == TRAIL_NONE) {
        trail->extent.left_out++;
        return;
    }
    struct track *track = &trail->tracks[index];
    if (is_copy(trail, track, packet, from_server))
        return;
    struct step *step = add_step(trail, packet, track->server, from_server);
    if (!step)
        return;
    step->seq = packet->seq;
    step->ack = packet->ack;
    step->length = packet->payload_declared;
    step->flags = packet->flags;
    add_to_track(trail, index, step);
    trail->speaks_tcp[track->server] |= from_server;
    if (syn) {
        track->isn[from_server] = packet->seq;
        track->has_isn[from_server] = true;
    }
    if (!from_server && track->question == 0 && packet->payload_declared > PREFIX)
        read_query(track, packet);
}

/* The last step is a mirror's or another device's second sighting of one of those before it. */
static bool is_datagram_copy(const struct trail *trail)
{
    enum { LATEST = 16 };
    uint32_t last = trail->step_count - 1;
    const struct step *step = &trail->steps[last];
    for (uint32_t i = last; i > 0 && i + LATEST > last; i--) {
        const struct step *other = &trail->steps[i - 1];
        if (other->kind == TRAIL_UDP && other->track == step->track && other->ack == step->ack &&
            other->seq == step->seq && other->length == step->length && other->flags == step->flags &&
            other->from_server == step->from_server && step->time_ns - other->time_ns < FLOW_DUPLICATE_NS)
            return true;
    }
    return false;
}

static void take_datagram(struct trail *trail, const struct flow_key *key, const struct packet *packet,
                          bool from_server)
{
    struct dns_message message;
    struct cursor bytes = packet->payload;
    trail->extent.datagrams++;
    struct step *step = add_step(trail, packet, number_server(trail, key), from_server);
    if (!step)
        return;
    step->kind = TRAIL_UDP;
    step->length = packet->payload_declared;
    step->track = key->hash;
    step->ack = cursor_u16(&bytes);
    step->flags = bytes.failed ? 0 : TRAIL_KNOWS_ID;
    if (dns_parse(&message, packet->payload) && message.has_question) {
        step->seq = message.question;
        step->flags |= TRAIL_KNOWS_QUESTION;
    }
    if (is_datagram_copy(trail))
        trail->step_count--;
}

void trail_packet(struct trail *trail, const struct flow_key *key, const struct packet *packet, bool from_server)
{
    trail->extent.packets++;
    if (packet->protocol == PROTOCOL_TCP)
        take_segment(trail, key, packet, from_server);
    else
        take_datagram(trail, key, packet, from_server);
}

void trail_icmp_seen(struct trail *trail)
{
    trail->extent.icmp++;
}

void trail_icmp(struct trail *trail, const struct flow_key *key, const struct packet *packet)
{
    uint32_t index = trail_find(trail, key);
    trail->extent.packets++;
    struct step *step = index == TRAIL_NONE ? NULL : add_step(trail, packet, trail->tracks[index].server, true);
    if (!step)
        return;
    step->kind = TRAIL_ICMP;
    step->seq = packet->quote.seq;
    step->ack = (uint32_t)packet->icmp_type << 8 | packet->icmp_code;
    add_to_track(trail, index, step);
}
