/* The flow table: copies, retransmissions, port reuse, aging, limits, and who is the server. */
#include "tests/unit/scene.h"

#include <criterion/criterion.h>

enum { SYNACK = TCP_SYN | TCP_ACK, RSTACK = TCP_RST | TCP_ACK, SECOND = 1000 };

static struct scene scene;

static void begin(void)
{
    scene_begin(&scene);
}

static void end(void)
{
    scene_end(&scene);
}

TestSuite(flow, .init = begin, .fini = end);

static struct analysis_counters counters(void)
{
    return analysis_counters(scene.analysis);
}

/* copies */

static void send_copy(struct wire_packet packet, int64_t later_us, uint8_t ttl)
{
    packet.ttl = ttl;
    scene.time_ns += later_us * 1000 - 5000000; /* the step that the first one took is taken back */
    scene_send(&scene, &packet);
}

Test(flow, a_second_copy_of_a_packet_counts_once)
{
    struct wire_packet syn = scene_client(&scene, TCP_SYN);
    scene_send(&scene, &syn);
    send_copy(syn, 100, 64);  /* from the bridge's other port */
    send_copy(syn, 1000, 63); /* behind a router */
    scene.client_seq++;
    scene_server_sends(&scene, RSTACK, NULL);
    cr_assert_str_eq(scene_outcome(&scene), "rejected syn-reset");
    cr_assert_eq(scene_flow(&scene)->count[FLOW_SYN], 1);
    cr_assert_eq(scene_flow(&scene)->count[FLOW_SYN_AGAIN], 0);
}

Test(flow, the_same_packet_later_is_a_retransmission)
{
    struct wire_packet syn = scene_client(&scene, TCP_SYN);
    scene_send(&scene, &syn);
    send_copy(syn, 2100, 64);
    cr_assert_eq(scene_flow(&scene)->count[FLOW_SYN_AGAIN], 1);
}

Test(flow, another_ip_id_is_another_packet)
{
    struct wire_packet syn = scene_client(&scene, TCP_SYN);
    syn.ip_id = 7;
    scene_send(&scene, &syn);
    syn.ip_id = 8;
    send_copy(syn, 100, 64);
    cr_assert_eq(scene_flow(&scene)->count[FLOW_SYN_AGAIN], 1);
}

Test(flow, copies_of_everything_do_not_make_a_rst_repeated)
{
    struct wire_packet syn = scene_client(&scene, TCP_SYN), rst;
    scene_send(&scene, &syn);
    send_copy(syn, 50, 64);
    scene.client_seq++;
    rst = scene_server(&scene, RSTACK);
    scene_send(&scene, &rst);
    send_copy(rst, 50, 62);
    cr_assert_not(scene_ending(&scene)->end.signs & SIGN_REPEATED);
    cr_assert_eq(scene_flow(&scene)->count[FLOW_SERVER_RST_AGAIN], 0);
}

/* ports used again */

Test(flow, three_sightings_each_a_router_later_are_one_packet)
{
    struct wire_packet syn = scene_client(&scene, TCP_SYN), rst;
    scene_send(&scene, &syn);
    send_copy(syn, 50, 63);
    send_copy(syn, 100, 62);
    scene.client_seq++;
    rst = scene_server(&scene, RSTACK);
    scene_send(&scene, &rst);
    send_copy(rst, 50, 61);
    send_copy(rst, 100, 60);
    cr_assert_str_eq(scene_outcome(&scene), "rejected syn-reset");
    cr_assert_eq(scene_flow(&scene)->count[FLOW_SYN_AGAIN], 0);
    cr_assert_eq(scene_flow(&scene)->count[FLOW_SERVER_RST_AGAIN], 0);
}

