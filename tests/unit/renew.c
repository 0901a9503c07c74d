/* Windows of a capture that goes on for weeks: what begins anew, what lives on, and what is forgotten. */
#include "tests/unit/scene.h"

#include <criterion/criterion.h>

enum { SECOND = 1000, HOUR = 3600 * SECOND };

static struct scene scene;

static void begin(void)
{
    scene_watch(&scene);
}

static void end(void)
{
    scene_end(&scene);
}

TestSuite(renew, .init = begin, .fini = end);

/* As of the latest packet: some wait in the analysis for others. */
static const struct server *server(void)
{
    analysis_pass_time(scene.analysis, analysis_now_ns(scene.analysis));
    const struct server *seen = facts_server_seen(analysis_facts(scene.analysis), scene.server, scene.server_port);
    cr_assert_not_null(seen);
    return seen;
}

static const struct tcp_facts *tcp(void)
{
    return facts_tcp_seen(analysis_facts(scene.analysis), server());
}

static uint32_t attempts_so_far(void)
{
    const struct facts *facts = analysis_so_far(scene.analysis);
    return facts_tcp_seen(facts, facts_server_seen(facts, scene.server, scene.server_port))->attempts;
}

static void resets(int times, uint8_t ttl)
{
    for (int i = 0; i < times; i++)
        scene_is_reset(&scene, ttl);
}

static void answers(int times)
{
    for (int i = 0; i < times; i++)
        scene_is_answered(&scene);
}

/* Goes on for so long, without a packet, and begins another window. */
static void next_window(int64_t ms)
{
    scene_wait(&scene, ms);
    analysis_pass_time(scene.analysis, scene.time_ns);
    analysis_renew(scene.analysis);
}

static bool is_all_zero(const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (((const uint8_t *)bytes)[i] != 0)
            return false;
    return true;
}

/* counts */

Test(renew, counts_begin_anew)
{
    scene_udp(&scene, 1);
    scene_udp_query(&scene, 2);
    scene_udp_answer(&scene, 2, true, DNS_NOERROR);
    scene_udp_query(&scene, 3);
    scene_udp_answer(&scene, 3, false, DNS_REFUSED);
    answers(4);
    resets(2, 64);
    next_window(10 * SECOND);
    const struct facts *facts = analysis_facts(scene.analysis);
    uint32_t lost, position = 0, index = (uint32_t)(server() - facts_server_at(facts, 0));
    cr_assert_eq(server()->udp_queries + server()->udp_answers + server()->udp_truncated + server()->udp_refused, 0);
    cr_assert_eq(tcp()->attempts, 0);
    cr_assert(is_all_zero(tcp()->outcomes, sizeof tcp()->outcomes));
    cr_assert(is_all_zero(tcp()->earlier, sizeof tcp()->earlier));
    cr_assert_eq(tcp()->endings.count, 0);
    cr_assert_eq(tcp()->first_failure_ns, 0);
    cr_assert_null(facts_next_client(facts, index, &position));
    facts_lost(facts, &lost);
    cr_assert_eq(lost, 0);
    struct analysis_counters counters = analysis_counters(scene.analysis), totals = analysis_totals(scene.analysis);
    cr_assert(is_all_zero(&counters, sizeof counters));
    cr_assert_eq(totals.frames, scene.frames);
    cr_assert_eq(totals.flows.flows, 6);
}

Test(renew, a_window_counts_its_own)
{
    answers(4);
    next_window(10 * SECOND);
    answers(2);
    resets(1, 62);
    cr_assert_eq(attempts_so_far(), 2, "a failure waits for what may contradict it");
    cr_assert_eq(analysis_counters(scene.analysis).flows.flows, 3);
    scene_wait(&scene, SECOND);
    analysis_pass_time(scene.analysis, scene.time_ns);
    cr_assert_eq(attempts_so_far(), 3);
    cr_assert_eq(tcp()->endings.count, 0, "none of them is over");
}

Test(renew, lost_lookups_are_those_of_the_window)
{
    scene_udp_query(&scene, 1);
    scene_udp_answer(&scene, 1, true, DNS_NOERROR);
    resets(1, 62);
    next_window(5 * SECOND);
    scene_udp_query(&scene, 2);
    scene_udp_answer(&scene, 2, true, DNS_NOERROR);
    resets(1, 62);
    scene_pass(&scene, SECOND);
    uint32_t count;
    const struct lost_lookup *lost = facts_lost(analysis_so_far(scene.analysis), &count);
    cr_assert_eq(count, 1);
    cr_assert_eq(lost[0].attempts, 1, "%u", lost[0].attempts);
    cr_assert(lost[0].truncated_udp);
    scene_finish(&scene);
    lost = facts_lost(analysis_facts(scene.analysis), &count);
    cr_assert_eq(count, 1, "so it is for good");
    cr_assert_eq(lost[0].attempts, 1);
}

/* what measures a server */

