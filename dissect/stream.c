/*
 * How it works: bytes in order run through a small machine (prefix, message) that keeps only the head of a message
 * that is spread over segments; a message that lies within one segment is handed on in place. Bytes that come too
 * early wait in blocks of a pool, a list a stream in sequence order, and are fed to the machine when the gap closes.
 */
#include "dissect/stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct block {
    uint32_t seq;
    uint16_t length; /* sent */
    uint16_t held;   /* captured */
    uint16_t next;
    uint8_t bytes[STREAM_BLOCK];
};

struct stream_pool {
    uint8_t heads[STREAM_HEADS][STREAM_HEAD];
    struct block blocks[STREAM_BLOCKS];
    uint16_t free_heads[STREAM_HEADS];
    uint16_t free_blocks[STREAM_BLOCKS];
    uint16_t heads_left, blocks_left;
    uint64_t refused;
};

struct stream_pool *stream_pool_new(void)
{
    struct stream_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    for (int i = 0; i < STREAM_HEADS; i++)
        pool->free_heads[i] = (uint16_t)(STREAM_HEADS - 1 - i);
    for (int i = 0; i < STREAM_BLOCKS; i++)
        pool->free_blocks[i] = (uint16_t)(STREAM_BLOCKS - 1 - i);
    pool->heads_left = STREAM_HEADS;
    pool->blocks_left = STREAM_BLOCKS;
    return pool;
}

void stream_pool_free(struct stream_pool *pool)
{
    free(pool);
}

uint64_t stream_pool_refused(const struct stream_pool *pool)
{
    return pool->refused;
}

void stream_init(struct stream *stream)
{
    *stream = (struct stream){.head = STREAM_NONE, .early = STREAM_NONE};
}

static void release_head(struct stream *stream, struct stream_pool *pool)
{
    if (stream->head == STREAM_NONE)
        return;
    pool->free_heads[pool->heads_left++] = stream->head;
    stream->head = STREAM_NONE;
}

static void release_first_block(struct stream *stream, struct stream_pool *pool)
{
    uint16_t index = stream->early;
    stream->early = pool->blocks[index].next;
    stream->early_count--;
    pool->free_blocks[pool->blocks_left++] = index;
}

void stream_release(struct stream *stream, struct stream_pool *pool)
{
    release_head(stream, pool);
    while (stream->early != STREAM_NONE)
        release_first_block(stream, pool);
}

void stream_begin(struct stream *stream, uint32_t seq)
{
    stream->next = seq;
    stream->begun = true;
}

bool stream_is_partial(const struct stream *stream)
{
    return stream->prefix > 0;
}

static void lose_messages(struct stream *stream, struct stream_pool *pool)
{
    stream->opaque = true;
    stream_release(stream, pool);
}

static void end_message(struct stream *stream, struct stream_pool *pool)
{
    release_head(stream, pool);
    stream->prefix = 0;
    stream->got = 0;
}

/* Keeps the head of a message that is not complete yet, up to the first byte not captured; false: the pool is full. */
static bool keep_head(struct stream *stream, struct stream_pool *pool, const uint8_t *bytes, size_t count)
{
    if (stream->head == STREAM_NONE && pool->heads_left == 0) {
        pool->refused++;
        return false;
    }
    if (stream->head == STREAM_NONE) {
        stream->head = pool->free_heads[--pool->heads_left];
        stream->held = 0;
    }
    if (stream->held != stream->got || stream->got >= STREAM_HEAD)
        return true;
    size_t room = STREAM_HEAD - stream->got;
    size_t kept = count < room ? count : room;
    memcpy(pool->heads[stream->head] + stream->got, bytes, kept);
    stream->held = (uint16_t)(stream->got + kept);
    return true;
}

static void hand_on(struct stream *stream, struct stream_pool *pool, struct cursor whole, stream_sink *sink,
                    void *context)
{
    struct stream_message message = {.bytes = whole, .length = stream->length};
    if (stream->head != STREAM_NONE)
        message.bytes = cursor_of(pool->heads[stream->head], stream->held);
    sink(context, &message);
    end_message(stream, pool);
}

/* Runs bytes that are in order through the machine. */
static void consume(struct stream *stream, struct stream_pool *pool, struct cursor bytes, stream_sink *sink,
                    void *context)
{
    while (bytes.left > 0 && !stream->opaque) {
        if (stream->prefix < 2) {
            stream->length = (uint16_t)(stream->length << 8 | cursor_u8(&bytes));
            stream->prefix++;
            if (stream->prefix == 2 && stream->length == 0)
                end_message(stream, pool);
            continue;
        }
        size_t missing = stream->length - stream->got;
        size_t count = bytes.left < missing ? bytes.left : missing;
        const uint8_t *at = cursor_take(&bytes, count);
        if (count < missing || stream->got > 0) {
            if (!keep_head(stream, pool, at, count)) {
                lose_messages(stream, pool);
                return;
            }
        }
        stream->got += (uint32_t)count;
        if (count == missing)
            hand_on(stream, pool, cursor_of(at, count), sink, context);
    }
}

