/*
 * Tunnels that are IP protocols of their own: IP in IP, GRE and what rides on it, EtherIP, MPLS.
 *
 * Each steps over its header to the next IP header, which is then read like the first one: its values take the place of
 * the outer one's. The outer packet's declared length bounds the inner one: where that ends too early, and not the
 * capture, the sender wrote nonsense, unless it is a mirror, which may cut what it sends.
 */
#include "dissect/tunnel.h"

#include "dissect/link.h"

enum packet_status tunnel_enter(struct packet *packet, struct cursor *rest, uint32_t beyond)
{
    enum { OUTER_IPS_MOST = 4 };
    const uint32_t mirrors = (uint32_t)1 << TUNNEL_ERSPAN | (uint32_t)1 << TUNNEL_TZSP | (uint32_t)1 << TUNNEL_VXLAN;
    if (packet->outer_ips == OUTER_IPS_MOST)
        return PACKET_FOREIGN;
    packet->outer_ips++;
    enum packet_status status = network_parse(packet, rest, beyond);
    bool is_cut = beyond > 0 || (packet->tunnels & mirrors);
    return status == PACKET_SHORT && !is_cut ? PACKET_BAD : status;
}

/* draft-foschiano-erspan: without a sequence number there is no header; else the version is in its first nibble. */
static enum packet_status parse_erspan(struct packet *packet, struct cursor *rest, bool has_header)
{
    enum { VERSION_II = 1, VERSION_III = 2, FRAME_TYPE_IP = 2, HAS_SUBHEADER = 1 };
    struct cursor ahead = *rest;
    uint8_t version = has_header ? cursor_u8(&ahead) >> 4 : 0;
    bool is_ip = false;
    if (ahead.failed)
        return PACKET_SHORT;
    if (version == VERSION_II) {
        cursor_take(rest, 8);
    } else if (version == VERSION_III) {
        const uint8_t *header = cursor_take(rest, 12);
        is_ip = header && (header[10] >> 2 & 0x1f) == FRAME_TYPE_IP;
        if (header && (header[11] & HAS_SUBHEADER))
            cursor_take(rest, 8);
    } else if (has_header) {
        return PACKET_FOREIGN;
    }
    if (rest->failed)
        return PACKET_SHORT;
    return is_ip ? link_raw(packet, rest) : link_inner(LINK_ETHERNET, packet, rest);
}

/* The redirect header of draft-wilson-wrec-wccp-v2 may be there or not; its first byte is a few flags, no IP version. */
static enum packet_status parse_wccp(struct packet *packet, struct cursor *rest)
{
    struct cursor ahead = *rest;
    uint8_t version = cursor_u8(&ahead) >> 4;
    if (version != 4 && version != 6)
        cursor_u32(rest);
    return rest->failed ? PACKET_SHORT : link_raw(packet, rest);
}

enum {
    GRE_CHECKSUM = 0x8000, /* RFC 2784; with two reserved bytes */
    GRE_ROUTING = 0x4000,  /* RFC 1701, long gone */
    GRE_KEY = 0x2000,      /* RFC 2890, as the next */
    GRE_SEQUENCE = 0x1000,
    GRE_ACKNOWLEDGMENT = 0x0080, /* version 1 only: RFC 2637 */
    GRE_VERSION = 0x0007,
};

static enum packet_status parse_gre_payload(uint16_t flags, uint16_t type, struct packet *packet, struct cursor *rest)
{
    enum { PPP = 0x880b, WCCP = 0x883e, ERSPAN = 0x88be, ERSPAN_III = 0x22eb, ETHERTYPE_LEAST = 0x0600 };
    switch (type) {
    case PPP:
        tunnel_note(packet, TUNNEL_PPTP);
        return link_ppp(packet, rest);
    case WCCP:
        tunnel_note(packet, TUNNEL_WCCP);
        return parse_wccp(packet, rest);
    case ERSPAN:
    case ERSPAN_III:
        tunnel_note(packet, TUNNEL_ERSPAN);
        return parse_erspan(packet, rest, flags & GRE_SEQUENCE);
    default:
        tunnel_note(packet, TUNNEL_GRE);
        return type < ETHERTYPE_LEAST ? PACKET_FOREIGN : link_of_ethertype(type, packet, rest);
    }
}

/* RFC 2784, RFC 2890; version 1 (PPTP): RFC 2637, where a packet without a sequence number is an acknowledgment alone. */
static enum packet_status parse_gre(struct packet *packet, struct cursor *rest)
{
    uint16_t flags = cursor_u16(rest), type = cursor_u16(rest);
    unsigned version = flags & GRE_VERSION;
    if (version > 1 || (flags & GRE_ROUTING) || (version == 1 && !(flags & GRE_SEQUENCE)))
        return PACKET_FOREIGN;
    bool has_acknowledgment = version == 1 && (flags & GRE_ACKNOWLEDGMENT);
    size_t words = has_acknowledgment;
    words += flags & GRE_CHECKSUM ? 1 : 0;
    words += flags & GRE_KEY ? 1 : 0;
    words += flags & GRE_SEQUENCE ? 1 : 0;
    cursor_take(rest, 4 * words);
    return rest->failed ? PACKET_SHORT : parse_gre_payload(flags, type, packet, rest);
}

/* RFC 3378: version 3 in the first of 16 bits. */
static enum packet_status parse_etherip(struct packet *packet, struct cursor *rest)
{
    enum { ETHERIP_VERSION = 3 };
    tunnel_note(packet, TUNNEL_ETHERIP);
    uint16_t header = cursor_u16(rest);
    if (rest->failed)
        return PACKET_SHORT;
    return header >> 12 == ETHERIP_VERSION ? link_inner(LINK_ETHERNET, packet, rest) : PACKET_FOREIGN;
}

/* RFC 2003, RFC 4213, RFC 2473: nothing between the headers. The outer one's version is still the packet's. */
static enum packet_status parse_ip(struct packet *packet, struct cursor *rest)
{
    enum { PROTOCOL_IPV4 = 4 };
    bool is_plain = packet->protocol == PROTOCOL_IPV4;
    tunnel_note(packet, packet->family == 6 ? TUNNEL_IP_IN_IPV6 : is_plain ? TUNNEL_IP_IN_IP : TUNNEL_6IN4);
    return link_raw(packet, rest);
}

/* RFC 4023 */
static enum packet_status parse_mpls(struct packet *packet, struct cursor *rest)
{
    tunnel_note(packet, TUNNEL_MPLS_IN_IP);
    return link_mpls(packet, rest);
}

/* https://www.iana.org/assignments/protocol-numbers */
static link_parser *parser_of(uint8_t protocol)
{
    switch (protocol) {
    case 4:
    case 41:
        return parse_ip;
    case 47:
        return parse_gre;
    case 97:
        return parse_etherip;
    case 137:
        return parse_mpls;
    default:
        return NULL;
    }
}

enum packet_status tunnel_of_protocol(struct packet *packet, struct cursor rest, uint32_t declared)
{
    uint32_t beyond = declared - (uint32_t)rest.left;
    link_parser *parser = parser_of(packet->protocol);
    enum packet_status status = parser ? parser(packet, &rest) : PACKET_FOREIGN;
    if (status == PACKET_OK)
        return tunnel_enter(packet, &rest, beyond);
    return status == PACKET_SHORT && beyond == 0 ? PACKET_BAD : status;
}
