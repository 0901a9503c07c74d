/* Facts: small samples, and tables that have their size for life and count what did not fit. */
#include "dissect/facts.h"
#include "dissect/flow.h"

#include "tests/unit/wire.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { MS = 1000000 };

static struct frame_ref ref(uint64_t number)
{
    return (struct frame_ref){.number = number & 0xffffffffffff};
}

static struct addr address(uint32_t number)
{
    uint8_t bytes[4] = {(uint8_t)(10 + (number >> 24)), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                        (uint8_t)number};
    return addr_v4(bytes);
}

Test(ttl_set, counts_each_value_and_keeps_its_first_frame)
{
    struct ttl_set set = {.other = 0};
    ttl_set_add(&set, 62, ref(5));
    ttl_set_add(&set, 64, ref(6));
    ttl_set_add(&set, 62, ref(7));
    cr_assert_eq(set.seen[0].ttl, 62);
    cr_assert_eq(set.seen[0].count, 2);
    cr_assert_eq(set.seen[0].first.number, 5);
    cr_assert_eq(set.seen[1].ttl, 64);
    cr_assert_eq(set.seen[1].count, 1);
    cr_assert_eq(set.other, 0);
}

Test(ttl_set, further_values_are_only_counted)
{
    struct ttl_set set = {.other = 0};
    for (unsigned ttl = 1; ttl <= FACTS_TTLS + 3; ttl++)
        ttl_set_add(&set, (uint8_t)ttl, ref(ttl));
    cr_assert_eq(set.other, 3);
    ttl_set_add(&set, 1, ref(99));
    cr_assert_eq(set.seen[0].count, 2);
    cr_assert_eq(set.seen[0].first.number, 1);
}

Test(ttl_set, ttl_0_is_a_value_like_any_other)
{
    struct ttl_set set = {.other = 0};
    ttl_set_add(&set, 0, ref(1));
    ttl_set_add(&set, 0, ref(2));
    cr_assert_eq(set.seen[0].count, 2);
    cr_assert_eq(set.seen[1].count, 0);
}

Test(delays, none)
{
    struct delays delays = {.count = 0};
    cr_assert_eq(delays_median_us(&delays), 0);
}

Test(delays, the_least_and_the_middle)
{
    static const int64_t values[] = {50, 10, 40, 20, 30};
    struct delays delays = {.count = 0};
    for (size_t i = 0; i < 5; i++)
        delays_add(&delays, values[i] * MS);
    cr_assert_eq(delays.least_us, 10000);
    cr_assert_eq(delays_median_us(&delays), 30000);
    delays_add(&delays, 60 * MS);
    cr_assert_eq(delays_median_us(&delays), 40000, "of an even number the upper one");
}

Test(delays, only_the_latest_count_for_the_middle)
{
    struct delays delays = {.count = 0};
    delays_add(&delays, 1 * MS);
    for (int i = 0; i < FACTS_DELAYS; i++)
        delays_add(&delays, 9 * MS);
    cr_assert_eq(delays.least_us, 1000, "the least is of all");
    cr_assert_eq(delays_median_us(&delays), 9000);
    cr_assert_eq(delays.count, FACTS_DELAYS + 1);
}

Test(delays, what_cannot_be_is_kept_within_bounds)
{
    struct delays delays = {.count = 0};
    delays_add(&delays, -5 * MS); /* frames out of order */
    cr_assert_eq(delays.least_us, 0);
    delays_add(&delays, INT64_MAX);
    cr_assert_eq(delays.recent_us[1], UINT32_MAX);
}

Test(facts, a_server_is_found_again)
{
    struct facts *facts = facts_new();
    uint32_t one = facts_server(facts, address(1), 53, 100), two = facts_server(facts, address(1), 5353, 100);
    cr_assert_neq(one, two);
    cr_assert_eq(facts_server(facts, address(1), 53, 200), one);
    cr_assert_eq(facts_server_at(facts, one)->first_ns, 100);
    cr_assert_eq(facts_server_at(facts, one)->last_ns, 200);
    cr_assert_null(facts_tcp_seen(facts, facts_server_at(facts, one)), "looking makes no TCP facts");
    cr_assert_not_null(facts_tcp(facts, one));
    cr_assert_not_null(facts_tcp_seen(facts, facts_server_at(facts, one)));
    facts_free(facts);
}

