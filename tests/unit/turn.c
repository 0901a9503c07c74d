/* Turns: a server that begins to fail, or works again, is judged by what it did since then. */
#include "dissect/facts_inside.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { FAILED_TTL = 62, LATE_S = 20, MIDDLE_S = 2 };

static struct facts *facts;
static uint32_t server;
static int64_t clock_ns; /* when the next flow begins */

static struct addr address(uint32_t number)
{
    uint8_t bytes[4] = {10, 0, (uint8_t)(number >> 8), (uint8_t)number};
    return addr_v4(bytes);
}

static void begin(void)
{
    facts = facts_new();
    cr_assert_not_null(facts);
    facts_watch_turns(facts);
    clock_ns = INT64_C(1700000000000000000);
    server = facts_server(facts, address(1), DNS_PORT, clock_ns);
}

static void end(void)
{
    facts_free(facts);
}

TestSuite(turn, .init = begin, .fini = end);

/* What a letter stands for. */
static struct flow_end end_of(char letter)
{
    struct flow_end end = {.mechanism = MECHANISM_ANSWERED, .outcome = OUTCOME_ANSWERED};
    switch (letter) {
    case 'F': /* failed, in one way */
    case 'f': /* and began LATE_S seconds before */
    case 'm': /* or MIDDLE_S */
        return (struct flow_end){.mechanism = MECHANISM_SYN_RESET, .outcome = OUTCOME_REJECTED, .ttl = FAILED_TTL};
    case 'U': /* and in another way */
        return (struct flow_end){.mechanism = MECHANISM_SYN_UNANSWERED, .outcome = OUTCOME_UNANSWERED};
    case 'Q': /* in a way that may be the query's */
        return (struct flow_end){.mechanism = MECHANISM_RESET_AFTER_QUERY, .outcome = OUTCOME_REJECTED};
    case 'X': /* left by its client */
        return (struct flow_end){.mechanism = MECHANISM_CLIENT_ABORTED, .outcome = OUTCOME_ABORTED};
    case '?':
        return (struct flow_end){.mechanism = MECHANISM_INCOMPLETE, .outcome = OUTCOME_INCOMPLETE};
    case 'B': /* answered, with another TTL */
        end.ttl = FAILED_TTL + 1;
        return end;
    default:
        cr_assert(letter == 'A' || letter == 'a', "what is '%c'?", letter);
        return end;
    }
}

static int64_t began_before_ns(char letter)
{
    return (letter == 'f' || letter == 'a' ? LATE_S : letter == 'm' ? MIDDLE_S : 0) * FLOW_SECOND_NS;
}

/* A flow of a client that begins a second after the one before, and is over. */
static void add(char letter, uint32_t client, uint32_t question)
{
    struct flow *flow = calloc(1, sizeof *flow);
    cr_assert_not_null(flow);
    memset(flow->record.at, FLOW_UNSEEN, sizeof flow->record.at);
    flow->record.decisive = FLOW_UNSEEN;
    flow->record.client = address(client);
    flow->server = server;
    flow->first_ns = clock_ns - began_before_ns(letter);
    flow->last_ns = clock_ns + FLOW_SECOND_NS / 100;
    clock_ns += FLOW_SECOND_NS;
    if (question) {
        struct dns_question asked = {.hash = question, .qtype = DNS_TYPE_MX, .qname_length = 1};
        flow_expect(flow, 0, &asked);
    }
    struct flow_end how = end_of(letter);
    facts_flow(facts, flow, &how);
    free(flow);
}

static void add_all(const char *letters)
{
    for (; *letters; letters++)
        if (*letters == '|')
            facts_renew(facts, clock_ns);
        else
            add(*letters, 7, 0);
}

static const struct tcp_facts *tcp(void)
{
    return facts_tcp_seen(facts, facts_server_at(facts, server));
}

static uint32_t failed(const uint32_t *outcomes)
{
    return outcomes[OUTCOME_REJECTED] + outcomes[OUTCOME_UNANSWERED];
}

