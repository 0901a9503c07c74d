/*
 * The layout is that of Microsoft's pages on the Network Monitor capture file header and frame layout: 128 bytes of
 * header, frames with a trailer that ends in an index into the table of processes, tables anywhere behind. All numbers
 * are little-endian.
 */
#include "capture/netmon.h"

#include "dissect/cursor.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    HEADER = 128,
    AT_MINOR = 4,
    AT_FRAME_TABLE = 24,
    AT_FRAME_TABLE_BYTES = 28,
    AT_PROCESS_TABLE = 48,
    AT_PROCESS_COUNT = 52,
    TABLE_VERSION_BYTES = 2,
    ENTRY_TAIL = 48, /* PID, two ports, the IP version and two addresses of 16 bytes */
    FRAME_HEADER = 16,
    AT_CAPTURED = 12,
    MEDIA_TYPE_BYTES = 2,
    PROCESSES_MOST = 1024,
    PATH_MOST = 1024, /* bytes, UTF-16 */
    NAME_MOST = 64,
    MINOR_WITH_PROCESSES = 2,
    MINOR_WITH_UTC = 3,
};

struct process {
    uint32_t id;
    char name[NAME_MOST];
};

struct netmon {
    int file;
    uint8_t minor;
    uint32_t count;
    struct process processes[PROCESSES_MOST];
};

static uint32_t number_of(const uint8_t *b)
{
    struct cursor number = cursor_of(b, 4);
    return cursor_u32_little(&number);
}

static bool read_at(int file, int64_t at, uint8_t *bytes, size_t count)
{
    return pread(file, bytes, count, at) == (ssize_t)count;
}

static bool read_number(int file, int64_t *at, uint32_t *number)
{
    uint8_t bytes[4];
    if (!read_at(file, *at, bytes, sizeof bytes))
        return false;
    *at += (int64_t)sizeof bytes;
    *number = number_of(bytes);
    return true;
}

/* The last part of a path in UTF-16LE, in ASCII. */
static void take_name(char *name, const uint8_t *path, size_t bytes)
{
    size_t length = 0;
    for (size_t i = 0; i + 1 < bytes; i += 2) {
        unsigned unit = path[i] | (unsigned)path[i + 1] << 8;
        if (unit == 0)
            break;
        if (unit == '\\' || unit == '/')
            length = 0;
        else if (length < NAME_MOST - 1)
            name[length++] = unit >= ' ' && unit <= '~' ? (char)unit : '?';
    }
    name[length] = '\0';
}

/* Reads one entry and steps over it. */
static bool read_process(int file, int64_t *at, struct process *process)
{
    uint8_t path[PATH_MOST], tail[4];
    uint32_t path_bytes, icon_bytes;
    if (!read_number(file, at, &path_bytes))
        return false;
    size_t kept = path_bytes < sizeof path ? path_bytes : sizeof path; /* the name is at the end */
    int64_t left_out = (int64_t)(path_bytes - kept + 1) / 2 * 2;
    kept = path_bytes - (size_t)left_out;
    if (!read_at(file, *at + left_out, path, kept))
        return false;
    take_name(process->name, path, kept);
    *at += path_bytes;
    if (!read_number(file, at, &icon_bytes))
        return false;
    *at += icon_bytes;
    if (!read_at(file, *at, tail, sizeof tail))
        return false;
    process->id = number_of(tail);
    *at += ENTRY_TAIL;
    return true;
}

struct netmon *netmon_open(const char *path)
{
    uint8_t header[HEADER];
    struct netmon *netmon = calloc(1, sizeof *netmon);
    if (!netmon)
        return NULL;
    netmon->file = open(strcmp(path, "-") == 0 ? "/dev/stdin" : path, O_RDONLY | O_CLOEXEC);
    if (netmon->file < 0 || !read_at(netmon->file, 0, header, sizeof header) || memcmp(header, "GMBU", 4) != 0) {
        netmon_close(netmon);
        return NULL;
    }
    netmon->minor = header[AT_MINOR];
    uint32_t count = netmon->minor >= MINOR_WITH_PROCESSES ? number_of(header + AT_PROCESS_COUNT) : 0;
    int64_t at = (int64_t)number_of(header + AT_PROCESS_TABLE) + TABLE_VERSION_BYTES;
    while (netmon->count < count && netmon->count < PROCESSES_MOST &&
           read_process(netmon->file, &at, &netmon->processes[netmon->count]))
        netmon->count++;
    return netmon;
}

void netmon_close(struct netmon *netmon)
{
    if (!netmon)
        return;
    if (netmon->file >= 0)
        close(netmon->file);
    free(netmon);
}

bool netmon_process(const struct netmon *netmon, int64_t offset, char *text, size_t size)
{
    uint8_t header[FRAME_HEADER], index[4];
    if (netmon->count == 0 || !read_at(netmon->file, offset, header, sizeof header))
        return false;
    int64_t trailer = offset + FRAME_HEADER + number_of(header + AT_CAPTURED);
    if (!read_at(netmon->file, trailer + MEDIA_TYPE_BYTES, index, sizeof index))
        return false;
    uint32_t which = number_of(index);
    if (which >= netmon->count || !*netmon->processes[which].name)
        return false;
    snprintf(text, size, "process %s, PID %u", netmon->processes[which].name, netmon->processes[which].id);
    return true;
}

/* Microseconds since the capture's beginning; they may be negative. */
static bool is_absurd(int file, uint32_t record)
{
    const int64_t day_us = INT64_C(86400) * 1000000;
    uint8_t bytes[8];
    if (!read_at(file, record, bytes, sizeof bytes))
        return false;
    uint64_t offset_us = (uint64_t)number_of(bytes + 4) << 32 | number_of(bytes);
    return (int64_t)offset_us < -day_us;
}

uint32_t netmon_absurd_time(const struct netmon *netmon)
{
    uint8_t header[HEADER];
    uint32_t record;
    if (!netmon || !read_at(netmon->file, 0, header, sizeof header))
        return 0;
    int64_t at = number_of(header + AT_FRAME_TABLE);
    uint32_t frames = number_of(header + AT_FRAME_TABLE_BYTES) / 4;
    for (uint32_t frame = 1; frame <= frames && read_number(netmon->file, &at, &record); frame++)
        if (is_absurd(netmon->file, record))
            return frame;
    return 0;
}

bool netmon_has_utc(const struct netmon *netmon)
{
    return netmon && netmon->minor >= MINOR_WITH_UTC;
}
