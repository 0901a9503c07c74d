/* Serial lines: PPP with and without its HDLC framing, Cisco's HDLC, and the same with a byte for the direction. */
#include "dissect/link.h"

enum {
    HDLC_ALL_STATIONS = 0xff, /* RFC 1662, section 3.1 */
    HDLC_UNNUMBERED = 0x03,
    CISCO_UNICAST = 0x0f, /* RFC 1547, section 4.3.1 */
    CISCO_MULTICAST = 0x8f,
};

/* https://www.iana.org/assignments/ppp-numbers. An odd byte ends the number: the first may be left out (RFC 1661, 6.5). */
static enum packet_status parse_ppp_protocol(struct packet *packet, struct cursor *rest)
{
    enum { PPP_IPV4 = 0x0021, PPP_IPV6 = 0x0057, PPP_MPLS = 0x0281, PPP_MPLS_MULTICAST = 0x0283 };
    uint16_t protocol = cursor_u8(rest);
    if (!(protocol & 1))
        protocol = (uint16_t)(protocol << 8 | cursor_u8(rest));
    if (rest->failed)
        return PACKET_SHORT;
    switch (protocol) {
    case PPP_IPV4:
    case PPP_IPV6:
        packet->family = protocol == PPP_IPV4 ? 4 : 6;
        return PACKET_OK;
    case PPP_MPLS:
    case PPP_MPLS_MULTICAST:
        return link_mpls(packet, rest);
    default:
        return PACKET_FOREIGN;
    }
}

/* The framing's address and control byte may be there or not. */
enum packet_status link_ppp(struct packet *packet, struct cursor *rest)
{
    struct cursor ahead = *rest;
    if (cursor_u8(&ahead) == HDLC_ALL_STATIONS) {
        if (cursor_u8(&ahead) == HDLC_UNNUMBERED)
            *rest = ahead;
        else if (ahead.failed)
            return PACKET_SHORT;
    }
    return parse_ppp_protocol(packet, rest);
}

enum packet_status link_c_hdlc(struct packet *packet, struct cursor *rest)
{
    cursor_u16(rest); /* address, control */
    return link_of_ethertype(cursor_u16(rest), packet, rest);
}

/* https://www.tcpdump.org/linktypes.html: the first byte tells PPP from Cisco's. */
enum packet_status link_ppp_hdlc(struct packet *packet, struct cursor *rest)
{
    struct cursor ahead = *rest;
    uint8_t address = cursor_u8(&ahead);
    bool is_cisco = address == CISCO_UNICAST || address == CISCO_MULTICAST;
    return is_cisco ? link_c_hdlc(packet, rest) : link_ppp(packet, rest);
}

static void take_direction(struct packet *packet, struct cursor *rest)
{
    packet->direction = cursor_u8(rest) == 0 ? LINK_INCOMING : LINK_OUTGOING;
}

enum packet_status link_ppp_with_dir(struct packet *packet, struct cursor *rest)
{
    take_direction(packet, rest);
    return link_ppp(packet, rest);
}

/* The direction took the place of the address byte. */
enum packet_status link_ppp_pppd(struct packet *packet, struct cursor *rest)
{
    take_direction(packet, rest);
    struct cursor ahead = *rest;
    if (cursor_u8(&ahead) == HDLC_UNNUMBERED)
        *rest = ahead;
    return link_ppp(packet, rest);
}

enum packet_status link_c_hdlc_with_dir(struct packet *packet, struct cursor *rest)
{
    take_direction(packet, rest);
    return link_c_hdlc(packet, rest);
}
