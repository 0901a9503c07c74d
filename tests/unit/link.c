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

#define MACS "020000000001 020000000002"
#define SNAP "aaaa03 000000 E"

/* The headers before the IP packet, as wire_behind() reads them. */
static const struct situation {
    const char *name;
    int link_type;
    const char *header;
} situations[] = {
    {"Ethernet", LINK_ETHERNET, MACS "E"},
    {"one 802.1Q tag", LINK_ETHERNET, MACS "8100 0064 E"},
    {"802.1ad outside, 802.1Q inside", LINK_ETHERNET, MACS "88a8 0064 8100 00c8 E"},
    {"old double tag", LINK_ETHERNET, MACS "9100 0064 8100 00c8 E"},
    {"five tags", LINK_ETHERNET, MACS "88a8 0001 88a8 0002 8100 0003 8100 0004 8100 0005 E"},
    {"virtual port's tag", LINK_ETHERNET, MACS "8926 80010002 E"},
    {"port extender's tag", LINK_ETHERNET, MACS "893f 000000010000 E"},
    {"Cisco's security group", LINK_ETHERNET, MACS "8909 01 01 0001 0064 E"},
    {"802.1Q, then Cisco's security group", LINK_ETHERNET, MACS "8100 0064 8909 01 01 0001 0064 E"},
    {"802.3 with LLC and SNAP", LINK_ETHERNET, MACS "S " SNAP},
    {"802.3 in a tag", LINK_ETHERNET, MACS "8100 0064 S " SNAP},
    {"802.1H", LINK_ETHERNET, MACS "S aaaa03 0000f8 E"},
    {"LLC of IP", LINK_ETHERNET, MACS "S 060603"},
    {"PPPoE", LINK_ETHERNET, MACS "8864 11 00 0001 S P"},
    {"PPPoE with a short PPP protocol", LINK_ETHERNET, MACS "8864 11 00 0001 S p"},
    {"PPPoE in two tags", LINK_ETHERNET, MACS "88a8 0064 8100 0064 8864 11 00 0001 S P"},
    {"one label", LINK_ETHERNET, MACS "8847 000641ff"},
    {"three labels", LINK_ETHERNET, MACS "8847 000640ff 000650ff 000661ff"},
    {"label of the upstream router", LINK_ETHERNET, MACS "8848 000641ff"},
    {"router alert, then a label", LINK_ETHERNET, MACS "8847 000010ff 000641ff"},
    {"pseudowire with a control word", LINK_ETHERNET, MACS "8847 000641ff 00000000" MACS "E"},
    {"pseudowire with a sequence number", LINK_ETHERNET, MACS "8847 000641ff 00001234" MACS "E"},
    {"pseudowire without a control word", LINK_ETHERNET, MACS "8847 000641ff 020000000001 020000000002 E"},
    {"pseudowire with a tag", LINK_ETHERNET, MACS "8847 000641ff 00000000" MACS "8100 0064 E"},
    {"backbone bridge", LINK_ETHERNET, "0a0000000001 0a0000000002 88e7 00000064" MACS "E"},
    {"backbone bridge in its tag", LINK_ETHERNET,
     "0a0000000001 0a0000000002 88a8 0064 88e7 00000064" MACS "8100 0001 E"},
    {"bridged", LINK_ETHERNET, "0a0000000001 0a0000000002 6558" MACS "E"},
    {"Linux cooked", LINK_LINUX_SLL, "0000 0001 0006 020000000002 0000 E"},
    {"Linux cooked with a tag", LINK_LINUX_SLL, "0000 0001 0006 020000000002 0000 8100 0064 E"},
    {"Linux cooked with PPPoE", LINK_LINUX_SLL, "0000 0001 0006 020000000002 0000 8864 11 00 0001 S P"},
    {"Linux cooked with LLC", LINK_LINUX_SLL, "0000 0001 0006 020000000002 0000 0004 " SNAP},
    {"Linux cooked 2", LINK_LINUX_SLL2, "E 0000 00000002 0001 00 06 020000000002 0000"},
    {"Linux cooked 2 with a tag", LINK_LINUX_SLL2, "8100 0000 00000002 0001 00 06 020000000002 0000 0064 E"},
    {"raw", LINK_RAW, ""},
    {"raw by libpcap's own number", LINK_RAW_DLT, ""},
    {"null of a little-endian host", LINK_NULL, "02000000"},
    {"null of a big-endian host", LINK_NULL, "00000002"},
    {"loop", LINK_LOOP, "00000002"},
    {"PPP", LINK_PPP, "P"},
    {"PPP with a short protocol", LINK_PPP, "p"},
    {"PPP in its framing", LINK_PPP, "ff03 P"},
    {"PPP in its framing with a short protocol", LINK_PPP, "ff03 p"},
    {"PPP with a label", LINK_PPP, "ff03 0281 000641ff"},
    {"PPP in HDLC", LINK_PPP_HDLC, "ff03 P"},
    {"Cisco's HDLC as PPP's", LINK_PPP_HDLC, "0f00 E"},
    {"PPPoE alone", LINK_PPP_ETHER, "11 00 0001 S P"},
    {"Cisco's HDLC", LINK_C_HDLC, "0f00 E"},
    {"Cisco's HDLC, to all", LINK_C_HDLC, "8f00 E"},
    {"Cisco's HDLC with a label", LINK_C_HDLC, "0f00 8847 000641ff"},
    {"pppd's", LINK_PPP_PPPD, "01 03 P"},
    {"PPP with a direction", LINK_PPP_WITH_DIR, "00 ff03 P"},
    {"PPP with a direction, without framing", LINK_PPP_WITH_DIR, "01 P"},
    {"Cisco's HDLC with a direction", LINK_C_HDLC_WITH_DIR, "00 0f00 E"},
    {"MPLS alone", LINK_MPLS, "000641ff"},
    {"token ring", LINK_TOKEN_RING, "10 40" MACS SNAP},
    {"token ring with a route", LINK_TOKEN_RING, "10 40 020000000001 820000000002 0670 0011 0022 " SNAP},
    {"FDDI", LINK_FDDI, "50" MACS SNAP},
    {"wireless, from a station", LINK_WIRELESS, "0801 0000 020000000009 020000000002 020000000001 0010 " SNAP},
    {"wireless, to a station", LINK_WIRELESS, "0802 0000 020000000001 020000000009 020000000002 0010 " SNAP},
    {"wireless, between stations", LINK_WIRELESS, "0800 0000 020000000001 020000000002 020000000009 0010 " SNAP},
    {"wireless, of four addresses", LINK_WIRELESS,
     "0803 0000 020000000008 020000000009 020000000001 0010 020000000002 " SNAP},
    {"wireless with QoS", LINK_WIRELESS, "8801 0000 020000000009 020000000002 020000000001 0010 0000 " SNAP},
    {"wireless with QoS, of four addresses", LINK_WIRELESS,
     "8803 0000 020000000008 020000000009 020000000001 0010 020000000002 0000 " SNAP},
    {"wireless with HT control", LINK_WIRELESS,
     "8881 0000 020000000009 020000000002 020000000001 0010 0000 00000000 " SNAP},
    {"wireless aggregate", LINK_WIRELESS,
     "8801 0000 020000000009 020000000002 020000000001 0010 8000 " MACS " S " SNAP},
    {"radiotap", LINK_RADIOTAP, "00 00 0800 00000000 0801 0000 020000000009 020000000002 020000000001 0010 " SNAP},
    {"radiotap with time and flags", LINK_RADIOTAP,
     "00 00 1100 03000000 1122334455667788 00 0801 0000 020000000009 020000000002 020000000001 0010 " SNAP},
    {"radiotap that says of padding", LINK_RADIOTAP,
     "00 00 0900 02000000 20 8801 0000 020000000009 020000000002 020000000001 0010 0000 0000 " SNAP},
    {"radiotap with time, padding and two words of fields", LINK_RADIOTAP,
     "00 00 1900 030000a0 00000000 00000000 1122334455667788 20"
     "8801 0000 020000000009 020000000002 020000000001 0010 0000 0000 " SNAP},
    {"AVS", LINK_AVS,
     "80211001 00000040 0000000000000001 0000000000000001 00000004 00000001 00000001 00000000 00000000 00000000"
     "00000000 00000000 00000000 00000000 0801 0000 020000000009 020000000002 020000000001 0010 " SNAP},
    {"AVS under Prism's number", LINK_PRISM,
     "80211001 00000040 0000000000000001 0000000000000001 00000004 00000001 00000001 00000000 00000000 00000000"
     "00000000 00000000 00000000 00000000 0801 0000 020000000009 020000000002 020000000001 0010 " SNAP},
    {"PPI", LINK_PPI, "00 00 0800 69000000 0801 0000 020000000009 020000000002 020000000001 0010 " SNAP},
    {"PPI with a field", LINK_PPI,
     "00 00 1000 69000000 0200 0400 00000000 0801 0000 020000000009 020000000002 020000000001 0010 " SNAP},
    {"PPI of Ethernet", LINK_PPI, "00 00 0800 01000000" MACS "E"},
    {"NFLOG of a little-endian host", LINK_NFLOG,
     "02 00 0001 0800 0100 0800 0100 0800 0500 00000002 0900 0a00 7474740000000000 T 0900"},
    {"NFLOG of a big-endian host", LINK_NFLOG, "02 00 0001 0008 0001 0800 0100 0008 0005 00000002 B 0009"},
    {"PFLOG of FreeBSD", LINK_PFLOG,
     "3d 02 00 00 656d3000000000000000000000000000 00000000000000000000000000000000 00000001 ffffffff"
     "ffffffff 00000000 00000000 00000000 01 000000"},
    {"PFLOG of OpenBSD", LINK_PFLOG,
     "64 02 00 00 656d3000000000000000000000000000 00000000000000000000000000000000 00000001 ffffffff"
     "ffffffff 00000000 00000000 00000000 02 00 02 00"
     "c0000201000000000000000000000000 c0000202000000000000000000000000 1234 0035"},
    {"ENC", LINK_ENC, "02000000 00001234 00000030"},
    {"ERF of Ethernet", LINK_ERF, "0000000000000000 02 04 0070 0000 0060 0000" MACS "E"},
    {"ERF with extensions", LINK_ERF,
     "0000000000000000 82 04 0080 0000 0060 8300000000000000 0300000000000000 0000" MACS "E"},
    {"ERF of PPP", LINK_ERF, "0000000000000000 01 04 0070 0000 0060 ff03 P"},
    {"ERF of Cisco's HDLC", LINK_ERF, "0000000000000000 0a 04 0070 0000 0060 0f00 E"},
    {"ERF of channels", LINK_ERF, "0000000000000000 05 04 0070 0000 0060 00000001 ff03 P"},
};
enum { SITUATIONS = sizeof situations / sizeof *situations };