/* What the counts are when flows have ended so, one after the other; "|" begins a window. */
static const struct course {
    const char *flows;
    uint32_t answered, failed, earlier_answered, earlier_failed;
} courses[] = {
    {"AAAAAA", 6, 0, 0, 0},
    {"FFFFFF", 0, 6, 0, 0},
    {"FUFUFU", 0, 6, 0, 0},
    /* it begins to fail */
    {"AAAAAF", 5, 1, 0, 0},
    {"AAAAAFF", 5, 2, 0, 0},
    {"AAAAAFFF", 0, 3, 5, 0},
    {"AAAAAFUF", 0, 3, 5, 0},
    {"AFFF", 0, 3, 1, 0},
    {"AAAAAFFFFFF", 0, 6, 5, 0},
    /* it works again */
    {"FFFFFAA", 2, 5, 0, 0},
    {"FFFFFAAA", 3, 0, 0, 5},
    {"FFFFFABA", 3, 0, 0, 5},
    {"FFFFFAAAAAA", 6, 0, 0, 5},
    /* and again */
    {"AAAAAFFFFAAA", 3, 0, 5, 4},
    {"AAAAAFFFFAAAFFF", 0, 3, 8, 4},
    /* one in ten that ended otherwise before is no other state, one in nine is */
    {"AAAAAAAAAAFAFFF", 0, 3, 11, 1},
    {"AAAAAAAAFAFFF", 9, 4, 0, 0},
    /* some fail and some do not */
    {"AAAFAAAFAAAFAAAF", 12, 4, 0, 0},
    {"AAAFAAFAAAFAAAAFAF", 13, 5, 0, 0},
    {"AFAFAFAFAFAF", 6, 6, 0, 0},
    {"AAFFAAFFAAFF", 6, 6, 0, 0},
    {"AAFFFAAFFFAAA", 5, 6, 2, 0}, /* turned once */
    {"FAAAFAAAFAAAF", 9, 3, 0, 1}, /* no more than a failure before it worked */
    /* flows that say nothing end no run; they belong to what was before */
    {"AAAAAFXF?F", 0, 3, 5, 0},
    {"FFFFFAX?AXA", 3, 0, 0, 5},
    /* flows that began before those that end now say nothing of a turn */
    {"FFFFFAfAfA", 3, 0, 0, 7},
    {"FFFFFAAAfff", 3, 0, 0, 8},
    {"FFFFFAAAfffFFF", 0, 3, 3, 8},
    {"AAAAAFaFaF", 0, 3, 7, 0},
    {"AAAAAFFFaa", 0, 3, 7, 0},
    {"AAAAAffF", 5, 1, 0, 2},
    {"AAAAAFFFFFFFFaaaaA", 1, 8, 9, 0},
    /* those that began while others went on count against them */
    {"AAAmAAAmAAAm", 9, 3, 0, 0},
    {"AAAAAAAAAAAAAAAAAAAAmAAAAAAAAA", 29, 1, 0, 0},
    {"FFFFFAAmAAAAAAA", 9, 6, 0, 0},
    {"FFFFFAAmAAAAAAAA", 10, 1, 0, 5},
    {"AAAAAAAAAAAAAAAAAAAAmAFFF", 0, 3, 21, 1},
    /* windows */
    {"AAAAAFF|F", 0, 1, 0, 0},
    {"AAAAA|FFF", 0, 3, 0, 0},
    {"AAAAAFFF|", 0, 0, 0, 0},
    {"AAAAAFFF|F", 0, 1, 0, 0},
    {"AAAAAFFF|FAAA", 3, 0, 0, 1},
    {"AAFF|aFFF", 0, 3, 1, 0},
    {"FFFFFAAA|f", 0, 0, 0, 1},
    {"FFFFFAAA|fA", 1, 0, 0, 1},
};

