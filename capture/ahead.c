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
    ahead_read *read;
    void *context;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned filled, emptied; /* batches so far; under the lock */
    bool stop;                /* under the lock */
    size_t at;                /* next frame of the batch that the caller empties */
    bool holds;               /* the caller owns batch `emptied` */
    struct batch batches[BATCHES];
};

static void fill(struct ahead *ahead, struct batch *batch)
{
    struct frame frame;
    batch->count = batch->used = 0;
    batch->last = false;
    while (batch->count < BATCH_FRAMES && batch->used <= BATCH_BYTES - FRAME_MOST) {
        if (!ahead->read(ahead->context, &frame)) {
            batch->last = true;
            return;
        }
        if (frame.captured > FRAME_MOST)
            frame.captured = FRAME_MOST;
        memcpy(batch->bytes + batch->used, frame.data, frame.captured);
        frame.data = batch->bytes + batch->used;
        batch->used += frame.captured;
        batch->frames[batch->count++] = frame;
    }
}

static void *fill_all(void *argument)
{
    struct ahead *ahead = argument;
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

struct ahead *ahead_new(ahead_read *read, void *context)
{
    struct ahead *ahead = calloc(1, sizeof *ahead);
    if (!ahead)
        return NULL;
    ahead->read = read;
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
    free(ahead);
}
