/*
 * What one frame says: link, network and transport headers read into plain values. Where IP carries IP, the innermost
 * header's values count, down to the ports; the outer ones were read by other hosts than the client and the server.
 */
#ifndef TCP53_DISSECT_PACKET_H
#define TCP53_DISSECT_PACKET_H

#include "dissect/addr.h"
#include "dissect/cursor.h"
#include "dissect/frame.h"

/* How far a frame could be read. SHORT blames the capture (it ended), BAD the sender (it wrote nonsense). */
enum packet_status {
    PACKET_OK,
    PACKET_SHORT,
    PACKET_BAD,
    PACKET_FRAGMENT, /* a piece of an IP packet: `fragment` says which, `payload` holds it */
    PACKET_FOREIGN,  /* not IP, or a transport that says nothing here (ARP, ESP, ...) */
    PACKET_LINK_UNKNOWN,
    PACKET_STATUSES
};

enum { PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_ICMPV6 = 58 };

enum tcp_flag { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_PSH = 0x08, TCP_ACK = 0x10, TCP_URG = 0x20 };

/* The head of the packet that an ICMP error sends back (RFC 792, RFC 4443). */
struct packet_quote {
    struct addr source, target;
    uint16_t source_port, target_port;
    uint32_t seq;
    bool has_seq;
    bool cut;         /* the capture ends within the quote */
    uint8_t protocol; /* 0: nothing usable was quoted */
    uint8_t ttl;
};

/* Where the payload of a fragment belongs (RFC 791, 3.2; RFC 8200, 4.5). */
struct packet_fragment {
    uint32_t id;     /* IPv4: 16 bits */
    uint16_t offset; /* bytes, a multiple of 8 */
    bool more;       /* it is not the last */
};

struct packet {
    int64_t time_ns;
    struct frame_ref ref;

    uint64_t source_mac; /* 48 bits, of the innermost link that has any; 0 when none has */
    enum link_direction direction;
    bool loopback; /* the frame was seen on a loopback device */
    uint8_t note;  /* the frame's */
    bool cut;      /* the capture holds only a part of the frame */

    uint8_t shims;     /* headers passed that a link's header may be nested in; bounds the reading */
    uint8_t outer_ips; /* IP headers outside the one whose fields follow */
    uint32_t tunnels;  /* what the packet was carried in: a bit, 1 << enum tunnel, for each */

    struct addr source, target;
    uint32_t flow_label; /* IPv6 only */
    uint16_t ip_id;      /* IPv4 only */
    uint8_t family;      /* 4 or 6 */
    uint8_t protocol;    /* of a fragment: what the whole payload begins with */
    uint8_t ttl;         /* or hop limit */
    uint8_t tos;         /* or traffic class */
    bool dont_fragment;
    struct packet_fragment fragment; /* only for PACKET_FRAGMENT */

    uint16_t source_port, target_port;
    uint32_t seq, ack; /* TCP only, as are the next four */
    uint16_t window;
    uint8_t flags;         /* enum tcp_flag */
    struct cursor options; /* what the capture holds of them */
    bool options_cut;      /* it does not hold all */

    uint8_t icmp_type, icmp_code;
    struct packet_quote quote; /* filled for ICMP errors only */

    struct cursor payload;     /* what the capture holds of it */
    uint32_t payload_declared; /* what its sender sent: the number for sequence arithmetic */
};

/* TCP options that tell stacks apart (RFC 9293, RFC 7323, RFC 2018). */
struct tcp_options {
    uint32_t tsval, tsecr;
    uint16_t mss;
    uint8_t window_scale;
    bool has_timestamps, has_mss, has_window_scale, sack_permitted;
};

/* Reads a whole frame. Fields of layers that were not reached are unspecified unless the status is PACKET_OK. */
enum packet_status packet_parse(struct packet *packet, const struct frame *frame);

/* True when frames of this link type can be read. */
bool packet_knows_link(int link_type);

/* Reads the options of a TCP packet; nonsense ends the reading, what came before it counts. */
struct tcp_options packet_tcp_options(const struct packet *packet);

/* True for ICMP types that report an error about a quoted packet. */
bool packet_is_icmp_error(const struct packet *packet);

/*
 * Reads what an IP packet carries, once `packet` has the fields of its IP header: IPv6 extension headers, then the
 * transport. `rest` is what the capture holds of it, `declared` the bytes that its sender sent. PACKET_FRAGMENT: it is
 * a piece of another packet.
 */
enum packet_status packet_parse_payload(struct packet *packet, struct cursor rest, uint32_t declared);

/* The layers, each hands on a smaller cursor. Only the files of these layers call them. */
enum packet_status link_parse(struct packet *packet, const struct frame *frame, struct cursor *rest);
enum packet_status network_parse(struct packet *packet, struct cursor *rest, uint32_t beyond);
enum packet_status transport_parse(struct packet *packet, struct cursor rest, uint32_t declared);

#endif
