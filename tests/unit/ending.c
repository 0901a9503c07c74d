/* How flows end that are answered or rejected: each test is a conversation, fed frame by frame. */
#include "tests/unit/scene.h"

#include <criterion/criterion.h>

enum { SYNACK = TCP_SYN | TCP_ACK, RSTACK = TCP_RST | TCP_ACK, FINACK = TCP_FIN | TCP_ACK, SECOND = 1000 };

static struct scene scene;

static void begin(void)
{
    scene_begin(&scene);
}

static void end(void)
{
    scene_end(&scene);
}

TestSuite(ending, .init = begin, .fini = end);

/* all is well */

Test(ending, asked_and_answered)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NOERROR);
    scene_expect(&scene, "answered answered");
}

Test(ending, nxdomain_is_an_answer)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NXDOMAIN);
    scene_expect(&scene, "answered answered");
}

Test(ending, a_refusal_in_dns)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_REFUSED);
    scene_expect(&scene, "answered error-rcode");
}

Test(ending, the_server_resets_after_a_full_answer)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NOERROR);
    scene_server_sends(&scene, RSTACK, NULL);
    scene_expect(&scene, "answered answered");
}

Test(ending, the_client_resets_after_a_full_answer)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NOERROR);
    scene_client_sends(&scene, TCP_RST, NULL);
    scene_expect(&scene, "answered answered");
}

Test(ending, an_answer_with_the_fin_in_it)
{
    struct wire message = {.length = 0}, payload = {.length = 0};
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    wire_answer(&message, 1, SCENE_NAME, DNS_TYPE_MX, false, DNS_NOERROR);
    wire_prefixed(&payload, &message);
    scene_server_sends(&scene, FINACK, &payload);
    scene_expect(&scene, "answered answered");
}

Test(ending, a_connection_that_was_under_way_when_the_capture_began)
{
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NOERROR);
    scene_expect(&scene, "answered answered");
}

Test(ending, sequence_numbers_that_wrap)
{
    scene.client_seq = UINT32_MAX - 10;
    scene.server_seq = UINT32_MAX - 20;
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, TCP_ACK, NULL);
    scene_answers(&scene, 1, DNS_NOERROR);
    scene_asks(&scene, 2);
    scene_answers(&scene, 2, DNS_NOERROR);
    scene_expect(&scene, "answered answered");
    cr_assert_eq(scene_flow(&scene)->count[FLOW_QUERY], 2);
    cr_assert_eq(scene_flow(&scene)->count[FLOW_QUERY_ACKED], 1);
}

Test(ending, the_query_rides_on_the_syn)
{
    struct wire message = {.length = 0}, payload = {.length = 0};
    wire_query(&message, 1, SCENE_NAME, DNS_TYPE_MX);
    wire_prefixed(&payload, &message);
    scene_client_sends(&scene, TCP_SYN, &payload); /* RFC 7413 */
    scene_server_sends(&scene, SYNACK, NULL);
    scene_client_sends(&scene, TCP_ACK, NULL);
    scene_answers(&scene, 1, DNS_NOERROR);
    scene_expect(&scene, "answered answered");
}

Test(ending, an_answer_in_many_segments_out_of_order)
{
    struct wire message = {.length = 0}, payload = {.length = 0};
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    wire_answer(&message, 1, SCENE_NAME, DNS_TYPE_MX, false, DNS_NOERROR);
    wire_prefixed(&payload, &message);
    for (size_t at = payload.length; at-- > 0;) {
        struct wire_packet part = scene_server(&scene, TCP_ACK);
        part.seq += (uint32_t)at;
        part.payload = payload.bytes + at;
        part.payload_bytes = 1;
        scene_send(&scene, &part);
    }
    scene_expect(&scene, "answered answered");
}

/* rejected before a query */

