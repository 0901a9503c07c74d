/* In which order frames of several live interfaces go on: each interface is a lane with at most one frame at hand. */
#ifndef TCP53_CAPTURE_HOLD_H
#define TCP53_CAPTURE_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HOLD_MS = 120,     /* the kernel hands a block over 50 ms late (live.c), and whoever polls comes when he has time */
    HOLD_STEP_MS = 20, /* later than that at once with what follows, rather than frame by frame */
};

enum lane_state {
    LANE_UNREAD, /* nothing is known */
    LANE_EMPTY,  /* it had no frame at `time_ns` */
    LANE_HOLDS,  /* a frame of `time_ns` is at hand */
    LANE_CLOSED, /* nothing comes from it, nor is waited for */
};

/* All times are of CLOCK_REALTIME, as those of frames are. */
struct lane {
    enum lane_state state;
    int64_t time_ns;
};

/* The lane with the earliest frame at hand; `count`: there is none. */
size_t hold_earliest(const struct lane *lanes, size_t count);
/* True when no lane can be expected to come with an earlier frame any more. */
bool hold_is_due(const struct lane *lanes, size_t count, int64_t time_ns);
/* Milliseconds after which the earliest frame will be due although nothing comes; -1: none is at hand. */
int hold_wait(const struct lane *lanes, size_t count, int64_t now_ns);

#endif
