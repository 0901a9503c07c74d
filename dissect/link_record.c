/*
 * Headers that a recorder put before a packet (packet filters' logs, capture cards, PPI), and the older local networks.
 */
#include "dissect/link.h"

/* IEEE 802.5: access control, frame control, target, sender; a route follows when the sender's first bit is set. */
enum packet_status link_token_ring(struct packet *packet, struct cursor *rest)
{
    enum { KIND = 0xc0, KIND_LLC = 0x40, HAS_ROUTE = 0x80, ROUTE_LENGTH = 0x1f };
    const uint8_t *header = cursor_take(rest, 14);
    if (!header)
        return PACKET_SHORT;
    packet->source_mac = link_mac(header + 8) & ~((uint64_t)HAS_ROUTE << 40);
    if ((header[1] & KIND) != KIND_LLC)
        return PACKET_FOREIGN;
    if (header[8] & HAS_ROUTE) {
        struct cursor ahead = *rest;
        cursor_take(rest, cursor_u8(&ahead) & ROUTE_LENGTH);
        if (ahead.failed)
            return PACKET_SHORT;
    }
    return link_llc(packet, rest);
}

/* ISO 9314-2: frame control (LLC, with or without a reserved bandwidth), target, sender. */
enum packet_status link_fddi(struct packet *packet, struct cursor *rest)
{
    enum { KIND = 0x70, KIND_LLC = 0x50 };
    const uint8_t *header = cursor_take(rest, 13);
    if (!header)
        return PACKET_SHORT;
    packet->source_mac = link_mac(header + 7);
    return (header[0] & KIND) == KIND_LLC ? link_llc(packet, rest) : PACKET_FOREIGN;
}

/* https://www.tcpdump.org/linktypes/LINKTYPE_PPI.html: version, flags, length, link type; little-endian. */
enum packet_status link_ppi(struct packet *packet, struct cursor *rest)
{
    enum { PPI_LEAST = 8 };
    struct cursor ahead = *rest;
    uint8_t version = cursor_u8(&ahead);
    cursor_u8(&ahead);
    uint16_t length = cursor_u16_little(&ahead);
    uint32_t link_type = cursor_u32_little(&ahead);
    if (ahead.failed || !cursor_take(rest, length))
        return PACKET_SHORT;
    if (version != 0 || length < PPI_LEAST || link_type > INT16_MAX)
        return PACKET_FOREIGN;
    return link_inner((int)link_type, packet, rest);
}

/*
 * https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html: family, version, resource, then attributes of length and type in
 * the order of the host that captured, or that reads: the types, which are small, tell. One of them is the IP packet.
 */
enum packet_status link_nflog(struct packet *packet, struct cursor *rest)
{
    enum { ATTRIBUTES_MOST = 64, ATTRIBUTE_HEADER = 4, PAYLOAD = 9, TYPE_MASK = 0x7fff };
    cursor_u32(rest);
    for (int i = 0; i < ATTRIBUTES_MOST && !rest->failed; i++) {
        const uint8_t *header = cursor_take(rest, ATTRIBUTE_HEADER);
        if (!header)
            return PACKET_SHORT;
        bool is_little = header[2] != 0;
        uint32_t length = (uint32_t)(is_little ? header[1] << 8 | header[0] : header[0] << 8 | header[1]);
        uint32_t type = (uint32_t)(is_little ? header[3] << 8 | header[2] : header[2] << 8 | header[3]) & TYPE_MASK;
        if (length < ATTRIBUTE_HEADER)
            return PACKET_FOREIGN;
        if (type == PAYLOAD)
            return link_raw(packet, rest);
        cursor_take(rest, ((length + 3) & ~3u) - ATTRIBUTE_HEADER);
    }
    return rest->failed ? PACKET_SHORT : PACKET_FOREIGN;
}

/* https://www.tcpdump.org/linktypes/LINKTYPE_PFLOG.html: its own length first, padded to words; the direction at 60. */
enum packet_status link_pflog(struct packet *packet, struct cursor *rest)
{
    enum { PFLOG_LEAST = 45, DIRECTION = 60, PF_IN = 1, PF_OUT = 2 };
    struct cursor ahead = *rest;
    size_t length = cursor_u8(&ahead);
    const uint8_t *header = cursor_take(rest, (length + 3) & ~(size_t)3);
    if (ahead.failed || !header)
        return PACKET_SHORT;
    if (length < PFLOG_LEAST)
        return PACKET_FOREIGN;
    if (length > DIRECTION && header[DIRECTION] == PF_IN)
        packet->direction = LINK_INCOMING;
    if (length > DIRECTION && header[DIRECTION] == PF_OUT)
        packet->direction = LINK_OUTGOING;
    return link_raw(packet, rest);
}

/* https://www.tcpdump.org/linktypes/LINKTYPE_ENC.html: family, security association, flags; then what was decrypted. */
enum packet_status link_enc(struct packet *packet, struct cursor *rest)
{
    cursor_take(rest, 12);
    return rest->failed ? PACKET_SHORT : link_raw(packet, rest);
}

/* What follows an ERF header, and behind how many bytes: https://www.endace.com/erf-extensible-record-format-types.pdf */
static const struct erf_type {
    uint8_t type;
    uint8_t bytes;
    uint8_t link;
} erf_types[] = {
    {1, 0, LINK_PPP_HDLC},  /* HDLC_POS */
    {10, 0, LINK_PPP_HDLC}, /* COLOR_HDLC_POS */
    {15, 0, LINK_PPP_HDLC}, /* DSM_COLOR_HDLC_POS */
    {19, 0, LINK_PPP_HDLC}, /* COLOR_HASH_POS */
    {5, 4, LINK_PPP_HDLC},  /* MC_HDLC */
    {17, 4, LINK_PPP_HDLC}, /* COLOR_MC_HDLC_POS */
    {2, 2, LINK_ETHERNET},  /* ETH */
    {11, 2, LINK_ETHERNET}, /* COLOR_ETH */
    {16, 2, LINK_ETHERNET}, /* DSM_COLOR_ETH */
    {20, 2, LINK_ETHERNET}, /* COLOR_HASH_ETH */
    {22, 0, LINK_RAW},      /* IPV4 */
    {23, 0, LINK_RAW},      /* IPV6 */
};

static const struct erf_type *erf_find(uint8_t type)
{
    for (size_t i = 0; i < sizeof erf_types / sizeof *erf_types; i++)
        if (erf_types[i].type == type)
            return &erf_types[i];
    return NULL;
}

/* The header's type, and each extension header's, says in its highest bit that another follows. */
enum packet_status link_erf(struct packet *packet, struct cursor *rest)
{
    enum { ERF_HEADER = 16, ERF_TYPE = 8, EXTENSION = 8, EXTENSIONS_MOST = 16, HAS_EXTENSION = 0x80 };
    const uint8_t *header = cursor_take(rest, ERF_HEADER);
    if (!header)
        return PACKET_SHORT;
    const struct erf_type *type = erf_find(header[ERF_TYPE] & 0x7f);
    if (!type)
        return PACKET_FOREIGN;
    bool has_extension = header[ERF_TYPE] & HAS_EXTENSION;
    for (int i = 0; i < EXTENSIONS_MOST && has_extension; i++) {
        const uint8_t *extension = cursor_take(rest, EXTENSION);
        has_extension = extension && (extension[0] & HAS_EXTENSION);
    }
    cursor_take(rest, type->bytes);
    if (rest->failed)
        return PACKET_SHORT;
    return has_extension ? PACKET_FOREIGN : link_inner(type->link, packet, rest);
}
