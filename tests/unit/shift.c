/* A clock that is set while packets are taken changes no verdict and no delay. */
#include "tests/unit/pieces.h"
#include "tests/unit/played.h"
#include "tests/unit/scene.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#define HOUR_NS (3600 * FLOW_SECOND_NS)

enum { SECOND = 1000, STEPS = 4 };

/* Takes out the times of packets: some were kept before a step. */
static void drop_times(struct json_object *value)
{
    if (json_object_is_type(value, json_type_object)) {
        json_object_object_del(value, "time");
        json_object_object_foreach(value, key, inner)
        {
            (void)key;
            drop_times(inner);
        }
    }
    for (size_t i = 0; json_object_is_type(value, json_type_array) && i < json_object_array_length(value); i++)
        drop_times(json_object_array_get_idx(value, i));
}

static char *without_times(char *text)
{
    struct json_object *report = json_tokener_parse(text);
    cr_assert_not_null(report);
    drop_times(report);
    free(text);
    text = strdup(json_object_to_json_string_ext(report, JSON_C_TO_STRING_PRETTY));
    json_object_put(report);
    return text;
}

/* The steps make up none, so that even first and last failures are when they were. */
static const int64_t courses[][STEPS] = {
    {3 * HOUR_NS, -5 * HOUR_NS, HOUR_NS, HOUR_NS},
    {-3 * HOUR_NS, 2 * FLOW_SECOND_NS, 3 * HOUR_NS, -2 * FLOW_SECOND_NS},
    {FLOW_SECOND_NS / 2, -100 * FLOW_SECOND_NS, 100 * FLOW_SECOND_NS, -FLOW_SECOND_NS / 2},
};

static void compare_with_steps(const char *path, unsigned renewed_at)
{
    struct moment window = {.what = MOMENT_RENEW, .part = renewed_at};
    for (size_t i = 0; i < sizeof courses / sizeof *courses; i++) {
        struct moment moments[STEPS + 1];
        size_t count = 0;
        for (unsigned k = 0; k < STEPS; k++) {
            if (renewed_at == 2 * k)
                moments[count++] = window;
            moments[count++] = (struct moment){.what = MOMENT_STEP, .part = 1 + 2 * k, .step_ns = courses[i][k]};
        }
        char *expected = played_to_end(path, &window, renewed_at < PLAYED_PARTS);
        played_same(path, without_times(expected), without_times(played_to_end(path, moments, count)));
    }
}

ParameterizedTestParameters(shift, samples)
{
    return played_samples();
}

ParameterizedTest(struct played_sample *sample, shift, samples)
{
    compare_with_steps(sample->path, PLAYED_PARTS);
}

ParameterizedTestParameters(shift, samples_in_two_windows)
{
    return played_samples();
}

ParameterizedTest(struct played_sample *sample, shift, samples_in_two_windows)
{
    compare_with_steps(sample->path, PLAYED_PARTS / 2);
}

/* what is under way when the clock is set */

static const int64_t steps_ns[] = {3 * HOUR_NS, -3 * HOUR_NS, 60 * FLOW_SECOND_NS, -60 * FLOW_SECOND_NS};
enum { STEPS_TRIED = sizeof steps_ns / sizeof *steps_ns };

static struct scene scene;
static int64_t step_ns; /* by which the clock is set in this test; 0: it is not */

static void set_clock(void)
{
    scene.time_ns += step_ns;
    analysis_shift(scene.analysis, step_ns);
}

/* Tells a story without and with a step; what `words` makes of it has to be the same. */
static void compare_stories(const char *name, void (*tell)(void), const char *(*words)(void))
{
    char expected[512] = "";
    for (int i = -1; i < STEPS_TRIED; i++) {
        step_ns = i < 0 ? 0 : steps_ns[i];
        scene_watch(&scene);
        tell();
        scene_finish(&scene);
        const char *got = words();
        if (i < 0)
            snprintf(expected, sizeof expected, "%s", got);
        cr_expect_str_eq(got, expected, "%s: %s, not %s, by a step of %lld s", name, got, expected,
                         (long long)(step_ns / FLOW_SECOND_NS));
        scene_end(&scene);
    }
}

/* All that is measured, and the verdict. */
static const char *all_words(void)
{
    static char text[512];
    const struct report_server *server = scene_report(&scene);
    const struct delays *rtt = &server->facts->udp_rtt, *handshake = &server->tcp->handshake;
    struct analysis_counters counters = analysis_totals(scene.analysis);
    snprintf(
        text, sizeof text,
        "%s; %u answered, %u rejected, %u unanswered, %u aborted, %u incomplete, UDP %u in %u us, handshake %u us, "
        "least %u to %u us, lost %u %d, whole %llu, earlier %u %u",
        scene_verdict(&scene), server->answered, server->rejected, server->unanswered, server->aborted,
        server->incomplete, rtt->count, delays_median_us(rtt), delays_median_us(handshake),
        server->ending ? server->ending->least_us : 0, server->ending ? server->ending->most_us : 0, server->lost_count,
        server->lost_count > 0 && server->lost[0].truncated_udp, (unsigned long long)counters.fragments.reassembled,
        server->tcp->earlier[OUTCOME_ANSWERED], server->tcp->earlier[OUTCOME_REJECTED]);
    return text;
}

static void send_reset(uint8_t ttl)
{
    struct wire_packet rst = scene_server(&scene, TCP_RST | TCP_ACK);
    rst.seq = 0;
    rst.ttl = ttl;
    scene_send(&scene, &rst);
}

