#include "capture/input.h"

#include "capture/reader.h"
#include "dissect/frame.h"

#include <pcap/pcap.h>
#include <stdio.h>

const char *input_link_name(int link_type, char name[INPUT_LINK_NAME])
{
    /* libpcap knows raw IP by its own number only */
    const char *known = pcap_datalink_val_to_name(link_type == LINK_RAW ? LINK_RAW_DLT : link_type);
    if (!known)
        known = wiretap_link_name(link_type);
    if (known)
        snprintf(name, INPUT_LINK_NAME, "%s", known);
    else
        snprintf(name, INPUT_LINK_NAME, "%d", link_type);
    return name;
}

void input_count(struct input *input, const struct frame *frame)
{
    bool first = input->frames++ == 0;
    input->bytes += frame->captured;
    input->cut += frame->captured < frame->declared;
    if (first || frame->time_ns < input->first_ns)
        input->first_ns = frame->time_ns;
    if (first || frame->time_ns > input->last_ns)
        input->last_ns = frame->time_ns;
}
