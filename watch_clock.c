#include "watch_clock.h"

#include "clock.h"

#include <stdlib.h>

#define STEP_NS INT64_C(500000000)      /* the kernel slews less than that in a thousand seconds; steps are larger */
#define LEFTOVER_NS INT64_C(5000000000) /* frames do not wait longer in the kernel's buffer */

void watch_clock_start(struct watch_clock *clock)
{
    *clock = (struct watch_clock){.offset_ns = clock_day_ns() - clock_steady_ns()};
}

int64_t watch_clock_step(struct watch_clock *clock)
{
    int64_t steady_ns = clock_steady_ns();
    int64_t step_ns = clock_day_ns() - steady_ns - clock->offset_ns;
    if (steady_ns - clock->stepped_ns > LEFTOVER_NS)
        clock->stepped_ns = 0;
    if (llabs(step_ns) < STEP_NS)
        return 0;
    clock->offset_ns += step_ns;
    clock->step_ns = step_ns;
    clock->stepped_ns = steady_ns;
    return step_ns;
}

int64_t watch_clock_fit(const struct watch_clock *clock, int64_t time_ns)
{
    if (clock->stepped_ns == 0)
        return time_ns;
    int64_t steady_ns = clock_steady_ns(), day_ns = steady_ns + clock->offset_ns;
    int64_t moved_ns = time_ns + clock->step_ns;
    return llabs(moved_ns - day_ns) < llabs(time_ns - day_ns) ? moved_ns : time_ns;
}
