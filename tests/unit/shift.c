/* A clock that is set while packets are taken changes no verdict and no delay. */
#include "tests/unit/pieces.h"
#include "tests/unit/played.h"
#include "tests/unit/scene.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#define HOUR_NS (3600 * FLOW_SECOND_NS)

enum { SECOND = 1000, STEPS = 4, WORDS = 1024 };

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
    return sample_params(false);
}

ParameterizedTest(struct sample *sample, shift, samples)
{
    compare_with_steps(sample->path, PLAYED_PARTS);
}

ParameterizedTestParameters(shift, samples_in_two_windows)
{
    return sample_params(false);
}

ParameterizedTest(struct sample *sample, shift, samples_in_two_windows)
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
    char expected[WORDS] = "";
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

/* How long ago that was, in milliseconds; -1: never. */
static long long ago(int64_t time_ns)
{
    return time_ns == 0 ? -1 : (scene.time_ns - time_ns) / 1000000;
}

/* All that is measured, when it was, and the verdict. */
static const char *all_words(void)
{
    static char text[WORDS];
    const struct report_server *shown = scene_report(&scene);
    const struct server *server = shown->facts;
    const struct tcp_facts *tcp = shown->tcp;
    struct analysis_counters counters = analysis_totals(scene.analysis);
    int length =
        snprintf(text, sizeof text,
                 "%s; answered %u, rejected %u, unanswered %u, aborted %u, incomplete %u, earlier %u %u, lost %u "
                 "TC=1 %d, UDP %u in %u us, handshake %u us, replies %u to %u us, whole %llu",
                 scene_verdict(&scene), shown->answered, shown->rejected, shown->unanswered, shown->aborted,
                 shown->incomplete, tcp->earlier[OUTCOME_ANSWERED], tcp->earlier[OUTCOME_REJECTED], shown->lost_count,
                 shown->lost_count > 0 && shown->lost[0].truncated_udp, server->udp_rtt.count,
                 delays_median_us(&server->udp_rtt), delays_median_us(&tcp->handshake),
                 shown->ending ? shown->ending->least_us : 0, shown->ending ? shown->ending->most_us : 0,
                 (unsigned long long)counters.fragments.reassembled);
    snprintf(text + length, sizeof text - (size_t)length,
             "; ms ago: server %lld to %lld, UDP %lld %lld %lld, TCP %lld, failures %lld to %lld, turned %lld",
             ago(server->first_ns), ago(server->last_ns), ago(server->last_udp_query_ns),
             ago(server->last_udp_answer_ns), ago(server->last_udp_unreachable_ns), ago(tcp->last_ns),
             ago(tcp->first_failure_ns), ago(tcp->last_failure_ns), ago(tcp->turned_ns));
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
    if (answered) {
        scene_answers(&scene, 1, DNS_NOERROR);
        scene_client_sends(&scene, TCP_FIN | TCP_ACK, NULL);
        scene_server_sends(&scene, TCP_FIN | TCP_ACK, NULL);
    } else
        send_reset(62);
    scene_pass(&scene, 5 * SECOND);
    analysis_pass_time(scene.analysis, scene.time_ns); /* and is over */
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

/* A failure that began before the server worked again, and ends when the clock has been set. */
static void story_late_failure(void)
{
    for (int i = 0; i < 5; i++)
        one(false);
    scene_connect(&scene);
    scene_client_sends(&scene, TCP_SYN, NULL);
    struct scene late = scene;
    one(true);
    one(true);
    set_clock();
    late.time_ns = scene.time_ns;
    late.frames = scene.frames;
    struct wire_packet rst = scene_server(&late, TCP_RST | TCP_ACK);
    rst.seq = 0;
    scene_send(&late, &rst);
    scene.frames = late.frames;
    scene_pass(&scene, 5 * SECOND);
    analysis_pass_time(scene.analysis, scene.time_ns);
    set_clock();
    one(true);
}

static void story_udp_gone(void)
{
    struct wire quote = {.length = 0};
    struct wire_packet asked = scene_client(&scene, 0);
    asked.protocol = PROTOCOL_UDP;
    wire_packet(&quote, &asked);
    struct wire_packet error = {.source = scene.server,
                                .target = scene.client,
                                .ttl = 62,
                                .protocol = PROTOCOL_ICMP,
                                .icmp_type = 3,
                                .icmp_code = 3,
                                .payload = quote.bytes,
                                .payload_bytes = quote.length};
    scene_send(&scene, &error);
    set_clock();
    scene_client_sends(&scene, TCP_SYN, NULL);
    send_reset(62);
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
    {"a failure that ends late", story_late_failure},
    {"UDP that is gone", story_udp_gone},
    {"windows", story_windows},
    {"a server that is idle for some minutes", story_idle_server},
};

Test(shift, stories)
{
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++)
        compare_stories(stories[i].name, stories[i].tell, all_words);
}
