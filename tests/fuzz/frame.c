/* Fuzzes packet_parse(): the first byte picks the link type, the second how much is cut off the frame, which follows. */
#include "dissect/packet.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int link_types[] = {LINK_ETHERNET, LINK_RAW,  LINK_RAW_DLT,   LINK_IPV4,       LINK_IPV6,
                                 LINK_NULL,     LINK_LOOP, LINK_LINUX_SLL, LINK_LINUX_SLL2, -1};
enum { LINK_TYPES = sizeof link_types / sizeof *link_types };

/* Whatever the sender wrote, a view lies within what was captured. */
static void check_view(const struct cursor *view, const struct frame *frame)
{
    if (view->left == 0)
        return;
    if (view->at < frame->data || view->left > (size_t)(frame->data + frame->captured - view->at))
        abort();
}

static enum packet_status parse(const struct frame *frame)
{
    struct packet packet;
    enum packet_status status = packet_parse(&packet, frame);
    if (status == PACKET_OK || status == PACKET_FRAGMENT)
        check_view(&packet.payload, frame);
    if (status != PACKET_OK)
        return status;
    if (packet.protocol == PROTOCOL_TCP) {
        check_view(&packet.options, frame);
        packet_tcp_options(&packet);
    }
    packet_is_icmp_error(&packet);
    return status;
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
    enum packet_status whole = parse(&frame);
    frame.captured -= data[1] < length ? data[1] : length;
    enum packet_status cut = parse(&frame);
    if (cut == PACKET_BAD && whole != PACKET_BAD)
        abort(); /* the capture's end is no fault of the sender */
    return 0;
}
