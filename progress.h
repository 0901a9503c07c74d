/* A line on standard error that tells how far a long reading is. */
#ifndef TCP53_PROGRESS_H
#define TCP53_PROGRESS_H

#include "capture/source.h"

struct progress;

/* Begins to tell, a second from now, in a thread of its own; NULL (nothing is told) when nobody watches a terminal. */
struct progress *progress_start(const struct source *source);
/* Ends it and wipes the line. */
void progress_end(struct progress *progress);

#endif
