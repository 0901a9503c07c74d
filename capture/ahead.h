/* Frames read ahead by a thread of their own, in batches, so that reading and judging take place at the same time. */
#ifndef TCP53_CAPTURE_AHEAD_H
#define TCP53_CAPTURE_AHEAD_H

#include "dissect/frame.h"

#include <stdbool.h>

struct ahead;

/* Gives the next frame, or false at the end; called in the thread only. Its bytes may go at the next call. */
typedef bool ahead_read(void *context, struct frame *frame);

/* Starts reading; NULL when there is no memory or no thread to be had. */
struct ahead *ahead_new(ahead_read *read, void *context);
/* The next frame in order, false at the end. Its bytes stay valid until the next call. */
bool ahead_next(struct ahead *ahead, struct frame *frame);
/* Waits for the thread, which reads no further than the batches it has; then what it wrote may be read. */
void ahead_free(struct ahead *ahead);

#endif
