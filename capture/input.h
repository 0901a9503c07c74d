/* What is known of one saved capture. */
#ifndef TCP53_CAPTURE_INPUT_H
#define TCP53_CAPTURE_INPUT_H

#include "capture/failure.h"

#include <stdbool.h>
#include <stdint.h>

enum { INPUT_LINK_TYPES = 8, INPUT_LINK_NAME = 40 };

/* Strings belong to the source. */
struct input {
    unsigned operand;   /* which of the paths it comes from, from 0 */
    const char *path;   /* as given, or found in a directory; "-" is standard input */
    const char *format; /* Wireshark's short name ("pcap", "pcapng", "netmon2"), "unknown" when it could not be read */
    const char *compression; /* "gzip", "zstd", "lz4"; NULL: none */
    int link_types[INPUT_LINK_TYPES];
    unsigned link_type_count;
    uint64_t records;       /* frames and what else has a number in the file, as in Wireshark */
    uint64_t frames, bytes; /* bytes: captured bytes of frames */
    uint64_t skipped;       /* records that are no frames, or of an unknown kind */
    uint64_t selected;      /* frames that were handed on */
    uint64_t cut;           /* frames of which the capture holds less than the wire carried */
    uint64_t backward;      /* frames with an earlier time than the one before them */
    int64_t kernel_dropped; /* by what captured it, as the file tells; -1: it does not */
    bool local_times;       /* its times are those of a clock on a wall, the zone is not in the file */
    int64_t first_ns, last_ns;
    uint32_t snaplen;
    bool truncated;         /* it ends in the middle of a frame, or becomes unreadable there */
    struct failure trouble; /* empty text: none */
};

struct frame;

/* Counts a frame of an input, and how far its times reach; not which of its records it is. */
void input_count(struct input *input, const struct frame *frame);
/* The registry's name of a link type ("EN10MB"), and a number for one without. */
const char *input_link_name(int link_type, char name[INPUT_LINK_NAME]);

#endif
