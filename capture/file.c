#include "capture/file.h"

#include "dissect/packet.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* libpcap would read through stdio's 4 KiB buffer; most of the time of a read goes into that. */
enum { READ_BUFFER = 256 * 1024, MAGIC = 4 };

struct file {
    pcap_t *pcap;
    int link_type;
    char buffer[READ_BUFFER];
};

/* https://www.tcpdump.org/pcap.html and draft-ietf-opsawg-pcapng: how captures begin, in both byte orders. */
static const struct {
    uint8_t magic[MAGIC];
    const char *format;
} formats[] = {
    {{0xd4, 0xc3, 0xb2, 0xa1}, "pcap"},   {{0xa1, 0xb2, 0xc3, 0xd4}, "pcap"}, /* microseconds */
    {{0x4d, 0x3c, 0xb2, 0xa1}, "pcap"},   {{0xa1, 0xb2, 0x3c, 0x4d}, "pcap"}, /* nanoseconds */
    {{0x34, 0xcd, 0xb2, 0xa1}, "pcap"},   {{0xa1, 0xb2, 0xcd, 0x34}, "pcap"}, /* Kuznetzov's variant */
    {{0x0a, 0x0d, 0x0d, 0x0a}, "pcapng"},
};

/* What is often found where a capture is meant, and what to do about it. */
static const struct {
    uint8_t magic[MAGIC];
    size_t length;
    const char *advice;
} strangers[] = {
    {{0x1f, 0x8b}, 2, "compressed by gzip; decompress it first: zcat FILE | tcp53 read -"},
    {{0x28, 0xb5, 0x2f, 0xfd}, 4, "compressed by zstd; decompress it first: zstdcat FILE | tcp53 read -"},
    {{0x04, 0x22, 0x4d, 0x18}, 4, "compressed by lz4; decompress it first: lz4cat FILE | tcp53 read -"},
    {{0xfd, 0x37, 0x7a, 0x58}, 4, "compressed by xz; decompress it first: xzcat FILE | tcp53 read -"},
    {{0x47, 0x4d, 0x42, 0x55}, 4, "a Network Monitor capture; convert it first: editcap -F pcap FILE NEW"},
    {{0x52, 0x54, 0x53, 0x53}, 4, "a Network Monitor 1.x capture; convert it first: editcap -F pcap FILE NEW"},
    {{0x73, 0x6e, 0x6f, 0x6f}, 4, "a snoop capture; convert it first: editcap -F pcap FILE NEW"},
};

static const char *advice_of(const uint8_t *magic, size_t count)
{
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        if (count >= strangers[i].length && memcmp(magic, strangers[i].magic, strangers[i].length) == 0)
            return strangers[i].advice;
    return "not a pcap or pcapng capture";
}

static const char *format_of(const uint8_t *magic, size_t count)
{
    for (size_t i = 0; count >= MAGIC && i < sizeof formats / sizeof *formats; i++)
        if (memcmp(magic, formats[i].magic, MAGIC) == 0)
            return formats[i].format;
    return NULL;
}

bool file_is_capture(const char *path)
{
    uint8_t magic[MAGIC];
    FILE *stream = fopen(path, "rb");
    if (!stream)
        return false;
    size_t count = fread(magic, 1, sizeof magic, stream);
    fclose(stream);
    return format_of(magic, count) != NULL;
}

static bool is_standard_input(const char *path)
{
    return strcmp(path, "-") == 0;
}

/* Looks at the first bytes and puts them back: one byte is all that ungetc() promises, so a stream must seek for more. */
static bool sniff(FILE *stream, struct source_input *input)
{
    uint8_t magic[MAGIC];
    struct stat status;
    if (fstat(fileno(stream), &status) == 0 && S_ISDIR(status.st_mode))
        return failure_set(&input->trouble, "%s: is a directory", input->path);
    if (!S_ISREG(status.st_mode)) {
        input->format = "pcap";
        return true; /* a pipe cannot be looked into; libpcap tells */
    }
    size_t count = fread(magic, 1, sizeof magic, stream);
    if (count == 0)
        return failure_set(&input->trouble, "%s: the file is empty", input->path);
    const char *format = format_of(magic, count);
    if (!format)
        return failure_set(&input->trouble, "%s: %s", input->path, advice_of(magic, count));
    input->format = format;
    rewind(stream);
    return true;
}

