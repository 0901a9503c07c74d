/* Fragments put together: situations of the network, of captures, and of those who mean harm. */
#include "tests/unit/pieces.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

enum { PAYLOAD = 248, ID = 0x1234 };

static struct bench bench;

/* A datagram of 256 bytes in pieces too small to be read at once. */
static const struct row {
    const char *name;
    const char *pieces;
    unsigned whole, alone; /* what comes out */
    unsigned reassembled, overlapping, incomplete;
} rows[] = {
    {"in order", "0+96 96+96 192+64.", 1, 0, 1, 0, 0},
    {"reversed", "192+64. 96+96 0+96", 1, 0, 1, 0, 0},
    {"the last before the first", "192+64. 0+96 96+96", 1, 0, 1, 0, 0},
    {"each twice", "0+96 0+96 96+96 96+96 192+64. 192+64.", 1, 0, 1, 0, 0},
    {"all of them twice", "0+96 96+96 192+64. 0+96 96+96 192+64.", 1, 0, 1, 0, 0},
    {"a hole", "0+96 192+64.", 0, 1, 0, 0, 1},
    {"no end", "0+96 96+96", 0, 1, 0, 0, 1},
    {"no beginning", "96+96 192+64.", 0, 0, 0, 0, 1},
    {"a late end", "0+96 96+96 ~29 192+64.", 1, 0, 1, 0, 0},
    {"an end that is too late", "0+96 96+96 ~31 192+64.", 0, 1, 0, 0, 2},
    {"the ID again after the timeout", "0+96 ~31 0+96! 96+96! 192+64.!", 1, 1, 1, 0, 1},
    {"the ID again once the packet was whole", "0+96 96+96 192+64. 0+96! 96+96! 192+64.!", 2, 0, 2, 0, 0},
    {"eight bytes too many", "0+96 88+104 192+64.", 0, 0, 0, 1, 0},
    {"one byte too many", "96+97. 192+64. 0+96", 0, 0, 0, 1, 0},
    {"within another (teardrop)", "0+96 24+4.", 0, 0, 0, 1, 0},
    {"around another", "96+96 88+112", 0, 0, 0, 1, 0},
    {"the header rewritten", "0+96 0+96! 96+96 192+64.", 0, 0, 0, 1, 0},
    {"the header but for its ports rewritten (RFC 1858)", "0+96 8+88! 96+96 192+64.", 0, 0, 0, 1, 0},
    {"a header shorter than the first one (RFC 3128)", "0+96 0+8 96+96 192+64.", 0, 0, 0, 1, 0},
    {"the middle rewritten", "0+96 96+96 96+96! 192+64.", 0, 0, 0, 1, 0},
    {"the same bytes in other pieces", "0+96 96+48 96+96 192+64.", 0, 0, 0, 1, 0},
    {"refused until its time is over", "0+96 0+96! 96+96 192+64. ~31 0+96 96+96 192+64.", 1, 0, 1, 1, 0},
    {"two ends", "0+96 192+64. 256+8.", 0, 0, 0, 1, 0},
    {"beyond the end", "0+96 192+64. 256+8", 0, 0, 0, 1, 0},
    {"an end before what came", "0+96 192+64 96+40.", 0, 0, 0, 1, 0},
    {"the end is not the last any more", "96+96. 96+96 0+96 192+64.", 0, 0, 0, 1, 0},
};

