/* Apple's packet tap: a header before each frame that names its link type, its direction and the process. */
#ifndef TCP53_CAPTURE_PKTAP_H
#define TCP53_CAPTURE_PKTAP_H

#include "capture/notes.h"
#include "dissect/frame.h"

/* Turns a frame of such a link type into the frame within; leaves others, and damaged ones, as they are. */
void pktap_unwrap(struct frame *frame, struct notes *notes);

#endif
