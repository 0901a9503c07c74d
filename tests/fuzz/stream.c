/*
 * Fuzzes stream_feed(): the input is a list of steps. A step is an operation, a sequence number near the stream's own,
 * how much was sent and how much of it was captured; the bytes are those of the input at hand.
 */
#include "dissect/stream.h"

#include <stdlib.h>

enum { STREAMS = 4 };

static const uint32_t isn = 0xffffff00; /* near its end, so that it wraps */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t read_bytes;

static void take(void *context, const struct stream_message *message)
{
    (void)context;
    if (message->length == 0)
        abort(); /* an empty message is none */
    for (size_t i = 0; i < message->bytes.left; i++)
        read_bytes = message->bytes.at[i];
}

static void feed(struct stream *stream, struct stream_pool *pool, struct cursor *input)
{
    uint32_t seq = isn + cursor_u16(input) % 4096;
    uint32_t declared = cursor_u16(input) % 3000, held = cursor_u16(input) % (declared + 1);
    struct cursor payload = *input;
    cursor_limit(&payload, held);
    uint32_t next = stream->next;
    bool begun = stream->begun;
    uint32_t fresh = stream_feed(stream, pool, seq, payload, declared, take, NULL);
    if (begun && stream->next != next + fresh)
        abort(); /* what was consumed is what the stream moved on */
}

/* Every block and head is back: as many fit as at first, and one more is refused. */
static void check_pool(struct stream_pool *pool)
{
    static struct stream streams[STREAM_HEADS];
    static const uint8_t part[] = {0, 9, 1};
    uint64_t refused = stream_pool_refused(pool);
    for (int i = 0; i < STREAM_HEADS; i++) {
        stream_init(&streams[i]);
        stream_begin(&streams[i], isn);
        stream_feed(&streams[i], pool, isn, cursor_of(part, sizeof part), sizeof part, take, NULL);
        if (i < STREAM_BLOCKS)
            stream_feed(&streams[i], pool, isn + 7, cursor_of(part, 1), 1, take, NULL);
    }
    if (stream_pool_refused(pool) != refused)
        abort();
    for (int i = 0; i < STREAM_HEADS; i++)
        stream_release(&streams[i], pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stream_pool *pool;
    static unsigned inputs;
    struct cursor input = cursor_of(data, size);
    struct stream streams[STREAMS];
    if (!pool && !(pool = stream_pool_new()))
        return 0;
    for (int i = 0; i < STREAMS; i++)
        stream_init(&streams[i]);
    while (input.left > 0) {
        uint8_t step = cursor_u8(&input);
        struct stream *stream = &streams[step % STREAMS];
        if (step < 16 && !stream->begun)
            stream_begin(stream, isn + step);
        else
            feed(stream, pool, &input);
    }
    for (int i = 0; i < STREAMS; i++)
        stream_release(&streams[i], pool);
    if (++inputs % 256 == 1) /* it takes a while */
        check_pool(pool);
    return 0;
}
