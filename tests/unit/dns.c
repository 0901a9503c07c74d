/* The head of DNS messages: what is read, what is refused, what is cut. */
#include "dissect/dns.h"

#include "tests/unit/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>

static bool parse(struct dns_message *message, const struct wire *wire)
{
    return dns_parse(message, cursor_of(wire->bytes, wire->length));
}

static uint32_t question_of(const char *name, uint16_t qtype)
{
    struct wire wire = {.length = 0};
    struct dns_message message;
    wire_query(&wire, 1, name, qtype);
    cr_assert(parse(&message, &wire));
    cr_assert(message.has_question);
    return message.question;
}

Test(dns, a_query)
{
    struct wire wire = {.length = 0};
    struct dns_message message;
    char name[DNS_NAME_TEXT];
    wire_query(&wire, 0xbeef, "www.example.com", DNS_TYPE_MX);
    cr_assert(parse(&message, &wire));
    cr_assert_eq(message.id, 0xbeef);
    cr_assert_not(message.response);
    cr_assert_eq(message.qtype, DNS_TYPE_MX);
    cr_assert_eq(message.qname_length, 17);
    cr_assert_str_eq(dns_name_text(message.qname, message.qname_length, name), "www.example.com.");
}

Test(dns, an_answer_with_tc_and_rcode)
{
    struct wire wire = {.length = 0};
    struct dns_message message;
    wire_answer(&wire, 7, "example.com", 1, true, DNS_REFUSED);
    cr_assert(parse(&message, &wire));
    cr_assert(message.response && message.truncated);
    cr_assert_eq(message.rcode, DNS_REFUSED);
}

Test(dns, the_hash_ignores_case)
{
    cr_assert_eq(question_of("eXaMpLe.CoM", 15), question_of("example.com", 15));
    cr_assert_eq(question_of("Z.@[.com", 15), question_of("z.@[.com", 15));
    cr_assert_neq(question_of("a.`{.com", 15), question_of("a.@[.com", 15), "only letters have case");
}

Test(dns, the_hash_tells_questions_apart)
{
    uint32_t question = question_of("example.com", 15);
    cr_assert_neq(question, question_of("example.com", 1));
    cr_assert_neq(question, question_of("example.org", 15));
    cr_assert_neq(question_of("ab.c", 1), question_of("a.bc", 1), "labels are part of the name");
    cr_assert_neq(question_of("", 2), question_of("com", 2));
}

Test(dns, the_root_is_a_name)
{
    struct wire wire = {.length = 0};
    struct dns_message message;
    char name[DNS_NAME_TEXT];
    wire_query(&wire, 1, "", 2);
    cr_assert(parse(&message, &wire));
    cr_assert_eq(message.qname_length, 1);
    cr_assert_str_eq(dns_name_text(message.qname, message.qname_length, name), ".");
}

Test(dns, an_answer_without_a_question)
{
    static const uint8_t bytes[DNS_HEADER] = {0, 9, 0x80, 5};
    struct dns_message message;
    cr_assert(dns_parse(&message, cursor_of(bytes, sizeof bytes)));
    cr_assert_not(message.has_question);
    cr_assert_eq(message.id, 9);
    cr_assert_eq(message.rcode, DNS_REFUSED);
}

Test(dns, a_compression_pointer_in_a_question_is_refused)
{
    struct wire wire = {.length = 0};
    struct dns_message message;
    wire_query(&wire, 1, "example.com", 15);
    wire.bytes[DNS_HEADER] = 0xc0; /* points at itself */
    wire.bytes[DNS_HEADER + 1] = DNS_HEADER;
    cr_assert_not(parse(&message, &wire));
    wire.bytes[DNS_HEADER] = 0x47; /* a label type that RFC 6891 took back */
    cr_assert_not(parse(&message, &wire));
}