Test(renew, references_and_delays_live_on)
{
    for (uint16_t i = 0; i < 100; i++) {
        scene_udp_query(&scene, i);
        scene_wait(&scene, 35);
        scene_udp_answer(&scene, i, false, i % 2 ? DNS_REFUSED : DNS_NOERROR);
    }
    answers(3);
    for (int i = 0; i < 50; i++)
        next_window(300 * SECOND);
    cr_assert_eq(server()->references[REFERENCE_UDP_ANSWER].seen[0].ttl, 62);
    cr_assert_eq(server()->references[REFERENCE_UDP_ANSWER].seen[0].count, 64, "so that newer ones weigh more soon");
    cr_assert_eq(server()->references[REFERENCE_SYNACK].seen[0].count, 3);
    cr_assert_eq(tcp()->client_ttl.seen[0].ttl, 64);
    cr_assert_eq(server()->udp_rtt.count, 100);
    cr_assert_eq(delays_median_us(&server()->udp_rtt), 40000);
    cr_assert_eq(tcp()->handshake.count, 3);
    cr_assert_eq(delays_median_us(&tcp()->handshake), 5000);
    resets(3, 64);
    cr_assert_str_eq(scene_verdict(&scene), "rejected intermediary syn-reset proven");
}

Test(renew, the_least_delay_is_that_of_the_latest)
{
    scene_udp(&scene, 1);
    cr_assert_eq(server()->udp_rtt.least_us, 5000);
    for (uint16_t i = 2; i < 2 + FACTS_DELAYS; i++) {
        scene_udp_query(&scene, i);
        scene_wait(&scene, 75);
        scene_udp_answer(&scene, i, false, DNS_NOERROR);
    }
    cr_assert_eq(server()->udp_rtt.least_us, 5000);
    next_window(300 * SECOND);
    cr_assert_eq(server()->udp_rtt.least_us, 80000, "a longer way now");
}

Test(renew, what_udp_said_of_a_question_is_known)
{
    scene_udp_query(&scene, 1);
    scene_udp_answer(&scene, 1, false, DNS_NOERROR);
    next_window(300 * SECOND);
    answers(1);
    scene_connect(&scene);
    scene_handshake(&scene);
    scene_asks(&scene, 1);
    scene_answers(&scene, 1, DNS_REFUSED);
    cr_assert_eq(scene_report(&scene)->rejected, 1, "refused over TCP only");
}

/* How many windows of other packets an old distance is remembered. */
Test(renew, a_distance_that_is_not_heard_any_more_is_forgotten)
{
    scene_udp(&scene, 1);
    for (int i = 0; i < 20; i++)
        next_window(300 * SECOND); /* silence says nothing */
    scene.server_ttl = 58;
    for (int windows = 0; windows < 3; windows++) {
        cr_assert_eq(server()->references[REFERENCE_UDP_ANSWER].seen[0].ttl, 62, "after %d windows", windows);
        scene_udp(&scene, 2);
        next_window(300 * SECOND);
    }
    cr_assert_eq(server()->references[REFERENCE_UDP_ANSWER].seen[0].ttl, 58);
    cr_assert_eq(server()->references[REFERENCE_UDP_ANSWER].seen[1].count, 0);
}

/* Packets of all kinds. */
static void some_of_each(void)
{
    scene_udp(&scene, 1);
    answers(1);
    scene_pass(&scene, SECOND);
}

Test(renew, all_distances_age)
{
    some_of_each();
    scene.client_ttl = 60;
    scene.server_ttl = 58;
    for (int i = 0; i < 4; i++) {
        next_window(300 * SECOND);
        some_of_each();
    }
    const struct ttl_set *of_server[] = {&server()->references[REFERENCE_UDP_ANSWER],
                                         &server()->references[REFERENCE_TCP_ANSWER],
                                         &server()->references[REFERENCE_SYNACK]};
    const struct ttl_set *of_client[] = {&server()->client_ttl, &tcp()->client_ttl,
                                         &facts_host(analysis_facts(scene.analysis), scene.client)->ttl};
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(of_server[i]->seen[0].ttl, 58, "set %zu", i);
        cr_expect_eq(of_server[i]->seen[1].count, 0, "set %zu", i);
        cr_expect_eq(of_client[i]->seen[0].ttl, 60, "set %zu", i);
        cr_expect_eq(of_client[i]->seen[1].count, 0, "set %zu", i);
    }
}

Test(renew, a_distance_that_is_heard_now_and_then_stays)
{
    for (int i = 0; i < 30; i++) {
        scene.server_ttl = i % 3 ? 62 : 58;
        scene_udp(&scene, 1);
        next_window(300 * SECOND);
    }
    cr_assert_neq(server()->references[REFERENCE_UDP_ANSWER].seen[1].count, 0);
}

