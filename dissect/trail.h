/* What passed a capture point, packet by packet, kept so that two captures of the same traffic can be compared. */
#ifndef TCP53_DISSECT_TRAIL_H
#define TCP53_DISSECT_TRAIL_H

#include "dissect/flow.h"

enum {
    TRAIL_STEPS = 1 << 20,  /* packets kept; memory is taken as they come */
    TRAIL_TRACKS = 1 << 17, /* TCP flows */
    TRAIL_SERVERS = 4096,   /* addresses and ports of servers */
};

#define TRAIL_NONE UINT32_MAX /* no index */

enum trail_kind { TRAIL_TCP, TRAIL_ICMP, TRAIL_UDP };

/* What a capture that cuts packets has left of a datagram. */
enum trail_known { TRAIL_KNOWS_ID = 1, TRAIL_KNOWS_QUESTION = 2 };

/* One packet of the DNS port, or an ICMP error about one. */
struct step {
    int64_t time_ns;
    struct frame_ref ref;
    uint32_t seq;    /* TCP; of what an ICMP error quotes; UDP: the question's hash */
    uint32_t ack;    /* TCP; UDP: the DNS ID; ICMP: type and code */
    uint32_t length; /* bytes of payload its sender declared */
    uint32_t track;  /* UDP: the hash of its two ends */
    uint32_t next;   /* the track's next step */
    uint32_t twin;   /* the same packet in the other trail, TRAIL_NONE when it has none */
    uint16_t server; /* index of its server */
    uint8_t kind;    /* enum trail_kind */
    uint8_t flags;   /* TCP; UDP: enum trail_known */
    uint8_t ttl;
    bool from_server;
};

/* The packets of one TCP flow. */
struct track {
    struct flow_key key;
    uint32_t isn[2]; /* initial sequence numbers: the client's, the server's */
    bool has_isn[2];
    uint32_t question;    /* hash of the first query's, 0: none was read */
    uint32_t first, last; /* its steps */
    uint32_t latest[2];   /* the latest step of each side */
    uint32_t chain;       /* the next track of the same hash, an older one */
    uint32_t twin;        /* the same flow in the other trail */
    uint16_t server;
};

struct trail;

/* NULL without memory. */
struct trail *trail_new(void);
void trail_free(struct trail *trail);

/* Every frame of the capture, whatever it holds: how far the capture reaches. */
void trail_frame(struct trail *trail, int64_t time_ns);
/* A frame that was cut before its ports and sequence numbers: nobody knows what it was. */
void trail_unread(struct trail *trail);
/* A packet of the DNS port; a capture's second copy is left out. */
void trail_packet(struct trail *trail, const struct flow_key *key, const struct packet *packet, bool from_server);
/* Any packet of ICMP: the capture takes them. */
void trail_icmp_seen(struct trail *trail);
/* An ICMP error about a TCP packet toward the DNS port. */
void trail_icmp(struct trail *trail, const struct flow_key *key, const struct packet *packet);

uint32_t trail_step_count(const struct trail *trail);
uint32_t trail_track_count(const struct trail *trail);
struct step *trail_step(struct trail *trail, uint32_t index);
struct track *trail_track(struct trail *trail, uint32_t index);
/* How many servers there are, numbered from 0, and one's address. */
uint32_t trail_server_count(const struct trail *trail);
struct addr trail_server(const struct trail *trail, uint32_t index);
/* True when the capture holds TCP packets that this server sent: its UDP may come by where its TCP does not. */
bool trail_speaks_tcp(const struct trail *trail, uint32_t server);
/* The newest track between these ends (older ones follow by `chain`, and with them those of other ends); or none. */
uint32_t trail_find(const struct trail *trail, const struct flow_key *key);
/* The capture is over: from now on steps can be found by their frames. */
void trail_finish(struct trail *trail);
/* The step of a frame; TRAIL_NONE when it was left out. */
uint32_t trail_step_of(const struct trail *trail, struct frame_ref ref);

struct trail_extent {
    int64_t first_ns, last_ns;           /* of all frames; 0: there was none */
    uint64_t frames, datagrams, packets; /* packets: of the DNS port, or ICMP errors about them */
    uint64_t icmp;                       /* packets of ICMP, whatever they say */
    uint64_t left_out;                   /* packets beyond what is kept, or cut too short to be told */
};
struct trail_extent trail_extent(const struct trail *trail);

#endif
