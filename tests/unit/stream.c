/* Reassembly: lengths and messages split anywhere, out of order, twice, cut, and more than fits. */
#include "dissect/stream.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 32, ISN = 4000 };

/* What came out, with the first bytes of each message. */
struct taken {
    struct stream stream;
    struct stream_pool *pool;
    int count;
    uint16_t lengths[MESSAGES];
    size_t lefts[MESSAGES];
    uint8_t bytes[MESSAGES][STREAM_HEAD];
};

static void take(void *context, const struct stream_message *message)
{
    struct taken *taken = context;
    cr_assert_lt(taken->count, MESSAGES);
    size_t kept = message->bytes.left < STREAM_HEAD ? message->bytes.left : STREAM_HEAD;
    if (kept > 0)
        memcpy(taken->bytes[taken->count], message->bytes.at, kept);
    taken->lefts[taken->count] = message->bytes.left;
    taken->lengths[taken->count++] = message->length;
}

static struct taken *begin(uint32_t seq)
{
    struct taken *taken = calloc(1, sizeof *taken);
    cr_assert_not_null(taken);
    taken->pool = stream_pool_new();
    cr_assert_not_null(taken->pool);
    stream_init(&taken->stream);
    stream_begin(&taken->stream, seq);
    return taken;
}

static void end(struct taken *taken)
{
    stream_release(&taken->stream, taken->pool);
    stream_pool_free(taken->pool);
    free(taken);
}

static uint32_t feed(struct taken *taken, uint32_t seq, const void *bytes, size_t count)
{
    return stream_feed(&taken->stream, taken->pool, seq, cursor_of(bytes, count), (uint32_t)count, take, taken);
}

/* A segment of which only the first bytes were captured. */
static uint32_t feed_cut(struct taken *taken, uint32_t seq, const void *bytes, size_t held, size_t count)
{
    return stream_feed(&taken->stream, taken->pool, seq, cursor_of(bytes, held), (uint32_t)count, take, taken);
}

/* A message behind its length; its bytes count up from `first`. Returns the bytes written. */
static size_t put_message(uint8_t *to, uint16_t length, uint8_t first)
{
    to[0] = (uint8_t)(length >> 8);
    to[1] = (uint8_t)length;
    for (uint16_t i = 0; i < length; i++)
        to[2 + i] = (uint8_t)(first + i);
    return length + 2u;
}

static void expect_message(const struct taken *taken, int index, uint16_t length, uint8_t first)
{
    cr_assert_gt(taken->count, index, "only %d messages", taken->count);
    cr_expect_eq(taken->lengths[index], length);
    size_t known = length < STREAM_HEAD ? length : STREAM_HEAD;
    cr_expect_geq(taken->lefts[index], known);
    for (size_t i = 0; i < known; i++)
        cr_assert_eq(taken->bytes[index][i], (uint8_t)(first + i), "byte %zu of message %d", i, index);
}

Test(stream, one_message_in_one_segment)
{
    struct taken *taken = begin(ISN);
    uint8_t bytes[64];
    size_t count = put_message(bytes, 40, 1);
    cr_assert_eq(feed(taken, ISN, bytes, count), count);
    expect_message(taken, 0, 40, 1);
    cr_assert_not(stream_is_partial(&taken->stream));
    end(taken);
}

Test(stream, the_length_split_at_every_byte)
{
    for (size_t split = 1; split < 42; split++) {
        struct taken *taken = begin(ISN);
        uint8_t bytes[64];
        size_t count = put_message(bytes, 40, 1);
        feed(taken, ISN, bytes, split);
        cr_expect_eq(taken->count, 0);
        cr_expect(stream_is_partial(&taken->stream));
        feed(taken, ISN + (uint32_t)split, bytes + split, count - split);
        expect_message(taken, 0, 40, 1);
        end(taken);
    }
}

Test(stream, a_byte_a_segment)
{
    struct taken *taken = begin(ISN);
    uint8_t bytes[128];
    size_t count = put_message(bytes, 40, 1);
    count += put_message(bytes + count, 50, 100);
    for (uint32_t i = 0; i < count; i++)
        cr_assert_eq(feed(taken, ISN + i, bytes + i, 1), 1);
    expect_message(taken, 0, 40, 1);
    expect_message(taken, 1, 50, 100);
    cr_assert_eq(taken->count, 2);
    end(taken);
}

Test(stream, several_messages_in_a_segment)
{
    struct taken *taken = begin(ISN);
    uint8_t bytes[512];
    size_t count = 0;
    for (uint8_t i = 0; i < 5; i++)
        count += put_message(bytes + count, (uint16_t)(20 + i), i);
    feed(taken, ISN, bytes, count);
    for (uint8_t i = 0; i < 5; i++)
        expect_message(taken, i, (uint16_t)(20 + i), i);
    end(taken);
}

