/* Verdicts on whole captures, told as stories. */
#include "report/verdict.h"

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

TestSuite(verdict, .init = begin, .fini = end);

static void expect(const char *verdict)
{
    cr_assert_str_eq(scene_verdict(&scene), verdict, "\"%s\", not \"%s\"", scene_verdict(&scene), verdict);
}

static bool found(const char *id)
{
    const struct report_server *server = scene_report(&scene);
    for (unsigned i = 0; i < server->evidence_count; i++)
        if (strcmp(server->evidence[i].rule->id, id) == 0)
            return true;
    return false;
}

static void udp(int times)
{
    for (int i = 0; i < times; i++)
        scene_udp(&scene, (uint16_t)(100 + i));
}

/* Connections that are reset at the SYN by a packet with this TTL. */
static void resets(int times, uint8_t ttl)
{
    for (int i = 0; i < times; i++) {
        scene_client_sends(&scene, TCP_SYN, NULL);
        struct wire_packet rst = scene_server(&scene, RSTACK);
        rst.ttl = ttl;
        rst.seq = 0;
        scene_send(&scene, &rst);
        scene_connect(&scene);
    }
}

static void answers(int times)
{
    for (int i = 0; i < times; i++) {
        scene_handshake(&scene);
        scene_asks(&scene, 1);
        scene_answers(&scene, 1, DNS_NOERROR);
        scene_connect(&scene);
    }
}

Test(verdict, all_is_well)
{
    udp(3);
    answers(3);
    expect("answered none answered none");
    cr_assert_eq(scene.report->exit_status, 0);
}

Test(verdict, a_closed_port)
{
    udp(3);
    resets(3, 62);
    expect("rejected server syn-reset strong");
    cr_assert(found("same-distance"));
    cr_assert_eq(scene.report->exit_status, 1);
}

/* As resets(), so long after the SYN. */
static void late_resets(int times, uint8_t ttl, int64_t ms)
{
    for (int i = 0; i < times; i++) {
        scene_client_sends(&scene, TCP_SYN, NULL);
        scene_wait(&scene, ms - 5);
        struct wire_packet rst = scene_server(&scene, RSTACK);
        rst.ttl = ttl;
        rst.seq = 0;
        scene_send(&scene, &rst);
        scene_connect(&scene);
    }
}

/* Lookups over UDP that take so long. */
static void slow_udp(int times, int64_t ms)
{
    for (int i = 0; i < times; i++) {
        scene_udp_query(&scene, (uint16_t)(100 + i));
        scene_wait(&scene, ms - 5);
        scene_udp_answer(&scene, (uint16_t)(100 + i), false, DNS_NOERROR);
    }
}

Test(verdict, two_hops_nearer_and_sooner_is_a_box)
{
    scene.server_ttl = 58;
    slow_udp(6, 40);
    late_resets(3, 60, 10);
    expect("rejected intermediary syn-reset strong");
}

Test(verdict, two_hops_nearer_after_a_whole_round_trip_may_be_another_route)
{
    scene.server_ttl = 58;
    slow_udp(6, 40);
    late_resets(3, 60, 35);
    expect("rejected undetermined syn-reset none");
    cr_assert(found("nearer-few-samples"));
}

Test(verdict, a_query_never_acknowledged_is_an_indication)
{
    udp(3);
    for (int i = 0; i < 3; i++) {
        scene_handshake(&scene);
        scene_asks(&scene, 1);
        for (int k = 0; k < 3; k++) {
            scene_wait(&scene, 300 << k);
            scene.client_seq -= 31;
            scene_asks(&scene, 1);
        }
        scene_connect(&scene);
    }
    udp(1);
    scene_pass(&scene, 6 * SECOND);
    expect("unanswered intermediary query-unacknowledged indicated");
    cr_assert(found("query-never-acknowledged-host"), "which speaks against it");
}

Test(verdict, a_firewall_at_the_first_hop)
{
    udp(3);
    resets(3, 64);
    expect("rejected intermediary syn-reset proven");
    cr_assert(found("nearer"));
}