Test(ending, a_closed_port)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_server_sends(&scene, RSTACK, NULL);
    scene_expect(&scene, "rejected syn-reset");
    cr_assert_not(scene_sign(&scene, SIGN_BAD_ACK));
    cr_assert_eq(scene_ending(&scene)->end.ttl, 62);
    cr_assert_eq(scene_ending(&scene)->frames[0].number, 2);
}

Test(ending, a_closed_port_asked_again_with_the_same_syn)
{
    for (int i = 0; i < 3; i++) {
        struct wire_packet syn = scene_client(&scene, TCP_SYN), rst = scene_server(&scene, RSTACK);
        rst.seq = 0;
        rst.ack = syn.seq + 1;
        scene_send(&scene, &syn);
        scene_send(&scene, &rst);
        scene_wait(&scene, 500);
    }
    scene_expect(&scene, "rejected syn-reset");
    cr_assert_not(scene_sign(&scene, SIGN_AFTER_RST | SIGN_SEQ_CHANGE | SIGN_ACK_CHANGE | SIGN_REPEATED));
}

Test(ending, a_rst_that_acknowledges_something_else)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene.client_seq += 5;
    scene_server_sends(&scene, RSTACK, NULL);
    scene_expect(&scene, "rejected syn-reset");
    cr_assert(scene_sign(&scene, SIGN_BAD_ACK));
}

Test(ending, a_rst_without_ack)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_server_sends(&scene, TCP_RST, NULL);
    scene_expect(&scene, "rejected syn-reset");
    cr_assert(scene_sign(&scene, SIGN_BAD_ACK));
}

Test(ending, reset_after_the_handshake)
{
    scene_handshake(&scene);
    scene_server_sends(&scene, RSTACK, NULL);
    scene_expect(&scene, "rejected reset-after-handshake");
    cr_assert_eq(scene_ending(&scene)->end.synack_ttl, 62);
}

Test(ending, icmp_errors_by_their_codes)
{
    static const struct {
        bool six;
        uint8_t type, code;
        const char *outcome;
    } rows[] = {
        {false, 3, 13, "rejected icmp-admin-prohibited"},    {false, 3, 9, "rejected icmp-admin-prohibited"},
        {false, 3, 10, "rejected icmp-admin-prohibited"},    {false, 3, 3, "rejected icmp-port-unreachable"},
        {false, 3, 2, "rejected icmp-protocol-unreachable"}, {false, 3, 1, "rejected icmp-host-unreachable"},
        {false, 3, 0, "rejected icmp-host-unreachable"},     {true, 1, 1, "rejected icmp-admin-prohibited"},
        {true, 1, 4, "rejected icmp-port-unreachable"},      {true, 1, 0, "rejected icmp-host-unreachable"},
        {true, 1, 6, "rejected icmp-admin-prohibited"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        scene_end(&scene);
        scene_begin(&scene);
        if (rows[i].six) {
            scene.client = wire_addr("2001:db8:1::10");
            scene.server = wire_addr("2001:db8:2::53");
        }
        scene_client_sends(&scene, TCP_SYN, NULL);
        scene_icmp(&scene, rows[i].six ? "2001:db8:1::1" : "192.0.2.1", 64, rows[i].type, rows[i].code);
        scene_expect(&scene, rows[i].outcome);
        cr_expect_eq(scene_ending(&scene)->end.icmp_code, rows[i].code);
    }
}

Test(ending, icmp_errors_that_reject_nothing)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_icmp(&scene, "192.0.2.1", 64, 11, 0); /* time exceeded */
    scene_icmp(&scene, "192.0.2.1", 64, 3, 4);  /* fragmentation needed */
    scene_icmp(&scene, "192.0.2.1", 64, 5, 1);  /* redirect */
    scene_expect(&scene, "incomplete incomplete");
    cr_assert_eq(analysis_counters(scene.analysis).flows.icmp_unmatched, 3);
}