Test(stream, empty_messages_are_stepped_over)
{
    struct taken *taken = begin(ISN);
    uint8_t bytes[64] = {0, 0, 0, 0};
    size_t count = 4 + put_message(bytes + 4, 20, 9);
    feed(taken, ISN, bytes, count);
    cr_assert_eq(taken->count, 1);
    expect_message(taken, 0, 20, 9);
    end(taken);
}

Test(stream, the_longest_message_keeps_its_head)
{
    struct taken *taken = begin(ISN);
    uint8_t *bytes = malloc(UINT16_MAX + 2);
    cr_assert_not_null(bytes);
    size_t count = put_message(bytes, UINT16_MAX, 3);
    for (size_t at = 0; at < count; at += 1448)
        feed(taken, ISN + (uint32_t)at, bytes + at, count - at < 1448 ? count - at : 1448);
    expect_message(taken, 0, UINT16_MAX, 3);
    free(bytes);
    end(taken);
}

Test(stream, two_segments_out_of_order)
{
    struct taken *taken = begin(ISN);
    uint8_t bytes[128];
    size_t count = put_message(bytes, 100, 1);
    cr_assert_eq(feed(taken, ISN + 50, bytes + 50, count - 50), 0);
    cr_assert(taken->stream.gap);
    cr_assert_eq(feed(taken, ISN, bytes, 50), count);
    expect_message(taken, 0, 100, 1);
    cr_assert_not(taken->stream.gap);
    end(taken);
}

Test(stream, a_byte_a_segment_backwards)
{
    struct taken *taken = begin(ISN);
    uint8_t bytes[64];
    size_t count = put_message(bytes, 40, 1);
    for (size_t i = count; i-- > 0;)
        feed(taken, ISN + (uint32_t)i, bytes + i, 1);
    expect_message(taken, 0, 40, 1);
    end(taken);
}

Test(stream, sent_again_counts_once)
{
    struct taken *taken = begin(ISN);
    uint8_t bytes[64];
    size_t count = put_message(bytes, 40, 1);
    feed(taken, ISN, bytes, count);
    cr_assert_eq(feed(taken, ISN, bytes, count), 0);
    cr_assert_eq(feed(taken, ISN - 1, "\0", 1), 0, "a keep-alive probe");
    cr_assert_eq(taken->count, 1);
    end(taken);
}

Test(stream, overlapping_with_other_content_the_first_wins)
{
    struct taken *taken = begin(ISN);
    uint8_t bytes[64], others[64];
    size_t count = put_message(bytes, 40, 1);
    put_message(others, 40, 200);
    feed(taken, ISN, bytes, 20);
    cr_assert_eq(feed(taken, ISN, others, 20), 0);
    cr_assert_eq(feed(taken, ISN + 10, others + 10, 10), 0);
    memcpy(others + 20, bytes + 20, count - 20);
    cr_assert_eq(feed(taken, ISN + 10, others + 10, count - 10), count - 20, "ten old bytes, the rest is new");
    expect_message(taken, 0, 40, 1);
    end(taken);
}

Test(stream, overlapping_while_waiting_the_first_wins)
{
    struct taken *taken = begin(ISN);
    uint8_t bytes[64], others[64];
    size_t count = put_message(bytes, 40, 1);
    put_message(others, 40, 200);
    feed(taken, ISN + 20, bytes + 20, count - 20);
    feed(taken, ISN + 20, others + 20, count - 20);
    feed(taken, ISN, bytes, 20);
    expect_message(taken, 0, 40, 1);
    end(taken);
}

Test(stream, overlapping_in_part_while_waiting_the_first_wins)
{
    struct taken *taken = begin(ISN);
    uint8_t bytes[64], others[64];
    size_t count = put_message(bytes, 40, 1);
    put_message(others, 40, 200);
    memcpy(others + 10, bytes + 10, 10);
    feed(taken, ISN + 20, bytes + 20, count - 20);
    feed(taken, ISN + 10, others + 10, count - 10); /* ten bytes of it are new, the rest came first in another form */
    feed(taken, ISN, bytes, 10);
    expect_message(taken, 0, 40, 1);
    end(taken);
}

Test(stream, sequence_numbers_wrap)
{
    for (uint32_t before = 0; before < 44; before++) {
        uint32_t isn = 0u - before;
        struct taken *taken = begin(isn);
        uint8_t bytes[64];
        size_t count = put_message(bytes, 40, 1);
        feed(taken, isn + 30, bytes + 30, count - 30);
        feed(taken, isn, bytes, 10);
        feed(taken, isn + 10, bytes + 10, 20);
        expect_message(taken, 0, 40, 1);
        end(taken);
    }
}

