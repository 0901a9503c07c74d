/* What the packets say of each server: counts and bounded samples, from which a report is made. */
#ifndef TCP53_DISSECT_FACTS_H
#define TCP53_DISSECT_FACTS_H

#include "dissect/dns.h"
#include "dissect/endings.h"
#include "dissect/flow_end.h"
#include "dissect/measure.h"
#include "dissect/point.h"

enum {
    FACTS_SERVERS = 16384, /* address and port pairs remembered, most of them for their UDP */
    FACTS_SERVER_WAYS = 8,
    FACTS_TCP_SERVERS = 4096, /* servers that were asked over TCP */
    FACTS_EXEMPLARS = 2048,   /* flows kept with their timeline, one for each kind of end */
    FACTS_CLIENTS = 8192,     /* client and server pairs */
    FACTS_CLIENT_WAYS = 8,
    FACTS_HOSTS = 16384, /* addresses whose other traffic is a reference for their distance */
    FACTS_HOST_WAYS = 4,
    FACTS_LOST = 1024,    /* questions without an answer */
    FACTS_RCODES = 65536, /* questions whose rcode over UDP is remembered */
    FACTS_REFUSED = 8,    /* questions that one server refused over TCP */
};

#define FACTS_MAC_VARIES UINT64_MAX /* several hardware addresses */

/* Packets of a server that show how far away it is. DNS answers come from the server itself; a SYN-ACK may not. */
enum reference { REFERENCE_UDP_ANSWER, REFERENCE_TCP_ANSWER, REFERENCE_SYNACK, REFERENCES };

struct tcp_facts {
    uint32_t attempts; /* flows that were judged, so without the incomplete */
    uint32_t outcomes[FLOW_OUTCOMES];
    struct ttl_set client_ttl;
    struct point point;
    uint32_t from_client_out, from_client_in; /* client's packets that a cooked capture calls outgoing, incoming */
    struct delays handshake;                  /* SYN to SYN-ACK */
    uint32_t least_reply_us;                  /* SYN-ACK to the client's ACK, the least; 0 when never seen */
    struct ending_list endings;
    uint32_t shared_counter; /* steps of one IP-ID counter between packets of this and of another server */
    uint32_t own_counter;    /* steps of one IP-ID counter between UDP answers and resets of this server */
    struct refused_question {
        uint32_t question; /* hash */
        uint32_t count;
        uint8_t rcode;
    } refused[FACTS_REFUSED];
    uint32_t refused_count;
    int64_t first_failure_ns, last_failure_ns;
    int64_t last_ns; /* of its latest flow that is over */
    /* With facts_watch_turns(): the latest flows that ended alike, failed or answered. */
    struct {
        int64_t began_ns, latest_ns; /* when the first and the last of them began */
        uint32_t flows;
        uint32_t against; /* flows that began between these two, and ended otherwise */
        bool failed;
    } run;
    int64_t turned_ns;               /* all that is counted began then; 0: it never turned */
    uint32_t earlier[FLOW_OUTCOMES]; /* flows of this window that began before */
};

/* True when flows of a server that was asked over TCP were put aside because they ended unlike those since `turned_ns`. */
static inline bool facts_turned(const struct tcp_facts *tcp)
{
    return tcp &&
           tcp->earlier[OUTCOME_ANSWERED] + tcp->earlier[OUTCOME_REJECTED] + tcp->earlier[OUTCOME_UNANSWERED] > 0;
}

struct server {
    struct addr address;
    uint16_t port;
    uint16_t udp_id; /* IP-ID of the latest UDP answer */
    uint32_t tcp;    /* index of its struct tcp_facts, or FACTS_NONE */
    uint32_t udp_queries, udp_answers, udp_truncated, udp_refused, udp_unreachable;
    uint32_t udp_incoming;  /* answers that a cooked capture calls incoming: this host is not the server */
    uint32_t udp_contested; /* questions answered twice, from different distances */
    int64_t first_ns, last_ns;
    int64_t last_udp_query_ns, last_udp_answer_ns, last_udp_unreachable_ns;
    uint64_t mac;              /* source of its UDP answers; 0 not known, FACTS_MAC_VARIES several */
    struct ttl_set client_ttl; /* of the first questions over UDP */
    struct point point;        /* where they were captured */
    struct ttl_set references[REFERENCES];
    struct delays udp_rtt;
};

