/* The fast path: what libpcap reads. */
#include "capture/pcap_frame.h"
#include "capture/reader.h"

#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

/* libpcap would read through stdio's 4 KiB buffer; most of the time of a read goes into that. */
enum { READ_BUFFER = 256 * 1024 };

struct libpcap {
    struct reader reader;
    pcap_t *pcap;
    int link_type;
    char buffer[READ_BUFFER];
};

static enum reader_result end_of_file(struct libpcap *libpcap, struct input *input, int result)
{
    if (result == PCAP_ERROR) {
        input->truncated = true;
        const char *why = pcap_geterr(libpcap->pcap);
        const char *remedy =
            strstr(why, "of the first interface") ? " (editcap -F pcap may make one that can be read)" : "";
        failure_set(&input->trouble, "%s: after frame %llu: %s%s", input->path, (unsigned long long)input->frames, why,
                    remedy);
    }
    return READER_END;
}

static enum reader_result libpcap_next(struct reader *reader, struct input *input, struct frame *frame)
{
    struct libpcap *libpcap = (struct libpcap *)reader;
    struct pcap_pkthdr *header;
    const uint8_t *bytes;
    int result = pcap_next_ex(libpcap->pcap, &header, &bytes);
    if (result != 1)
        return end_of_file(libpcap, input, result);
    *frame = pcap_frame(header, bytes, libpcap->link_type);
    return READER_FRAME;
}

static uint64_t libpcap_position(const struct reader *reader)
{
    off_t at = ftello(pcap_file(((const struct libpcap *)reader)->pcap));
    return at > 0 ? (uint64_t)at : 0;
}

static void libpcap_close(struct reader *reader)
{
    pcap_close(((struct libpcap *)reader)->pcap);
    free(reader);
}

struct reader *libpcap_open(FILE *stream, struct input *input)
{
    char why[PCAP_ERRBUF_SIZE] = "out of memory";
    struct libpcap *libpcap = malloc(sizeof *libpcap);
    if (!libpcap)
        goto out;
    libpcap->reader = (struct reader){libpcap_next, libpcap_position, libpcap_close};
    setvbuf(stream, libpcap->buffer, _IOFBF, sizeof libpcap->buffer);
    __fsetlocking(stream, FSETLOCKING_BYCALLER); /* nobody else reads it: two locks a frame saved */
    libpcap->pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!libpcap->pcap)
        goto out;
    libpcap->link_type = pcap_datalink(libpcap->pcap);
    int snaplen = pcap_snapshot(libpcap->pcap);
    input->snaplen = snaplen > 0 ? (uint32_t)snaplen : 0;
    return &libpcap->reader;
out:
    failure_set(&input->trouble, "%s: %s", input->path, why);
    fclose(stream);
    free(libpcap);
    return NULL;
}

/* libpcap tells its version in a sentence: "libpcap version 1.10.3 (with TPACKET_V3)". */
const char *libpcap_version(void)
{
    static char number[24];
    const char *sentence = pcap_lib_version();
    sentence += strcspn(sentence, "0123456789");
    snprintf(number, sizeof number, "%.*s", (int)strspn(sentence, "0123456789."), sentence);
    return number;
}
