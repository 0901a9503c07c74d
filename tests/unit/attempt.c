/* What sockets were told becomes facts: as much of a flow as they are told, and nothing more. */
#include "dissect/attempt.h"
#include "dissect/facts.h"

#include <criterion/criterion.h>

#define MS_NS INT64_C(1000000)
#define BEGAN_NS (1700000000 * FLOW_SECOND_NS)

static struct facts *facts;

static void begin(void)
{
    facts = facts_new();
    cr_assert(facts);
}

static void end(void)
{
    facts_free(facts);
}

TestSuite(attempt, .init = begin, .fini = end);

struct told {
    enum flow_event event;
    int ms;
};

static struct attempt attempt_of(enum attempt_test test, enum attempt_status status, const struct told *told)
{
    struct attempt attempt = {.test = test,
                              .status = status,
                              .client_port = 40000,
                              .server_port = DNS_PORT,
                              .own_ttl = 64,
                              .question = {.hash = 7, .qtype = DNS_TYPE_MX, .qname_length = 3, .qname = "\1a"}};
    addr_read("192.0.2.10", &attempt.client);
    addr_read("198.51.100.1", &attempt.server);
    for (; told->event != FLOW_EVENTS; told++) {
        attempt_note(&attempt, told->event, BEGAN_NS + told->ms * MS_NS, told->event == FLOW_QUERY ? 30 : 0);
        if (told->event == FLOW_QUERY)
            attempt.asked++;
        if (told->event == FLOW_ANSWER)
            attempt.answered++;
        attempt.ended_ns = BEGAN_NS + told->ms * MS_NS;
    }
    return attempt;
}

#define TOLD(...) ((const struct told[]){__VA_ARGS__, {FLOW_EVENTS, 0}})

static const struct server *server_of(const struct attempt *attempt)
{
    return facts_server_seen(facts, attempt->server, attempt->server_port);
}

/* The one ending that its server's flows have. */
static const struct ending *ending_of(const struct attempt *attempt)
{
    attempt_tell(attempt, facts);
    const struct tcp_facts *tcp = facts_tcp_seen(facts, server_of(attempt));
    cr_assert(tcp);
    cr_assert_eq(tcp->endings.count, 1);
    return &tcp->endings.rows[0];
}

static enum mechanism mechanism_of(enum attempt_status status, const struct told *told)
{
    const struct attempt attempt = attempt_of(ATTEMPT_TCP, status, told);
    return ending_of(&attempt)->end.mechanism;
}

Test(attempt, a_refused_connection_is_a_reset_of_its_syn)
{
    struct attempt attempt = attempt_of(ATTEMPT_TCP, ATTEMPT_REFUSED, TOLD({FLOW_SYN, 0}, {FLOW_SERVER_RST, 20}));
    attempt.ttl = 61;
    const struct ending *ending = ending_of(&attempt);
    cr_assert_eq(ending->end.mechanism, MECHANISM_SYN_RESET);
    cr_assert_eq(ending->end.ttl, 61);
    cr_assert_eq(ending->least_us, 20000);
    cr_assert_eq(ending->end.signs, 0, "sockets are told of no signs");
    cr_assert_eq(facts_exemplar(facts, ending->exemplar)->timeline[1].ref.number, 0, "no frame was seen");
}

Test(attempt, a_ttl_that_was_not_measured_is_none)
{
    const struct attempt attempt =
        attempt_of(ATTEMPT_TCP, ATTEMPT_ANSWERED,
                   TOLD({FLOW_SYN, 0}, {FLOW_SYNACK, 20}, {FLOW_ACK, 20}, {FLOW_QUERY, 20}, {FLOW_ANSWER, 40}));
    cr_assert_eq(ending_of(&attempt)->end.synack_ttl, 0);
    cr_assert_eq(server_of(&attempt)->references[REFERENCE_SYNACK].seen[0].count, 0);
    cr_assert_eq(server_of(&attempt)->references[REFERENCE_TCP_ANSWER].seen[0].count, 0);
}

Test(attempt, silence_of_a_syn_counts_when_it_was_sent_again)
{
    cr_assert_eq(mechanism_of(ATTEMPT_SILENT, TOLD({FLOW_SYN, 0}, {FLOW_SYN_AGAIN, 3000})), MECHANISM_SYN_UNANSWERED);
}

Test(attempt, short_silence_is_incomplete)
{
    cr_assert_eq(mechanism_of(ATTEMPT_SILENT, TOLD({FLOW_SYN, 0})), MECHANISM_INCOMPLETE);
}

#define OPENED                                                                                                         \
    {FLOW_SYN, 0}, {FLOW_SYNACK, 20}, {FLOW_ACK, 20},                                                                  \
    {                                                                                                                  \
        FLOW_QUERY, 20                                                                                                 \
    }

Test(attempt, a_reset_after_the_query)
{
    cr_assert_eq(mechanism_of(ATTEMPT_RESET, TOLD(OPENED, {FLOW_SERVER_RST, 40})), MECHANISM_RESET_AFTER_QUERY);
}

Test(attempt, end_of_file_without_an_answer)
{
    cr_assert_eq(mechanism_of(ATTEMPT_CLOSED, TOLD(OPENED, {FLOW_SERVER_FIN, 40})), MECHANISM_CLOSED);
}

