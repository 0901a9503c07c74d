/* Writes TCP packets by hand.
 *
 *   inject rst IFACE TTL                 answer every SYN to port 53 seen on IFACE with a
 *                                        forged RST+ACK in the server's name; the SYN goes on
 *                                        (over IPv6 too, where TTL is the hop limit)
 *   inject syn SOURCE SERVER PORT        (IPv4) one bare SYN from PORT to the server's port 53; the
 *                                        kernel, which knows no such connection, resets the SYN-ACK
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
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

struct packet6 {
    struct ip6_hdr ip;
    struct tcphdr tcp;
};

static uint32_t add_up(const void *bytes, size_t length, uint32_t sum)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < length; i += 2)
        sum += (uint32_t)b[i] << 8 | b[i + 1];
    return sum;
}

static uint16_t checksum(uint32_t sum)
{
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

static void send_packet(int raw, struct packet *p)
{
    struct {
        uint32_t from, to;
        uint16_t protocol, length;
    } pseudo = {p->ip.saddr, p->ip.daddr, htons(IPPROTO_TCP), htons(sizeof p->tcp)};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = p->ip.daddr};

    p->ip.version = 4;
    p->ip.ihl = 5;
    p->ip.tot_len = htons(sizeof *p);
    p->ip.protocol = IPPROTO_TCP;
    p->tcp.doff = sizeof p->tcp / 4;
    p->tcp.check = checksum(add_up(&p->tcp, sizeof p->tcp, add_up(&pseudo, sizeof pseudo, 0)));
    if (sendto(raw, p, sizeof *p, 0, (struct sockaddr *)&to, sizeof to) < 0)
        perror("inject: sendto");
}

static void send_packet6(int raw, struct packet6 *p)
{
    struct {
        struct in6_addr from, to;
        uint32_t length, protocol;
    } pseudo = {p->ip.ip6_src, p->ip.ip6_dst, htonl(sizeof p->tcp), htonl(IPPROTO_TCP)};
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = p->ip.ip6_dst};

    p->ip.ip6_vfc = 6 << 4;
    p->ip.ip6_plen = htons(sizeof p->tcp);
    p->ip.ip6_nxt = IPPROTO_TCP;
    p->tcp.doff = sizeof p->tcp / 4;
    p->tcp.check = checksum(add_up(&p->tcp, sizeof p->tcp, add_up(&pseudo, sizeof pseudo, 0)));
    if (sendto(raw, p, sizeof *p, 0, (struct sockaddr *)&to, sizeof to) < 0)
        perror("inject: sendto");
}

static int is_syn(const struct tcphdr *tcp)
{
    return tcp->dest == htons(53) && tcp->syn && !tcp->ack;
}

static struct tcphdr reset_of(const struct tcphdr *syn)
{
    return (struct tcphdr){
        .source = syn->dest, .dest = syn->source, .ack_seq = htonl(ntohl(syn->seq) + 1), .rst = 1, .ack = 1};
}

static int reset_all(int raw, int raw6, const char *interface, int ttl)
{
    int tap = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
    struct sockaddr_ll where = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(interface)};
    if (tap < 0 || bind(tap, (struct sockaddr *)&where, sizeof where) != 0) {
        perror("inject: packet socket");
        return 1;
    }
    for (;;) {
        union {
            struct packet v4;
            struct packet6 v6;
        } seen;
        struct sockaddr_ll who;
        socklen_t size = sizeof who;
        ssize_t n = recvfrom(tap, &seen, sizeof seen, 0, (struct sockaddr *)&who, &size);
        if (n < (ssize_t)sizeof seen.v4 || who.sll_pkttype == PACKET_OUTGOING)
            continue;
        if (who.sll_protocol == htons(ETH_P_IP) && seen.v4.ip.ihl == 5 && seen.v4.ip.protocol == IPPROTO_TCP &&
            is_syn(&seen.v4.tcp)) {
            struct packet rst = {
                .ip = {.saddr = seen.v4.ip.daddr, .daddr = seen.v4.ip.saddr, .ttl = (uint8_t)ttl},
                .tcp = reset_of(&seen.v4.tcp),
            };
            send_packet(raw, &rst);
        } else if (who.sll_protocol == htons(ETH_P_IPV6) && n >= (ssize_t)sizeof seen.v6 &&
                   seen.v6.ip.ip6_nxt == IPPROTO_TCP && is_syn(&seen.v6.tcp)) {
            struct packet6 rst = {
                .ip = {.ip6_src = seen.v6.ip.ip6_dst, .ip6_dst = seen.v6.ip.ip6_src, .ip6_hlim = (uint8_t)ttl},
                .tcp = reset_of(&seen.v6.tcp),
            };
            send_packet6(raw6, &rst);
        }
    }
}

int main(int argc, char **argv)
{
    int raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    int raw6 = socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);
    if (raw < 0 || raw6 < 0) {
        perror("inject: raw socket");
        return 1;
    }
    if (argc == 4 && strcmp(argv[1], "rst") == 0)
        return reset_all(raw, raw6, argv[2], atoi(argv[3]));
    if (argc == 5 && strcmp(argv[1], "syn") == 0) {
        struct packet syn = {
            .ip = {.saddr = inet_addr(argv[2]), .daddr = inet_addr(argv[3]), .ttl = 64},
            .tcp = {.source = htons((uint16_t)atoi(argv[4])),
                    .dest = htons(53),
                    .seq = htonl(0x53000000U + (uint32_t)atoi(argv[4])),
                    .syn = 1,
                    .window = htons(1024)},
        };
        send_packet(raw, &syn);
        return 0;
    }
    fprintf(stderr, "usage: inject rst IFACE TTL | inject syn SOURCE SERVER PORT\n");
    return 2;
}
