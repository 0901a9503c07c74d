/* The kernel's filter of a live capture: what the judge needs, and little else. */
#ifndef TCP53_CAPTURE_PASSES_H
#define TCP53_CAPTURE_PASSES_H

#include <stdint.h>

/*
 * A pcap-filter(7) expression for frames of that link type (by its libpcap number): TCP and UDP of those ports both
 * ways, ICMP and ICMPv6 errors, later fragments of IPv4, IPv6 behind extension headers; as far as the link type has
 * them also behind one or two VLAN tags and in a PPPoE session. The caller frees it; NULL: out of memory.
 */
char *passes_expression(int link_type, const uint16_t *ports, unsigned count);

#endif