Test(stream, order_is_modulo_2_to_the_32)
{
    cr_assert(seq_before(1, 2));
    cr_assert_not(seq_before(2, 2));
    cr_assert(seq_before(UINT32_MAX, 0));
    cr_assert_not(seq_before(0, UINT32_MAX));
    cr_assert(seq_before(0xfffffff0, 0x10));
}

Test(stream, one_that_begins_in_the_middle_begins_there)
{
    struct taken *taken = begin(ISN);
    uint8_t bytes[64];
    size_t count = put_message(bytes, 40, 1);
    stream_init(&taken->stream);
    cr_assert_eq(feed(taken, 77777, bytes, count), count);
    expect_message(taken, 0, 40, 1);
    end(taken);
}

Test(stream, a_cut_tail_ends_the_message_all_the_same)
{
    struct taken *taken = begin(ISN);
    uint8_t bytes[256];
    size_t count = put_message(bytes, 100, 1);
    cr_assert_eq(feed_cut(taken, ISN, bytes, 40, count), count);
    cr_assert_eq(taken->count, 1);
    cr_assert_eq(taken->lengths[0], 100);
    cr_assert_eq(taken->lefts[0], 38, "what was captured of it, and no more");
    count = put_message(bytes, 20, 7);
    feed(taken, ISN + 102, bytes, count);
    expect_message(taken, 1, 20, 7);
    end(taken);
}

Test(stream, a_message_cut_in_each_of_its_segments)
{
    struct taken *taken = begin(ISN);
    uint8_t bytes[600];
    put_message(bytes, 500, 1);
    feed_cut(taken, ISN, bytes, 32, 300);
    cr_assert_eq(taken->count, 0);
    feed_cut(taken, ISN + 300, bytes + 300, 32, 202);
    cr_assert_eq(taken->count, 1);
    cr_assert_eq(taken->lengths[0], 500);
    end(taken);
}

/* The first segment of a message was cut, the next was not: between them is a hole that nobody captured. */
Test(stream, a_hole_in_the_head_is_not_filled_with_something_else)
{
    struct taken *taken = begin(ISN);
    uint8_t bytes[600];
    size_t count = put_message(bytes, 150, 0xaa); /* leaves its bytes in the head that the next message gets */
    feed(taken, ISN, bytes, 100);
    feed(taken, ISN + 100, bytes + 100, count - 100);
    expect_message(taken, 0, 150, 0xaa);
    uint32_t at = ISN + (uint32_t)count;
    count = put_message(bytes, 150, 1);
    feed_cut(taken, at, bytes, 22, 80); /* 20 bytes of the message, then 58 unseen */
    feed(taken, at + 80, bytes + 80, count - 80);
    cr_assert_eq(taken->count, 2);
    cr_assert_eq(taken->lengths[1], 150);
    for (size_t i = 0; i < taken->lefts[1] && i < 150; i++)
        cr_assert_eq(taken->bytes[1][i], (uint8_t)(1 + i), "byte %zu was never captured, and yet handed on as %u", i,
                     taken->bytes[1][i]);
    end(taken);
}

Test(stream, a_cut_in_the_length_loses_the_messages)
{
    for (size_t held = 0; held < 2; held++) {
        struct taken *taken = begin(ISN);
        uint8_t bytes[64];
        size_t count = put_message(bytes, 40, 1);
        feed_cut(taken, ISN, bytes, held, count);
        feed(taken, ISN + (uint32_t)count, bytes, count);
        cr_expect_eq(taken->count, 0, "%zu bytes held", held);
        cr_expect(taken->stream.opaque, "%zu bytes held", held);
        end(taken);
    }
}

Test(stream, a_cut_behind_the_length_leaves_the_next_message_whole)
{
    for (size_t held = 2; held < 42; held++) {
        struct taken *taken = begin(ISN);
        uint8_t bytes[64];
        size_t count = put_message(bytes, 40, 1);
        feed_cut(taken, ISN, bytes, held, count);
        feed(taken, ISN + (uint32_t)count, bytes, count);
        cr_assert_eq(taken->count, 2, "%zu bytes held", held);
        cr_expect_eq(taken->lefts[0], held - 2);
        cr_expect_eq(taken->lengths[0], 40);
        expect_message(taken, 1, 40, 1);
        end(taken);
    }
}

