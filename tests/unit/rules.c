/* The rule table as data: every row is whole, and every sentence can be said. */
#include "report/rules.h"

#include "report/phrase.h"
#include "report/report.h"
#include "tests/unit/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(rules, each_row_is_whole)
{
    cr_assert_not_null(rules_at(0));
    for (size_t i = 0; rules_at(i); i++) {
        cr_expect(rules_at(i)->id && *rules_at(i)->id, "row %zu", i);
        cr_expect_not_null(rules_at(i)->holds, "%s", rules_at(i)->id);
        cr_expect(rules_at(i)->sentence && *rules_at(i)->sentence, "%s", rules_at(i)->id);
        cr_expect(rules_at(i)->meaning && *rules_at(i)->meaning, "%s", rules_at(i)->id);
        cr_expect(rules_at(i)->source && *rules_at(i)->source, "%s", rules_at(i)->id);
        cr_expect_lt((int)rules_at(i)->blames, CULPRITS);
        cr_expect_neq(rules_at(i)->blames, CULPRIT_UNDETERMINED, "%s: a rule that knows nothing blames nobody",
                      rules_at(i)->id);
        cr_expect_lt((int)rules_at(i)->strength, STRENGTHS);
        cr_expect_lt((int)rules_at(i)->group, RULE_GROUPS);
    }
}

Test(rules, ids_are_unique_and_plain)
{
    for (size_t i = 0; rules_at(i); i++) {
        size_t plain = strspn(rules_at(i)->id, "abcdefghijklmnopqrstuvwxyz0123456789-");
        cr_expect_eq(plain, strlen(rules_at(i)->id), "%s", rules_at(i)->id);
        for (size_t k = 0; k < i; k++)
            cr_expect_str_neq(rules_at(i)->id, rules_at(k)->id);
    }
}

/* Ends in a full stop, perhaps within parentheses. */
static bool is_sentence(const char *text)
{
    size_t length = strlen(text);
    return length > 2 && text[length - 1 - (text[length - 1] == ')')] == '.';
}

Test(rules, sentences_are_sentences)
{
    for (size_t i = 0; rules_at(i); i++) {
        cr_expect(is_sentence(rules_at(i)->sentence), "%s", rules_at(i)->id);
        cr_expect(is_sentence(rules_at(i)->meaning), "%s", rules_at(i)->id);
        cr_expect_null(strstr(rules_at(i)->sentence, "  "), "%s", rules_at(i)->id);
    }
}

/* A case of which every part is there. */
struct whole_case {
    struct facts *facts;
    struct server server;
    struct tcp_facts tcp;
    struct ending ending;
    struct flow_record flow;
    struct crowd crowd;
    struct rule_case rule_case;
};

static void whole_case(struct whole_case *whole)
{
    *whole = (struct whole_case){.facts = facts_new(), .crowd = {.edge_networks = 4, .edge_ttl = 64}};
    whole->server.address = wire_addr("198.51.100.53");
    whole->server.port = 53;
    whole->flow.client = wire_addr("192.0.2.10");
    whole->flow.decisive = FLOW_UNSEEN;
    whole->flow.icmp_family = 4;
    whole->ending.end = (struct flow_end){.mechanism = MECHANISM_SYN_RESET,
                                          .outcome = OUTCOME_REJECTED,
                                          .ttl = 64,
                                          .synack_ttl = 63,
                                          .ack_ttl = 62,
                                          .icmp_type = 3,
                                          .icmp_code = 13,
                                          .icmp_source = wire_addr("192.0.2.1")};
    whole->ending.count = 3;
    whole->ending.least_us = 120;
    whole->ending.most_us = 45000;
    delays_add(&whole->tcp.handshake, 8000000);
    whole->tcp.refused_count = 1;
    whole->tcp.refused[0].rcode = DNS_REFUSED;
    whole->rule_case = (struct rule_case){.facts = whole->facts,
                                          .server = &whole->server,
                                          .tcp = &whole->tcp,
                                          .ending = &whole->ending,
                                          .flow = &whole->flow,
                                          .crowd = &whole->crowd,
                                          .ruler = {.kind = RULER_DNS_ANSWERS, .samples = 5, .usual = 61},
                                          .alike = 3};
}

