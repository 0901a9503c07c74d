/*
 * How it works: a flow is made of what the socket was told, with a sighting for each event and nothing of what only packets
 * show, and ends by the same judgement as any other. What was not measured is 0, as where a capture lacks it.
 */
#include "dissect/attempt.h"

#include "dissect/facts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *attempt_test_name(enum attempt_test test)
{
    static const char *const names[] = {
        [ATTEMPT_UDP] = "udp",
        [ATTEMPT_UDP_EDNS] = "udp-edns",
        [ATTEMPT_TCP] = "tcp",
        [ATTEMPT_TRUNCATED] = "truncated",
        [ATTEMPT_PIPELINED] = "pipelined",
        [ATTEMPT_REUSED] = "reused",
        [ATTEMPT_SPLIT] = "split",
        [ATTEMPT_MARKED] = "marked",
        [ATTEMPT_OTHER_NAME] = "other-name",
        [ATTEMPT_OTHER_PORT] = "other-port",
    };
    static_assert(sizeof names / sizeof *names == ATTEMPT_TESTS, "each test has its name");
    return names[test];
}

const char *attempt_status_name(enum attempt_status status)
{
    static const char *const names[] = {
        [ATTEMPT_ANSWERED] = "answered",
        [ATTEMPT_TC] = "truncated",
        [ATTEMPT_RCODE] = "rcode",
        [ATTEMPT_REFUSED] = "refused",
        [ATTEMPT_RESET] = "reset",
        [ATTEMPT_CLOSED] = "closed",
        [ATTEMPT_ICMP] = "icmp",
        [ATTEMPT_SILENT] = "silent",
        [ATTEMPT_STUCK] = "stuck",
        [ATTEMPT_NOT_DNS] = "not-dns",
        [ATTEMPT_LOCAL_ERROR] = "local-error",
    };
    static_assert(sizeof names / sizeof *names == ATTEMPT_STATUSES, "each status has its name");
    return names[status];
}

void attempt_note(struct attempt *attempt, enum flow_event event, int64_t time_ns, uint32_t length)
{
    if (attempt->event_count < ATTEMPT_EVENTS)
        attempt->events[attempt->event_count++] =
            (struct attempt_event){.time_ns = time_ns, .length = length, .event = (uint8_t)event};
}

/* Who sends what; the rest is the server's. */
static bool is_client_event(enum flow_event event)
{
    return event == FLOW_SYN || event == FLOW_SYN_AGAIN || event == FLOW_ACK || event == FLOW_QUERY ||
           event == FLOW_QUERY_AGAIN || event == FLOW_CLIENT_FIN || event == FLOW_CLIENT_RST;
}

int64_t attempt_duration_ns(const struct attempt *attempt)
{
    int64_t came_ns = 0;
    for (unsigned i = 0; i < attempt->event_count; i++)
        if (!is_client_event(attempt->events[i].event))
            came_ns = attempt->events[i].time_ns;
    return came_ns ? came_ns - attempt->events[0].time_ns - attempt->paused_ns : 0;
}

/* When that happened first; 0: never. */
static int64_t first_time(const struct attempt *attempt, enum flow_event event)
{
    for (unsigned i = 0; i < attempt->event_count; i++)
        if (attempt->events[i].event == event)
            return attempt->events[i].time_ns;
    return 0;
}

static int64_t last_time(const struct attempt *attempt, enum flow_event event)
{
    for (unsigned i = attempt->event_count; i-- > 0;)
        if (attempt->events[i].event == event)
            return attempt->events[i].time_ns;
    return 0;
}

/* ---------------------------------------------------------------- UDP */

static void tell_answer(const struct attempt *attempt, struct facts *facts, uint32_t index, int64_t delay_ns)
{
    struct server *server = facts_server_at(facts, index);
    bool truncated = attempt->status == ATTEMPT_TC;
    bool refusal = dns_rcode_is_refusal(attempt->rcode);
    if (attempt->ttl > 0)
        ttl_set_add(&server->references[REFERENCE_UDP_ANSWER], attempt->ttl, (struct frame_ref){0});
    server->last_udp_answer_ns = first_time(attempt, FLOW_ANSWER);
    server->udp_answers++;
    server->udp_truncated += truncated;
    server->udp_refused += refusal;
    delays_add(&server->udp_rtt, delay_ns);
    facts_udp_rcode(facts, index, attempt->question.hash, attempt->rcode);
    if (!truncated && !refusal)
        facts_question_answered(facts, attempt->question.hash);
}

static void tell_udp(const struct attempt *attempt, struct facts *facts, uint32_t index)
{
    struct server *server = facts_server_at(facts, index);
    int64_t asked_ns = first_time(attempt, FLOW_QUERY), answered_ns = first_time(attempt, FLOW_ANSWER);
    server->udp_queries++;
    server->last_udp_query_ns = asked_ns;
    ttl_set_add(&server->client_ttl, attempt->own_ttl, (struct frame_ref){0});
    point_note(&server->point, attempt->client, attempt->own_ttl, (struct frame_ref){0});
    if (attempt->status == ATTEMPT_ICMP) {
        server->udp_unreachable++;
        server->last_udp_unreachable_ns = attempt->ended_ns;
    }
    if (answered_ns)
        tell_answer(attempt, facts, index, answered_ns - asked_ns);
}

/* ---------------------------------------------------------------- TCP */

/* Of its packet, as far as that is sure; whether a RST bore an ACK is not told, as most do it is said to. */
static uint8_t flags_of(enum flow_event event)
{
    switch (event) {
    case FLOW_SYN:
    case FLOW_SYN_AGAIN:
        return TCP_SYN;
    case FLOW_SYNACK:
        return TCP_SYN | TCP_ACK;
    case FLOW_SERVER_FIN:
        return TCP_FIN | TCP_ACK;
    case FLOW_SERVER_RST:
        return TCP_RST | TCP_ACK;
    case FLOW_ICMP:
        return 0;
    default:
        return TCP_ACK;
    }
}

