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
        uint8_t idle; /* windows of ttl_set_age() since it was seen */
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
/*
 * A window ends: values that were not seen in the last few in which others were are forgotten, and those that were count
 * no more than a number of packets that newer ones outweigh soon.
 */
void ttl_set_age(struct ttl_set *set);
void delays_add(struct delays *delays, int64_t delay_ns);
/* A window ends: the least is that of the latest ones. */
void delays_age(struct delays *delays);
/* The middle of the latest delays, in microseconds; 0 when there are none. */
uint32_t delays_median_us(const struct delays *delays);

#endif
