/* Frames that come out of order of time, and how they go on. */
#include "capture/ahead.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 8192, LARGEST = 256 * 1024 }; /* frames that are read ahead at a time; bytes of one */

/* Frames to come: their times, their sizes, their traces; each is numbered as it comes and filled with its number. */
struct supply {
    size_t count, given;
    int64_t *times;
    uint32_t (*size_of)(size_t index);
    uint8_t (*trace_of)(size_t index);
};

static void begin(void)
{
}

static bool give(void *context, struct frame *frame)
{
    static uint8_t buffer[LARGEST];
    struct supply *supply = context;
    if (supply->given == supply->count)
        return false;
    size_t index = supply->given++;
    uint32_t size = supply->size_of ? supply->size_of(index) : 60;
    memset(buffer, (int)((index + 1) & 0xff), size);
    *frame = (struct frame){.data = buffer,
                            .captured = size,
                            .declared = size,
                            .time_ns = supply->times[index],
                            .trace = supply->trace_of ? supply->trace_of(index) : 0,
                            .ref = {.number = (index + 1) & 0xffffffffffff}};
    return true;
}

/* Counts frames that are earlier than the one before them, and checks that each comes once with its own bytes. */
static size_t inversions(struct supply *supply, uint64_t *late)
{
    struct ahead *ahead = ahead_new(begin, give, supply);
    bool *seen = calloc(supply->count + 1, sizeof *seen);
    struct frame frame, previous = {.time_ns = INT64_MIN};
    size_t found = 0, count = 0;
    cr_assert(ahead && seen);
    for (; ahead_next(ahead, &frame); count++) {
        size_t number = frame.ref.number;
        cr_assert(number >= 1 && number <= supply->count && !seen[number], "frame %zu comes once", number);
        seen[number] = true;
        cr_assert_eq(frame.time_ns, supply->times[number - 1]);
        for (uint32_t i = 0; i < frame.captured; i++)
            cr_assert_eq(frame.data[i], number & 0xff, "frame %zu has its own bytes", number);
        cr_assert_geq(frame.trace, previous.trace, "traces follow one another");
        if (count > 0 && frame.trace == previous.trace) {
            found += frame.time_ns < previous.time_ns;
            cr_assert(frame.time_ns != previous.time_ns || number > previous.ref.number, "ties stay as they came");
        }
        previous = frame;
    }
    cr_assert_eq(count, supply->count);
    *late = ahead_late(ahead);
    ahead_free(ahead);
    free(seen);
    return found;
}

static void expect_order(const char *situation, struct supply *supply)
{
    uint64_t late;
    cr_expect_eq(inversions(supply, &late), 0, "%s", situation);
    cr_expect_eq(late, 0, "%s", situation);
    free(supply->times);
}

static struct supply supply_of(size_t count)
{
    struct supply supply = {.count = count, .times = calloc(count, sizeof *supply.times)};
    cr_assert_not_null(supply.times);
    for (size_t i = 0; i < count; i++)
        supply.times[i] = (int64_t)i * 1000;
    return supply;
}

static void swap(struct supply *supply, size_t a, size_t b)
{
    int64_t time = supply->times[a];
    supply->times[a] = supply->times[b];
    supply->times[b] = time;
}

Test(order, one_frame_in_the_wrong_place)
{
    static const struct {
        const char *situation;
        size_t count, from, to; /* the frame that belongs at `to` comes at `from` */
    } rows[] = {
        {"two frames, exchanged", 2, 1, 0},
        {"the last one belongs at the beginning", 1000, 999, 0},
        {"the first one belongs at the end", 1000, 0, 999},
        {"neighbours", 1000, 501, 500},
        {"in a full batch", BATCH, BATCH - 1, 0},
        {"the first of the second batch", BATCH * 2, BATCH, BATCH - 1},
        {"far into the second", BATCH * 3, BATCH + BATCH / 4, BATCH + 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct supply supply = supply_of(rows[i].count);
        if (rows[i].from >= BATCH && rows[i].to < BATCH)
            swap(&supply, 10, 11); /* from then on half a batch is kept back */
        swap(&supply, rows[i].from, rows[i].to);
        expect_order(rows[i].situation, &supply);
    }
}

Test(order, a_batch_backward)
{
    struct supply supply = supply_of(BATCH);
    for (size_t i = 0; i < BATCH / 2; i++)
        swap(&supply, i, BATCH - 1 - i);
    expect_order("backward", &supply);
}

static void shuffle_within(struct supply *supply, size_t window)
{
    srand(53);
    for (size_t first = 0; first + 1 < supply->count; first += window)
        for (size_t i = first; i + 1 < first + window && i + 1 < supply->count; i++) {
            size_t end = first + window < supply->count ? first + window : supply->count;
            swap(supply, i, i + (size_t)rand() % (end - i));
        }
}

Test(order, a_batch_at_random)
{
    struct supply supply = supply_of(BATCH);
    shuffle_within(&supply, BATCH);
    expect_order("at random", &supply);
}

/* What is out of order by less than half a batch is put in order across all borders. */
Test(order, many_batches_at_random)
{
    static const size_t windows[] = {2, 7, 100, BATCH / 4};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        struct supply supply = supply_of(BATCH * 6 + 17);
        shuffle_within(&supply, windows[i]);
        expect_order("many batches", &supply);
    }
}

