/* The inside of a pair, for the files that make it and ask it. */
#ifndef TCP53_DISSECT_PAIR_MATCH_H
#define TCP53_DISSECT_PAIR_MATCH_H

#include "dissect/pair.h"

enum { PAIR_INDEX = 1 << 16 }; /* chains by DNS ID and question, or by initial sequence number */

struct pair {
    struct trail *trails[PAIR_SIDES];
    struct pair_summary summary;
    struct pair_server *servers; /* by their number in the client side's trail */
    uint32_t server_count;
    uint32_t *isn_next; /* of the server side's tracks: the next in its chain */
    uint32_t index[PAIR_SIDES][PAIR_INDEX];
};

/* Finds the twins of flows and packets, and how the clocks stand. */
void pair_match(struct pair *pair);
/* How long a packet was on its way, by what is known of the clocks. */
int64_t pair_lag(const struct pair *pair, const struct step *sent, const struct step *received);
/* True when the one may be the other, seen at the other place. Both tracks are of the same flow. */
bool pair_same_packet(const struct track *sent_track, const struct step *sent, const struct track *received_track,
                      const struct step *received);

#endif
