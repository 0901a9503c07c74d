/* More servers than there are places, over many windows. */
#include "dissect/facts_inside.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define HOUR_NS (3600 * FLOW_SECOND_NS)

static struct addr address(uint32_t number)
{
    uint8_t bytes[4] = {(uint8_t)(10 + (number >> 24)), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                        (uint8_t)number};
    return addr_v4(bytes);
}

/* A server is asked once; true when there was a place for it. */
static bool ask_once(struct facts *facts, uint32_t number, int64_t now_ns)
{
    uint32_t index = facts_server(facts, address(number), DNS_PORT, now_ns);
    if (index == FACTS_NONE || !facts_tcp(facts, index))
        return false;
    struct flow *flow = calloc(1, sizeof *flow);
    cr_assert_not_null(flow);
    struct flow_end how = {.mechanism = MECHANISM_SYN_RESET, .outcome = OUTCOME_REJECTED, .ttl = (uint8_t)number};
    memset(flow->record.at, FLOW_UNSEEN, sizeof flow->record.at);
    flow->record.decisive = FLOW_UNSEEN;
    flow->server = index;
    flow->first_ns = flow->last_ns = now_ns;
    facts_flow(facts, flow, &how);
    free(flow);
    const struct tcp_facts *tcp_now = facts_tcp_seen(facts, facts_server_at(facts, index));
    cr_assert_eq(tcp_now->attempts, 1, "server %u: nothing of another one", number);
    cr_assert_eq(tcp_now->endings.rows[0].end.ttl, (uint8_t)number);
    return true;
}

Test(renew_places, more_servers_than_places_over_many_windows)
{
    enum { HOURS = 60, AN_HOUR = 500, SETS_FULL = 5 /* of an hour, where many servers' hashes fall together */ };
    struct facts *facts = facts_new();
    int64_t now_ns = 1700000000 * FLOW_SECOND_NS;
    for (uint32_t hour = 0; hour < HOURS; hour++) {
        uint32_t placed = 0;
        for (uint32_t i = 0; i < AN_HOUR; i++)
            placed += ask_once(facts, hour * AN_HOUR + i, now_ns);
        cr_assert_geq(placed, AN_HOUR - SETS_FULL, "%u in hour %u", placed, hour);
        now_ns += HOUR_NS;
        facts_renew(facts, now_ns);
        cr_assert_leq(facts->tcp_used, 7 * AN_HOUR);
    }
    cr_assert_eq(facts_refused(facts).exemplars, 0, "of each window as many as there is room for");
    facts_free(facts);
}

Test(renew_places, a_flood_of_servers_is_forgotten)
{
    struct facts *facts = facts_new();
    int64_t now_ns = 1700000000 * FLOW_SECOND_NS;
    uint32_t placed = 0;
    for (uint32_t i = 0; i < 5000; i++)
        placed += ask_once(facts, i, now_ns);
    cr_assert_eq(placed, FACTS_TCP_SERVERS);
    for (int hour = 0; hour < 6; hour++) {
        now_ns += HOUR_NS;
        facts_renew(facts, now_ns);
        cr_assert_not(ask_once(facts, 100000, now_ns), "hour %d", hour);
    }
    now_ns += HOUR_NS;
    facts_renew(facts, now_ns);
    cr_assert_eq(facts->tcp_used, 0);
    cr_assert(ask_once(facts, 100000, now_ns));
    facts_free(facts);
}
