/* How flows end: each test is a conversation, fed frame by frame. */
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

static void expect(const char *outcome)
{
    cr_assert_str_eq(scene_outcome(&scene), outcome, "\"%s\", not \"%s\"", scene_outcome(&scene), outcome);
}

static bool sign(uint32_t signs)
{
    return (scene_ending(&scene)->end.signs & signs) != 0;
}

/* The clock goes on: something else is captured later. */
static void something_else_after(int64_t ms)
{
    scene_wait(&scene, ms);
    struct wire_packet other = scene_client(&scene, TCP_ACK);
    other.source_port = other.target_port = 443;
    scene_send(&scene, &other);
}

/* all is well */

Test(ending, asked_and_answered)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NOERROR);
    expect("answered answered");
}

Test(ending, nxdomain_is_an_answer)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NXDOMAIN);
    expect("answered answered");
}

Test(ending, a_refusal_in_dns)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_REFUSED);
    expect("answered error-rcode");
}

Test(ending, the_server_resets_after_a_full_answer)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NOERROR);
    scene_server_sends(&scene, RSTACK, NULL);
    expect("answered answered");
}

Test(ending, the_client_resets_after_a_full_answer)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NOERROR);
    scene_client_sends(&scene, TCP_RST, NULL);
    expect("answered answered");
}

Test(ending, an_answer_with_the_fin_in_it)
{
    struct wire message = {.length = 0}, payload = {.length = 0};
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    wire_answer(&message, 1, SCENE_NAME, DNS_TYPE_MX, false, DNS_NOERROR);
    wire_prefixed(&payload, &message);
    scene_server_sends(&scene, FINACK, &payload);
    expect("answered answered");
}

Test(ending, a_connection_that_was_under_way_when_the_capture_began)
{
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NOERROR);
    expect("answered answered");
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
    expect("answered answered");
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
    expect("answered answered");
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
    expect("answered answered");
}

/* rejected before a query */

Test(ending, a_closed_port)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_server_sends(&scene, RSTACK, NULL);
    expect("rejected syn-reset");
    cr_assert_not(sign(SIGN_BAD_ACK));
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
    expect("rejected syn-reset");
    cr_assert_not(sign(SIGN_AFTER_RST | SIGN_SEQ_CHANGE | SIGN_ACK_CHANGE | SIGN_REPEATED));
}

Test(ending, a_rst_that_acknowledges_something_else)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene.client_seq += 5;
    scene_server_sends(&scene, RSTACK, NULL);
    expect("rejected syn-reset");
    cr_assert(sign(SIGN_BAD_ACK));
}

Test(ending, a_rst_without_ack)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_server_sends(&scene, TCP_RST, NULL);
    expect("rejected syn-reset");
    cr_assert(sign(SIGN_BAD_ACK));
}

Test(ending, reset_after_the_handshake)
{
    scene_handshake(&scene);
    scene_server_sends(&scene, RSTACK, NULL);
    expect("rejected reset-after-handshake");
    cr_assert_eq(scene_ending(&scene)->end.synack_ttl, 62);
}

Test(ending, icmp_errors_by_their_codes)
{
    static const struct {
        bool six;
        uint8_t type, code;
        const char *outcome;
    } rows[] = {
        {false, 3, 13, "rejected icmp-admin-prohibited"}, {false, 3, 9, "rejected icmp-admin-prohibited"},
        {false, 3, 10, "rejected icmp-admin-prohibited"}, {false, 3, 3, "rejected icmp-port-unreachable"},
        {false, 3, 2, "rejected icmp-protocol-unreachable"}, {false, 3, 1, "rejected icmp-host-unreachable"},
        {false, 3, 0, "rejected icmp-host-unreachable"}, {true, 1, 1, "rejected icmp-admin-prohibited"},
        {true, 1, 4, "rejected icmp-port-unreachable"}, {true, 1, 0, "rejected icmp-host-unreachable"},
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
        expect(rows[i].outcome);
        cr_expect_eq(scene_ending(&scene)->end.icmp_code, rows[i].code);
    }
}

Test(ending, icmp_errors_that_reject_nothing)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_icmp(&scene, "192.0.2.1", 64, 11, 0); /* time exceeded */
    scene_icmp(&scene, "192.0.2.1", 64, 3, 4);  /* fragmentation needed */
    scene_icmp(&scene, "192.0.2.1", 64, 5, 1);  /* redirect */
    expect("incomplete incomplete");
    cr_assert_eq(analysis_counters(scene.analysis).flows.icmp_unmatched, 3);
}