static struct wire compose(const struct situation *situation, int family)
{
    struct wire wire = {.length = 0};
    struct wire_packet packet =
        family == 4 ? syn("192.0.2.10", "198.51.100.53") : syn("2001:db8::10", "2001:db8:2::53");
    packet.ttl = 57;
    wire_behind(&wire, situation->header, &packet);
    return wire;
}

static void expect_packet(const char *name, int link_type, int family, const struct wire *wire)
{
    struct frame frame = wire_frame(wire, link_type);
    struct packet packet = {.family = 0};
    cr_expect_eq(packet_parse(&packet, &frame), PACKET_OK, "%s, IPv%d", name, family);
    cr_expect_eq(packet.family, family, "%s, IPv%d", name, family);
    cr_expect_eq(packet.ttl, 57, "%s, IPv%d", name, family);
    cr_expect_eq(packet.target_port, 53, "%s, IPv%d", name, family);
    cr_expect(addr_same(packet.source, wire_addr(family == 4 ? "192.0.2.10" : "2001:db8::10")), "%s, IPv%d", name,
              family);
    cr_expect(packet.source_mac == 0x020000000002 || packet.source_mac == 0, "%s, IPv%d", name, family);
    cr_expect_not(packet.loopback, "%s, IPv%d", name, family);
    cr_expect_eq(packet.outer_ips, 0, "%s, IPv%d", name, family);
}

