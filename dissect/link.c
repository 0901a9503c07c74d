/* Link layer: Ethernet with VLAN tags, Linux cooked v1 and v2, raw IP, BSD null and loop. */
#include "dissect/packet.h"

enum {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_VLAN = 0x8100,     /* IEEE 802.1Q */
    ETHERTYPE_PROVIDER = 0x88a8, /* IEEE 802.1ad */
    ETHERTYPE_OLD_QINQ = 0x9100,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_LEAST = 0x0600, /* below: an IEEE 802.3 length */
    VLAN_TAGS_MOST = 8,
    ARPHRD_LOOPBACK_DEVICE = 772,
};

static uint64_t read_mac(const uint8_t *b)
{
    return (uint64_t)b[0] << 40 | (uint64_t)b[1] << 32 | (uint64_t)b[2] << 24 | (uint64_t)b[3] << 16 |
           (uint64_t)b[4] << 8 | b[5];
}

/* Steps over VLAN tags; leaves `rest` at an IP header. */
static enum packet_status network_of_ethertype(uint16_t ethertype, struct packet *packet, struct cursor *rest)
{
    for (int tags = 0; tags < VLAN_TAGS_MOST; tags++) {
        switch (ethertype) {
        case ETHERTYPE_IPV4:
            packet->family = 4;
            return PACKET_OK;
        case ETHERTYPE_IPV6:
            packet->family = 6;
            return PACKET_OK;
        case ETHERTYPE_VLAN:
        case ETHERTYPE_PROVIDER:
        case ETHERTYPE_OLD_QINQ:
            cursor_u16(rest);
            ethertype = cursor_u16(rest);
            break;
        default:
            return rest->failed ? PACKET_SHORT : PACKET_FOREIGN;
        }
    }
    return rest->failed ? PACKET_SHORT : PACKET_FOREIGN;
}

static enum packet_status parse_ethernet(struct packet *packet, struct cursor *rest)
{
    const uint8_t *header = cursor_take(rest, 14);
    if (!header)
        return PACKET_SHORT;
    uint64_t target_mac = read_mac(header);
    packet->source_mac = read_mac(header + 6);
    packet->loopback = target_mac == 0 && packet->source_mac == 0;
    uint16_t ethertype = (uint16_t)(header[12] << 8 | header[13]);
    if (ethertype == ETHERTYPE_IPV4) {
        packet->family = 4;
        return PACKET_OK;
    }
    return network_of_ethertype(ethertype, packet, rest);
}

/* https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html: the packet type says for whom the host took it. */
static enum link_direction cooked_direction(uint16_t packet_type)
{
    static const enum link_direction directions[] = {
        [0] = LINK_INCOMING, [1] = LINK_INCOMING, [2] = LINK_INCOMING, [3] = LINK_OVERHEARD, [4] = LINK_OUTGOING};
    return packet_type < sizeof directions / sizeof *directions ? directions[packet_type] : LINK_DIRECTION_UNKNOWN;
}

static enum packet_status parse_cooked(struct packet *packet, struct cursor *rest)
{
    packet->direction = cooked_direction(cursor_u16(rest));
    packet->loopback = cursor_u16(rest) == ARPHRD_LOOPBACK_DEVICE;
    uint16_t address_length = cursor_u16(rest);
    const uint8_t *address = cursor_take(rest, 8);
    packet->source_mac = address && address_length == 6 ? read_mac(address) : 0;
    return network_of_ethertype(cursor_u16(rest), packet, rest);
}

/* https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html */
static enum packet_status parse_cooked2(struct packet *packet, struct cursor *rest)
{
    uint16_t ethertype = cursor_u16(rest);
    cursor_take(rest, 6); /* reserved, interface index */
    packet->loopback = cursor_u16(rest) == ARPHRD_LOOPBACK_DEVICE;
    packet->direction = cooked_direction(cursor_u8(rest));
    uint8_t address_length = cursor_u8(rest);
    const uint8_t *address = cursor_take(rest, 8);
    packet->source_mac = address && address_length == 6 ? read_mac(address) : 0;
    return network_of_ethertype(ethertype, packet, rest);
}

static enum packet_status parse_raw(struct packet *packet, struct cursor *rest)
{
    struct cursor ahead = *rest;
    uint8_t version = cursor_u8(&ahead) >> 4;
    if (ahead.failed)
        return PACKET_SHORT;
    if (version != 4 && version != 6)
        return PACKET_FOREIGN;
    packet->family = version;
    return PACKET_OK;
}

/* The address family is in the byte order of the host that captured (null) or of the network (loop): the IP header tells. */
static enum packet_status parse_null(struct packet *packet, struct cursor *rest)
{
    cursor_u32(rest);
    return rest->failed ? PACKET_SHORT : parse_raw(packet, rest);
}

typedef enum packet_status link_parser(struct packet *packet, struct cursor *rest);

static link_parser *parser_of(int link_type)
{
    switch (link_type) {
    case LINK_ETHERNET:
        return parse_ethernet;
    case LINK_LINUX_SLL:
        return parse_cooked;
    case LINK_LINUX_SLL2:
        return parse_cooked2;
    case LINK_RAW:
    case LINK_RAW_DLT:
    case LINK_IPV4:
    case LINK_IPV6:
        return parse_raw;
    case LINK_NULL:
    case LINK_LOOP:
        return parse_null;
    default:
        return NULL;
    }
}

bool packet_knows_link(int link_type)
{
    return parser_of(link_type) != NULL;
}

enum packet_status link_parse(struct packet *packet, const struct frame *frame, struct cursor *rest)
{
    *rest = cursor_of(frame->data, frame->captured);
    packet->source_mac = 0;
    packet->direction = frame->direction;
    packet->loopback = false;
    link_parser *parser = parser_of(frame->link_type);
    return parser ? parser(packet, rest) : PACKET_LINK_UNKNOWN;
}