static void expect_row(const struct row *row, int family)
{
    struct wire packet = piece_packet(family, PROTOCOL_UDP, PAYLOAD);
    bench_begin(&bench);
    bench_pieces(&bench, &packet, ID, row->pieces);
    struct fragment_counters counters = bench_finish(&bench);
    cr_expect_eq(bench.whole, row->whole, "%s, IPv%d: %u whole", row->name, family, bench.whole);
    cr_expect_eq(bench.alone, row->alone, "%s, IPv%d: %u alone", row->name, family, bench.alone);
    cr_expect_eq(bench.out, row->whole + row->alone, "%s, IPv%d: %u came out", row->name, family, bench.out);
    cr_expect_eq(counters.reassembled, row->reassembled, "%s, IPv%d: reassembled", row->name, family);
    cr_expect_eq(counters.overlapping, row->overlapping, "%s, IPv%d: overlapping", row->name, family);
    cr_expect_eq(counters.incomplete, row->incomplete, "%s, IPv%d: incomplete", row->name, family);
    cr_expect_eq(counters.evicted, 0);
    if (bench.whole > 0)
        bench_expect_bytes(&bench, row->name, PAYLOAD);
    bench_end(&bench);
}

Test(fragment, situations)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        expect_row(&rows[i], 4);
        expect_row(&rows[i], 6);
    }
}

/* What Wireshark shows: the IP header of the first piece, the frame of the one that made it whole. */
Test(fragment, the_packet_has_the_first_ones_header_and_the_last_ones_frame)
{
    static const char *const pieces[] = {"192+64.", "0+96", "96+96"};
    struct wire packet = piece_packet(4, PROTOCOL_UDP, PAYLOAD);
    bench_begin(&bench);
    for (unsigned i = 0; i < 3; i++) {
        packet.bytes[8] = (uint8_t)(50 + i); /* TTL */
        bench_pieces(&bench, &packet, ID, pieces[i]);
    }
    cr_assert_eq(bench.out, 1);
    cr_expect_eq(bench.packet.ttl, 51);
    cr_expect_eq(bench.packet.ip_id, ID);
    cr_expect_eq(bench.packet.ref.number, 3);
    cr_expect_eq(bench.packet.time_ns, bench.time_ns);
    cr_expect_eq(bench.packet.source_port, 53);
    cr_expect_eq(bench.packet.payload_declared, PAYLOAD);
    bench_end(&bench);
}

Test(fragment, packets_are_told_apart)
{
    static const size_t changes[2][3] = {{9, 15, 19}, {23, 39, 39}}; /* protocol (IPv4), source, target */
    for (int family = 4; family <= 6; family += 2)
        for (int i = 0; i < 3; i++) {
            struct wire packet = piece_packet(family, PROTOCOL_UDP, PAYLOAD), other = packet;
            other.bytes[changes[family == 6][i]] ^= 1;
            bench_begin(&bench);
            bench_pieces(&bench, &packet, ID, "0+96");
            bench_pieces(&bench, &other, ID, "96+96 192+64.");
            bench_pieces(&bench, &packet, ID + 1, "96+96 192+64.");
            cr_expect_eq(bench.out, 0);
            bench_pieces(&bench, &packet, ID, "96+96 192+64.");
            cr_expect_eq(bench.out, 1);
            bench_end(&bench);
        }
}

Test(fragment, the_captured_part_ends_where_the_capture_cut_a_piece)
{
    static const struct {
        const char *pieces;
        size_t captured;
    } rows_cut[] = {{"0+96 192+64.-60 96+96-56", 136}, {"96+96-96 192+64. 0+96", 96}, {"192+64.-1 96+96 0+96", 255}};
    for (size_t i = 0; i < sizeof rows_cut / sizeof *rows_cut; i++) {
        struct wire packet = piece_packet(4, PROTOCOL_UDP, PAYLOAD);
        bench_begin(&bench);
        bench_pieces(&bench, &packet, ID, rows_cut[i].pieces);
        cr_assert_eq(bench.out, 1);
        cr_expect_eq(bench.packet.payload_declared, PAYLOAD);
        cr_expect_eq(bench.packet.payload.left, rows_cut[i].captured - 8);
        bench_expect_bytes(&bench, rows_cut[i].pieces, bench.packet.payload.left);
        bench_end(&bench);
    }
}

