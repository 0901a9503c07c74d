/* wire IFACE IFACE MS [VLAN]: a long cable. Every frame that arrives at one interface
 * leaves by the other MS milliseconds later, in order. No hop is added.
 * With a VLAN it is a switch with an access port, the first, and a trunk, the second:
 * what leaves by the trunk gets an 802.1Q tag, and what arrives there loses it.
 * (The kernel's own delay and tags, netem and 8021q, are missing from many kernels.) */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { FRAMES = 1024, FRAME_MAX = 2048, ADDRESSES = 12, TAG = 4 };

struct waiting {
    double due;
    int out;
    size_t length;
    unsigned char bytes[FRAME_MAX];
};

static struct waiting queue[FRAMES];
static unsigned head, count;
static int vlan;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int open_end(const char *name)
{
    int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
    struct sockaddr_ll where = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(name)};
    struct packet_mreq all = {.mr_ifindex = where.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
    if (fd < 0 || where.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&where, sizeof where) != 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) != 0) {
        perror(name);
        exit(1);
    }
    return fd;
}

static void put_tag(struct waiting *w)
{
    const unsigned char tag[TAG] = {0x81, 0x00, (unsigned char)(vlan >> 8), (unsigned char)vlan};
    memmove(w->bytes + ADDRESSES + TAG, w->bytes + ADDRESSES, w->length - ADDRESSES);
    memcpy(w->bytes + ADDRESSES, tag, TAG);
    w->length += TAG;
}

/* The kernel has taken the tag of an arriving frame off already. */
static void take_in(int from, int to, double delay, int to_trunk)
{
    struct waiting *w = &queue[(head + count) % FRAMES];
    struct sockaddr_ll who;
    socklen_t size = sizeof who;
    ssize_t n = recvfrom(from, w->bytes, sizeof w->bytes - TAG, MSG_DONTWAIT, (struct sockaddr *)&who, &size);
    if (n <= 0 || who.sll_pkttype == PACKET_OUTGOING || count == FRAMES)
        return;
    w->length = (size_t)n;
    if (to_trunk && n >= ADDRESSES)
        put_tag(w);
    w->out = to;
    w->due = now() + delay;
    count++;
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: wire IFACE IFACE MS [VLAN]\n");
        return 2;
    }
    struct pollfd end[2] = {{.fd = open_end(argv[1]), .events = POLLIN}, {.fd = open_end(argv[2]), .events = POLLIN}};
    double delay = atof(argv[3]);
    if (argc == 5)
        vlan = atoi(argv[4]);

    for (;;) {
        struct timespec rest, *limit = NULL;
        if (count > 0) {
            double left = queue[head].due - now();
            if (left < 0)
                left = 0;
            rest.tv_sec = (time_t)(left / 1e3);
            rest.tv_nsec = (long)((left - (double)rest.tv_sec * 1e3) * 1e6);
            limit = &rest;
        }
        if (ppoll(end, 2, limit, NULL) > 0)
            for (int i = 0; i < 2; i++)
                if (end[i].revents != 0)
                    take_in(end[i].fd, end[1 - i].fd, delay, i == 0 && vlan != 0);
        while (count > 0 && queue[head].due <= now()) {
            send(queue[head].out, queue[head].bytes, queue[head].length, 0);
            head = (head + 1) % FRAMES;
            count--;
        }
    }
}
