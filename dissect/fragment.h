/* IP fragments put together (RFC 791, RFC 8200), bounded in memory and time; pieces that overlap are refused. */
#ifndef TCP53_DISSECT_FRAGMENT_H
#define TCP53_DISSECT_FRAGMENT_H

#include "dissect/packet.h"

enum {
    FRAGMENT_DATAGRAMS = 64,  /* under way at a time */
    FRAGMENT_BYTES = 1 << 16, /* of each: as large as IP packets get */
    FRAGMENT_PIECES = 128,    /* of each: what a path of 576 bytes (RFC 791) makes of the largest is 119 */
    FRAGMENT_NESTED = 4,      /* packets in pieces within packets in pieces (tunnels) that are followed */
    /* A first piece of UDP or ICMP this long is read at once: header (8), DNS header (12), the longest question (259). */
    FRAGMENT_ENOUGH = 280,
};

/* Linux waits so long for the rest (ipfrag_time); RFC 791 suggests 15 s, RFC 8200 60 s. */
#define FRAGMENT_TIMEOUT_NS INT64_C(30000000000)

/* Packets in pieces, each under one of the first three once its time is over. */
struct fragment_counters {
    uint64_t reassembled; /* whole */
    uint64_t overlapping; /* refused: pieces overlap, or disagree about where the end is */
    uint64_t incomplete;  /* never whole */
    uint64_t evicted;     /* those of the incomplete that were given up early, for lack of room */
};

struct fragments;

/* True of packets of UDP and ICMP of which the head is read and nothing else. */
typedef bool fragment_head_only(const void *context, const struct packet *packet);

/* `head_only` may be NULL: all are. NULL when there is no memory. */
struct fragments *fragments_new(fragment_head_only *head_only, const void *context);
void fragments_free(struct fragments *fragments);
/*
 * Takes a packet that is PACKET_FRAGMENT. PACKET_OK: `packet` is now one to go on with, namely
 *  - what the pieces make up, with the first piece's IP header and the time and frame of the one that came last, its
 *    payload as far as the pieces were captured without a gap; or
 *  - a first piece that holds all that is read of such a packet (head_only, FRAGMENT_ENOUGH): most captures hold no
 *    more of it, since a filter by port finds none in the others. The rest of it is only counted.
 * PACKET_FRAGMENT: there is nothing to read yet, or any more. Another status: the pieces make up something that cannot
 * be read. The bytes of the packet last until the next call. fragments_overdue() has to have made room before.
 */
enum packet_status fragments_take(struct fragments *fragments, struct packet *packet);
/*
 * Gives up what is not waited for any longer. True: `alone` is a first piece whose rest did not come, to be read as far
 * as it goes (its time and frame are the past's), and there may be more to give up. What is waited for no longer:
 *  - packets begun more than FRAGMENT_TIMEOUT_NS before `now_ns`, the capture's clock (INT64_MAX: all of them), or so
 *    far after it that their clock was not the capture's;
 *  - the oldest, when there is no room for another one;
 *  - TCP segments of the connection that `later`, unless it is NULL, belongs to: it has gone on.
 */
bool fragments_overdue(struct fragments *fragments, int64_t now_ns, const struct packet *later, struct packet *alone);
/* The clock was set: moves all times. */
void fragments_shift(struct fragments *fragments, int64_t step_ns);
/* How many first pieces of TCP wait for their rest and could be read without it: those that a `later` may free. */
unsigned fragments_held(const struct fragments *fragments);
struct fragment_counters fragments_counters(const struct fragments *fragments);

#endif
