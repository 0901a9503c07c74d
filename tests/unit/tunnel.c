/* Tunnels over IP: each leads to the inner packet, also in one another, and cut ones are short. */
#include "dissect/tunnel.h"

#include "tests/unit/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define MACS "020000000001 0200000000fe"
#define ETHERNET MACS "E"
#define BIT(tunnel) ((uint32_t)1 << (tunnel))

enum { INNER_TTL = 57, INNER_ID = 0x2222, V4 = 1, V6 = 2, BOTH = V4 | V6 };

/* What stands between the outer IP header (or the UDP header, where there is a port) and the inner IP header. */
static const struct situation {
    const char *name;
    uint8_t protocol;
    uint16_t port;
    const char *header;
    uint32_t tunnels;
    unsigned inner; /* versions of IP that may be inside */
} situations[] = {
    {"IPv4 in IP", 4, 0, "", 0, V4},
    {"IPv6 in IP", 41, 0, "", 0, V6},
    {"GRE", 47, 0, "0000 E", BIT(TUNNEL_GRE), BOTH},
    {"GRE with a checksum", 47, 0, "8000 E 12340000", BIT(TUNNEL_GRE), BOTH},
    {"GRE with a key", 47, 0, "2000 E 00000001", BIT(TUNNEL_GRE), BOTH},
    {"GRE with a sequence number", 47, 0, "1000 E 00000007", BIT(TUNNEL_GRE), BOTH},
    {"GRE with all of them", 47, 0, "b000 E 12340000 00000001 00000007", BIT(TUNNEL_GRE), BOTH},
    {"GRE of Ethernet", 47, 0, "0000 6558" ETHERNET, BIT(TUNNEL_GRE), BOTH},
    {"NVGRE with a tag", 47, 0, "2000 6558 00006400" MACS "8100 0064 E", BIT(TUNNEL_GRE), BOTH},
    {"GRE of MPLS", 47, 0, "0000 8847 000641ff", BIT(TUNNEL_GRE) | BIT(TUNNEL_MPLS), BOTH},
    {"PPTP", 47, 0, "3001 880b 00400001 00000007 P", BIT(TUNNEL_PPTP), BOTH},
    {"PPTP with an acknowledgment", 47, 0, "3081 880b 00400001 00000007 00000008 ff03 P", BIT(TUNNEL_PPTP), BOTH},
    {"WCCP without its header", 47, 0, "0000 883e", BIT(TUNNEL_WCCP), V4},
    {"WCCP with its header", 47, 0, "0000 883e 00000000", BIT(TUNNEL_WCCP), V4},
    {"ERSPAN I", 47, 0, "0000 88be" ETHERNET, BIT(TUNNEL_ERSPAN), BOTH},
    {"ERSPAN II", 47, 0, "1000 88be 00000007 1064000100000000" ETHERNET, BIT(TUNNEL_ERSPAN), BOTH},
    {"ERSPAN III", 47, 0, "1000 22eb 00000007 206400010000000000000000" ETHERNET, BIT(TUNNEL_ERSPAN), BOTH},
    {"ERSPAN III with a subheader", 47, 0, "1000 22eb 00000007 206400010000000000000001 1c00000000000000" ETHERNET,
     BIT(TUNNEL_ERSPAN), BOTH},
    {"EtherIP", 97, 0, "3000" ETHERNET, BIT(TUNNEL_ETHERIP), BOTH},
    {"MPLS in IP", 137, 0, "000640ff 000651ff", BIT(TUNNEL_MPLS_IN_IP) | BIT(TUNNEL_MPLS), BOTH},
    {"VXLAN", 17, 4789, "08000000 00006400" ETHERNET, BIT(TUNNEL_VXLAN), BOTH},
    {"VXLAN with a tag", 17, 4789, "08000000 00006400" MACS "8100 0064 E", BIT(TUNNEL_VXLAN), BOTH},
    {"VXLAN with a group", 17, 4789, "88000010 00006400" ETHERNET, BIT(TUNNEL_VXLAN), BOTH},
    {"VXLAN by its older port", 17, 8472, "08000000 00006400" ETHERNET, BIT(TUNNEL_VXLAN), BOTH},
    {"VXLAN-GPE", 17, 4790, "0c0000 N 00006400", BIT(TUNNEL_VXLAN), BOTH},
    {"VXLAN-GPE of Ethernet", 17, 4790, "0c000003 00006400" ETHERNET, BIT(TUNNEL_VXLAN), BOTH},
    {"VXLAN-GPE of MPLS", 17, 4790, "0c000005 00006400 000641ff", BIT(TUNNEL_VXLAN) | BIT(TUNNEL_MPLS), BOTH},
    {"Geneve", 17, 6081, "0000 E 00006400", BIT(TUNNEL_GENEVE), BOTH},
    {"Geneve of Ethernet", 17, 6081, "0000 6558 00006400" ETHERNET, BIT(TUNNEL_GENEVE), BOTH},
    {"Geneve with options", 17, 6081, "0440 6558 00006400 01028001 00000000 01030001 0000000a" ETHERNET,
     BIT(TUNNEL_GENEVE), BOTH},
    {"TZSP", 17, 37008, "0100 0001 01" ETHERNET, BIT(TUNNEL_TZSP), BOTH},
    {"TZSP with fields", 17, 37008, "0100 0001 00 0a01c5 290200 40 00 01" ETHERNET, BIT(TUNNEL_TZSP), BOTH},
    {"TZSP of wireless", 17, 37008,
     "0100 0012 01 0802 0000 020000000001 020000000009 0200000000fe 0010 aaaa03 000000 E", BIT(TUNNEL_TZSP), BOTH},
    {"GTP-U", 17, 2152, "30ff G 00000001", BIT(TUNNEL_GTP), BOTH},
    {"GTP-U with a sequence number", 17, 2152, "32ff G 00000001 00070000", BIT(TUNNEL_GTP), BOTH},
    {"GTP-U with extensions", 17, 2152, "34ff G 00000001 00000085 01000985 01100900", BIT(TUNNEL_GTP), BOTH},
    {"Teredo", 17, 3544, "", BIT(TUNNEL_TEREDO), V6},
    {"Teredo with an origin", 17, 3544, "0000 f227 3ffffffe", BIT(TUNNEL_TEREDO), V6},
    {"Teredo with authentication", 17, 3544, "0001 0000 0000000000000000 00", BIT(TUNNEL_TEREDO), V6},
    {"Teredo with both", 17, 3544, "0001 0204 aabb 01020304 0000000000000000 00 0000 f227 3ffffffe", BIT(TUNNEL_TEREDO),
     V6},
    {"L2TP", 17, 1701, "0002 0001 0002 ff03 P", BIT(TUNNEL_L2TP), BOTH},
    {"L2TP with a length", 17, 1701, "4002 L 0001 0002 P", BIT(TUNNEL_L2TP), BOTH},
    {"L2TP with sequence numbers", 17, 1701, "4802 L 0001 0002 00070008 p", BIT(TUNNEL_L2TP), BOTH},
    {"L2TP with an offset", 17, 1701, "4202 L 0001 0002 0002 0000 ff03 P", BIT(TUNNEL_L2TP), BOTH},
    {"MPLS in UDP", 17, 6635, "000641ff", BIT(TUNNEL_MPLS_IN_UDP) | BIT(TUNNEL_MPLS), BOTH},
};
enum { SITUATIONS = sizeof situations / sizeof *situations };

