/* What a watch or a probe has counted and concluded, in Prometheus' text format for the node exporter's textfile collector. */
#ifndef TCP53_REPORT_METRICS_H
#define TCP53_REPORT_METRICS_H

#include "report/states.h"

enum { METRICS_SERVERS = 64 }; /* servers shown; a label with more values costs whoever stores it */

struct metrics_interface {
    const char *name;
    uint64_t frames, bytes, dropped;
};

/* Counts are since the start and never go down. Times are nanoseconds since 1970. Strings belong to the caller. */
struct metrics {
    int64_t started_ns, now_ns;
    int64_t last_frame_ns; /* 0: there was none */
    const struct metrics_interface *interfaces;
    size_t interface_count;
    const struct state *servers; /* in any order */
    size_t server_count;
    uint64_t servers_left_out;        /* servers asked over TCP that are not in the list */
    uint64_t attempts[FLOW_OUTCOMES]; /* with all servers, those left out as well */
    uint64_t changes;
    uint64_t evidence_frames, evidence_lost;
    uint64_t lines_suppressed, lines_lost;
    uint64_t commands_run, commands_skipped;
    struct analysis_counters counters;
};

/*
 * Shows the METRICS_SERVERS worst of the servers that were asked over TCP, by address. False when `out` took less or
 * there is no memory: then the file must not take the old one's place.
 */
bool metrics_render(const struct metrics *metrics, FILE *out);
/* The same of a probe's report: its METRICS_SERVERS first servers. */
bool metrics_write_probe(const struct report *report, FILE *out);

#endif
