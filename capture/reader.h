/* One way of reading a saved capture; libpcap and libwiretap are two. */
#ifndef TCP53_CAPTURE_READER_H
#define TCP53_CAPTURE_READER_H

#include "capture/notes.h"
#include "capture/input.h"
#include "dissect/frame.h"

#include <stdio.h>

enum reader_result { READER_FRAME, READER_SKIPPED, READER_END };

struct reader {
    /*
     * The next record of the file: a frame (its ref is the caller's), or one that is none, which has its number all the
     * same, as in Wireshark. At the end, and at what cannot be read further, notes trouble in `input`.
     */
    enum reader_result (*next)(struct reader *reader, struct input *input, struct frame *frame);
    /* Bytes of the file read so far. */
    uint64_t (*position)(const struct reader *reader);
    void (*close)(struct reader *reader);
};

/* Each fills in what it knows of the input; NULL and `input->trouble` when it cannot read it. */

/* Takes over `stream`, which stands at its beginning, and closes it in any case. */
struct reader *libpcap_open(FILE *stream, struct input *input);
/*
 * Comments and names of processes go to `notes`. `path` is where to find the file, "-" for standard input; its
 * compression is known by then.
 */
struct reader *wiretap_open(const char *path, struct input *input, struct notes *notes);
/* True when libwiretap reads that file and finds frames of a network in it. */
bool wiretap_knows(const char *path);
/* True when it reads several frames of it without a fault. */
bool wiretap_reads(const char *path);
/* Its name of a kind of frame that has no number in the registry of link types. */
const char *wiretap_link_name(int link_type);

/* The versions of the libraries; NULL for libwiretap when the program was built without it. */
const char *libpcap_version(void);
const char *wiretap_version(void);

#endif
