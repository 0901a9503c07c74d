/*
 * Tunnels over UDP. A port is no proof: any client may have it, and so may any service. A datagram is taken for a tunnel
 * only when the tunnel's header has its fixed bits and leads to what looks like an IP header.
 */
#include "dissect/link.h"

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_IPV6 = 0x86dd, ETHERTYPE_BRIDGED = 0x6558 };

/* Bytes of the datagram from `rest` on, captured or not. */
static uint32_t declared_from(const struct packet *datagram, const struct cursor *rest)
{
    return (uint32_t)rest->left + (datagram->payload_declared - (uint32_t)datagram->payload.left);
}

/* RFC 7348, and the group policy extension: flags, group, network, zero. */
static enum packet_status parse_vxlan(struct packet *packet, struct cursor *rest)
{
    enum { HAS_NETWORK = 0x08, HAS_GROUP = 0x80, GROUP_BITS = 0x48 };
    uint8_t flags = cursor_u8(rest), group_flags = cursor_u8(rest);
    uint16_t group = cursor_u16(rest);
    uint32_t network = cursor_u32(rest);
    if (rest->failed)
        return PACKET_SHORT;
    bool has_group = flags & HAS_GROUP;
    bool is_zero = has_group ? (group_flags & ~GROUP_BITS) == 0 : group_flags == 0 && group == 0;
    if ((flags & ~HAS_GROUP) != HAS_NETWORK || !is_zero || (network & 0xff) != 0)
        return PACKET_FOREIGN;
    tunnel_note(packet, TUNNEL_VXLAN);
    return link_inner(LINK_ETHERNET, packet, rest);
}

/* draft-ietf-nvo3-vxlan-gpe: the same with the kind of what follows in the fourth byte. */
static enum packet_status parse_vxlan_gpe(struct packet *packet, struct cursor *rest)
{
    enum {
        HAS_NETWORK = 0x08,
        HAS_NEXT = 0x04,
        MUST_BE_ZERO = 0xf0,
        NEXT_IPV4 = 1,
        NEXT_IPV6,
        NEXT_ETHERNET,
        NEXT_MPLS = 5
    };
    uint8_t flags = cursor_u8(rest);
    uint16_t reserved = cursor_u16(rest);
    uint8_t next = cursor_u8(rest);
    uint32_t network = cursor_u32(rest);
    if (rest->failed)
        return PACKET_SHORT;
    if (!(flags & HAS_NETWORK) || (flags & MUST_BE_ZERO) || reserved != 0 || (network & 0xff) != 0)
        return PACKET_FOREIGN;
    tunnel_note(packet, TUNNEL_VXLAN);
    if (!(flags & HAS_NEXT) || next == NEXT_ETHERNET)
        return link_inner(LINK_ETHERNET, packet, rest);
    if (next == NEXT_MPLS)
        return link_mpls(packet, rest);
    return next == NEXT_IPV4 || next == NEXT_IPV6 ? link_raw(packet, rest) : PACKET_FOREIGN;
}

/* RFC 8926: version 0 and the options' length in words, flags, Ethernet type, network, zero. */
static enum packet_status parse_geneve(struct packet *packet, struct cursor *rest)
{
    enum { OPTION_WORDS = 0x3f, VERSION = 0xc0, MUST_BE_ZERO = 0x3f };
    uint8_t first = cursor_u8(rest), flags = cursor_u8(rest);
    uint16_t ethertype = cursor_u16(rest);
    uint32_t network = cursor_u32(rest);
    cursor_take(rest, (size_t)4 * (first & OPTION_WORDS));
    bool is_fine = (first & VERSION) == 0 && (flags & MUST_BE_ZERO) == 0 && (network & 0xff) == 0;
    bool is_known = ethertype == ETHERTYPE_IPV4 || ethertype == ETHERTYPE_IPV6 || ethertype == ETHERTYPE_BRIDGED;
    if (rest->failed)
        return PACKET_SHORT;
    if (!is_fine || !is_known)
        return PACKET_FOREIGN;
    tunnel_note(packet, TUNNEL_GENEVE);
    return link_of_ethertype(ethertype, packet, rest);
}

/* What TZSP calls the frame's kind is, for those that matter, a link type but for this one. */
static int tzsp_link(uint16_t encapsulation)
{
    switch (encapsulation) {
    case 1:
        return LINK_ETHERNET;
    case 18:
        return LINK_WIRELESS;
    case LINK_PRISM:
    case LINK_RADIOTAP:
    case LINK_AVS:
        return encapsulation;
    default:
        return -1;
    }
}

