/* What stands in fragments, and what a whole analysis makes of it. */
#include "dissect/trail.h"
#include "tests/unit/pieces.h"
#include "tests/unit/scene.h"

#include <criterion/criterion.h>

enum { PAYLOAD = 248, ID = 0x1234, MESSAGE = 592 };

static struct bench bench;

Test(reassembly, extension_headers_in_the_pieces_are_walked)
{
    static const uint8_t options[8] = {0, 0, 1, 4};
    struct wire packet = piece_packet(6, PROTOCOL_UDP, PAYLOAD);
    piece_extend(&packet, 60, options);
    bench_begin(&bench);
    bench_pieces(&bench, &packet, ID, "0+8 8+96 104+160.");
    cr_assert_eq(bench.out, 1);
    cr_expect_eq(bench.packet.protocol, PROTOCOL_UDP);
    cr_expect_eq(bench.packet.payload.left, PAYLOAD);
    bench_expect_bytes(&bench, "behind destination options", PAYLOAD);
    bench_end(&bench);
}

/* RFC 8200, 4.5: the others may say anything of the next header. */
Test(reassembly, only_the_first_ipv6_fragment_says_what_it_is)
{
    struct wire packet = piece_packet(6, PROTOCOL_UDP, PAYLOAD), rest = packet;
    rest.bytes[6] = PROTOCOL_TCP;
    bench_begin(&bench);
    bench_pieces(&bench, &rest, ID, "96+160.");
    bench_pieces(&bench, &packet, ID, "0+96");
    cr_assert_eq(bench.out, 1);
    cr_expect_eq(bench.packet.protocol, PROTOCOL_UDP);
    bench_end(&bench);
}

/* Tunnels make fragments of fragments, and so do those who look for the end of a parser's patience. */
Test(reassembly, pieces_of_a_piece)
{
    static const uint8_t first[8] = {0, 0, 0, 1, 0, 0, ID >> 8, ID & 0xff};
    struct wire packet = piece_packet(6, PROTOCOL_UDP, PAYLOAD), outer = packet, endless = packet;
    outer.length -= 96; /* the first 160 bytes */
    piece_extend(&outer, 44, first);
    bench_begin(&bench);
    bench_pieces(&bench, &outer, ID, "0+80 80+88."); /* with the ID of what is in it: both take the same place */
    cr_expect_eq(bench.out, 0);
    bench_pieces(&bench, &packet, ID, "160+96.");
    cr_assert_eq(bench.out, 1);
    cr_expect_eq(bench.packet.payload.left, PAYLOAD);
    bench_expect_bytes(&bench, "a piece of a piece", PAYLOAD);
    for (int i = 0; i < 10; i++)
        piece_extend(&endless, 44, first);
    bench_pieces(&bench, &endless, ID, "0+8 8+256.");
    cr_expect_eq(bench.out, 1);
    bench_end(&bench);
}

Test(reassembly, the_quote_of_an_icmp_error)
{
    static const char *const lists[] = {"0+16 16+24 40+32.", "24+48. 0+24"};
    struct wire quoted = piece_packet(4, PROTOCOL_UDP, 36);
    struct wire_packet error = {.source = wire_addr("203.0.113.1"),
                                .target = wire_addr("198.51.100.53"),
                                .protocol = PROTOCOL_ICMP,
                                .icmp_type = 3,
                                .icmp_code = 3,
                                .payload = quoted.bytes,
                                .payload_bytes = quoted.length};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct wire packet = {.length = 0};
        wire_packet(&packet, &error);
        bench_begin(&bench);
        bench_pieces(&bench, &packet, ID, lists[i]);
        cr_assert_eq(bench.out, 1);
        cr_expect_eq(bench.packet.quote.protocol, PROTOCOL_UDP);
        cr_expect_eq(bench.packet.quote.target_port, 40000);
        bench_end(&bench);
    }
}

/* A whole analysis */

static void send_pieces(struct scene *scene, const struct wire_packet *packet, const char *list)
{
    struct wire whole = {.length = 0};
    struct piece piece;
    wire_packet(&whole, packet);
    while ((list = piece_next(list, &piece))) {
        struct wire wire = {.length = 0};
        piece_append(&wire, &whole, ID, &piece);
        struct frame frame = wire_frame(&wire, LINK_RAW);
        frame.time_ns = scene->time_ns;
        frame.ref.number = ++scene->frames & 0xffffffffffff;
        analysis_feed(scene->analysis, &frame);
        scene_wait(scene, 1);
    }
}

/* An answer of MESSAGE bytes: zeroes follow the question. */
static struct wire long_answer(void)
{
    struct wire message = {.length = 0};
    wire_answer(&message, 7, SCENE_NAME, DNS_TYPE_MX, true, DNS_NOERROR);
    while (message.length < MESSAGE)
        wire_u8(&message, 0);
    return message;
}

static void answer_over_udp(struct scene *scene, const char *list)
{
    struct wire message = long_answer();
    struct wire_packet packet = scene_server(scene, 0);
    packet.protocol = PROTOCOL_UDP;
    packet.payload = message.bytes;
    packet.payload_bytes = message.length;
    send_pieces(scene, &packet, list);
}