Test(dns, two_questions_are_refused)
{
    struct wire wire = {.length = 0};
    struct dns_message message;
    wire_query(&wire, 1, "example.com", 15);
    wire.bytes[5] = 2;
    cr_assert_not(parse(&message, &wire));
}

Test(dns, opcodes_beyond_the_registry_are_refused)
{
    for (unsigned opcode = 0; opcode < 16; opcode++) {
        struct wire wire = {.length = 0};
        struct dns_message message;
        wire_query(&wire, 1, "example.com", 15);
        wire.bytes[2] = (uint8_t)(opcode << 3);
        cr_expect_eq(parse(&message, &wire), opcode <= 6, "opcode %u", opcode);
    }
}

Test(dns, every_cut_is_noticed)
{
    struct wire wire = {.length = 0};
    wire_query(&wire, 0x1234, "www.example.com", 15);
    for (size_t length = 0; length < wire.length; length++) {
        struct dns_message message;
        cr_expect_not(dns_parse(&message, cursor_of(wire.bytes, length)), "%zu of %zu bytes", length, wire.length);
        cr_expect_eq(message.id, length >= 4 ? 0x1234 : 0, "ID and flags are read once they are whole");
    }
}

/* A name of `labels` labels of 63 bytes, and a last one of `last`. */
static struct wire long_query(int labels, int last)
{
    char name[300], *end = name;
    struct wire wire = {.length = 0};
    for (int i = 0; i < labels; i++)
        end += sprintf(end, "%.63s.", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    sprintf(end, "%.*s", last, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
    wire_query(&wire, 1, name, 15);
    return wire;
}

Test(dns, the_longest_name_and_one_more_byte)
{
    struct wire fits = long_query(3, 61), exceeds = long_query(3, 62);
    struct dns_message message;
    char name[DNS_NAME_TEXT];
    cr_assert(parse(&message, &fits));
    cr_assert_eq(message.qname_length, DNS_NAME);
    cr_assert_eq(strlen(dns_name_text(message.qname, message.qname_length, name)), 254);
    cr_assert_not(parse(&message, &exceeds));
}

Test(dns, names_with_bytes_that_need_escapes)
{
    static const uint8_t qname[] = {5, 'a', '.', '\0', '\n', 0xff, 0};
    char name[DNS_NAME_TEXT];
    dns_name_text(qname, sizeof qname, name);
    for (const char *at = name; *at; at++)
        cr_expect(*at > ' ' && *at < 127, "byte %d", *at);
    cr_assert_not_null(strstr(name, "\\."));
}

Test(dns, a_name_that_cannot_be_read_is_a_question_mark)
{
    static const uint8_t cut[] = {60, 'a', 'b'};
    char name[DNS_NAME_TEXT];
    cr_assert_str_eq(dns_name_text(cut, sizeof cut, name), "?");
    cr_assert_str_eq(dns_name_text(cut, 0, name), "?");
}

Test(dns, words)
{
    char type[16];
    cr_assert_str_eq(dns_rcode_name(DNS_REFUSED), "REFUSED");
    for (unsigned rcode = 0; rcode < 16; rcode++)
        cr_expect_not_null(dns_rcode_name(rcode));
    cr_assert_str_eq(dns_type_text(DNS_TYPE_MX, type), "MX");
    cr_assert_str_eq(dns_type_text(65280, type), "TYPE65280");
    for (unsigned qtype = 0; qtype <= UINT16_MAX; qtype += 7)
        cr_expect_lt(strlen(dns_type_text((uint16_t)qtype, type)), sizeof type);
}

Test(dns, refusals)
{
    static const bool refuses[16] = {
        [DNS_FORMERR] = true, [DNS_SERVFAIL] = true, [DNS_NOTIMP] = true, [DNS_REFUSED] = true};
    for (unsigned rcode = 0; rcode < 16; rcode++)
        cr_expect_eq(dns_rcode_is_refusal(rcode), refuses[rcode], "rcode %u", rcode);
}