static uint32_t count_servers(const struct facts *facts)
{
    uint32_t count = 0;
    for (uint32_t i = facts_next_server(facts, 0); i != FACTS_NONE; i = facts_next_server(facts, i + 1))
        count++;
    return count;
}

Test(facts, more_servers_than_fit_push_out_the_idle)
{
    struct facts *facts = facts_new();
    enum { MANY = FACTS_SERVERS * 2 };
    for (uint32_t i = 0; i < MANY; i++)
        facts_server(facts, address(i), 53, i);
    struct facts_refused refused = facts_refused(facts);
    cr_assert_eq(refused.servers_evicted + count_servers(facts), MANY, "each is here or counted");
    cr_assert_eq(refused.servers, 0);
    uint32_t latest = facts_server(facts, address(MANY - 1), 53, MANY);
    cr_assert_eq(facts_server_at(facts, latest)->first_ns, MANY - 1, "the latest stays");
    facts_free(facts);
}

Test(facts, servers_that_were_asked_over_tcp_are_not_pushed_out)
{
    struct facts *facts = facts_new();
    for (uint32_t i = 0; i < 100; i++)
        facts_tcp(facts, facts_server(facts, address(i), 53, 1));
    for (uint32_t i = 100; i < FACTS_SERVERS * 4; i++)
        facts_server(facts, address(i), 53, 1 + i);
    for (uint32_t i = 0; i < 100; i++)
        cr_expect_eq(facts_server_at(facts, facts_server(facts, address(i), 53, 9))->first_ns, 1);
    facts_free(facts);
}

Test(facts, more_tcp_servers_than_fit_are_counted)
{
    struct facts *facts = facts_new();
    for (uint32_t i = 0; i < FACTS_TCP_SERVERS + 7; i++) {
        uint32_t server = facts_server(facts, address(i), 53, 1);
        struct tcp_facts *tcp = server == FACTS_NONE ? NULL : facts_tcp(facts, server);
        cr_expect_eq(tcp == NULL, i >= FACTS_TCP_SERVERS, "server %u", i);
    }
    cr_assert_eq(facts_refused(facts).servers, 7);
    facts_free(facts);
}

/* A flow of one client that ended in a RST. */
static struct flow *flow_of(uint32_t server, uint32_t client)
{
    struct flow *flow = calloc(1, sizeof *flow);
    cr_assert_not_null(flow);
    memset(flow->record.at, FLOW_UNSEEN, sizeof flow->record.at);
    flow->record.decisive = FLOW_UNSEEN;
    flow->record.client = address(client);
    flow->server = server;
    return flow;
}

static void fold(struct facts *facts, uint32_t server, uint32_t client, uint8_t ttl, enum flow_outcome outcome)
{
    struct flow *flow = flow_of(server, client);
    struct flow_end end = {.mechanism = outcome == OUTCOME_REJECTED ? MECHANISM_SYN_RESET : MECHANISM_ANSWERED,
                           .outcome = (uint8_t)outcome,
                           .ttl = ttl};
    facts_flow(facts, flow, &end);
    free(flow);
}

Test(facts, flows_that_ended_alike_share_an_ending)
{
    struct facts *facts = facts_new();
    uint32_t server = facts_server(facts, address(1), 53, 1);
    for (uint32_t i = 0; i < 1000; i++)
        fold(facts, server, 7, i % 2 ? 62 : 64, OUTCOME_REJECTED);
    const struct tcp_facts *tcp = facts_tcp(facts, server);
    cr_assert_eq(tcp->endings.count, 2);
    cr_assert_eq(tcp->endings.rows[0].count, 500);
    cr_assert_eq(tcp->endings.rows[1].count, 500);
    cr_assert_not_null(facts_exemplar(facts, tcp->endings.rows[0].exemplar));
    cr_assert_null(facts_exemplar(facts, FACTS_NONE));
    facts_free(facts);
}