static uint32_t odd_size(size_t index)
{
    return index % 3 == 0 ? 0 : (uint32_t)(index * 31 % 1500);
}

Test(order, frames_of_all_sizes_and_of_none)
{
    struct supply supply = supply_of(BATCH * 4);
    supply.size_of = odd_size;
    shuffle_within(&supply, 200);
    expect_order("all sizes", &supply);
}

static uint32_t large_sizes(size_t index)
{
    return index % 20 < 10 ? 1 : LARGEST;
}

/* The half that is kept back may hold nearly all bytes of a batch. */
Test(order, the_largest_frames_among_small_ones)
{
    struct supply supply = supply_of(500);
    supply.size_of = large_sizes;
    for (size_t i = 0; i + 1 < supply.count; i += 5)
        swap(&supply, i, i + 1);
    uint64_t late;
    inversions(&supply, &late); /* batches are short then, and so is what can be put in order */
    cr_expect_lt(late, 20);
    free(supply.times);
}

static uint32_t no_size(size_t index)
{
    (void)index;
    return 0;
}

/* Equal times stay in the order in which the frames came, also of frames that have no bytes. */
Test(order, ties)
{
    static uint32_t (*const sizes[])(size_t) = {NULL, odd_size, no_size};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct supply supply = supply_of(BATCH * 3);
        supply.size_of = sizes[i];
        for (size_t k = 0; k < supply.count; k++)
            supply.times[k] = (int64_t)(k / 50);
        for (size_t k = 0; k + 100 < supply.count; k += 1000)
            swap(&supply, k, k + 60);
        expect_order("ties", &supply);
    }
}

static uint8_t three_traces(size_t index)
{
    return (uint8_t)(index / 5000);
}

/* The second trace begins before the first one ends: it comes after it all the same. */
Test(order, traces_apart)
{
    struct supply supply = supply_of(15000);
    supply.trace_of = three_traces;
    for (size_t i = 0; i < supply.count; i++)
        supply.times[i] = (int64_t)(i % 5000);
    for (size_t i = 0; i < supply.count; i += 100)
        swap(&supply, i, i + 1);
    expect_order("traces", &supply);
}

Test(order, each_trace_in_order_is_left_as_it_is)
{
    struct supply supply = supply_of(15000);
    supply.trace_of = three_traces;
    for (size_t i = 0; i < supply.count; i++)
        supply.times[i] = (int64_t)(i % 5000);
    expect_order("traces in order", &supply);
}

/* What comes too late goes on late, and is counted. */
Test(order, too_late)
{
    struct supply supply = supply_of(BATCH * 5);
    enum { LATE = 3 };
    for (size_t i = 0; i < LATE; i++)
        supply.times[BATCH * 4 + i * 10] = (int64_t)i;
    uint64_t late;
    size_t found = inversions(&supply, &late);
    cr_expect_eq(late, LATE);
    cr_expect_geq(found, 1);
    free(supply.times);
}

Test(order, a_ring_whose_second_half_is_older)
{
    struct supply supply = supply_of(BATCH * 4);
    for (size_t i = 0; i < BATCH * 2; i++)
        swap(&supply, i, i + BATCH * 2);
    uint64_t late;
    inversions(&supply, &late);
    cr_expect_eq(late, BATCH * 2, "each counts once: %d", (int)late);
    free(supply.times);
}

Test(order, times_before_1970_and_at_the_ends)
{
    struct supply supply = supply_of(6);
    static const int64_t times[] = {0, INT64_MIN / 2, -1, INT64_MAX / 2, 1, -5};
    memcpy(supply.times, times, sizeof times);
    expect_order("ends", &supply);
}