Test(ending, an_icmp_error_that_quotes_what_was_never_sent)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene.client_seq += 77777;
    scene_icmp(&scene, "192.0.2.1", 64, 3, 13);
    scene.client_seq -= 77777;
    expect("incomplete incomplete");
    cr_assert_eq(analysis_counters(scene.analysis).flows.icmp_unmatched, 1);
}

Test(ending, an_icmp_error_for_nobody)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene.client_port++;
    scene_icmp(&scene, "192.0.2.1", 64, 3, 13);
    expect("incomplete incomplete");
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
    expect("answered answered");
}

/* rejected after the query */

Test(ending, reset_after_the_query)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, RSTACK, NULL);
    expect("rejected reset-after-query");
}

Test(ending, closed_without_an_answer)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, TCP_ACK, NULL);
    scene_server_sends(&scene, FINACK, NULL);
    expect("rejected closed-without-answer");
}

Test(ending, closed_and_then_reset)
{
    scene_handshake(&scene);
    scene_server_sends(&scene, FINACK, NULL);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, TCP_RST, NULL);
    expect("rejected closed-without-answer");
    cr_assert(sign(SIGN_AFTER_FIN));
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
    expect("rejected partial-answer");
}

Test(ending, the_second_query_of_a_connection_is_reset)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NOERROR);
    scene_asks(&scene, 2);
    scene_server_sends(&scene, RSTACK, NULL);
    expect("rejected reset-after-query");
}

Test(ending, a_query_on_a_connection_that_idled_too_long)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NOERROR);
    scene_wait(&scene, 30 * SECOND);
    scene_asks(&scene, 2);
    scene_server_sends(&scene, TCP_RST, NULL);
    expect("answered answered");
}

/* silence */

Test(ending, syns_into_the_void)
{
    for (int i = 0; i < 3; i++) {
        struct wire_packet syn = scene_client(&scene, TCP_SYN);
        scene_send(&scene, &syn);
        scene_wait(&scene, SECOND << i);
    }
    expect("unanswered syn-unanswered");
    cr_assert_not(sign(SIGN_ONCE));
    cr_assert_eq(scene_flow(&scene)->count[FLOW_SYN_AGAIN], 2);
}

Test(ending, a_single_syn_and_long_silence)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    something_else_after(6 * SECOND);
    expect("unanswered syn-unanswered");
    cr_assert(sign(SIGN_ONCE));
}

Test(ending, a_syn_at_the_end_of_the_capture)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    something_else_after(2 * SECOND);
    expect("incomplete incomplete");
}

Test(ending, the_query_acknowledged_and_never_answered)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, TCP_ACK, NULL);
    something_else_after(6 * SECOND);
    expect("unanswered query-unanswered");
    cr_assert_eq(scene_ending(&scene)->end.ttl, 62);
}

Test(ending, the_query_acknowledged_just_before_the_capture_ends)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, TCP_ACK, NULL);
    something_else_after(SECOND);
    expect("incomplete incomplete");
}

Test(ending, the_query_sent_again_and_again_without_an_ack)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    uint32_t next = scene.client_seq;
    for (int i = 0; i < 3; i++) {
        scene_wait(&scene, 300 << i);
        scene.client_seq = next - 31;
        scene_asks(&scene, 1);
    }
    expect("unanswered query-unacknowledged");
    cr_assert_eq(scene_flow(&scene)->count[FLOW_QUERY_AGAIN], 3);
}

Test(ending, a_keep_alive_is_no_query)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NOERROR);
    struct wire_packet probe = scene_client(&scene, TCP_ACK);
    probe.seq--;
    probe.payload = "";
    probe.payload_bytes = 1;
    scene_wait(&scene, 20 * SECOND);
    scene_send(&scene, &probe);
    expect("answered answered");
    cr_assert_eq(scene_flow(&scene)->count[FLOW_QUERY_AGAIN], 0);
}

Test(ending, the_server_had_answered_but_it_never_came_by)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, TCP_ACK, NULL);
    scene.server_seq += 1400;
    scene_wait(&scene, 2 * SECOND);
    scene_client_sends(&scene, FINACK, NULL);
    scene_server_sends(&scene, FINACK, NULL);
    cr_assert(sign(SIGN_DATA_LOST));
    expect("unanswered query-unanswered");
}