/* Bytes that were sent and not captured: harmless within a message whose length is known, fatal elsewhere. */
static void consume_unseen(struct stream *stream, struct stream_pool *pool, size_t count, stream_sink *sink,
                           void *context)
{
    if (count == 0 || stream->opaque)
        return;
    size_t missing = stream->prefix == 2 ? stream->length - stream->got : 0;
    if (count > missing) {
        lose_messages(stream, pool);
        return;
    }
    stream->got += (uint32_t)count;
    if (count == missing)
        hand_on(stream, pool, cursor_of(NULL, 0), sink, context);
}

/* Consumes a segment that begins at or before `next`; returns the new bytes in it. */
static uint32_t advance(struct stream *stream, struct stream_pool *pool, uint32_t seq, struct cursor payload,
                        uint32_t declared, stream_sink *sink, void *context)
{
    uint32_t old = stream->next - seq;
    if (old >= declared)
        return 0;
    uint32_t fresh = declared - old;
    if (old > 0 && !cursor_take(&payload, old))
        payload.left = 0;
    size_t unseen = fresh > payload.left ? fresh - payload.left : 0;
    stream->next += fresh;
    consume(stream, pool, payload, sink, context);
    consume_unseen(stream, pool, unseen, sink, context);
    return fresh;
}

/* Stores one block in sequence order. */
static bool keep_block(struct stream *stream, struct stream_pool *pool, uint32_t seq, struct cursor *payload,
                       uint32_t length)
{
    if (pool->blocks_left == 0 || stream->early_count >= STREAM_BLOCKS_EACH) {
        pool->refused++;
        return false;
    }
    uint16_t index = pool->free_blocks[--pool->blocks_left];
    struct block *block = &pool->blocks[index];
    size_t held = payload->left < length ? payload->left : length;
    block->seq = seq;
    block->length = (uint16_t)length;
    block->held = (uint16_t)held;
    if (held > 0)
        memcpy(block->bytes, cursor_take(payload, held), held);
    uint16_t *link = &stream->early;
    while (*link != STREAM_NONE && seq_before(pool->blocks[*link].seq, seq))
        link = &pool->blocks[*link].next;
    block->next = *link;
    *link = index;
    stream->early_count++;
    return true;
}

/* Steps over `count` bytes of a segment, captured or not. */
static void step(uint32_t *seq, struct cursor *payload, uint32_t *declared, uint32_t count)
{
    cursor_take(payload, payload->left < count ? payload->left : count);
    *seq += count;
    *declared -= count;
}

/* Keeps those parts of an early segment that no block holds yet: what came first counts. */
static void keep_early(struct stream *stream, struct stream_pool *pool, uint32_t seq, struct cursor payload,
                       uint32_t declared)
{
    stream->gap = true;
    uint16_t at = stream->early;
    while (declared > 0) {
        uint32_t part = declared < STREAM_BLOCK ? declared : STREAM_BLOCK;
        if (at != STREAM_NONE) {
            const struct block *block = &pool->blocks[at];
            uint32_t end = block->seq + block->length;
            if (!seq_before(seq, end)) {
                at = block->next;
                continue;
            }
            if (!seq_before(seq, block->seq)) {
                step(&seq, &payload, &declared, end - seq < declared ? end - seq : declared);
                continue;
            }
            part = block->seq - seq < part ? block->seq - seq : part;
        }
        struct cursor here = payload;
        if (!keep_block(stream, pool, seq, &here, part))
            return;
        step(&seq, &payload, &declared, part);
    }
}

static uint32_t drain_early(struct stream *stream, struct stream_pool *pool, stream_sink *sink, void *context)
{
    uint32_t fresh = 0;
    while (stream->early != STREAM_NONE) {
        struct block *block = &pool->blocks[stream->early];
        if (seq_before(stream->next, block->seq))
            return fresh;
        /* copied out of the list first: consuming may give up the stream and with it the list */
        struct block current = *block;
        release_first_block(stream, pool);
        fresh +=
            advance(stream, pool, current.seq, cursor_of(current.bytes, current.held), current.length, sink, context);
    }
    stream->gap = false;
    return fresh;
}

uint32_t stream_feed(struct stream *stream, struct stream_pool *pool, uint32_t seq, struct cursor payload,
                     uint32_t declared, stream_sink *sink, void *context)
{
    if (declared == 0)
        return 0;
    if (!stream->begun)
        stream_begin(stream, seq);
    if (seq_before(stream->next, seq)) {
        keep_early(stream, pool, seq, payload, declared);
        return 0;
    }
    uint32_t fresh = advance(stream, pool, seq, payload, declared, sink, context);
    if (stream->early != STREAM_NONE)
        fresh += drain_early(stream, pool, sink, context);
    return fresh;
}
