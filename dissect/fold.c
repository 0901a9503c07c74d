/*
 * How flows end. A hand walks over the slots, one a packet, and folds flows whose deadline has passed by the capture's
 * clock; when no slot is free, the flow that is idle longest among the next few under the hand is folded early, flows
 * that are nothing but a SYN before others, and counted. What would be said of those that are under way can be asked at
 * any time.
 */
#include "dissect/flow_inside.h"

#include "dissect/analysis.h"

#include <stddef.h>
#include <stdlib.h>

enum { VICTIMS = 16, AHEAD = 4 };

bool flow_is_closed(const struct flow_record *record)
{
    return record->at[FLOW_SERVER_RST] != FLOW_UNSEEN || record->at[FLOW_CLIENT_RST] != FLOW_UNSEEN ||
           (record->at[FLOW_SERVER_FIN] != FLOW_UNSEEN && record->at[FLOW_CLIENT_FIN] != FLOW_UNSEEN);
}

static void unlink_slot(struct flows *flows, uint32_t slot)
{
    uint32_t *link = &flows->chains[flows->hashes[slot] % FLOWS_CHAINS];
    while (*link != slot)
        link = &flows->next[*link];
    *link = flows->next[slot];
    flows->next[slot] = flows->free_first;
    flows->free_first = slot;
    flows->deadline[slot] = FLOWS_FREE;
}

void flows_fold(struct flows *flows, uint32_t slot, int64_t now_ns)
{
    struct flow *flow = &flows->slots[slot];
    flows->counters.gaps += flow->gap;
    if (flow->copies > 0) /* RSTs alone are repeated by their sender */
        flows->counters.copies += (uint64_t)flow->copies + flow->reset_copies;
    struct flow_end end = flow_end_of(flow, now_ns);
    if (flows->pair)
        end.crossings = pair_crossings(flows->pair, &flow->record, &end);
    if (end.mechanism == MECHANISM_NONE)
        flows->counters.strays++;
    else if (end.mechanism != flow->counted)
        facts_flow(flows->facts, flow, &end);
    if (flows->observer)
        flows->observer->flow_over(flows->observer->context, flow, &end);
    stream_release(&flow->queries, flows->pool);
    stream_release(&flow->answers, flows->pool);
    unlink_slot(flows, slot);
}

static bool is_bare_syn(const struct flow *flow)
{
    return flow->record.timeline_count <= 1;
}

/* Gives up the flow that is missed least among the next few under the hand. */
void flows_evict(struct flows *flows, int64_t now_ns)
{
    uint32_t victim = flows->hand;
    for (int i = 0; i < VICTIMS; i++) {
        flows->hand = (flows->hand + 1) % FLOW_TABLE;
        const struct flow *a = &flows->slots[flows->hand], *b = &flows->slots[victim];
        bool barer = is_bare_syn(a) != is_bare_syn(b) ? is_bare_syn(a) : a->last_ns < b->last_ns;
        if (barer)
            victim = flows->hand;
    }
    flows->counters.evicted++;
    flows_fold(flows, victim, now_ns);
}

void flows_age(struct flows *flows, int64_t now_ns)
{
    uint32_t ahead = (flows->hand + AHEAD) % FLOW_TABLE;
    if (flows->deadline[ahead] < now_ns) { /* nothing has touched it for seconds */
        const char *flow = (const char *)&flows->slots[ahead];
        for (size_t at = 0; at < offsetof(struct flow, questions); at += 64)
            __builtin_prefetch(flow + at);
    }
    flows->hand = (flows->hand + 1) % FLOW_TABLE;
    if (flows->deadline[flows->hand] < now_ns)
        flows_fold(flows, flows->hand, now_ns);
}

struct open_flow {
    int64_t first_ns;
    uint32_t slot;
};

static int order_open(const void *a, const void *b)
{
    const struct open_flow *x = a, *y = b;
    if (x->first_ns != y->first_ns)
        return x->first_ns < y->first_ns ? -1 : 1;
    return x->slot < y->slot ? -1 : 1;
}

enum which { ALL, SETTLED, IDLE };

/* The packet that ended it came just now: what follows may show that it did not. Silence has had its time already. */
static bool may_be_contradicted(const struct flow *flow, const struct flow_end *end, int64_t now_ns)
{
    const struct flow_record *record = &flow->record;
    return end->outcome == OUTCOME_REJECTED && record->decisive != FLOW_UNSEEN &&
           now_ns - record->timeline[record->decisive].time_ns < FLOW_SETTLE_NS;
}

