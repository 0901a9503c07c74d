/* TCP flows on the DNS port: what happened in each, in which order, and how it ended. */
#ifndef TCP53_DISSECT_FLOW_H
#define TCP53_DISSECT_FLOW_H

#include "dissect/dns.h"
#include "dissect/flow_end.h"
#include "dissect/packet.h"
#include "dissect/stream.h"

enum {
    FLOW_TABLE = 16384,        /* flows under way at a time */
    FLOW_TIMELINE = 18,        /* sightings that a flow keeps */
    FLOW_QUESTIONS = 8,        /* unanswered queries that a flow keeps */
    FLOW_NAMES = 272,          /* bytes for their names */
    FLOW_QUESTION_UNKNOWN = 0, /* hash of a question that the capture does not hold */
    FLOW_UNSEEN = 0xff,        /* index of a sighting that there is none of */
};

/* Times, in nanoseconds. */
#define FLOW_SECOND_NS INT64_C(1000000000)
#define FLOW_IDLE_NS (120 * FLOW_SECOND_NS)   /* a flow without a packet for so long is over */
#define FLOW_OPENING_NS (35 * FLOW_SECOND_NS) /* RFC 6298: SYNs come again after 1, 2, 4, 8, 16, 32 s */
#define FLOW_LINGER_NS (3 * FLOW_SECOND_NS)   /* a closed flow waits so long for packets that contradict its end */
#define FLOW_SETTLE_NS                                                                                                 \
    (2 * FLOW_SECOND_NS / 5) /* live, a failure counts when nothing contradicts it within a round trip */
#define FLOW_PATIENCE_NS (9 * FLOW_SECOND_NS / 10) /* a client that waited so long did not leave of its own accord */
#define FLOW_AGAIN_NS (FLOW_SECOND_NS / 2)         /* two retransmissions take 0.2 s and 0.4 s at the least */
#define FLOW_SILENCE_NS (5 * FLOW_SECOND_NS)       /* silence counts from here when nothing was sent again */
#define FLOW_IDLE_CLOSE_NS                                                                                             \
    (10 * FLOW_SECOND_NS) /* RFC 9210, 4.3: a recommended idle timeout; a close after it rejects nothing */
#define FLOW_EARLY_NS (FLOW_SECOND_NS / 10) /* an answer that stands so long before its SYN is put down to clocks */
#define FLOW_DUPLICATE_NS (2 * FLOW_SECOND_NS / 1000) /* the same packet within this is a capture's second copy */

/* What can happen in a flow, seen from the capture. */
enum flow_event {
    FLOW_SYN,
    FLOW_SYN_AGAIN,
    FLOW_SYNACK,
    FLOW_SYNACK_AGAIN,
    FLOW_ACK,         /* the client's ACK of the SYN-ACK */
    FLOW_QUERY,       /* the client's first data */
    FLOW_QUERY_AGAIN, /* data that the client sent before */
    FLOW_QUERY_ACKED,
    FLOW_ANSWER_PART, /* data of the server that completes no message */
    FLOW_ANSWER,      /* data of the server that completes an answer */
    FLOW_SERVER_FIN,
    FLOW_SERVER_RST,
    FLOW_SERVER_RST_AGAIN,
    FLOW_SERVER_AFTER_RST, /* SYN-ACK, new data or a new ACK of the server after "its" RST */
    FLOW_CLIENT_FIN,
    FLOW_CLIENT_RST,
    FLOW_CLIENT_AFTER_RST, /* the client goes on after "its" RST or after the server's */
    FLOW_ICMP,
    FLOW_SERVER_LATER, /* the server's first packet after the client's FIN, which shows how much it had sent */
    FLOW_EVENTS
};

/* One packet of a flow, as much of it as tells its sender. */
struct sighting {
    int64_t time_ns;
    struct frame_ref ref;
    uint64_t mac : 48;
    uint64_t from_server : 1;
    uint64_t dont_fragment : 1;
    uint64_t has_timestamps : 1;
    uint64_t loopback : 1;
    uint64_t direction : 2; /* enum link_direction */
    uint64_t event : 8;     /* enum flow_event */
    uint32_t seq, ack, tsval, tsecr;
    uint32_t flow_label;
    uint32_t length; /* bytes of payload its sender declared */
    uint16_t window, ip_id;
    uint8_t ttl, tos, flags;
    uint8_t note; /* the frame's */
};

/* What is kept of a flow when it is over. */
struct flow_record {
    struct addr client, server;
    uint16_t client_port, server_port;
    struct addr icmp_source;
    uint8_t icmp_type, icmp_code, icmp_family;
    uint8_t timeline_count;
    uint8_t decisive;           /* index into the timeline, or FLOW_UNSEEN */
    uint8_t at[FLOW_EVENTS];    /* index of the first sighting of each event, or FLOW_UNSEEN */
    uint8_t count[FLOW_EVENTS]; /* how often it happened, at most 255 */
    struct sighting timeline[FLOW_TIMELINE];
};

/* What was last seen of one end of a flow. */
struct flow_side {
    uint32_t isn;
    uint32_t next;  /* one past the highest sequence number it sent */
    uint32_t acked; /* highest ACK number it sent */
    uint32_t tsval;
    int64_t time_ns;
    uint16_t ip_id, window;
    uint32_t last_seq, last_ack, last_length; /* of its latest packet, which a second copy repeats */
    uint8_t ttl, tos, last_flags;
    uint8_t copy_ttl; /* of its latest copy, each a router later */
    bool has_isn, has_next, has_acked, has_timestamps, has_packet;
};

