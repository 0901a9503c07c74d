/* DNS messages: the head that pairing needs, and the words that a report shows. */
#ifndef TCP53_DISSECT_DNS_H
#define TCP53_DISSECT_DNS_H

#include "dissect/cursor.h"

enum { DNS_HEADER = 12, DNS_NAME = 255, DNS_NAME_TEXT = 1024 };

enum dns_rcode {
    DNS_NOERROR = 0,
    DNS_FORMERR = 1,
    DNS_SERVFAIL = 2,
    DNS_NXDOMAIN = 3,
    DNS_NOTIMP = 4,
    DNS_REFUSED = 5
};

enum { DNS_TYPE_MX = 15, DNS_PORT = 53 };

/* The head of a message (RFC 1035, 4.1): header and first question. */
struct dns_message {
    uint16_t id;
    uint8_t opcode, rcode;
    bool response, truncated;
    bool has_question;
    uint16_t qtype;
    uint8_t qname_length; /* bytes of wire format at `qname`, the root label included */
    const uint8_t *qname; /* within the bytes that were parsed */
    uint32_t question;    /* hash of name (letter case apart), type and class */
};

/* A question kept beyond its packet. */
struct dns_question {
    uint32_t hash;
    uint16_t qtype;
    uint8_t qname_length; /* 0: not known */
    uint8_t qname[DNS_NAME];
};

/*
 * False when the bytes are no DNS message as far as they were captured: too short, or a question that is none. What could
 * be read is filled in all the same: the ID, flags and rcode of the first four bytes, and the rest is 0.
 */
bool dns_parse(struct dns_message *message, struct cursor bytes);

/* True for the rcodes with which a server turns a question down: FORMERR, SERVFAIL, NOTIMP, REFUSED. */
bool dns_rcode_is_refusal(unsigned rcode);

/* "REFUSED" and the like, by ldns; never NULL. */
const char *dns_rcode_name(unsigned rcode);
/* "example.com." in presentation format, by ldns, into `text` of DNS_NAME_TEXT bytes; "?" when it cannot be read. */
const char *dns_name_text(const uint8_t *qname, uint8_t length, char *text);
/* "MX" and the like (TYPE65280 for types without a name), by ldns, into `text` of 16 bytes. */
const char *dns_type_text(uint16_t qtype, char *text);
/* ldns' version. */
const char *dns_library_version(void);

#endif