/* A filter by port leaves the others out. */
Test(fragment, a_first_piece_that_suffices_is_read_at_once_and_only_then)
{
    for (int family = 4; family <= 6; family += 2) {
        struct wire packet = piece_packet(family, PROTOCOL_UDP, 600);
        bench_begin(&bench);
        bench_pieces(&bench, &packet, ID, "0+280");
        cr_assert_eq(bench.out, 1);
        cr_expect_eq(bench.packet.ref.number, 1);
        cr_expect_eq(bench.packet.payload.left, 272);
        cr_expect_eq(bench.packet.payload_declared, 600);
        bench_pieces(&bench, &packet, ID, "280+328. 0+280 280+328.");
        struct fragment_counters counters = bench_finish(&bench);
        cr_expect_eq(bench.out, 1);
        cr_expect_eq(counters.reassembled, 1);
        cr_expect_eq(counters.incomplete, 0);
        bench_end(&bench);
    }
}

static bool never(const void *context, const struct packet *packet)
{
    (void)context;
    (void)packet;
    return false;
}

/* As datagrams of ports other than the servers' are: there may be a packet in them. */
Test(fragment, what_is_not_read_by_its_head_waits_for_the_whole)
{
    struct wire packet = piece_packet(4, PROTOCOL_UDP, 600);
    bench_begin(&bench);
    fragments_free(bench.fragments);
    bench.fragments = fragments_new(never, NULL);
    bench_pieces(&bench, &packet, 1, "0+280");
    bench_pieces(&bench, &packet, 2, "0+280");
    cr_expect_eq(bench.out, 0);
    bench_pieces(&bench, &packet, 1, "280+328.");
    cr_expect_eq(bench.whole, 1);
    bench_finish(&bench);
    cr_expect_eq(bench.alone, 1);
    bench_end(&bench);
}

Test(fragment, a_first_piece_read_at_once_still_counts_as_incomplete_or_refused)
{
    struct wire packet = piece_packet(4, PROTOCOL_UDP, 600);
    bench_begin(&bench);
    bench_pieces(&bench, &packet, 1, "0+280");
    bench_pieces(&bench, &packet, 2, "0+280 0+280!");
    struct fragment_counters counters = bench_finish(&bench);
    cr_expect_eq(bench.out, 2);
    cr_expect_eq(counters.incomplete, 1);
    cr_expect_eq(counters.overlapping, 1);
    bench_end(&bench);
}

/* Allowed, seen in scans, and what a host puts together (RFC 1858 is about filters that look at one piece). */
Test(fragment, a_reset_in_pieces_of_eight_bytes)
{
    for (int family = 4; family <= 6; family += 2) {
        struct wire packet = piece_packet(family, PROTOCOL_TCP, 0);
        packet.bytes[packet.length - 7] = TCP_RST;
        bench_begin(&bench);
        bench_pieces(&bench, &packet, ID, "0+8 8+8 16+4.");
        cr_assert_eq(bench.out, 1);
        cr_expect_eq(bench.packet.flags, TCP_RST);
        cr_expect_eq(bench.packet.source_port, 53);
        cr_expect_eq(bench.packet.payload_declared, 0);
        bench_end(&bench);
    }
}

/* Feeds all of the largest IPv4 packet in pieces of that size. */
static void feed_largest(struct wire *packet, unsigned size)
{
    enum { LARGEST = 65515 };
    char text[32];
    for (unsigned from = 0; from < LARGEST; from += size) {
        bool last = from + size >= LARGEST;
        snprintf(text, sizeof text, "%u+%u%s", from, last ? LARGEST - from : size, last ? "." : "");
        bench_pieces(&bench, packet, ID, text);
    }
}

