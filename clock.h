/* The time, points in time as users write them, and the time zone for those that name none. */
#ifndef TCP53_CLOCK_H
#define TCP53_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Nanoseconds now: since 1970, and of a clock that nobody sets. */
int64_t clock_day_ns(void);
int64_t clock_steady_ns(void);

/*
 * Reads RFC 3339 ("2026-11-24T09:30:00Z", "2026-11-24 09:30:00.5+01:00"; without a zone it is local time, without a
 * time midnight), or seconds since 1970. False when the text is neither.
 */
bool clock_read(const char *text, int64_t *time_ns);
/*
 * Makes local time that of a zone: "Europe/Vienna", "UTC", or an offset to the east of Greenwich ("+01:00").
 * False when this machine does not know it.
 */
bool clock_set_zone(const char *zone);
/* What local time is: a zone that was set, else the machine's ("this machine's zone, CET"). */
const char *clock_zone(void);

#endif
