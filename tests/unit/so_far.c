/* What is known so far: what finishing would give, and asking for it changes nothing. */
#include "tests/unit/played.h"
#include "tests/unit/scene.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ParameterizedTestParameters(so_far, asking_changes_nothing)
{
    return sample_params(false);
}

ParameterizedTest(struct sample *sample, so_far, asking_changes_nothing)
{
    struct moment moments[PLAYED_PARTS - 1];
    for (unsigned i = 0; i < PLAYED_PARTS - 1; i++)
        moments[i] = (struct moment){.what = MOMENT_ASK, .part = i + 1};
    played_same(sample->path, played_to_end(sample->path, NULL, 0),
                played_to_end(sample->path, moments, PLAYED_PARTS - 1));
}

static struct json_object *part_of(struct json_object *object, const char *key)
{
    struct json_object *part = NULL;
    cr_assert(json_object_object_get_ex(object, key, &part), "%s is missing", key);
    return part;
}

/* How many flows of a report were not captured whole. */
static int count_incomplete(const char *text)
{
    struct json_object *report = json_tokener_parse(text), *servers = part_of(report, "servers");
    int count = 0;
    for (size_t i = 0; i < json_object_array_length(servers); i++) {
        struct json_object *tcp = part_of(json_object_array_get_idx(servers, i), "tcp");
        count += json_object_get_int(part_of(tcp, "incomplete"));
    }
    json_object_put(report);
    return count;
}

static int order_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A line for each server, in order of them: how its flows came out, and what was lost. Frees the report's text. */
static char *counts_of(char *text)
{
    static const char *const counts[] = {"attempts",       "answered",      "rejected",    "unanswered",
                                         "client_aborted", "first_failure", "last_failure"};
    struct json_object *report = json_tokener_parse(text), *servers = part_of(report, "servers");
    size_t server_count = json_object_array_length(servers), size;
    char **lines = calloc(server_count + 1, sizeof *lines), *all;
    for (size_t i = 0; i < server_count; i++) {
        struct json_object *server = json_object_array_get_idx(servers, i), *tcp = part_of(server, "tcp");
        FILE *out = open_memstream(&lines[i], &size);
        fprintf(out, "%s port %s %s", json_object_get_string(part_of(server, "address")),
                json_object_get_string(part_of(server, "port")), json_object_get_string(part_of(server, "outcome")));
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
            fprintf(out, " %s %s", counts[k], json_object_get_string(part_of(tcp, counts[k])));
        fprintf(out, " lost %s\n", json_object_get_string(part_of(server, "lookups_lost")));
        fclose(out);
    }
    qsort(lines, server_count, sizeof *lines, order_texts);
    FILE *out = open_memstream(&all, &size);
    for (size_t i = 0; i < server_count; i++) {
        fputs(lines[i], out);
        free(lines[i]);
    }
    fclose(out);
    free(lines);
    free(text);
    json_object_put(report);
    return all;
}

ParameterizedTestParameters(so_far, what_finishing_gives)
{
    return sample_params(false);
}

ParameterizedTest(struct sample *sample, so_far, what_finishing_gives)
{
    for (unsigned part = 1; part <= PLAYED_PARTS; part++) {
        struct analysis *asked = played_begin(sample->path, part, NULL, 0);
        struct analysis *finished = played_begin(sample->path, part, NULL, 0);
        int64_t settled_ns = analysis_now_ns(asked) + FLOW_SETTLE_NS;
        analysis_pass_time(asked, settled_ns);
        analysis_pass_time(finished, settled_ns);
        struct analysis_counters counters = analysis_counters(asked);
        analysis_finish(finished);
        char *expected = played_report(analysis_facts(finished), counters);
        char *got = played_report(analysis_so_far(asked), counters);
        if (count_incomplete(expected) == 0)
            played_same(sample->path, expected, got);
        else /* whose timelines and distances are missing */
            played_same(sample->path, counts_of(expected), counts_of(got));
        analysis_free(asked);
        analysis_free(finished);
    }
}

/* when a failure counts */

static struct scene scene;
static unsigned failing; /* flows that the observer was told of */

static void take_packet(void *context, const struct flow_key *key, const struct packet *packet, bool from_server)
{
    (void)context, (void)key, (void)packet, (void)from_server;
}

static void take_end(void *context, const struct flow *flow, const struct flow_end *how)
{
    (void)context, (void)flow, (void)how;
}

static void take_failing(void *context, const struct flow *flow, const struct flow_end *how)
{
    (void)context;
    cr_assert_eq(flow->record.client_port, scene.client_port);
    cr_assert(how->outcome == OUTCOME_REJECTED || how->outcome == OUTCOME_UNANSWERED);
    failing++;
}

static void begin(void)
{
    static const struct analysis_observer observer = {NULL, take_packet, take_end, take_failing};
    static const struct analysis_options options = {.live = true, .observer = &observer};
    scene_begin(&scene);
    analysis_free(scene.analysis);
    scene.analysis = analysis_new(&options);
    failing = 0;
}

static void end(void)
{
    scene_end(&scene);
}

TestSuite(so_far_scene, .init = begin, .fini = end);

/* Lets time pass until so long after the latest frame, and asks how many flows have failed. */
static void expect_failed(int64_t ms, unsigned count)
{
    analysis_pass_time(scene.analysis, scene.time_ns - 5 * 1000000 + ms * 1000000);
    failing = 0;
    const struct facts *facts = analysis_so_far(scene.analysis);
    const struct server *server = facts_server_seen(facts, scene.server, scene.server_port);
    const struct tcp_facts *tcp = facts_tcp_seen(facts, server);
    cr_expect_eq(tcp->outcomes[OUTCOME_REJECTED] + tcp->outcomes[OUTCOME_UNANSWERED], count, "after %d ms", (int)ms);
    cr_expect_eq(failing, count, "after %d ms", (int)ms);
}

Test(so_far_scene, a_reset_counts_when_nothing_contradicts_it)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    struct wire_packet rst = scene_server(&scene, TCP_RST | TCP_ACK);
    rst.seq = 0;
    scene_send(&scene, &rst);
    expect_failed(0, 0);
    expect_failed(399, 0);
    expect_failed(400, 1);
    expect_failed(2000, 1);
    scene_finish(&scene);
    cr_assert_eq(scene_tcp(&scene)->outcomes[OUTCOME_REJECTED], 1, "once");
}

Test(so_far_scene, silence_counts_after_a_while)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    expect_failed(4999, 0);
    expect_failed(5000, 1);
    scene_server_sends(&scene, TCP_SYN | TCP_ACK, NULL);
    expect_failed(0, 0);
    cr_assert_eq(scene_tcp(&scene)->outcomes[OUTCOME_UNANSWERED], 0, "it was answered after all");
}

Test(so_far_scene, silence_counts_when_the_client_has_tried_again)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    expect_failed(900, 0);
    scene_wait(&scene, 995);
    scene.client_seq--;
    scene_client_sends(&scene, TCP_SYN, NULL);
    expect_failed(0, 1);
    scene_server_sends(&scene, TCP_SYN | TCP_ACK, NULL);
    expect_failed(0, 0);
}

Test(so_far_scene, an_answer_counts_at_once)
{
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NOERROR);
    expect_failed(0, 0);
    const struct facts *facts = analysis_so_far(scene.analysis);
    const struct server *server = facts_server_seen(facts, scene.server, scene.server_port);
    cr_assert_eq(facts_tcp_seen(facts, server)->outcomes[OUTCOME_ANSWERED], 1);
    cr_assert_eq(facts_tcp_seen(analysis_facts(scene.analysis), server)->attempts, 0, "it may go on");
}
