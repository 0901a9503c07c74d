/* Frames of live interfaces, together in order of time. */
#ifndef TCP53_CAPTURE_LIVE_H
#define TCP53_CAPTURE_LIVE_H

#include "capture/input.h"
#include "dissect/frame.h"

#include <poll.h>
#include <stddef.h>

enum {
    LIVE_MOST = 32, /* interfaces */
    LIVE_BUFFER_KIB = 16384,
    LIVE_SNAPLEN = 262144,
    LIVE_NEWS = 160, /* bytes of a sentence */
};

/* All zero: DNS on the interfaces where this host's own is seen (resolvers.h). */
struct live_options {
    const char *const *interfaces; /* "any": all of them, and then no other */
    size_t interface_count;
    const uint16_t *ports; /* of the servers; none: 53 */
    unsigned port_count;
    uint32_t buffer_kib; /* the kernel's ring, for each interface; 0: LIVE_BUFFER_KIB */
    uint32_t snaplen;    /* 0: LIVE_SNAPLEN */
    bool promiscuous;    /* frames to others too, where the interface sees any */
};

struct live;

/*
 * Begins to capture. NULL, and a sentence with the remedy, when an interface cannot be opened or none was found. Needs
 * CAP_NET_RAW; the other calls need no powers and neither open files nor make sockets.
 */
struct live *live_open(const struct live_options *options, struct failure *failure);
void live_close(struct live *live);

/* All its sockets, of which none ever has to send; how many, at most `room`. */
size_t live_sockets(const struct live *live, int *list, size_t room);
/*
 * What to poll for until live_next() is called again: a descriptor for each interface of which no frame is at hand.
 * Another list at each call. How many; at most `room`.
 */
size_t live_descriptors(const struct live *live, struct pollfd *list, size_t room);
/* Milliseconds after which live_next() has something to do although no descriptor is readable; half a second at most. */
int live_timeout(const struct live *live);
/*
 * The next frame at hand; its bytes stay valid until the next call. False: none now, or it is held back since an
 * earlier one may come. Its ref's input is the interface's place in live_inputs(), its number counts from 1 there.
 */
bool live_next(struct live *live, struct frame *frame);

/* What happened to an interface, in a sentence, once: it is gone, it is back. False: nothing more. */
bool live_news(struct live *live, char *text, size_t size);
/* The interfaces, with what was counted up to now; drops by the kernel are those since the beginning. */
const struct input *live_inputs(struct live *live, size_t *count);

#endif
