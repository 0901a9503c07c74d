/* The pcap files of a ring: NAME-0001.pcap and so on, so many at most, none larger than so much, whole at any time. */
#ifndef TCP53_CAPTURE_RING_H
#define TCP53_CAPTURE_RING_H

#include "dissect/frame.h"

#include <stdbool.h>

enum {
    RING_BYTES = 10 * 1000 * 1000, /* of a file */
    RING_FILES = 10,
    RING_FILES_MOST = 10000,
    RING_LINKS = 4,       /* link types, each in a file of its own, that are written side by side */
    RING_SNAPLEN = 65536, /* bytes written of a frame */
    RING_NAME = 64,       /* bytes of a file's name, with its NUL */
    RING_NAME_MOST = 40,  /* letters of NAME */
};

#define RING_RETRY_NS INT64_C(1000000000) /* frame time after which a file that could not be made is tried again */

struct ring_options {
    const char *name; /* files are NAME-0001.pcap */
    uint64_t bytes;   /* of a file, at most, but for one that holds a single frame; 0: RING_BYTES */
    unsigned files;   /* at most; 0: RING_FILES */
    unsigned first;   /* number of the next file (ring_next_number()); 0: 1 */
    /* Makes a new file, which must not be there, for writing: a descriptor, or -1 and errno. */
    int (*create)(void *context, const char *name);
    bool (*remove)(void *context, const char *name); /* false and errno: ENOENT when it is not there */
    void *context;
};

struct ring;

/* NULL without memory. No file is made yet. */
struct ring *ring_new(const struct ring_options *options);
void ring_free(struct ring *ring);
/*
 * Writes a frame, and when this returns the file has it. Returns the number of the file, or 0 and errno when that could
 * not be: then the file was cut back to its last whole frame and is closed, and the next frame goes to a new one.
 */
unsigned ring_write(struct ring *ring, const struct frame *frame);
/* Goes on in new files. */
void ring_reopen(struct ring *ring);

struct ring_counters {
    uint64_t written, lost; /* frames */
    uint64_t files;         /* made */
    uint64_t torn;          /* files that end in a part of a frame which could not be cut off */
    unsigned oldest;        /* files with smaller numbers are gone */
};
struct ring_counters ring_counters(const struct ring *ring);

/*
 * At the start, by the user who owns the files: the number that follows those of the files in an open directory, 1 when there
 * are none. Removes those that are too old for a ring of so many `files` (0: RING_FILES), and cuts the latest ones back
 * to their last whole frame. 0 and errno when the directory cannot be read.
 */
unsigned ring_next_number(int directory, const char *name, unsigned files);
/* Cuts a pcap file that is open for reading and writing back to its last whole frame; false and errno. */
bool ring_mend(int descriptor);
/* The name of a file of the ring; returns `text` of RING_NAME bytes. */
const char *ring_file_name(char *text, const char *name, unsigned number);

#endif
