/* Where tunnels end: lengths, what carries no IP, what only has a tunnel's port; and the counting of those that are one. */
#include "dissect/analysis.h"
#include "dissect/tunnel.h"

#include "tests/unit/wire.h"

#include <criterion/criterion.h>

#define MACS "020000000001 0200000000fe"

enum { OUTER_TTL = 200 };

static struct wire_packet syn(void)
{
    return (struct wire_packet){.source = wire_addr("192.0.2.10"),
                                .target = wire_addr("198.51.100.53"),
                                .source_port = 40000,
                                .target_port = 53,
                                .ttl = 57,
                                .flags = TCP_SYN};
}

static struct packet parse_as(const struct frame *frame, enum packet_status expected)
{
    struct packet packet = {.family = 0};
    enum packet_status status = packet_parse(&packet, frame);
    cr_assert_eq(status, expected, "gave %d instead of %d", status, expected);
    return packet;
}

/* `header` and a SYN behind an outer IPv4 header; `cut` bytes were not sent. */
static struct packet parse_in(uint8_t protocol, uint16_t port, const char *header, size_t cut,
                              enum packet_status expected)
{
    struct wire wire = {.length = 0};
    struct wire_packet inner = syn();
    wire_tunnel(&wire, true, protocol, port, header, &inner, cut);
    struct frame frame = wire_frame(&wire, LINK_ETHERNET);
    return parse_as(&frame, expected);
}

Test(tunnel_end, a_cut_capture_keeps_the_inner_length)
{
    struct wire wire = {.length = 0};
    struct wire_packet inner = syn();
    uint8_t payload[300] = {0};
    inner.payload = payload;
    inner.payload_bytes = sizeof payload;
    wire_tunnel(&wire, true, 17, 4789, "08000000 00006400" MACS "0800", &inner, 0);
    struct frame frame = wire_frame(&wire, LINK_ETHERNET);
    frame.captured -= 250;
    struct packet packet = parse_as(&frame, PACKET_OK);
    cr_assert_eq(packet.payload_declared, 300);
    cr_assert_eq(packet.payload.left, 50);
}

/* Segmentation offload: no length fits, so 0 stands outside and inside, and what the wire carried counts. */
Test(tunnel_end, lengths_of_zero_are_the_wires)
{
    enum { OUTER_LENGTH = 14 + 2, INNER_LENGTH = 14 + 20 + 4 + 2 };
    struct wire wire = {.length = 0};
    struct wire_packet inner = syn();
    wire_tunnel(&wire, true, 47, 0, "0000 0800", &inner, 0);
    wire.bytes[OUTER_LENGTH] = wire.bytes[OUTER_LENGTH + 1] = 0;
    wire.bytes[INNER_LENGTH] = wire.bytes[INNER_LENGTH + 1] = 0;
    struct frame frame = wire_frame(&wire, LINK_ETHERNET);
    frame.declared += 1000;
    cr_assert_eq(parse_as(&frame, PACKET_OK).payload_declared, 1000);
}

Test(tunnel_end, an_outer_packet_too_small_for_the_inner_headers_is_bad)
{
    parse_in(47, 0, "0000 0800", 10, PACKET_BAD);
    parse_in(47, 0, "0000 0800", 41, PACKET_BAD);
    parse_in(4, 0, "", 30, PACKET_BAD);
}

/* A mirror may cut what it sends: that says nothing about the sender. */
Test(tunnel_end, what_a_mirror_cut_is_short)
{
    parse_in(47, 0, "1000 88be 00000007 1064000100000000" MACS "0800", 10, PACKET_SHORT);
    parse_in(17, 4789, "08000000 00006400" MACS "0800", 10, PACKET_SHORT);
}

Test(tunnel_end, what_carries_no_ip_is_foreign)
{
    parse_in(47, 0, "0000 0000", 0, PACKET_FOREIGN);                             /* the answer to a keepalive */
    parse_in(47, 0, "0000 88cc", 0, PACKET_FOREIGN);                             /* LLDP */
    parse_in(47, 0, "4000 0800 00000000", 0, PACKET_FOREIGN);                    /* routing, of RFC 1701 */
    parse_in(47, 0, "0003 0800", 0, PACKET_FOREIGN);                             /* no such version */
    parse_in(47, 0, "2081 880b 00000001 00000008", 0, PACKET_FOREIGN);           /* PPTP's acknowledgment alone */
    parse_in(47, 0, "3001 880b 00400001 00000007 00fd 9000", 0, PACKET_FOREIGN); /* PPTP, encrypted */
    parse_in(97, 0, "2000" MACS "0800", 0, PACKET_FOREIGN);                      /* no such version */
    parse_in(50, 0, "00000001 00000001", 0, PACKET_FOREIGN);                     /* ESP */
    parse_in(4, 0, "50", 0, PACKET_FOREIGN);                                     /* IP version 5 */
}

