/* Flows that end in silence, or by the client's own doing. */
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

TestSuite(silence, .init = begin, .fini = end);

Test(silence, syns_into_the_void)
{
    for (int i = 0; i < 3; i++) {
        struct wire_packet syn = scene_client(&scene, TCP_SYN);
        scene_send(&scene, &syn);
        scene_wait(&scene, SECOND << i);
    }
    scene_expect(&scene, "unanswered syn-unanswered");
    cr_assert_eq(scene_flow(&scene)->count[FLOW_SYN_AGAIN], 2);
}

Test(silence, a_single_syn_and_long_silence)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_pass(&scene, 6 * SECOND);
    scene_expect(&scene, "unanswered syn-unanswered");
    cr_assert_eq(scene_flow(&scene)->count[FLOW_SYN_AGAIN], 0);
}

Test(silence, a_syn_at_the_end_of_the_capture)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_pass(&scene, 2 * SECOND);
    scene_expect(&scene, "incomplete incomplete");
}

Test(silence, the_query_acknowledged_and_never_answered)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, TCP_ACK, NULL);
    scene_pass(&scene, 6 * SECOND);
    scene_expect(&scene, "unanswered query-unanswered");
    cr_assert_eq(scene_ending(&scene)->end.ttl, 62);
}

Test(silence, the_query_acknowledged_just_before_the_capture_ends)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, TCP_ACK, NULL);
    scene_pass(&scene, SECOND);
    scene_expect(&scene, "incomplete incomplete");
}

/* Sends the query again, so often; nothing acknowledges it. */
static void ask_in_vain(int times)
{
    for (int i = 0; i < times; i++) {
        scene_wait(&scene, 300 << i);
        scene.client_seq -= 31;
        scene_asks(&scene, 1);
    }
}

Test(silence, the_query_sent_again_and_again_without_an_ack)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    ask_in_vain(3);
    scene_expect(&scene, "unanswered query-unacknowledged");
    cr_assert_eq(scene_flow(&scene)->count[FLOW_QUERY_AGAIN], 3);
}

Test(silence, an_idle_servers_fin_does_not_answer_a_query_it_never_heard)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    ask_in_vain(3);
    struct wire_packet fin = scene_server(&scene, FINACK);
    fin.ack -= 31; /* it still waits for the query */
    scene_send(&scene, &fin);
    scene_pass(&scene, 6 * SECOND);
    scene_expect(&scene, "unanswered query-unacknowledged");
}

Test(silence, nor_does_its_reset)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    ask_in_vain(3);
    struct wire_packet rst = scene_server(&scene, TCP_RST | TCP_ACK);
    rst.ack -= 31;
    scene_send(&scene, &rst);
    scene_pass(&scene, 6 * SECOND);
    scene_expect(&scene, "unanswered query-unacknowledged");
}

Test(silence, a_keep_alive_is_no_query)
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
    scene_expect(&scene, "answered answered");
    cr_assert_eq(scene_flow(&scene)->count[FLOW_QUERY_AGAIN], 0);
}

Test(silence, the_server_had_answered_but_it_never_came_by)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, TCP_ACK, NULL);
    scene_wait(&scene, 2 * SECOND);
    scene_client_sends(&scene, FINACK, NULL);
    scene.server_seq += 1400;
    scene_server_sends(&scene, FINACK, NULL);
    cr_assert(scene_sign(&scene, SIGN_DATA_LOST));
    scene_expect(&scene, "unanswered query-unanswered");
}

Test(silence, the_server_had_sent_nothing_at_all)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, TCP_ACK, NULL);
    scene_wait(&scene, 2 * SECOND);
    scene_client_sends(&scene, FINACK, NULL);
    scene_server_sends(&scene, TCP_ACK, NULL);
    cr_assert(scene_sign(&scene, SIGN_NOTHING_SENT));
    cr_assert_not(scene_sign(&scene, SIGN_DATA_LOST));
    scene_expect(&scene, "unanswered query-unanswered");
}

