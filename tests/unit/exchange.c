/* DNS over UDP: pairing, what answers tell, and TC=1 that sends a client to TCP. */
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

TestSuite(exchange, .init = begin, .fini = end);

static struct exchange_counters counters(void)
{
    scene_finish(&scene);
    return analysis_counters(scene.analysis).exchanges;
}

Test(exchange, a_question_and_its_answer)
{
    scene_udp(&scene, 1);
    const struct server *server = scene_facts(&scene);
    cr_assert_eq(server->udp_queries, 1);
    cr_assert_eq(server->udp_answers, 1);
    cr_assert_eq(server->udp_rtt.count, 1);
    cr_assert_eq(server->udp_rtt.least_us, 5000);
    cr_assert_eq(server->references[REFERENCE_UDP_ANSWER].seen[0].ttl, 62);
    cr_assert_eq(server->references[REFERENCE_UDP_ANSWER].seen[0].first.number, 2);
    cr_assert_eq(server->tcp, FACTS_NONE);
    cr_assert_eq(counters().unpaired, 0);
}

Test(exchange, an_answer_to_nobody_still_shows_the_distance)
{
    scene_udp_answer(&scene, 1, false, DNS_NOERROR);
    cr_assert_eq(scene_facts(&scene)->udp_answers, 1);
    cr_assert_eq(scene_facts(&scene)->udp_rtt.count, 0);
    cr_assert_eq(counters().unpaired, 1);
}

Test(exchange, an_answer_with_another_id_pairs_with_nothing)
{
    scene_udp_query(&scene, 1);
    scene_udp_answer(&scene, 2, false, DNS_NOERROR);
    cr_assert_eq(counters().unpaired, 1);
    cr_assert_eq(scene_facts(&scene)->udp_rtt.count, 0);
}

Test(exchange, a_copy_within_two_milliseconds_counts_once)
{
    scene_udp_query(&scene, 1);
    scene_wait(&scene, -4);
    scene_udp_query(&scene, 1);
    scene_udp_answer(&scene, 1, false, DNS_NOERROR);
    scene_wait(&scene, -4);
    scene_udp_answer(&scene, 1, false, DNS_NOERROR);
    cr_assert_eq(scene_facts(&scene)->udp_queries, 1);
    cr_assert_eq(scene_facts(&scene)->udp_answers, 1);
}

Test(exchange, a_copy_behind_a_router_counts_once)
{
    scene_udp(&scene, 1);
    scene.server_ttl--;
    scene_udp_answer(&scene, 1, false, DNS_NOERROR);
    scene.server_ttl++;
    cr_assert_eq(scene_facts(&scene)->udp_answers, 1);
    cr_assert_eq(scene_facts(&scene)->udp_contested, 0);
}

Test(exchange, two_answers_of_two_senders)
{
    scene_udp(&scene, 1);
    scene.server_ttl = 64;
    scene_udp_answer(&scene, 1, false, DNS_NOERROR);
    cr_assert_eq(scene_facts(&scene)->udp_answers, 1);
    cr_assert_eq(scene_facts(&scene)->udp_contested, 1);
}

Test(exchange, a_question_sent_again_is_another_question)
{
    for (int i = 0; i < 3; i++) {
        scene_udp_query(&scene, 1);
        scene_wait(&scene, SECOND);
    }
    scene_udp_answer(&scene, 1, false, DNS_NOERROR);
    cr_assert_eq(scene_facts(&scene)->udp_queries, 3);
    cr_assert_eq(scene_facts(&scene)->udp_answers, 1);
    cr_assert_eq(scene_facts(&scene)->udp_rtt.least_us, 1005000, "from the latest one");
}

Test(exchange, refusals_and_truncation_are_counted)
{
    static const unsigned rcodes[] = {DNS_NOERROR, DNS_REFUSED, DNS_NXDOMAIN, DNS_SERVFAIL};
    for (uint16_t i = 0; i < 4; i++) {
        scene_udp_query(&scene, i);
        scene_udp_answer(&scene, i, i == 0, rcodes[i]);
    }
    cr_assert_eq(scene_facts(&scene)->udp_refused, 2);
    cr_assert_eq(scene_facts(&scene)->udp_truncated, 1);
}

Test(exchange, what_is_no_dns_is_counted_as_malformed)
{
    struct wire_packet packet = scene_client(&scene, 0);
    packet.protocol = PROTOCOL_UDP;
    packet.payload = "hello, server, are you there?";
    packet.payload_bytes = 29;
    scene_send(&scene, &packet);
    packet.payload_bytes = 3;
    scene_send(&scene, &packet);
    cr_assert_eq(counters().malformed, 2);
    cr_assert_eq(facts_next_server(analysis_facts(scene.analysis), 0), FACTS_NONE, "it makes no server");
}

Test(exchange, a_query_from_the_servers_port_is_no_answer)
{
    struct wire message = {.length = 0};
    struct wire_packet packet = scene_server(&scene, 0);
    wire_query(&message, 1, SCENE_NAME, 15);
    packet.protocol = PROTOCOL_UDP;
    packet.payload = message.bytes;
    packet.payload_bytes = message.length;
    scene_send(&scene, &packet);
    cr_assert_eq(counters().answers, 0);
}

