/* TCP stream reassembly into DNS messages (RFC 7766, 8: each message behind a two-byte length), bounded in memory. */
#ifndef TCP53_DISSECT_STREAM_H
#define TCP53_DISSECT_STREAM_H

#include "dissect/cursor.h"

enum {
    /* Of each message this much is kept while it is incomplete: a header (12), the longest name (255), type and class. */
    STREAM_HEAD = 272,
    STREAM_HEADS = 4096, /* incomplete messages at a time, over all streams */
    STREAM_BLOCK = 1536, /* bytes of a block that holds data which came too early */
    STREAM_BLOCKS = 2048,
    STREAM_BLOCKS_EACH = 64,
    STREAM_NONE = 0xffff,
};

/* One direction of a flow. Zeroed memory with `head` and `early` set to STREAM_NONE is a stream not begun. */
struct stream {
    uint32_t next;   /* sequence number of the byte that is due */
    uint32_t got;    /* bytes of the current message, its length prefix not counted */
    uint16_t length; /* of the current message */
    uint8_t prefix;  /* bytes of the length prefix read so far: 0, 1 or 2 */
    bool begun;      /* `next` is known */
    bool opaque;     /* bytes were lost or never captured: messages can no longer be told apart */
    bool gap;        /* later data arrived, earlier data did not (yet) */
    uint16_t early_count;
    uint16_t head;  /* index into the pool */
    uint16_t held;  /* bytes kept there */
    uint16_t early; /* first block of the list, in sequence order */
};

struct stream_pool;

/* A whole message: `bytes` holds its first part (all of it, or at least STREAM_HEAD bytes as far as captured). */
struct stream_message {
    struct cursor bytes;
    uint16_t length; /* as its prefix says */
};

typedef void stream_sink(void *context, const struct stream_message *message);

/* Memory for all streams of an analysis; NULL when there is none. */
struct stream_pool *stream_pool_new(void);
void stream_pool_free(struct stream_pool *pool);
/* Streams that lost data because the pool was full. */
uint64_t stream_pool_refused(const struct stream_pool *pool);

void stream_init(struct stream *stream);
/* Gives back what the stream holds of the pool. */
void stream_release(struct stream *stream, struct stream_pool *pool);
/* Says where the stream's first byte is: the sequence number behind the SYN. */
void stream_begin(struct stream *stream, uint32_t seq);
/*
 * Takes a segment: `declared` bytes were sent from `seq` on, `payload` is what the capture holds of them. Old bytes are
 * skipped (what came first counts), early ones kept. Calls `sink` for each message that is complete now, in order.
 * Returns how many new bytes of the stream were consumed.
 */
uint32_t stream_feed(struct stream *stream, struct stream_pool *pool, uint32_t seq, struct cursor payload,
                     uint32_t declared, stream_sink *sink, void *context);
/* True while a message has begun and not ended. */
bool stream_is_partial(const struct stream *stream);

/* Sequence numbers are compared modulo 2^32 (RFC 9293, 3.4). */
static inline bool seq_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

#endif
