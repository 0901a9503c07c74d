/* DNS queries as a probe sends them. */
#include "dissect/query.h"

#include <criterion/criterion.h>
#include <string.h>

static struct query made(const char *name, const char *type, uint16_t edns_bytes)
{
    struct query query;
    const char *wrong;
    cr_assert(query_make(&query, name, type, 0x1234, edns_bytes, &wrong), "%s %s: the %s", name, type, wrong);
    return query;
}

/* What is wrong with it. */
static const char *fault(const char *name, const char *type)
{
    struct query query;
    const char *wrong;
    return query_make(&query, name, type, 1, 0, &wrong) ? "nothing" : wrong;
}

Test(query, has_its_length_before_it_and_asks_for_recursion)
{
    static const uint8_t expected[] = "\x00\x1e\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                                      "\x07"
                                      "example\x04test\x00\x00\x0f\x00\x01";
    struct query query = made("example.test", "MX", 0);
    cr_assert_eq(query.length, sizeof expected - 1 - 2);
    cr_assert_arr_eq(query.bytes, expected, sizeof expected - 1);
    cr_assert_eq(query.question.qtype, DNS_TYPE_MX);
    cr_assert_eq(query.question.qname_length, 14);
}

Test(query, a_last_dot_and_the_case_of_a_type_change_nothing)
{
    struct query plain = made("example.test", "MX", 0), dotted = made("example.test.", "mx", 0);
    cr_assert_eq(plain.length, dotted.length);
    cr_assert_arr_eq(plain.bytes, dotted.bytes, plain.length);
}

Test(query, with_edns_it_announces_how_much_it_takes)
{
    struct query plain = made("example.test", "MX", 0), edns = made("example.test", "MX", 1232);
    const uint8_t *opt = edns.bytes + 2 + plain.length; /* root, type 41, class: the bytes (RFC 6891, 6.1.2) */
    cr_assert_eq(edns.length, plain.length + 11);
    cr_assert_arr_eq(opt, ((const uint8_t[]){0, 0, 41, 1232 >> 8, 1232 & 0xff}), 5);
    cr_assert_eq(edns.question.hash, plain.question.hash);
}

Test(query, what_cannot_be_asked_is_named)
{
    char label[65] = "";
    memset(label, 'a', 64);
    cr_assert_str_eq(fault("", "MX"), "name");
    cr_assert_str_eq(fault("a..b", "MX"), "name");
    cr_assert_str_eq(fault(label, "MX"), "name");
    cr_assert_str_eq(fault("example.test", "NONSENSE"), "type");
    cr_assert_str_eq(fault("example.test", "AXFR"), "type");
    cr_assert_str_eq(fault("example.test", "TYPE65280"), "nothing");
    cr_assert_str_eq(fault("example.test", "TYPE65536"), "type");
}

Test(query, is_answered_by_its_id_and_question)
{
    struct query query = made("example.test", "MX", 0), other = made("example.org", "MX", 0);
    struct dns_message message;
    uint8_t answer[QUERY_BYTES];
    memcpy(answer, query.bytes + 2, query.length);
    cr_assert_not(query_is_answered(&query, answer, query.length, &message), "a query is no answer");
    answer[2] |= 0x80;
    cr_assert(query_is_answered(&query, answer, query.length, &message));
    cr_assert_not(query_is_answered(&query, answer, DNS_HEADER - 1, &message), "cut");
    answer[1] ^= 1;
    cr_assert_not(query_is_answered(&query, answer, query.length, &message), "another ID");
    memcpy(answer, other.bytes + 2, other.length);
    answer[2] |= 0x80;
    cr_assert_not(query_is_answered(&query, answer, other.length, &message), "another question");
}

Test(query, a_refusal_may_leave_the_question_away)
{
    struct query query = made("example.test", "MX", 0);
    struct dns_message message;
    const uint8_t refusal[DNS_HEADER] = {0x12, 0x34, 0x81, 0x01};
    cr_assert(query_is_answered(&query, refusal, sizeof refusal, &message));
    cr_assert_eq(message.rcode, DNS_FORMERR);
}
