/*
 * frame.c - writes Ethernet frames with IPv4 or IPv6 and TCP or UDP, with all
 * lengths and checksums right, to a classic little-endian microsecond pcap
 * file.
 */
#include "tests/bench/frame.h"

#include <stdlib.h>
#include <string.h>

enum {
    BUFFER_SIZE = 1 << 20,
    FRAME_ROOM = 4096, /* more than the largest frame and its pcap header */
    RECORD_HEADER = 16,
    ETHER_HEADER = 14,
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    TCP_HEADER = 20,
    UDP_HEADER = 8,
    FRAME_MIN = 60,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    DEFAULT_WINDOW_SCALE = 7,
};

static const size_t option_sizes[] = {
    [OPTIONS_NONE] = 0,
    [OPTIONS_SYN] = 20,
    [OPTIONS_STAMP] = 12,
};

static void put_le32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)(value >> 16);
    at[3] = (uint8_t)(value >> 24);
}

static void put_be16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put_be32(uint8_t *at, uint32_t value)
{
    put_be16(at, value >> 16);
    put_be16(at + 2, value & 0xffff);
}

/*
 * The ones' complement sum does not care about byte order as long as the
 * result is stored the way the words were loaded.
 */
static uint64_t sum_bytes(uint64_t sum, const uint8_t *at, size_t size)
{
    uint32_t word;

    for (; size >= sizeof(word); at += sizeof(word), size -= sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        sum += word;
    }
    word = 0;
    memcpy(&word, at, size);
    return sum + word;
}

static void put_checksum(uint8_t *at, uint64_t sum)
{
    uint16_t folded;

    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    folded = (uint16_t)~sum;
    memcpy(at, &folded, sizeof(folded));
}

/* In UDP a checksum of 0 means there is none, so 0 is sent as 0xffff. */
static void put_udp_checksum(uint8_t *at, uint64_t sum)
{
    put_checksum(at, sum);
    if (!at[0] && !at[1])
        put_be16(at, 0xffff);
}

static uint8_t protocol_of(const struct packet *packet)
{
    return packet->udp ? PROTOCOL_UDP : PROTOCOL_TCP;
}

static void put_ether(uint8_t *at, const struct packet *packet)
{
    static const uint8_t near_mac[] = {0x02, 0, 0, 0, 0, 0x0a};
    static const uint8_t far_mac[] = {0x02, 0, 0, 0, 0, 0x01};

    memcpy(at, packet->inbound ? near_mac : far_mac, 6);
    memcpy(at + 6, packet->inbound ? far_mac : near_mac, 6);
    put_be16(at + 12, packet->six ? 0x86dd : 0x0800);
}

static size_t put_ipv4(uint8_t *at, const struct packet *packet, size_t size)
{
    put_be16(at, 0x4500);
    put_be16(at + 2, (uint32_t)(IPV4_HEADER + size));
    put_be16(at + 4, packet->ip_id);
    put_be16(at + 6, 0x4000); /* do not fragment */
    at[8] = packet->ttl;
    at[9] = protocol_of(packet);
    put_be16(at + 10, 0);
    memcpy(at + 12, packet->source, 4);
    memcpy(at + 16, packet->target, 4);
    put_checksum(at + 10, sum_bytes(0, at, IPV4_HEADER));
    return IPV4_HEADER;
}

/* Gives an IPv4 header another length and place in the datagram. */
static void refragment(uint8_t *at, size_t length, uint32_t place)
{
    put_be16(at + 2, (uint32_t)length);
    put_be16(at + 6, place);
    put_be16(at + 10, 0);
    put_checksum(at + 10, sum_bytes(0, at, IPV4_HEADER));
}

static size_t put_ipv6(uint8_t *at, const struct packet *packet, size_t size)
{
    put_be32(at, 0x60000000);
    put_be16(at + 4, (uint32_t)size);
    at[6] = protocol_of(packet);
    at[7] = packet->ttl;
    memcpy(at + 8, packet->source, 16);
    memcpy(at + 24, packet->target, 16);
    return IPV6_HEADER;
}

static void put_stamp(uint8_t *at, const struct packet *packet)
{
    put_be16(at, 0x080a); /* kind 8, length 10 */
    put_be32(at + 2, packet->stamp);
    put_be32(at + 6, packet->stamp_echo);
}

static void put_syn_options(uint8_t *at, const struct packet *packet)
{
    put_be16(at, 0x0204); /* MSS */
    put_be16(at + 2, packet->six ? 1440 : 1460);
    put_be16(at + 4, 0x0402); /* SACK permitted */
    put_stamp(at + 6, packet);
    put_be32(at + 16, 0x01030300 | DEFAULT_WINDOW_SCALE); /* NOP, scale */
}

static void put_stamp_options(uint8_t *at, const struct packet *packet)
{
    put_be16(at, 0x0101); /* two NOPs */
    put_stamp(at + 2, packet);
}