Test(attempt, end_of_file_within_an_answer)
{
    cr_assert_eq(mechanism_of(ATTEMPT_CLOSED, TOLD(OPENED, {FLOW_ANSWER_PART, 40}, {FLOW_SERVER_FIN, 40})),
                 MECHANISM_PARTIAL_ANSWER);
}

Test(attempt, a_query_that_was_acknowledged_and_not_answered)
{
    cr_assert_eq(mechanism_of(ATTEMPT_STUCK, TOLD(OPENED, {FLOW_QUERY_ACKED, 5000}, {FLOW_CLIENT_FIN, 5000})),
                 MECHANISM_QUERY_UNANSWERED);
}

Test(attempt, a_query_that_was_sent_again_and_never_acknowledged)
{
    cr_assert_eq(mechanism_of(ATTEMPT_STUCK, TOLD(OPENED, {FLOW_QUERY_AGAIN, 5000}, {FLOW_QUERY_AGAIN, 5000},
                                                  {FLOW_CLIENT_FIN, 5000})),
                 MECHANISM_QUERY_UNACKED);
}

Test(attempt, a_second_query_that_is_reset_after_the_first_was_answered)
{
    cr_assert_eq(
        mechanism_of(ATTEMPT_RESET, TOLD(OPENED, {FLOW_ANSWER, 40}, {FLOW_QUERY, 340}, {FLOW_SERVER_RST, 360})),
        MECHANISM_RESET_AFTER_QUERY);
}

Test(attempt, an_icmp_error_keeps_its_sender)
{
    struct attempt attempt = attempt_of(ATTEMPT_TCP, ATTEMPT_ICMP, TOLD({FLOW_SYN, 0}, {FLOW_ICMP, 2}));
    addr_read("192.0.2.1", &attempt.icmp.source);
    attempt.icmp.family = 4;
    attempt.icmp.type = 3;
    attempt.icmp.code = 13;
    const struct ending *ending = ending_of(&attempt);
    cr_assert_eq(ending->end.mechanism, MECHANISM_ICMP_ADMIN);
    cr_assert(addr_same(ending->end.icmp_source, attempt.icmp.source));
}

Test(attempt, a_refusal_in_an_answer)
{
    struct attempt attempt = attempt_of(ATTEMPT_TCP, ATTEMPT_RCODE, TOLD(OPENED, {FLOW_ANSWER, 40}));
    attempt.rcode = DNS_REFUSED;
    cr_assert_eq(ending_of(&attempt)->end.mechanism, MECHANISM_ERROR_RCODE);
}

Test(attempt, a_question_that_failed_is_lost_until_it_is_answered)
{
    uint32_t count;
    const struct attempt failed = attempt_of(ATTEMPT_TCP, ATTEMPT_RESET, TOLD(OPENED, {FLOW_SERVER_RST, 40}));
    const struct attempt answered = attempt_of(ATTEMPT_TCP, ATTEMPT_ANSWERED, TOLD(OPENED, {FLOW_ANSWER, 40}));
    attempt_tell(&failed, facts);
    const struct lost_lookup *lost = facts_lost(facts, &count);
    cr_assert_eq(count, 1);
    cr_assert_not(lost[0].answered);
    attempt_tell(&answered, facts);
    cr_assert(lost[0].answered);
}

Test(attempt, an_answer_over_udp_measures_the_server)
{
    struct attempt attempt = attempt_of(ATTEMPT_UDP, ATTEMPT_TC, TOLD({FLOW_QUERY, 0}, {FLOW_ANSWER, 36}));
    attempt.ttl = 61;
    attempt_tell(&attempt, facts);
    const struct server *server = server_of(&attempt);
    cr_assert_eq(server->udp_queries, 1);
    cr_assert_eq(server->udp_answers, 1);
    cr_assert_eq(server->udp_truncated, 1);
    cr_assert_eq(server->references[REFERENCE_UDP_ANSWER].seen[0].ttl, 61);
    cr_assert_eq(server->udp_rtt.least_us, 36000);
    cr_assert_eq(server->tcp, FACTS_NONE, "it was not asked over TCP");
}

Test(attempt, another_port_and_what_could_not_be_sent_are_left_out)
{
    const struct attempt other = attempt_of(ATTEMPT_OTHER_PORT, ATTEMPT_REFUSED, TOLD({FLOW_SYN, 0}));
    const struct attempt local = attempt_of(ATTEMPT_TCP, ATTEMPT_LOCAL_ERROR, TOLD({FLOW_SYN, 0}));
    attempt_tell(&other, facts);
    attempt_tell(&local, facts);
    cr_assert_null(server_of(&other));
}

Test(attempt, how_long_it_took_is_up_to_the_last_thing_that_came)
{
    const struct attempt answered = attempt_of(ATTEMPT_TCP, ATTEMPT_ANSWERED, TOLD(OPENED, {FLOW_ANSWER, 40}));
    const struct attempt silent = attempt_of(ATTEMPT_TCP, ATTEMPT_SILENT, TOLD({FLOW_SYN, 0}, {FLOW_SYN_AGAIN, 3000}));
    struct attempt paused = answered;
    paused.paused_ns = 15 * MS_NS;
    cr_assert_eq(attempt_duration_ns(&answered), 40 * MS_NS);
    cr_assert_eq(attempt_duration_ns(&paused), 25 * MS_NS);
    cr_assert_eq(attempt_duration_ns(&silent), 0);
}
