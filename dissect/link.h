/* Links, and what may stand between a link's header and IP. For the files of dissect/ that step over such headers. */
#ifndef TCP53_DISSECT_LINK_H
#define TCP53_DISSECT_LINK_H

#include "dissect/packet.h"
#include "dissect/tunnel.h"

/*
 * Steps over one kind of header and all within it. PACKET_OK: `rest` is at an IP header, and `packet->family` says of
 * which version. PACKET_SHORT: the bytes at `rest` ended first.
 */
typedef enum packet_status link_parser(struct packet *packet, struct cursor *rest);

/* link.c: an IP header of either version; Ethernet and the like. */
link_parser link_raw;
/* A frame within a frame: the outer one tells direction and loopback, the inner one the sender. */
enum packet_status link_inner(int link_type, struct packet *packet, struct cursor *rest);
/* Whatever an Ethernet type announces (https://www.iana.org/assignments/ieee-802-numbers), tags first. */
enum packet_status link_of_ethertype(uint16_t ethertype, struct packet *packet, struct cursor *rest);

/* link_shim.c: what is neither IP nor a tag; LLC with SNAP; PPPoE; MPLS. */
enum packet_status link_of_shim(uint16_t ethertype, struct packet *packet, struct cursor *rest);
link_parser link_llc, link_pppoe, link_mpls;

/* link_serial.c */
link_parser link_ppp, link_ppp_hdlc, link_ppp_pppd, link_ppp_with_dir, link_c_hdlc, link_c_hdlc_with_dir;

/* link_wireless.c */
link_parser link_wireless, link_radiotap, link_prism, link_avs;

/* link_record.c */
link_parser link_token_ring, link_fddi, link_ppi, link_nflog, link_pflog, link_enc, link_erf;

/* Counts a header that others of its kind may be nested in; false when there are too many. */
static inline bool link_deeper(struct packet *packet)
{
    enum { SHIMS_MOST = 24 };
    return packet->shims++ < SHIMS_MOST;
}

static inline uint64_t link_mac(const uint8_t *b)
{
    return (uint64_t)b[0] << 40 | (uint64_t)b[1] << 32 | (uint64_t)b[2] << 24 | (uint64_t)b[3] << 16 |
           (uint64_t)b[4] << 8 | b[5];
}

#endif