/* Queues of a network card, taps whose clocks differ: by how much it may, and only of the SYN that it acknowledges. */
Test(flow, an_answer_may_stand_before_its_syn)
{
    struct wire_packet syn = scene_client(&scene, TCP_SYN), rst;
    scene.client_seq++;
    rst = scene_server(&scene, RSTACK);
    scene_send(&scene, &rst);
    scene.time_ns += 50 * FLOW_SECOND_NS / 1000;
    scene_send(&scene, &syn);
    scene_expect(&scene, "rejected syn-reset");
}

Test(flow, a_stray_rst_is_no_answer_to_a_later_syn)
{
    struct wire_packet syn = scene_client(&scene, TCP_SYN), rst;
    scene.client_seq += 1000;
    rst = scene_server(&scene, RSTACK);
    scene_send(&scene, &rst);
    scene_send(&scene, &syn);
    scene_wait(&scene, 1000);
    scene_send(&scene, &syn);
    scene_pass(&scene, 6000);
    scene_expect(&scene, "unanswered syn-unanswered");
}

/* A host with containers, captured on all its devices: the RST comes in, and goes out to the other address. */
Test(flow, a_rst_that_is_translated_here_was_not_made_here)
{
    struct wire_packet syn = scene_client(&scene, TCP_SYN), rst;
    scene_send(&scene, &syn);
    scene.client_seq++;
    rst = scene_server(&scene, RSTACK);
    struct wire_packet inside = syn, out = rst;
    inside.source = out.target = wire_addr("172.17.0.2");
    send_copy(inside, 20, 65);
    scene_send(&scene, &rst);
    send_copy(out, 20, 61);
    scene_finish(&scene);
    const struct ending_list *endings = &scene_tcp(&scene)->endings;
    uint32_t forwarded = 0;
    for (uint32_t i = 0; i < endings->count; i++)
        forwarded += (endings->rows[i].end.signs & SIGN_FORWARDED) != 0 ? endings->rows[i].count : 0;
    cr_assert_eq(forwarded, 1);
}

Test(flow, a_new_isn_on_the_same_ports_is_another_connection)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_server_sends(&scene, RSTACK, NULL);
    scene.client_seq = 999999;
    scene.server_seq = 777777;
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NOERROR);
    const struct tcp_facts *tcp = scene_tcp(&scene);
    cr_assert_eq(tcp->attempts, 2);
    cr_assert_eq(tcp->outcomes[OUTCOME_REJECTED], 1);
    cr_assert_eq(tcp->outcomes[OUTCOME_ANSWERED], 1);
}

Test(flow, the_same_isn_on_the_same_ports_is_the_same_connection)
{
    struct wire_packet syn = scene_client(&scene, TCP_SYN);
    for (int i = 0; i < 3; i++) {
        scene_send(&scene, &syn);
        scene_wait(&scene, SECOND);
    }
    cr_assert_eq(scene_tcp(&scene)->attempts, 1);
}

Test(flow, a_hundred_connections_on_one_port)
{
    for (uint32_t i = 0; i < 100; i++) {
        scene.client_seq = 1000 + i * 100000;
        scene_client_sends(&scene, TCP_SYN, NULL);
        scene_server_sends(&scene, RSTACK, NULL);
    }
    cr_assert_str_eq(scene_outcome(&scene), "rejected syn-reset");
    cr_assert_eq(scene_ending(&scene)->count, 100);
}

/* many messages on one connection */

/* A message a segment in both directions, `burst` queries ahead of their answers. */
static void pipeline(unsigned messages, unsigned burst)
{
    scene_handshake(&scene);
    for (unsigned at = 0; at < messages; at += burst) {
        for (unsigned i = at; i < at + burst && i < messages; i++)
            scene_asks(&scene, (uint16_t)i);
        for (unsigned i = at; i < at + burst && i < messages; i++)
            scene_answers(&scene, (uint16_t)i, DNS_NOERROR);
        scene.time_ns -= INT64_C(10000000) * burst; /* a fast network */
    }
}

