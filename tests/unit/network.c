/* IPv4 and IPv6 headers: options, extensions, fragments, and lengths that lie. */
#include "dissect/packet.h"

#include "tests/unit/wire.h"

#include <criterion/criterion.h>

enum { V4 = 4, V6 = 6, IP_LENGTH = 2, IP_FRAGMENT = 6, IP6_LENGTH = 4, IP6_NEXT = 6 };

/* A raw UDP packet with that payload. */
static struct wire packet_with(int version, const char *payload)
{
    struct wire wire = {.length = 0};
    struct wire_packet packet = {.source = wire_addr(version == V4 ? "192.0.2.10" : "2001:db8::10"),
                                 .target = wire_addr(version == V4 ? "198.51.100.53" : "2001:db8::53"),
                                 .source_port = 40000,
                                 .target_port = 53,
                                 .protocol = PROTOCOL_UDP,
                                 .ttl = 61,
                                 .tos = 0x48,
                                 .ip_id = 0x1234,
                                 .flow_label = 0xabcde,
                                 .payload = payload,
                                 .payload_bytes = strlen(payload)};
    wire_packet(&wire, &packet);
    return wire;
}

static struct wire packet_of(int version)
{
    return packet_with(version, "twelve bytes");
}

static void put_u16(struct wire *wire, size_t at, unsigned value)
{
    wire->bytes[at] = (uint8_t)(value >> 8);
    wire->bytes[at + 1] = (uint8_t)value;
}

static enum packet_status parse(struct packet *packet, const struct wire *wire)
{
    struct frame frame = wire_frame(wire, LINK_RAW);
    return packet_parse(packet, &frame);
}

/* No prefix of a frame that was fine may blame the sender, or go on past what was captured. */
static void expect_prefixes_blameless(const struct wire *wire)
{
    struct frame frame = wire_frame(wire, LINK_RAW);
    for (frame.captured = 0; frame.captured < frame.declared; frame.captured++) {
        struct packet packet;
        enum packet_status status = packet_parse(&packet, &frame);
        cr_expect(status == PACKET_SHORT || status == PACKET_OK || status == PACKET_FRAGMENT, "%u of %u bytes gave %d",
                  frame.captured, frame.declared, status);
        if (status == PACKET_OK)
            cr_expect_leq(packet.payload.left, frame.captured);
    }
}

Test(network, ipv4_header)
{
    struct wire wire = packet_of(V4);
    struct packet packet;
    cr_assert_eq(parse(&packet, &wire), PACKET_OK);
    cr_assert_eq(packet.family, 4);
    cr_assert_eq(packet.ttl, 61);
    cr_assert_eq(packet.tos, 0x48);
    cr_assert_eq(packet.ip_id, 0x1234);
    cr_assert(packet.dont_fragment);
    cr_assert_eq(packet.flow_label, 0);
    cr_assert_eq(packet.payload.left, 12);
    cr_assert_eq(packet.payload_declared, 12);
    expect_prefixes_blameless(&wire);
}

Test(network, ipv6_header)
{
    struct wire wire = packet_of(V6);
    struct packet packet;
    cr_assert_eq(parse(&packet, &wire), PACKET_OK);
    cr_assert_eq(packet.family, 6);
    cr_assert_eq(packet.ttl, 61);
    cr_assert_eq(packet.tos, 0x48);
    cr_assert_eq(packet.flow_label, 0xabcde);
    cr_assert_eq(packet.ip_id, 0);
    cr_assert_eq(packet.payload.left, 12);
    expect_prefixes_blameless(&wire);
}

/* Puts bytes into the packet at `at`. */
static void insert(struct wire *wire, size_t at, const void *bytes, size_t count)
{
    memmove(wire->bytes + at + count, wire->bytes + at, wire->length - at);
    memcpy(wire->bytes + at, bytes, count);
    wire->length += count;
}

