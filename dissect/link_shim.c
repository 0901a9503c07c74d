/*
 * What stands between a link's header and IP beside tags: LLC with SNAP, PPPoE, MPLS with its pseudowires, provider
 * backbone bridging.
 */
#include "dissect/link.h"

enum {
    ETHERTYPE_LEAST = 0x0600, /* below: an IEEE 802.3 length */
    ETHERTYPE_BRIDGED = 0x6558,
    ETHERTYPE_MPLS = 0x8847,
    ETHERTYPE_MPLS_MULTICAST = 0x8848, /* or with a label of the upstream router: RFC 5332 */
    ETHERTYPE_PPPOE = 0x8864,          /* a session's; the discovery has 0x8863 */
    ETHERTYPE_PBB = 0x88e7,            /* IEEE 802.1ah */
    LABELS_MOST = 16,
};

/* IEEE 802.2 and RFC 1042: SNAP with an Ethernet type, or IP by its own access point. */
enum packet_status link_llc(struct packet *packet, struct cursor *rest)
{
    enum { ACCESS_POINT_IP = 0x06, ACCESS_POINT_SNAP = 0xaa, UNNUMBERED = 0x03, OUI_ETHERNET = 0, OUI_BRIDGE = 0xf8 };
    uint8_t target = cursor_u8(rest);
    uint8_t source = cursor_u8(rest) & 0xfe;
    uint8_t control = cursor_u8(rest);
    if (rest->failed)
        return PACKET_SHORT;
    if (target != source || control != UNNUMBERED)
        return PACKET_FOREIGN;
    if (target == ACCESS_POINT_IP)
        return link_raw(packet, rest);
    uint32_t organisation = (uint32_t)cursor_u8(rest) << 16;
    organisation |= cursor_u16(rest);
    uint16_t ethertype = cursor_u16(rest);
    if (rest->failed)
        return PACKET_SHORT;
    bool is_ethernet = organisation == OUI_ETHERNET || organisation == OUI_BRIDGE;
    if (target != ACCESS_POINT_SNAP || !is_ethernet || ethertype < ETHERTYPE_LEAST)
        return PACKET_FOREIGN;
    return link_of_ethertype(ethertype, packet, rest);
}

/* RFC 2516: version and type 1, code 0, session, length; then PPP. */
enum packet_status link_pppoe(struct packet *packet, struct cursor *rest)
{
    enum { SESSION_DATA = 0x1100 };
    uint16_t kind = cursor_u16(rest);
    cursor_u32(rest);
    if (rest->failed)
        return PACKET_SHORT;
    if (kind != SESSION_DATA)
        return PACKET_FOREIGN;
    tunnel_note(packet, TUNNEL_PPPOE);
    return link_ppp(packet, rest);
}

/* Whether an Ethernet header with IP or a tag is there: nothing in a label stack announces one. */
static enum packet_status find_ethernet(struct cursor ahead)
{
    const uint8_t *header = cursor_take(&ahead, 14);
    uint8_t version = cursor_u8(&ahead) >> 4;
    if (ahead.failed)
        return PACKET_SHORT;
    bool is_sender = (header[6] & 1) == 0; /* no group sends */
    uint32_t ethertype = (uint32_t)(header[12] << 8 | header[13]);
    bool is_ip = (ethertype == 0x0800 && version == 4) || (ethertype == 0x86dd && version == 6);
    return is_sender && (is_ip || ethertype == 0x8100 || ethertype == 0x88a8) ? PACKET_OK : PACKET_FOREIGN;
}

/* RFC 4448: an Ethernet frame, mostly behind a control word that begins with a zero nibble (RFC 4385). */
static enum packet_status parse_pseudowire(struct packet *packet, struct cursor *rest)
{
    struct cursor behind_word = *rest;
    uint32_t word = cursor_u32(&behind_word);
    enum packet_status status = word >> 28 == 0 ? find_ethernet(behind_word) : PACKET_FOREIGN;
    if (status == PACKET_OK)
        *rest = behind_word;
    else if (status == PACKET_FOREIGN)
        status = find_ethernet(*rest);
    return status == PACKET_OK ? link_inner(LINK_ETHERNET, packet, rest) : status;
}

/* RFC 3032: labels down to the one whose bottom bit is set. What follows tells its kind only by its first nibble. */
enum packet_status link_mpls(struct packet *packet, struct cursor *rest)
{
    enum { BOTTOM = 0x100 };
    tunnel_note(packet, TUNNEL_MPLS);
    uint32_t entry = 0;
    for (int labels = 0; labels < LABELS_MOST && !(entry & BOTTOM) && !rest->failed; labels++)
        entry = cursor_u32(rest);
    struct cursor ahead = *rest;
    uint8_t first = cursor_u8(&ahead);
    if (ahead.failed)
        return PACKET_SHORT;
    if (!(entry & BOTTOM))
        return PACKET_FOREIGN;
    if (first >> 4 == 6 || (first >> 4 == 4 && (first & 0x0f) >= 5))
        return link_raw(packet, rest);
    return parse_pseudowire(packet, rest);
}

/* IEEE 802.1ah: priority and service, then the customer's frame. */
static enum packet_status parse_pbb(struct packet *packet, struct cursor *rest)
{
    tunnel_note(packet, TUNNEL_PBB);
    cursor_u32(rest);
    return rest->failed ? PACKET_SHORT : link_inner(LINK_ETHERNET, packet, rest);
}

enum packet_status link_of_shim(uint16_t ethertype, struct packet *packet, struct cursor *rest)
{
    if (!link_deeper(packet))
        return PACKET_FOREIGN;
    switch (ethertype) {
    case ETHERTYPE_BRIDGED:
        return link_inner(LINK_ETHERNET, packet, rest);
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_MULTICAST:
        return link_mpls(packet, rest);
    case ETHERTYPE_PPPOE:
        return link_pppoe(packet, rest);
    case ETHERTYPE_PBB:
        return parse_pbb(packet, rest);
    default:
        return ethertype < ETHERTYPE_LEAST ? link_llc(packet, rest) : PACKET_FOREIGN;
    }
}
