/*
 * Frames read ahead by a thread of their own, in batches, so that reading and judging take place at the same time; and
 * put in order of time, since the batches are at hand.
 */
#ifndef TCP53_CAPTURE_AHEAD_H
#define TCP53_CAPTURE_AHEAD_H

#include "dissect/frame.h"

#include <stdbool.h>

struct ahead;

/* Gives the next frame, or false at the end; called in the thread only. Its bytes may go at the next call. */
typedef bool ahead_read(void *context, struct frame *frame);

/* Starts reading, after a call of `begin` in the thread; NULL when there is no memory or no thread to be had. */
struct ahead *ahead_new(void (*begin)(void), ahead_read *read, void *context);
/*
 * The next frame, false at the end. Its bytes stay valid until the next call. A frame that is
 * earlier than the one before it finds its place among those of its batch and, once that has happened, among half of
 * the batch before.
 */
bool ahead_next(struct ahead *ahead, struct frame *frame);
/* Waits for the thread, which reads no further than the batches it has; then what it wrote may be read. */
void ahead_free(struct ahead *ahead);

/* Frames that came later than that; to be asked at the end. */
uint64_t ahead_late(const struct ahead *ahead);

#endif