struct flow {
    struct flow_record record;
    uint32_t server; /* facts_server() index */
    uint32_t signs;  /* enum flow_sign */
    int64_t first_ns, last_ns, query_ns;
    struct flow_side client_side, server_side;
    struct stream queries, answers;
    uint32_t query_seq;        /* of the client's first data */
    uint16_t client_since_rst; /* packets of the client since the server's latest RST */
    uint16_t copies;           /* second copies of packets that were not RSTs */
    uint16_t reset_copies;     /* second copies of RSTs */
    uint16_t icmp_id;          /* of the latest ICMP error about it, as are the next two */
    uint8_t icmp_ttl;
    int64_t icmp_ns;
    bool syn_since_rst;
    uint16_t whole_queries, whole_answers, refused_answers;
    uint8_t rcode;
    uint8_t counted; /* enum mechanism that it was counted with in a window that is over */
    bool not_dns;
    bool gap;             /* one side acknowledges data of the other that was not captured */
    bool expected;        /* its questions are those that UDP answered with TC=1 */
    bool after_truncated; /* it followed such an answer */
    bool replaced;        /* its client began another connection from the same port */
    uint8_t question_count;
    uint16_t names_used;
    struct flow_question {
        uint32_t hash;
        uint16_t id, qtype, name_at;
        uint8_t name_length;
        bool done;
    } questions[FLOW_QUESTIONS];
    uint8_t names[FLOW_NAMES];
};

struct facts;
struct analysis_observer;
struct exchanges;
struct flows;
struct pair;

/* Stable words: "SYN-ACK", "query". A table tied to the enum. */
const char *flow_event_name(enum flow_event event);

/* The sighting of an event's first time, NULL when it did not happen. */
static inline const struct sighting *flow_saw(const struct flow_record *record, enum flow_event event)
{
    return record->at[event] == FLOW_UNSEEN ? NULL : &record->timeline[record->at[event]];
}

/* Takes one TCP segment of a flow: events, signs, DNS messages. */
void flow_segment(struct flow *flow, const struct packet *packet, bool from_server, struct stream_pool *pool,
                  struct facts *facts);
/* Reads the signs of a RST in the server's name; the flow has not noted it yet. */
void flow_reset_signs(struct flow *flow, const struct packet *packet, const struct tcp_options *options);
/* Adds a sighting to the timeline, up to a few of each event. */
void flow_note(struct flow *flow, enum flow_event event, const struct packet *packet, bool from_server,
               const struct tcp_options *options);
/* Adds a question that the flow waits for; `name` may be NULL. */
void flow_expect(struct flow *flow, uint16_t id, const struct dns_question *question);

/* Judges how a flow ended, from its events alone. `now_ns` is how far the capture reaches; sets record.decisive. */
struct flow_end flow_end_of(struct flow *flow, int64_t now_ns);

/* The two ends of a flow, and their hash. */
struct flow_key {
    struct addr client, server;
    uint16_t client_port, server_port;
    uint32_t hash;
};

struct flow_key flow_key_of(const struct packet *packet, bool from_server);
/* Of the packet that an ICMP error quotes, one of the client's. */
struct flow_key flow_key_quoted(const struct packet *packet);
struct flow_key flow_key_recorded(const struct flow_record *record);
bool flow_key_same(const struct flow_key *a, const struct flow_key *b);

/*
 * The flow table. Flows that end are folded into `facts`; TC=1 answers are looked up in `exchanges`, and what a second
 * capture says in `pair`; that and the observer may be NULL.
 */
struct flows *flows_new(struct facts *facts, struct exchanges *exchanges, const struct pair *pair,
                        const struct analysis_observer *observer);
void flows_free(struct flows *flows);
/* Takes a TCP packet of the DNS port; `from_server` says which end sent it. */
void flows_packet(struct flows *flows, const struct flow_key *key, const struct packet *packet, bool from_server);
/* Ask for the memory of a flow that will be needed soon: first for its place in the table, later for the flow itself. */
void flows_prefetch_place(const struct flows *flows, const struct flow_key *key);
void flows_prefetch(const struct flows *flows, const struct flow_key *key);
/* Takes an ICMP error whose quote is a TCP packet toward the DNS port. */
void flows_icmp(struct flows *flows, const struct packet *packet);
/* Folds flows that have been idle too long; called once a packet with its time, does a constant amount of work. */
void flows_age(struct flows *flows, int64_t now_ns);
/* Folds all flows: the capture ended at `now_ns`. */
void flows_finish(struct flows *flows, int64_t now_ns);
/* Folds all that have been idle too long: time passed without packets. */
void flows_sweep(struct flows *flows, int64_t now_ns);
/*
 * Folds what is under way into `facts` as if the capture ended at `now_ns`, and goes on with it; not what is incomplete,
 * nor a failure that may be contradicted yet.
 */
void flows_so_far(struct flows *flows, struct facts *facts, int64_t now_ns);
/*
 * A window ends: flows that are closed, and were counted by flows_so_far(), belong to it, the others to the next one. One
 * that is under way and was counted, for an ICMP error or silence, is counted again only if it ends otherwise.
 */
void flows_renew(struct flows *flows, int64_t now_ns);
/* The clock was set: moves all times. */
void flows_shift(struct flows *flows, int64_t step_ns);
/* True when there is such a flow: for packets with the DNS port on both sides. */
bool flows_has(const struct flows *flows, const struct flow_key *key);

struct flow_counters {
    uint64_t flows, evicted, copies, strays, icmp_unmatched, streams_lost;
    uint64_t gaps; /* flows that acknowledge data which was not captured */
};
struct flow_counters flows_counters(const struct flows *flows);

#endif