Test(link, each_header_leads_to_the_same_packet)
{
    for (int i = 0; i < SITUATIONS; i++) {
        for (int family = 4; family <= 6; family += 2) {
            struct wire wire = compose(&situations[i], family);
            expect_packet(situations[i].name, situations[i].link_type, family, &wire);
        }
        cr_expect(packet_knows_link(situations[i].link_type));
    }
}

static void expect_short(const char *name, struct frame frame)
{
    for (frame.captured = 0; frame.captured < frame.declared; frame.captured++) {
        struct packet packet;
        enum packet_status status = packet_parse(&packet, &frame);
        cr_expect_eq(status, PACKET_SHORT, "%s: %u of %u bytes gave %d", name, frame.captured, frame.declared, status);
    }
}

Test(link, every_prefix_is_short)
{
    for (int i = 0; i < SITUATIONS; i++) {
        for (int family = 4; family <= 6; family += 2) {
            struct wire wire = compose(&situations[i], family);
            expect_short(situations[i].name, wire_frame(&wire, situations[i].link_type));
        }
    }
}

static struct packet parse_hex(int link_type, const char *header, enum packet_status expected)
{
    struct wire wire = {.length = 0};
    struct wire_packet inner = syn("192.0.2.10", "198.51.100.53");
    struct packet packet = {.time_ns = 0};
    wire_behind(&wire, header, &inner);
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
    static const int types[] = {2, 7, 102, 147, 276 + 1, 65535, -1};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        parse_hex(types[i], "", PACKET_LINK_UNKNOWN);
        cr_expect_not(packet_knows_link(types[i]));
    }
}
