/*
 * message.h - makes the DNS messages of the benchmark captures.
 */
#ifndef TCP53_TESTS_BENCH_MESSAGE_H
#define TCP53_TESTS_BENCH_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

enum message_kind {
    MESSAGE_NONE,
    MESSAGE_QUESTION,
    MESSAGE_ANSWER,    /* 60 to about 1200 bytes */
    MESSAGE_SHORT,     /* an answer that fits in 512 bytes */
    MESSAGE_TRUNCATED, /* TC=1 and no records */
};

enum {
    MESSAGE_ROOM = 2048,
};

/*
 * Writes the message without a length prefix to at, which has MESSAGE_ROOM
 * bytes, and returns its size. The same seed gives the same name and type in
 * question and answer.
 */
size_t message_make(uint8_t *at, enum message_kind kind, uint32_t seed, uint16_t id);

#endif