Test(ending, an_icmp_error_that_quotes_what_was_never_sent)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene.client_seq += 77777;
    scene_icmp(&scene, "192.0.2.1", 64, 3, 13);
    scene.client_seq -= 77777;
    scene_expect(&scene, "incomplete incomplete");
    cr_assert_eq(analysis_counters(scene.analysis).flows.icmp_unmatched, 1);
}

Test(ending, an_icmp_error_for_nobody)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene.client_port++;
    scene_icmp(&scene, "192.0.2.1", 64, 3, 13);
    scene_expect(&scene, "incomplete incomplete");
    cr_assert_eq(analysis_counters(scene.analysis).flows.icmp_unmatched, 1);
}

Test(ending, a_connection_survives_an_icmp_error)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_icmp(&scene, "192.0.2.1", 64, 3, 13);
    scene_server_sends(&scene, SYNACK, NULL);
    scene_client_sends(&scene, TCP_ACK, NULL);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NOERROR);
    scene_expect(&scene, "answered answered");
}

/* rejected after the query */

Test(ending, reset_after_the_query)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, RSTACK, NULL);
    scene_expect(&scene, "rejected reset-after-query");
}

Test(ending, closed_without_an_answer)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, TCP_ACK, NULL);
    scene_server_sends(&scene, FINACK, NULL);
    scene_expect(&scene, "rejected closed-without-answer");
}

/* A FIN that acknowledges only the first bytes of the query, so long after it. */
static void closes_unheard(int after_ms, uint32_t heard)
{
    scene_handshake(&scene);
    struct wire_packet close = scene_server(&scene, FINACK);
    scene_asks(&scene, 1);
    scene_wait(&scene, after_ms);
    close.ack += heard;
    scene_send(&scene, &close);
}

Test(ending, a_close_when_the_query_was_long_overdue)
{
    closes_unheard(200, 0);
    scene_expect(&scene, "unanswered query-unacknowledged");
}

Test(ending, a_close_when_only_the_length_of_the_query_had_come)
{
    closes_unheard(500, 2);
    scene_expect(&scene, "unanswered query-unacknowledged");
}

Test(ending, a_close_that_crosses_the_query)
{
    closes_unheard(0, 0);
    scene_expect(&scene, "rejected closed-without-answer");
}

Test(ending, a_connection_that_nothing_was_asked_over_is_closed)
{
    scene_handshake(&scene);
    scene_wait(&scene, 200);
    scene_server_sends(&scene, FINACK, NULL);
    scene_expect(&scene, "aborted client-aborted");
}

Test(ending, closed_at_once_before_the_query)
{
    scene_handshake(&scene);
    scene_server_sends(&scene, FINACK, NULL);
    scene_expect(&scene, "rejected closed-without-answer");
}

Test(ending, closed_and_then_reset)
{
    scene_handshake(&scene);
    scene_server_sends(&scene, FINACK, NULL);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, TCP_RST, NULL);
    scene_expect(&scene, "rejected closed-without-answer");
    cr_assert(scene_sign(&scene, SIGN_AFTER_FIN));
}

Test(ending, half_an_answer_and_a_rst)
{
    struct wire part = {.length = 0};
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    wire_u16(&part, 900);
    wire_u32(&part, 0x00018180);
    scene_server_sends(&scene, TCP_ACK, &part);
    scene_server_sends(&scene, RSTACK, NULL);
    scene_expect(&scene, "rejected partial-answer");
}

Test(ending, the_second_query_of_a_connection_is_reset)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NOERROR);
    scene_asks(&scene, 2);
    scene_server_sends(&scene, RSTACK, NULL);
    scene_expect(&scene, "rejected reset-after-query");
}

Test(ending, a_query_on_a_connection_that_idled_too_long)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NOERROR);
    scene_wait(&scene, 30 * SECOND);
    scene_asks(&scene, 2);
    scene_server_sends(&scene, TCP_RST, NULL);
    scene_expect(&scene, "answered answered");
}