Test(fragment, the_largest_packet)
{
    static const struct {
        unsigned size;
        bool whole;
    } sizes[] = {{2048, true}, {552, true}, {512, true}, {504, false}, {8, false}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct wire packet = piece_packet(4, PROTOCOL_ICMP, 3000);
        packet.bytes[20] = 3; /* unreachable, with too much of a quote */
        packet.bytes[24] = 0x45;
        bench_begin(&bench);
        feed_largest(&packet, sizes[i].size);
        struct fragment_counters counters = bench_finish(&bench);
        cr_expect_eq(bench.out, 1, "%u", sizes[i].size);
        cr_expect_eq(counters.reassembled, sizes[i].whole, "%u", sizes[i].size);
        cr_expect_eq(counters.incomplete, !sizes[i].whole, "more pieces than any path makes are not followed");
        bench_end(&bench);
    }
}

/* A segment in pieces waits for the rest, but not longer than its connection does. */
Test(fragment, a_first_piece_of_tcp_waits_until_its_connection_goes_on)
{
    struct wire packet = piece_packet(4, PROTOCOL_TCP, 1000), other = piece_packet(4, PROTOCOL_TCP, 0), reply = other;
    bench_begin(&bench);
    bench_pieces(&bench, &packet, ID, "0+496");
    other.bytes[23]++; /* a port */
    bench_frame(&bench, &other, 0);
    cr_expect_eq(bench.alone, 0);
    cr_expect_eq(fragments_held(bench.fragments), 1);
    memcpy(reply.bytes + 12, packet.bytes + 16, 4); /* the other way */
    memcpy(reply.bytes + 16, packet.bytes + 12, 4);
    memcpy(reply.bytes + 20, packet.bytes + 22, 2);
    memcpy(reply.bytes + 22, packet.bytes + 20, 2);
    bench_frame(&bench, &reply, 0);
    cr_expect_eq(bench.alone, 1);
    cr_expect_eq(fragments_held(bench.fragments), 0);
    bench_pieces(&bench, &packet, ID, "496+524.");
    struct fragment_counters counters = bench_finish(&bench);
    cr_expect_eq(bench.out, 3, "the two whole packets and the first piece");
    cr_expect_eq(counters.reassembled, 1);
    cr_expect_eq(counters.incomplete, 0);
    bench_end(&bench);
}

static long resident_bytes(void)
{
    long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    cr_assert(file && fscanf(file, "%ld %ld", &size, &resident) == 2);
    fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

Test(fragment, a_flood_of_first_pieces_loses_none_and_takes_no_more_memory)
{
    enum { FLOOD = 10000 };
    struct wire packet = piece_packet(4, PROTOCOL_TCP, 1000);
    bench_begin(&bench);
    long before = resident_bytes();
    for (unsigned i = 0; i < FLOOD; i++)
        bench_pieces(&bench, &packet, i, "0+496");
    cr_expect_eq(bench.alone, FLOOD - FRAGMENT_DATAGRAMS, "all but those that wait still");
    cr_expect_lt(resident_bytes() - before, 5L << 20);
    bench_pieces(&bench, &packet, FLOOD - 1, "496+524.");
    cr_expect_eq(bench.packet.payload.left, 1000, "the youngest can still become whole");
    struct fragment_counters counters = bench_finish(&bench);
    cr_expect_eq(bench.out, FLOOD);
    cr_expect_eq(counters.reassembled, 1);
    cr_expect_eq(counters.incomplete, FLOOD - 1);
    cr_expect_eq(counters.evicted, FLOOD - FRAGMENT_DATAGRAMS + 1, "there is always room for another one");
    bench_end(&bench);
}

Test(fragment, whole_packets_give_way_before_those_that_wait)
{
    struct wire packet = piece_packet(6, PROTOCOL_UDP, PAYLOAD);
    bench_begin(&bench);
    bench_pieces(&bench, &packet, 0, "0+96");
    for (unsigned i = 1; i <= 1000; i++)
        bench_pieces(&bench, &packet, i, "0+96 96+96 192+64.");
    bench_pieces(&bench, &packet, 0, "96+96 192+64.");
    struct fragment_counters counters = bench_finish(&bench);
    cr_expect_eq(counters.reassembled, 1001);
    cr_expect_eq(counters.evicted, 0);
    bench_end(&bench);
}