/* Returns where in the header the checksum is. */
static size_t put_tcp(uint8_t *at, const struct packet *packet)
{
    size_t length = TCP_HEADER + option_sizes[packet->options];

    put_be16(at, packet->source_port);
    put_be16(at + 2, packet->target_port);
    put_be32(at + 4, packet->seq);
    put_be32(at + 8, packet->tcp_flags & TCP_ACK ? packet->ack : 0);
    at[12] = (uint8_t)(length / 4 << 4);
    at[13] = packet->tcp_flags;
    put_be16(at + 14, packet->window);
    put_be32(at + 16, 0);
    if (packet->options == OPTIONS_SYN)
        put_syn_options(at + TCP_HEADER, packet);
    if (packet->options == OPTIONS_STAMP)
        put_stamp_options(at + TCP_HEADER, packet);
    return 16;
}

static size_t put_udp(uint8_t *at, const struct packet *packet)
{
    put_be16(at, packet->source_port);
    put_be16(at + 2, packet->target_port);
    put_be16(at + 4, (uint32_t)(UDP_HEADER + packet->payload_size));
    put_be16(at + 6, 0);
    return 6;
}

static uint64_t pseudo_sum(const struct packet *packet, size_t size)
{
    size_t address_size = packet->six ? 16 : 4;
    uint8_t rest[4] = {0, protocol_of(packet)};
    uint64_t sum;

    put_be16(rest + 2, (uint32_t)size);
    sum = sum_bytes(0, packet->source, address_size);
    sum = sum_bytes(sum, packet->target, address_size);
    return sum_bytes(sum, rest, sizeof(rest));
}

static size_t transport_header(const struct packet *packet)
{
    if (packet->udp)
        return UDP_HEADER;
    return TCP_HEADER + option_sizes[packet->options];
}

static size_t put_transport(uint8_t *at, const struct packet *packet)
{
    size_t header = transport_header(packet);
    size_t size = header + packet->payload_size;
    size_t checksum_at;
    uint64_t sum;

    checksum_at = packet->udp ? put_udp(at, packet) : put_tcp(at, packet);
    if (packet->payload_size)
        memcpy(at + header, packet->payload, packet->payload_size);
    sum = sum_bytes(pseudo_sum(packet, size), at, size);
    if (packet->udp)
        put_udp_checksum(at + checksum_at, sum);
    else
        put_checksum(at + checksum_at, sum);
    return size;
}

static size_t put_frame(uint8_t *at, const struct packet *packet)
{
    size_t size = transport_header(packet) + packet->payload_size;
    size_t length = ETHER_HEADER;

    put_ether(at, packet);
    length += packet->six ? put_ipv6(at + length, packet, size) : put_ipv4(at + length, packet, size);
    length += put_transport(at + length, packet);
    if (packet->inbound && length < FRAME_MIN) {
        memset(at + length, 0, FRAME_MIN - length);
        length = FRAME_MIN;
    }
    return length;
}

static void flush(struct capture *capture)
{
    size_t used = capture->used;

    if (fwrite(capture->buffer, 1, used, capture->file) != used)
        capture->failed = true;
    capture->used = 0;
}

static void put_file_header(struct capture *capture)
{
    static const uint32_t words[] = {
        0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, 1,
    };
    size_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        put_le32(capture->buffer + i * 4, words[i]);
    capture->used = sizeof(words);
}

bool capture_open(struct capture *capture, const char *path)
{
    memset(capture, 0, sizeof(*capture));
    capture->buffer = malloc(BUFFER_SIZE);
    if (!capture->buffer)
        return false;
    capture->file = strcmp(path, "-") ? fopen(path, "wb") : stdout;
    if (!capture->file) {
        free(capture->buffer);
        return false;
    }
    setvbuf(capture->file, NULL, _IONBF, 0);
    put_file_header(capture);
    return true;
}

static void put_record(struct capture *capture, const struct packet *packet, size_t length)
{
    uint8_t *record = capture->buffer + capture->used;

    put_le32(record, (uint32_t)(packet->time_us / 1000000));
    put_le32(record + 4, (uint32_t)(packet->time_us % 1000000));
    put_le32(record + 8, (uint32_t)length);
    put_le32(record + 12, (uint32_t)length);
    capture->used += RECORD_HEADER + length;
    capture->frames++;
    capture->bytes += length;
}

/* Cuts the IPv4 datagram of one frame into two, in two frames. */
static void put_fragments(struct capture *capture, const struct packet *packet, size_t length)
{
    uint8_t *first = capture->buffer + capture->used + RECORD_HEADER, *second;
    size_t head = ETHER_HEADER + IPV4_HEADER, size = (length - head) / 16 * 8;

    second = first + head + size + RECORD_HEADER;
    memmove(second + head, first + head + size, length - head - size);
    memcpy(second, first, head);
    refragment(first + ETHER_HEADER, IPV4_HEADER + size, 0x2000); /* more fragments */
    refragment(second + ETHER_HEADER, length - ETHER_HEADER - size, (uint32_t)size / 8);
    put_record(capture, packet, head + size);
    put_record(capture, packet, length - size);
}

void capture_put(struct capture *capture, const struct packet *packet)
{
    size_t length = put_frame(capture->buffer + capture->used + RECORD_HEADER, packet);

    if (packet->fragmented && !packet->six)
        put_fragments(capture, packet, length);
    else
        put_record(capture, packet, length);
    if (capture->used > BUFFER_SIZE - FRAME_ROOM)
        flush(capture);
}

bool capture_close(struct capture *capture)
{
    flush(capture);
    if (fclose(capture->file))
        capture->failed = true;
    free(capture->buffer);
    return !capture->failed;
}