Test(facts, more_kinds_of_ends_than_fit_are_counted)
{
    struct facts *facts = facts_new();
    uint32_t server = facts_server(facts, address(1), 53, 1);
    enum { APART = FACTS_ENDINGS - FLOW_OUTCOMES, MORE = 9 };
    for (uint32_t i = 0; i < APART + MORE; i++)
        fold(facts, server, 7, (uint8_t)(40 + i), OUTCOME_REJECTED);
    fold(facts, server, 7, 39, OUTCOME_ANSWERED);
    const struct ending_list *endings = &facts_tcp(facts, server)->endings;
    cr_assert_eq(endings->count, APART + 2, "one for the rest of each outcome");
    cr_assert_eq(endings->merged, MORE + 1);
    cr_assert_eq(endings->rows[APART].end.mechanism, MECHANISM_REJECTED_OTHERWISE);
    cr_assert_eq(endings->rows[APART].count, MORE);
    cr_assert_eq(endings->rows[APART + 1].end.outcome, OUTCOME_ANSWERED);
    cr_assert_eq(facts_tcp(facts, server)->outcomes[OUTCOME_REJECTED], APART + MORE, "the flows are all counted");
    facts_free(facts);
}

Test(facts, more_exemplars_than_fit_are_counted)
{
    struct facts *facts = facts_new();
    for (uint32_t i = 0; i < FACTS_EXEMPLARS / 2 + 3; i++) {
        uint32_t server = facts_server(facts, address(i), 53, 1);
        fold(facts, server, 7, 62, OUTCOME_REJECTED);
        fold(facts, server, 7, 64, OUTCOME_REJECTED);
    }
    cr_assert_eq(facts_refused(facts).exemplars, 6);
    facts_free(facts);
}

Test(facts, clients_are_told_apart)
{
    struct facts *facts = facts_new();
    uint32_t server = facts_server(facts, address(1), 53, 1), position = 0, seen = 0;
    fold(facts, server, 7, 62, OUTCOME_REJECTED);
    fold(facts, server, 7, 62, OUTCOME_ANSWERED);
    fold(facts, server, 8, 62, OUTCOME_ANSWERED);
    const struct client *client;
    while ((client = facts_next_client(facts, server, &position))) {
        seen++;
        cr_expect_eq(client->attempts, addr_same(client->address, address(7)) ? 2 : 1);
        cr_expect_eq(client->outcomes[OUTCOME_REJECTED], addr_same(client->address, address(7)) ? 1 : 0);
    }
    cr_assert_eq(seen, 2);
    facts_free(facts);
}

Test(facts, clients_that_failed_push_out_those_that_did_not)
{
    struct facts *facts = facts_new();
    uint32_t server = facts_server(facts, address(1), 53, 1), position = 0, failed = 0;
    for (uint32_t i = 0; i < FACTS_CLIENTS * 2; i++)
        fold(facts, server, i, 62, OUTCOME_ANSWERED);
    cr_assert_gt(facts_refused(facts).clients, 0);
    for (uint32_t i = 0; i < 100; i++)
        fold(facts, server, 1000000 + i, 62, OUTCOME_REJECTED);
    const struct client *client;
    while ((client = facts_next_client(facts, server, &position)))
        failed += client->outcomes[OUTCOME_REJECTED];
    cr_assert_eq(failed, 100);
    cr_assert_eq(facts_tcp(facts, server)->attempts, FACTS_CLIENTS * 2 + 100);
    facts_free(facts);
}

static void lose(struct facts *facts, uint32_t server, uint32_t question)
{
    struct flow *flow = flow_of(server, 7);
    struct dns_question asked = {.hash = question, .qtype = 15, .qname_length = 1};
    struct flow_end end = {.mechanism = MECHANISM_SYN_RESET, .outcome = OUTCOME_REJECTED};
    flow_expect(flow, 0, &asked);
    facts_flow(facts, flow, &end);
    free(flow);
}

