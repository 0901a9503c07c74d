/*
 * generate.c - makes the captures of the benchmark.
 *
 *     generate SCENARIO COUNT OUT.pcap [SECONDS]
 *
 * SCENARIO is dns, office, synflood or soak. COUNT is the number of frames to
 * make at least, for synflood the number of SYNs of the flood. SECONDS is how
 * long the flows arrive, else the scenario says. The same arguments always
 * make the same file; "-" is standard output. Flows live side by side: each waits in a heap
 * for its next event, and the earliest event is written first.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/frame.h"
#include "tests/bench/message.h"
#include "tests/bench/rng.h"
#include "tests/bench/script.h"

enum {
    CAPTURE_START = 1767225600, /* seconds */
    NOISE_SIZE = 1 << 16,
    FULL_IPV6_SEGMENT = 1428,
    FIRST_PORT = 32768,
    PORT_COUNT = 28232,
    FIRST_POOL = 1024,
};

struct host {
    uint8_t four[4];
    uint8_t six[16];
    uint32_t round_trip_us;
    uint32_t clock_ms;
    uint32_t flows; /* started by this host */
    uint8_t ttl;
    uint8_t box_ttl;
    bool has_six;
};

struct side {
    uint32_t first_seq;
    uint32_t seq;
    uint32_t stamp;
};

struct flow {
    const struct script *script;
    const struct script *then;
    struct host *client;
    struct host *server;
    struct side sides[2]; /* the client's, the server's */
    uint32_t step;
    uint32_t rounds;
    uint32_t seed;
    uint16_t client_port;
    uint16_t server_port;
    uint16_t message_id;
    uint8_t spoofed_ttl;
    bool spoofed;
    uint8_t spoofed_source[4];
};

struct event {
    uint64_t time_us;
    uint32_t slot;
};

struct world {
    const struct scenario *scenario;
    struct rng rng;
    struct capture capture;
    struct host hosts[HOST_MOST];
    uint8_t noise[NOISE_SIZE];
    struct flow *flows;
    uint32_t *free_slots;
    uint32_t free_count;
    uint32_t slot_count;
    struct event *heap; /* has room for one event of each flow */
    uint32_t heap_size;
    uint64_t goal;
    uint32_t span_seconds;
    uint64_t planned;       /* frames that count towards the goal */
    uint64_t planned_total; /* all frames */
    uint64_t planned_side;  /* those of the side mix */
    uint64_t tcp53_flows;
    uint64_t udp53_flows;
};

static void die(const char *what)
{
    fprintf(stderr, "generate: %s\n", what);
    exit(2);
}

static void *grown(void *old, size_t count, size_t size)
{
    void *grown_array = realloc(old, count * size);

    if (!grown_array)
        die("out of memory");
    return grown_array;
}

/* Hosts */

static void host_set_addresses(struct host *host, uint32_t index)
{
    static const uint8_t prefix[] = {0x20, 0x01, 0x0d, 0xb8};
    bool server = index >= FIRST_SERVER;

    host->four[0] = server ? 198 : 10;
    host->four[1] = (uint8_t)(server ? 18 + (index >> 14) : 20);
    host->four[2] = (uint8_t)(index >> 6);
    host->four[3] = (uint8_t)(1 + (index & 63) * 3);
    memcpy(host->six, prefix, sizeof(prefix));
    host->six[5] = server;
    host->six[6] = (uint8_t)(index >> 8);
    host->six[7] = (uint8_t)index;
    host->six[15] = 0x53;
    host->has_six = index % 10 == 0;
}

static void make_host(struct world *world, uint32_t index)
{
    static const uint8_t first_ttls[] = {64, 64, 128, 255};
    struct host *host = &world->hosts[index];
    struct rng *rng = &world->rng;

    host_set_addresses(host, index);
    host->round_trip_us = 1000 + rng_below(rng, 120000);
    host->clock_ms = rng_next(rng);
    host->box_ttl = (uint8_t)(first_ttls[rng_below(rng, 4)] - 1 - rng_below(rng, 3));
    if (index < FIRST_SERVER)
        host->ttl = (uint8_t)(64 - rng_below(rng, 2));
    else
        host->ttl = (uint8_t)(first_ttls[rng_below(rng, 4)] - 5 - rng_below(rng, 18));
}

static struct host *pick_host(struct world *world, const struct pool *pool)
{
    return &world->hosts[pool->first + rng_below(&world->rng, pool->count)];
}

/* The heap of events */

static bool earlier(const struct event *a, const struct event *b)
{
    if (a->time_us != b->time_us)
        return a->time_us < b->time_us;
    return a->slot < b->slot;
}

