/* A captured frame as a reader hands it over, and how a report refers to one. */
#ifndef TCP53_DISSECT_FRAME_H
#define TCP53_DISSECT_FRAME_H

#include <stdint.h>

/* Which frame of which input. Numbers count from 1 within an input, as Wireshark numbers them; 0 is "never seen". */
struct frame_ref {
    uint64_t number : 48;
    uint64_t input : 16;
};

/* Link types that the parser knows, by their number in the tcpdump.org registry (and libpcap's own DLT_RAW, 12). */
enum link_type {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_TOKEN_RING = 6,
    LINK_PPP = 9,
    LINK_FDDI = 10,
    LINK_RAW_DLT = 12,
    LINK_PPP_HDLC = 50,
    LINK_PPP_ETHER = 51,
    LINK_RAW = 101,
    LINK_C_HDLC = 104,
    LINK_WIRELESS = 105, /* IEEE 802.11 */
    LINK_LOOP = 108,
    LINK_ENC = 109,
    LINK_LINUX_SLL = 113,
    LINK_PFLOG = 117,
    LINK_PRISM = 119,
    LINK_RADIOTAP = 127,
    LINK_AVS = 163,
    LINK_PPP_PPPD = 166,
    LINK_PPI = 192,
    LINK_ERF = 197,
    LINK_PPP_WITH_DIR = 204,
    LINK_C_HDLC_WITH_DIR = 205,
    LINK_MPLS = 219,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_NFLOG = 239,
    LINK_LINUX_SLL2 = 276,
};

/* Whom the capturing host says a frame was for, as some link layers and files tell. */
enum link_direction { LINK_DIRECTION_UNKNOWN, LINK_INCOMING, LINK_OUTGOING, LINK_OVERHEARD };

/*
 * Times beyond half of what 64 bits of nanoseconds hold stay there (the year 2116; a pcap file ends in 2106), so that
 * deadlines can be added to them and differences taken.
 */
static inline int64_t frame_time_ns(int64_t seconds, int64_t rest_ns)
{
    const int64_t billion = 1000000000, most = INT64_MAX / 2 / billion - 1;
    return (seconds > most ? most : seconds < -most ? -most : seconds) * billion + rest_ns;
}

/* Moves a time when the clock was set; 0 and INT64_MIN are times that there are none of. */
static inline void frame_time_shift(int64_t *time_ns, int64_t step_ns)
{
    if (*time_ns != 0 && *time_ns != INT64_MIN)
        *time_ns += step_ns;
}

/* A view into the reader's buffer: gone at the reader's next call. */
struct frame {
    const uint8_t *data;
    uint32_t captured; /* bytes at `data` */
    uint32_t declared; /* bytes the frame had on the wire */
    int64_t time_ns;   /* since 1970-01-01 UTC */
    struct frame_ref ref;
    int link_type;     /* enum link_type, or a number the parser does not know */
    uint8_t direction; /* enum link_direction, as the file tells it */
    uint8_t trace;     /* frames of one trace are in order of time; traces follow one another by their numbers */
    uint8_t note;      /* number of what the file says of the frame in words; 0: nothing */
};

#endif
