/*
 * bareloop.c - the yardstick of the benchmark: read a capture with libpcap,
 * count frames and bytes, do nothing else.
 */
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>

struct totals {
    uint64_t frames;
    uint64_t bytes;
};

static void count(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
    struct totals *totals = (struct totals *)(void *)user;

    (void)bytes;
    totals->frames++;
    totals->bytes += header->caplen;
}

int main(int argc, char **argv)
{
    char error[PCAP_ERRBUF_SIZE];
    struct totals totals = {0, 0};
    pcap_t *pcap;
    int result;

    if (argc != 2) {
        fprintf(stderr, "usage: bareloop FILE\n");
        return 2;
    }
    pcap = pcap_open_offline(argv[1], error);
    if (!pcap) {
        fprintf(stderr, "bareloop: %s\n", error);
        return 2;
    }
    result = pcap_loop(pcap, -1, count, (u_char *)&totals);
    if (result < 0)
        fprintf(stderr, "bareloop: %s\n", pcap_geterr(pcap));
    pcap_close(pcap);
    printf("%" PRIu64 " frames, %" PRIu64 " bytes\n", totals.frames, totals.bytes);
    return result < 0 ? 2 : 0;
}
