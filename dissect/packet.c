#include "dissect/packet.h"

enum packet_status packet_parse(struct packet *packet, const struct frame *frame)
{
    packet->time_ns = frame->time_ns;
    packet->ref = frame->ref;
    packet->note = frame->note;
    packet->cut = frame->captured < frame->declared;
    struct cursor rest;
    enum packet_status status = link_parse(packet, frame, &rest);
    if (status != PACKET_OK)
        return status;
    return network_parse(packet, &rest, frame->declared > frame->captured ? frame->declared - frame->captured : 0);
}
