/* What libwiretap reads over in Microsoft Network Monitor captures (2.x): names of processes, and absurd times. */
#ifndef TCP53_CAPTURE_NETMON_H
#define TCP53_CAPTURE_NETMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netmon;

/* Reads the table of processes of a file ("-": standard input that is one); NULL when it is no such capture. */
struct netmon *netmon_open(const char *path);
void netmon_close(struct netmon *netmon);
/* Writes "process NAME, PID n" of the frame whose record stands at `offset` of the file; false when none is named. */
bool netmon_process(const struct netmon *netmon, int64_t offset, char *text, size_t size);
/*
 * The first frame whose time is more than a day before the capture's beginning, from 1; 0 when there is none, and for NULL.
 * Libwiretap counts down to it second by second, for minutes.
 */
uint32_t netmon_absurd_time(const struct netmon *netmon);
/* True when each frame has a time in UTC (2.3); false for NULL. */
bool netmon_has_utc(const struct netmon *netmon);

#endif
