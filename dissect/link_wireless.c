/*
 * Wireless LAN (IEEE 802.11) as it is on the air, and the headers that receivers put before it: radiotap, Prism, AVS.
 * Only data frames in the clear say anything here: what is encrypted is foreign.
 */
#include "dissect/link.h"

enum {
    CONTROL_VERSION_AND_TYPE = 0x0f, /* of the first byte; the type is in the upper two bits */
    CONTROL_DATA = 0x08,
    CONTROL_NO_DATA = 0x40,
    CONTROL_QOS = 0x80,
    CONTROL_TO_DS = 0x01, /* of the second byte */
    CONTROL_FROM_DS = 0x02,
    CONTROL_PROTECTED = 0x40,
    CONTROL_ORDER = 0x80, /* in QoS frames: an HT control field follows */
    SEQUENCE = 22,        /* offsets in the header */
    ADDRESS_2 = 10,
    ADDRESS_3 = 16,
    ADDRESS_4 = 24,
    HEADER = 24,
};

/* Which of the addresses is the sender's, by IEEE 802.11-2020, table 9-30. */
static size_t sender_at(uint8_t flags)
{
    if (!(flags & CONTROL_FROM_DS))
        return ADDRESS_2;
    return flags & CONTROL_TO_DS ? ADDRESS_4 : ADDRESS_3;
}

/* An aggregate of several: the first is taken. IEEE 802.11-2020, 9.3.2.2: target, sender, length, then LLC. */
static enum packet_status parse_aggregate(struct packet *packet, struct cursor *rest)
{
    const uint8_t *subframe = cursor_take(rest, 14);
    if (!subframe)
        return PACKET_SHORT;
    packet->source_mac = link_mac(subframe + 6);
    return link_llc(packet, rest);
}

/* `padded`: the receiver made the header's length a multiple of four. */
static enum packet_status parse_frame(struct packet *packet, struct cursor *rest, bool padded)
{
    enum { QOS_AGGREGATE = 0x80 };
    struct cursor ahead = *rest;
    uint8_t kind = cursor_u8(&ahead), flags = cursor_u8(&ahead);
    if (ahead.failed)
        return PACKET_SHORT;
    if ((kind & CONTROL_VERSION_AND_TYPE) != CONTROL_DATA || (kind & CONTROL_NO_DATA) || (flags & CONTROL_PROTECTED))
        return PACKET_FOREIGN;
    bool is_relayed = (flags & CONTROL_TO_DS) && (flags & CONTROL_FROM_DS), has_qos = kind & CONTROL_QOS;
    size_t qos_at = HEADER + (is_relayed ? 6 : 0);
    size_t length = qos_at + (has_qos ? 2 : 0) + (has_qos && (flags & CONTROL_ORDER) ? 4 : 0);
    const uint8_t *header = cursor_take(rest, length);
    if (!header)
        return PACKET_SHORT;
    if (header[SEQUENCE] & 0x0f) /* a later fragment */
        return PACKET_FOREIGN;
    packet->source_mac = link_mac(header + sender_at(flags));
    if (padded)
        cursor_take(rest, (4 - length % 4) % 4);
    if (has_qos && (header[qos_at] & QOS_AGGREGATE))
        return parse_aggregate(packet, rest);
    return link_llc(packet, rest);
}

enum packet_status link_wireless(struct packet *packet, struct cursor *rest)
{
    return parse_frame(packet, rest, false);
}

/* https://www.radiotap.org/fields/Flags.html. `fields` begins at the words that say which fields there are, at byte 4. */
static bool radiotap_is_padded(struct cursor fields)
{
    const uint32_t has_time = 1, has_flags = 2, has_more = (uint32_t)1 << 31;
    uint32_t present = cursor_u32_little(&fields), more = present;
    unsigned words = 1;
    for (; (more & has_more) && !fields.failed; words++)
        more = cursor_u32_little(&fields);
    if (present & has_time)
        cursor_take(&fields, words % 2 ? 8 : 12); /* its eight bytes are aligned */
    return (present & has_flags) && (cursor_u8(&fields) & 0x20);
}

/* https://www.radiotap.org: version 0, padding, length; all little-endian. */
enum packet_status link_radiotap(struct packet *packet, struct cursor *rest)
{
    struct cursor ahead = *rest;
    uint8_t version = cursor_u8(&ahead);
    cursor_u8(&ahead);
    uint16_t length = cursor_u16_little(&ahead);
    if (!cursor_take(rest, length) || ahead.failed)
        return PACKET_SHORT;
    if (version != 0 || length < 8)
        return PACKET_FOREIGN;
    cursor_limit(&ahead, length - 4u);
    return parse_frame(packet, rest, radiotap_is_padded(ahead));
}

/* https://www.tcpdump.org/linktypes/LINKTYPE_IEEE802_11_AVS.html: version, length, both big-endian. */
enum packet_status link_avs(struct packet *packet, struct cursor *rest)
{
    enum { AVS_LEAST = 8 };
    struct cursor ahead = *rest;
    cursor_u32(&ahead);
    uint32_t length = cursor_u32(&ahead);
    if (ahead.failed)
        return PACKET_SHORT;
    if (length < AVS_LEAST)
        return PACKET_FOREIGN;
    return cursor_take(rest, length) ? parse_frame(packet, rest, false) : PACKET_SHORT;
}

/*
 * https://www.tcpdump.org/linktypes/LINKTYPE_IEEE802_11_PRISM.html: message code and length in the order of the host that
 * captured, of which a length of a few hundred bytes tells. The newer header may come under this number too.
 */
enum packet_status link_prism(struct packet *packet, struct cursor *rest)
{
    const uint32_t avs_cookie = 0x80211000;
    struct cursor ahead = *rest;
    uint32_t code = cursor_u32(&ahead);
    struct cursor big_endian = ahead;
    uint32_t length = cursor_u32_little(&ahead);
    if (ahead.failed)
        return PACKET_SHORT;
    if ((code & 0xfffff000) == avs_cookie)
        return link_avs(packet, rest);
    if (length > UINT16_MAX)
        length = cursor_u32(&big_endian);
    if (length < 8)
        return PACKET_FOREIGN;
    return cursor_take(rest, length) ? parse_frame(packet, rest, false) : PACKET_SHORT;
}
