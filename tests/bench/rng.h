/*
 * rng.h - the small random number generator of the capture maker.
 *
 * It is seeded with fixed numbers only, so every run makes the same file.
 */
#ifndef TCP53_TESTS_BENCH_RNG_H
#define TCP53_TESTS_BENCH_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline struct rng rng_seeded(uint64_t seed)
{
    struct rng rng = {seed * 0x9e3779b97f4a7c15u + 0x1234567887654321u};

    return rng;
}

static inline uint32_t rng_next(struct rng *rng)
{
    uint64_t mixed;

    rng->state += 0x9e3779b97f4a7c15u;
    mixed = (rng->state ^ (rng->state >> 31)) * 0xd6e8feb86659fd93u;
    return (uint32_t)(mixed >> 32);
}

/* A number from 0 to limit - 1; limit is not 0. */
static inline uint32_t rng_below(struct rng *rng, uint32_t limit)
{
    return (uint32_t)(((uint64_t)rng_next(rng) * limit) >> 32);
}

#endif
