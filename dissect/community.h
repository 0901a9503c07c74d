/* Community ID v1: the name of a flow that Zeek, Suricata, Arkime and Wireshark compute alike. */
#ifndef TCP53_DISSECT_COMMUNITY_H
#define TCP53_DISSECT_COMMUNITY_H

#include "dissect/addr.h"

enum { COMMUNITY_TEXT = 32 }; /* "1:", 28 characters of base64, NUL */

struct community_end {
    struct addr address;
    uint16_t port;
};

/* The ID of a TCP flow (seed 0) into `text` of COMMUNITY_TEXT bytes; the order of its ends is free. Returns `text`. */
const char *community_id(struct community_end one, struct community_end other, char *text);

#endif
