/* How evidence is kept at hand: for keep.c, which takes it, and keep_each.c, which hands it out. */
#ifndef TCP53_CAPTURE_KEEP_INSIDE_H
#define TCP53_CAPTURE_KEEP_INSIDE_H

#include "capture/kept.h"

enum { KEEP_LINKS = 4 }; /* link types whose latest frame is known */

/* When it is a frame's turn: beside one another, since the frames lie all over memory. */
struct keep_turn {
    int64_t time_ns;
    uint64_t serial; /* frames of one time go as they came */
    uint32_t index;
};

struct keep {
    struct kept *kept;
    keep_writer *writer;
    void *context;
    struct keep_counters counters;
    unsigned first_file; /* frames in files before it are to be written again */
    struct keep_link {
        struct frame latest; /* frame captured, without its bytes */
        int64_t written_ns;  /* time of the latest one written */
        int64_t witness_ns;  /* a frame from then on will show how far the capture reaches; 0: none has to */
    } links[KEEP_LINKS];     /* one a link type */
    unsigned link_count;
    int64_t now_ns;
    int64_t window_ns; /* when the minute of `in_window` began */
    unsigned in_window;
    uint32_t batch_count, batch_size;
    struct keep_turn *batch; /* frames to be put in order */
};

/* What is known of a link type; the one that was met last makes room. */
struct keep_link *keep_link(struct keep *keep, int link_type);
/* Adds frames to the batch; `unwritten`: those that no file has. */
void keep_gather(struct keep *keep, const struct pile *pile, bool unwritten);
void keep_gather_flow(struct keep *keep, uint32_t index, bool unwritten);
void keep_put_in_order(struct keep *keep);

#endif
