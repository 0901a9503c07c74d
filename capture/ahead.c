/*
 * How it works: a few batches go round between the thread that fills them and the caller who empties them; each side
 * owns a batch while it works on it, so that the lock is taken once a batch and no frame is waited for.
 */
#include "capture/ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCHES = 3,
    BATCH_FRAMES = 8192, /* so many that their lines have left the other processor's cache when they come round again */
    BATCH_BYTES = 1536 * 1024, /* more than the largest frame that libpcap reads (262144) */
    FRAME_MOST = 256 * 1024,
};

struct batch {
    size_t count, used;
    bool last; /* no further frame follows */
    struct frame frames[BATCH_FRAMES];
    uint8_t bytes[BATCH_BYTES];
};

struct ahead {
    void (*begin)(void);
    ahead_read *read;
    void *context;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned filled, emptied; /* batches so far; under the lock */
    bool stop;                /* under the lock */
    size_t at;                /* next frame of the batch that the caller empties */
    bool holds;               /* the caller owns batch `emptied` */
    struct batch *rest;  /* the later half of one, for frames to come to go before it; NULL while all are in order */
    struct frame latest; /* of those that were handed on; only its time and trace count */
    uint64_t late;
    struct batch batches[BATCHES];
};

static void append(struct batch *batch, const struct frame *frame)
{
    struct frame *copy = &batch->frames[batch->count++];
    *copy = *frame;
    memcpy(batch->bytes + batch->used, frame->data, frame->captured);
    copy->data = batch->bytes + batch->used;
    batch->used += frame->captured ? frame->captured : 1; /* so that a frame's place tells which came first */
}

static bool is_earlier(const struct frame *a, const struct frame *b)
{
    return a->trace == b->trace && a->time_ns < b->time_ns;
}

/* Frames of the same time stay in the order in which they came, which is that of their bytes. */
static int frame_order(const void *a, const void *b)
{
    const struct frame *x = a, *y = b;
    if (x->trace != y->trace)
        return x->trace < y->trace ? -1 : 1;
    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    return x->data < y->data ? -1 : x->data > y->data;
}

static void take_rest(struct ahead *ahead, struct batch *batch)
{
    if (!ahead->rest)
        return;
    for (size_t i = 0; i < ahead->rest->count; i++)
        append(batch, &ahead->rest->frames[i]);
    ahead->rest->count = ahead->rest->used = 0;
}

/* Keeps the later half back, in a batch of its own: this one goes to the caller. */
static void leave_rest(struct ahead *ahead, struct batch *batch)
{
    size_t half = batch->count / 2;
    for (size_t i = half; i < batch->count; i++)
        append(ahead->rest, &batch->frames[i]);
    batch->count = half;
}

static void put_in_order(struct ahead *ahead, struct batch *batch)
{
    qsort(batch->frames, batch->count, sizeof *batch->frames, frame_order);
    if (!ahead->rest)
        ahead->rest = calloc(1, sizeof *ahead->rest);
    if (ahead->rest && !batch->last)
        leave_rest(ahead, batch);
    for (size_t i = 0; i < batch->count && is_earlier(&batch->frames[i], &ahead->latest); i++)
        ahead->late++;
}

static void fill(struct ahead *ahead, struct batch *batch)
{
    struct frame frame;
    struct frame latest = ahead->latest;
    bool ordered = true;
    batch->count = batch->used = 0;
    batch->last = false;
    take_rest(ahead, batch);
    if (batch->count > 0)
        latest = batch->frames[batch->count - 1];
    while (batch->count < BATCH_FRAMES && batch->used <= BATCH_BYTES - FRAME_MOST) {
        if (!ahead->read(ahead->context, &frame)) {
            batch->last = true;
            break;
        }
        if (frame.captured > FRAME_MOST)
            frame.captured = FRAME_MOST;
        append(batch, &frame);
        ordered &= !is_earlier(&frame, &latest);
        latest = frame;
    }
    if (!ordered || ahead->rest)
        put_in_order(ahead, batch);
    if (batch->count > 0 && !is_earlier(&batch->frames[batch->count - 1], &ahead->latest))
        ahead->latest = batch->frames[batch->count - 1];
}

static void *fill_all(void *argument)
{
    struct ahead *ahead = argument;
    ahead->begin();
    for (bool last = false; !last;) {
        pthread_mutex_lock(&ahead->lock);
        while (ahead->filled - ahead->emptied == BATCHES && !ahead->stop)
            pthread_cond_wait(&ahead->changed, &ahead->lock);
        bool stop = ahead->stop;
        struct batch *batch = &ahead->batches[ahead->filled % BATCHES];
        pthread_mutex_unlock(&ahead->lock);
        if (stop)
            break;
        fill(ahead, batch);
        last = batch->last;
        pthread_mutex_lock(&ahead->lock);
        ahead->filled++;
        pthread_cond_signal(&ahead->changed);
        pthread_mutex_unlock(&ahead->lock);
    }
    return NULL;
}

struct ahead *ahead_new(void (*begin)(void), ahead_read *read, void *context)
{
    struct ahead *ahead = calloc(1, sizeof *ahead);
    if (!ahead)
        return NULL;
    ahead->begin = begin;
    ahead->read = read;
    ahead->latest.time_ns = INT64_MIN;
    ahead->context = context;
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->changed, NULL);
    if (pthread_create(&ahead->thread, NULL, fill_all, ahead) != 0) {
        free(ahead);
        return NULL;
    }
    return ahead;
}

/* Gives the emptied batch back and waits for the next one. */
static struct batch *turn(struct ahead *ahead)
{
    pthread_mutex_lock(&ahead->lock);
    if (ahead->holds) {
        ahead->emptied++;
        pthread_cond_signal(&ahead->changed);
    }
    while (ahead->filled == ahead->emptied)
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    pthread_mutex_unlock(&ahead->lock);
    ahead->holds = true;
    ahead->at = 0;
    return &ahead->batches[ahead->emptied % BATCHES];
}

bool ahead_next(struct ahead *ahead, struct frame *frame)
{
    struct batch *batch = &ahead->batches[ahead->emptied % BATCHES];
    while (!ahead->holds || ahead->at == batch->count) {
        if (ahead->holds && batch->last)
            return false;
        batch = turn(ahead);
    }
    *frame = batch->frames[ahead->at++];
    return true;
}

void ahead_free(struct ahead *ahead)
{
    if (!ahead)
        return;
    pthread_mutex_lock(&ahead->lock);
    ahead->stop = true;
    pthread_cond_signal(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
    pthread_join(ahead->thread, NULL);
    pthread_cond_destroy(&ahead->changed);
    pthread_mutex_destroy(&ahead->lock);
    free(ahead->rest);
    free(ahead);
}

uint64_t ahead_late(const struct ahead *ahead)
{
    return ahead->late;
}