Test(silence, an_answer_that_only_the_capture_missed)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene.server_seq += 1400;
    scene_client_sends(&scene, TCP_ACK, NULL); /* the client has it */
    scene_pass(&scene, 10 * SECOND);
    scene_expect(&scene, "incomplete incomplete");
}

Test(silence, a_capture_of_the_clients_direction_only)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene.server_seq++;
    scene_client_sends(&scene, TCP_ACK, NULL);
    scene_asks(&scene, 1);
    scene_pass(&scene, 10 * SECOND);
    scene_expect(&scene, "incomplete incomplete");
}

Test(silence, only_a_part_of_the_query_is_acknowledged)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    struct wire_packet ack = scene_server(&scene, TCP_ACK);
    ack.ack -= 20; /* the length went through, the message did not */
    scene_send(&scene, &ack);
    scene_pass(&scene, 6 * SECOND);
    cr_assert_eq(scene_flow(&scene)->count[FLOW_QUERY_ACKED], 0);
}

Test(silence, a_window_that_stays_shut)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    struct wire_packet synack = scene_server(&scene, SYNACK);
    synack.window = 0; /* a SYN proxy that cannot reach its server */
    scene_send(&scene, &synack);
    scene.server_seq++;
    scene_client_sends(&scene, TCP_ACK, NULL);
    scene_wait(&scene, 5 * SECOND);
    scene_client_sends(&scene, FINACK, NULL);
    scene_expect(&scene, "unanswered query-unanswered");
    cr_assert(scene_sign(&scene, SIGN_SYNACK_NO_WINDOW));
}

Test(silence, a_window_that_stays_shut_to_the_end_of_the_capture)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    struct wire_packet synack = scene_server(&scene, SYNACK);
    synack.window = 0;
    scene_send(&scene, &synack);
    scene.server_seq++;
    scene_client_sends(&scene, TCP_ACK, NULL);
    scene_pass(&scene, 6 * SECOND);
    scene_expect(&scene, "unanswered query-unanswered");
}

Test(silence, a_full_accept_queue_sends_its_synack_again)
{
    scene_handshake(&scene);
    scene_wait(&scene, SECOND);
    scene.server_seq--;
    scene_server_sends(&scene, SYNACK, NULL);
    cr_assert(scene_sign(&scene, SIGN_ACK_IGNORED));
    cr_assert_eq(scene_flow(&scene)->count[FLOW_SYNACK_AGAIN], 1);
}

/* the client's own doing */

Test(silence, a_half_open_scan)
{
    struct wire_packet syn = scene_client(&scene, TCP_SYN);
    scene_send(&scene, &syn);
    scene.client_seq++;
    scene_server_sends(&scene, SYNACK, NULL);
    scene_client_sends(&scene, TCP_RST, NULL);
    scene_expect(&scene, "aborted client-aborted");
    cr_assert(scene_sign(&scene, SIGN_SIMPLE_SYN));
}

Test(silence, connected_and_closed)
{
    scene_handshake(&scene);
    scene_client_sends(&scene, FINACK, NULL);
    scene_server_sends(&scene, FINACK, NULL);
    scene_client_sends(&scene, TCP_ACK, NULL);
    scene_expect(&scene, "aborted client-aborted");
}

Test(silence, connected_and_silent_until_the_server_closes)
{
    scene_handshake(&scene);
    scene_wait(&scene, 10 * SECOND);
    scene_server_sends(&scene, FINACK, NULL);
    scene_expect(&scene, "aborted client-aborted");
}

Test(silence, the_client_leaves_right_after_its_query)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_client_sends(&scene, TCP_RST, NULL);
    scene_server_sends(&scene, TCP_RST, NULL);
    scene_expect(&scene, "aborted client-aborted");
}

Test(silence, the_client_gives_up_after_a_patient_wait)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, TCP_ACK, NULL);
    scene_wait(&scene, 2 * SECOND);
    scene_client_sends(&scene, FINACK, NULL);
    scene_expect(&scene, "unanswered query-unanswered");
}