Test(verdict, a_single_reset_from_nearer_is_no_proof)
{
    udp(1);
    resets(1, 64);
    expect("rejected intermediary syn-reset indicated");
}

Test(verdict, a_reset_without_anything_to_compare_it_with)
{
    resets(3, 62);
    expect("rejected undetermined syn-reset none");
}

Test(verdict, a_reset_from_farther_away_than_the_server)
{
    udp(3);
    resets(3, 50);
    expect("rejected undetermined syn-reset none");
}

Test(verdict, silence)
{
    udp(3);
    for (int i = 0; i < 3; i++) {
        scene_client_sends(&scene, TCP_SYN, NULL);
        scene_wait(&scene, 6 * SECOND);
        scene_connect(&scene);
    }
    udp(1);
    expect("unanswered undetermined syn-unanswered none");
}

/* A RST in the server's name, and then its real SYN-ACK. */
static void forged_reset(uint8_t ttl)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    struct wire_packet rst = scene_server(&scene, RSTACK);
    rst.seq = 0;
    rst.ttl = ttl;
    scene_send(&scene, &rst);
    scene_server_sends(&scene, SYNACK, NULL);
}

Test(verdict, a_forged_reset)
{
    udp(3);
    forged_reset(64);
    expect("rejected intermediary forged-reset proven");
}

Test(verdict, a_forged_reset_from_the_servers_distance)
{
    udp(3);
    forged_reset(62);
    expect("rejected intermediary forged-reset proven");
    cr_assert_not(found("same-distance"), "a distance that is forged tells nothing");
}

Test(verdict, an_icmp_error_of_a_router)
{
    udp(3);
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_icmp(&scene, "192.0.2.1", 64, 3, 13);
    expect("rejected intermediary icmp-admin-prohibited proven");
    cr_assert_eq(scene.report->intermediary_count, 1);
    cr_assert(addr_same(scene.report->intermediaries[0].address, wire_addr("192.0.2.1")));
}

Test(verdict, an_icmp_error_of_the_server)
{
    udp(3);
    for (int i = 0; i < 3; i++) {
        scene_client_sends(&scene, TCP_SYN, NULL);
        scene_icmp(&scene, "198.51.100.53", 62, 3, 13);
        scene_connect(&scene);
    }
    expect("rejected server icmp-admin-prohibited strong");
}

Test(verdict, unreachable_altogether_is_no_refusal_of_tcp)
{
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_icmp(&scene, "192.0.2.1", 64, 3, 1);
    expect("unanswered undetermined icmp-host-unreachable none");
}

Test(verdict, the_clients_own_filter)
{
    udp(3);
    scene_client_sends(&scene, TCP_SYN, NULL);
    scene_icmp(&scene, "192.0.2.10", 64, 3, 3);
    expect("rejected local local-filter proven");
}

Test(verdict, refused_over_tcp_and_answered_over_udp)
{
    udp(3);
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_REFUSED);
    expect("rejected server error-rcode proven");
}

Test(verdict, refused_over_both_is_an_answer)
{
    for (uint16_t i = 0; i < 3; i++) {
        scene_udp_query(&scene, i);
        scene_udp_answer(&scene, i, false, DNS_REFUSED);
    }
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_REFUSED);
    expect("answered none answered none");
}

Test(verdict, some_are_answered_and_some_are_reset_on_the_way)
{
    udp(3);
    answers(5);
    resets(5, 64);
    expect("mixed intermediary syn-reset proven");
}

Test(verdict, one_lost_among_hundreds)
{
    answers(300);
    resets(1, 64);
    cr_assert_eq(scene_report(&scene)->outcome, REPORT_ANSWERED);
}