Test(tunnel_end, a_port_is_no_proof)
{
    static const struct {
        uint16_t port;
        const char *header;
    } rows[] = {
        {4789, "00000000 00006400" MACS "0800"},                /* no network */
        {4789, "08000000 00006401" MACS "0800"},                /* not zero at the end */
        {4789, "08000000 00006400" MACS "0806"},                /* ARP */
        {4789, "08000000 00006400" MACS "86dd"},                /* the version is another */
        {4790, "0c000004 00006400"},                            /* not IP */
        {4790, "1c000001 00006400"},                            /* version */
        {6081, "4000 0800 00006400"},                           /* version */
        {6081, "0001 0800 00006400"},                           /* reserved flag */
        {6081, "0000 0806 00006400"},                           /* ARP */
        {37008, "0200 0001 01" MACS "0800"},                    /* version */
        {37008, "0100 0001 02ff"},                              /* a field longer than the datagram */
        {2152, "3001 G 00000001"},                              /* an echo */
        {2152, "10ff G 00000001"},                              /* GTP' */
        {2152, "30ff 0010 00000001"},                           /* another length */
        {2152, "34ff G 00000001 00000085 00000000"},            /* an extension of no length */
        {3544, "6000 0000 0100 3b40"},                          /* another length */
        {1701, "c802 L 0001 0000 00000000 8008 0000 00000006"}, /* a control message */
        {1701, "0003 0001 0002 ff03 P"},                        /* version 3 */
        {1701, "0002 0001 0002 ff03 c021"},                     /* PPP's link control */
        {6635, "000640ff"},                                     /* no bottom of the stack */
        {4789, ""},
        {4790, ""},
        {6081, ""},
        {2152, ""},
        {3544, ""},
        {1701, ""},
        {6635, ""},
        {37008, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct packet packet = parse_in(17, rows[i].port, rows[i].header, 0, PACKET_OK);
        cr_expect_eq(packet.protocol, PROTOCOL_UDP, "row %zu", i);
        cr_expect_eq(packet.ttl, OUTER_TTL, "row %zu", i);
        cr_expect_eq(packet.target_port, rows[i].port, "row %zu", i);
        cr_expect_eq(packet.tunnels, 0, "row %zu", i);
        cr_expect_eq(packet.outer_ips, 0, "row %zu", i);
        cr_expect_eq(packet.source_mac, 0x020000000002, "row %zu", i);
        cr_expect(addr_same(packet.source, wire_addr("203.0.113.1")), "row %zu", i);
    }
}

/* A client may ask from any port; whatever the message looks like, port 53 says what it is. */
Test(tunnel_end, dns_from_a_tunnels_port_is_dns)
{
    static const uint16_t ports[] = {1701, 2152, 3544, 4789, 4790, 6081, 6635, 8472, 37008};
    enum { SOURCE_PORT = 14 + 20, TARGET_PORT = SOURCE_PORT + 2 };
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        struct wire wire = {.length = 0};
        struct wire_packet inner = syn();
        wire_tunnel(&wire, true, 17, ports[i], "08000000 00006400" MACS "0800", &inner, 0);
        struct frame frame = wire_frame(&wire, LINK_ETHERNET);
        wire.bytes[SOURCE_PORT] = 0, wire.bytes[SOURCE_PORT + 1] = 53;
        struct packet answer = parse_as(&frame, PACKET_OK);
        cr_expect_eq(answer.ttl, OUTER_TTL);
        cr_expect_eq(answer.source_port, 53);
        cr_expect_eq(answer.target_port, ports[i]);
        wire.bytes[SOURCE_PORT] = (uint8_t)(ports[i] >> 8), wire.bytes[SOURCE_PORT + 1] = (uint8_t)ports[i];
        wire.bytes[TARGET_PORT] = 0, wire.bytes[TARGET_PORT + 1] = 53;
        struct packet query = parse_as(&frame, PACKET_OK);
        cr_expect_eq(query.ttl, OUTER_TTL);
        cr_expect_eq(query.source_port, ports[i]);
        cr_expect_eq(query.target_port, 53);
    }
}

static void feed(struct analysis *analysis, const char *header, uint16_t port, const struct wire_packet *inner)
{
    struct wire wire = {.length = 0};
    wire_tunnel(&wire, true, port ? 17 : 47, port, header, inner, 0);
    struct frame frame = wire_frame(&wire, LINK_ETHERNET);
    analysis_feed(analysis, &frame);
}

/* Only the packets that the analysis is about count. */
Test(tunnel_end, they_are_counted)
{
    const struct analysis_options options = {.port_count = 0};
    struct analysis *analysis = analysis_new(&options);
    cr_assert(analysis);
    struct wire message = {.length = 0}, quoted = {.length = 0};
    wire_query(&message, 1, "example.com", 1);
    struct wire_packet first = syn(), question = syn(), web = syn(), error = syn();
    question.protocol = PROTOCOL_UDP;
    question.payload = message.bytes;
    question.payload_bytes = message.length;
    web.target_port = 80;
    wire_packet(&quoted, &first);
    error.protocol = PROTOCOL_ICMP;
    error.icmp_type = 3;
    error.icmp_code = 13;
    error.payload = quoted.bytes;
    error.payload_bytes = quoted.length;
    feed(analysis, "0000 0800", 0, &first);
    feed(analysis, "0000 0800", 0, &web);
    feed(analysis, "0000 0800", 0, &error);
    feed(analysis, "08000000 00006400" MACS "8100 0064 8864 11 00 0001 S P", 4789, &question);
    analysis_finish(analysis);
    struct analysis_counters counters = analysis_counters(analysis);
    cr_expect_eq(counters.tcp, 1);
    cr_expect_eq(counters.icmp, 1);
    cr_expect_eq(counters.udp, 1);
    cr_expect_eq(counters.tunnelled[TUNNEL_GRE], 2);
    cr_expect_eq(counters.tunnelled[TUNNEL_VXLAN], 1);
    cr_expect_eq(counters.tunnelled[TUNNEL_PPPOE], 1);
    cr_expect_eq(counters.tunnelled[TUNNEL_MPLS], 0);
    analysis_free(analysis);
}