Test(ending, the_server_had_sent_nothing_at_all)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, TCP_ACK, NULL);
    scene_wait(&scene, 2 * SECOND);
    scene_client_sends(&scene, FINACK, NULL);
    scene_server_sends(&scene, TCP_ACK, NULL);
    cr_assert(sign(SIGN_NOTHING_SENT));
    cr_assert_not(sign(SIGN_DATA_LOST));
    expect("unanswered query-unanswered");
}

/* the client's own doing */

Test(ending, a_half_open_scan)
{
    struct wire_packet syn = scene_client(&scene, TCP_SYN);
    scene_send(&scene, &syn);
    scene.client_seq++;
    scene_server_sends(&scene, SYNACK, NULL);
    scene_client_sends(&scene, TCP_RST, NULL);
    expect("aborted client-aborted");
    cr_assert(sign(SIGN_SIMPLE_SYN));
}

Test(ending, connected_and_closed)
{
    scene_handshake(&scene);
    scene_client_sends(&scene, FINACK, NULL);
    scene_server_sends(&scene, FINACK, NULL);
    scene_client_sends(&scene, TCP_ACK, NULL);
    expect("aborted client-aborted");
}

Test(ending, connected_and_silent_until_the_server_closes)
{
    scene_handshake(&scene);
    scene_wait(&scene, 10 * SECOND);
    scene_server_sends(&scene, FINACK, NULL);
    expect("aborted client-aborted");
}

Test(ending, the_client_leaves_right_after_its_query)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_client_sends(&scene, TCP_RST, NULL);
    scene_server_sends(&scene, TCP_RST, NULL);
    expect("aborted client-aborted");
}

Test(ending, the_client_gives_up_after_a_patient_wait)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, TCP_ACK, NULL);
    scene_wait(&scene, 2 * SECOND);
    scene_client_sends(&scene, FINACK, NULL);
    expect("unanswered query-unanswered");
}

Test(ending, the_clients_filter_resets_the_synack)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_server_sends(&scene, SYNACK, NULL);
    scene_client_sends(&scene, TCP_RST, NULL);
    scene_wait(&scene, SECOND);
    scene.client_seq--;
    scene_client_sends(&scene, TCP_SYN, NULL);
    expect("rejected local-filter");
    cr_assert(sign(SIGN_CLIENT_REFUSES));
}

Test(ending, the_clients_filter_drops_the_synack)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_server_sends(&scene, SYNACK, NULL);
    scene_wait(&scene, SECOND);
    scene.client_seq--;
    scene_client_sends(&scene, TCP_SYN, NULL);
    expect("unanswered synack-ignored");
}

Test(ending, the_clients_filter_sends_an_icmp_error_to_itself)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_icmp(&scene, "192.0.2.10", 64, 3, 3);
    expect("rejected local-filter");
}

Test(ending, the_clients_filter_stops_the_syn_before_the_capture)
{
    scene.client_seq++;
    scene_icmp(&scene, "192.0.2.10", 64, 3, 3);
    expect("rejected local-filter");
}

Test(ending, something_else_than_dns_in_a_whole_message)
{
    struct wire message = {.length = 0}, payload = {.length = 0};
    wire_bytes(&message, "this is no DNS at all, whatever the port says", 45);
    wire_prefixed(&payload, &message);
    scene_handshake(&scene);
    scene_client_sends(&scene, TCP_ACK | TCP_PSH, &payload);
    scene_server_sends(&scene, FINACK, NULL);
    expect("aborted not-dns");
}

/* Scanners try HTTP on every port. Its first two bytes read as the length of a message that never ends. */
Test(ending, http_on_the_dns_port)
{
    struct wire payload = {.length = 0};
    wire_bytes(&payload, "GET / HTTP/1.0\r\nHost: example.com\r\n\r\n", 37);
    scene_handshake(&scene);
    scene_client_sends(&scene, TCP_ACK | TCP_PSH, &payload);
    scene_server_sends(&scene, TCP_ACK, NULL);
    scene_server_sends(&scene, FINACK, NULL);
    expect("aborted not-dns");
}

Test(ending, strays)
{
    scene_server_sends(&scene, TCP_ACK, NULL);
    scene_client_sends(&scene, TCP_ACK, NULL);
    scene_server_sends(&scene, TCP_RST, NULL);
    cr_assert_eq(scene_tcp(&scene)->attempts, 0);
    cr_assert_eq(analysis_counters(scene.analysis).flows.strays, 1);
}

