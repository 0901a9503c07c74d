/* Reading bytes: nothing past the end, and a short read sticks. */
#include "dissect/cursor.h"

#include <criterion/criterion.h>

static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07};

Test(cursor, reads_in_network_order)
{
    struct cursor cursor = cursor_of(bytes, sizeof bytes);
    cr_assert_eq(cursor_u8(&cursor), 0x01);
    cr_assert_eq(cursor_u16(&cursor), 0x0203);
    cr_assert_eq(cursor_u32(&cursor), 0x04050607);
    cr_assert_not(cursor.failed);
    cr_assert_eq(cursor.left, 0);
}

Test(cursor, the_highest_bit_is_no_sign)
{
    static const uint8_t ones[] = {0xff, 0xff, 0xff, 0xff};
    struct cursor cursor = cursor_of(ones, sizeof ones), ahead = cursor;
    cr_assert_eq(cursor_u32(&cursor), UINT32_MAX);
    cr_assert_eq(cursor_u16(&ahead), UINT16_MAX);
}

Test(cursor, a_short_read_gives_0_and_sticks)
{
    struct cursor cursor = cursor_of(bytes, 3);
    cr_assert_eq(cursor_u32(&cursor), 0);
    cr_assert(cursor.failed);
    cr_assert_eq(cursor_u8(&cursor), 0, "the three bytes that are there must not be read after the failure");
    cr_assert_eq(cursor_u16(&cursor), 0);
    cr_assert_null(cursor_take(&cursor, 1));
    cr_assert(cursor.failed);
}

Test(cursor, each_read_fails_one_byte_short)
{
    for (size_t length = 0; length < 4; length++) {
        struct cursor one = cursor_of(bytes, length), two = one, four = one;
        cursor_u8(&one);
        cursor_u16(&two);
        cursor_u32(&four);
        cr_expect_eq(one.failed, length < 1);
        cr_expect_eq(two.failed, length < 2);
        cr_expect_eq(four.failed, length < 4);
    }
}

Test(cursor, an_end_is_no_failure)
{
    struct cursor cursor = cursor_of(bytes, 2);
    cr_assert_not_null(cursor_take(&cursor, 2));
    cr_assert_not_null(cursor_take(&cursor, 0));
    cr_assert_not(cursor.failed);
    cr_assert_null(cursor_take(&cursor, 1));
    cr_assert(cursor.failed);
}

Test(cursor, a_copy_looks_ahead)
{
    struct cursor cursor = cursor_of(bytes, sizeof bytes), ahead = cursor;
    cursor_take(&ahead, 100);
    cr_assert(ahead.failed);
    cr_assert_not(cursor.failed);
    cr_assert_eq(cursor_u8(&cursor), 0x01);
}

Test(cursor, a_limit_cuts_and_never_extends)
{
    struct cursor cursor = cursor_of(bytes, 4);
    cursor_limit(&cursor, 100);
    cr_assert_eq(cursor.left, 4);
    cursor_limit(&cursor, 2);
    cr_assert_eq(cursor.left, 2);
    cr_assert_eq(cursor_u16(&cursor), 0x0102);
    cr_assert_null(cursor_take(&cursor, 1));
}

Test(cursor, nothing_at_all)
{
    struct cursor cursor = cursor_of(NULL, 0);
    cursor_limit(&cursor, 5);
    cr_assert_eq(cursor_u8(&cursor), 0);
    cr_assert(cursor.failed);
}
