/*
 * Fuzzes packet_parse(): the first byte picks the link type, the second how much is cut off the frame, which follows.
 * Cutting may hide what the frame says, but not change it.
 */
#include "dissect/packet.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* New ones go to the end: saved inputs name them by their place. */
static const int link_types[] = {
    LINK_ETHERNET,
    LINK_RAW,
    LINK_RAW_DLT,
    LINK_IPV4,
    LINK_IPV6,
    LINK_NULL,
    LINK_LOOP,
    LINK_LINUX_SLL,
    LINK_LINUX_SLL2,
    -1,
    LINK_PPP,
    LINK_PPP_HDLC,
    LINK_PPP_ETHER,
    LINK_C_HDLC,
    LINK_PPP_PPPD,
    LINK_PPP_WITH_DIR,
    LINK_C_HDLC_WITH_DIR,
    LINK_TOKEN_RING,
    LINK_FDDI,
    LINK_WIRELESS,
    LINK_PRISM,
    LINK_RADIOTAP,
    LINK_AVS,
    LINK_PPI,
    LINK_NFLOG,
    LINK_PFLOG,
    LINK_ENC,
    LINK_MPLS,
    LINK_ERF,
};
enum { LINK_TYPES = sizeof link_types / sizeof *link_types };

/* Whatever the sender wrote, a view lies within what was captured. */
static void check_view(const struct cursor *view, const struct frame *frame)
{
    if (view->left == 0)
        return;
    if (view->at < frame->data || view->left > (size_t)(frame->data + frame->captured - view->at))
        abort();
}

static enum packet_status parse(struct packet *packet, const struct frame *frame)
{
    enum packet_status status = packet_parse(packet, frame);
    if (status == PACKET_OK || status == PACKET_FRAGMENT)
        check_view(&packet->payload, frame);
    if (status != PACKET_OK)
        return status;
    if (packet->protocol == PROTOCOL_TCP) {
        check_view(&packet->options, frame);
        packet_tcp_options(packet);
    }
    packet_is_icmp_error(packet);
    return status;
}

static bool same(const struct packet *a, const struct packet *b)
{
    return a->ttl == b->ttl && a->protocol == b->protocol && a->source_port == b->source_port &&
           a->target_port == b->target_port && a->tunnels == b->tunnels && a->outer_ips == b->outer_ips &&
           a->source_mac == b->source_mac && addr_same(a->source, b->source) && addr_same(a->target, b->target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    uint32_t length = (uint32_t)size - 2;
    struct frame frame = {.data = data + 2,
                          .captured = length,
                          .declared = length + data[1],
                          .link_type = link_types[data[0] % LINK_TYPES]};
    struct packet whole, cut;
    enum packet_status whole_status = parse(&whole, &frame);
    frame.captured -= data[1] < length ? data[1] : length;
    enum packet_status cut_status = parse(&cut, &frame);
    if (cut_status != PACKET_SHORT && cut_status != whole_status)
        abort(); /* the capture's end is no fault of the sender */
    if (cut_status == PACKET_OK && !same(&whole, &cut))
        abort();
    return 0;
}
