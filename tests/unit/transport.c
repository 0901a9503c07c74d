/* TCP with the options of real stacks, UDP, and what ICMP errors quote. */
#include "dissect/packet.h"

#include "tests/unit/wire.h"

#include <criterion/criterion.h>

enum { IP_HEADER = 20, TCP_OFFSET = IP_HEADER + 12, UDP_LENGTH = IP_HEADER + 4 };

static enum packet_status parse(struct packet *packet, const struct wire *wire)
{
    struct frame frame = wire_frame(wire, LINK_RAW);
    return packet_parse(packet, &frame);
}

static struct wire segment(const void *options, size_t option_bytes, const char *payload)
{
    struct wire wire = {.length = 0};
    struct wire_packet packet = {.source = wire_addr("192.0.2.10"),
                                 .target = wire_addr("198.51.100.53"),
                                 .source_port = 40000,
                                 .target_port = 53,
                                 .seq = 0xfffffffe,
                                 .ack = 0x01020304,
                                 .window = 64240,
                                 .flags = TCP_PSH | TCP_ACK,
                                 .options = options,
                                 .option_bytes = option_bytes,
                                 .payload = payload,
                                 .payload_bytes = strlen(payload)};
    wire_packet(&wire, &packet);
    return wire;
}

Test(tcp, header)
{
    struct wire wire = segment(NULL, 0, "payload");
    struct packet packet;
    cr_assert_eq(parse(&packet, &wire), PACKET_OK);
    cr_assert_eq(packet.source_port, 40000);
    cr_assert_eq(packet.target_port, 53);
    cr_assert_eq(packet.seq, 0xfffffffe);
    cr_assert_eq(packet.ack, 0x01020304);
    cr_assert_eq(packet.window, 64240);
    cr_assert_eq(packet.flags, TCP_PSH | TCP_ACK);
    cr_assert_eq(packet.payload_declared, 7);
    cr_assert_eq(memcmp(packet.payload.at, "payload", 7), 0);
}

static struct tcp_options options_of(const void *bytes, size_t count)
{
    struct wire wire = segment(bytes, count, "x");
    struct packet packet;
    cr_assert_eq(parse(&packet, &wire), PACKET_OK);
    return packet_tcp_options(&packet);
}

Test(tcp, options_of_a_linux_syn)
{
    static const uint8_t linux_syn[] = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7};
    struct tcp_options options = options_of(linux_syn, sizeof linux_syn);
    cr_assert(options.has_mss && options.has_timestamps && options.has_window_scale && options.sack_permitted);
    cr_assert_eq(options.mss, 1460);
    cr_assert_eq(options.tsval, 0x01020304);
    cr_assert_eq(options.tsecr, 0);
    cr_assert_eq(options.window_scale, 7);
}

Test(tcp, options_of_a_windows_syn)
{
    static const uint8_t windows_syn[] = {2, 4, 0x05, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2};
    struct tcp_options options = options_of(windows_syn, sizeof windows_syn);
    cr_assert(options.has_mss && options.has_window_scale && options.sack_permitted);
    cr_assert_not(options.has_timestamps);
    cr_assert_eq(options.window_scale, 8);
}

Test(tcp, timestamps_of_a_data_segment)
{
    static const uint8_t data[] = {1, 1, 8, 10, 0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0};
    struct tcp_options options = options_of(data, sizeof data);
    cr_assert(options.has_timestamps);
    cr_assert_eq(options.tsval, UINT32_MAX);
    cr_assert_eq(options.tsecr, 0x80000000);
}

Test(tcp, an_option_of_length_0_ends_the_reading)
{
    static const uint8_t lengths[] = {0, 1};
    for (size_t i = 0; i < sizeof lengths; i++) {
        uint8_t bytes[] = {2, 4, 0x05, 0xb4, 8, lengths[i], 3, 3, 7, 0, 0, 0};
        struct tcp_options options = options_of(bytes, sizeof bytes);
        cr_expect(options.has_mss, "what came before counts");
        cr_expect_not(options.has_window_scale, "what comes after does not");
    }
}

Test(tcp, an_option_beyond_the_header_is_not_read_out_of_the_payload)
{
    static const uint8_t bytes[] = {1, 1, 8, 10}; /* the eight bytes of the timestamps would be payload */
    struct wire wire = segment(bytes, sizeof bytes, "12345678");
    struct packet packet;
    cr_assert_eq(parse(&packet, &wire), PACKET_OK);
    cr_assert_not(packet_tcp_options(&packet).has_timestamps);
    cr_assert_eq(packet.payload_declared, 8);
}

Test(tcp, options_of_a_wrong_length_say_nothing)
{
    static const uint8_t bytes[] = {2, 3, 5, 8, 4, 1, 2, 3, 2, 4, 3, 9};
    struct tcp_options options = options_of(bytes, sizeof bytes);
    cr_assert_not(options.has_mss || options.has_timestamps || options.has_window_scale || options.sack_permitted);
}

