/* Which frames of a capture are judged: by time, by a filter expression, by number. */
#ifndef TCP53_CAPTURE_SELECT_H
#define TCP53_CAPTURE_SELECT_H

#include "capture/source.h"

struct select;

/* NULL and a sentence when the filter is no expression that libpcap understands. */
struct select *select_new(const struct source_options *options, struct failure *failure);
void select_free(struct select *select);
/* Compiles the filter for a link type beforehand; false and a sentence when it means nothing there. */
bool select_prepare(struct select *select, int link_type, struct failure *failure);
/* True when the frame is one of those. */
bool select_takes(struct select *select, const struct frame *frame);
/* Counts anew: another trace begins. */
void select_begin(struct select *select);
/* True when no further frame of this trace will be: as many as wanted were taken. */
bool select_is_done(const struct select *select);

#endif