Test(turn, courses)
{
    for (size_t i = 0; i < sizeof courses / sizeof *courses; i++) {
        const struct course *course = &courses[i];
        add_all(course->flows);
        cr_expect_eq(tcp()->outcomes[OUTCOME_ANSWERED], course->answered, "%s: %u answered", course->flows,
                     tcp()->outcomes[OUTCOME_ANSWERED]);
        cr_expect_eq(failed(tcp()->outcomes), course->failed, "%s: %u failed", course->flows, failed(tcp()->outcomes));
        cr_expect_eq(tcp()->earlier[OUTCOME_ANSWERED], course->earlier_answered, "%s: %u answered before",
                     course->flows, tcp()->earlier[OUTCOME_ANSWERED]);
        cr_expect_eq(failed(tcp()->earlier), course->earlier_failed, "%s: %u failed before", course->flows,
                     failed(tcp()->earlier));
        bool turned = course->earlier_answered + course->earlier_failed > 0;
        cr_expect_eq(facts_turned(tcp()), turned, "%s", course->flows);
        cr_expect(strchr(course->flows, '|') || (tcp()->turned_ns != 0) == turned, "%s", course->flows);
        end();
        begin();
    }
}

/* Each flow is in one of the counts, and the endings say the same as the outcomes. */
Test(turn, nothing_is_lost)
{
    uint32_t seed = 1, flows = 0;
    for (int i = 0; i < 20000; i++, flows++) {
        seed = seed * 1664525 + 1013904223;
        unsigned level = (unsigned)i / 97 % 2 ? 30 : 250; /* it works for a while, then it fails */
        bool fine = (seed >> 16 & 0xff) < level;
        add((fine ? "ABAa" : "FUfX")[seed >> 26 & 3], 7 + (seed >> 28), 0);
        uint32_t in_endings[FLOW_OUTCOMES] = {0}, all = 0, attempts = 0;
        for (uint32_t k = 0; k < tcp()->endings.count; k++)
            in_endings[tcp()->endings.rows[k].end.outcome] += tcp()->endings.rows[k].count;
        for (int k = 0; k < FLOW_OUTCOMES; k++) {
            cr_assert_eq(in_endings[k], tcp()->outcomes[k], "flow %d", i);
            attempts += k == OUTCOME_INCOMPLETE ? 0 : tcp()->outcomes[k];
            all += tcp()->outcomes[k] + tcp()->earlier[k];
        }
        cr_assert_eq(tcp()->attempts, attempts, "flow %d", i);
        cr_assert_eq(all, flows + 1, "flow %d", i);
    }
    cr_assert(facts_turned(tcp()));
}

Test(turn, a_saved_capture_is_judged_as_a_whole)
{
    end();
    facts = facts_new();
    server = facts_server(facts, address(1), DNS_PORT, clock_ns);
    add_all("AAAAAFFFFFF");
    cr_assert_eq(tcp()->outcomes[OUTCOME_ANSWERED], 5);
    cr_assert_eq(tcp()->outcomes[OUTCOME_REJECTED], 6);
    cr_assert_not(facts_turned(tcp()));
}

Test(turn, failures_are_those_since_then)
{
    add_all("AAF");
    int64_t stray_ns = tcp()->first_failure_ns;
    add_all("AAAAAAAAA");
    int64_t began_ns = clock_ns;
    add_all("FFF");
    cr_assert_neq(stray_ns, 0);
    cr_assert_eq(tcp()->turned_ns, began_ns);
    cr_assert_eq(tcp()->first_failure_ns, began_ns, "not the stray one");
    cr_assert_eq(tcp()->last_failure_ns, clock_ns - FLOW_SECOND_NS + FLOW_SECOND_NS / 100);
    began_ns = clock_ns;
    add_all("AAA");
    cr_assert_eq(tcp()->turned_ns, began_ns);
    cr_assert_eq(tcp()->first_failure_ns, 0);
    cr_assert_eq(tcp()->last_failure_ns, 0);
    add_all("f");
    cr_assert_eq(tcp()->first_failure_ns, 0, "of one that began before the turn");
    add_all("F");
    cr_assert_eq(tcp()->first_failure_ns, clock_ns - FLOW_SECOND_NS);
}

