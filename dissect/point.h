/*
 * The host that a capture was taken at, if it was one that asked: its packets have passed no router. Captures of several
 * hosts that are read together have several, and a server is not equally far from all of them.
 */
#ifndef TCP53_DISSECT_POINT_H
#define TCP53_DISSECT_POINT_H

#include "dissect/addr.h"
#include "dissect/frame.h"

#include <stdbool.h>

struct point {
    struct addr client; /* the first one that asked there */
    uint16_t input;     /* of its frame */
    bool known, several;
};

/* True of the TTLs that packets begin with, but for a few old systems'. */
bool point_is_initial_ttl(uint8_t ttl);
/* Notes a client's packet; one that came through routers shows nothing. */
void point_note(struct point *point, struct addr client, uint8_t ttl, struct frame_ref ref);
/* True unless packets of `a` were captured at another host than those of `b`. */
bool point_is_same(const struct point *a, const struct point *b);

#endif
