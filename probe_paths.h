/* The ways to all servers of a probe, walked two at a time: `tcp53 probe --locate`. */
#ifndef TCP53_PROBE_PATHS_H
#define TCP53_PROBE_PATHS_H

#include "capture/locate.h"
#include "capture/probe.h"

enum { PROBE_PATHS_ACTIVE = 2 };

struct probe_paths {
    struct locate *walks[PROBE_SERVERS];
    bool over[PROBE_SERVERS];
    size_t count;
};

/* For each server of a probe that is over; false, with what is wrong, when one cannot be walked. */
bool probe_paths_begin(struct probe_paths *paths, const struct probe *probe, struct failure *failure);
void probe_paths_end(struct probe_paths *paths);
/* As those of a probe. */
size_t probe_paths_descriptors(const struct probe_paths *paths, struct pollfd *list, size_t room);
int64_t probe_paths_due_ns(const struct probe_paths *paths);
bool probe_paths_step(struct probe_paths *paths, const struct pollfd *list, size_t count, int64_t now_ns);
/* What was found, into `list`; how many. */
size_t probe_paths_list(const struct probe_paths *paths, struct path list[PROBE_SERVERS]);

#endif
