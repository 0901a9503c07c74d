/* The clock of a watch: which time a frame that was captured around a step of the clock is given. */
#include "clock.h"
#include "watch_clock.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define SECOND_NS INT64_C(1000000000)
#define HOUR_NS (3600 * SECOND_NS)
#define NEAR_NS (SECOND_NS / 2) /* a test does not stand still for so long */

Test(watch_clock, begins_without_a_step)
{
    struct watch_clock clock;
    watch_clock_start(&clock);
    cr_assert_eq(watch_clock_step(&clock), 0);
    cr_assert_lt(llabs(clock_day_ns() - clock_steady_ns() - clock.offset_ns), NEAR_NS);
    cr_assert_eq(watch_clock_fit(&clock, 42), 42);
}

Test(watch_clock, both_clocks_go_on)
{
    int64_t day_ns = clock_day_ns(), steady_ns = clock_steady_ns();
    cr_assert_gt(day_ns, 1700000000 * SECOND_NS);
    for (int i = 0; i < 1000; i++) {
        int64_t now_ns = clock_steady_ns();
        cr_assert_geq(now_ns, steady_ns);
        steady_ns = now_ns;
    }
}

/* A clock that was another one by so much when the program began, so that it has been set since. */
static struct watch_clock set_by(int64_t step_ns)
{
    struct watch_clock clock;
    watch_clock_start(&clock);
    clock.offset_ns -= step_ns;
    return clock;
}

Test(watch_clock, a_step_is_found_once)
{
    static const int64_t steps[] = {HOUR_NS, -HOUR_NS, SECOND_NS, -SECOND_NS, 100000 * HOUR_NS};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct watch_clock clock = set_by(steps[i]);
        int64_t found_ns = watch_clock_step(&clock);
        cr_expect_lt(llabs(found_ns - steps[i]), NEAR_NS, "%lld, not %lld", (long long)found_ns, (long long)steps[i]);
        cr_expect_eq(watch_clock_step(&clock), 0, "not twice");
    }
}

Test(watch_clock, what_is_less_than_half_a_second_is_slewed)
{
    struct watch_clock clock = set_by(SECOND_NS / 4);
    cr_assert_eq(watch_clock_step(&clock), 0);
    cr_assert_eq(watch_clock_fit(&clock, clock_day_ns() - HOUR_NS) / HOUR_NS, (clock_day_ns() - HOUR_NS) / HOUR_NS,
                 "no step, no frame is moved");
}

/* Frames that the kernel stamped before and after the step, by how long ago that was. */
static const struct fitting {
    const char *name;
    int64_t step_ns;     /* of the clock */
    int64_t stepped_ago; /* when it was found, in nanoseconds */
    int64_t stamp_ns;    /* the frame's time, from now by the clock as it is */
    int64_t fitted_ns;   /* what it shall be */
} fittings[] = {
    {"stamped after a step forward", HOUR_NS, SECOND_NS, -SECOND_NS / 100, -SECOND_NS / 100},
    {"stamped before a step forward", HOUR_NS, SECOND_NS, -HOUR_NS - SECOND_NS, -SECOND_NS},
    {"stamped after a step back", -HOUR_NS, SECOND_NS, -SECOND_NS / 100, -SECOND_NS / 100},
    {"stamped before a step back", -HOUR_NS, SECOND_NS, HOUR_NS - SECOND_NS, -SECOND_NS},
    {"stamped before a step of two seconds", 2 * SECOND_NS, SECOND_NS / 10, -2 * SECOND_NS - SECOND_NS / 5,
     -SECOND_NS / 5},
    {"stamped before a step two seconds back", -2 * SECOND_NS, SECOND_NS / 10, 2 * SECOND_NS - SECOND_NS / 5,
     -SECOND_NS / 5},
    {"none waits longer in the kernel's buffer", HOUR_NS, 6 * SECOND_NS, -HOUR_NS - SECOND_NS, -HOUR_NS - SECOND_NS},
    {"a device's clock that is another one all the time", HOUR_NS, 6 * SECOND_NS, -9 * HOUR_NS, -9 * HOUR_NS},
};

Test(watch_clock, frames_stamped_before_a_step_are_moved)
{
    for (size_t i = 0; i < sizeof fittings / sizeof *fittings; i++) {
        const struct fitting *fitting = &fittings[i];
        struct watch_clock clock = set_by(fitting->step_ns);
        cr_assert_neq(watch_clock_step(&clock), 0);
        clock.stepped_ns -= fitting->stepped_ago;
        cr_assert_eq(watch_clock_step(&clock), 0);
        int64_t now_ns = clock_day_ns();
        int64_t fitted_ns = watch_clock_fit(&clock, now_ns + fitting->stamp_ns) - now_ns;
        cr_expect_lt(llabs(fitted_ns - fitting->fitted_ns), NEAR_NS / 100, "%s: %lld, not %lld", fitting->name,
                     (long long)fitted_ns, (long long)fitting->fitted_ns);
    }
}