Test(flow, ten_thousand_queries_and_then_their_answers)
{
    pipeline(10000, 10000);
    uint32_t lost;
    cr_assert_str_eq(scene_outcome(&scene), "answered answered");
    facts_lost(analysis_facts(scene.analysis), &lost);
    cr_assert_eq(lost, 0);
}

Test(flow, sixty_five_thousand_answers_on_one_connection)
{
    pipeline(65535, 5);
    cr_assert_str_eq(scene_outcome(&scene), "answered answered");
}

Test(flow, one_answer_more_than_sixteen_bits_count)
{
    pipeline(65536, 4);
    cr_assert_str_eq(scene_outcome(&scene), "answered answered", "\"%s\"", scene_outcome(&scene));
}

Test(flow, answers_in_another_order_than_the_queries)
{
    scene_handshake(&scene);
    for (uint16_t i = 0; i < 5; i++)
        scene_asks(&scene, i);
    for (uint16_t i = 5; i-- > 0;)
        scene_answers(&scene, i, DNS_NOERROR);
    cr_assert_str_eq(scene_outcome(&scene), "answered answered");
}

/* the table */

Test(flow, more_open_flows_than_the_table_holds_are_counted)
{
    for (unsigned i = 0; i < FLOW_TABLE + 10; i++) {
        struct wire_packet syn = scene_client(&scene, TCP_SYN);
        syn.source_port = (uint16_t)(1024 + i);
        scene_send(&scene, &syn);
        scene.time_ns -= 4990000;
    }
    scene_facts(&scene);
    cr_assert_eq(counters().flows.flows, FLOW_TABLE + 10);
    cr_assert_eq(counters().flows.evicted, 10);
    uint32_t all = 0;
    for (int i = 0; i < FLOW_OUTCOMES; i++)
        all += scene_tcp(&scene)->outcomes[i];
    cr_assert_eq(all, FLOW_TABLE + 10, "what is given up early is judged all the same");
}

Test(flow, a_flow_that_did_more_is_kept_before_bare_syns)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    for (unsigned i = 0; i < FLOW_TABLE + 1000; i++) {
        struct wire_packet syn = scene_client(&scene, TCP_SYN);
        syn.source_port = (uint16_t)(1024 + i % 30000);
        syn.source.word[1] += (uint64_t)(i / 30000) << 56;
        scene_send(&scene, &syn);
        scene.time_ns -= 4990000;
    }
    scene_answers(&scene, 1, DNS_NOERROR);
    cr_assert_eq(scene_tcp(&scene)->outcomes[OUTCOME_ANSWERED], 1);
}

Test(flow, an_idle_flow_is_judged_while_the_capture_goes_on)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_wait(&scene, 40 * SECOND);
    for (unsigned i = 0; i < FLOW_TABLE + 1; i++)
        scene_udp_answer(&scene, (uint16_t)i, false, DNS_NOERROR);
    const struct facts *facts = analysis_facts(scene.analysis);
    uint32_t index = facts_next_server(facts, 0);
    const struct tcp_facts *tcp = facts_tcp_seen(facts, facts_server_at(facts, index));
    cr_assert_eq(tcp->outcomes[OUTCOME_UNANSWERED], 1, "before the end of the capture");
}

Test(flow, a_packet_after_the_end_of_its_flow_contradicts_it)
{
    struct wire_packet rst;
    scene_client_sends(&scene, TCP_SYN, NULL);
    rst = scene_server(&scene, RSTACK);
    rst.seq = 0;
    scene_send(&scene, &rst);
    scene_wait(&scene, 1500);
    scene_server_sends(&scene, SYNACK, NULL);
    cr_assert_str_eq(scene_outcome(&scene), "rejected forged-reset");
}

Test(flow, a_clock_that_jumps_back_begins_another_capture)
{
    struct wire_packet syn = scene_client(&scene, TCP_SYN);
    scene_send(&scene, &syn);
    scene_wait(&scene, -3600 * SECOND);
    scene_send(&scene, &syn);
    scene_facts(&scene);
    cr_assert_eq(counters().flows.flows, 2);
}

