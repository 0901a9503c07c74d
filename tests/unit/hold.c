/* The order in which frames of several live interfaces go on. */
#include "capture/hold.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define MS INT64_C(1000000)

Test(hold, the_earliest_at_hand)
{
    struct lane lanes[] = {{LANE_EMPTY, 1}, {LANE_HOLDS, 7}, {LANE_CLOSED, 0}, {LANE_HOLDS, 5}, {LANE_UNREAD, 2}};
    cr_expect_eq(hold_earliest(lanes, 5), 3);
    lanes[3].time_ns = 7;
    cr_expect_eq(hold_earliest(lanes, 5), 1, "of the same time the first");
    cr_expect_eq(hold_earliest(lanes, 1), 1, "none");
    cr_expect_eq(hold_earliest(lanes, 0), 0, "no lane");
}

/* A frame of 1000 ms beside another lane. */
Test(hold, when_a_frame_is_due)
{
    static const struct {
        const char *name;
        struct lane other;
        bool due;
    } rows[] = {
        {"nothing is known of the other", {LANE_UNREAD, 0}, false},
        {"the other is closed", {LANE_CLOSED, 0}, true},
        {"the other has a later one", {LANE_HOLDS, 1001 * MS}, true},
        {"the other was just found empty", {LANE_EMPTY, 1000 * MS}, false},
        {"the other was found empty before it", {LANE_EMPTY, 999 * MS}, false},
        {"one of the other may still come", {LANE_EMPTY, 1119 * MS}, false},
        {"one of the other would have come", {LANE_EMPTY, 1120 * MS}, true},
        {"the other was found empty long ago", {LANE_EMPTY, 500 * MS}, false},
        {"the clock was set back", {LANE_EMPTY, -5000 * MS}, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct lane lanes[] = {{LANE_HOLDS, 1000 * MS}, rows[i].other};
        cr_expect_eq(hold_is_due(lanes, 2, 1000 * MS), rows[i].due, "%s", rows[i].name);
    }
    const struct lane alone = {LANE_HOLDS, 1000 * MS};
    cr_expect(hold_is_due(&alone, 1, 1000 * MS));
}

Test(hold, how_long_to_wait)
{
    struct lane lanes[] = {{LANE_HOLDS, 1000 * MS}, {LANE_EMPTY, 1010 * MS}};
    cr_expect_eq(hold_wait(lanes, 2, 1010 * MS), HOLD_STEP_MS + HOLD_MS - 10);
    cr_expect_eq(hold_wait(lanes, 2, 1119 * MS), HOLD_STEP_MS + 1);
    cr_expect_eq(hold_wait(lanes, 2, 1120 * MS), 0);
    cr_expect_eq(hold_wait(lanes, 2, 9000 * MS), 0);
    cr_expect_eq(hold_wait(lanes, 2, 800 * MS), HOLD_STEP_MS + HOLD_MS, "the clock was set back a little");
    cr_expect_eq(hold_wait(lanes, 2, -800 * MS), 0, "the clock was set back");
    lanes[1].state = LANE_HOLDS;
    cr_expect_eq(hold_wait(lanes, 2, 1010 * MS), 0, "it is due");
    lanes[0].state = lanes[1].state = LANE_EMPTY;
    cr_expect_eq(hold_wait(lanes, 2, 1010 * MS), -1, "none is at hand");
}

/*
 * Frames of three interfaces, as the kernel hands them over: each at the end of its block of 50 ms. They are read and
 * handed on as live.c does.
 */
enum { INTERFACES = 3, FRAMES = 4000, BLOCK = 50, LAST = 99999 };

struct ring {
    int64_t times[FRAMES];
    size_t count, read;
    int block_phase;
};

static bool is_at_hand(const struct ring *ring, int64_t now_ns)
{
    if (ring->read == ring->count)
        return false;
    int64_t block_ends = (ring->times[ring->read] / MS + ring->block_phase) / BLOCK * BLOCK + BLOCK - ring->block_phase;
    return now_ns >= block_ends * MS;
}

static void read_lanes(struct lane *lanes, struct ring *rings, enum lane_state state, int64_t now_ns)
{
    for (size_t i = 0; i < INTERFACES; i++) {
        if (lanes[i].state != state)
            continue;
        bool some = is_at_hand(&rings[i], now_ns);
        lanes[i] = (struct lane){some ? LANE_HOLDS : LANE_EMPTY, some ? rings[i].times[rings[i].read++] : now_ns};
    }
}

static bool take_next(struct lane *lanes, struct ring *rings, int64_t now_ns, int64_t *time_ns)
{
    read_lanes(lanes, rings, LANE_UNREAD, now_ns);
    read_lanes(lanes, rings, LANE_EMPTY, now_ns);
    size_t at = hold_earliest(lanes, INTERFACES);
    if (at == INTERFACES || !hold_is_due(lanes, INTERFACES, lanes[at].time_ns))
        return false;
    *time_ns = lanes[at].time_ns;
    lanes[at].state = LANE_UNREAD;
    return true;
}

static void fill(struct ring *ring, size_t count, unsigned *seed)
{
    int64_t time_ns = 1;
    ring->count = count;
    for (size_t i = 0; i < count; i++) {
        time_ns += rand_r(seed) % (count > 100 ? 2 * MS : 200 * MS);
        ring->times[i] = time_ns;
    }
}

Test(hold, three_interfaces_come_out_in_order)
{
    static struct ring rings[INTERFACES];
    static const size_t counts[][INTERFACES] = {
        {FRAMES, FRAMES, FRAMES}, {FRAMES, 20, 0}, {FRAMES, 0, 0}, {20, 20, 20}};
    for (unsigned seed = 1; seed <= 20; seed++) {
        struct lane lanes[INTERFACES] = {{LANE_UNREAD, 0}};
        size_t wanted = 0, got = 0, wakes = 0;
        int64_t time_ns = 0, last_ns = 0, now_ns = 0, latest_ns = 0;
        for (size_t i = 0; i < INTERFACES; i++) {
            unsigned own = seed * 10 + (unsigned)i;
            rings[i] = (struct ring){.block_phase = (int)(17 * i)};
            fill(&rings[i], counts[seed % 4][i], &own);
            wanted += rings[i].count;
        }
        while (got < wanted && now_ns < LAST * MS) {
            wakes++;
            while (take_next(lanes, rings, now_ns, &time_ns)) {
                cr_assert_geq(time_ns, last_ns, "seed %u", seed);
                latest_ns = now_ns - time_ns > latest_ns ? now_ns - time_ns : latest_ns;
                last_ns = time_ns;
                got++;
            }
            int wait = hold_wait(lanes, INTERFACES, now_ns);
            now_ns += (wait > 0 ? wait < 10 ? wait : 10 : 10) * MS;
        }
        cr_expect_eq(got, wanted, "seed %u", seed);
        cr_expect_leq(latest_ns, (HOLD_MS + 2 * HOLD_STEP_MS) * MS, "seed %u", seed);
        cr_expect_leq(wakes, (size_t)(now_ns / MS / 10 + 2), "seed %u", seed);
    }
}