static struct wire_packet syn(bool is_v4)
{
    return (struct wire_packet){.source = wire_addr(is_v4 ? "192.0.2.10" : "2001:db8::10"),
                                .target = wire_addr(is_v4 ? "198.51.100.53" : "2001:db8:2::53"),
                                .source_port = 40000,
                                .target_port = 53,
                                .ttl = INNER_TTL,
                                .ip_id = INNER_ID,
                                .flags = TCP_SYN,
                                .seq = 7};
}

static struct wire compose(const struct situation *situation, bool outer_v4, bool inner_v4)
{
    struct wire wire = {.length = 0};
    struct wire_packet inner = syn(inner_v4);
    wire_tunnel(&wire, outer_v4, situation->protocol, situation->port, situation->header, &inner, 0);
    return wire;
}

/* All rows, with both versions outside and those of the row inside; which of them is in `name`. */
static bool next_case(int *i, struct wire *wire, bool *inner_v4, char name[100])
{
    for (; *i < SITUATIONS * 4; ++*i) {
        const struct situation *situation = &situations[*i / 4];
        bool outer_v4 = *i & 1;
        *inner_v4 = *i & 2;
        if (!(situation->inner & (*inner_v4 ? V4 : V6)))
            continue;
        *wire = compose(situation, outer_v4, *inner_v4);
        snprintf(name, 100, "%s, IPv%d in IPv%d", situation->name, *inner_v4 ? 4 : 6, outer_v4 ? 4 : 6);
        return true;
    }
    return false;
}

