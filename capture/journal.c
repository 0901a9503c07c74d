/*
 * How it works: one datagram socket, made and connected at the start. A datagram that cannot go out at once is dropped and
 * counted. When the daemon has gone, the same socket is connected again, which takes no new descriptor; glibc's syslog(3)
 * makes a new socket instead, which a confined process may not, and waits while the daemon does not read. Lines pay with
 * tokens: a full bucket lets a burst pass, and then one line for each token that comes back. What was dropped for want of
 * tokens, or lost, is told in a line of its own before the next one that goes out, or when journal_tick() finds a token.
 */
#include "capture/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { NOTICE_TEXT = 160, SECOND_MS = 1000, MILLISECOND_NS = 1000000 };

struct journal {
    int socket;
    struct sockaddr_un daemon;
    bool away; /* there is no connection */
    int64_t tried_ms, refilled_ms;
    unsigned burst, refill_ms, retry_ms;
    unsigned tokens;
    struct journal_counters counters, told;
};

static int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SECOND_MS + now.tv_nsec / MILLISECOND_NS;
}

static unsigned or_default(unsigned value, unsigned otherwise)
{
    return value ? value : otherwise;
}

/* A datagram socket connects at once or not at all. */
static bool reach(struct journal *journal)
{
    journal->tried_ms = clock_ms();
    journal->away = connect(journal->socket, (const struct sockaddr *)&journal->daemon, sizeof journal->daemon) != 0;
    return !journal->away;
}

static bool make(struct journal *journal, const char *path, struct failure *failure)
{
    size_t length = strlen(path);
    if (length >= sizeof journal->daemon.sun_path)
        return failure_set(failure, "%.200s: too long for a socket's name", path);
    journal->daemon.sun_family = AF_UNIX;
    memcpy(journal->daemon.sun_path, path, length + 1);
    journal->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (journal->socket < 0)
        return failure_set(failure, "no socket for syslog: %s", strerror(errno));
    return reach(journal) || failure_set(failure, "%s: %s; does a syslog daemon run?", path, strerror(errno));
}

struct journal *journal_open(const struct journal_options *options, struct failure *failure)
{
    static const struct journal_options none = {0};
    const struct journal_options *chosen = options ? options : &none;
    struct journal *journal = calloc(1, sizeof *journal);
    if (!journal) {
        failure_set(failure, "out of memory");
        return NULL;
    }
    journal->burst = journal->tokens = or_default(chosen->burst, JOURNAL_BURST);
    journal->refill_ms = or_default(chosen->refill_ms, JOURNAL_REFILL_MS);
    journal->retry_ms = or_default(chosen->retry_ms, JOURNAL_RETRY_MS);
    journal->refilled_ms = clock_ms();
    journal->socket = -1;
    tzset(); /* localtime_r() reads the zone's file but once */
    if (make(journal, chosen->path ? chosen->path : "/dev/log", failure))
        return journal;
    if (journal->socket >= 0)
        close(journal->socket);
    free(journal);
    return NULL;
}

/* "<27>Nov  4 09:30:05 tcp53[812]: TEXT", RFC 3164 as local daemons take it: without a host. Returns its bytes. */
static size_t write_datagram(char *datagram, int priority, const char *text)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = time(NULL);
    struct tm local = {0};
    localtime_r(&now, &local);
    int length =
        snprintf(datagram, JOURNAL_DATAGRAM, "<%d>%s %2d %02d:%02d:%02d tcp53[%d]: %s", LOG_DAEMON | LOG_PRI(priority),
                 months[local.tm_mon], local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec, (int)getpid(), text);
    return length < JOURNAL_DATAGRAM ? (size_t)length : JOURNAL_DATAGRAM - 1;
}

static bool send_once(struct journal *journal, const char *datagram, size_t length)
{
    return send(journal->socket, datagram, length, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)length;
}

/* The daemon has closed its socket, or there is none at its place; a new one may be. */
static bool has_gone(int error)
{
    return error == ECONNREFUSED || error == ENOTCONN || error == ENOENT || error == EPIPE || error == ECONNRESET;
}

/* Looks for a daemon that is away, but not all the time. */
static bool is_reached(struct journal *journal)
{
    return !journal->away || (clock_ms() - journal->tried_ms >= journal->retry_ms && reach(journal));
}

static bool deliver(struct journal *journal, int priority, const char *text)
{
    char datagram[JOURNAL_DATAGRAM];
    size_t length = write_datagram(datagram, priority, text);
    if (!is_reached(journal))
        return false;
    if (send_once(journal, datagram, length))
        return true;
    if (!has_gone(errno))
        return false;
    journal->away = true;
    return is_reached(journal) && send_once(journal, datagram, length);
}

static void refill(struct journal *journal)
{
    int64_t come = (clock_ms() - journal->refilled_ms) / journal->refill_ms;
    int64_t room = journal->burst - journal->tokens;
    journal->refilled_ms += come * journal->refill_ms;
    journal->tokens += (unsigned)(come < room ? come : room);
}

/* Tells of lines that were not sent since that was last told; true when nothing is left to tell. */
static bool tell(struct journal *journal)
{
    uint64_t suppressed = journal->counters.suppressed - journal->told.suppressed;
    uint64_t lost = journal->counters.lost - journal->told.lost;
    char text[NOTICE_TEXT];
    if (suppressed > 0) {
        snprintf(text, sizeof text, "%" PRIu64 " line%s suppressed: at most %u at once, then one in %u s", suppressed,
                 suppressed == 1 ? "" : "s", journal->burst, journal->refill_ms / SECOND_MS);
        if (!deliver(journal, LOG_WARNING, text))
            return false;
        journal->told.suppressed += suppressed;
    }
    if (lost > 0) {
        snprintf(text, sizeof text, "%" PRIu64 " line%s lost, which syslog did not take", lost, lost == 1 ? "" : "s");
        if (!deliver(journal, LOG_WARNING, text))
            return false;
        journal->told.lost += lost;
    }
    return true;
}

bool journal_send(struct journal *journal, int priority, const char *text)
{
    if (!journal)
        return false;
    refill(journal);
    if (journal->tokens == 0) {
        journal->counters.suppressed++;
        return false;
    }
    journal->tokens--;
    bool sent = tell(journal) && deliver(journal, priority, text);
    journal->counters.sent += sent;
    journal->counters.lost += !sent;
    return sent;
}

void journal_tick(struct journal *journal)
{
    if (!journal)
        return;
    refill(journal);
    if (journal->tokens > 0)
        tell(journal);
}

struct journal_counters journal_counters(const struct journal *journal)
{
    return journal ? journal->counters : (struct journal_counters){0};
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    tell(journal);
    close(journal->socket);
    free(journal);
}

bool journal_is_stream(int descriptor)
{
    struct stat status;
    char *end = NULL;
    const char *stream = getenv("JOURNAL_STREAM"); /* "device:inode", decimal */
    if (!stream || fstat(descriptor, &status) != 0)
        return false;
    errno = 0;
    uintmax_t device = strtoumax(stream, &end, 10);
    if (end == stream || *end != ':')
        return false;
    const char *second = end + 1;
    uintmax_t inode = strtoumax(second, &end, 10);
    return errno == 0 && end != second && *end == '\0' && status.st_dev == device && status.st_ino == inode;
}

const char *journal_prefix(int priority)
{
    static const char *const prefixes[] = {"<0>", "<1>", "<2>", "<3>", "<4>", "<5>", "<6>", "<7>"};
    return prefixes[LOG_PRI(priority)];
}