Test(stream, a_message_of_which_only_the_end_was_captured)
{
    struct taken *taken = begin(ISN);
    uint8_t bytes[256];
    size_t count = put_message(bytes, 150, 0xaa);
    feed(taken, ISN, bytes, 100);
    feed(taken, ISN + 100, bytes + 100, count - 100);
    uint32_t at = ISN + (uint32_t)count;
    count = put_message(bytes, 150, 1);
    feed_cut(taken, at, bytes, 2, 80);
    feed(taken, at + 80, bytes + 80, count - 80);
    cr_assert_eq(taken->count, 2);
    for (size_t i = 0; i < taken->lefts[1]; i++)
        cr_assert_eq(taken->bytes[1][i], (uint8_t)(1 + i), "byte %zu was never captured, and yet handed on as %u", i,
                     taken->bytes[1][i]);
    end(taken);
}

Test(stream, a_cut_segment_out_of_order)
{
    struct taken *taken = begin(ISN);
    uint8_t bytes[256];
    size_t count = put_message(bytes, 200, 1);
    feed_cut(taken, ISN + 100, bytes + 100, 10, count - 100);
    feed(taken, ISN, bytes, 100);
    cr_assert_eq(taken->count, 1);
    cr_assert_eq(taken->lengths[0], 200);
    end(taken);
}

/* Fills every early block of the pool, so that nothing more fits. */
static struct stream *exhaust(struct taken *taken)
{
    enum { STREAMS = STREAM_BLOCKS / STREAM_BLOCKS_EACH };
    struct stream *streams = calloc(STREAMS, sizeof *streams);
    cr_assert_not_null(streams);
    for (int i = 0; i < STREAMS; i++) {
        stream_init(&streams[i]);
        stream_begin(&streams[i], ISN);
        for (uint32_t k = 0; k < STREAM_BLOCKS_EACH; k++)
            stream_feed(&streams[i], taken->pool, ISN + 10 + k, cursor_of((const uint8_t *)"x", 1), 1, take, taken);
    }
    return streams;
}

static void release_all(struct stream *streams, struct stream_pool *pool)
{
    for (int i = 0; i < STREAM_BLOCKS / STREAM_BLOCKS_EACH; i++)
        stream_release(&streams[i], pool);
    free(streams);
}

Test(stream, a_full_pool_is_counted_and_gives_back_all_blocks)
{
    struct taken *taken = begin(ISN);
    for (int round = 0; round < 3; round++) {
        struct stream *streams = exhaust(taken);
        cr_assert_eq(stream_pool_refused(taken->pool), (uint64_t)round, "all blocks had come back");
        feed(taken, ISN + 10, "x", 1);
        cr_assert_eq(stream_pool_refused(taken->pool), (uint64_t)round + 1);
        release_all(streams, taken->pool);
    }
    end(taken);
}

Test(stream, a_stream_may_not_take_the_whole_pool)
{
    struct taken *taken = begin(ISN);
    for (uint32_t i = 0; i <= STREAM_BLOCKS_EACH; i++)
        feed(taken, ISN + 10 + i * 2, "x", 1);
    cr_assert_eq(taken->stream.early_count, STREAM_BLOCKS_EACH);
    cr_assert_eq(stream_pool_refused(taken->pool), 1);
    end(taken);
}

Test(stream, no_head_left_is_counted_and_loses_the_messages)
{
    struct taken *taken = begin(ISN);
    struct stream *streams = calloc(STREAM_HEADS, sizeof *streams);
    uint8_t bytes[64];
    cr_assert_not_null(streams);
    size_t count = put_message(bytes, 40, 1);
    for (int i = 0; i < STREAM_HEADS; i++) {
        stream_init(&streams[i]);
        stream_feed(&streams[i], taken->pool, ISN, cursor_of(bytes, 20), 20, take, taken);
    }
    cr_assert_eq(stream_pool_refused(taken->pool), 0);
    feed(taken, ISN, bytes, 20);
    cr_assert_eq(stream_pool_refused(taken->pool), 1);
    cr_assert(taken->stream.opaque);
    for (int i = 0; i < STREAM_HEADS; i++)
        stream_release(&streams[i], taken->pool);
    stream_init(&taken->stream);
    feed(taken, ISN, bytes, 20);
    feed(taken, ISN + 20, bytes + 20, count - 20);
    expect_message(taken, 0, 40, 1);
    free(streams);
    end(taken);
}

Test(stream, released_twice_gives_back_once)
{
    struct taken *taken = begin(ISN);
    feed(taken, ISN + 10, "x", 1);
    stream_release(&taken->stream, taken->pool);
    stream_release(&taken->stream, taken->pool);
    struct stream *streams = exhaust(taken);
    cr_assert_eq(stream_pool_refused(taken->pool), 0);
    release_all(streams, taken->pool);
    end(taken);
}