static void heap_push(struct world *world, struct event event)
{
    struct event *heap = world->heap;
    uint32_t at = world->heap_size++;
    uint32_t parent;

    for (; at > 0; at = parent) {
        parent = (at - 1) / 2;
        if (!earlier(&event, &heap[parent]))
            break;
        heap[at] = heap[parent];
    }
    heap[at] = event;
}

/* Puts an event in the place of the first one. */
static void heap_replace_top(struct world *world, struct event event)
{
    struct event *heap = world->heap;
    uint32_t at = 0;
    uint32_t child;

    while ((child = at * 2 + 1) < world->heap_size) {
        if (child + 1 < world->heap_size && earlier(&heap[child + 1], &heap[child]))
            child++;
        if (!earlier(&heap[child], &event))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = event;
}

static void heap_drop_top(struct world *world)
{
    world->heap_size--;
    if (world->heap_size)
        heap_replace_top(world, world->heap[world->heap_size]);
}

/* Flows */

static void grow_flows(struct world *world)
{
    uint32_t old = world->slot_count;
    uint32_t count = old ? old * 2 : FIRST_POOL;
    uint32_t slot;

    world->flows = grown(world->flows, count, sizeof(*world->flows));
    world->heap = grown(world->heap, count, sizeof(*world->heap));
    world->free_slots = grown(world->free_slots, count, sizeof(*world->free_slots));
    for (slot = old; slot < count; slot++)
        world->free_slots[world->free_count++] = slot;
    world->slot_count = count;
}

static uint32_t take_slot(struct world *world)
{
    if (!world->free_count)
        grow_flows(world);
    return world->free_slots[--world->free_count];
}

static uint32_t script_frames(const struct script *script, uint32_t rounds)
{
    return script->step_count + script->loop_size * rounds;
}

static uint16_t next_port(struct host *client)
{
    return (uint16_t)(FIRST_PORT + client->flows++ * 7 % PORT_COUNT);
}

/* Sets all that a flow needs anew when a second script follows the first. */
static void enter_script(struct world *world, struct flow *flow, const struct script *script)
{
    uint32_t i;

    flow->script = script;
    flow->step = 0;
    flow->client_port = next_port(flow->client);
    for (i = 0; i < 2; i++) {
        flow->sides[i].first_seq = rng_next(&world->rng);
        flow->sides[i].seq = 0;
        flow->sides[i].stamp = 0;
    }
    if (flow->server_port != 53)
        return;
    if (script->udp)
        world->udp53_flows++;
    else
        world->tcp53_flows++;
}

static void spoof(struct world *world, struct flow *flow)
{
    uint32_t random = rng_next(&world->rng);

    memcpy(flow->spoofed_source, &random, sizeof(random));
    flow->spoofed_source[0] = (uint8_t)(1 + (random & 0xff) % 223);
    flow->spoofed_ttl = (uint8_t)(40 + random % 200);
    flow->client_port = (uint16_t)(1024 + rng_below(&world->rng, 64512));
}

static void set_flow(struct world *world, struct flow *flow, const struct kind *kind)
{
    const struct script *script = kind->script;

    memset(flow, 0, sizeof(*flow));
    flow->then = kind->then;
    flow->client = pick_host(world, kind->clients);
    flow->server = pick_host(world, kind->servers);
    flow->server_port = kind->port;
    flow->seed = rng_next(&world->rng);
    flow->message_id = (uint16_t)rng_next(&world->rng);
    if (script->loop_size)
        flow->rounds = script->rounds_min + rng_below(&world->rng, script->rounds_spread);
    enter_script(world, flow, script);
    flow->spoofed = kind->spoofed;
    if (kind->spoofed)
        spoof(world, flow);
}

static const struct kind *pick_kind(struct world *world, const struct mix *mix)
{
    uint32_t total = 0;
    uint32_t ticket;
    size_t i;

    for (i = 0; i < mix->count; i++)
        total += mix->kinds[i].weight;
    ticket = rng_below(&world->rng, total);
    for (i = 0; ticket >= mix->kinds[i].weight; i++)
        ticket -= mix->kinds[i].weight;
    return &mix->kinds[i];
}

static uint64_t wait_us(struct world *world, const struct flow *flow, enum wait wait)
{
    const struct wait_spec *spec = &wait_specs[wait];
    uint64_t us = spec->base_us + rng_below(&world->rng, spec->spread_us);

    return spec->round_trip ? us + flow->server->round_trip_us : us;
}

static void plan(struct world *world, const struct flow *flow, bool side)
{
    uint32_t frames = script_frames(flow->script, flow->rounds);

    if (flow->then)
        frames += script_frames(flow->then, 0);
    world->planned_total += frames;
    if (side)
        world->planned_side += frames;
    if (!side || world->scenario->count_side)
        world->planned += frames;
}

static void start_flow(struct world *world, uint64_t now_us)
{
    const struct scenario *scenario = world->scenario;
    bool side = world->planned_side * 1000 < world->planned_total * scenario->side_permille;
    const struct mix *mix = side ? scenario->side : scenario->main;
    uint32_t slot = take_slot(world);
    struct flow *flow = &world->flows[slot];
    struct event event;

    set_flow(world, flow, pick_kind(world, mix));
    plan(world, flow, side);
    event.slot = slot;
    event.time_us = now_us + wait_us(world, flow, flow->script->steps[0].wait);
    heap_push(world, event);
}

/* Contents */

/* Two-byte length and message; part of it for the parts of split answers. */
static const uint8_t *dns_content(struct flow *flow, const struct content_spec *spec, size_t *size)
{
    static uint8_t buffer[2 + MESSAGE_ROOM];
    size_t message =
        message_make(buffer + 2, spec->message, flow->seed + spec->nth, (uint16_t)(flow->message_id + spec->nth));
    size_t cut = flow->seed & 1 ? 2 : message / 2;

    buffer[0] = (uint8_t)(message >> 8);
    buffer[1] = (uint8_t)message;
    if (flow->script->udp) {
        *size = message;
        return buffer + 2;
    }
    *size = message + 2;
    if (spec->part == HEAD)
        *size = cut;
    if (spec->part == TAIL)
        *size -= cut;
    return spec->part == TAIL ? buffer + cut : buffer;
}

/* Makes the bytes look like a TLS record or a short QUIC header. */
static void dress(uint8_t *bytes, size_t size, bool udp)
{
    if (udp) {
        bytes[0] = 0x40;
        return;
    }
    bytes[0] = 0x17;
    bytes[1] = 0x03;
    bytes[2] = 0x03;
    bytes[3] = (uint8_t)((size - 5) >> 8);
    bytes[4] = (uint8_t)(size - 5);
}

static const uint8_t *noise_content(struct world *world, const struct flow *flow, const struct content_spec *spec,
                                    size_t *size)
{
    uint8_t *bytes = world->noise + rng_below(&world->rng, NOISE_SIZE - 2048);

    *size = spec->size_min + rng_below(&world->rng, spec->size_spread);
    if (flow->server->has_six && *size > FULL_IPV6_SEGMENT)
        *size = FULL_IPV6_SEGMENT;
    dress(bytes, *size, flow->script->udp);
    return bytes;
}

static void set_payload(struct world *world, struct flow *flow, enum content content, struct packet *packet)
{
    const struct content_spec *spec = &content_specs[content];

    if (spec->message != MESSAGE_NONE)
        packet->payload = dns_content(flow, spec, &packet->payload_size);
    else if (spec->size_min)
        packet->payload = noise_content(world, flow, spec, &packet->payload_size);
}

/* Packets */

static void set_addresses(const struct flow *flow, enum sender sender, struct packet *packet)
{
    const struct host *from = sender == FROM_CLIENT ? flow->client : flow->server;
    const struct host *to = sender == FROM_CLIENT ? flow->server : flow->client;

    packet->six = flow->server->has_six;
    packet->source = packet->six ? from->six : from->four;
    packet->target = packet->six ? to->six : to->four;
    packet->ttl = sender == FROM_BOX ? from->box_ttl : from->ttl;
    packet->inbound = sender != FROM_CLIENT;
    if (sender == FROM_CLIENT) {
        packet->source_port = flow->client_port;
        packet->target_port = flow->server_port;
    } else {
        packet->source_port = flow->server_port;
        packet->target_port = flow->client_port;
    }
}

static void set_spoofed(const struct flow *flow, struct packet *packet)
{
    packet->source = flow->spoofed_source;
    packet->ttl = flow->spoofed_ttl;
    packet->options = OPTIONS_NONE;
    packet->inbound = true;
}

static void set_stamps(struct flow *flow, enum sender sender, struct packet *packet)
{
    struct host *host = sender == FROM_CLIENT ? flow->client : flow->server;
    struct side *own = &flow->sides[sender != FROM_CLIENT];
    const struct side *other = &flow->sides[sender == FROM_CLIENT];

    own->stamp = host->clock_ms + (uint32_t)(packet->time_us / 1000);
    packet->stamp = own->stamp;
    packet->stamp_echo = packet->tcp_flags & TCP_ACK ? other->stamp : 0;
}

/* A reset carries neither options nor a window. */
static void set_tcp_style(struct packet *packet)
{
    if (packet->tcp_flags & TCP_RST) {
        packet->options = OPTIONS_NONE;
        packet->ip_id = 0;
    } else if (packet->tcp_flags & TCP_SYN) {
        packet->options = OPTIONS_SYN;
        packet->window = packet->tcp_flags & TCP_ACK ? 65160 : 64240;
    } else {
        packet->options = OPTIONS_STAMP;
        packet->window = 502;
    }
}

static void set_tcp(struct flow *flow, const struct step *step, struct packet *packet)
{
    struct side *own = &flow->sides[step->sender != FROM_CLIENT];
    const struct side *other = &flow->sides[step->sender == FROM_CLIENT];

    packet->tcp_flags = step->flags;
    set_tcp_style(packet);
    set_stamps(flow, step->sender, packet);
    if (step->flags & TCP_SYN)
        own->seq = own->first_seq;
    packet->seq = own->seq;
    packet->ack = other->seq;
    own->seq += (uint32_t)packet->payload_size;
    if (step->flags & (TCP_SYN | TCP_FIN))
        own->seq++;
}

static void send_step(struct world *world, struct flow *flow, uint64_t now_us)
{
    const struct step *step = &flow->script->steps[flow->step];
    struct packet packet;

    memset(&packet, 0, sizeof(packet));
    packet.time_us = now_us;
    packet.udp = flow->script->udp;
    packet.ip_id = (uint16_t)rng_next(&world->rng);
    packet.fragmented = step->content == FRAGMENTED_ANSWER;
    set_addresses(flow, step->sender, &packet);
    set_payload(world, flow, step->content, &packet);
    if (!packet.udp)
        set_tcp(flow, step, &packet);
    if (flow->spoofed)
        set_spoofed(flow, &packet);
    capture_put(&world->capture, &packet);
}

/* Returns false if the flow is over. */
static bool advance(struct world *world, struct flow *flow)
{
    const struct script *script = flow->script;

    flow->step++;
    if (flow->rounds && flow->step == script->loop_first + script->loop_size) {
        flow->rounds--;
        flow->step = script->loop_first;
    }
    if (flow->step < script->step_count)
        return true;
    if (!flow->then)
        return false;
    enter_script(world, flow, flow->then);
    flow->then = NULL;
    return true;
}

static void run_top(struct world *world)
{
    struct event event = world->heap[0];
    struct flow *flow = &world->flows[event.slot];

    send_step(world, flow, event.time_us);
    if (!advance(world, flow)) {
        world->free_slots[world->free_count++] = event.slot;
        heap_drop_top(world);
        return;
    }
    event.time_us += wait_us(world, flow, flow->script->steps[flow->step].wait);
    heap_replace_top(world, event);
}

/* The next flow starts where the frames planned so far have filled the span. */
static uint64_t next_start_us(const struct world *world)
{
    double share = (double)world->planned / (double)world->goal;
    double span_us = world->span_seconds * 1e6;

    return CAPTURE_START * UINT64_C(1000000) + (uint64_t)(span_us * share);
}

static void run_world(struct world *world)
{
    uint64_t start_us = next_start_us(world);
    bool starting = true;

    while (starting || world->heap_size) {
        if (starting && (!world->heap_size || start_us <= world->heap[0].time_us)) {
            start_flow(world, start_us);
            start_us = next_start_us(world);
            starting = world->planned < world->goal;
        } else {
            run_top(world);
        }
    }
}

static void make_world(struct world *world)
{
    uint32_t i;

    world->rng = rng_seeded(53);
    for (i = 0; i < world->scenario->hosts; i++)
        make_host(world, i);
    for (i = 0; i < NOISE_SIZE; i++)
        world->noise[i] = (uint8_t)rng_next(&world->rng);
}

static void free_world(struct world *world)
{
    free(world->flows);
    free(world->heap);
    free(world->free_slots);
    free(world);
}

static void generate(struct world *world, const char *path)
{
    if (!capture_open(&world->capture, path))
        die("cannot open the output file");
    make_world(world);
    run_world(world);
    if (!capture_close(&world->capture))
        die("cannot write the output file");
    fprintf(stderr,
            "%" PRIu64 " frames, %" PRIu64 " bytes, %" PRIu64 " TCP flows and %" PRIu64 " UDP lookups to port 53\n",
            world->capture.frames, world->capture.bytes, world->tcp53_flows, world->udp53_flows);
}

int main(int argc, char **argv)
{
    struct world *world = grown(NULL, 1, sizeof(*world));

    memset(world, 0, sizeof(*world));
    if (argc != 4 && argc != 5)
        die("usage: generate dns|office|synflood|soak COUNT OUT.pcap [SECONDS]");
    world->scenario = scenario_find(argv[1]);
    world->goal = strtoull(argv[2], NULL, 10);
    if (!world->scenario || !world->goal)
        die("unknown scenario or bad count");
    world->span_seconds = argc == 5 ? (uint32_t)strtoul(argv[4], NULL, 10) : world->scenario->span_seconds;
    generate(world, argv[3]);
    free_world(world);
    return 0;
}
