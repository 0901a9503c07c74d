/* wire [-v VLAN] IFACE IFACE MS [IFACE IFACE MS]...: long cables. Every frame that arrives at one
 * interface of a cable leaves by the other MS milliseconds later, in order. No hop is added.
 * With a VLAN each is a switch with an access port, the first, and a trunk, the second:
 * what leaves by the trunk gets an 802.1Q tag, and what arrives there loses it.
 * (The kernel's own delay and tags, netem and 8021q, are missing from many kernels.) */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { CABLES = 8, FRAMES = 1024, FRAME_MAX = 2048, ADDRESSES = 12, TAG = 4 };

struct waiting {
    double due;
    int out;
    size_t length;
    unsigned char bytes[FRAME_MAX];
};

struct cable {
    double delay;
    unsigned head, count;
    struct waiting queue[FRAMES];
};

static struct cable cables[CABLES];
static struct pollfd ends[2 * CABLES]; /* those of cable i are 2i and 2i + 1 */
static int cable_count, vlan;

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
static void take_in(struct cable *cable, int from, int to, int to_trunk)
{
    struct waiting *w = &cable->queue[(cable->head + cable->count) % FRAMES];
    struct sockaddr_ll who;
    socklen_t size = sizeof who;
    ssize_t n = recvfrom(from, w->bytes, sizeof w->bytes - TAG, MSG_DONTWAIT, (struct sockaddr *)&who, &size);
    if (n <= 0 || who.sll_pkttype == PACKET_OUTGOING || cable->count == FRAMES)
        return;
    w->length = (size_t)n;
    if (to_trunk && n >= ADDRESSES)
        put_tag(w);
    w->out = to;
    w->due = now() + cable->delay;
    cable->count++;
}

static void give_out(struct cable *cable)
{
    while (cable->count > 0 && cable->queue[cable->head].due <= now()) {
        const struct waiting *w = &cable->queue[cable->head];
        send(w->out, w->bytes, w->length, 0);
        cable->head = (cable->head + 1) % FRAMES;
        cable->count--;
    }
}

/* Milliseconds until some frame is due; less than 0: none waits. */
static double time_left(void)
{
    double least = -1;
    for (int i = 0; i < cable_count; i++) {
        if (cables[i].count == 0)
            continue;
        double left = cables[i].queue[cables[i].head].due - now();
        if (left < 0)
            left = 0;
        if (least < 0 || left < least)
            least = left;
    }
    return least;
}

static void carry(void)
{
    for (;;) {
        double left = time_left();
        struct timespec rest = {.tv_sec = (time_t)(left / 1e3)};
        rest.tv_nsec = (long)((left - (double)rest.tv_sec * 1e3) * 1e6);
        if (ppoll(ends, 2 * (nfds_t)cable_count, left < 0 ? NULL : &rest, NULL) > 0)
            for (int i = 0; i < 2 * cable_count; i++)
                if (ends[i].revents != 0)
                    take_in(&cables[i / 2], ends[i].fd, ends[i ^ 1].fd, i % 2 == 0 && vlan != 0);
        for (int i = 0; i < cable_count; i++)
            give_out(&cables[i]);
    }
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "-v") == 0) {
        vlan = atoi(argv[2]);
        argc -= 2;
        argv += 2;
    }
    cable_count = (argc - 1) / 3;
    if (argc % 3 != 1 || cable_count < 1 || cable_count > CABLES) {
        fprintf(stderr, "usage: wire [-v VLAN] IFACE IFACE MS [IFACE IFACE MS]...\n");
        return 2;
    }
    for (int i = 0; i < cable_count; i++) {
        ends[2 * i] = (struct pollfd){.fd = open_end(argv[3 * i + 1]), .events = POLLIN};
        ends[2 * i + 1] = (struct pollfd){.fd = open_end(argv[3 * i + 2]), .events = POLLIN};
        cables[i].delay = atof(argv[3 * i + 3]);
    }
    /* Before all else on a busy machine: a late frame would be a false distance. Where that is not allowed, without. */
    sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
    puts("carrying");
    fflush(stdout);
    carry();
}
