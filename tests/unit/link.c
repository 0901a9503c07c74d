/* Link layers: each header, with and without tags, and every prefix of it. */
#include "dissect/packet.h"

#include "tests/unit/wire.h"

#include <criterion/criterion.h>

static struct wire_packet syn(const char *source, const char *target)
{
    return (struct wire_packet){.source = wire_addr(source),
                                .target = wire_addr(target),
                                .source_port = 40000,
                                .target_port = 53,
                                .flags = TCP_SYN,
                                .seq = 7};
}

/* The headers before the IP packet, as hexadecimal digits. */
static const struct situation {
    const char *name;
    int link_type;
    const char *header;
} situations[] = {
    {"Ethernet", LINK_ETHERNET, "020000000001 020000000002 0800"},
    {"one 802.1Q tag", LINK_ETHERNET, "020000000001 020000000002 8100 0064 0800"},
    {"802.1ad outside, 802.1Q inside", LINK_ETHERNET, "020000000001 020000000002 88a8 0064 8100 00c8 0800"},
    {"old double tag", LINK_ETHERNET, "020000000001 020000000002 9100 0064 8100 00c8 0800"},
    {"Linux cooked", LINK_LINUX_SLL, "0000 0001 0006 020000000002 0000 0800"},
    {"Linux cooked with a tag", LINK_LINUX_SLL, "0000 0001 0006 020000000002 0000 8100 0064 0800"},
    {"Linux cooked 2", LINK_LINUX_SLL2, "0800 0000 00000002 0001 00 06 020000000002 0000"},
    {"raw", LINK_RAW, ""},
    {"raw by libpcap's own number", LINK_RAW_DLT, ""},
    {"raw IPv4", LINK_IPV4, ""},
    {"null of a little-endian host", LINK_NULL, "02000000"},
    {"null of a big-endian host", LINK_NULL, "00000002"},
    {"loop", LINK_LOOP, "00000002"},
};
enum { SITUATIONS = sizeof situations / sizeof *situations };

static unsigned digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void put_hex(struct wire *wire, const char *text)
{
    for (; *text; text++) {
        if (*text == ' ')
            continue;
        wire_u8(wire, digit(text[0]) << 4 | digit(text[1]));
        text++;
    }
}

static struct wire compose(const struct situation *situation)
{
    struct wire wire = {.length = 0};
    struct wire_packet packet = syn("192.0.2.10", "198.51.100.53");
    put_hex(&wire, situation->header);
    wire_packet(&wire, &packet);
    return wire;
}

Test(link, each_header_leads_to_the_same_packet)
{
    for (int i = 0; i < SITUATIONS; i++) {
        struct wire wire = compose(&situations[i]);
        struct frame frame = wire_frame(&wire, situations[i].link_type);
        struct packet packet;
        cr_expect_eq(packet_parse(&packet, &frame), PACKET_OK, "%s", situations[i].name);
        cr_expect_eq(packet.target_port, 53, "%s", situations[i].name);
        cr_expect(addr_same(packet.source, wire_addr("192.0.2.10")), "%s", situations[i].name);
        cr_expect_not(packet.loopback, "%s", situations[i].name);
        cr_expect(packet_knows_link(situations[i].link_type));
    }
}

Test(link, every_prefix_is_short)
{
    for (int i = 0; i < SITUATIONS; i++) {
        struct wire wire = compose(&situations[i]);
        struct frame frame = wire_frame(&wire, situations[i].link_type);
        for (frame.captured = 0; frame.captured < frame.declared; frame.captured++) {
            struct packet packet;
            enum packet_status status = packet_parse(&packet, &frame);
            cr_expect_eq(status, PACKET_SHORT, "%s: %u of %u bytes gave %d", situations[i].name, frame.captured,
                         frame.declared, status);
        }
    }
}

static struct packet parse_hex(int link_type, const char *header, enum packet_status expected)
{
    struct wire wire = {.length = 0};
    struct wire_packet inner = syn("192.0.2.10", "198.51.100.53");
    struct packet packet = {.time_ns = 0};
    put_hex(&wire, header);
    wire_packet(&wire, &inner);
    struct frame frame = wire_frame(&wire, link_type);
    cr_assert_eq(packet_parse(&packet, &frame), expected);
    return packet;
}