Test(verdict, two_causes_of_equal_share)
{
    udp(3);
    for (int i = 0; i < 5; i++) {
        scene_client_sends(&scene, TCP_SYN, NULL);
        scene_icmp(&scene, "192.0.2.1", 64, 3, 13);
        scene_connect(&scene);
        scene_client_sends(&scene, TCP_SYN, NULL);
        scene_icmp(&scene, "192.0.2.10", 64, 3, 3);
        scene_connect(&scene);
    }
    cr_assert_eq(scene_report(&scene)->judgement.culprit, CULPRIT_UNDETERMINED);
    cr_assert_eq(scene_report(&scene)->outcome, REPORT_REJECTED);
}

/*
 * At the server the RST leaves with an untouched TTL, so it is the host's own; but then the host goes on with the
 * connection, so the RST is forged. Each is proof by itself.
 */
Test(verdict, conclusive_rules_that_contradict_one_another)
{
    scene.client_ttl = 60;
    scene.server_ttl = 64;
    udp(3);
    forged_reset(64);
    expect("rejected undetermined forged-reset none");
    cr_assert(found("rst-contradicted"));
    cr_assert(found("own-host-rejects"));
    struct crowd crowd = {.edge_networks = 0};
    struct verdict verdict = verdict_of(analysis_facts(scene.analysis), scene_facts(&scene), 0, &crowd);
    cr_assert(verdict.contested);
}

Test(verdict, servers_of_many_networks_that_fail_alike)
{
    static const char *const servers[] = {"198.51.100.53", "203.0.113.53", "192.88.99.1", "233.252.0.1"};
    for (size_t i = 0; i < 4; i++) {
        scene.server = wire_addr(servers[i]);
        resets(2, 64);
    }
    cr_assert_eq(scene_report(&scene)->judgement.culprit, CULPRIT_INTERMEDIARY);
    cr_assert(found("same-edge"));
}

Test(verdict, nothing_was_asked_over_tcp)
{
    udp(3);
    expect("none none none none");
    cr_assert_eq(scene.report->exit_status, 3);
}

Test(verdict, clients_that_went_away)
{
    scene_handshake(&scene);
    scene_client_sends(&scene, FINACK, NULL);
    expect("client-aborted none client-aborted none");
    cr_assert_eq(scene.report->exit_status, 3);
}

Test(verdict, one_client_is_rejected_and_another_is_not)
{
    udp(3);
    answers(3);
    scene.client = wire_addr("192.0.2.99");
    resets(3, 64);
    const struct report_server *server = scene_report(&scene);
    cr_assert_eq(server->outcome, REPORT_MIXED);
    cr_assert_eq(server->client_count, 2);
    cr_assert_eq(server->clients[0].outcome, REPORT_REJECTED);
    cr_assert(addr_same(server->clients[0].address, wire_addr("192.0.2.99")));
    cr_assert_eq(server->clients[1].outcome, REPORT_ANSWERED);
}

Test(verdict, the_worst_server_comes_first)
{
    answers(1);
    scene.server = wire_addr("203.0.113.53");
    resets(3, 64);
    scene_report(&scene);
    cr_assert_eq(scene.report->server_count, 2);
    cr_assert_eq(scene.report->servers[0].outcome, REPORT_REJECTED);
    cr_assert_eq(scene.report->servers[1].outcome, REPORT_ANSWERED);
}

Test(verdict, an_empty_capture)
{
    static const struct report_source source = {.command = "test", .pcap_version = "none"};
    analysis_finish(scene.analysis);
    scene.report = report_build(analysis_facts(scene.analysis), analysis_counters(scene.analysis), &source);
    cr_assert_not_null(scene.report);
    cr_assert_eq(scene.report->server_count, 0);
    cr_assert_eq(scene.report->exit_status, 3);
}

Test(verdict, every_verdict_is_put_into_words)
{
    udp(3);
    resets(3, 64);
    const struct report_server *server = scene_report(&scene);
    cr_assert(server->headline && *server->headline);
    cr_assert(server->explanation && *server->explanation);
    cr_assert_null(strpbrk(server->headline, "{}"));
    cr_assert_null(strpbrk(server->explanation, "{}"));
    for (unsigned i = 0; i < server->advice_count; i++)
        cr_expect_null(strpbrk(server->advice[i], "{}"), "%s", server->advice[i]);
}