Test(rules, no_sentence_leaves_a_word_in_braces)
{
    struct whole_case whole;
    whole_case(&whole);
    for (size_t i = 0; rules_at(i); i++) {
        char *text = rules_sentence(rules_at(i), &whole.rule_case);
        cr_assert_not_null(text);
        cr_expect_null(strpbrk(text, "{}"), "%s: %s", rules_at(i)->id, text);
        free(text);
    }
    facts_free(whole.facts);
}

Test(rules, a_case_of_which_hardly_anything_is_known_can_be_asked)
{
    struct whole_case whole;
    whole_case(&whole);
    whole.tcp = (struct tcp_facts){.attempts = 0};
    whole.ending = (struct ending){.exemplar = FACTS_NONE};
    whole.rule_case.ruler = (struct ruler){.kind = RULER_NONE};
    for (size_t i = 0; rules_at(i); i++) {
        char *text = rules_sentence(rules_at(i), &whole.rule_case);
        cr_expect_not(rules_at(i)->holds(&whole.rule_case), "%s holds of nothing", rules_at(i)->id);
        cr_assert_not_null(text);
        cr_expect_null(strpbrk(text, "{}"), "%s: %s", rules_at(i)->id, text);
        free(text);
    }
    facts_free(whole.facts);
}

Test(rules, words_of_a_phrase)
{
    struct whole_case whole;
    whole_case(&whole);
    static const struct {
        const char *template, *text;
    } rows[] = {
        {"plain", "plain"},
        {"", ""},
        {"{server} port {port}", "198.51.100.53 port 53"},
        {"{client}", "192.0.2.10"},
        {"TTL {end_ttl} is {end_hops}", "TTL 64 is 0 hops"},
        {"{synack_hops}", "1 hop"},
        {"{icmp_source}: {icmp_name}", "192.0.2.1: communication administratively prohibited"},
        {"{delay}", "0.12 ms to 45 ms after the earliest packet that it can answer"},
        {"{rcode}", "REFUSED"},
        {"{unknown} stays", "{unknown} stays"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = phrase(rows[i].template, &whole.rule_case);
        cr_expect_str_eq(text, rows[i].text);
        free(text);
    }
    facts_free(whole.facts);
}

Test(rules, an_open_brace_ends_the_phrase)
{
    struct whole_case whole;
    whole_case(&whole);
    char *text = phrase("a {server", &whole.rule_case);
    cr_assert_not_null(text);
    free(text);
    facts_free(whole.facts);
}

Test(rules, each_code_can_be_explained)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; rules_at(i); i++)
        cr_expect(explain(rules_at(i)->id, out), "%s", rules_at(i)->id);
    for (int i = 0; i < MECHANISMS; i++)
        if (i != MECHANISM_NONE)
            cr_expect(explain(mechanism_name((enum mechanism)i), out), "%s", mechanism_name((enum mechanism)i));
    for (int i = 0; i < CULPRITS; i++)
        cr_expect(explain(culprit_name((enum culprit)i), out), "%s", culprit_name((enum culprit)i));
    cr_expect(explain(NULL, out));
    cr_expect_not(explain("no-such-code", out));
    fclose(out);
    free(text);
}

Test(rules, each_enum_has_its_words)
{
    for (int i = 0; i < STRENGTHS; i++)
        cr_expect_not_null(strength_name((enum strength)i));
    for (int i = 0; i < RULE_GROUPS; i++)
        cr_expect_not_null(rule_group_name((enum rule_group)i));
    for (int i = 0; i < REPORT_OUTCOMES; i++)
        cr_expect_not_null(report_outcome_name((enum report_outcome)i));
    for (int i = 0; i < CONFIDENCES; i++)
        cr_expect_not_null(confidence_name((enum confidence)i));
    for (int i = 0; i < FLOW_EVENTS; i++)
        cr_expect_not_null(flow_event_name((enum flow_event)i));
}
