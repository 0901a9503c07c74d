/* Writes TCP packets by hand, IPv4 only.
 *
 *   inject rst IFACE TTL                 answer every SYN to port 53 seen on IFACE with a
 *                                        forged RST+ACK in the server's name; the SYN goes on
 *   inject syn SOURCE SERVER PORT        one bare SYN from PORT to the server's port 53; the
 *                                        kernel, which knows no such connection, resets the SYN-ACK
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct packet {
    struct iphdr ip;
    struct tcphdr tcp;
};

static uint32_t add_up(const void *bytes, size_t length, uint32_t sum)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < length; i += 2)
        sum += (uint32_t)b[i] << 8 | b[i + 1];
    return sum;
}

static void send_packet(int raw, struct packet *p)
{
    struct { uint32_t from, to; uint16_t protocol, length; } pseudo = {
        p->ip.saddr, p->ip.daddr, htons(IPPROTO_TCP), htons(sizeof p->tcp) };
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = p->ip.daddr };

    p->ip.version = 4;
    p->ip.ihl = 5;
    p->ip.tot_len = htons(sizeof *p);
    p->ip.protocol = IPPROTO_TCP;
    p->tcp.doff = sizeof p->tcp / 4;
    uint32_t sum = add_up(&p->tcp, sizeof p->tcp, add_up(&pseudo, sizeof pseudo, 0));
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    p->tcp.check = htons((uint16_t)~sum);
    if (sendto(raw, p, sizeof *p, 0, (struct sockaddr *)&to, sizeof to) < 0)
        perror("inject: sendto");
}

static int reset_all(int raw, const char *interface, int ttl)
{
    int tap = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));
    struct sockaddr_ll where = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
                                 .sll_ifindex = (int)if_nametoindex(interface) };
    if (tap < 0 || bind(tap, (struct sockaddr *)&where, sizeof where) != 0) {
        perror("inject: packet socket");
        return 1;
    }
    for (;;) {
        struct packet seen;
        ssize_t n = recv(tap, &seen, sizeof seen, 0);
        if (n < (ssize_t)sizeof seen || seen.ip.ihl != 5 || seen.ip.protocol != IPPROTO_TCP ||
            seen.tcp.dest != htons(53) || !seen.tcp.syn || seen.tcp.ack)
            continue;
        struct packet rst = {
            .ip = { .saddr = seen.ip.daddr, .daddr = seen.ip.saddr, .ttl = (uint8_t)ttl },
            .tcp = { .source = seen.tcp.dest, .dest = seen.tcp.source,
                     .ack_seq = htonl(ntohl(seen.tcp.seq) + 1), .rst = 1, .ack = 1 },
        };
        send_packet(raw, &rst);
    }
}

int main(int argc, char **argv)
{
    int raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    if (raw < 0) {
        perror("inject: raw socket");
        return 1;
    }
    if (argc == 4 && strcmp(argv[1], "rst") == 0)
        return reset_all(raw, argv[2], atoi(argv[3]));
    if (argc == 5 && strcmp(argv[1], "syn") == 0) {
        struct packet syn = {
            .ip = { .saddr = inet_addr(argv[2]), .daddr = inet_addr(argv[3]), .ttl = 64 },
            .tcp = { .source = htons((uint16_t)atoi(argv[4])), .dest = htons(53),
                     .seq = htonl(0x53000000U + (uint32_t)atoi(argv[4])), .syn = 1, .window = htons(1024) },
        };
        send_packet(raw, &syn);
        return 0;
    }
    fprintf(stderr, "usage: inject rst IFACE TTL | inject syn SOURCE SERVER PORT\n");
    return 2;
}
