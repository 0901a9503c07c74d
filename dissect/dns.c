/* DNS through ldns. The hot path reads header and question by cursor: ldns builds a whole message. */
#include "dissect/dns.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>

/* FNV-1a over the name with letters in lower case (RFC 4343), then type and class. */
static uint32_t hash_byte(uint32_t hash, uint8_t byte)
{
    return (hash ^ byte) * 16777619u;
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

/* Steps over an uncompressed name (a question is the first name of a message: it has nothing to point at). */
static bool parse_name(struct dns_message *message, struct cursor *rest)
{
    const uint8_t *start = rest->at;
    uint32_t hash = 2166136261u;
    size_t length = 0;
    for (;;) {
        uint8_t label = cursor_u8(rest);
        const uint8_t *text = label < 64 ? cursor_take(rest, label) : NULL;
        length += 1u + label;
        if (rest->failed || !text || length > DNS_NAME)
            return false;
        hash = hash_byte(hash, label);
        for (uint8_t i = 0; i < label; i++)
            hash = hash_byte(hash, lower(text[i]));
        if (label == 0)
            break;
    }
    message->qname = start;
    message->qname_length = (uint8_t)length;
    message->question = hash;
    return true;
}

static bool parse_question(struct dns_message *message, struct cursor *rest)
{
    if (!parse_name(message, rest))
        return false;
    message->qtype = cursor_u16(rest);
    uint16_t class = cursor_u16(rest);
    message->question = hash_byte(message->question, (uint8_t)(message->qtype >> 8));
    message->question = hash_byte(message->question, (uint8_t)message->qtype);
    message->question = hash_byte(message->question, (uint8_t) class);
    message->has_question = true;
    return !rest->failed;
}

bool dns_parse(struct dns_message *message, struct cursor bytes)
{
    enum { FLAGS_END = 4 };
    *message = (struct dns_message){0};
    const uint8_t *h = bytes.at;
    if (bytes.left < FLAGS_END)
        return false;
    message->id = (uint16_t)(h[0] << 8 | h[1]);
    message->response = h[2] >> 7 != 0;
    message->opcode = h[2] >> 3 & 0x0f;
    message->truncated = (h[2] & 0x02) != 0;
    message->rcode = h[3] & 0x0f;
    if (!cursor_take(&bytes, DNS_HEADER))
        return false;
    uint32_t questions = (uint32_t)(h[4] << 8 | h[5]);
    if (questions > 1 || message->opcode > 6) /* opcodes: IANA's registry ends at 6 (DSO, RFC 8490) */
        return false;
    return questions == 0 || parse_question(message, &bytes);
}

bool dns_rcode_is_refusal(unsigned rcode)
{
    return rcode == DNS_FORMERR || rcode == DNS_SERVFAIL || rcode == DNS_NOTIMP || rcode == DNS_REFUSED;
}

const char *dns_rcode_name(unsigned rcode)
{
    const ldns_lookup_table *row = ldns_lookup_by_id(ldns_rcodes, (int)rcode);
    return row && row->name ? row->name : "an unassigned rcode";
}

const char *dns_name_text(const uint8_t *qname, uint8_t length, char *text)
{
    size_t position = 0;
    ldns_rdf *name = NULL;
    snprintf(text, DNS_NAME_TEXT, "?");
    if (ldns_wire2dname(&name, qname, length, &position) == LDNS_STATUS_OK) {
        char *shown = ldns_rdf2str(name);
        if (shown)
            snprintf(text, DNS_NAME_TEXT, "%s", shown);
        free(shown);
        ldns_rdf_deep_free(name);
    }
    return text;
}

const char *dns_type_text(uint16_t qtype, char *text)
{
    char *shown = ldns_rr_type2str((ldns_rr_type)qtype);
    snprintf(text, 16, "%s", shown ? shown : "?");
    free(shown);
    return text;
}

const char *dns_library_version(void)
{
    return ldns_version();
}