Test(tunnel, each_leads_to_the_inner_packet)
{
    struct wire wire;
    bool inner_v4;
    char name[100];
    for (int i = 0; next_case(&i, &wire, &inner_v4, name); i++) {
        struct frame frame = wire_frame(&wire, LINK_ETHERNET);
        struct packet packet = {.family = 0};
        cr_expect_eq(packet_parse(&packet, &frame), PACKET_OK, "%s", name);
        cr_expect_eq(packet.family, inner_v4 ? 4 : 6, "%s", name);
        cr_expect_eq(packet.ttl, INNER_TTL, "%s", name);
        cr_expect_eq(packet.ip_id, inner_v4 ? INNER_ID : 0, "%s", name);
        cr_expect_eq(packet.target_port, 53, "%s", name);
        cr_expect_eq(packet.seq, 7, "%s", name);
        cr_expect_eq(packet.payload_declared, 0, "%s", name);
        cr_expect(addr_same(packet.target, wire_addr(inner_v4 ? "198.51.100.53" : "2001:db8:2::53")), "%s", name);
        cr_expect_eq(packet.outer_ips, 1, "%s", name);
        uint32_t tunnels = situations[i / 4].tunnels;
        if (tunnels)
            cr_expect_eq(packet.tunnels, tunnels, "%s", name);
    }
}

Test(tunnel, every_prefix_is_short)
{
    struct wire wire;
    bool inner_v4;
    char name[100];
    for (int i = 0; next_case(&i, &wire, &inner_v4, name); i++) {
        struct frame frame = wire_frame(&wire, LINK_ETHERNET);
        for (frame.captured = 0; frame.captured < frame.declared; frame.captured++) {
            struct packet packet;
            enum packet_status status = packet_parse(&packet, &frame);
            cr_expect_eq(status, PACKET_SHORT, "%s: %u of %u bytes gave %d", name, frame.captured, frame.declared,
                         status);
        }
    }
}

static struct packet parse_as(const struct wire *wire, enum packet_status expected)
{
    struct frame frame = wire_frame(wire, LINK_ETHERNET);
    struct packet packet = {.family = 0};
    enum packet_status status = packet_parse(&packet, &frame);
    cr_assert_eq(status, expected, "gave %d instead of %d", status, expected);
    return packet;
}

/* `header` and a SYN in IPv4 behind an outer IPv4 header. */
static struct packet parse_in(uint8_t protocol, uint16_t port, const char *header, enum packet_status expected)
{
    struct situation situation = {.protocol = protocol, .port = port, .header = header};
    struct wire wire = compose(&situation, true, true);
    return parse_as(&wire, expected);
}

Test(tunnel, plain_ones_are_told_apart)
{
    struct wire four_in_four = compose(&situations[0], true, true), four_in_six = compose(&situations[0], false, true);
    struct wire six_in_four = compose(&situations[1], true, false), six_in_six = compose(&situations[1], false, false);
    cr_expect_eq(parse_as(&four_in_four, PACKET_OK).tunnels, BIT(TUNNEL_IP_IN_IP));
    cr_expect_eq(parse_as(&six_in_four, PACKET_OK).tunnels, BIT(TUNNEL_6IN4));
    cr_expect_eq(parse_as(&four_in_six, PACKET_OK).tunnels, BIT(TUNNEL_IP_IN_IPV6));
    cr_expect_eq(parse_as(&six_in_six, PACKET_OK).tunnels, BIT(TUNNEL_IP_IN_IPV6));
}

Test(tunnel, links_own_do_not_hide_routers)
{
    struct wire wire = {.length = 0};
    struct wire_packet inner = syn(true);
    wire_behind(&wire, MACS "8864 11 00 0001 S P", &inner);
    struct packet packet = parse_as(&wire, PACKET_OK);
    cr_expect_eq(packet.tunnels, BIT(TUNNEL_PPPOE));
    cr_expect_eq(packet.outer_ips, 0);
    cr_expect_not(tunnel_hides_routers(TUNNEL_PPPOE));
    cr_expect_not(tunnel_hides_routers(TUNNEL_MPLS));
    cr_expect(tunnel_hides_routers(TUNNEL_IP_IN_IP));
    cr_expect(tunnel_hides_routers(TUNNEL_MPLS_IN_UDP));
    for (enum tunnel tunnel = 0; tunnel < TUNNELS; tunnel++)
        cr_expect(strlen(tunnel_name(tunnel)) > 0);
}

