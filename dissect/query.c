#include "dissect/query.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The message in wire format, newly allocated by ldns; NULL when there is no memory. */
static uint8_t *make_wire(ldns_rdf *name, ldns_rr_type type, uint16_t id, uint16_t edns_bytes, size_t *length)
{
    uint8_t *wire = NULL;
    ldns_pkt *packet = ldns_pkt_query_new(ldns_rdf_clone(name), type, LDNS_RR_CLASS_IN, LDNS_RD);
    if (!packet)
        return NULL;
    ldns_pkt_set_id(packet, id);
    if (edns_bytes > 0)
        ldns_pkt_set_edns_udp_size(packet, edns_bytes);
    if (ldns_pkt2wire(&wire, packet, length) != LDNS_STATUS_OK)
        wire = NULL;
    ldns_pkt_free(packet);
    return wire;
}

static bool take_wire(struct query *query, const uint8_t *wire, size_t length)
{
    struct dns_message message;
    if (!wire || length > QUERY_BYTES || !dns_parse(&message, cursor_of(wire, length)))
        return false;
    *query = (struct query){.id = message.id, .length = (uint16_t)length};
    query->bytes[0] = (uint8_t)(length >> 8);
    query->bytes[1] = (uint8_t)length;
    memcpy(query->bytes + 2, wire, length);
    query->question =
        (struct dns_question){.hash = message.question, .qtype = message.qtype, .qname_length = message.qname_length};
    memcpy(query->question.qname, message.qname, message.qname_length);
    return true;
}

/* 0: there is none. ldns cuts a number of more than 16 bits. */
static ldns_rr_type type_of(const char *text)
{
    bool numbered = strncasecmp(text, "TYPE", 4) == 0 && text[4] != '\0';
    return numbered && strtoul(text + 4, NULL, 10) > UINT16_MAX ? 0 : ldns_get_rr_type_by_name(text);
}

bool query_make(struct query *query, const char *name, const char *type, uint16_t id, uint16_t edns_bytes,
                const char **wrong)
{
    ldns_rr_type number = type_of(type);
    size_t length = 0;
    *wrong = "type";
    if (number == 0 || number == LDNS_RR_TYPE_AXFR || number == LDNS_RR_TYPE_IXFR)
        return false;
    *wrong = "name";
    ldns_rdf *owner = *name ? ldns_dname_new_frm_str(name) : NULL;
    if (!owner)
        return false;
    uint8_t *wire = make_wire(owner, number, id, edns_bytes, &length);
    bool made = take_wire(query, wire, length);
    ldns_rdf_deep_free(owner);
    free(wire);
    return made;
}

bool query_is_answered(const struct query *query, const uint8_t *bytes, size_t length, struct dns_message *message)
{
    if (!dns_parse(message, cursor_of(bytes, length)) || !message->response || message->id != query->id)
        return false;
    return !message->has_question || message->question == query->question.hash; /* FORMERR may leave it away */
}