Test(network, ipv4_options_are_stepped_over)
{
    static const uint8_t router_alert[] = {0x94, 4, 0, 0};
    for (unsigned words = 1; words <= 10; words++) {
        struct wire wire = packet_of(V4);
        for (unsigned i = 0; i < words; i++)
            insert(&wire, 20, router_alert, 4);
        wire.bytes[0] = (uint8_t)(0x45 + words);
        put_u16(&wire, IP_LENGTH, (unsigned)wire.length);
        struct packet packet;
        cr_expect_eq(parse(&packet, &wire), PACKET_OK);
        cr_expect_eq(packet.target_port, 53);
        cr_expect_eq(packet.payload.left, 12);
        expect_prefixes_blameless(&wire);
    }
}

Test(network, ethernet_padding_is_no_payload)
{
    struct wire wire = packet_of(V4);
    wire_bytes(&wire, "\0\0\0\0\0\0", 6);
    struct packet packet;
    cr_assert_eq(parse(&packet, &wire), PACKET_OK);
    cr_assert_eq(packet.payload.left, 12);
    cr_assert_eq(packet.payload_declared, 12);
}

Test(network, total_length_0_is_what_the_wire_carried)
{
    struct wire wire = packet_of(V4);
    put_u16(&wire, IP_LENGTH, 0); /* segmentation offload */
    struct packet packet;
    cr_assert_eq(parse(&packet, &wire), PACKET_OK);
    cr_assert_eq(packet.payload.left, 12);
    expect_prefixes_blameless(&wire);
}

Test(network, total_length_0_of_a_cut_frame_is_still_what_the_wire_carried)
{
    struct wire wire = {.length = 0};
    struct wire_packet segment = {.source = wire_addr("192.0.2.10"),
                                  .target = wire_addr("198.51.100.53"),
                                  .flags = TCP_ACK,
                                  .payload = "twelve bytes",
                                  .payload_bytes = 12};
    wire_packet(&wire, &segment);
    put_u16(&wire, IP_LENGTH, 0);
    struct frame frame = wire_frame(&wire, LINK_RAW);
    frame.captured = 44;
    struct packet packet;
    cr_assert_eq(packet_parse(&packet, &frame), PACKET_OK);
    cr_assert_eq(packet.payload.left, 4);
    cr_assert_eq(packet.payload_declared, 12);
}

Test(network, a_jumbogram_is_what_the_wire_carried)
{
    struct wire wire = packet_of(V6);
    put_u16(&wire, IP6_LENGTH, 0);
    struct packet packet;
    cr_assert_eq(parse(&packet, &wire), PACKET_OK);
    cr_assert_eq(packet.payload.left, 12);
}

