/* One interface of a live capture. */
#ifndef TCP53_CAPTURE_TAP_H
#define TCP53_CAPTURE_TAP_H

#include "capture/live.h"

#include <net/if.h>
#include <pcap/pcap.h>

enum tap_state {
    TAP_HERE,
    TAP_GONE,  /* the interface was deleted, or cannot be read */
    TAP_BOUND, /* one of its name was found again; the next reading tells */
};

struct tap {
    char name[IFNAMSIZ];
    pcap_t *pcap;
    int descriptor; /* pcap's */
    int link_type;
    unsigned short hardware; /* ARPHRD_... of if_arp.h */
    bool promiscuous;
    bool changed; /* what has its name now is another kind of device, and that was said */
    enum tap_state state;
    struct input input;
};

/* A socket for the questions of the other calls; -1 and a sentence when there is none to be had. */
int tap_socket(struct failure *failure);
/* Opens the interface; all zero but for its name. False and a sentence with the remedy when that cannot be done. */
bool tap_open(struct tap *tap, const struct live_options *options, int socket, struct failure *failure);
void tap_close(struct tap *tap);

/* What a call came upon that the user may want to know; an empty text is none. */
struct tap_news {
    char text[LIVE_NEWS];
};

/* The next frame of the kernel's ring; its bytes stay valid until the next call. False: none now. */
bool tap_next(struct tap *tap, struct frame *frame, struct tap_news *news);
/* Finds out whether the interface is gone although no reading failed; for when the ring is empty. */
void tap_check(struct tap *tap, struct tap_news *news);
/* Looks for an interface that is gone; true when it may be read again. */
bool tap_retry(struct tap *tap, int socket, struct tap_news *news);
/* Adds what the kernel dropped since the last call. */
void tap_count_drops(struct tap *tap);

#endif