/* forged resets */

Test(ending, a_forged_rst_and_then_the_real_synack)
{
    struct wire_packet rst;
    scene_client_sends(&scene, TCP_SYN, NULL);
    rst = scene_server(&scene, RSTACK);
    rst.seq = 0;
    rst.ttl = 64;
    scene_send(&scene, &rst);
    scene_server_sends(&scene, SYNACK, NULL);
    expect("rejected forged-reset");
    cr_assert(sign(SIGN_AFTER_RST));
    cr_assert_eq(scene_ending(&scene)->end.ttl, 64, "the forger's, not the server's");
}

Test(ending, a_forged_rst_and_then_the_real_answer)
{
    struct wire_packet rst;
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    rst = scene_server(&scene, RSTACK);
    rst.ttl = 64;
    scene_send(&scene, &rst);
    scene_answers(&scene, 1, DNS_NOERROR);
    expect("rejected forged-reset");
    cr_assert(sign(SIGN_AFTER_RST));
}

Test(ending, a_forged_rst_that_the_client_survives)
{
    struct wire_packet rst;
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    rst = scene_server(&scene, TCP_RST);
    rst.seq += 1000000; /* outside the window */
    scene_send(&scene, &rst);
    scene_answers(&scene, 1, DNS_NOERROR);
    scene_client_sends(&scene, TCP_ACK, NULL);
    expect("answered answered");
}

Test(ending, a_new_attempt_with_the_same_syn_is_no_contradiction)
{
    struct wire_packet syn = scene_client(&scene, TCP_SYN), rst = scene_server(&scene, RSTACK);
    scene_send(&scene, &syn);
    rst.ack = syn.seq + 1;
    rst.seq = 0;
    scene_send(&scene, &rst);
    scene_wait(&scene, 500);
    scene_send(&scene, &syn);
    scene.client_seq++;
    scene_server_sends(&scene, SYNACK, NULL);
    cr_assert_not(sign(SIGN_AFTER_RST));
}

Test(ending, a_synack_that_was_overtaken_by_its_own_rst)
{
    struct wire_packet rst;
    scene_client_sends(&scene, TCP_SYN, NULL);
    rst = scene_server(&scene, RSTACK);
    rst.seq = scene.server_seq + 1; /* it knows the number behind the SYN-ACK */
    scene_send(&scene, &rst);
    scene_server_sends(&scene, SYNACK, NULL);
    cr_assert_not(sign(SIGN_AFTER_RST));
}

Test(ending, rsts_that_run_ahead)
{
    struct wire_packet rst;
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    rst = scene_server(&scene, RSTACK);
    for (int i = 0; i < 3; i++) {
        scene_send(&scene, &rst);
        rst.seq += 1460;
    }
    expect("rejected forged-reset");
    cr_assert(sign(SIGN_SEQ_CHANGE));
}

Test(ending, rsts_that_acknowledge_what_was_never_sent)
{
    struct wire_packet rst;
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    rst = scene_server(&scene, RSTACK);
    scene_send(&scene, &rst);
    rst.ack += 9999;
    scene_send(&scene, &rst);
    expect("rejected forged-reset");
    cr_assert(sign(SIGN_ACK_CHANGE));
}

Test(ending, a_forged_rst_in_the_clients_name)
{
    struct wire_packet rst;
    scene.client_ttl = 60;
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    rst = scene_client(&scene, TCP_RST);
    rst.ttl = 63;
    scene_send(&scene, &rst);
    scene_client_sends(&scene, TCP_ACK, NULL);
    scene_server_sends(&scene, TCP_RST, NULL);
    cr_assert(sign(SIGN_CLIENT_FORGED));
}

/* the form of a RST */

Test(ending, a_rst_that_echoes_the_clients_packet)
{
    struct wire_packet syn, rst;
    syn = scene_client(&scene, TCP_SYN);
    syn.ip_id = 4242;
    scene_send(&scene, &syn);
    scene.client_seq++;
    rst = scene_server(&scene, RSTACK);
    rst.ip_id = 4242;
    rst.window = syn.window;
    scene_send(&scene, &rst);
    cr_assert(sign(SIGN_ID_ECHO));
    cr_assert(sign(SIGN_WINDOW_ECHO));
}

