/* Two captures of the same traffic, packet matched to packet: what reached the other side, and what did not. */
#ifndef TCP53_DISSECT_PAIR_H
#define TCP53_DISSECT_PAIR_H

#include "dissect/trail.h"

enum pair_side { PAIR_CLIENT, PAIR_SERVER, PAIR_SIDES };

enum { PAIR_HOPS_UNKNOWN = INT8_MIN };

/* The two captures' clocks, by the packets that both have. */
struct pair_clock {
    bool known;
    bool steady;       /* both directions agree on it: `error_ns` is half the least round trip between the captures */
    int64_t offset_ns; /* the server side's clock less the client side's */
    int64_t error_ns;  /* it may be off by so much: half the round trip between the captures, or the drift */
};

/* What the captures have in common of one server, numbered as in the client side's trail. */
struct pair_server {
    struct addr address;
    uint32_t matched[2];        /* packets that both captures have: from clients, from the server */
    uint32_t alone[2];          /* those of the sending side's that the other lacks though it was running */
    uint32_t answers;           /* datagrams of the server's at the client's side */
    uint32_t flows, flows_lost; /* TCP flows that reached the server's side; that did not */
    int hops[2];                /* routers between the captures: of clients' packets, of the server's */
};

struct pair_summary {
    struct pair_clock clock;
    uint32_t flows, datagrams, packets; /* that both captures have; packets are those of the flows */
    bool translated;                    /* addresses or ports differ between the captures: NAT */
    bool rewritten;                     /* TCP sequence numbers differ: a firewall that randomises them, or a proxy */
    bool swapped;                       /* TTLs say that the captures were named in the other order */
    bool lossy;                         /* the client side lacks packets of the client's that reached the server's */
    bool holds_tcp[PAIR_SIDES];         /* the capture has more than DNS over UDP, so its filter may have let TCP in */
    bool filtered[PAIR_SIDES];          /* the capture has nothing but DNS */
    uint64_t left_out;
};

/* What the other capture says of a flow of the client's side. */
enum crossing {
    CROSSING_COVERED = 1u << 0,       /* the server side's capture was running and sees this server's packets */
    CROSSING_ARRIVED = 1u << 1,       /* the flow reached the server's side */
    CROSSING_LOST = 1u << 2,          /* no packet of it did */
    CROSSING_QUERY_ARRIVED = 1u << 3, /* the query did */
    CROSSING_QUERY_LOST = 1u << 4,    /* it did not, though the handshake had */
    CROSSING_END_PASSED = 1u << 5,    /* what ended the flow had left the server's side */
    CROSSING_END_MADE = 1u << 6,      /* it had not */
    CROSSING_SYNACK_MADE = 1u << 7,   /* the SYN-ACK had not */
    CROSSING_REPLY_LOST = 1u << 8,    /* something that the server sent never reached the client's side */
    CROSSING_SILENT = 1u << 9,        /* what the client sent last reached the server's side and nothing came of it */
    CROSSING_CLIENT_MADE = 1u << 10,  /* a RST or FIN of the client at the server's side that the client never sent */
    CROSSING_RELAYED = 1u << 11,      /* somebody else asked the server the same at that time */
    CROSSING_RELAY_FAILED = 1u << 12, /* and the server turned that down */
};

struct pair;

/* Matches two trails, which must outlive the pair; NULL without memory. */
struct pair *pair_new(struct trail *client_side, struct trail *server_side);
void pair_free(struct pair *pair);

struct pair_summary pair_summary(const struct pair *pair);
/* NULL for a server that the client's side never saw. */
const struct pair_server *pair_server(const struct pair *pair, struct addr address);
/*
 * True when the captures overlap in time by their own clocks, both have packets of this server, the client's side even
 * answers, and not one of them is in both.
 */
bool pair_is_foreign(const struct pair *pair, struct addr address);
/* True when the other side's capture was running at this time of `side`'s clock. */
bool pair_covers(const struct pair *pair, enum pair_side side, int64_t time_ns);
/* The crossings (enum crossing) of a flow of the client's side; 0 when the pair knows nothing of it. */
uint32_t pair_crossings(const struct pair *pair, const struct flow_record *record, const struct flow_end *end);
/* The same packet at the server's side: NULL when it is not there. */
const struct step *pair_twin(const struct pair *pair, struct frame_ref client_side);

/* The TTL at the server's side of what was forged there in the client's name; 0: nothing was. */
uint8_t pair_forged_ttl(const struct pair *pair, const struct flow_record *record);
/* The flow's ends as the server's side has them, which NAT may change; false when it never came there. */
bool pair_other_ends(const struct pair *pair, const struct flow_record *record, struct flow_key *ends);

/*
 * Frames of the server's side that belong to a flow of the client's: those without a twin first, then the others;
 * returns how many, at most `most`.
 */
unsigned pair_frames(const struct pair *pair, const struct flow_record *record, struct frame_ref *frames,
                     unsigned most);

#endif
