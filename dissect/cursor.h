/* Reading bytes of the wire: a value that never reads past its end. */
#ifndef TCP53_DISSECT_CURSOR_H
#define TCP53_DISSECT_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A view of bytes not read yet. Copying it is looking ahead. After a read that did not fit, `failed` stays set and
 * every further read gives 0, so that a parser can read a whole header and ask once.
 */
struct cursor {
    const uint8_t *at;
    size_t left;
    bool failed;
};

static inline struct cursor cursor_of(const uint8_t *bytes, size_t length)
{
    return (struct cursor){.at = bytes, .left = length, .failed = false};
}

/* Steps over `count` bytes and returns where they begin; NULL (and `failed`) when fewer are left. */
static inline const uint8_t *cursor_take(struct cursor *cursor, size_t count)
{
    if (cursor->left < count) {
        cursor->failed = true;
        cursor->left = 0;
        return NULL;
    }
    const uint8_t *bytes = cursor->at;
    cursor->at += count;
    cursor->left -= count;
    return bytes;
}

static inline uint8_t cursor_u8(struct cursor *cursor)
{
    const uint8_t *b = cursor_take(cursor, 1);
    return b ? b[0] : 0;
}

static inline uint16_t cursor_u16(struct cursor *cursor)
{
    const uint8_t *b = cursor_take(cursor, 2);
    if (!b)
        return 0;
    return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t cursor_u32(struct cursor *cursor)
{
    const uint8_t *b = cursor_take(cursor, 4);
    return b ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] : 0;
}

/* The same in the order of bytes that most processors, and few headers, have. */
static inline uint16_t cursor_u16_little(struct cursor *cursor)
{
    const uint8_t *b = cursor_take(cursor, 2);
    return b ? (uint16_t)(b[1] << 8 | b[0]) : 0;
}

static inline uint32_t cursor_u32_little(struct cursor *cursor)
{
    const uint8_t *b = cursor_take(cursor, 4);
    return b ? (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0] : 0;
}

/* Drops everything after the next `length` bytes (padding, trailers); longer than what is left changes nothing. */
static inline void cursor_limit(struct cursor *cursor, size_t length)
{
    if (cursor->left > length)
        cursor->left = length;
}

#endif
