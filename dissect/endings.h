/* The kinds of end that the flows of one server came to. */
#ifndef TCP53_DISSECT_ENDINGS_H
#define TCP53_DISSECT_ENDINGS_H

#include "dissect/flow_end.h"
#include "dissect/frame.h"

enum {
    FACTS_ENDINGS = 16, /* kinds of ends kept apart for one server */
    FACTS_FRAMES = 3,
};

#define FACTS_NONE UINT32_MAX /* no index */

/*
 * Flows that ended alike: same mechanism, same TTLs, same signs. So few numbers tell apart what matters that a server
 * has a handful of endings, whatever the number of its flows.
 */
struct ending {
    struct flow_end end;
    uint32_t count;
    uint32_t run;      /* of them, those since the server's latest run began; see facts_watch_turns() */
    uint32_t exemplar; /* facts_exemplar() index, or FACTS_NONE */
    struct frame_ref frames[FACTS_FRAMES]; /* decisive frames of the first flows */
    uint32_t least_us, most_us;            /* from the client's last packet to the decisive one; 0 when there is none */
};

struct ending_list {
    uint32_t keys[FACTS_ENDINGS];
    struct ending rows[FACTS_ENDINGS];
    uint32_t count;
    uint32_t merged; /* flows of further kinds, counted by how they ended only */
};

struct flow_record;

/*
 * The ending of that kind, a new one (without an exemplar, count 0) if need be. When there is no room for one more, one
 * that only says how it came out: the last few places are kept for those, so that every flow is counted.
 */
struct ending *endings_find(struct ending_list *list, const struct flow_end *end);
/* Counts a flow that ended so. */
void endings_add(struct ending *ending, const struct flow_record *record);

#endif