Test(ending, the_tos_of_a_rst)
{
    static const struct {
        uint8_t syn, rst;
        uint32_t sign;
    } rows[] = {
        {0x00, 0x10, SIGN_TOS_LOWDELAY}, {0x48, 0x00, SIGN_TOS_DROPPED}, {0x48, 0x48, SIGN_TOS_COPIED},
        {0x00, 0x00, 0},                 {0x02, 0x00, 0}, /* ECN is no mark */
        {0x10, 0x10, SIGN_TOS_COPIED},
    };
    const uint32_t all = SIGN_TOS_LOWDELAY | SIGN_TOS_DROPPED | SIGN_TOS_COPIED;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        scene_end(&scene);
        scene_begin(&scene);
        struct wire_packet syn = scene_client(&scene, TCP_SYN);
        syn.tos = rows[i].syn;
        scene_send(&scene, &syn);
        scene.client_seq++;
        struct wire_packet rst = scene_server(&scene, RSTACK);
        rst.tos = rows[i].rst;
        scene_send(&scene, &rst);
        cr_expect_eq(scene_ending(&scene)->end.signs & all, rows[i].sign, "row %zu", i);
    }
}

Test(ending, the_flow_label_of_a_rst)
{
    for (uint32_t label = 0; label < 2; label++) {
        scene_end(&scene);
        scene_begin(&scene);
        scene.client = wire_addr("2001:db8:1::10");
        scene.server = wire_addr("2001:db8:2::53");
        scene_client_sends(&scene, TCP_SYN, NULL);
        struct wire_packet rst = scene_server(&scene, RSTACK);
        rst.flow_label = label;
        scene_send(&scene, &rst);
        cr_expect_eq(sign(SIGN_LABEL_SET), label != 0);
        cr_expect_eq(sign(SIGN_LABEL_ZERO), label == 0);
    }
}

Test(ending, a_rst_with_text)
{
    struct wire text = {.length = 0};
    wire_bytes(&text, "go away", 7);
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_server_sends(&scene, RSTACK, &text);
    cr_assert(sign(SIGN_RST_PAYLOAD));
}

Test(ending, a_rst_that_takes_its_time)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_wait(&scene, 2 * SECOND);
    scene_server_sends(&scene, RSTACK, NULL);
    cr_assert(sign(SIGN_SLOW));
}

/* Puts RFC 7323 timestamps into a packet. */
static void put_timestamps(struct wire_packet *packet, uint8_t *options, uint32_t value, uint32_t echo)
{
    struct wire wire = {.length = 0};
    wire_u32(&wire, 0x0101080a);
    wire_u32(&wire, value);
    wire_u32(&wire, echo);
    memcpy(options, wire.bytes, wire.length);
    packet->options = options;
    packet->option_bytes = wire.length;
}

/* A connection with timestamps whose RST bears those of `value`. */
static void timestamped_reset(uint32_t value)
{
    uint8_t options[12];
    struct wire_packet packet = scene_client(&scene, TCP_SYN);
    put_timestamps(&packet, options, 1000, 0);
    scene_send(&scene, &packet);
    scene.client_seq++;
    packet = scene_server(&scene, SYNACK);
    packet.ip_id = 100;
    put_timestamps(&packet, options, 900000, 1000);
    scene_send(&scene, &packet);
    scene.server_seq++;
    packet = scene_client(&scene, TCP_ACK);
    put_timestamps(&packet, options, 1010, 900000);
    scene_send(&scene, &packet);
    packet = scene_server(&scene, RSTACK);
    packet.ip_id = 101;
    packet.window = 509;
    put_timestamps(&packet, options, value, 1010);
    scene_send(&scene, &packet);
}

Test(ending, a_rst_in_the_state_of_its_connection)
{
    timestamped_reset(900010);
    cr_assert(sign(SIGN_IN_STATE));
    cr_assert_not(sign(SIGN_TIMESTAMP_JUMP));
}

Test(ending, a_rst_whose_timestamps_jump)
{
    timestamped_reset(17);
    cr_assert(sign(SIGN_TIMESTAMP_JUMP));
    cr_assert_not(sign(SIGN_IN_STATE));
}

Test(ending, several_rsts_for_one_packet)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    for (int i = 0; i < 3; i++)
        scene_server_sends(&scene, RSTACK, NULL);
    expect("rejected syn-reset");
    cr_assert(sign(SIGN_REPEATED));
}
