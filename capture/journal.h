/* Where lines go besides standard output: the local syslog daemon. Never waits for it, and needs no new descriptor. */
#ifndef TCP53_CAPTURE_JOURNAL_H
#define TCP53_CAPTURE_JOURNAL_H

#include "capture/failure.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    JOURNAL_BURST = 10,       /* lines at once */
    JOURNAL_REFILL_MS = 6000, /* and then one in so long */
    JOURNAL_RETRY_MS = 1000,  /* a daemon that is away is looked for so often */
    JOURNAL_DATAGRAM = 1024,  /* bytes of a line with what is put before it (RFC 3164, 4.1) */
};

struct journal;

/* Zero or NULL stands for the number above, and for /dev/log. */
struct journal_options {
    const char *path; /* belongs to the caller; read by journal_open() only */
    unsigned burst, refill_ms, retry_ms;
};

struct journal_counters {
    uint64_t sent;       /* lines, without those that tell of the next two */
    uint64_t suppressed; /* too many at a time */
    uint64_t lost;       /* the daemon was away, or did not read */
};

/* Connects, and reads the time zone; `options` may be NULL. NULL when nobody listens there. */
struct journal *journal_open(const struct journal_options *options, struct failure *failure);
/* Tells, if that can be done, what was not told yet. NULL is accepted here and below, and stands for no syslog. */
void journal_close(struct journal *journal);
/* Sends one line of clean text with a priority of syslog(3), LOG_ERR and the like; false when it was not sent. */
bool journal_send(struct journal *journal, int priority, const char *text);
/* Looks for a daemon that was away, and tells of lines that were not sent; to be called now and then. */
void journal_tick(struct journal *journal);
struct journal_counters journal_counters(const struct journal *journal);

/*
 * Whether a descriptor is the stream that systemd's journal reads (systemd.exec(5), JOURNAL_STREAM). Lines for it begin
 * with journal_prefix(), the others do not.
 */
bool journal_is_stream(int descriptor);
/* "<3>" for LOG_ERR: how the journal is told a line's priority (sd-daemon(3)). */
const char *journal_prefix(int priority);

#endif
