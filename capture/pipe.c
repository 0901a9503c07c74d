#include "capture/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

enum { PATIENCE_MS = 10, TRIES = 500, COPY_BYTES = 64 * 1024 };

/* tee() duplicates what a pipe holds without taking it out. */
static ssize_t peek_pipe(int descriptor, uint8_t *bytes, size_t count)
{
    int copy[2];
    if (pipe2(copy, O_CLOEXEC) != 0)
        return -1;
    ssize_t got = tee(descriptor, copy[1], count, 0);
    if (got > 0)
        got = read(copy[0], bytes, count);
    int why = errno;
    close(copy[0]);
    close(copy[1]);
    errno = why;
    return got;
}

static ssize_t peek(int descriptor, uint8_t *bytes, size_t count)
{
    ssize_t got = recv(descriptor, bytes, count, MSG_PEEK);
    return got < 0 && errno == ENOTSOCK ? peek_pipe(descriptor, bytes, count) : got;
}

/* Nobody writes to it any more. */
static bool is_at_end(int descriptor)
{
    struct pollfd state = {.fd = descriptor, .events = POLLRDHUP};
    return poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLRDHUP | POLLERR));
}

ssize_t pipe_peek(int descriptor, uint8_t *bytes, size_t count)
{
    ssize_t held = 0;
    for (int i = 0; i < TRIES; i++) { /* a writer may send the first bytes one by one */
        bool end = is_at_end(descriptor);
        held = peek(descriptor, bytes, count);
        if (held <= 0 || held == (ssize_t)count || end || poll(NULL, 0, PATIENCE_MS) < 0)
            break;
    }
    return held;
}

static bool write_all(int descriptor, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t done = write(descriptor, bytes, count);
        if (done <= 0)
            return false;
        bytes += done;
        count -= (size_t)done;
    }
    return true;
}

/* A file that has lost its name already, in TMPDIR. */
static int nameless_file(void)
{
    char path[4096];
    const char *directory = getenv("TMPDIR");
    int length = snprintf(path, sizeof path, "%s/tcp53.XXXXXX", directory && *directory ? directory : "/tmp");
    if (length >= (int)sizeof path)
        return -1;
    int file = mkostemp(path, O_CLOEXEC);
    if (file >= 0)
        unlink(path);
    return file;
}

int pipe_spool(int descriptor, bool (*stopped)(void))
{
    static char buffer[COPY_BYTES];
    int spool = nameless_file();
    ssize_t got = 0;
    while (spool >= 0 && !stopped() && (got = read(descriptor, buffer, sizeof buffer)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got > 0 && write_all(spool, buffer, (size_t)got))
            continue;
        int why = errno;
        close(spool);
        errno = why;
        return -1;
    }
    return spool;
}

static bool is_one_of(const char *bytes, int got, const char *const *magics, size_t count)
{
    for (size_t i = 0; got >= 4 && i < count; i++)
        if (memcmp(bytes, magics[i], 4) == 0)
            return true;
    return false;
}

/* True when all of it was copied. */
static bool unpack(gzFile packed, int spool, const char *const *magics, size_t count, bool (*stopped)(void))
{
    static char buffer[COPY_BYTES];
    int got = gzread(packed, buffer, sizeof buffer);
    bool fine = !gzdirect(packed) && is_one_of(buffer, got, magics, count);
    for (; fine && got > 0; got = gzread(packed, buffer, sizeof buffer))
        fine = !stopped() && write_all(spool, buffer, (size_t)got);
    return fine && got == 0;
}

int pipe_gunzip(int descriptor, const char *const *magics, size_t count, bool (*stopped)(void))
{
    int copy = lseek(descriptor, 0, SEEK_SET) == 0 ? dup(descriptor) : -1;
    gzFile packed = copy >= 0 ? gzdopen(copy, "rb") : NULL;
    if (!packed) {
        if (copy >= 0)
            close(copy);
        return -1;
    }
    int spool = nameless_file();
    bool fine = spool >= 0 && unpack(packed, spool, magics, count, stopped);
    if (gzclose(packed) == Z_OK && fine)
        return spool;
    if (spool >= 0)
        close(spool);
    return -1;
}
