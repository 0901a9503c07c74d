/* What is counted in which window of a capture that goes on. */
#include "tests/unit/scene.h"

#include <criterion/criterion.h>

static struct scene scene;

static void begin(void)
{
    scene_begin(&scene);
}

static void end(void)
{
    scene_end(&scene);
}

TestSuite(windows, .init = begin, .fini = end);

/* A connection that is refused. */
static void refuse(void)
{
    scene_connect(&scene);
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_server_sends(&scene, TCP_RST | TCP_ACK, NULL);
}

static void pass(int64_t ms)
{
    scene_wait(&scene, ms);
    analysis_pass_time(scene.analysis, scene.time_ns);
}

/* The window ends. How many attempts were in it, by what is judged of it. */
static uint32_t end_window(void)
{
    const struct facts *facts = analysis_so_far(scene.analysis);
    const struct server *server = facts_server_seen(facts, scene.server, scene.server_port);
    const struct tcp_facts *tcp = server ? facts_tcp_seen(facts, server) : NULL;
    uint32_t attempts = tcp ? tcp->attempts : 0;
    analysis_renew(scene.analysis);
    return attempts;
}

Test(windows, a_failure_is_in_the_one_in_which_it_came)
{
    refuse();
    pass(1000);
    cr_expect_eq(end_window(), 1);
    pass(1000);
    cr_expect_eq(end_window(), 0);
}

Test(windows, a_failure_at_the_end_is_in_the_next_one)
{
    refuse();
    pass(100);
    cr_expect_eq(end_window(), 0, "it may be contradicted yet");
    pass(1000);
    cr_expect_eq(end_window(), 1);
    pass(5000);
    cr_expect_eq(end_window(), 0, "it was counted twice");
}

Test(windows, each_failure_is_in_one)
{
    uint32_t counted = 0;
    for (int i = 0; i < 60; i++) {
        refuse();
        pass(40);
        if (i % 7 == 6)
            counted += end_window();
    }
    pass(5000);
    counted += end_window();
    cr_expect_eq(counted, 60, "%u", counted);
}

Test(windows, an_icmp_error_is_in_one_while_its_flow_is_under_way)
{
    uint32_t counted = 0;
    scene_connect(&scene);
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_icmp(&scene, "192.0.2.1", 64, 3, 13);
    for (int i = 0; i < 60; i++) {
        pass(1000);
        counted += end_window();
    }
    cr_expect_eq(counted, 1, "%u", counted);
}

Test(windows, silence_is_in_one_and_a_late_answer_in_another)
{
    uint32_t counted = 0;
    scene_connect(&scene);
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_server_sends(&scene, TCP_ACK, NULL);
    for (int i = 0; i < 30; i++) {
        pass(1000);
        counted += end_window();
    }
    cr_expect_eq(counted, 1, "%u", counted);
    scene_answers(&scene, 1, 0);
    pass(1000);
    cr_expect_eq(end_window(), 1, "the answer is not counted");
}
