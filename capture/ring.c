/*
 * How it works: libpcap writes each frame into a buffer that holds it whole, and the buffer goes out in one write().
 * File `n` exists only while n is among the latest `files` numbers, so making one removes one. After a write that failed
 * or was short, the file is cut back to what was whole. What remains is the kernel: a SIGKILL can end a write() between
 * two pages of the file, and leave a part of the last frame (1 kill in 70 of a process that does nothing but write
 * frames of 90 bytes, on ext4 and tmpfs, whatever way they are written in). A reader reads such a file to the frame before
 * it, and the next start cuts it off (ring_start.c).
 */
#include "capture/ring.h"

#include "capture/pcap_frame.h"

#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_HEAD = 24, FRAME_HEAD = 16, BUFFER = RING_SNAPLEN + FILE_HEAD + FRAME_HEAD, NAMES_TAKEN = 8 };

/* The file of a link type. */
struct ring_file {
    int link_type;
    unsigned number; /* 0: it is not open */
    uint64_t length; /* of the file's whole frames, with its head */
    uint64_t used;   /* for the one used least lately */
    FILE *stream;
    pcap_t *pcap;
    pcap_dumper_t *dumper; /* of the stream */
    char buffer[BUFFER];
};

struct ring {
    struct ring_options options;
    struct ring_counters counters;
    unsigned next;      /* number of the next file */
    bool room_made;     /* a file was removed for lack of room, and nothing written since */
    int64_t refused_ns; /* time of the frame for which no file could be made */
    bool refused;
    uint64_t uses;
    struct ring_file files[RING_LINKS];
};

const char *ring_file_name(char *text, const char *name, unsigned number)
{
    snprintf(text, RING_NAME, "%.*s-%04u.pcap", RING_NAME_MOST, name, number);
    return text;
}

struct ring *ring_new(const struct ring_options *options)
{
    struct ring *ring = calloc(1, sizeof *ring);
    if (!ring)
        return NULL;
    ring->options = *options;
    if (options->bytes == 0)
        ring->options.bytes = RING_BYTES;
    if (options->files == 0)
        ring->options.files = RING_FILES;
    ring->next = options->first ? options->first : 1;
    ring->counters.oldest = ring->next > ring->options.files ? ring->next - ring->options.files : 1;
    return ring;
}

/* What was not written yet is forgotten. */
static void close_file(struct ring_file *file)
{
    if (file->number == 0)
        return;
    __fpurge(file->stream);
    fclose(file->stream);
    pcap_close(file->pcap);
    file->number = 0;
}

void ring_reopen(struct ring *ring)
{
    for (int i = 0; i < RING_LINKS; i++)
        close_file(&ring->files[i]);
    ring->refused = false;
}

void ring_free(struct ring *ring)
{
    if (!ring)
        return;
    ring_reopen(ring);
    free(ring);
}

static bool remove_number(struct ring *ring, unsigned number)
{
    char text[RING_NAME];
    return ring->options.remove(ring->options.context, ring_file_name(text, ring->options.name, number));
}

/* Removes the oldest file; false when it could not be removed. `removed` tells whether it was there. */
static bool remove_oldest(struct ring *ring, bool *removed)
{
    for (int i = 0; i < RING_LINKS; i++)
        if (ring->files[i].number == ring->counters.oldest)
            close_file(&ring->files[i]);
    *removed = remove_number(ring, ring->counters.oldest);
    if (!*removed && errno != ENOENT)
        return false;
    ring->counters.oldest++;
    return true;
}

/* A descriptor for the next number that no file has, or -1 and errno. */
static int next_descriptor(struct ring *ring)
{
    char text[RING_NAME];
    int descriptor = -1;
    for (int i = 0; i < NAMES_TAKEN; i++) {
        bool removed;
        while (ring->next - ring->counters.oldest >= ring->options.files)
            if (!remove_oldest(ring, &removed))
                return -1;
        descriptor = ring->options.create(ring->options.context, ring_file_name(text, ring->options.name, ring->next));
        if (descriptor < 0 && errno != EEXIST)
            return -1;
        ring->next++;
        if (descriptor >= 0)
            break;
    }
    return descriptor;
}

/* By its number in libpcap, which has one of its own for raw IP (registry: 101). */
static pcap_t *pcap_of(int link_type)
{
    return pcap_open_dead_with_tstamp_precision(link_type == LINK_RAW ? LINK_RAW_DLT : link_type, RING_SNAPLEN,
                                                PCAP_TSTAMP_PRECISION_NANO);
}

/* A file without a frame is as if it had never been made. */
static void take_back(struct ring *ring, unsigned number)
{
    if (remove_number(ring, number) && number + 1 == ring->next)
        ring->next--;
}

