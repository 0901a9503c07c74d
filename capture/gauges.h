/* After a probe without a capture: from how far away came what ended its connections? Two gauges for each server at most. */
#ifndef TCP53_CAPTURE_GAUGES_H
#define TCP53_CAPTURE_GAUGES_H

#include "capture/probe.h"

struct gauges;

/* Looks at the attempts of a probe that is over; NULL without memory. The probe must outlive it. */
struct gauges *gauges_new(struct probe *probe);
void gauges_free(struct gauges *all);
/* As those of a probe. When it is over the TTLs that were measured are in the probe's attempts. */
size_t gauges_descriptors(const struct gauges *all, struct pollfd *list, size_t room);
int64_t gauges_due_ns(const struct gauges *all);
bool gauges_step(struct gauges *all, const struct pollfd *list, size_t count, int64_t now_ns);

#endif
