#include "tests/unit/wire.h"

#include <assert.h>
#include <string.h>

enum { DNS_RESPONSE = 0x8000, DNS_TC = 0x0200, DNS_RD = 0x0100, CLASS_IN = 1, TTL_USUAL = 64 };

void wire_bytes(struct wire *wire, const void *bytes, size_t count)
{
    assert(wire->length + count <= WIRE_MOST);
    if (count > 0)
        memcpy(wire->bytes + wire->length, bytes, count);
    wire->length += count;
}

void wire_u8(struct wire *wire, unsigned value)
{
    uint8_t byte = (uint8_t)value;
    wire_bytes(wire, &byte, 1);
}

void wire_u16(struct wire *wire, unsigned value)
{
    wire_u8(wire, value >> 8);
    wire_u8(wire, value);
}

void wire_u32(struct wire *wire, uint32_t value)
{
    wire_u16(wire, value >> 16);
    wire_u16(wire, value & 0xffff);
}

static void wire_tcp(struct wire *wire, const struct wire_packet *packet)
{
    wire_u16(wire, packet->source_port);
    wire_u16(wire, packet->target_port);
    wire_u32(wire, packet->seq);
    wire_u32(wire, packet->ack);
    wire_u8(wire, (unsigned)(5 + packet->option_bytes / 4) << 4);
    wire_u8(wire, packet->flags);
    wire_u16(wire, packet->window);
    wire_u32(wire, 0); /* checksum, urgent pointer */
    wire_bytes(wire, packet->options, packet->option_bytes);
    wire_bytes(wire, packet->payload, packet->payload_bytes);
}

static void wire_udp(struct wire *wire, const struct wire_packet *packet)
{
    wire_u16(wire, packet->source_port);
    wire_u16(wire, packet->target_port);
    wire_u16(wire, (unsigned)(8 + packet->payload_bytes));
    wire_u16(wire, 0);
    wire_bytes(wire, packet->payload, packet->payload_bytes);
}

static void wire_icmp(struct wire *wire, const struct wire_packet *packet)
{
    wire_u8(wire, packet->icmp_type);
    wire_u8(wire, packet->icmp_code);
    wire_u16(wire, 0);
    wire_u32(wire, 0);
    wire_bytes(wire, packet->payload, packet->payload_bytes);
}

static void wire_transport(struct wire *wire, const struct wire_packet *packet)
{
    switch (packet->protocol) {
    case PROTOCOL_UDP:
        wire_udp(wire, packet);
        break;
    case PROTOCOL_ICMP:
    case PROTOCOL_ICMPV6:
        wire_icmp(wire, packet);
        break;
    case 0:
    case PROTOCOL_TCP:
        wire_tcp(wire, packet);
        break;
    default:
        wire_bytes(wire, packet->payload, packet->payload_bytes);
    }
}

static void wire_ipv4(struct wire *wire, const struct wire_packet *packet, const struct wire *inner)
{
    wire_u8(wire, 0x45);
    wire_u8(wire, packet->tos);
    wire_u16(wire, (unsigned)(20 + inner->length));
    wire_u16(wire, packet->ip_id);
    wire_u16(wire, 0x4000); /* don't fragment */
    wire_u8(wire, packet->ttl ? packet->ttl : TTL_USUAL);
    wire_u8(wire, packet->protocol ? packet->protocol : PROTOCOL_TCP);
    wire_u16(wire, 0);
    wire_bytes(wire, (const uint8_t *)packet->source.word + 12, 4);
    wire_bytes(wire, (const uint8_t *)packet->target.word + 12, 4);
}

static void wire_ipv6(struct wire *wire, const struct wire_packet *packet, const struct wire *inner)
{
    wire_u32(wire, 6u << 28 | (uint32_t)packet->tos << 20 | packet->flow_label);
    wire_u16(wire, (unsigned)inner->length);
    wire_u8(wire, packet->protocol ? packet->protocol : PROTOCOL_TCP);
    wire_u8(wire, packet->ttl ? packet->ttl : TTL_USUAL);
    wire_bytes(wire, packet->source.word, 16);
    wire_bytes(wire, packet->target.word, 16);
}

void wire_packet(struct wire *wire, const struct wire_packet *packet)
{
    struct wire inner = {.length = 0};
    wire_transport(&inner, packet);
    if (addr_is_v4(packet->source))
        wire_ipv4(wire, packet, &inner);
    else
        wire_ipv6(wire, packet, &inner);
    wire_bytes(wire, inner.bytes, inner.length);
}