Test(reassembly, an_answer_over_udp_counts_once)
{
    static const struct {
        const char *list;
        uint64_t reassembled, incomplete;
    } rows[] = {{"0+304 304+296.", 1, 0}, {"304+296. 0+304", 1, 0}, {"0+104 104+496.", 1, 0},
                {"0+304", 0, 1},          {"0+104", 0, 1},          {"0+304 0+304 304+296. 304+296.", 1, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene scene;
        scene_begin(&scene);
        scene_udp_query(&scene, 7);
        answer_over_udp(&scene, rows[i].list);
        const struct server *server = scene_facts(&scene);
        struct analysis_counters counters = analysis_counters(scene.analysis);
        cr_expect_eq(server->udp_answers, 1, "%s", rows[i].list);
        cr_expect_eq(server->udp_truncated, 1, "%s", rows[i].list);
        cr_expect_eq(counters.udp, 2, "%s", rows[i].list);
        cr_expect_eq(counters.exchanges.malformed, 0, "%s", rows[i].list);
        cr_expect_eq(counters.fragments.reassembled, rows[i].reassembled, "%s", rows[i].list);
        cr_expect_eq(counters.fragments.incomplete, rows[i].incomplete, "%s", rows[i].list);
        scene_end(&scene);
    }
}

Test(reassembly, a_reset_in_pieces_ends_a_connection)
{
    struct scene scene;
    scene_begin(&scene);
    scene_client_sends(&scene, TCP_SYN, NULL);
    struct wire_packet reset = scene_server(&scene, TCP_RST | TCP_ACK);
    reset.seq = 0;
    send_pieces(&scene, &reset, "16+4. 0+8 8+8");
    scene_expect(&scene, "rejected syn-reset");
    scene_end(&scene);
}

/* What can be read of a segment whose end the capture lacks comes before the client's ACK: here a first, short answer. */
Test(reassembly, a_segment_whose_rest_is_missing_comes_before_what_follows_it)
{
    struct wire message = {.length = 0}, prefixed = {.length = 0};
    struct scene scene;
    scene_begin(&scene);
    scene_handshake(&scene);
    scene_asks(&scene, 7);
    wire_answer(&message, 7, SCENE_NAME, DNS_TYPE_MX, false, DNS_NOERROR);
    wire_prefixed(&prefixed, &message);
    message = long_answer();
    wire_prefixed(&prefixed, &message);
    struct wire_packet segment = scene_server(&scene, TCP_ACK);
    segment.payload = prefixed.bytes;
    segment.payload_bytes = prefixed.length;
    send_pieces(&scene, &segment, "0+80");
    scene.server_seq += (uint32_t)prefixed.length;
    scene_client_sends(&scene, TCP_ACK | TCP_FIN, NULL);
    scene_server_sends(&scene, TCP_ACK | TCP_FIN, NULL);
    scene_expect(&scene, "answered answered");
    scene_end(&scene);
}

/* The clock of a capture that goes on much later is known only with its second frame. */
Test(reassembly, pieces_after_a_pause_of_days)
{
    struct scene scene;
    scene_begin(&scene);
    scene_udp_query(&scene, 7);
    scene_udp_query(&scene, 8);
    scene_wait(&scene, INT64_C(1000) * 3600 * 100);
    answer_over_udp(&scene, "0+304 304+296.");
    scene_finish(&scene);
    cr_expect_eq(analysis_counters(scene.analysis).fragments.reassembled, 1);
    scene_end(&scene);
}

/* A scene whose packets a comparison keeps: a SYN and the first piece of a segment of the server. */
static struct trail *begin_trail(struct scene *scene)
{
    struct trail *trail = trail_new();
    const struct analysis_options options = {.trail = trail};
    scene_begin(scene);
    analysis_free(scene->analysis);
    scene->analysis = analysis_new(&options);
    scene_client_sends(scene, TCP_SYN, NULL);
    struct wire message = {.length = 8};
    struct wire_packet segment = scene_server(scene, TCP_ACK);
    segment.payload = message.bytes;
    segment.payload_bytes = message.length;
    send_pieces(scene, &segment, "0+24");
    return trail;
}

Test(reassembly, a_trail_has_a_segment_without_its_rest_where_it_belongs)
{
    struct scene scene;
    struct trail *trail = begin_trail(&scene);
    scene_client_sends(&scene, TCP_ACK, NULL);
    scene_finish(&scene);
    cr_assert_eq(trail_step_count(trail), 3);
    cr_expect_eq(trail_step(trail, 1)->ref.number, 2);
    cr_expect_eq(trail_step(trail, 1)->length, 4);
    cr_expect_eq(trail_extent(trail).left_out, 0);
    scene_end(&scene);
    trail_free(trail);
}

/* Every packet once, to be found by its frame. */
Test(reassembly, a_trail_has_each_packet_once)
{
    struct scene scene;
    struct trail *trail = begin_trail(&scene);
    answer_over_udp(&scene, "0+304 304+296.");
    scene_udp_query(&scene, 7);
    scene_finish(&scene);
    struct trail_extent extent = trail_extent(trail);
    cr_expect_eq(extent.datagrams, 2);
    cr_expect_eq(trail_step_count(trail), 4,
                 "SYN, answer, question, and the segment, which came to be read after them");
    cr_expect_eq(extent.left_out, 0);
    trail_finish(trail);
    for (uint32_t i = 0; i < trail_step_count(trail); i++)
        cr_expect_eq(trail_step_of(trail, trail_step(trail, i)->ref), i);
    scene_end(&scene);
    trail_free(trail);
}