Test(tcp, the_end_of_options_is_the_end)
{
    static const uint8_t bytes[] = {0, 0, 2, 4, 0x05, 0xb4, 0, 0};
    cr_assert_not(options_of(bytes, sizeof bytes).has_mss);
}

Test(tcp, data_offsets_that_lie)
{
    for (unsigned words = 0; words < 16; words++) {
        struct wire wire = segment(NULL, 0, "payload!");
        struct packet packet;
        wire.bytes[TCP_OFFSET] = (uint8_t)(words << 4);
        enum packet_status expected = words < 5 || words > 7 ? PACKET_BAD : PACKET_OK;
        cr_expect_eq(parse(&packet, &wire), expected, "%u words", words);
    }
}

Test(tcp, a_segment_shorter_than_its_header_is_bad)
{
    for (unsigned bytes = 0; bytes < 20; bytes++) {
        struct wire wire = segment(NULL, 0, "");
        struct packet packet;
        wire.length = IP_HEADER + bytes;
        wire.bytes[3] = (uint8_t)wire.length; /* the total length says so itself */
        cr_expect_eq(parse(&packet, &wire), PACKET_BAD, "%u bytes", bytes);
    }
}

Test(tcp, a_snapshot_that_ends_in_the_options_leaves_the_header)
{
    static const uint8_t linux_syn[] = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7};
    struct wire wire = segment(linux_syn, sizeof linux_syn, "payload");
    struct frame frame = wire_frame(&wire, LINK_RAW);
    for (frame.captured = 0; frame.captured < frame.declared; frame.captured++) {
        struct packet packet;
        enum packet_status status = packet_parse(&packet, &frame);
        cr_expect_eq(status, frame.captured < 40 ? PACKET_SHORT : PACKET_OK, "%u bytes", frame.captured);
        if (status != PACKET_OK)
            continue;
        cr_expect_eq(packet.payload_declared, 7, "what was sent does not depend on the snapshot length");
        cr_expect_eq(packet.payload.left, frame.captured > 60 ? frame.captured - 60 : 0);
        cr_expect_eq(packet_tcp_options(&packet).has_mss, frame.captured >= 44);
    }
}

static struct wire datagram(const char *payload)
{
    struct wire wire = {.length = 0};
    struct wire_packet packet = {.source = wire_addr("192.0.2.10"),
                                 .target = wire_addr("198.51.100.53"),
                                 .source_port = 40000,
                                 .target_port = 53,
                                 .protocol = PROTOCOL_UDP,
                                 .payload = payload,
                                 .payload_bytes = strlen(payload)};
    wire_packet(&wire, &packet);
    return wire;
}