/* What a capital letter stands for; a length is known when all is written. */
static void wire_letter(struct wire *wire, char letter, bool is_v4)
{
    switch (letter) {
    case 'E':
        wire_u16(wire, is_v4 ? 0x0800 : 0x86dd);
        break;
    case 'P':
        wire_u16(wire, is_v4 ? 0x0021 : 0x0057);
        break;
    case 'p':
        wire_u8(wire, is_v4 ? 0x21 : 0x57);
        break;
    case 'N':
        wire_u8(wire, is_v4 ? 1 : 2);
        break;
    default:
        wire_u16(wire, 0);
    }
}

/* Fills in the two bytes at `at`. */
static void put_length(struct wire *wire, size_t at, char kind)
{
    size_t length = wire->length - at;
    switch (kind) {
    case 'S':
        length -= 2;
        break;
    case 'G':
        length -= 6;
        break;
    case 'L':
        length += 2;
        break;
    default:;
    }
    wire->bytes[at + (kind == 'T')] = (uint8_t)(length >> 8);
    wire->bytes[at + (kind != 'T')] = (uint8_t)length;
}

static unsigned digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

void wire_behind(struct wire *wire, const char *headers, const struct wire_packet *packet)
{
    size_t length_at = 0;
    char length_kind = '\0';
    for (const char *c = headers; *c; c++) {
        if (*c == ' ')
            continue;
        if (strchr("SGLBT", *c)) {
            length_at = wire->length;
            length_kind = *c;
        }
        if (strchr("EPpNSGLBT", *c))
            wire_letter(wire, *c, addr_is_v4(packet->source));
        else
            wire_u8(wire, digit(c[0]) << 4 | digit(c[1])), c++;
    }
    wire_packet(wire, packet);
    if (length_kind)
        put_length(wire, length_at, length_kind);
}

void wire_ethernet(struct wire *wire, const struct wire_packet *packet)
{
    static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
    wire_bytes(wire, macs, sizeof macs);
    wire_u16(wire, addr_is_v4(packet->source) ? 0x0800 : 0x86dd);
    wire_packet(wire, packet);
}

void wire_tunnel(struct wire *wire, bool outer_v4, uint8_t protocol, uint16_t port, const char *headers,
                 const struct wire_packet *inner, size_t cut)
{
    struct wire inside = {.length = 0};
    wire_behind(&inside, headers, inner);
    struct wire_packet outer = {.source = wire_addr(outer_v4 ? "203.0.113.1" : "2001:db8:f::1"),
                                .target = wire_addr(outer_v4 ? "203.0.113.2" : "2001:db8:f::2"),
                                .source_port = 50000,
                                .target_port = port,
                                .protocol = protocol,
                                .ttl = 200,
                                .ip_id = 0x1111,
                                .payload = inside.bytes,
                                .payload_bytes = inside.length - cut};
    wire_ethernet(wire, &outer);
}

static void wire_message(struct wire *wire, uint16_t id, unsigned flags, const char *name, uint16_t qtype)
{
    wire_u16(wire, id);
    wire_u16(wire, flags);
    wire_u16(wire, 1);
    wire_u16(wire, 0);
    wire_u32(wire, 0);
    while (*name) {
        size_t label = strcspn(name, ".");
        wire_u8(wire, (unsigned)label);
        wire_bytes(wire, name, label);
        name += label + (name[label] == '.');
    }
    wire_u8(wire, 0);
    wire_u16(wire, qtype);
    wire_u16(wire, CLASS_IN);
}

void wire_query(struct wire *wire, uint16_t id, const char *name, uint16_t qtype)
{
    wire_message(wire, id, DNS_RD, name, qtype);
}

void wire_answer(struct wire *wire, uint16_t id, const char *name, uint16_t qtype, bool truncated, unsigned rcode)
{
    wire_message(wire, id, DNS_RESPONSE | DNS_RD | (truncated ? DNS_TC : 0) | rcode, name, qtype);
}

void wire_prefixed(struct wire *wire, const struct wire *message)
{
    wire_u16(wire, (unsigned)message->length);
    wire_bytes(wire, message->bytes, message->length);
}

struct frame wire_frame(const struct wire *wire, int link_type)
{
    return (struct frame){.data = wire->bytes,
                          .captured = (uint32_t)wire->length,
                          .declared = (uint32_t)wire->length,
                          .time_ns = INT64_C(1700000000000000000),
                          .ref = {.number = 1},
                          .link_type = link_type};
}

struct addr wire_addr(const char *text)
{
    struct addr addr = {{0, 0}};
    bool read = addr_read(text, &addr);
    assert(read);
    (void)read;
    return addr;
}
