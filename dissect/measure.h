/* Bounded samples of what packets measure: TTLs and delays. */
#ifndef TCP53_DISSECT_MEASURE_H
#define TCP53_DISSECT_MEASURE_H

#include "dissect/frame.h"

#include <stdint.h>

enum { FACTS_TTLS = 4, FACTS_DELAYS = 31 };

/* TTLs (hop limits) of packets of one kind, the first four values seen; `other` counts packets with further ones. */
struct ttl_set {
    struct ttl_seen {
        struct frame_ref first;
        uint32_t count;
        uint8_t ttl;
    } seen[FACTS_TTLS];
    uint32_t other;
};

/* Delays: how many, the least, and the latest FACTS_DELAYS of them, in microseconds. */
struct delays {
    uint32_t count;
    uint32_t least_us;
    uint32_t recent_us[FACTS_DELAYS];
};

void ttl_set_add(struct ttl_set *set, uint8_t ttl, struct frame_ref frame);
void delays_add(struct delays *delays, int64_t delay_ns);
/* The middle of the latest delays, in microseconds; 0 when there are none. */
uint32_t delays_median_us(const struct delays *delays);

#endif