/* How one client fared with one server. */
struct client {
    struct addr address;
    uint32_t server;
    uint32_t attempts;
    uint32_t outcomes[FLOW_OUTCOMES];
    uint32_t endings; /* bit n: flows of this client are in the server's ending n */
};

/* A question that a client put to a server over TCP in vain. */
struct lost_lookup {
    struct dns_question question;
    uint32_t server;
    uint32_t attempts;
    bool truncated_udp; /* a UDP answer with TC=1 had sent the client to TCP */
    bool answered;      /* the same question got a whole answer later, from whichever server */
    struct frame_ref first;
};

/* Traffic of an address on other ports, as a reference for its distance. */
struct host {
    struct addr address;
    struct ttl_set ttl;
};

struct facts;
struct flow;
struct flow_record;
struct packet;

struct facts *facts_new(void);
void facts_free(struct facts *facts);

/* The server's index, a new one if need be; FACTS_NONE when there is no room for it. */
uint32_t facts_server(struct facts *facts, struct addr address, uint16_t port, int64_t now_ns);
/* The same, never made: NULL when it was not seen. */
const struct server *facts_server_seen(const struct facts *facts, struct addr address, uint16_t port);
struct server *facts_server_at(const struct facts *facts, uint32_t index);
/* The server's TCP facts, made at its first attempt; NULL when there is no room. */
struct tcp_facts *facts_tcp(struct facts *facts, uint32_t server);
/* The same, never made: NULL when the server was not asked over TCP. */
const struct tcp_facts *facts_tcp_seen(const struct facts *facts, const struct server *server);
const struct flow_record *facts_exemplar(const struct facts *facts, uint32_t index);
const struct host *facts_host(const struct facts *facts, struct addr address);

/* Folds a flow that is over into its server's and its client's facts. */
void facts_flow(struct facts *facts, const struct flow *flow, const struct flow_end *end);
/* Notes any packet of another port as a reference for its sender's distance. */
void facts_other_packet(struct facts *facts, const struct packet *packet);
/* Notes a SYN-ACK or RST of a server, for counters that several addresses share. */
void facts_ip_id(struct facts *facts, uint32_t server, const struct packet *packet, bool udp);

/* Remembers with which rcode (0 for none) a question was answered over UDP; false from the second when never. */
void facts_udp_rcode(struct facts *facts, uint32_t server, uint32_t question, uint8_t rcode);
bool facts_udp_rcode_of(const struct facts *facts, uint32_t server, uint32_t question, uint8_t *rcode);
/* A whole answer: the question is not lost any more. */
void facts_question_answered(struct facts *facts, uint32_t question);

/* Walks all servers in table order (begin with 0); FACTS_NONE at the end. */
uint32_t facts_next_server(const struct facts *facts, uint32_t from);
/* Walks the clients of a server; NULL at the end. */
const struct client *facts_next_client(const struct facts *facts, uint32_t server, uint32_t *position);
const struct lost_lookup *facts_lost(const struct facts *facts, uint32_t *count);

/* Copies all that is known; `to` is another facts_new(). */
void facts_copy(struct facts *to, const struct facts *from);
/*
 * Another window begins: what is counted (attempts, endings, clients, questions lost, DNS over UDP) is forgotten; what
 * measures a server (TTLs, delays, where it was captured, rcodes over UDP) stays and ages. Servers that were not asked
 * over TCP for hours lose their place among those that were.
 */
void facts_renew(struct facts *facts, int64_t now_ns);
/* A flow to that server is under way. */
void facts_touch(struct facts *facts, uint32_t server, int64_t now_ns);
/* The clock was set: moves all times. */
void facts_shift(struct facts *facts, int64_t step_ns);
/*
 * From now on a server that begins to fail, or that works again, is judged by what it did since then: several flows in a
 * row that ended unlike nearly all before them put the counts of those aside.
 */
void facts_watch_turns(struct facts *facts);

/* What did not fit: servers, clients, questions and exemplars that were left out. */
struct facts_refused {
    uint64_t servers, servers_evicted, clients, lost_lookups, exemplars;
};
struct facts_refused facts_refused(const struct facts *facts);

#endif
