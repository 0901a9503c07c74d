/* Where a watch tells what it knows: lines, reports, metrics, syslog, the user's command, evidence. */
#ifndef TCP53_WATCH_OUTLETS_H
#define TCP53_WATCH_OUTLETS_H

#include "capture/input.h"
#include "capture/privs.h"
#include "options.h"
#include "report/states.h"

struct outlets;

/* Why a report is written. */
enum outlets_occasion { OUTLETS_TICK, OUTLETS_WINDOW, OUTLETS_ASKED, OUTLETS_END };

/*
 * Opens what takes rights, and starts the clerk that opens files later. NULL and a sentence when something cannot be had.
 * The options and states must outlive it.
 */
struct outlets *outlets_open(const struct options *options, const struct privs *privs, const struct states *states,
                             struct failure *failure);
/* Says that the end has come; accepts NULL. */
void outlets_close(struct outlets *outlets);
/* To be called as the user who owns the files, while they can still be opened: reads what an earlier watch left. */
bool outlets_ready(struct outlets *outlets, struct failure *failure);
/* Says that the watch has begun. */
void outlets_begin(struct outlets *outlets);

/* What may become evidence: a frame that is about to be analysed (NULL: it was), and what the analysis says of it. */
void outlets_frame(struct outlets *outlets, const struct frame *frame);
void outlets_packet(struct outlets *outlets, const struct flow_key *key, const struct packet *packet, bool from_server);
void outlets_flow_over(struct outlets *outlets, const struct flow *flow, const struct flow_end *end);
/* The same of a flow under way that has failed by what was seen so far. */
void outlets_flow_failing(struct outlets *outlets, const struct flow *flow, const struct flow_end *end);

/* The report that changes told from now on are of; NULL: none. */
void outlets_report(struct outlets *outlets, const struct report *report);
void outlets_change(struct outlets *outlets, const struct change *change);
/* All changes of that report have been told; `last`: no other report follows. */
void outlets_changes_told(struct outlets *outlets, bool last);
/* Writes a report where reports go; false when that failed. */
bool outlets_write(struct outlets *outlets, const struct report *report, enum outlets_occasion occasion);
/* After the last report: where each server of which a change was told stands now. */
void outlets_sum_up(struct outlets *outlets);
/* The clock was set: moves all times. */
void outlets_shift(struct outlets *outlets, int64_t step_ns);
/* Something else that an administrator has to know, in a sentence. */
void outlets_news(struct outlets *outlets, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* To be called a few times a second: what is done from time to time. */
void outlets_tick(struct outlets *outlets, const struct analysis *analysis, const struct input *inputs, size_t count);
/* Goes on in new files. */
void outlets_reopen(struct outlets *outlets);
/* True when nobody takes what is told any more. */
bool outlets_is_over(const struct outlets *outlets);
/* The descriptor whose reader's leaving ends the watch; -1 when there is something else that takes what is told. */
int outlets_lines(const struct outlets *outlets);

#endif
