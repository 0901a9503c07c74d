/* DNS queries as a probe sends them, by ldns. */
#ifndef TCP53_DISSECT_QUERY_H
#define TCP53_DISSECT_QUERY_H

#include "dissect/dns.h"

enum { QUERY_BYTES = 512 };

struct query {
    uint8_t bytes[2 + QUERY_BYTES]; /* the length in two bytes, as over TCP (RFC 1035, 4.2.2), then the message */
    uint16_t length;                /* of the message */
    uint16_t id;
    struct dns_question question;
};

/* What to ask; false and a word for what is wrong ("name", "type"). A name is absolute with or without its last dot. */
bool query_make(struct query *query, const char *name, const char *type, uint16_t id, uint16_t edns_bytes,
                const char **wrong);
/* True when the message answers the query: its ID, QR, and the question. `message` is filled in. */
bool query_is_answered(const struct query *query, const uint8_t *bytes, size_t length, struct dns_message *message);

#endif
