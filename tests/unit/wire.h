/* Packets composed byte by byte, as a capture would hold them. */
#ifndef TCP53_TESTS_WIRE_H
#define TCP53_TESTS_WIRE_H

#include "dissect/packet.h"

enum { WIRE_MOST = 4096 };

/* Bytes written one after the other. */
struct wire {
    size_t length;
    uint8_t bytes[WIRE_MOST];
};

void wire_u8(struct wire *wire, unsigned value);
void wire_u16(struct wire *wire, unsigned value);
void wire_u32(struct wire *wire, uint32_t value);
void wire_bytes(struct wire *wire, const void *bytes, size_t count);

/* What a test says of a packet. Zero stands for the usual: TCP, TTL 64, no options, no payload. */
struct wire_packet {
    struct addr source, target;
    uint16_t source_port, target_port;
    uint8_t protocol, ttl, tos;
    uint16_t ip_id;
    uint32_t flow_label;
    uint32_t seq, ack;
    uint16_t window;
    uint8_t flags;
    uint8_t icmp_type, icmp_code;
    const void *options; /* of TCP; a multiple of four bytes */
    size_t option_bytes;
    const void *payload; /* of ICMP: what is quoted; of a protocol that is not written here: all of it */
    size_t payload_bytes;
};

/* Appends the packet from its IP header on (version by the source address). Checksums are 0: nothing reads them. */
void wire_packet(struct wire *wire, const struct wire_packet *packet);
/*
 * Appends headers, as hexadecimal digits, and the packet behind them, of which capital letters stand for
 *     E     its Ethernet type
 *     P, p  its PPP protocol, in two bytes or one
 *     N     its number as VXLAN-GPE counts: 1 for IPv4, 2 for IPv6
 *     S     how many bytes follow these two; G: less four, as GTP counts; L: and four more, as L2TP counts
 *     B, T  how many bytes there are from these on, in either order of bytes: an attribute's length
 */
void wire_behind(struct wire *wire, const char *headers, const struct wire_packet *packet);
/* The same behind an Ethernet header. */
void wire_ethernet(struct wire *wire, const struct wire_packet *packet);
/*
 * Appends an Ethernet frame of an outer packet (IP protocol, or 17 and the port to which it goes; TTL 200) that carries
 * the headers and the inner packet, as wire_behind() has them, without the last `cut` bytes of it.
 */
void wire_tunnel(struct wire *wire, bool outer_v4, uint8_t protocol, uint16_t port, const char *headers,
                 const struct wire_packet *inner, size_t cut);

/* A DNS query with one question; the name is given in presentation format without escapes. */
void wire_query(struct wire *wire, uint16_t id, const char *name, uint16_t qtype);
/* An answer without records, TC and rcode as given. */
void wire_answer(struct wire *wire, uint16_t id, const char *name, uint16_t qtype, bool truncated, unsigned rcode);
/* Appends a message behind its two-byte length, as TCP carries it. */
void wire_prefixed(struct wire *wire, const struct wire *message);

/* The bytes as a reader would hand them over: frame 1, all captured. */
struct frame wire_frame(const struct wire *wire, int link_type);

/* Text to address; the text must be one. */
struct addr wire_addr(const char *text);

#endif
