/* Where frames come from: saved captures, one after the other. */
#ifndef TCP53_CAPTURE_SOURCE_H
#define TCP53_CAPTURE_SOURCE_H

#include "capture/failure.h"
#include "dissect/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SOURCE_LINK_TYPES = 4 };

/* What is known of one input. Strings belong to the source. */
struct source_input {
    unsigned operand;   /* which of the paths it comes from, from 0 */
    const char *path;   /* as given, or found in a directory; "-" is standard input */
    const char *format; /* "pcap", "pcapng", or "unknown" when it could not be read */
    int link_types[SOURCE_LINK_TYPES];
    unsigned link_type_count;
    uint64_t frames, bytes; /* bytes: captured bytes of frames */
    int64_t first_ns, last_ns;
    uint32_t snaplen;
    bool truncated;         /* it ends in the middle of a frame, or becomes unreadable there */
    struct failure trouble; /* empty text: none */
};

struct source;

/*
 * Prepares to read the files in this order. A directory stands for the captures directly in it, in order of their
 * names, numbers in them by value (tcpdump -C counts so). Returns NULL and a sentence for a directory without captures,
 * and without memory; a file that cannot be opened is noted in its `trouble` when its turn comes, so that the others
 * are read.
 */
struct source *source_open(const char *const *paths, size_t count, struct failure *failure);
void source_close(struct source *source);

/*
 * The next frame: true, or false when all inputs are at their end. An input that cannot be opened or breaks off is
 * noted in its `trouble` and the next one is read. The frame's bytes stay valid until the next call.
 */
bool source_next(struct source *source, struct frame *frame);

/* All inputs, in reading order; to be read when source_next() has given false. */
const struct source_input *source_inputs(const struct source *source, size_t *count);
/* The registry's name of a link type ("EN10MB"), and a number for one without. */
const char *source_link_name(int link_type);
/* libpcap's version. */
const char *source_library_version(void);

#endif