Test(facts, more_lost_lookups_than_fit_are_counted)
{
    struct facts *facts = facts_new();
    uint32_t server = facts_server(facts, address(1), 53, 1), count;
    for (uint32_t i = 0; i < FACTS_LOST + 9; i++)
        lose(facts, server, i * 2654435761u);
    lose(facts, server, 0);
    const struct lost_lookup *lost = facts_lost(facts, &count);
    cr_assert_eq(count, FACTS_LOST);
    cr_assert_eq(facts_refused(facts).lost_lookups, 9);
    cr_assert_eq(lost[0].attempts, 2, "one that is known is still counted");
    facts_free(facts);
}

Test(facts, a_question_answered_later_is_lost_no_more)
{
    struct facts *facts = facts_new();
    uint32_t one = facts_server(facts, address(1), 53, 1), two = facts_server(facts, address(2), 53, 1), count;
    lose(facts, one, 42);
    lose(facts, two, 42);
    lose(facts, one, 42 + FACTS_LOST); /* another question in the same chain */
    facts_question_answered(facts, 42);
    const struct lost_lookup *lost = facts_lost(facts, &count);
    cr_assert_eq(count, 3);
    cr_assert(lost[0].answered && lost[1].answered);
    cr_assert_not(lost[2].answered);
    facts_free(facts);
}

Test(facts, rcodes_over_udp)
{
    struct facts *facts = facts_new();
    uint8_t rcode;
    cr_assert_not(facts_udp_rcode_of(facts, 1, 42, &rcode));
    facts_udp_rcode(facts, 1, 42, DNS_REFUSED);
    cr_assert(facts_udp_rcode_of(facts, 1, 42, &rcode));
    cr_assert_eq(rcode, DNS_REFUSED);
    cr_assert_not(facts_udp_rcode_of(facts, 2, 42, &rcode), "another server's is another's");
    facts_free(facts);
}

Test(facts, other_traffic_shows_how_far_a_host_is)
{
    struct facts *facts = facts_new();
    cr_assert_null(facts_host(facts, address(5)));
    struct packet packet = {.source = address(5), .ttl = 55};
    facts_other_packet(facts, &packet);
    facts_other_packet(facts, &packet);
    cr_assert_eq(facts_host(facts, address(5))->ttl.seen[0].count, 2);
    cr_assert_null(facts_host(facts, address(6)));
    facts_free(facts);
}

Test(facts, hosts_seen_most_stay)
{
    struct facts *facts = facts_new();
    struct packet packet = {.source = address(1), .ttl = 55};
    for (int i = 0; i < 1000; i++)
        facts_other_packet(facts, &packet);
    for (uint32_t i = 2; i < FACTS_HOSTS * 4; i++) {
        packet.source = address(i);
        facts_other_packet(facts, &packet);
    }
    cr_assert_not_null(facts_host(facts, address(1)));
    facts_free(facts);
}

Test(facts, one_ip_id_counter_behind_many_addresses)
{
    struct facts *facts = facts_new();
    struct packet packet = {.family = 4, .ttl = 64, .ip_id = 1000};
    for (uint32_t i = 0; i < 6; i++) {
        facts_ip_id(facts, facts_server(facts, address(i << 16), 53, 1), &packet, false);
        packet.ip_id++;
    }
    cr_assert_eq(facts_tcp(facts, facts_server(facts, address(5 << 16), 53, 1))->shared_counter, 1);
    facts_ip_id(facts, facts_server(facts, address((5 << 16) + 1), 53, 1), &packet, false);
    cr_assert_eq(facts_tcp(facts, facts_server(facts, address((5 << 16) + 1), 53, 1))->shared_counter, 0,
                 "neighbours may be one host");
    packet.ip_id = 5000;
    facts_ip_id(facts, facts_server(facts, address(9), 53, 1), &packet, false);
    cr_assert_eq(facts_tcp(facts, facts_server(facts, address(9), 53, 1))->shared_counter, 0, "no step, no counter");
    facts_free(facts);
}

Test(facts, nothing_is_freed)
{
    facts_free(NULL);
}
