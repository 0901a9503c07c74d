/* Resets: those that something else than the server sent, and what their form tells. */
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

TestSuite(reset, .init = begin, .fini = end);

/* forged resets */

Test(reset, a_forged_rst_and_then_the_real_synack)
{
    struct wire_packet rst;
    scene_client_sends(&scene, TCP_SYN, NULL);
    rst = scene_server(&scene, RSTACK);
    rst.seq = 0;
    rst.ttl = 64;
    scene_send(&scene, &rst);
    scene_server_sends(&scene, SYNACK, NULL);
    scene_expect(&scene, "rejected forged-reset");
    cr_assert(scene_sign(&scene, SIGN_AFTER_RST));
    cr_assert_eq(scene_ending(&scene)->end.ttl, 64, "the forger's, not the server's");
}

Test(reset, a_forged_rst_and_then_the_real_answer)
{
    struct wire_packet rst;
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    rst = scene_server(&scene, RSTACK);
    rst.ttl = 64;
    scene_send(&scene, &rst);
    scene_answers(&scene, 1, DNS_NOERROR);
    scene_expect(&scene, "rejected forged-reset");
    cr_assert(scene_sign(&scene, SIGN_AFTER_RST));
}

Test(reset, a_forged_rst_that_the_client_survives)
{
    struct wire_packet rst;
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    rst = scene_server(&scene, TCP_RST);
    rst.seq += 1000000; /* outside the window */
    scene_send(&scene, &rst);
    scene_answers(&scene, 1, DNS_NOERROR);
    scene_client_sends(&scene, TCP_ACK, NULL);
    scene_expect(&scene, "answered answered");
}

Test(reset, a_new_attempt_with_the_same_syn_is_no_contradiction)
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
    cr_assert_not(scene_sign(&scene, SIGN_AFTER_RST));
}

Test(reset, a_synack_that_was_overtaken_by_its_own_rst)
{
    struct wire_packet rst;
    scene_client_sends(&scene, TCP_SYN, NULL);
    rst = scene_server(&scene, RSTACK);
    rst.seq = scene.server_seq + 1; /* it knows the number behind the SYN-ACK */
    scene_send(&scene, &rst);
    scene_server_sends(&scene, SYNACK, NULL);
    cr_assert_not(scene_sign(&scene, SIGN_AFTER_RST));
}

Test(reset, rsts_that_run_ahead)
{
    struct wire_packet rst;
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    rst = scene_server(&scene, RSTACK);
    for (int i = 0; i < 3; i++) {
        scene_send(&scene, &rst);
        rst.seq += 1460;
    }
    scene_expect(&scene, "rejected forged-reset");
    cr_assert(scene_sign(&scene, SIGN_SEQ_CHANGE));
}

Test(reset, rsts_that_acknowledge_what_was_never_sent)
{
    struct wire_packet rst;
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    rst = scene_server(&scene, RSTACK);
    scene_send(&scene, &rst);
    rst.ack += 9999;
    scene_send(&scene, &rst);
    scene_expect(&scene, "rejected forged-reset");
    cr_assert(scene_sign(&scene, SIGN_ACK_CHANGE));
}

Test(reset, a_forged_rst_in_the_clients_name)
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
    scene_expect(&scene, "rejected forged-reset");
    cr_assert(scene_sign(&scene, SIGN_CLIENT_FORGED));
}

/* the form of a RST */

Test(reset, a_rst_that_echoes_the_clients_packet)
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
    cr_assert(scene_sign(&scene, SIGN_ID_ECHO));
    cr_assert(scene_sign(&scene, SIGN_WINDOW_ECHO));
}

Test(reset, the_tos_of_a_rst)
{
    static const struct {
        uint8_t syn, rst;
        uint32_t sign;
    } rows[] = {
        {0x00, 0x10, SIGN_TOS_LOWDELAY},
        {0x48, 0x00, SIGN_TOS_DROPPED},
        {0x48, 0x48, SIGN_TOS_COPIED},
        {0x00, 0x00, 0},
        {0x02, 0x00, 0}, /* ECN is no mark */
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

Test(reset, the_flow_label_of_a_rst)
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
        cr_expect_eq(scene_sign(&scene, SIGN_LABEL_SET), label != 0);
        cr_expect_eq(scene_sign(&scene, SIGN_LABEL_ZERO), label == 0);
    }
}

Test(reset, a_rst_with_text)
{
    struct wire text = {.length = 0};
    wire_bytes(&text, "go away", 7);
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_server_sends(&scene, RSTACK, &text);
    cr_assert(scene_sign(&scene, SIGN_RST_PAYLOAD));
}

Test(reset, a_rst_that_takes_its_time)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_wait(&scene, 2 * SECOND);
    scene_server_sends(&scene, RSTACK, NULL);
    cr_assert(scene_sign(&scene, SIGN_SLOW));
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

Test(reset, a_rst_in_the_state_of_its_connection)
{
    timestamped_reset(900010);
    cr_assert(scene_sign(&scene, SIGN_IN_STATE));
    cr_assert_not(scene_sign(&scene, SIGN_TIMESTAMP_JUMP));
}

Test(reset, a_rst_whose_timestamps_jump)
{
    timestamped_reset(17);
    cr_assert(scene_sign(&scene, SIGN_TIMESTAMP_JUMP));
    cr_assert_not(scene_sign(&scene, SIGN_IN_STATE));
}

Test(reset, several_rsts_for_one_packet)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    for (int i = 0; i < 3; i++)
        scene_server_sends(&scene, RSTACK, NULL);
    scene_expect(&scene, "rejected syn-reset");
    cr_assert(scene_sign(&scene, SIGN_REPEATED));
}
