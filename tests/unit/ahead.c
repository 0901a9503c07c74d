/* Reading ahead: every frame, in order, once, whatever its size and whenever the reader stops. */
#include "capture/ahead.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER = 300 * 1024 };

/* Frames of a given size that count up; the buffer is used again for each, as a reader's is. */
struct supply {
    uint64_t given, frames;
    uint32_t size;
    uint8_t *buffer;
};

static void begin(void)
{
}

static bool give(void *context, struct frame *frame)
{
    struct supply *supply = context;
    if (supply->given == supply->frames)
        return false;
    supply->given++;
    memset(supply->buffer, (int)(supply->given & 0xff), supply->size);
    *frame = (struct frame){.data = supply->buffer,
                            .captured = supply->size,
                            .declared = supply->size,
                            .ref = {.number = supply->given & 0xffffffffffff}};
    return true;
}

static struct supply supply_of(uint64_t frames, uint32_t size)
{
    struct supply supply = {.frames = frames, .size = size, .buffer = malloc(BUFFER)};
    cr_assert_not_null(supply.buffer);
    return supply;
}

static void expect_all(uint64_t frames, uint32_t size)
{
    struct supply supply = supply_of(frames, size);
    struct ahead *ahead = ahead_new(begin, give, &supply);
    cr_assert_not_null(ahead);
    struct frame frame;
    for (uint64_t i = 1; i <= frames; i++) {
        cr_assert(ahead_next(ahead, &frame), "frame %d", (int)i);
        cr_assert_eq(frame.ref.number, i);
        cr_assert_eq(frame.captured, size);
        cr_assert(size == 0 || (frame.data[0] == (i & 0xff) && frame.data[size - 1] == (i & 0xff)));
    }
    cr_assert_not(ahead_next(ahead, &frame));
    cr_assert_not(ahead_next(ahead, &frame), "the end stays the end");
    ahead_free(ahead);
    cr_assert_eq(supply.given, frames);
    free(supply.buffer);
}

Test(ahead, nothing_to_read)
{
    expect_all(0, 100);
}

Test(ahead, one_frame)
{
    expect_all(1, 100);
}

Test(ahead, a_batch_and_its_neighbours)
{
    for (uint64_t frames = 1023; frames <= 1025; frames++)
        expect_all(frames, 60);
    for (uint64_t frames = 3 * 1024 - 1; frames <= 3 * 1024 + 1; frames++)
        expect_all(frames, 60);
}

Test(ahead, many_small_frames)
{
    expect_all(200000, 60);
}

Test(ahead, frames_without_bytes)
{
    expect_all(5000, 0);
}

Test(ahead, the_largest_frames_that_are_read)
{
    expect_all(50, 256 * 1024);
}

Test(ahead, a_larger_one_is_cut)
{
    struct supply supply = supply_of(2, 256 * 1024 + 1);
    struct ahead *ahead = ahead_new(begin, give, &supply);
    struct frame frame;
    cr_assert(ahead_next(ahead, &frame));
    cr_assert_eq(frame.captured, 256 * 1024);
    cr_assert_eq(frame.declared, 256 * 1024 + 1);
    cr_assert(ahead_next(ahead, &frame));
    cr_assert_not(ahead_next(ahead, &frame));
    ahead_free(ahead);
    free(supply.buffer);
}

Test(ahead, freed_before_and_while_it_is_read)
{
    for (uint64_t taken = 0; taken < 5000; taken += 499) {
        struct supply supply = supply_of(1000000, 100);
        struct ahead *ahead = ahead_new(begin, give, &supply);
        struct frame frame;
        for (uint64_t i = 0; i < taken; i++)
            cr_assert(ahead_next(ahead, &frame));
        ahead_free(ahead);
        cr_expect_lt(supply.given, 1000000, "it reads no further than its batches");
        free(supply.buffer);
    }
    ahead_free(NULL);
}

Test(ahead, a_frame_stays_until_the_next_call)
{
    struct supply supply = supply_of(5000, 1400);
    struct ahead *ahead = ahead_new(begin, give, &supply);
    struct frame frame;
    for (uint64_t i = 1; i <= 5000; i++) {
        cr_assert(ahead_next(ahead, &frame));
        for (uint32_t k = 0; k < frame.captured; k += 100)
            cr_assert_eq(frame.data[k], i & 0xff);
    }
    ahead_free(ahead);
    free(supply.buffer);
}
