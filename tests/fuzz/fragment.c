/*
 * Fuzzes fragments_take(): the input is a list of fragments of a few packets, in any order and of any length. A packet
 * with an honest sender is what its pieces say, whatever others send; and each is counted once.
 */
#include "dissect/fragment.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 65535 - 20, SECOND_NS = 1000000000, LIE = 0x40, LAST = 0x80, UDP_HEADER = 8 };

/* The bytes of an IP payload: a UDP header of no length (as much as there is), then what the ID makes of their place. */
static uint8_t byte_of(uint32_t id, uint32_t at)
{
    return at < UDP_HEADER ? 0 : (uint8_t)(id * 31 + at * 7 + (at >> 8));
}

static void check(const struct packet *packet, bool honest)
{
    if (packet->payload.left > packet->payload_declared || packet->payload_declared > MOST)
        abort();
    for (size_t i = 0; i < packet->payload.left; i++)
        if (packet->payload.at[i] != byte_of(packet->ip_id, (uint32_t)i + UDP_HEADER) && honest)
            abort();
}

/* A fragment of one of 128 packets, twice as many as there are places, of which the upper half have liars for senders. */
static struct packet next_fragment(struct cursor *input, uint8_t bytes[MOST], int64_t *time_ns)
{
    uint8_t what = cursor_u8(input), who = cursor_u8(input) & 0x7f;
    uint32_t offset = cursor_u16(input) & 0xfff8u, length = cursor_u8(input);
    bool last = what & LAST, lies = (what & LIE) && who >= 64;
    length = last ? length + 1 : (length + 1) * 8;
    if (offset + length > MOST)
        offset = 0;
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = byte_of(who, offset + i) ^ (uint8_t)lies;
    *time_ns += INT64_C(1) * SECOND_NS * (what & 0x0f) / 4;
    return (struct packet){.time_ns = *time_ns,
                           .family = what & 0x10 ? 4 : 6,
                           .protocol = PROTOCOL_UDP,
                           .ip_id = who,
                           .fragment = {.id = who, .offset = (uint16_t)offset, .more = !last},
                           .payload = cursor_of(bytes, what & 0x20 ? length / 2 : length),
                           .payload_declared = length};
}

static void take_overdue(struct fragments *fragments, int64_t now_ns)
{
    struct packet alone;
    while (fragments_overdue(fragments, now_ns, NULL, &alone))
        check(&alone, alone.ip_id < 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fragments *fragments;
    static uint8_t bytes[MOST];
    struct cursor input = cursor_of(data, size);
    uint64_t fed = 0;
    int64_t time_ns = SECOND_NS;
    if (!fragments && !(fragments = fragments_new(NULL, NULL)))
        return 0;
    struct fragment_counters before = fragments_counters(fragments);
    for (; input.left > 0; fed++) {
        struct packet packet = next_fragment(&input, bytes, &time_ns);
        take_overdue(fragments, time_ns);
        if (fragments_take(fragments, &packet) == PACKET_OK)
            check(&packet, packet.ip_id < 64);
        if (fragments_held(fragments) > FRAGMENT_DATAGRAMS)
            abort();
    }
    take_overdue(fragments, INT64_MAX);
    struct fragment_counters after = fragments_counters(fragments);
    uint64_t counted = after.reassembled - before.reassembled + after.overlapping - before.overlapping +
                       after.incomplete - before.incomplete;
    if (fragments_held(fragments) > 0 || counted > fed || (fed > 0 && counted == 0) ||
        after.evicted - before.evicted > after.incomplete - before.incomplete)
        abort();
    return 0;
}
