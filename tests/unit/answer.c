/* Answers in nslookup's lines. */
#include "dissect/answer.h"

#include "dissect/dns.h"
#include "tests/unit/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void name(struct wire *wire, const char *text)
{
    while (*text) {
        size_t length = strcspn(text, ".");
        wire_u8(wire, (unsigned)length);
        wire_bytes(wire, text, length);
        text += length + (text[length] == '.');
    }
    wire_u8(wire, 0);
}

/* Header and question. */
static void head(struct wire *wire, unsigned flags, unsigned answers, unsigned additional)
{
    *wire = (struct wire){0};
    wire_u16(wire, 0x1234);
    wire_u16(wire, flags);
    wire_u16(wire, 1);
    wire_u16(wire, answers);
    wire_u16(wire, 0);
    wire_u16(wire, additional);
    name(wire, "microsoft.com");
    wire_u16(wire, 15);
    wire_u16(wire, 1);
}

static void record(struct wire *wire, const char *owner, unsigned type, const void *data, size_t length)
{
    name(wire, owner);
    wire_u16(wire, type);
    wire_u16(wire, 1);
    wire_u32(wire, 3600);
    wire_u16(wire, (unsigned)length);
    wire_bytes(wire, data, length);
}

static void mx(struct wire *wire, const char *owner, unsigned preference, const char *exchanger)
{
    struct wire data = {0};
    wire_u16(&data, preference);
    name(&data, exchanger);
    record(wire, owner, 15, data.bytes, data.length);
}

Test(answer, mail_exchangers_and_their_addresses_as_nslookup_shows_them)
{
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x25};
    static const char *const expected[] = {
        "microsoft.com MX preference = 10, mail exchanger = mail1.microsoft.com",
        "microsoft.com MX preference = 10, mail exchanger = mail2.microsoft.com",
        "mail1.microsoft.com internet address = 131.107.3.125",
        "mail1.microsoft.com AAAA IPv6 address = 2001:db8::25",
    };
    struct wire wire;
    struct answer answer;
    head(&wire, 0x8180, 2, 3);
    mx(&wire, "microsoft.com", 10, "mail1.microsoft.com");
    mx(&wire, "microsoft.com", 10, "mail2.microsoft.com");
    record(&wire, "mail1.microsoft.com", 1, "\x83\x6b\x03\x7d", 4);
    record(&wire, "mail1.microsoft.com", 28, v6, sizeof v6);
    record(&wire, "", 41, "", 0); /* EDNS is no record to show */
    cr_assert(answer_read(&answer, wire.bytes, wire.length));
    cr_assert_eq(answer.count, 4);
    for (unsigned i = 0; i < answer.count; i++)
        cr_expect_str_eq(answer.lines[i], expected[i]);
    answer_free(&answer);
}

Test(answer, other_types_are_shown_as_they_are_written)
{
    struct wire wire;
    struct answer answer;
    head(&wire, 0x8180, 3, 0);
    record(&wire, "microsoft.com", 16, "\x05v=spf\x02\x01\"", 9);
    record(&wire, "www.microsoft.com", 5, "\x01x\x00", 3);
    record(&wire, "microsoft.com", 65280, "\xab\xcd", 2);
    cr_assert(answer_read(&answer, wire.bytes, wire.length));
    cr_assert_eq(answer.count, 3);
    cr_expect_str_eq(answer.lines[0], "microsoft.com TXT \"v=spf\" \"\\001\\\"\"");
    cr_expect_str_eq(answer.lines[1], "www.microsoft.com canonical name = x");
    cr_expect_str_eq(answer.lines[2], "microsoft.com TYPE65280 \\# 2 abcd");
    answer_free(&answer);
}

Test(answer, an_escaped_dot_at_the_end_stays)
{
    struct wire wire;
    struct answer answer;
    head(&wire, 0x8180, 1, 0);
    record(&wire, "x", 5, "\x02y.\x00", 4);
    cr_assert(answer_read(&answer, wire.bytes, wire.length));
    cr_expect_str_eq(answer.lines[0], "x canonical name = y\\.");
    answer_free(&answer);
}

Test(answer, an_error_has_its_rcode_and_no_lines)
{
    struct wire wire;
    struct answer answer;
    head(&wire, 0x8185, 0, 0);
    cr_assert(answer_read(&answer, wire.bytes, wire.length));
    cr_expect_eq(answer.rcode, DNS_REFUSED);
    cr_expect_eq(answer.count, 0);
    answer_free(&answer);
}

Test(answer, more_records_than_lines_are_counted)
{
    struct wire wire;
    struct answer answer;
    head(&wire, 0x8180, ANSWER_LINES + 3, 0);
    for (int i = 0; i < ANSWER_LINES + 3; i++)
        record(&wire, "x", 1, "\x01\x02\x03\x04", 4);
    cr_assert(answer_read(&answer, wire.bytes, wire.length));
    cr_expect_eq(answer.count, ANSWER_LINES);
    cr_expect_eq(answer.left_out, 3);
    answer_free(&answer);
}

Test(answer, what_is_no_answer_is_refused_at_every_length)
{
    struct wire wire;
    struct answer answer;
    head(&wire, 0x0100, 0, 0);
    cr_expect_not(answer_read(&answer, wire.bytes, wire.length), "a query");
    answer_free(&answer);
    head(&wire, 0x8180, 1, 0);
    mx(&wire, "microsoft.com", 10, "mail1.microsoft.com");
    for (size_t length = 0; length < wire.length; length++) {
        cr_expect_not(answer_read(&answer, wire.bytes, length), "%zu bytes", length);
        answer_free(&answer);
    }
    cr_expect_not(answer_read(&answer, NULL, 0));
    answer_free(&answer);
}

Test(answer, long_lines_end_in_dots)
{
    struct wire wire, data = {0};
    struct answer answer;
    for (int i = 0; i < 8; i++) {
        wire_u8(&data, 200);
        for (int k = 0; k < 200; k++)
            wire_u8(&data, 'a');
    }
    head(&wire, 0x8180, 1, 0);
    record(&wire, "x", 16, data.bytes, data.length);
    cr_assert(answer_read(&answer, wire.bytes, wire.length));
    cr_expect_eq(strlen(answer.lines[0]), ANSWER_LINE - 1);
    cr_expect_str_eq(answer.lines[0] + ANSWER_LINE - 4, "...");
    answer_free(&answer);
}