/* Closed, and judged in the window that ends. */
static bool is_settled(struct flow *flow, int64_t now_ns)
{
    struct flow_end end = flow_end_of(flow, now_ns);
    return flow_is_closed(&flow->record) && !may_be_contradicted(flow, &end, now_ns);
}

static bool is_such(struct flows *flows, uint32_t slot, enum which which, int64_t now_ns)
{
    if (flows->deadline[slot] == FLOWS_FREE)
        return false;
    return which == ALL || (which == SETTLED && is_settled(&flows->slots[slot], now_ns)) ||
           (which == IDLE && flows->deadline[slot] < now_ns);
}

/* In the order in which they began, so that the report does not depend on where in the table they were. */
static size_t list_flows(struct flows *flows, enum which which, int64_t now_ns, const struct open_flow **list)
{
    static struct open_flow open[FLOW_TABLE];
    size_t count = 0;
    for (uint32_t i = 0; i < FLOW_TABLE; i++)
        if (is_such(flows, i, which, now_ns))
            open[count++] = (struct open_flow){flows->slots[i].first_ns, i};
    qsort(open, count, sizeof *open, order_open);
    *list = open;
    return count;
}

static void fold_such(struct flows *flows, enum which which, int64_t now_ns)
{
    const struct open_flow *open;
    size_t count = list_flows(flows, which, now_ns, &open);
    for (size_t i = 0; i < count; i++)
        flows_fold(flows, open[i].slot, now_ns);
}

void flows_finish(struct flows *flows, int64_t now_ns)
{
    fold_such(flows, ALL, now_ns);
}

void flows_sweep(struct flows *flows, int64_t now_ns)
{
    fold_such(flows, IDLE, now_ns);
}

static bool counts_so_far(const struct flow *flow, const struct flow_end *end, int64_t now_ns)
{
    return end->mechanism != MECHANISM_NONE && end->outcome != OUTCOME_INCOMPLETE && end->mechanism != flow->counted &&
           !may_be_contradicted(flow, end, now_ns);
}

void flows_so_far(struct flows *flows, struct facts *facts, int64_t now_ns)
{
    const struct open_flow *open;
    size_t count = list_flows(flows, ALL, now_ns, &open);
    for (size_t i = 0; i < count; i++) {
        struct flow *flow = &flows->slots[open[i].slot];
        struct flow_end end = flow_end_of(flow, now_ns);
        if (!counts_so_far(flow, &end, now_ns))
            continue;
        facts_flow(facts, flow, &end);
        if (flow_outcome_is_failure(end.outcome) && flows->observer && flows->observer->flow_failing)
            flows->observer->flow_failing(flows->observer->context, flow, &end);
    }
}

void flows_renew(struct flows *flows, int64_t now_ns)
{
    fold_such(flows, SETTLED, now_ns);
    const struct open_flow *open;
    size_t count = list_flows(flows, ALL, now_ns, &open);
    for (size_t i = 0; i < count; i++) {
        struct flow *flow = &flows->slots[open[i].slot];
        struct flow_end end = flow_end_of(flow, now_ns);
        if (flow_outcome_is_failure(end.outcome) && counts_so_far(flow, &end, now_ns))
            flow->counted = end.mechanism;
        facts_touch(flows->facts, flow->server, now_ns);
    }
}

static void shift_flow(struct flow *flow, int64_t step_ns)
{
    flow->first_ns += step_ns;
    flow->last_ns += step_ns;
    flow->query_ns += step_ns;
    flow->icmp_ns += step_ns;
    flow->client_side.time_ns += step_ns;
    flow->server_side.time_ns += step_ns;
    for (unsigned i = 0; i < flow->record.timeline_count; i++)
        flow->record.timeline[i].time_ns += step_ns;
}

void flows_shift(struct flows *flows, int64_t step_ns)
{
    for (uint32_t i = 0; i < FLOW_TABLE; i++) {
        if (flows->deadline[i] == FLOWS_FREE)
            continue;
        flows->deadline[i] += step_ns;
        shift_flow(&flows->slots[i], step_ns);
    }
    for (unsigned i = 0; i < FLOWS_RESETS; i++)
        flows->resets[i].time_ns += step_ns;
}
