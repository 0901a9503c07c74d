#include "dissect/measure.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void ttl_set_add(struct ttl_set *set, uint8_t ttl, struct frame_ref frame)
{
    for (int i = 0; i < FACTS_TTLS; i++) {
        struct ttl_seen *seen = &set->seen[i];
        if (seen->count == 0)
            *seen = (struct ttl_seen){.first = frame, .ttl = ttl};
        if (seen->ttl == ttl) {
            seen->count++;
            seen->idle = 0;
            return;
        }
    }
    set->other++;
}

enum { AGE_WINDOWS = 3, AGE_COUNT = 64 };

void ttl_set_age(struct ttl_set *set)
{
    struct ttl_set aged = {.other = 0};
    bool heard = set->other > 0;
    for (int i = 0; i < FACTS_TTLS; i++)
        heard |= set->seen[i].count > 0 && set->seen[i].idle == 0;
    if (!heard)
        return;
    for (int i = 0, kept = 0; i < FACTS_TTLS && set->seen[i].count > 0; i++) {
        struct ttl_seen seen = set->seen[i];
        if (seen.idle++ >= AGE_WINDOWS)
            continue;
        if (seen.count > AGE_COUNT)
            seen.count = AGE_COUNT;
        aged.seen[kept++] = seen;
    }
    *set = aged;
}

void delays_age(struct delays *delays)
{
    for (uint32_t i = 0; i < FACTS_DELAYS && i < delays->count; i++)
        if (i == 0 || delays->recent_us[i] < delays->least_us)
            delays->least_us = delays->recent_us[i];
}

void delays_add(struct delays *delays, int64_t delay_ns)
{
    int64_t us = delay_ns / 1000;
    uint32_t value = us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
    if (delays->count == 0 || value < delays->least_us)
        delays->least_us = value;
    delays->recent_us[delays->count % FACTS_DELAYS] = value;
    delays->count++;
}

static int order_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

uint32_t delays_median_us(const struct delays *delays)
{
    uint32_t sorted[FACTS_DELAYS];
    if (delays->count == 0)
        return 0;
    uint32_t count = delays->count < FACTS_DELAYS ? delays->count : FACTS_DELAYS;
    memcpy(sorted, delays->recent_us, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, order_u32);
    return sorted[count / 2];
}
