/* Several saved captures as one, in order of time, whatever the order in which they were named. */
#ifndef TCP53_CAPTURE_MERGE_H
#define TCP53_CAPTURE_MERGE_H

#include "capture/file.h"

struct merge;

/*
 * Prepares to read inputs `first` up to, not including, `end`. With `by_runs` each file is looked through first: where
 * time goes back in it (captures that were put one behind the other), what follows is read beside what precedes. NULL
 * without memory.
 */
struct merge *merge_new(struct input *inputs, size_t first, size_t end, bool by_runs, struct notes *notes);
void merge_free(struct merge *merge);
/* The next frame; false at the end of all. Its bytes stay until the next call. */
bool merge_next(struct merge *merge, struct frame *frame);
/* Bytes of the files read so far. */
uint64_t merge_position(const struct merge *merge);

#endif
