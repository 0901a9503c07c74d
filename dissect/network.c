/* Network layer: IPv4 with options (RFC 791), IPv6 with extension headers (RFC 8200), and where fragments of both belong. */
#include "dissect/packet.h"

enum {
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    EXTENSIONS_MOST = 16,
    LENGTH_MOST = 65535, /* of a whole IPv4 packet, and of what follows an IPv6 header */
    NEXT_HOP_BY_HOP = 0,
    NEXT_ROUTING = 43,
    NEXT_FRAGMENT = 44,
    NEXT_AUTHENTICATION = 51,
    NEXT_DESTINATION = 60,
    NEXT_MOBILITY = 135,
};

/*
 * The length a sender declared, or what the wire carried where it could not say: 0 stands in packets that the network
 * card still had to cut up (segmentation offload) and in IPv6 jumbograms.
 */
static uint32_t declared_or_wire(uint32_t declared, size_t wire)
{
    return declared ? declared : (uint32_t)wire;
}

/*
 * A piece of a packet that ends at byte `most` at the latest. Those that RFC 791 and RFC 8200 do not allow are the
 * sender's nonsense: nothing in it, not a multiple of 8 bytes though more follow, beyond the largest packet.
 */
static enum packet_status parse_fragment(struct packet *packet, struct cursor rest, uint32_t declared, uint32_t most)
{
    bool uneven = packet->fragment.more && declared % 8 != 0;
    if (declared == 0 || uneven || packet->fragment.offset + declared > most)
        return PACKET_BAD;
    packet->payload = rest;
    packet->payload_declared = declared;
    return PACKET_FRAGMENT;
}

static enum packet_status parse_ipv4(struct packet *packet, struct cursor *rest, uint32_t beyond)
{
    size_t wire = rest->left + beyond;
    const uint8_t *h = cursor_take(rest, IPV4_HEADER);
    if (!h)
        return PACKET_SHORT;
    uint32_t header = (h[0] & 0x0fu) * 4;
    uint32_t total = declared_or_wire((uint32_t)(h[2] << 8 | h[3]), wire);
    if (h[0] >> 4 != 4 || header < IPV4_HEADER || total < header)
        return PACKET_BAD;
    packet->tos = h[1];
    packet->ip_id = (uint16_t)(h[4] << 8 | h[5]);
    packet->dont_fragment = (h[6] & 0x40) != 0;
    packet->fragment = (struct packet_fragment){
        .id = packet->ip_id, .offset = (uint16_t)(((h[6] & 0x1f) << 8 | h[7]) * 8), .more = (h[6] & 0x20) != 0};
    packet->ttl = h[8];
    packet->protocol = h[9];
    packet->flow_label = 0;
    packet->source = addr_v4(h + 12);
    packet->target = addr_v4(h + 16);
    if (header > IPV4_HEADER && !cursor_take(rest, header - IPV4_HEADER))
        return PACKET_SHORT;
    cursor_limit(rest, total - header);
    if (packet->fragment.offset != 0 || packet->fragment.more)
        return parse_fragment(packet, *rest, total - header, LENGTH_MOST - header);
    return packet_parse_payload(packet, *rest, total - header);
}

static bool is_extension(uint8_t next)
{
    return next == NEXT_HOP_BY_HOP || next == NEXT_ROUTING || next == NEXT_FRAGMENT || next == NEXT_DESTINATION ||
           next == NEXT_AUTHENTICATION || next == NEXT_MOBILITY;
}

static enum packet_status parse_fragment_header(struct packet *packet, struct cursor header, struct cursor rest,
                                                uint32_t declared)
{
    cursor_u16(&header); /* next header, reserved */
    uint16_t place = cursor_u16(&header);
    packet->fragment = (struct packet_fragment){.offset = place & 0xfff8, .more = place & 1, .id = cursor_u32(&header)};
    bool atomic = packet->fragment.offset == 0 && !packet->fragment.more; /* RFC 6946: the whole packet */
    return atomic ? PACKET_OK : parse_fragment(packet, rest, declared, LENGTH_MOST);
}

/* Steps over one extension header, of the kind that the packet's protocol says; the next takes its place. */
static enum packet_status step_extension(struct packet *packet, struct cursor *rest, uint32_t *declared)
{
    uint8_t kind = packet->protocol;
    struct cursor header = *rest, ahead = *rest;
    packet->protocol = cursor_u8(&ahead);
    uint32_t units = cursor_u8(&ahead);
    uint32_t length = kind == NEXT_FRAGMENT ? 8 : kind == NEXT_AUTHENTICATION ? (units + 2) * 4 : (units + 1) * 8;
    if (ahead.failed)
        return *declared < 2 ? PACKET_BAD : PACKET_SHORT;
    if (length > *declared)
        return PACKET_BAD;
    *declared -= length;
    if (!cursor_take(rest, length))
        return PACKET_SHORT;
    return kind == NEXT_FRAGMENT ? parse_fragment_header(packet, header, *rest, *declared) : PACKET_OK;
}

static enum packet_status parse_ipv6(struct packet *packet, struct cursor *rest, uint32_t beyond)
{
    size_t wire = rest->left + beyond;
    const uint8_t *h = cursor_take(rest, IPV6_HEADER);
    if (!h)
        return PACKET_SHORT;
    if (h[0] >> 4 != 6 || wire < IPV6_HEADER)
        return PACKET_BAD;
    uint32_t declared = declared_or_wire((uint32_t)(h[4] << 8 | h[5]), wire - IPV6_HEADER);
    packet->tos = (uint8_t)((h[0] & 0x0f) << 4 | h[1] >> 4);
    packet->flow_label = (uint32_t)((h[1] & 0x0f) << 16 | h[2] << 8 | h[3]);
    packet->ip_id = 0;
    packet->dont_fragment = true;
    packet->ttl = h[7];
    packet->source = addr_v6(h + 8);
    packet->target = addr_v6(h + 24);
    cursor_limit(rest, declared);
    packet->protocol = h[6];
    return packet_parse_payload(packet, *rest, declared);
}

enum packet_status packet_parse_payload(struct packet *packet, struct cursor rest, uint32_t declared)
{
    for (int i = 0; packet->family == 6 && i < EXTENSIONS_MOST && is_extension(packet->protocol); i++) {
        enum packet_status status = step_extension(packet, &rest, &declared);
        if (status != PACKET_OK)
            return status;
    }
    return transport_parse(packet, rest, declared);
}

enum packet_status network_parse(struct packet *packet, struct cursor *rest, uint32_t beyond)
{
    return packet->family == 4 ? parse_ipv4(packet, rest, beyond) : parse_ipv6(packet, rest, beyond);
}
