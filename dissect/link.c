/* Link layer: the table of all links, and the plain ones: Ethernet with tags, Linux cooked, raw IP, BSD null and loop. */
#include "dissect/link.h"

enum {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_VLAN = 0x8100, /* IEEE 802.1Q */
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_PROVIDER = 0x88a8,     /* IEEE 802.1ad */
    ETHERTYPE_CISCO_META = 0x8909,   /* security group tag */
    ETHERTYPE_VN_TAG = 0x8926,       /* of a virtual port, what became IEEE 802.1BR */
    ETHERTYPE_EXTENDER_TAG = 0x893f, /* IEEE 802.1BR */
    ETHERTYPE_OLD_QINQ = 0x9100,
    TAGS_MOST = 8,
    ARPHRD_LOOPBACK_DEVICE = 772,
};

/* Bytes from a tag's own Ethernet type to the next one; 0: this is no tag. */
static size_t tag_bytes(uint16_t ethertype)
{
    switch (ethertype) {
    case ETHERTYPE_VLAN:
    case ETHERTYPE_PROVIDER:
    case ETHERTYPE_OLD_QINQ:
        return 2;
    case ETHERTYPE_VN_TAG:
        return 4;
    case ETHERTYPE_CISCO_META:
    case ETHERTYPE_EXTENDER_TAG:
        return 6;
    default:
        return 0;
    }
}

enum packet_status link_of_ethertype(uint16_t ethertype, struct packet *packet, struct cursor *rest)
{
    for (int tags = 0; tags <= TAGS_MOST; tags++) {
        if (ethertype == ETHERTYPE_IPV4 || ethertype == ETHERTYPE_IPV6) {
            packet->family = ethertype == ETHERTYPE_IPV4 ? 4 : 6;
            return PACKET_OK;
        }
        if (rest->failed)
            return PACKET_SHORT;
        size_t tag = tag_bytes(ethertype);
        if (tag == 0)
            return link_of_shim(ethertype, packet, rest);
        cursor_take(rest, tag);
        ethertype = cursor_u16(rest);
    }
    return rest->failed ? PACKET_SHORT : PACKET_FOREIGN;
}

static enum packet_status parse_ethernet(struct packet *packet, struct cursor *rest)
{
    const uint8_t *header = cursor_take(rest, 14);
    if (!header)
        return PACKET_SHORT;
    uint64_t target_mac = link_mac(header);
    packet->source_mac = link_mac(header + 6);
    packet->loopback = target_mac == 0 && packet->source_mac == 0;
    uint16_t ethertype = (uint16_t)(header[12] << 8 | header[13]);
    if (ethertype == ETHERTYPE_IPV4) {
        packet->family = 4;
        return PACKET_OK;
    }
    return link_of_ethertype(ethertype, packet, rest);
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
    packet->source_mac = address && address_length == 6 ? link_mac(address) : 0;
    return link_of_ethertype(cursor_u16(rest), packet, rest);
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
    packet->source_mac = address && address_length == 6 ? link_mac(address) : 0;
    return link_of_ethertype(ethertype, packet, rest);
}

enum packet_status link_raw(struct packet *packet, struct cursor *rest)
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
    return rest->failed ? PACKET_SHORT : link_raw(packet, rest);
}

/* The numbers are the registry's (frame.h); a place without a parser is a link that is not known. */
static link_parser *const parsers[] = {
    [LINK_NULL] = parse_null,
    [LINK_ETHERNET] = parse_ethernet,
    [LINK_TOKEN_RING] = link_token_ring,
    [LINK_PPP] = link_ppp,
    [LINK_FDDI] = link_fddi,
    [LINK_RAW_DLT] = link_raw,
    [LINK_PPP_HDLC] = link_ppp_hdlc,
    [LINK_PPP_ETHER] = link_pppoe,
    [LINK_RAW] = link_raw,
    [LINK_C_HDLC] = link_c_hdlc,
    [LINK_WIRELESS] = link_wireless,
    [LINK_LOOP] = parse_null,
    [LINK_ENC] = link_enc,
    [LINK_LINUX_SLL] = parse_cooked,
    [LINK_PFLOG] = link_pflog,
    [LINK_PRISM] = link_prism,
    [LINK_RADIOTAP] = link_radiotap,
    [LINK_AVS] = link_avs,
    [LINK_PPP_PPPD] = link_ppp_pppd,
    [LINK_PPI] = link_ppi,
    [LINK_ERF] = link_erf,
    [LINK_PPP_WITH_DIR] = link_ppp_with_dir,
    [LINK_C_HDLC_WITH_DIR] = link_c_hdlc_with_dir,
    [LINK_MPLS] = link_mpls,
    [LINK_IPV4] = link_raw,
    [LINK_IPV6] = link_raw,
    [LINK_NFLOG] = link_nflog,
    [LINK_LINUX_SLL2] = parse_cooked2,
};
enum { PARSERS = sizeof parsers / sizeof *parsers };

static link_parser *parser_of(int link_type)
{
    return link_type >= 0 && link_type < PARSERS ? parsers[link_type] : NULL;
}

bool packet_knows_link(int link_type)
{
    return parser_of(link_type) != NULL;
}

enum packet_status link_inner(int link_type, struct packet *packet, struct cursor *rest)
{
    bool loopback = packet->loopback;
    enum link_direction direction = packet->direction;
    link_parser *parser = link_deeper(packet) ? parser_of(link_type) : NULL;
    enum packet_status status = parser ? parser(packet, rest) : PACKET_FOREIGN;
    packet->loopback = loopback;
    packet->direction = direction;
    return status;
}

enum packet_status link_parse(struct packet *packet, const struct frame *frame, struct cursor *rest)
{
    *rest = cursor_of(frame->data, frame->captured);
    packet->source_mac = 0;
    packet->direction = frame->direction;
    packet->loopback = false;
    packet->shims = 0;
    packet->outer_ips = 0;
    packet->tunnels = 0;
    link_parser *parser = parser_of(frame->link_type);
    return parser ? parser(packet, rest) : PACKET_LINK_UNKNOWN;
}