static void story_syn_and_reset(void)
{
    scene_udp(&scene, 1);
    scene_client_sends(&scene, TCP_SYN, NULL);
    set_clock();
    send_reset(64);
}

static void story_query_and_answer(void)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    set_clock();
    scene_wait(&scene, 2 * SECOND);
    scene_answers(&scene, 1, DNS_NOERROR);
}

static void story_silence(void)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, TCP_ACK, NULL);
    set_clock();
    scene_pass(&scene, 4 * SECOND); /* not long enough to say anything */
    scene_connect(&scene);
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_wait(&scene, 4 * SECOND);
    set_clock();
    scene_pass(&scene, 2 * SECOND);
}

static void story_udp_exchange(void)
{
    for (uint16_t i = 0; i < 3; i++) {
        scene_udp_query(&scene, i);
        scene_wait(&scene, 30);
        set_clock();
        scene_wait(&scene, 20);
        scene_udp_answer(&scene, i, false, DNS_NOERROR);
    }
    story_syn_and_reset();
}

static void story_truncated_and_tcp(void)
{
    scene_udp_query(&scene, 1);
    scene_udp_answer(&scene, 1, true, DNS_NOERROR);
    set_clock();
    story_syn_and_reset();
}

static void story_handshake(void)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_wait(&scene, 100);
    set_clock();
    scene_server_sends(&scene, TCP_SYN | TCP_ACK, NULL);
    scene_client_sends(&scene, TCP_ACK, NULL);
    scene_asks(&scene, 1);
    set_clock();
    send_reset(62);
}

static void story_closed_and_contradicted(void)
{
    scene_udp(&scene, 1);
    scene_client_sends(&scene, TCP_SYN, NULL);
    send_reset(62);
    set_clock();
    scene_server_sends(&scene, TCP_SYN | TCP_ACK, NULL);
}

static void send_piece(const struct wire *packet, const char *list)
{
    struct wire wire = {.length = 0};
    struct piece piece;
    cr_assert_not_null(piece_next(list, &piece));
    piece_append(&wire, packet, 7, &piece);
    struct frame frame = wire_frame(&wire, LINK_RAW);
    frame.time_ns = scene.time_ns;
    frame.ref.number = ++scene.frames & 0xffffffffffff;
    analysis_feed(scene.analysis, &frame);
}

static void story_udp_in_pieces(void)
{
    struct wire packet = piece_packet(4, PROTOCOL_UDP, 600);
    send_piece(&packet, "0+24");
    set_clock();
    send_piece(&packet, "24+584.");
    story_syn_and_reset();
}

/* The rest of the answer never comes: its first piece is read alone when that is clear. */
static void story_tcp_in_pieces(void)
{
    uint8_t zeros[600] = {2, 0};
    struct wire packet = {.length = 0};
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    struct wire_packet answer = scene_server(&scene, TCP_ACK | TCP_PSH);
    answer.payload = zeros;
    answer.payload_bytes = sizeof zeros;
    wire_packet(&packet, &answer);
    send_piece(&packet, "0+304");
    set_clock();
    scene_wait(&scene, 31 * SECOND);
    analysis_pass_time(scene.analysis, scene.time_ns);
    send_reset(62);
}

static void one(bool answered)
{
    scene_connect(&scene);
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    if (answered)
        scene_answers(&scene, 1, DNS_NOERROR);
    else
        send_reset(62);
    scene_pass(&scene, 5 * SECOND);
}

static void story_turn(void)
{
    for (int i = 0; i < 5; i++)
        one(true);
    for (int i = 0; i < 5; i++) {
        one(false);
        if (i == 1 || i == 3)
            set_clock();
    }
}

/* The run and the turn are older than the step, the flows that follow are of after it. */
static void story_turn_back(void)
{
    story_turn();
    set_clock();
    for (int i = 0; i < 4; i++) {
        one(true);
        set_clock();
    }
}

static void story_windows(void)
{
    one(true);
    set_clock();
    analysis_renew(scene.analysis);
    scene_connect(&scene);
    scene_client_sends(&scene, TCP_SYN, NULL);
    set_clock();
    analysis_renew(scene.analysis);
    set_clock();
    send_reset(62);
    set_clock();
    one(false);
}

/* Places are lost by hours that passed, not by hours that the clock was set by. */
static void story_idle_server(void)
{
    one(true);
    for (int i = 0; i < 5; i++) {
        set_clock();
        scene_wait(&scene, 60 * SECOND);
        analysis_pass_time(scene.analysis, scene.time_ns);
        analysis_renew(scene.analysis);
    }
}

static const struct story {
    const char *name;
    void (*tell)(void);
} stories[] = {
    {"a SYN and its RST", story_syn_and_reset},
    {"a query and its answer", story_query_and_answer},
    {"silence", story_silence},
    {"questions and answers over UDP", story_udp_exchange},
    {"TC=1 and the connection that follows", story_truncated_and_tcp},
    {"a handshake", story_handshake},
    {"a RST and what contradicts it", story_closed_and_contradicted},
    {"an answer in pieces", story_udp_in_pieces},
    {"a piece of an answer", story_tcp_in_pieces},
    {"a server that begins to fail", story_turn},
    {"and works again", story_turn_back},
    {"windows", story_windows},
    {"a server that is idle for some minutes", story_idle_server},
};

Test(shift, stories)
{
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++)
        compare_stories(stories[i].name, stories[i].tell, all_words);
}