/* https://en.wikipedia.org/wiki/TZSP: version 1, a received packet or one to send, its kind; tagged fields to an end. */
static enum packet_status parse_tzsp(struct packet *packet, struct cursor *rest)
{
    enum { VERSION = 1, TO_SEND = 1, TAG_PADDING = 0, TAG_END = 1, TAGS_MOST = 64 };
    uint8_t version = cursor_u8(rest), type = cursor_u8(rest);
    int link = tzsp_link(cursor_u16(rest));
    if (rest->failed)
        return PACKET_SHORT;
    if (version != VERSION || type > TO_SEND || link < 0)
        return PACKET_FOREIGN;
    uint8_t tag = TAG_PADDING;
    for (int tags = 0; tags < TAGS_MOST && tag != TAG_END && !rest->failed; tags++) {
        tag = cursor_u8(rest);
        if (tag != TAG_PADDING && tag != TAG_END)
            cursor_take(rest, cursor_u8(rest));
    }
    if (rest->failed)
        return PACKET_SHORT;
    tunnel_note(packet, TUNNEL_TZSP);
    return tag == TAG_END ? link_inner(link, packet, rest) : PACKET_FOREIGN;
}

/* 3GPP TS 29.281, 5.2: extension headers, each with its length in words first and the next one's type last. */
static enum packet_status step_gtp_extensions(struct cursor *rest)
{
    enum { EXTENSIONS_MOST = 16 };
    cursor_take(rest, 3); /* sequence number, N-PDU number */
    uint8_t next = cursor_u8(rest);
    for (int i = 0; i < EXTENSIONS_MOST && next != 0 && !rest->failed; i++) {
        size_t length = (size_t)4 * cursor_u8(rest);
        if (!rest->failed && length == 0)
            return PACKET_FOREIGN;
        const uint8_t *extension = rest->failed ? NULL : cursor_take(rest, length - 1);
        next = extension ? extension[length - 2] : 0;
    }
    if (rest->failed)
        return PACKET_SHORT;
    return next == 0 ? PACKET_OK : PACKET_FOREIGN;
}

/* 3GPP TS 29.281, 5.1: version 1, no GTP', a user's packet; the length counts all behind the tunnel's number. */
static enum packet_status parse_gtp(struct packet *packet, struct cursor *rest)
{
    enum { FIXED = 0xf8, VERSION_AND_PROTOCOL = 0x30, HAS_MORE = 0x07, HAS_EXTENSION = 0x04, USER_PACKET = 0xff };
    uint8_t flags = cursor_u8(rest), type = cursor_u8(rest);
    uint16_t length = cursor_u16(rest);
    cursor_u32(rest);
    if (rest->failed)
        return PACKET_SHORT;
    if ((flags & FIXED) != VERSION_AND_PROTOCOL || type != USER_PACKET || length != declared_from(packet, rest))
        return PACKET_FOREIGN;
    enum packet_status status = PACKET_OK;
    if (flags & HAS_EXTENSION)
        status = step_gtp_extensions(rest);
    else if ((flags & HAS_MORE) && !cursor_take(rest, 4))
        status = PACKET_SHORT;
    tunnel_note(packet, TUNNEL_GTP);
    return status == PACKET_OK ? link_raw(packet, rest) : status;
}

/* RFC 4380, 5.1.1: authentication and origin may come first, in this order; then IPv6 to the datagram's end. */
static enum packet_status parse_teredo(struct packet *packet, struct cursor *rest)
{
    enum { AUTHENTICATION = 0x0001, ORIGIN = 0x0000, IPV6_HEADER = 40 };
    struct cursor ahead = *rest;
    if (cursor_u16(&ahead) == AUTHENTICATION) {
        size_t client = cursor_u8(&ahead), value = cursor_u8(&ahead);
        cursor_take(&ahead, client + value + 9); /* nonce, confirmation */
        *rest = ahead;
    }
    ahead = *rest;
    if (cursor_u16(&ahead) == ORIGIN) {
        cursor_take(&ahead, 6);
        *rest = ahead;
    }
    struct cursor header = *rest;
    uint8_t version = cursor_u8(&header) >> 4;
    cursor_take(&header, 3);
    uint32_t length = cursor_u16(&header);
    if (rest->failed || ahead.failed || header.failed)
        return PACKET_SHORT;
    tunnel_note(packet, TUNNEL_TEREDO);
    packet->family = 6;
    return version == 6 && length + IPV6_HEADER == declared_from(packet, rest) ? PACKET_OK : PACKET_FOREIGN;
}

