#include "progress.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PERIOD_MS = 250, QUIET_MS = 1000, MEGA = 1000000 };

struct progress {
    const struct source *source;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool end; /* under the lock */
};

/* "\r 42 %, 318 MB/s, 0:07 left": a pipe has no end that could be told. */
static void tell(const struct source *source, unsigned elapsed_ms)
{
    struct source_progress at = source_progress(source);
    double speed = (double)at.read / elapsed_ms * 1000;
    if (at.size == 0 || at.read > at.size) {
        fprintf(stderr, "\rtcp53: %.0f MB read, %.0f MB/s\x1b[K", (double)at.read / MEGA, speed / MEGA);
    } else {
        unsigned left = speed > 0 ? (unsigned)((double)(at.size - at.read) / speed + 0.5) : 0;
        fprintf(stderr, "\rtcp53: %.0f %%, %.0f MB/s, %u:%02u left\x1b[K", (double)at.read / (double)at.size * 100,
                speed / MEGA, left / 60, left % 60);
    }
    fflush(stderr);
}

static void *tell_all(void *argument)
{
    struct progress *progress = argument;
    struct timespec next;
    bool told = false;
    clock_gettime(CLOCK_MONOTONIC, &next);
    pthread_mutex_lock(&progress->lock);
    for (unsigned elapsed_ms = PERIOD_MS; !progress->end; elapsed_ms += PERIOD_MS) {
        next.tv_nsec += PERIOD_MS * 1000000L;
        next.tv_sec += next.tv_nsec / 1000000000;
        next.tv_nsec %= 1000000000;
        int waited = 0;
        while (!progress->end && waited == 0)
            waited = pthread_cond_timedwait(&progress->ended, &progress->lock, &next);
        if (!progress->end && elapsed_ms >= QUIET_MS) {
            tell(progress->source, elapsed_ms);
            told = true;
        }
    }
    pthread_mutex_unlock(&progress->lock);
    if (told)
        fputs("\r\x1b[K", stderr);
    return NULL;
}

struct progress *progress_start(const struct source *source)
{
    struct progress *progress = isatty(STDERR_FILENO) ? calloc(1, sizeof *progress) : NULL;
    if (!progress)
        return NULL;
    pthread_condattr_t monotonic;
    progress->source = source;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&progress->lock, NULL);
    pthread_cond_init(&progress->ended, &monotonic);
    if (pthread_create(&progress->thread, NULL, tell_all, progress) != 0) {
        free(progress);
        return NULL;
    }
    return progress;
}

void progress_end(struct progress *progress)
{
    if (!progress)
        return;
    pthread_mutex_lock(&progress->lock);
    progress->end = true;
    pthread_cond_signal(&progress->ended);
    pthread_mutex_unlock(&progress->lock);
    pthread_join(progress->thread, NULL);
    free(progress);
}
