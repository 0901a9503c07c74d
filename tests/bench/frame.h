/*
 * frame.h - turns packet descriptions into frames of a pcap file.
 */
#ifndef TCP53_TESTS_BENCH_FRAME_H
#define TCP53_TESTS_BENCH_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum tcp_flag {
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_RST = 0x04,
    TCP_PSH = 0x08,
    TCP_ACK = 0x10,
};

enum tcp_options {
    OPTIONS_NONE,
    OPTIONS_SYN,  /* MSS, SACK permitted, timestamps, window scale */
    OPTIONS_STAMP /* timestamps only */
};

struct packet {
    uint64_t time_us;
    const uint8_t *source; /* 4 or 16 bytes of address, see six */
    const uint8_t *target;
    const uint8_t *payload;
    size_t payload_size;
    uint32_t seq;
    uint32_t ack;
    uint32_t stamp;
    uint32_t stamp_echo;
    uint16_t source_port;
    uint16_t target_port;
    uint16_t window;
    uint16_t ip_id;
    uint8_t ttl;
    uint8_t tcp_flags;
    enum tcp_options options;
    bool six;
    bool udp;
    bool fragmented; /* IPv4: the datagram in two pieces */
    bool inbound;    /* came in over the wire, so it is padded to 60 bytes */
};

struct capture {
    FILE *file;
    uint8_t *buffer;
    size_t used;
    uint64_t frames;
    uint64_t bytes; /* of the frames, without pcap headers */
    bool failed;
};

/* Both return false if the file cannot be written; "-" is standard output. */
bool capture_open(struct capture *capture, const char *path);
bool capture_close(struct capture *capture);

/* Appends one frame; a write error shows in capture_close. */
void capture_put(struct capture *capture, const struct packet *packet);

#endif
