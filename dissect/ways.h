/*
 * Set-associative lookup: the entries of a table stand in sets of a few ways, and a parallel array holds a tag of each
 * (a part of its hash; 0: free). A lookup reads one short run of tags and then only the entry that it wants.
 */
#ifndef TCP53_DISSECT_WAYS_H
#define TCP53_DISSECT_WAYS_H

#include <stdint.h>

/* The tag of a hash: never 0. Uses other bits than ways_set(). */
static inline uint32_t ways_tag(uint64_t hash)
{
    return (uint32_t)(hash >> 32) | 1;
}

/* Index of the first way of the hash's set in a table of `entries`. Both numbers are powers of two. */
static inline uint32_t ways_set(uint64_t hash, uint32_t entries, uint32_t ways)
{
    return ((uint32_t)hash & (entries / ways - 1)) * ways;
}

#endif