Test(udp, lengths)
{
    static const struct {
        const char *name;
        uint8_t length;
        enum packet_status status;
        uint32_t declared;
    } rows[] = {
        {"exact", 15, PACKET_OK, 7},
        {"no payload", 8, PACKET_OK, 0},
        {"0: what IP carried", 0, PACKET_OK, 7},
        {"less than its header", 7, PACKET_BAD, 0},
        {"shorter than IP says", 12, PACKET_OK, 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wire wire = datagram("payload");
        struct packet packet;
        wire.bytes[UDP_LENGTH + 1] = rows[i].length;
        cr_expect_eq(parse(&packet, &wire), rows[i].status, "%s", rows[i].name);
        if (rows[i].status == PACKET_OK) {
            cr_expect_eq(packet.payload_declared, rows[i].declared, "%s", rows[i].name);
            cr_expect_eq(packet.payload.left, rows[i].declared, "%s", rows[i].name);
        }
    }
}

Test(udp, a_first_fragment_declares_more_than_it_carries)
{
    struct wire wire = datagram("payload.");
    struct packet packet;
    wire.bytes[6] = 0x20; /* more fragments */
    wire.bytes[UDP_LENGTH] = 0x10;
    cr_assert_eq(parse(&packet, &wire), PACKET_FRAGMENT);
    cr_assert_eq(packet_parse_payload(&packet, packet.payload, packet.payload_declared), PACKET_OK);
    cr_assert_eq(packet.payload.left, 8);
    cr_assert_gt(packet.payload_declared, 4000);
}

Test(udp, a_datagram_shorter_than_its_header_is_bad)
{
    struct wire wire = datagram("");
    struct packet packet;
    wire.length = 27;
    wire.bytes[3] = 27;
    cr_assert_eq(parse(&packet, &wire), PACKET_BAD);
}

/* An error about a SYN; `quoted` bytes of it are sent back. */
static struct wire error_about_syn(bool six, uint8_t type, size_t quoted)
{
    struct wire wire = {.length = 0}, quote = {.length = 0};
    const char *client = six ? "2001:db8::10" : "192.0.2.10", *server = six ? "2001:db8::53" : "198.51.100.53";
    struct wire_packet syn = {.source = wire_addr(client),
                              .target = wire_addr(server),
                              .source_port = 40000,
                              .target_port = 53,
                              .seq = 0xdeadbeef,
                              .ttl = 60,
                              .flags = TCP_SYN};
    wire_packet(&quote, &syn);
    struct wire_packet error = {.source = wire_addr(six ? "2001:db8::1" : "192.0.2.1"),
                                .target = wire_addr(client),
                                .protocol = six ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP,
                                .icmp_type = type,
                                .icmp_code = 1,
                                .payload = quote.bytes,
                                .payload_bytes = quoted};
    wire_packet(&wire, &error);
    return wire;
}

static void expect_quote(bool six, const struct packet_quote *quote)
{
    cr_expect(addr_same(quote->source, wire_addr(six ? "2001:db8::10" : "192.0.2.10")));
    cr_expect(addr_same(quote->target, wire_addr(six ? "2001:db8::53" : "198.51.100.53")));
    cr_expect_eq(quote->source_port, 40000);
    cr_expect_eq(quote->target_port, 53);
    cr_expect_eq(quote->protocol, PROTOCOL_TCP);
    cr_expect_eq(quote->ttl, 60);
}

Test(icmp, errors_quote_what_they_are_about)
{
    static const struct {
        bool six;
        uint8_t type;
    } rows[] = {{false, 3}, {false, 4}, {false, 5}, {false, 11}, {false, 12},
                {true, 1},  {true, 2},  {true, 3},  {true, 4}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wire wire = error_about_syn(rows[i].six, rows[i].type, rows[i].six ? 60 : 40);
        struct packet packet;
        cr_expect_eq(parse(&packet, &wire), PACKET_OK);
        cr_expect(packet_is_icmp_error(&packet));
        cr_expect_eq(packet.icmp_code, 1);
        expect_quote(rows[i].six, &packet.quote);
        cr_expect(packet.quote.has_seq);
        cr_expect_eq(packet.quote.seq, 0xdeadbeef);
    }
}

Test(icmp, eight_bytes_of_transport_are_enough)
{
    struct wire wire = error_about_syn(false, 3, 28);
    struct packet packet;
    cr_assert_eq(parse(&packet, &wire), PACKET_OK);
    expect_quote(false, &packet.quote);
    cr_assert(packet.quote.has_seq);
}

Test(icmp, a_quote_cut_anywhere)
{
    for (int six = 0; six < 2; six++) {
        size_t header = six ? 40 : 20;
        for (size_t quoted = 0; quoted < header + 8; quoted++) {
            struct wire wire = error_about_syn(six, six ? 1 : 3, quoted);
            struct packet packet;
            cr_expect_eq(parse(&packet, &wire), PACKET_OK);
            cr_expect_eq(packet.quote.protocol, quoted < header + 4 ? 0 : PROTOCOL_TCP, "%zu bytes", quoted);
            cr_expect_not(packet.quote.has_seq, "%zu bytes", quoted);
        }
    }
}

Test(icmp, a_quote_with_ip_options)
{
    struct wire wire = error_about_syn(false, 3, 40);
    struct packet packet;
    size_t quote = IP_HEADER + 8;
    memmove(wire.bytes + quote + 24, wire.bytes + quote + 20, 20);
    memset(wire.bytes + quote + 20, 1, 4);
    wire.bytes[quote] = 0x46;
    wire.length += 4;
    wire.bytes[3] = (uint8_t)wire.length;
    cr_assert_eq(parse(&packet, &wire), PACKET_OK);
    expect_quote(false, &packet.quote);
}

Test(icmp, a_quote_that_is_nonsense_is_no_quote)
{
    static const uint8_t firsts[] = {0x00, 0x44, 0x65, 0xff};
    for (size_t i = 0; i < sizeof firsts; i++) {
        struct wire wire = error_about_syn(false, 3, 40);
        struct packet packet;
        wire.bytes[IP_HEADER + 8] = firsts[i];
        cr_expect_eq(parse(&packet, &wire), PACKET_OK);
        cr_expect_eq(packet.quote.protocol, 0);
    }
}

Test(icmp, pings_are_no_errors)
{
    static const struct {
        bool six;
        uint8_t type;
    } rows[] = {{false, 0}, {false, 8}, {false, 9}, {true, 128}, {true, 129}, {true, 135}, {true, 0}, {true, 5}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wire wire = error_about_syn(rows[i].six, rows[i].type, rows[i].six ? 60 : 40);
        struct packet packet;
        cr_expect_eq(parse(&packet, &wire), PACKET_OK);
        cr_expect_not(packet_is_icmp_error(&packet));
        cr_expect_eq(packet.quote.protocol, 0);
    }
}

Test(icmp, one_byte_in_all_is_nonsense_of_the_sender)
{
    struct wire wire = error_about_syn(false, 3, 40);
    struct packet packet;
    wire.length = IP_HEADER + 1;
    wire.bytes[3] = (uint8_t)wire.length;
    cr_assert_eq(parse(&packet, &wire), PACKET_BAD, "the frame is whole: nothing was cut");
}