Test(link, ipv6_in_ethernet_and_raw)
{
    struct wire_packet inner = syn("2001:db8::10", "2001:db8::53");
    struct wire wire = {.length = 0}, raw = {.length = 0};
    wire_ethernet(&wire, &inner);
    wire_packet(&raw, &inner);
    struct frame frames[] = {wire_frame(&wire, LINK_ETHERNET), wire_frame(&raw, LINK_RAW), wire_frame(&raw, LINK_IPV6)};
    for (int i = 0; i < 3; i++) {
        struct packet packet;
        cr_expect_eq(packet_parse(&packet, &frames[i]), PACKET_OK);
        cr_expect_eq(packet.family, 6);
        cr_expect(addr_same(packet.target, wire_addr("2001:db8::53")));
    }
}

Test(link, the_sender_is_remembered)
{
    cr_assert_eq(parse_hex(LINK_ETHERNET, "020000000001 0200000000fe 0800", PACKET_OK).source_mac, 0x0200000000fe);
    cr_assert_eq(parse_hex(LINK_LINUX_SLL, "0000 0001 0006 0200000000fe 0000 0800", PACKET_OK).source_mac,
                 0x0200000000fe);
    cr_assert_eq(parse_hex(LINK_LINUX_SLL2, "0800 0000 00000002 0001 00 06 0200000000fe 0000", PACKET_OK).source_mac,
                 0x0200000000fe);
    cr_assert_eq(parse_hex(LINK_RAW, "", PACKET_OK).source_mac, 0);
}

Test(link, an_address_of_another_length_is_none)
{
    cr_assert_eq(parse_hex(LINK_LINUX_SLL, "0000 0001 0008 0200000000fe 0102 0800", PACKET_OK).source_mac, 0);
}

Test(link, cooked_captures_tell_the_direction)
{
    static const struct {
        const char *header;
        enum link_direction direction;
    } rows[] = {
        {"0000 0001 0006 020000000002 0000 0800", LINK_INCOMING},
        {"0001 0001 0006 020000000002 0000 0800", LINK_INCOMING},
        {"0003 0001 0006 020000000002 0000 0800", LINK_OVERHEARD},
        {"0004 0001 0006 020000000002 0000 0800", LINK_OUTGOING},
        {"0005 0001 0006 020000000002 0000 0800", LINK_DIRECTION_UNKNOWN},
        {"ffff 0001 0006 020000000002 0000 0800", LINK_DIRECTION_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(parse_hex(LINK_LINUX_SLL, rows[i].header, PACKET_OK).direction, rows[i].direction);
    cr_assert_eq(parse_hex(LINK_LINUX_SLL2, "0800 0000 00000002 0001 04 06 020000000002 0000", PACKET_OK).direction,
                 LINK_OUTGOING);
}

Test(link, loopback_devices)
{
    cr_assert(parse_hex(LINK_ETHERNET, "000000000000 000000000000 0800", PACKET_OK).loopback);
    cr_assert(parse_hex(LINK_LINUX_SLL, "0000 0304 0006 000000000000 0000 0800", PACKET_OK).loopback);
    cr_assert(parse_hex(LINK_LINUX_SLL2, "0800 0000 00000001 0304 00 06 000000000000 0000", PACKET_OK).loopback);
    cr_assert_not(parse_hex(LINK_ETHERNET, "020000000001 020000000002 0800", PACKET_OK).loopback);
}

Test(link, what_is_not_ip_is_foreign)
{
    parse_hex(LINK_ETHERNET, "ffffffffffff 020000000002 0806", PACKET_FOREIGN);      /* ARP */
    parse_hex(LINK_ETHERNET, "0180c2000000 020000000002 0026 4242", PACKET_FOREIGN); /* 802.3 length, spanning tree */
    parse_hex(LINK_ETHERNET, "020000000001 020000000002 8100 0064 0806", PACKET_FOREIGN);
    parse_hex(LINK_LINUX_SLL, "0000 0001 0006 020000000002 0000 0004", PACKET_FOREIGN);
    parse_hex(LINK_RAW, "50", PACKET_FOREIGN); /* version 5 */
    parse_hex(LINK_NULL, "1e000000 00", PACKET_FOREIGN);
}

Test(link, tags_without_end_are_foreign)
{
    parse_hex(
        LINK_ETHERNET,
        "020000000001 020000000002 8100 0001 8100 0001 8100 0001 8100 0001 8100 0001 8100 0001 8100 0001 8100 0001"
        " 8100 0001 8100 0001 0800",
        PACKET_FOREIGN);
}

Test(link, an_unknown_type_is_said_to_be_unknown)
{
    static const int types[] = {2, 9, 105, 127, 147, 276 + 1, 65535, -1};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        parse_hex(types[i], "", PACKET_LINK_UNKNOWN);
        cr_expect_not(packet_knows_link(types[i]));
    }
}
