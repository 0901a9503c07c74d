/* After a probe without a capture: from how far away came what ended its connections? */
#ifndef TCP53_CAPTURE_MEASURE_H
#define TCP53_CAPTURE_MEASURE_H

#include "capture/probe.h"

struct measure;

/* Looks at the attempts of a probe that is over; NULL without memory. The probe must outlive it. */
struct measure *measure_new(struct probe *probe);
void measure_free(struct measure *measure);
/* As those of a probe. When it is over the TTLs that were measured are in the probe's attempts. */
size_t measure_descriptors(const struct measure *measure, struct pollfd *list, size_t room);
int64_t measure_due_ns(const struct measure *measure);
bool measure_step(struct measure *measure, const struct pollfd *list, size_t count, int64_t now_ns);

#endif