/* RFC 2661, 3.1: a data message of version 2; then PPP. */
static enum packet_status parse_l2tp(struct packet *packet, struct cursor *rest)
{
    enum { FIXED = 0xb4ff, VERSION = 0x0002, HAS_LENGTH = 0x4000, HAS_SEQUENCE = 0x0800, HAS_OFFSET = 0x0200 };
    struct cursor whole = *rest;
    uint16_t flags = cursor_u16(rest);
    uint32_t length = flags & HAS_LENGTH ? cursor_u16(rest) : declared_from(packet, &whole);
    cursor_u32(rest); /* tunnel, session */
    if (flags & HAS_SEQUENCE)
        cursor_u32(rest);
    if (flags & HAS_OFFSET)
        cursor_take(rest, cursor_u16(rest));
    if (rest->failed)
        return PACKET_SHORT;
    if ((flags & FIXED) != VERSION || length != declared_from(packet, &whole))
        return PACKET_FOREIGN;
    tunnel_note(packet, TUNNEL_L2TP);
    return link_ppp(packet, rest);
}

/* RFC 7510 */
static enum packet_status parse_mpls(struct packet *packet, struct cursor *rest)
{
    tunnel_note(packet, TUNNEL_MPLS_IN_UDP);
    return link_mpls(packet, rest);
}

/* https://www.iana.org/assignments/service-names-port-numbers, but for Linux' older VXLAN and for TZSP. */
static const struct carrier {
    uint16_t port;
    bool is_symmetric; /* answers come from the port; elsewhere the sender's says nothing but which stream it is */
    bool is_whole;     /* the inner packet must fit; elsewhere its header says enough, and mirrors cut */
    link_parser *parser;
} carriers[] = {
    {1701, true, true, parse_l2tp},     {2152, false, true, parse_gtp},    {3544, true, true, parse_teredo},
    {4789, false, false, parse_vxlan},  {8472, false, false, parse_vxlan}, {4790, false, false, parse_vxlan_gpe},
    {6081, false, false, parse_geneve}, {6635, false, true, parse_mpls},   {37008, false, false, parse_tzsp},
};

static const struct carrier *carrier_of(const struct packet *datagram)
{
    for (size_t i = 0; i < sizeof carriers / sizeof *carriers; i++) {
        const struct carrier *carrier = &carriers[i];
        if (datagram->target_port == carrier->port || (carrier->is_symmetric && datagram->source_port == carrier->port))
            return carrier;
    }
    return NULL;
}

/* Whether the IP header at `ahead` could begin a packet of at most `most` bytes; PACKET_FOREIGN: it could not. */
static enum packet_status check_ip(uint8_t family, struct cursor ahead, uint32_t most)
{
    enum { IPV4_HEADER = 20, IPV6_HEADER = 40 };
    uint8_t first = cursor_u8(&ahead);
    cursor_u8(&ahead);
    uint32_t header = (first & 0x0fu) * 4, total = cursor_u16(&ahead);
    if (family == 6) {
        header = IPV6_HEADER;
        total = IPV6_HEADER + (uint32_t)cursor_u16(&ahead);
    }
    if (ahead.failed)
        return PACKET_SHORT;
    bool is_huge =
        total == 0 && most > UINT16_MAX; /* the network card cuts it up: its length does not fit the header */
    bool is_fine = header >= IPV4_HEADER && total >= header && total <= most;
    return first >> 4 == family && (is_fine || is_huge) ? PACKET_OK : PACKET_FOREIGN;
}

enum packet_status tunnel_of_udp(struct packet *packet, uint32_t declared)
{
    const struct carrier *carrier = carrier_of(packet);
    if (!carrier)
        return PACKET_OK;
    struct packet datagram = *packet;
    struct cursor rest = packet->payload;
    uint32_t length = packet->payload_declared < declared ? packet->payload_declared : declared;
    uint32_t beyond = length - (uint32_t)rest.left;
    enum packet_status status = carrier->parser(packet, &rest);
    if (status == PACKET_OK)
        status = check_ip(packet->family, rest, carrier->is_whole ? declared_from(&datagram, &rest) : UINT32_MAX);
    if (status == PACKET_OK)
        return tunnel_enter(packet, &rest, beyond);
    if (status == PACKET_SHORT && beyond > 0)
        return PACKET_SHORT;
    *packet = datagram;
    return PACKET_OK;
}
