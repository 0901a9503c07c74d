/* A frame as libpcap has it, and as we have it. */
#ifndef TCP53_CAPTURE_PCAP_FRAME_H
#define TCP53_CAPTURE_PCAP_FRAME_H

#include "dissect/frame.h"

#include <pcap/pcap.h>

/* With nanosecond precision asked for, libpcap puts nanoseconds where the microseconds are. */
static inline struct frame pcap_frame(const struct pcap_pkthdr *head, const uint8_t *bytes, int link_type)
{
    return (struct frame){
        .data = bytes,
        .captured = head->caplen,
        .declared = head->len < head->caplen ? head->caplen : head->len,
        .time_ns = frame_time_ns(head->ts.tv_sec, head->ts.tv_usec),
        .link_type = link_type,
    };
}

/* The head of a record that holds so many of its bytes, for a file of that precision. */
static inline struct pcap_pkthdr pcap_frame_head(const struct frame *frame, uint32_t captured)
{
    return (struct pcap_pkthdr){
        .ts = {frame->time_ns / 1000000000, frame->time_ns % 1000000000}, .caplen = captured, .len = frame->declared};
}

#endif
