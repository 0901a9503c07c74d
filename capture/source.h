/* Where frames come from: saved captures, together one trace in order of time. */
#ifndef TCP53_CAPTURE_SOURCE_H
#define TCP53_CAPTURE_SOURCE_H

#include "capture/input.h"
#include "dissect/frame.h"

#include <stddef.h>

struct source;

/* What is read of them. All zero: everything. */
struct source_options {
    int64_t from_ns, to_ns; /* times, inclusive; to_ns 0: no end */
    const char *filter;     /* a filter expression of libpcap, or NULL */
    uint64_t count;         /* stop after so many frames; 0: never */
    bool by_runs;           /* look through each file first; where time goes back in it, read the parts side by side */
    bool apart;             /* each operand is a trace of its own, the first one before the second */
};

/*
 * Prepares to read the files as one trace, by time, however they are named. A directory stands for the captures
 * directly in it. Returns NULL and a sentence for a directory without captures, a filter that cannot be understood, and
 * without memory; a file that cannot be opened is noted in its `trouble` when its turn comes, so that the others are
 * read. `options` may be NULL.
 */
struct source *source_open(const char *const *paths, size_t count, const struct source_options *options,
                           struct failure *failure);
void source_close(struct source *source);

/*
 * The next frame: true, or false when all inputs are at their end. An input that cannot be opened or breaks off is
 * noted in its `trouble` and the others are read. Frames that are out of order by no more than some hundred are put
 * in order. The frame's bytes stay valid until the next call.
 */
bool source_next(struct source *source, struct frame *frame);

/* All inputs; to be read when source_next() has given false. */
const struct input *source_inputs(const struct source *source, size_t *count);
/* Frames that came too late to be put in order; to be read at the end. */
uint64_t source_late(const struct source *source);
/* True when reading everything again by runs may put those in order; not from a pipe, and not of the first N frames. */
bool source_may_order(const struct source *source);
/* What the files say of a frame with that note; NULL for 0. To be read at the end. */
const char *source_note(const struct source *source, uint8_t note);

/* How far the reading is; may be asked by another thread at any time. */
struct source_progress {
    uint64_t read, size; /* bytes of the files; size 0: one of them is a pipe */
};
struct source_progress source_progress(const struct source *source);

#endif
