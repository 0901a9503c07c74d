#include "tests/unit/pieces.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { MS_NS = 1000000, PERIOD = 251, V4_HEADER = 20, V6_HEADER = 40, V6_FRAGMENT = 44 };

const char *piece_next(const char *list, struct piece *piece)
{
    int taken = 0;
    *piece = (struct piece){.offset = 0};
    if (sscanf(list, " ~%u%n", &piece->wait_s, &taken) == 1)
        list += taken;
    if (sscanf(list, " %u+%u%n", &piece->offset, &piece->length, &taken) != 2)
        return NULL;
    list += taken;
    for (; *list && *list != ' '; list++) {
        piece->last |= *list == '.';
        piece->other |= *list == '!';
        if (*list == '-' && sscanf(list, "-%u%n", &piece->uncaptured, &taken) == 1)
            list += taken - 1;
    }
    return list;
}

static void overwrite_u16(struct wire *wire, size_t at, unsigned value)
{
    wire->bytes[at] = (uint8_t)(value >> 8);
    wire->bytes[at + 1] = (uint8_t)value;
}

void piece_append(struct wire *wire, const struct wire *packet, uint32_t id, const struct piece *piece)
{
    bool v4 = packet->bytes[0] >> 4 == 4;
    size_t start = wire->length, header = v4 ? V4_HEADER : V6_HEADER;
    wire_bytes(wire, packet->bytes, header);
    if (v4) {
        overwrite_u16(wire, start + 2, V4_HEADER + piece->length);
        overwrite_u16(wire, start + 4, id & 0xffff);
        overwrite_u16(wire, start + 6, piece->offset / 8 | (piece->last ? 0 : 0x2000));
    } else {
        overwrite_u16(wire, start + 4, 8 + piece->length);
        wire->bytes[start + 6] = V6_FRAGMENT;
        wire_u16(wire, (unsigned)packet->bytes[6] << 8);
        wire_u16(wire, piece->offset | !piece->last);
        wire_u32(wire, id);
    }
    for (size_t i = piece->offset; i < piece->offset + piece->length; i++) {
        bool change = piece->other && i != 4 && i != 5; /* UDP's length */
        unsigned byte = header + i < packet->length ? packet->bytes[header + i] : 0;
        wire_u8(wire, change ? byte ^ PIECE_OTHER_BITS : byte);
    }
}

struct wire piece_packet(int family, uint8_t protocol, size_t payload_bytes)
{
    static uint8_t payload[3000];
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i % PERIOD);
    struct wire wire = {.length = 0};
    struct wire_packet packet = {.source = wire_addr(family == 4 ? "198.51.100.53" : "2001:db8::53"),
                                 .target = wire_addr(family == 4 ? "192.0.2.10" : "2001:db8::10"),
                                 .source_port = 53,
                                 .target_port = 40000,
                                 .protocol = protocol,
                                 .ttl = 61,
                                 .flags = TCP_ACK,
                                 .payload = payload,
                                 .payload_bytes = payload_bytes};
    wire_packet(&wire, &packet);
    return wire;
}

void piece_extend(struct wire *wire, uint8_t kind, const uint8_t header[8])
{
    uint8_t *behind = wire->bytes + V6_HEADER;
    memmove(behind + 8, behind, wire->length - V6_HEADER);
    memcpy(behind, header, 8);
    behind[0] = wire->bytes[6];
    wire->bytes[6] = kind;
    wire->length += 8;
}

void bench_begin(struct bench *bench)
{
    bench->fragments = fragments_new(NULL, NULL);
    bench->time_ns = INT64_C(1700000000000000000);
    bench->frames = 0;
    bench->out = bench->whole = bench->alone = 0;
    cr_assert_not_null(bench->fragments);
}

void bench_end(struct bench *bench)
{
    fragments_free(bench->fragments);
}

static void note(struct bench *bench, const struct packet *packet, bool alone)
{
    bench->out++;
    bench->alone += alone;
    bench->whole += packet->payload.left == packet->payload_declared;
    bench->packet = *packet;
    if (packet->payload.left > 0)
        memcpy(bench->bytes, packet->payload.at, packet->payload.left);
}

static void note_overdue(struct bench *bench, int64_t now_ns, const struct packet *later)
{
    struct packet alone;
    while (fragments_overdue(bench->fragments, now_ns, later, &alone))
        note(bench, &alone, true);
}

enum packet_status bench_frame(struct bench *bench, const struct wire *wire, size_t uncaptured)
{
    struct packet packet;
    struct frame frame = wire_frame(wire, LINK_RAW);
    frame.captured -= (uint32_t)uncaptured;
    frame.time_ns = bench->time_ns += MS_NS;
    frame.ref.number = ++bench->frames & 0xffffffffffff;
    enum packet_status status = packet_parse(&packet, &frame);
    note_overdue(bench, bench->time_ns, status == PACKET_OK ? &packet : NULL);
    if (status == PACKET_FRAGMENT)
        status = fragments_take(bench->fragments, &packet);
    if (status == PACKET_OK)
        note(bench, &packet, false);
    return status;
}

void bench_pieces(struct bench *bench, const struct wire *packet, uint32_t id, const char *list)
{
    struct piece piece;
    while ((list = piece_next(list, &piece))) {
        struct wire wire = {.length = 0};
        piece_append(&wire, packet, id, &piece);
        bench->time_ns += piece.wait_s * INT64_C(1000000000);
        bench_frame(bench, &wire, piece.uncaptured);
    }
}

struct fragment_counters bench_finish(struct bench *bench)
{
    note_overdue(bench, INT64_MAX, NULL);
    cr_expect_eq(fragments_held(bench->fragments), 0);
    return fragments_counters(bench->fragments);
}

void bench_expect_bytes(const struct bench *bench, const char *name, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bench->bytes[i] != i % PERIOD && bench->bytes[i] != (i % PERIOD ^ PIECE_OTHER_BITS))
            cr_assert_fail("%s: byte %zu is not that of the packet", name, i);
}
