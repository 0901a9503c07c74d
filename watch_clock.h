/* The clock of a live capture: frames bear the time of day, which may be set while they come. */
#ifndef TCP53_WATCH_CLOCK_H
#define TCP53_WATCH_CLOCK_H

#include <stdint.h>

struct watch_clock {
    int64_t offset_ns;  /* time of day less time since boot */
    int64_t step_ns;    /* how far it was set last */
    int64_t stepped_ns; /* when, by the time since boot; 0: no frame from before it is left */
};

void watch_clock_start(struct watch_clock *clock);
/* By how much the time of day was set since the last call, forward or back; 0 for less than half a second. */
int64_t watch_clock_step(struct watch_clock *clock);
/* The present time of a frame: frames captured before a step, and read after it, bear the old one. */
int64_t watch_clock_fit(const struct watch_clock *clock, int64_t time_ns);

#endif
