/* Apple's packet tap: a header before each frame that names its link type, its direction and the process. */
#ifndef TCP53_CAPTURE_PKTAP_H
#define TCP53_CAPTURE_PKTAP_H

#include "capture/notes.h"
#include "dissect/frame.h"

enum {
    LINK_PKTAP = 258,
    LINK_PKTAP_DLT = 149, /* DLT_USER2, by which macOS wrote it before it had a number */
};

/* Turns a frame of such a link type into the frame within; leaves others, and damaged ones, as they are. */
void pktap_unwrap(struct frame *frame, struct notes *notes);

#endif
