/* What was last said of each server, so that a change of its verdict is told once. */
#ifndef TCP53_REPORT_STATES_H
#define TCP53_REPORT_STATES_H

#include "report/change.h"
#include "report/report.h"

enum { STATES_SERVERS = 1024 };

#define STATES_FORGET_NS (6 * 3600 * FLOW_SECOND_NS) /* nobody asked it for so long: nothing is known of it any more */

/* A server as watch knows it. */
struct state {
    struct addr address;
    uint16_t port;
    struct change_state now;          /* as told; outcome REPORT_NONE: nothing to tell yet */
    int64_t changed_ns;               /* when it was told; 0: never */
    uint64_t attempts[FLOW_OUTCOMES]; /* flows that are over, since the beginning */
    int64_t seen_ns;                  /* when it was last among the servers asked over TCP */
    int64_t waited_since_ns;          /* since when a change is waited with, for what comes next; 0: none is */
    uint32_t told_attempts;           /* on how many it rested */
    int64_t told_ns[6];               /* its latest changes, the newest last */
};

struct states;

/* NULL without memory. */
struct states *states_new(void);
void states_free(struct states *states);
/* Counts a flow that is over. */
void states_count(struct states *states, struct addr server, uint16_t port, enum flow_outcome outcome);
/*
 * Compares a report with what was told before and hands out each change; it has happened when the call returns. Said at
 * once: another outcome, another side to blame, more confidence; within a second what is little sure, since the next
 * attempts may show more. Not said: that a window which has just begun shows less than the one before; that a server which
 * failed is answered in part, until that has lasted; more than a handful of changes of one server within ten minutes.
 */
void states_update(struct states *states, const struct report *report, int64_t now_ns,
                   void (*take)(void *context, const struct change *change), void *context);
/* The clock was set forward (or back) by so much: all times move with it. */
void states_shift(struct states *states, int64_t step_ns);

/* The next update is the last one of its window, or of all: what is waited with is told. */
void states_hasten(struct states *states, bool last);
/* Flows that are over, with all servers, by enum flow_outcome. */
const uint64_t *states_attempts(const struct states *states);

/* All servers that were asked over TCP. */
const struct state *states_list(const struct states *states, size_t *count);
/* Servers of the latest report without a place among them. */
uint64_t states_left_out(const struct states *states);
/* The worst outcome that was last told. */
enum report_outcome states_worst(const struct states *states);
/* 1 when a server fails by what was last told of it, 0 when all that were asked answer, 3 when none was asked. */
int states_exit_status(const struct states *states);

#endif