Test(renew, a_route_that_changes)
{
    static const uint8_t ttls[] = {62, 61, 60, 59, 58, 57};
    for (size_t i = 0; i < sizeof ttls; i++) {
        scene.server_ttl = ttls[i];
        scene_udp(&scene, 1);
    }
    cr_assert_eq(server()->references[REFERENCE_UDP_ANSWER].other, 2);
    scene.server_ttl = 50;
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 3; k++)
            scene_udp(&scene, 1);
        next_window(300 * SECOND);
        cr_assert_eq(server()->references[REFERENCE_UDP_ANSWER].other, 0, "counted anew in each window");
    }
    cr_assert_eq(server()->references[REFERENCE_UDP_ANSWER].seen[0].ttl, 50, "TTL %u",
                 server()->references[REFERENCE_UDP_ANSWER].seen[0].ttl);
    cr_assert_eq(server()->references[REFERENCE_UDP_ANSWER].seen[1].count, 0);
}

/* flows and windows */

Test(renew, what_is_under_way_belongs_to_the_next_window)
{
    scene_connect(&scene);
    scene_client_sends(&scene, TCP_SYN, NULL);
    next_window(SECOND);
    cr_assert_eq(attempts_so_far(), 0);
    struct wire_packet rst = scene_server(&scene, TCP_RST | TCP_ACK);
    rst.seq = 0;
    scene_send(&scene, &rst);
    scene_pass(&scene, SECOND);
    cr_assert_eq(attempts_so_far(), 1);
    next_window(SECOND);
    cr_assert_eq(attempts_so_far(), 0, "counted once");
}

static unsigned over; /* flows that the observer was told of */

static void take_packet(void *context, const struct flow_key *key, const struct packet *packet, bool from_server)
{
    (void)context, (void)key, (void)packet, (void)from_server;
}

static void take_end(void *context, const struct flow *flow, const struct flow_end *how)
{
    (void)context, (void)flow, (void)how;
    over++;
}

Test(renew, what_is_closed_belongs_to_the_window_that_ends)
{
    static const struct analysis_observer observer = {NULL, take_packet, take_end, NULL};
    static const struct analysis_options options = {.live = true, .observer = &observer};
    analysis_free(scene.analysis);
    scene.analysis = analysis_new(&options);
    resets(2, 62);
    answers(1);
    cr_assert_eq(over, 0, "they linger");
    next_window(0);
    cr_assert_eq(over, 1, "what may be contradicted yet is of the next window");
    next_window(400);
    cr_assert_eq(over, 3);
    cr_assert_eq(attempts_so_far(), 0);
    scene_finish(&scene);
    cr_assert_eq(over, 3, "each of them once");
}

/* servers */

/* Reads the latest window's reference and the flows that were ever folded. */
static void expect_server(const char *address, uint8_t ttl, uint32_t handshakes)
{
    scene.server = wire_addr(address);
    cr_assert_not_null(tcp(), "%s has lost its place", address);
    cr_expect_eq(tcp()->handshake.count, handshakes, "%s: %u", address, tcp()->handshake.count);
    cr_expect_eq(server()->references[REFERENCE_SYNACK].seen[0].ttl, ttl, "%s", address);
}

static void ask(const char *address, uint8_t ttl)
{
    scene.server = wire_addr(address);
    scene.server_ttl = ttl;
    answers(1);
}

Test(renew, servers_that_nobody_asks_over_tcp_lose_their_place)
{
    ask("198.51.100.1", 61);
    ask("198.51.100.2", 62);
    ask("198.51.100.3", 63);
    ask("198.51.100.4", 64);
    scene_udp(&scene, 1);
    for (int i = 0; i < 8; i++) {
        next_window(HOUR);
        ask("198.51.100.2", 62);
        ask("198.51.100.4", 64);
        scene.server = wire_addr("198.51.100.1");
        scene_udp(&scene, 2);
        cr_assert_eq(tcp() == NULL, i >= 5, "after %d hours", i + 1);
    }
    scene.server = wire_addr("198.51.100.3");
    cr_assert_null(tcp());
    expect_server("198.51.100.2", 62, 8);
    expect_server("198.51.100.4", 64, 8);
    next_window(10 * SECOND);
    expect_server("198.51.100.2", 62, 9);
    expect_server("198.51.100.4", 64, 9);
    ask("198.51.100.1", 61);
    next_window(10 * SECOND);
    expect_server("198.51.100.1", 61, 1);
    cr_assert_eq(tcp()->client_ttl.seen[0].count, 1, "it is a new one there");
    expect_server("198.51.100.4", 64, 9);
}

Test(renew, a_server_that_is_being_asked_keeps_its_place)
{
    scene_connect(&scene);
    scene_handshake(&scene);
    for (int i = 0; i < 8 * 60; i++) {
        scene_wait(&scene, 60 * SECOND);
        scene_asks(&scene, 1);
        scene_answers(&scene, 1, DNS_NOERROR);
        next_window(0);
    }
    cr_assert_not_null(tcp());
    scene_expect(&scene, "answered answered");
}