/* Joins a descriptor and a buffer; true when libpcap knows the link type's number in files. */
static bool open_stream(struct ring_file *file, int descriptor)
{
    file->stream = fdopen(descriptor, "w");
    if (!file->stream)
        return false;
    setvbuf(file->stream, file->buffer, _IOFBF, sizeof file->buffer);
    file->dumper = pcap_dump_fopen(file->pcap, file->stream);
    if (!file->dumper)
        errno = EINVAL;
    return file->dumper != NULL;
}

/* Makes a file, whose head goes out with its first frame. */
static bool open_file(struct ring *ring, struct ring_file *file)
{
    file->stream = NULL;
    file->length = 0;
    file->pcap = pcap_of(file->link_type);
    int descriptor = file->pcap ? next_descriptor(ring) : -1;
    if (descriptor >= 0 && open_stream(file, descriptor)) {
        file->number = ring->next - 1;
        ring->counters.files++;
        return true;
    }
    int why = errno;
    if (file->stream)
        fclose(file->stream);
    else if (descriptor >= 0)
        close(descriptor);
    if (descriptor >= 0)
        take_back(ring, ring->next - 1);
    if (file->pcap)
        pcap_close(file->pcap);
    errno = why;
    return false;
}

static uint32_t bytes_written(const struct frame *frame)
{
    return frame->captured < RING_SNAPLEN ? frame->captured : RING_SNAPLEN;
}

/* Cuts the file back to its whole frames and closes it; one that cannot be cut will be, at the next start. */
static void abandon(struct ring *ring, struct ring_file *file)
{
    int why = errno;
    unsigned number = file->number;
    bool cut = ftruncate(fileno(file->stream), (off_t)file->length) == 0;
    close_file(file);
    ring->counters.torn += !cut;
    if (file->length == 0) {
        ring->counters.files--;
        take_back(ring, number);
    }
    errno = why;
}

static bool put(struct ring *ring, struct ring_file *file, const struct frame *frame)
{
    static const uint8_t nothing[1];
    struct pcap_pkthdr head = pcap_frame_head(frame, bytes_written(frame));
    pcap_dump((u_char *)file->dumper, &head, frame->data ? frame->data : nothing);
    if (fflush(file->stream) != 0 || ferror(file->stream)) {
        abandon(ring, file);
        return false;
    }
    file->length += (file->length == 0 ? FILE_HEAD : 0u) + FRAME_HEAD + head.caplen;
    file->used = ++ring->uses;
    return true;
}

/* The place for a link type's file: its own, a free one, or that of the one used least lately. */
static struct ring_file *place_for(struct ring *ring, int link_type)
{
    struct ring_file *found = &ring->files[0];
    for (int i = 0; i < RING_LINKS; i++) {
        struct ring_file *file = &ring->files[i];
        if (file->number != 0 && file->link_type == link_type)
            return file;
        if (found->number != 0 && (file->number == 0 || file->used < found->used))
            found = file;
    }
    close_file(found);
    found->link_type = link_type;
    return found;
}

static bool write_to(struct ring *ring, struct ring_file *file, const struct frame *frame)
{
    if (file->number != 0 && file->length + FRAME_HEAD + bytes_written(frame) > ring->options.bytes)
        close_file(file);
    return (file->number != 0 || open_file(ring, file)) && put(ring, file, frame);
}

/* Removes the oldest file that is there and not the latest; false when there is none. */
static bool make_room(struct ring *ring)
{
    bool removed = false;
    while (!removed && ring->counters.oldest + 1 < ring->next)
        if (!remove_oldest(ring, &removed))
            return false;
    return removed;
}

/*
 * What could not be written goes to a new file. When the disk is full, the oldest file makes room for it: once until
 * something has been written, since another process may fill what is freed.
 */
static bool write_somehow(struct ring *ring, const struct frame *frame)
{
    struct ring_file *file = place_for(ring, frame->link_type);
    bool opened = file->number != 0;
    if (write_to(ring, file, frame))
        return true;
    int why = errno;
    bool full = why == ENOSPC || why == EDQUOT;
    bool again = full ? !ring->room_made && make_room(ring) : opened;
    ring->room_made |= full;
    if (again && write_to(ring, file, frame))
        return true;
    errno = again ? errno : why;
    return false;
}

unsigned ring_write(struct ring *ring, const struct frame *frame)
{
    if (ring->refused && llabs(frame->time_ns - ring->refused_ns) < RING_RETRY_NS) {
        ring->counters.lost++;
        errno = EAGAIN;
        return 0;
    }
    ring->refused = !write_somehow(ring, frame);
    if (ring->refused) {
        ring->refused_ns = frame->time_ns;
        ring->counters.lost++;
        return 0;
    }
    ring->room_made = false;
    ring->counters.written++;
    return place_for(ring, frame->link_type)->number;
}

struct ring_counters ring_counters(const struct ring *ring)
{
    return ring->counters;
}
