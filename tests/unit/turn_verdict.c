/* Servers that begin to fail, or work again, in whole captures. */
#include "tests/unit/scene.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct scene scene;

static void begin_scene(void)
{
    scene_watch(&scene);
}

static void end_scene(void)
{
    scene_end(&scene);
}

TestSuite(turn_verdict, .init = begin_scene, .fini = end_scene);

static void answers(int times)
{
    for (int i = 0; i < times; i++) {
        scene_is_answered(&scene);
        scene_pass(&scene, 1000);
    }
}

static void resets(int times, uint8_t ttl)
{
    for (int i = 0; i < times; i++) {
        scene_is_reset(&scene, ttl);
        scene_pass(&scene, 1000);
    }
}

static void expect(const char *verdict)
{
    cr_assert_str_eq(scene_verdict(&scene), verdict, "\"%s\", not \"%s\"", scene_verdict(&scene), verdict);
}

Test(turn_verdict, one_that_begins_to_fail)
{
    scene_udp(&scene, 1);
    answers(20);
    resets(3, 64);
    expect("rejected intermediary syn-reset proven");
    cr_assert_eq(scene_report(&scene)->client_count, 0, "nobody's flows of before");
}

Test(turn_verdict, one_that_works_again)
{
    resets(20, 64);
    answers(3);
    expect("answered none answered none");
}

Test(turn_verdict, one_that_fails_now_and_then)
{
    for (int i = 0; i < 5; i++) {
        answers(3);
        resets(1, 64);
    }
    cr_assert_eq(scene_report(&scene)->outcome, REPORT_MIXED);
}

Test(turn_verdict, clients_are_told_apart_by_what_they_met_since)
{
    answers(10);
    resets(4, 64);
    scene.client = wire_addr("192.0.2.99");
    answers(2);
    const struct report_server *now = scene_report(&scene);
    cr_assert_eq(now->outcome, REPORT_MIXED);
    cr_assert_eq(now->client_count, 2);
    cr_assert_eq(now->clients[0].outcome, REPORT_REJECTED);
    cr_assert(addr_same(now->clients[0].address, wire_addr("192.0.2.10")));
    cr_assert_eq(now->clients[0].attempts, 1, "the one after the turn");
    cr_assert_eq(now->clients[1].outcome, REPORT_ANSWERED);
    cr_assert_eq(now->clients[1].attempts, 2);
}

/* as a watch sees it: asked again and again, while flows end when they end */

static const char *verdict_so_far(void)
{
    static char text[96];
    static const struct report_source source = {.command = "test", .pcap_version = "none"};
    analysis_pass_time(scene.analysis, scene.time_ns);
    const struct facts *so_far = analysis_so_far(scene.analysis);
    struct report *report = report_build(so_far, analysis_counters(scene.analysis), &source);
    cr_assert_not_null(report);
    snprintf(text, sizeof text, "%s %u:%u", report_outcome_name(report->servers[0].outcome),
             report->servers[0].answered, report->servers[0].rejected + report->servers[0].unanswered);
    report_free(report);
    return text;
}

/* A connection that is answered and left open. */
static void left_open(void)
{
    scene_connect(&scene);
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_NOERROR);
}

Test(turn_verdict, answered_connections_that_stay_open)
{
    for (int i = 0; i < 5; i++) {
        left_open();
        scene_wait(&scene, 1000);
    }
    for (int i = 0; i < 10; i++) {
        resets(1, 64);
        for (int k = 0; k < 9; k++) {
            scene_wait(&scene, 1000);
            const char *verdict = verdict_so_far();
            cr_expect_eq(strncmp(verdict, i < 2 ? "mixed" : "rejected", 5), 0, "%d failures, %d s: %s", i + 1, k + 2,
                         verdict);
        }
    }
}

Test(turn_verdict, one_syn_in_four_is_lost)
{
    for (int i = 0; i < 200; i++) {
        if (i % 4 == 3) {
            scene_connect(&scene);
            scene_client_sends(&scene, TCP_SYN, NULL);
            scene_pass(&scene, 1000);
        } else
            answers(1);
        const char *verdict = verdict_so_far();
        if (i > 50)
            cr_assert_eq(strncmp(verdict, "mixed", 5), 0, "%d s: %s", i, verdict);
    }
    const struct report_server *now = scene_report(&scene);
    cr_assert_eq(now->answered, 150, "%u", now->answered);
    cr_assert_eq(now->unanswered, 49, "%u", now->unanswered); /* and one that is not long enough ago */
    cr_assert_eq(now->tcp->turned_ns, 0);
    cr_assert_neq(now->tcp->first_failure_ns, 0);
}