static uint8_t ttl_of(const struct attempt *attempt, enum flow_event event)
{
    if (is_client_event(event))
        return attempt->own_ttl;
    if (event == FLOW_SYNACK)
        return attempt->synack_ttl;
    return event == FLOW_SERVER_RST || event == FLOW_SERVER_FIN || event == FLOW_ANSWER ? attempt->ttl : 0;
}

enum { QUERY_END = 2 }; /* beyond what the server acknowledges, and beyond that nothing matters */

/*
 * Relative sequence numbers, as far as they follow: the client's SYN is 0, and the server acknowledges it, or the kernel
 * would not have taken its answer. Whether it acknowledges more is not told.
 */
static uint32_t seq_of(enum flow_event event)
{
    return event == FLOW_SYN || event == FLOW_SYN_AGAIN || event == FLOW_SYNACK ? 0 : 1;
}

static void note_sighting(struct flow_record *record, const struct attempt *attempt, const struct attempt_event *event)
{
    if (record->timeline_count == FLOW_TIMELINE)
        return;
    if (record->at[event->event] == FLOW_UNSEEN)
        record->at[event->event] = record->timeline_count;
    record->count[event->event]++;
    record->timeline[record->timeline_count++] = (struct sighting){.time_ns = event->time_ns,
                                                                   .from_server = !is_client_event(event->event),
                                                                   .event = event->event,
                                                                   .length = event->length,
                                                                   .seq = seq_of(event->event),
                                                                   .ack = event->event != FLOW_SYN,
                                                                   .flags = flags_of(event->event),
                                                                   .ttl = ttl_of(attempt, event->event)};
}

static void note_icmp(struct flow_record *record, const struct attempt *attempt)
{
    record->icmp_source = attempt->icmp.source;
    record->icmp_family = attempt->icmp.family;
    record->icmp_type = attempt->icmp.type;
    record->icmp_code = attempt->icmp.code;
}

/* An attempt that asked twice has the same question twice. */
static void note_question(struct flow *flow, const struct attempt *attempt)
{
    flow->whole_queries = attempt->unsent ? 0 : attempt->asked;
    flow->whole_answers = attempt->answered;
    flow->rcode = attempt->rcode;
    if (dns_rcode_is_refusal(attempt->rcode))
        flow->refused_answers = attempt->answered;
    flow_expect(flow, 0, &attempt->question);
    for (unsigned i = 0; i < flow->question_count; i++)
        flow->questions[i].done = attempt->answered > 0;
    flow->expected = flow->after_truncated = attempt->test == ATTEMPT_TRUNCATED;
}

static struct flow *make_flow(const struct attempt *attempt, uint32_t server)
{
    struct flow *flow = calloc(1, sizeof *flow);
    if (!flow)
        return NULL;
    memset(flow->record.at, FLOW_UNSEEN, sizeof flow->record.at);
    flow->record.client = attempt->client;
    flow->record.server = attempt->server;
    flow->record.client_port = attempt->client_port;
    flow->record.server_port = attempt->server_port;
    flow->server = server;
    stream_init(&flow->queries);
    stream_init(&flow->answers);
    for (unsigned i = 0; i < attempt->event_count; i++)
        if (!attempt->unsent || attempt->events[i].event != FLOW_QUERY)
            note_sighting(&flow->record, attempt, &attempt->events[i]);
    if (attempt->icmp.family)
        note_icmp(&flow->record, attempt);
    flow->replaced =
        attempt->status == ATTEMPT_SILENT; /* a second's silence counts, whether the SYN was sent again or not */
    flow->first_ns = attempt->events[0].time_ns;
    flow->last_ns = attempt->ended_ns;
    flow->query_ns = attempt->unsent ? 0 : last_time(attempt, FLOW_QUERY);
    flow->queries.next = attempt->unheard ? QUERY_END : 0;
    if (attempt->unsent)
        flow->signs |= SIGN_SYNACK_NO_WINDOW;
    flow->client_side.has_isn = flow->client_side.has_packet = true;
    flow->client_side.has_acked = flow->server_side.has_packet = flow_saw(&flow->record, FLOW_SYNACK) != NULL;
    flow->answers.begun = attempt->answered > 0 || flow->record.count[FLOW_ANSWER_PART] > 0;
    flow->answers.prefix = attempt->answered == 0 && flow->record.count[FLOW_ANSWER_PART] > 0;
    note_question(flow, attempt);
    return flow;
}

static void tell_tcp(const struct attempt *attempt, struct facts *facts, uint32_t index)
{
    struct flow *flow = make_flow(attempt, index);
    if (!flow)
        return;
    struct flow_end end = flow_end_of(flow, flow->last_ns);
    if (end.mechanism != MECHANISM_NONE)
        facts_flow(facts, flow, &end);
    if (end.outcome == OUTCOME_ANSWERED)
        facts_question_answered(facts, attempt->question.hash);
    free(flow);
}

void attempt_tell(const struct attempt *attempt, struct facts *facts)
{
    if (attempt->test == ATTEMPT_OTHER_PORT || attempt->status == ATTEMPT_LOCAL_ERROR || attempt->event_count == 0)
        return;
    uint32_t server = facts_server(facts, attempt->server, attempt->server_port, attempt->events[0].time_ns);
    if (server == FACTS_NONE)
        return;
    if (attempt_test_is_udp(attempt->test))
        tell_udp(attempt, facts, server);
    else if (facts_tcp(facts, server))
        tell_tcp(attempt, facts, server);
}