static FILE *open_stream(struct source_input *input)
{
    FILE *stream = is_standard_input(input->path) ? stdin : fopen(input->path, "rb");
    if (!stream)
        failure_set(&input->trouble, "%s: %s", input->path, strerror(errno));
    return stream;
}

struct file *file_open(struct source_input *input)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    FILE *stream = open_stream(input);
    struct file *file = stream ? malloc(sizeof *file) : NULL;
    if (!file)
        goto out;
    setvbuf(stream, file->buffer, _IOFBF, sizeof file->buffer);
    __fsetlocking(stream, FSETLOCKING_BYCALLER); /* nobody else reads it: two locks a frame saved */
    if (!sniff(stream, input))
        goto out;
    file->pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!file->pcap) {
        failure_set(&input->trouble, "%s: %s", input->path, why);
        goto out;
    }
    file->link_type = pcap_datalink(file->pcap);
    input->link_types[input->link_type_count++] = file->link_type;
    if (!packet_knows_link(file->link_type))
        failure_set(&input->trouble, "%s: link type %s is not supported", input->path,
                    source_link_name(file->link_type));
    int snaplen = pcap_snapshot(file->pcap);
    input->snaplen = snaplen > 0 ? (uint32_t)snaplen : 0;
    return file;
out:
    if (stream && stream != stdin)
        fclose(stream);
    free(file);
    return NULL;
}

void file_close(struct file *file)
{
    if (!file)
        return;
    pcap_close(file->pcap);
    free(file);
}

static bool end_of_file(struct file *file, struct source_input *input, int result)
{
    if (result == PCAP_ERROR) {
        input->truncated = true;
        const char *why = pcap_geterr(file->pcap);
        const char *remedy =
            strstr(why, "of the first interface") ? " (editcap -F pcap may make one that can be read)" : "";
        failure_set(&input->trouble, "%s: after frame %llu: %s%s", input->path, (unsigned long long)input->frames, why,
                    remedy);
    }
    return false;
}

/*
 * Times beyond half of what 64 bits of nanoseconds hold stay there (the year 2116; a pcap file ends in 2106), so that
 * deadlines can be added to them and differences taken.
 */
static int64_t nanoseconds(int64_t seconds, int64_t rest)
{
    const int64_t billion = 1000000000, most = INT64_MAX / 2 / billion - 1;
    return (seconds > most ? most : seconds < -most ? -most : seconds) * billion + rest;
}

bool file_next(struct file *file, struct source_input *input, struct frame *frame)
{
    struct pcap_pkthdr *header;
    const uint8_t *bytes;
    int result = pcap_next_ex(file->pcap, &header, &bytes);
    if (result != 1)
        return end_of_file(file, input, result);
    frame->data = bytes;
    frame->captured = header->caplen;
    frame->declared = header->len < header->caplen ? header->caplen : header->len;
    /* with nanosecond precision asked for, libpcap puts nanoseconds where the microseconds are */
    frame->time_ns = nanoseconds(header->ts.tv_sec, header->ts.tv_usec);
    frame->link_type = file->link_type;
    if (input->frames++ == 0)
        input->first_ns = input->last_ns = frame->time_ns;
    if (frame->time_ns < input->first_ns)
        input->first_ns = frame->time_ns;
    if (frame->time_ns > input->last_ns)
        input->last_ns = frame->time_ns;
    input->bytes += header->caplen;
    return true;
}

const char *source_link_name(int link_type)
{
    static char number[24];
    const char *name = pcap_datalink_val_to_name(link_type);
    if (name)
        return name;
    snprintf(number, sizeof number, "%d", link_type);
    return number;
}

/* libpcap tells its version in a sentence: "libpcap version 1.10.3 (with TPACKET_V3)". */
const char *source_library_version(void)
{
    static char number[24];
    const char *sentence = pcap_lib_version();
    sentence += strcspn(sentence, "0123456789");
    snprintf(number, sizeof number, "%.*s", (int)strspn(sentence, "0123456789."), sentence);
    return number;
}