Test(silence, the_clients_filter_resets_the_synack)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_server_sends(&scene, SYNACK, NULL);
    scene_client_sends(&scene, TCP_RST, NULL);
    scene_wait(&scene, SECOND);
    scene.client_seq--;
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_expect(&scene, "rejected local-filter");
    cr_assert(scene_sign(&scene, SIGN_CLIENT_REFUSES));
}

Test(silence, a_scanner_that_tries_again_is_no_filter)
{
    struct wire_packet syn = scene_client(&scene, TCP_SYN); /* without options: it is no stack's */
    for (int i = 0; i < 2; i++) {
        scene_send(&scene, &syn);
        scene.client_seq = syn.seq + 1;
        scene_server_sends(&scene, SYNACK, NULL);
        scene.server_seq--;
        scene_client_sends(&scene, TCP_RST, NULL);
        scene_wait(&scene, SECOND);
    }
    scene_expect(&scene, "aborted client-aborted");
}

Test(silence, the_clients_filter_drops_the_synack)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_server_sends(&scene, SYNACK, NULL);
    scene_wait(&scene, SECOND);
    scene.client_seq--;
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_expect(&scene, "unanswered synack-ignored");
}

Test(silence, the_clients_filter_sends_an_icmp_error_to_itself)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_icmp(&scene, "192.0.2.10", 64, 3, 3);
    scene_expect(&scene, "rejected local-filter");
}

Test(silence, the_clients_filter_stops_the_syn_before_the_capture)
{
    scene.client_seq++;
    scene_icmp(&scene, "192.0.2.10", 64, 3, 3);
    scene_expect(&scene, "rejected local-filter");
}

Test(silence, something_else_than_dns_in_a_whole_message)
{
    struct wire message = {.length = 0}, payload = {.length = 0};
    wire_bytes(&message, "this is no DNS at all, whatever the port says", 45);
    wire_prefixed(&payload, &message);
    scene_handshake(&scene);
    scene_client_sends(&scene, TCP_ACK | TCP_PSH, &payload);
    scene_server_sends(&scene, FINACK, NULL);
    scene_expect(&scene, "aborted not-dns");
}

/* Scanners try HTTP on every port. Its first two bytes read as the length of a message that never ends. */
Test(silence, http_on_the_dns_port)
{
    struct wire payload = {.length = 0};
    wire_bytes(&payload, "GET / HTTP/1.0\r\nHost: example.com\r\n\r\n", 37);
    scene_handshake(&scene);
    scene_client_sends(&scene, TCP_ACK | TCP_PSH, &payload);
    scene_server_sends(&scene, TCP_ACK, NULL);
    scene_server_sends(&scene, FINACK, NULL);
    scene_expect(&scene, "aborted not-dns");
}

Test(silence, half_a_query_until_the_server_loses_its_patience)
{
    struct wire part = {.length = 0};
    wire_u16(&part, 40);
    wire_u32(&part, 0x00010100);
    scene_handshake(&scene);
    scene_client_sends(&scene, TCP_ACK, &part);
    scene_server_sends(&scene, TCP_ACK, NULL);
    scene_wait(&scene, 3 * SECOND);
    scene_server_sends(&scene, FINACK, NULL);
    scene_expect(&scene, "aborted client-aborted");
}

Test(silence, an_update_of_the_usual_size_is_dns)
{
    struct wire update = {.length = 0}, payload = {.length = 0};
    wire_query(&update, 1, SCENE_NAME, 6);
    update.bytes[2] = 5 << 3;
    while (update.length < 1200)
        wire_u8(&update, 0);
    wire_prefixed(&payload, &update);
    scene_handshake(&scene);
    scene_client_sends(&scene, TCP_ACK, &payload);
    scene_server_sends(&scene, RSTACK, NULL);
    scene_expect(&scene, "rejected reset-after-query");
}

Test(silence, strays)
{
    scene_server_sends(&scene, TCP_ACK, NULL);
    scene_client_sends(&scene, TCP_ACK, NULL);
    scene_server_sends(&scene, TCP_RST, NULL);
    cr_assert_eq(scene_tcp(&scene)->attempts, 0);
    cr_assert_eq(analysis_counters(scene.analysis).flows.strays, 1);
}