Test(turn, endings_of_before_are_forgotten)
{
    add('B', 7, 0);
    for (uint32_t i = 0; i < 6; i++)
        add('A', 7, 0);
    add('F', 8, 0);
    add('U', 9, 0);
    add('F', 8, 0);
    const struct ending_list *endings = &tcp()->endings;
    cr_assert_eq(endings->count, 2);
    cr_assert_eq(endings->rows[0].end.mechanism, MECHANISM_SYN_RESET);
    cr_assert_eq(endings->rows[0].count, 2);
    cr_assert_eq(endings->rows[1].end.mechanism, MECHANISM_SYN_UNANSWERED);
    cr_assert_eq(endings->rows[1].count, 1);
    cr_assert(addr_same(facts_exemplar(facts, endings->rows[0].exemplar)->client, address(8)));
    cr_assert(addr_same(facts_exemplar(facts, endings->rows[1].exemplar)->client, address(9)));
    add('F', 8, 0);
    cr_assert_eq(endings->rows[0].count, 3, "they go on where they are");
    add('B', 7, 0);
    cr_assert_eq(endings->count, 3, "one that was forgotten is a new one");
    cr_assert(addr_same(facts_exemplar(facts, endings->rows[2].exemplar)->client, address(7)));
}

static const struct client *client_of(uint32_t of, uint32_t number)
{
    const struct client *client;
    uint32_t position = 0;
    while ((client = facts_next_client(facts, of, &position)))
        if (addr_same(client->address, address(number)))
            return client;
    return NULL;
}

Test(turn, clients_are_those_since_then)
{
    uint32_t first = server;
    server = facts_server(facts, address(2), DNS_PORT, clock_ns);
    add('F', 7, 0);
    uint32_t other = server;
    server = first;
    add('B', 6, 0);
    for (uint32_t i = 0; i < 4; i++)
        add('A', 7, 0);
    cr_assert_eq(client_of(server, 7)->attempts, 4);
    for (uint32_t i = 0; i < 3; i++)
        add('F', 8, 0);
    cr_assert_null(client_of(server, 6), "who was answered before");
    cr_assert_null(client_of(server, 7), "who was answered before");
    cr_assert_not_null(client_of(other, 7), "another server's are its own");
    add('F', 7, 0);
    cr_assert_not_null(client_of(server, 7));
    cr_assert_eq(client_of(server, 7)->attempts, 1);
    cr_assert_eq(client_of(server, 7)->outcomes[OUTCOME_ANSWERED], 0);
    cr_assert_eq(client_of(server, 7)->endings, 1, "the server's endings as they are now");
}

/* the query itself */

static uint32_t answered_after(char failure, uint32_t lost, const char *answers)
{
    for (int i = 0; i < 5; i++)
        add(failure, 7, lost);
    add_all(answers);
    return tcp()->earlier[OUTCOME_REJECTED];
}

Test(turn, other_questions_are_answered)
{
    cr_assert_eq(answered_after('Q', 42, "AAAAAA"), 0, "that one is not");
    facts_question_answered(facts, 42);
    add_all("A");
    cr_assert_eq(tcp()->earlier[OUTCOME_REJECTED], 5);
    cr_assert_eq(tcp()->outcomes[OUTCOME_ANSWERED], 7);
}

Test(turn, it_begins_to_fail_whatever_is_asked)
{
    add_all("AAAAA");
    for (int i = 0; i < 3; i++)
        add('Q', 7, 42);
    cr_assert_eq(tcp()->earlier[OUTCOME_ANSWERED], 5);
}

Test(turn, before_the_query_it_is_no_matter_of_the_query)
{
    cr_assert_eq(answered_after('F', 42, "AAA"), 5);
}

Test(turn, another_servers_questions_are_no_matter)
{
    uint32_t first = server;
    server = facts_server(facts, address(2), DNS_PORT, clock_ns);
    add('Q', 7, 42);
    server = first;
    cr_assert_eq(answered_after('Q', 0, "AAA"), 5);
}