Test(tunnel, nothing_is_left_of_the_packet_before)
{
    struct wire tunnelled = compose(&situations[2], true, true), plain = {.length = 0};
    struct wire_packet inner = syn(true);
    wire_ethernet(&plain, &inner);
    struct frame frames[] = {wire_frame(&tunnelled, LINK_ETHERNET), wire_frame(&plain, LINK_ETHERNET)};
    struct packet packet;
    for (int i = 0; i < 2; i++)
        cr_assert_eq(packet_parse(&packet, &frames[i]), PACKET_OK);
    cr_assert_eq(packet.tunnels, 0);
    cr_assert_eq(packet.outer_ips, 0);
}

Test(tunnel, an_inner_frame_tells_the_sender)
{
    cr_expect_eq(parse_in(47, 0, "0000 0800", PACKET_OK).source_mac, 0x020000000002);
    cr_expect_eq(parse_in(47, 0, "0000 88be" MACS "0800", PACKET_OK).source_mac, 0x0200000000fe);
    cr_expect_eq(parse_in(17, 4789, "08000000 00006400" MACS "0800", PACKET_OK).source_mac, 0x0200000000fe);
    cr_expect_eq(parse_in(17, 37008, "0100 0001 01" MACS "0800", PACKET_OK).source_mac, 0x0200000000fe);
}

Test(tunnel, an_inner_frame_does_not_tell_where_it_was_seen)
{
    struct wire wire = {.length = 0};
    struct wire_packet inner = syn(true);
    wire_tunnel(&wire, true, 17, 4789, "08000000 00006400 000000000000 000000000000 0800", &inner, 0);
    struct wire cooked = {.length = 16, .bytes = {0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 0xaa, 0, 0, 8, 0}};
    wire_bytes(&cooked, wire.bytes + 14, wire.length - 14);
    struct frame frame = wire_frame(&cooked, LINK_LINUX_SLL);
    struct packet packet;
    cr_assert_eq(packet_parse(&packet, &frame), PACKET_OK);
    cr_assert_eq(packet.direction, LINK_OUTGOING);
    cr_assert_not(packet.loopback);
}

/* The rows around one another, `count` of them. */
static struct wire nest(const struct situation *const rows[], int count)
{
    struct wire_packet packet = syn(true);
    struct wire wire = {.length = 0}, inside;
    for (int i = 0; i < count; i++) {
        wire.length = 0;
        wire_tunnel(&wire, true, rows[i]->protocol, rows[i]->port, rows[i]->header, &packet, 0);
        inside = wire;
        packet = (struct wire_packet){.source = wire_addr("203.0.113.1"),
                                      .target = wire_addr("203.0.113.2"),
                                      .protocol = rows[i]->protocol,
                                      .payload = inside.bytes + 34,
                                      .payload_bytes = inside.length - 34};
        if (rows[i]->port) {
            packet.target_port = rows[i]->port;
            packet.payload = inside.bytes + 42;
            packet.payload_bytes -= 8;
        }
    }
    return wire;
}

Test(tunnel, tunnels_in_tunnels)
{
    static const struct situation gre = {.protocol = 47, .header = "0000 E"},
                                  vxlan = {.protocol = 17, .port = 4789, .header = "08000000 00006400" ETHERNET},
                                  erspan = {.protocol = 47, .header = "1000 88be 00000007 1064000100000000" ETHERNET},
                                  ip = {.protocol = 4, .header = ""};
    const struct situation *rows[] = {&ip, &gre, &vxlan, &erspan, &gre};
    struct wire four = nest(rows, 4), five = nest(rows, 5);
    struct packet packet = parse_as(&four, PACKET_OK);
    cr_expect_eq(packet.ttl, INNER_TTL);
    cr_expect_eq(packet.outer_ips, 4);
    cr_expect_eq(packet.tunnels, BIT(TUNNEL_IP_IN_IP) | BIT(TUNNEL_GRE) | BIT(TUNNEL_VXLAN) | BIT(TUNNEL_ERSPAN));
    parse_as(&five, PACKET_FOREIGN);
}

/* Ethernet within Ethernet without end. */
Test(tunnel, frames_in_frames_are_bounded)
{
    struct wire wire = {.length = 0};
    for (int i = 0; i < 100; i++)
        wire_bytes(&wire, "\2\0\0\0\0\1\2\0\0\0\0\2\x65\x58", 14);
    parse_as(&wire, PACKET_FOREIGN);
    wire.length = 0;
    for (int i = 0; i < 100; i++)
        wire_bytes(&wire, "\0\0\x8\0\xc0\0\0\0", 8); /* PPI of PPI */
    struct frame frame = wire_frame(&wire, LINK_PPI);
    struct packet packet;
    cr_assert_eq(packet_parse(&packet, &frame), PACKET_FOREIGN);
}