Test(flow, frames_a_little_out_of_order_are_one_capture)
{
    struct wire_packet syn = scene_client(&scene, TCP_SYN);
    scene_send(&scene, &syn);
    scene_wait(&scene, -200);
    scene_send(&scene, &syn);
    scene_facts(&scene);
    cr_assert_eq(counters().flows.flows, 1);
}

/* who is who */

Test(flow, both_ports_are_the_servers)
{
    scene.client_port = 53; /* an old resolver, or one server to another */
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NOERROR);
    cr_assert_str_eq(scene_outcome(&scene), "answered answered");
}

Test(flow, both_ports_are_the_servers_and_the_port_is_closed)
{
    scene.client_port = 53;
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_server_sends(&scene, RSTACK, NULL);
    cr_assert_str_eq(scene_outcome(&scene), "rejected syn-reset");
}

static void restart(struct analysis_options options)
{
    analysis_free(scene.analysis);
    scene.analysis = analysis_new(&options);
}

Test(flow, another_port_when_told_so)
{
    restart((struct analysis_options){.ports = {5353}, .port_count = 1});
    scene.server_port = 5353;
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_server_sends(&scene, RSTACK, NULL);
    cr_assert_str_eq(scene_outcome(&scene), "rejected syn-reset");
}

Test(flow, other_ports_are_no_business_of_ours)
{
    scene.server_port = 443;
    scene_handshake(&scene);
    analysis_finish(scene.analysis);
    cr_assert_eq(facts_next_server(analysis_facts(scene.analysis), 0), FACTS_NONE);
    cr_assert_eq(counters().tcp, 0);
}

Test(flow, only_the_client_that_was_asked_for)
{
    restart((struct analysis_options){.clients = {wire_addr("192.0.2.99")}, .client_count = 1});
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_server_sends(&scene, RSTACK, NULL);
    scene_icmp(&scene, "192.0.2.1", 64, 3, 13);
    cr_assert_eq(counters().tcp, 0);
    cr_assert_eq(counters().icmp, 0);
    scene.client = wire_addr("192.0.2.99");
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_server_sends(&scene, RSTACK, NULL);
    cr_assert_str_eq(scene_outcome(&scene), "rejected syn-reset");
    cr_assert_eq(scene_ending(&scene)->count, 1);
}

Test(flow, how_far_frames_could_be_read_is_counted)
{
    struct wire wire = {.length = 0};
    struct wire_packet syn = scene_client(&scene, TCP_SYN);
    wire_ethernet(&wire, &syn);
    struct frame frame = wire_frame(&wire, LINK_ETHERNET);
    analysis_feed(scene.analysis, &frame);
    frame.captured = 30;
    analysis_feed(scene.analysis, &frame);
    frame.link_type = 9999;
    analysis_feed(scene.analysis, &frame);
    wire.bytes[14] = 0x41;
    frame = wire_frame(&wire, LINK_ETHERNET);
    analysis_feed(scene.analysis, &frame);
    cr_assert_eq(counters().frames, 4);
    cr_assert_eq(counters().statuses[PACKET_OK], 1);
    cr_assert_eq(counters().statuses[PACKET_SHORT], 1);
    cr_assert_eq(counters().statuses[PACKET_LINK_UNKNOWN], 1);
    cr_assert_eq(counters().statuses[PACKET_BAD], 1);
}

Test(flow, a_segment_longer_than_what_waits_is_taken_in_order)
{
    struct wire big = {.length = 0};
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    wire_u16(&big, 3000);
    while (big.length < 3002) /* of an answer to nobody: the ID is another */
        wire_u16(&big, 0x8180);
    scene_server_sends(&scene, TCP_ACK, &big);
    scene_answers(&scene, 1, DNS_NOERROR);
    cr_assert_str_eq(scene_outcome(&scene), "answered answered");
}