Test(network, ipv4_lengths_that_cannot_be)
{
    static const struct {
        const char *name;
        uint8_t first;
        unsigned total;
    } rows[] = {
        {"a header of four words", 0x44, 40},  {"a header of none", 0x40, 40},         {"version 5", 0x55, 40},
        {"shorter than its header", 0x45, 19}, {"shorter than its options", 0x4a, 39}, {"one byte in all", 0x45, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wire wire = {.length = 0};
        struct packet packet;
        wire_bytes(&wire, "\2\0\0\0\0\1\2\0\0\0\0\2\x08\0", 14); /* Ethernet says it is IPv4 */
        struct wire inner = packet_of(V4);
        inner.bytes[0] = rows[i].first;
        put_u16(&inner, IP_LENGTH, rows[i].total);
        wire_bytes(&wire, inner.bytes, inner.length);
        struct frame frame = wire_frame(&wire, LINK_ETHERNET);
        cr_expect_eq(packet_parse(&packet, &frame), PACKET_BAD, "%s", rows[i].name);
    }
}

Test(network, a_length_beyond_the_frame_reads_no_further)
{
    struct wire wire = packet_of(V4);
    put_u16(&wire, IP_LENGTH, 65535);
    struct packet packet;
    parse(&packet, &wire);
    cr_assert_leq(packet.payload.left, 12);
    wire = packet_of(V6);
    put_u16(&wire, IP6_LENGTH, 65535);
    parse(&packet, &wire);
    cr_assert_leq(packet.payload.left, 12);
}

Test(network, ipv6_of_another_version_is_bad)
{
    struct wire wire = {.length = 0}, inner = packet_of(V6);
    struct packet packet;
    inner.bytes[0] = 0x45;
    wire_bytes(&wire, "\2\0\0\0\0\1\2\0\0\0\0\2\x86\xdd", 14);
    wire_bytes(&wire, inner.bytes, inner.length);
    struct frame frame = wire_frame(&wire, LINK_ETHERNET);
    cr_assert_eq(packet_parse(&packet, &frame), PACKET_BAD);
}

static void expect_fragment(const struct packet *packet, uint32_t id, uint16_t offset, bool more, uint32_t declared)
{
    cr_expect_eq(packet->fragment.id, id);
    cr_expect_eq(packet->fragment.offset, offset);
    cr_expect_eq(packet->fragment.more, more);
    cr_expect_eq(packet->protocol, PROTOCOL_UDP);
    cr_expect_eq(packet->payload_declared, declared);
    cr_expect_eq(packet->payload.left, declared);
}

Test(network, ipv4_fragments)
{
    static const struct {
        unsigned bits;
        uint16_t offset;
        bool more;
    } rows[] = {{0x2000, 0, true}, {0x2001, 8, true}, {0x0001, 8, false}, {0x1ff0, 65408, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wire wire = packet_with(V4, "sixteen bytes...");
        struct packet packet;
        put_u16(&wire, IP_FRAGMENT, rows[i].bits);
        cr_expect_eq(parse(&packet, &wire), PACKET_FRAGMENT, "%x", rows[i].bits);
        expect_fragment(&packet, 0x1234, rows[i].offset, rows[i].more, 24);
        cr_expect_not(packet.dont_fragment);
        expect_prefixes_blameless(&wire);
    }
}

Test(network, fragments_that_cannot_be)
{
    static const struct {
        const char *name;
        unsigned bits, total;
        enum packet_status status;
    } rows[] = {
        {"seven bytes and more to come", 0x2001, 27, PACKET_BAD},
        {"seven bytes at the end", 0x0001, 27, PACKET_FRAGMENT},
        {"no byte and more to come", 0x2001, 20, PACKET_BAD},
        {"no byte at the end", 0x0001, 20, PACKET_BAD},
        {"up to the largest packet", 0x1ffd, 23, PACKET_FRAGMENT}, /* 20 + 8189 * 8 + 3 = 65535 */
        {"one byte more", 0x1ffd, 24, PACKET_BAD},
        {"the farthest offset", 0x1fff, 21, PACKET_BAD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wire wire = packet_with(V4, "sixteen bytes...");
        struct packet packet;
        put_u16(&wire, IP_FRAGMENT, rows[i].bits);
        put_u16(&wire, IP_LENGTH, rows[i].total);
        cr_expect_eq(parse(&packet, &wire), rows[i].status, "%s", rows[i].name);
    }
}

Test(network, a_first_fragment_without_its_whole_transport_header)
{
    struct wire wire = {.length = 0};
    struct wire_packet syn = {
        .source = wire_addr("192.0.2.10"), .target = wire_addr("198.51.100.53"), .target_port = 53, .flags = TCP_SYN};
    wire_packet(&wire, &syn);
    wire.length = 28; /* eight bytes of TCP: allowed by RFC 791, and seen in scans */
    put_u16(&wire, IP_LENGTH, 28);
    put_u16(&wire, IP_FRAGMENT, 0x2000);
    struct packet packet;
    cr_assert_eq(parse(&packet, &wire), PACKET_FRAGMENT);
}

/* Puts an IPv6 extension header first. */
static void extend(struct wire *wire, uint8_t kind, const void *header, size_t count)
{
    uint8_t bytes[64];
    memcpy(bytes, header, count);
    bytes[0] = wire->bytes[IP6_NEXT];
    insert(wire, 40, bytes, count);
    wire->bytes[IP6_NEXT] = kind;
    put_u16(wire, IP6_LENGTH, (unsigned)wire->length - 40);
}

Test(network, ipv6_extensions_are_stepped_over)
{
    static const uint8_t eight[8] = {0, 0, 1, 4}, sixteen[16] = {0, 1, 1, 12};
    static const uint8_t authentication[16] = {0, 2}; /* RFC 4302 counts words of four bytes, less two */
    static const struct {
        const char *name;
        uint8_t kind;
        const uint8_t *bytes;
        size_t count;
    } rows[] = {
        {"hop by hop", 0, eight, 8},   {"long hop by hop", 0, sixteen, 16}, {"routing", 43, eight, 8},
        {"destination", 60, eight, 8}, {"mobility", 135, sixteen, 16},      {"authentication", 51, authentication, 16},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wire wire = packet_of(V6);
        extend(&wire, rows[i].kind, rows[i].bytes, rows[i].count);
        struct packet packet;
        cr_expect_eq(parse(&packet, &wire), PACKET_OK, "%s", rows[i].name);
        cr_expect_eq(packet.protocol, PROTOCOL_UDP, "%s", rows[i].name);
        cr_expect_eq(packet.payload_declared, 12, "%s", rows[i].name);
        expect_prefixes_blameless(&wire);
    }
}

Test(network, hop_by_hop_then_destination_then_fragment)
{
    static const uint8_t option[8] = {0, 0, 1, 4};
    static const struct {
        uint8_t header[8];
        uint16_t offset;
        bool more;
    } rows[] = {{{0, 0, 0, 1, 0, 1, 0, 9}, 0, true},
                {{0, 0, 5, 0xa9, 0, 1, 0, 9}, 1448, true},
                {{0, 0, 5, 0xa8, 0, 1, 0, 9}, 1448, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wire wire = packet_with(V6, "sixteen bytes...");
        struct packet packet;
        extend(&wire, 44, rows[i].header, 8);
        extend(&wire, 60, option, 8);
        extend(&wire, 0, option, 8);
        cr_expect_eq(parse(&packet, &wire), PACKET_FRAGMENT);
        expect_fragment(&packet, 0x10009, rows[i].offset, rows[i].more, 24);
        expect_prefixes_blameless(&wire);
    }
}

Test(network, an_atomic_fragment_is_the_whole_packet)
{
    static const uint8_t atomic[8] = {0, 0, 0, 0, 0, 0, 0, 9}; /* RFC 6946 */
    struct wire wire = packet_of(V6);
    struct packet packet;
    extend(&wire, 44, atomic, 8);
    cr_assert_eq(parse(&packet, &wire), PACKET_OK);
    cr_assert_eq(packet.target_port, 53);
    cr_assert_eq(packet.payload.left, 12);
    expect_prefixes_blameless(&wire);
}

Test(network, extensions_without_end)
{
    static const uint8_t option[8] = {0, 0, 1, 4};
    struct wire wire = packet_of(V6);
    for (int i = 0; i < 40; i++)
        extend(&wire, 60, option, 8);
    struct packet packet;
    cr_assert_eq(parse(&packet, &wire), PACKET_FOREIGN);
}

Test(network, an_extension_longer_than_its_packet_is_nonsense_of_the_sender)
{
    static const uint8_t option[8] = {0, 200, 1, 4}; /* 1608 bytes, in a packet of 28 */
    struct wire wire = packet_of(V6);
    struct packet packet;
    extend(&wire, 60, option, 8);
    cr_assert_eq(parse(&packet, &wire), PACKET_BAD, "the frame is whole: nothing was cut");
}

Test(network, protocols_that_say_nothing_here)
{
    static const uint8_t protocols[] = {2, 47, 50, 89, 132, 255};
    for (size_t i = 0; i < sizeof protocols; i++) {
        struct wire wire = packet_of(V4);
        struct packet packet;
        wire.bytes[9] = protocols[i];
        cr_expect_eq(parse(&packet, &wire), PACKET_FOREIGN);
        wire = packet_of(V6);
        wire.bytes[IP6_NEXT] = protocols[i];
        cr_expect_eq(parse(&packet, &wire), PACKET_FOREIGN);
    }
    struct wire wire = packet_of(V6);
    struct packet packet;
    wire.bytes[IP6_NEXT] = 59; /* no next header */
    cr_assert_eq(parse(&packet, &wire), PACKET_FOREIGN);
}
