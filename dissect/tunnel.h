/* Tunnels: what may carry an IP packet beside a link's own header, and the reading of those over IP. */
#ifndef TCP53_DISSECT_TUNNEL_H
#define TCP53_DISSECT_TUNNEL_H

#include "dissect/packet.h"

/* The first few are the link's; the others have an IP header outside, and hide from TTLs the routers between its hosts. */
enum tunnel {
    TUNNEL_PPPOE,
    TUNNEL_MPLS,
    TUNNEL_PBB,
    TUNNEL_IP_IN_IP,
    TUNNEL_6IN4,
    TUNNEL_IP_IN_IPV6, /* either version of IP in IPv6 */
    TUNNEL_MPLS_IN_IP,
    TUNNEL_ETHERIP,
    TUNNEL_GRE, /* not counted where one of the next three says more */
    TUNNEL_PPTP,
    TUNNEL_WCCP,
    TUNNEL_ERSPAN,
    TUNNEL_VXLAN,
    TUNNEL_GENEVE,
    TUNNEL_TZSP,
    TUNNEL_GTP,
    TUNNEL_TEREDO,
    TUNNEL_L2TP,
    TUNNEL_MPLS_IN_UDP,
    TUNNELS
};

/* What people call it: "GRE". */
const char *tunnel_name(enum tunnel tunnel);

/* True of tunnels over IP, false of what a link has between its header and IP. */
static inline bool tunnel_hides_routers(enum tunnel tunnel)
{
    return tunnel >= TUNNEL_IP_IN_IP;
}

static inline void tunnel_note(struct packet *packet, enum tunnel tunnel)
{
    packet->tunnels |= (uint32_t)1 << tunnel;
}

/*
 * Go on behind an IP header (transport.c calls them), or behind a UDP header that was read, where another packet may be;
 * `declared` bytes follow it on the wire. A protocol that is no tunnel is PACKET_FOREIGN. A datagram without an IP header
 * where the tunnel of its port has one stays what it was: PACKET_OK.
 */
enum packet_status tunnel_of_protocol(struct packet *packet, struct cursor rest, uint32_t declared);
enum packet_status tunnel_of_udp(struct packet *packet, uint32_t declared);

/* Reads the inner packet at `rest`, of which `beyond` bytes on the wire lie beyond the capture. */
enum packet_status tunnel_enter(struct packet *packet, struct cursor *rest, uint32_t beyond);

#endif