Test(exchange, servers_that_ask_one_another_from_port_53)
{
    scene.client_port = 53;
    scene_udp(&scene, 1);
    cr_assert_eq(scene_facts(&scene)->udp_queries, 1);
    cr_assert_eq(scene_facts(&scene)->udp_answers, 1);
    cr_assert_eq(counters().unpaired, 0);
}

Test(exchange, more_questions_under_way_than_fit_are_counted)
{
    for (unsigned i = 0; i < EXCHANGE_PENDING + 100; i++) {
        scene.client_port = (uint16_t)(1024 + i % 60000);
        scene_udp_query(&scene, (uint16_t)i);
    }
    cr_assert_geq(counters().evicted, 100);
    cr_assert_eq(scene_facts(&scene)->udp_queries, EXCHANGE_PENDING + 100);
}

Test(exchange, an_icmp_error_about_a_question)
{
    struct wire quote = {.length = 0};
    struct wire_packet query = scene_client(&scene, 0);
    query.protocol = PROTOCOL_UDP;
    query.payload = "0123456789abcdef";
    query.payload_bytes = 16;
    wire_packet(&quote, &query);
    scene_udp_query(&scene, 1);
    struct wire_packet error = {.source = scene.server,
                                .target = scene.client,
                                .protocol = PROTOCOL_ICMP,
                                .icmp_type = 3,
                                .icmp_code = 3,
                                .payload = quote.bytes,
                                .payload_bytes = quote.length};
    scene_send(&scene, &error);
    cr_assert_eq(scene_facts(&scene)->udp_unreachable, 1);
}

/* TC=1 and the TCP attempt that follows */

static void truncated(uint16_t id)
{
    scene_udp_query(&scene, id);
    scene_udp_answer(&scene, id, true, DNS_NOERROR);
}

static void refused_over_tcp(void)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_server_sends(&scene, RSTACK, NULL);
}

static const struct lost_lookup *lost(uint32_t expected)
{
    uint32_t count;
    scene_facts(&scene);
    const struct lost_lookup *first = facts_lost(analysis_facts(scene.analysis), &count);
    cr_assert_eq(count, expected, "%u lost lookups, not %u", count, expected);
    return first;
}

Test(exchange, a_truncated_answer_and_then_tcp_is_refused)
{
    char name[DNS_NAME_TEXT];
    truncated(1);
    refused_over_tcp();
    const struct lost_lookup *lookup = lost(1);
    cr_assert(lookup->truncated_udp);
    cr_assert_not(lookup->answered);
    cr_assert_eq(lookup->attempts, 1);
    cr_assert_eq(lookup->question.qtype, DNS_TYPE_MX);
    cr_assert_str_eq(dns_name_text(lookup->question.qname, lookup->question.qname_length, name), SCENE_NAME ".");
}

Test(exchange, a_truncated_answer_and_then_tcp_is_answered)
{
    truncated(1);
    scene_handshake(&scene);
    scene_asks(&scene, 2);
    scene_answers(&scene, 2, DNS_NOERROR);
    lost(0);
    cr_assert_str_eq(scene_outcome(&scene), "answered answered");
}

Test(exchange, the_same_lookup_lost_three_times)
{
    for (uint16_t i = 0; i < 3; i++) {
        truncated(i);
        refused_over_tcp();
        scene_connect(&scene);
    }
    cr_assert_eq(lost(1)->attempts, 3);
}

Test(exchange, too_late_to_belong_to_the_truncated_answer)
{
    truncated(1);
    scene_wait(&scene, 11 * SECOND);
    refused_over_tcp();
    lost(0);
}

Test(exchange, another_clients_truncated_answer)
{
    truncated(1);
    scene.client = wire_addr("192.0.2.11");
    refused_over_tcp();
    lost(0);
}

Test(exchange, each_truncated_answer_is_handed_out_once)
{
    truncated(1);
    refused_over_tcp();
    scene_connect(&scene);
    refused_over_tcp();
    cr_assert_eq(lost(1)->attempts, 1);
}

Test(exchange, a_question_put_over_tcp_is_lost_without_udp)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, RSTACK, NULL);
    cr_assert_not(lost(1)->truncated_udp);
}

Test(exchange, a_lost_lookup_that_another_server_answers)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, RSTACK, NULL);
    analysis_finish(scene.analysis); /* the flow is folded before the other server answers */
    struct addr first = scene.server;
    scene.server = wire_addr("203.0.113.53");
    scene_udp(&scene, 9);
    scene.server = first;
    cr_assert(lost(1)->answered);
}

Test(exchange, every_question_of_a_reset_connection_is_lost)
{
    struct wire message = {.length = 0}, payload = {.length = 0};
    scene_handshake(&scene);
    for (uint16_t i = 0; i < 3; i++) {
        char name[] = "a.example";
        name[0] = (char)('a' + i);
        message.length = 0;
        wire_query(&message, i, name, 15);
        wire_prefixed(&payload, &message);
    }
    scene_client_sends(&scene, TCP_ACK, &payload);
    scene_server_sends(&scene, RSTACK, NULL);
    lost(3);
}
