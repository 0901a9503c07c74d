/* Transport layer: TCP with options (RFC 9293), UDP (RFC 768), ICMP (RFC 792), ICMPv6 (RFC 4443). */
#include "dissect/dns.h"
#include "dissect/packet.h"
#include "dissect/tunnel.h"

enum { TCP_HEADER = 20, UDP_HEADER = 8 };

static enum packet_status parse_tcp(struct packet *packet, struct cursor rest, uint32_t declared)
{
    const uint8_t *h = cursor_take(&rest, TCP_HEADER);
    if (!h)
        return declared < TCP_HEADER ? PACKET_BAD : PACKET_SHORT;
    uint32_t header = (uint32_t)(h[12] >> 4) * 4;
    if (header < TCP_HEADER || header > declared)
        return PACKET_BAD;
    packet->source_port = (uint16_t)(h[0] << 8 | h[1]);
    packet->target_port = (uint16_t)(h[2] << 8 | h[3]);
    packet->seq = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];
    packet->ack = (uint32_t)h[8] << 24 | (uint32_t)h[9] << 16 | (uint32_t)h[10] << 8 | h[11];
    packet->flags = h[13] & 0x3f;
    packet->window = (uint16_t)(h[14] << 8 | h[15]);
    packet->options = rest;
    cursor_limit(&packet->options, header - TCP_HEADER);
    packet->options_cut = packet->options.left < header - TCP_HEADER;
    packet->payload_declared = declared - header;
    /* a snapshot length that ends within the options leaves the fixed header, which is what matters, whole */
    if (!cursor_take(&rest, header - TCP_HEADER))
        rest = cursor_of(h, 0);
    packet->payload = rest;
    return PACKET_OK;
}

static enum packet_status parse_udp(struct packet *packet, struct cursor rest, uint32_t declared)
{
    const uint8_t *h = cursor_take(&rest, UDP_HEADER);
    if (!h)
        return declared < UDP_HEADER ? PACKET_BAD : PACKET_SHORT;
    packet->source_port = (uint16_t)(h[0] << 8 | h[1]);
    packet->target_port = (uint16_t)(h[2] << 8 | h[3]);
    uint32_t length = (uint32_t)(h[4] << 8 | h[5]);
    if (length == 0)
        length = declared; /* RFC 2675: a jumbogram, or an offloaded super-packet */
    if (length < UDP_HEADER)
        return PACKET_BAD;
    packet->payload_declared = length - UDP_HEADER;
    packet->options = cursor_of(h, 0);
    packet->payload = rest;
    cursor_limit(&packet->payload, packet->payload_declared);
    /* a client may ask from any port, also from one that a tunnel has */
    if (packet->target_port == DNS_PORT || packet->source_port == DNS_PORT)
        return PACKET_OK;
    return tunnel_of_udp(packet, declared - UDP_HEADER);
}

bool packet_is_icmp_error(const struct packet *packet)
{
    if (packet->protocol == PROTOCOL_ICMP)
        return packet->icmp_type == 3 || packet->icmp_type == 4 || packet->icmp_type == 5 || packet->icmp_type == 11 ||
               packet->icmp_type == 12;
    return packet->protocol == PROTOCOL_ICMPV6 && packet->icmp_type >= 1 && packet->icmp_type <= 4;
}

/* The ports, and for TCP the sequence number, are in the first eight bytes, which every error quotes. */
static void quote_transport(struct packet_quote *quote, struct cursor rest)
{
    quote->source_port = cursor_u16(&rest);
    quote->target_port = cursor_u16(&rest);
    if (rest.failed) {
        quote->protocol = 0;
        return;
    }
    quote->seq = cursor_u32(&rest);
    quote->has_seq = !rest.failed && quote->protocol == PROTOCOL_TCP;
}

static void quote_ipv4(struct packet_quote *quote, struct cursor rest)
{
    const uint8_t *h = cursor_take(&rest, 20);
    uint32_t header = h ? (h[0] & 0x0fu) * 4 : 0;
    if (!h || h[0] >> 4 != 4 || header < 20 || !cursor_take(&rest, header - 20))
        return;
    quote->ttl = h[8];
    quote->protocol = h[9];
    quote->source = addr_v4(h + 12);
    quote->target = addr_v4(h + 16);
    quote_transport(quote, rest);
}

static void quote_ipv6(struct packet_quote *quote, struct cursor rest)
{
    const uint8_t *h = cursor_take(&rest, 40);
    if (!h || h[0] >> 4 != 6)
        return;
    quote->ttl = h[7];
    quote->protocol = h[6];
    quote->source = addr_v6(h + 8);
    quote->target = addr_v6(h + 24);
    quote_transport(quote, rest);
}

static enum packet_status parse_icmp(struct packet *packet, struct cursor rest, uint32_t declared)
{
    enum { ICMP_HEADER = 4 };
    if (declared < ICMP_HEADER)
        return PACKET_BAD;
    packet->icmp_type = cursor_u8(&rest);
    packet->icmp_code = cursor_u8(&rest);
    packet->quote = (struct packet_quote){.protocol = 0};
    packet->source_port = packet->target_port = 0;
    packet->payload = rest;
    packet->payload_declared = (uint32_t)rest.left;
    if (rest.failed)
        return PACKET_SHORT;
    if (packet_is_icmp_error(packet)) {
        packet->quote.cut = rest.left + 2 < declared; /* type and code were taken */
        cursor_take(&rest, 6);                        /* checksum and the word that depends on the type */
        if (packet->protocol == PROTOCOL_ICMP)
            quote_ipv4(&packet->quote, rest);
        else
            quote_ipv6(&packet->quote, rest);
    }
    return PACKET_OK;
}

enum packet_status transport_parse(struct packet *packet, struct cursor rest, uint32_t declared)
{
    switch (packet->protocol) {
    case PROTOCOL_TCP:
        return parse_tcp(packet, rest, declared);
    case PROTOCOL_UDP:
        return parse_udp(packet, rest, declared);
    case PROTOCOL_ICMP:
    case PROTOCOL_ICMPV6:
        return parse_icmp(packet, rest, declared);
    default:
        return tunnel_of_protocol(packet, rest, declared);
    }
}

enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_MSS = 2, OPTION_SCALE = 3, OPTION_SACK_OK = 4, OPTION_TIMESTAMPS = 8 };

static void take_option(struct tcp_options *options, uint8_t kind, struct cursor value)
{
    if (kind == OPTION_TIMESTAMPS && value.left == 8) {
        options->has_timestamps = true;
        options->tsval = cursor_u32(&value);
        options->tsecr = cursor_u32(&value);
    } else if (kind == OPTION_MSS && value.left == 2) {
        options->has_mss = true;
        options->mss = cursor_u16(&value);
    } else if (kind == OPTION_SCALE && value.left == 1) {
        options->has_window_scale = true;
        options->window_scale = cursor_u8(&value);
    } else if (kind == OPTION_SACK_OK && value.left == 0) {
        options->sack_permitted = true;
    }
}

struct tcp_options packet_tcp_options(const struct packet *packet)
{
    struct tcp_options options = {0};
    struct cursor rest = packet->options;
    while (rest.left > 0) {
        uint8_t kind = cursor_u8(&rest);
        if (kind == OPTION_NOP)
            continue;
        uint8_t length = kind == OPTION_END ? 0 : cursor_u8(&rest);
        if (length < 2)
            break;
        const uint8_t *value = cursor_take(&rest, length - 2u);
        if (!value)
            break;
        take_option(&options, kind, cursor_of(value, length - 2u));
    }
    return options;
}
