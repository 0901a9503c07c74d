/* DNS over UDP: questions paired with answers, and the answers with TC=1 that send a client to TCP. */
#ifndef TCP53_DISSECT_EXCHANGE_H
#define TCP53_DISSECT_EXCHANGE_H

#include "dissect/dns.h"
#include "dissect/packet.h"

enum {
    EXCHANGE_PENDING = 16384, /* questions under way at a time */
    EXCHANGE_PENDING_WAYS = 4,
    EXCHANGE_TRUNCATED = 4096, /* TC=1 answers remembered */
    EXCHANGE_TRUNCATED_WAYS = 4,
};

/* A client that goes to TCP because of TC=1 does so at once; resolvers that queue need a few seconds. */
#define EXCHANGE_FOLLOW_NS INT64_C(10000000000)

struct facts;
struct exchanges;

struct exchanges *exchanges_new(struct facts *facts);
void exchanges_free(struct exchanges *exchanges);
/* Takes a UDP packet of the DNS port; `from_server` says which end sent it. */
void exchanges_packet(struct exchanges *exchanges, const struct packet *packet, bool from_server);
/* The clock was set: moves all times. */
void exchanges_shift(struct exchanges *exchanges, int64_t step_ns);
/* Takes an ICMP error whose quote is a UDP packet toward the DNS port. */
void exchanges_icmp(struct exchanges *exchanges, const struct packet *packet);
/*
 * Hands out the questions that this server answered to this client with TC=1 within EXCHANGE_FOLLOW_NS, each once,
 * up to `most`; returns how many.
 */
unsigned exchanges_truncated(struct exchanges *exchanges, struct addr client, uint32_t server, int64_t now_ns,
                             struct dns_question *questions, unsigned most);

struct exchange_counters {
    uint64_t questions, answers, unpaired, malformed, evicted;
};
struct exchange_counters exchanges_counters(const struct exchanges *exchanges);

#endif
