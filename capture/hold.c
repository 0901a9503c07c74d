/*
 * How it works: a frame goes on when each other lane has a later one at hand, or was found empty so long after the
 * frame's time that one as early would have come. What follows it waits where it is, in its interface's ring: nothing
 * is copied, and a frame that comes later than that is handed on all the same.
 */
#include "capture/hold.h"

enum { NS_PER_MS = 1000000 };

#define CLOCK_SET_NS INT64_C(1000000000) /* a frame so far in the future: the clock was set back since */

size_t hold_earliest(const struct lane *lanes, size_t count)
{
    size_t found = count;
    for (size_t i = 0; i < count; i++)
        if (lanes[i].state == LANE_HOLDS && (found == count || lanes[i].time_ns < lanes[found].time_ns))
            found = i;
    return found;
}

static bool is_past(int64_t time_ns, int64_t now_ns)
{
    return now_ns - time_ns >= (int64_t)HOLD_MS * NS_PER_MS || time_ns - now_ns >= CLOCK_SET_NS;
}

bool hold_is_due(const struct lane *lanes, size_t count, int64_t time_ns)
{
    for (size_t i = 0; i < count; i++)
        if (lanes[i].state == LANE_UNREAD || (lanes[i].state == LANE_EMPTY && !is_past(time_ns, lanes[i].time_ns)))
            return false;
    return true;
}

int hold_wait(const struct lane *lanes, size_t count, int64_t now_ns)
{
    size_t earliest = hold_earliest(lanes, count);
    if (earliest == count)
        return -1;
    int64_t time_ns = lanes[earliest].time_ns;
    if (hold_is_due(lanes, count, time_ns) || is_past(time_ns, now_ns))
        return 0;
    int64_t age_ms = (now_ns - time_ns) / NS_PER_MS; /* below zero while the clock was set back by less than a second */
    return HOLD_STEP_MS + HOLD_MS - (int)(age_ms > 0 ? age_ms : 0);
}
