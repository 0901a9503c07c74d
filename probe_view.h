/* What a probe sees of its own packets: a live capture from which all else is left out. */
#ifndef TCP53_PROBE_VIEW_H
#define TCP53_PROBE_VIEW_H

#include "capture/live.h"
#include "dissect/analysis.h"
#include "options.h"
#include "probe_save.h"

enum { PROBE_VIEW_INPUTS = LIVE_MOST + 1 };

struct probe_view {
    struct live *live;       /* NULL: nothing is captured */
    struct probe_save *save; /* -w; NULL: not asked for */
    struct analysis *analysis;
    struct failure obstacle;                /* why nothing is captured; empty: something is */
    uint64_t selected[LIVE_MOST];           /* of which interface */
    uint8_t ports[2][(UINT16_MAX + 1) / 8]; /* local ports of the attempts, over UDP and TCP */
};

/*
 * Begins to capture where the servers' packets pass, and on the loopback device, where this host's own filter answers.
 * Where that is not allowed, or not wanted, there is an obstacle. False, with what is wrong said, when interfaces were
 * named that cannot be opened, or without memory.
 */
bool probe_view_open(struct probe_view *view, const struct options *options, const struct addr *servers, size_t count);
void probe_view_close(struct probe_view *view);
/* Packets of that local port are looked at. */
void probe_view_port(struct probe_view *view, bool tcp, uint16_t port);
/* Takes the frames at hand. */
void probe_view_take(struct probe_view *view);
/* What was captured as inputs of the report, up to PROBE_VIEW_INPUTS; how many. The saved file comes first. */
size_t probe_view_inputs(const struct probe_view *view, struct input *inputs);
/* All that came is there: judges what was under way. Sockets' accounts take its place when no packet was seen. */
void probe_view_finish(struct probe_view *view, const struct attempt *attempts, size_t count);

#endif
