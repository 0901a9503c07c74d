#include "capture/file.h"

#include "capture/interrupt.h"
#include "capture/pipe.h"
#include "capture/pktap.h"
#include "capture/reader.h"
#include "dissect/packet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAGIC = 4 };

struct file {
    struct reader *reader;
    struct notes *notes;
    int64_t previous_ns; /* time of the latest frame */
    int link_type;       /* of the latest frame */
    bool known;          /* a frame had a link type that can be read */
    int spool;           /* a copy of what came by a pipe, or -1 */
};

/* Which library reads it. */
enum way {
    BY_NONE,
    BY_LIBPCAP,
    BY_WIRETAP,
    BY_WIRETAP_WHOLE, /* it seeks about: what comes by a pipe is copied first */
};

/*
 * How captures begin: https://www.tcpdump.org/pcap.html (in both byte orders), draft-ietf-opsawg-pcapng, RFC 1952
 * (gzip), RFC 8878 (zstd), the LZ4 frame format, Microsoft's capture file header, RFC 1761 (snoop). Of pcapng libpcap
 * sees neither comments, directions, counts of drops, nor interfaces unlike the first; it reads the rest, and all of it
 * where there is no libwiretap.
 */
static const struct format {
    uint8_t magic[MAGIC];
    uint8_t length;
    uint8_t way;         /* enum way */
    const char *libpcap; /* the format's name, if libpcap can read it */
    const char *what, *remedy;
} formats[] = {
    {{0xd4, 0xc3, 0xb2, 0xa1}, 4, BY_LIBPCAP, "pcap", NULL, NULL}, /* microseconds */
    {{0xa1, 0xb2, 0xc3, 0xd4}, 4, BY_LIBPCAP, "pcap", NULL, NULL},
    {{0x4d, 0x3c, 0xb2, 0xa1}, 4, BY_LIBPCAP, "pcap", NULL, NULL}, /* nanoseconds */
    {{0xa1, 0xb2, 0x3c, 0x4d}, 4, BY_LIBPCAP, "pcap", NULL, NULL},
    {{0x34, 0xcd, 0xb2, 0xa1}, 4, BY_LIBPCAP, "pcap", NULL, NULL}, /* Kuznetzov's variant */
    {{0xa1, 0xb2, 0xcd, 0x34}, 4, BY_LIBPCAP, "pcap", NULL, NULL},
    {{0x0a, 0x0d, 0x0d, 0x0a}, 4, BY_WIRETAP, "pcapng", NULL, NULL},
    {{0x1f, 0x8b}, 2, BY_WIRETAP_WHOLE, NULL, "compressed by gzip", "zcat FILE | tcp53 read -"},
    {{0x28, 0xb5, 0x2f, 0xfd}, 4, BY_WIRETAP_WHOLE, NULL, "compressed by zstd", "zstdcat FILE | tcp53 read -"},
    {{0x04, 0x22, 0x4d, 0x18}, 4, BY_WIRETAP_WHOLE, NULL, "compressed by lz4", "lz4cat FILE | tcp53 read -"},
    {{0xfd, 0x37, 0x7a, 0x58}, 4, BY_NONE, NULL, "compressed by xz", "xzcat FILE | tcp53 read -"},
    {{0x42, 0x5a, 0x68}, 3, BY_NONE, NULL, "compressed by bzip2", "bzcat FILE | tcp53 read -"},
    {{0x47, 0x4d, 0x42, 0x55}, 4, BY_WIRETAP_WHOLE, NULL, "a Network Monitor capture", "editcap -F pcap FILE NEW"},
    {{0x52, 0x54, 0x53, 0x53}, 4, BY_WIRETAP_WHOLE, NULL, "a Network Monitor 1.x capture", "editcap -F pcap FILE NEW"},
    {{0x73, 0x6e, 0x6f, 0x6f}, 4, BY_WIRETAP, NULL, "a snoop capture", "editcap -F pcap FILE NEW"},
};
static const struct format others = {.way = BY_WIRETAP};

static const struct format *format_of(const uint8_t *magic, size_t count)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (count >= formats[i].length && memcmp(magic, formats[i].magic, formats[i].length) == 0)
            return &formats[i];
    return &others;
}

static enum way way_of(const struct format *format)
{
    if (TCP53_WIRETAP)
        return format->way;
    return format->libpcap ? BY_LIBPCAP : BY_NONE;
}

/* What libwiretap unpacks; it knows itself, but aborts when asked of some files that are cut. */
static const char *compression_of(const struct format *format)
{
    static const char words[] = "compressed by ";
    bool compressed = way_of(format) == BY_WIRETAP_WHOLE && strncmp(format->what, words, sizeof words - 1) == 0;
    return compressed ? format->what + sizeof words - 1 : NULL;
}

static bool is_standard_input(const char *path)
{
    return strcmp(path, "-") == 0;
}

static int descriptor_of(const char *path)
{
    return is_standard_input(path) ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
}

uint64_t file_size(const char *path)
{
    struct stat status;
    bool known = is_standard_input(path) ? fstat(STDIN_FILENO, &status) == 0 : stat(path, &status) == 0;
    return known && S_ISREG(status.st_mode) && status.st_size > 0 ? (uint64_t)status.st_size : 0;
}

bool file_is_once(const char *path)
{
    struct stat status;
    return is_standard_input(path) ||
           (stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode));
}

bool file_is_capture(const char *path)
{
    uint8_t magic[MAGIC];
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = descriptor < 0 ? 0 : pread(descriptor, magic, sizeof magic, 0);
    if (descriptor >= 0)
        close(descriptor);
    if (count <= 0)
        return false;
    const struct format *format = format_of(magic, (size_t)count);
    if (way_of(format) == BY_NONE) /* a compressed log is no trouble, a capture that is left out without a word is */
        return format->what && strstr(path, "cap");
    return format->libpcap || wiretap_knows(path);
}

/* The kind of capture by its first bytes, which stay where they are; NULL and trouble when there is none. */
static const struct format *sniff(int descriptor, struct input *input)
{
    uint8_t magic[MAGIC];
    struct stat status;
    if (fstat(descriptor, &status) != 0 || S_ISCHR(status.st_mode))
        return &formats[0]; /* a terminal cannot be looked into; libpcap tells */
    if (S_ISDIR(status.st_mode)) {
        failure_set(&input->trouble, "%s: is a directory", input->path);
        return NULL;
    }
    off_t at = lseek(descriptor, 0, SEEK_CUR);
    ssize_t count = S_ISREG(status.st_mode) ? pread(descriptor, magic, sizeof magic, at)
                                            : pipe_peek(descriptor, magic, sizeof magic);
    if (count <= 0) {
        failure_set(&input->trouble, "%s: %s", input->path, count < 0 ? strerror(errno) : "the file is empty");
        return NULL;
    }
    return format_of(magic, (size_t)count);
}

/*
 * Some old patched libpcaps wrote other records behind the usual magic, which read as nonsense from the second one on;
 * libwiretap tries which of them it is.
 */
static bool reads_on(const char *path)
{
    struct input trial = {.path = path};
    struct frame frame;
    FILE *stream = fopen(path, "rb");
    struct reader *reader = stream ? libpcap_open(stream, &trial) : NULL;
    int frames = 0;
    while (reader && frames < 3 && reader->next(reader, &trial, &frame) == READER_FRAME)
        frames++;
    if (reader)
        reader->close(reader);
    return !*trial.trouble.text;
}

static struct reader *open_libpcap(int descriptor, struct input *input, const struct format *format)
{
    int own = dup(descriptor);
    FILE *stream = own < 0 ? NULL : fdopen(own, "rb");
    if (!stream) {
        failure_set(&input->trouble, "%s: %s", input->path, strerror(errno));
        if (own >= 0)
            close(own);
        return NULL;
    }
    input->format = format->libpcap;
    return libpcap_open(stream, input);
}

/* Reads a file without a name, which `file` closes. */
static struct reader *open_nameless(struct file *file, int spool, struct input *input, struct notes *notes)
{
    char path[64];
    if (file->spool >= 0)
        close(file->spool);
    file->spool = spool;
    snprintf(path, sizeof path, "/proc/self/fd/%d", spool);
    return wiretap_open(path, input, notes);
}

static struct reader *open_spooled(struct file *file, int descriptor, struct input *input, struct notes *notes)
{
    int spool = pipe_spool(descriptor, interrupt_take);
    if (spool >= 0)
        return open_nameless(file, spool, input, notes);
    failure_set(&input->trouble, "%s: cannot be copied to a file: %s", input->path, strerror(errno));
    return NULL;
}

/*
 * libwiretap takes the offset of a table (Network Monitor's of processes) for one in the compressed file, and the file
 * for damaged: such a file is decompressed first.
 */
static struct reader *open_gunzipped(struct file *file, int descriptor, struct input *input, struct notes *notes)
{
    static const char *const seekers[] = {"GMBU", "RTSS"};
    int spool = pipe_gunzip(file->spool >= 0 ? file->spool : descriptor, seekers, 2, interrupt_is_raised);
    if (spool < 0)
        return NULL;
    *input->trouble.text = '\0';
    input->compression = NULL; /* of the copy */
    struct reader *reader = open_nameless(file, spool, input, notes);
    input->compression = "gzip";
    return reader;
}

/* What seeks about in a compressed file is better read from a copy that is not. */
static struct reader *open_whole(struct file *file, int descriptor, struct input *input, struct notes *notes)
{
    bool regular = file_size(input->path) > 0;
    struct reader *reader =
        regular ? wiretap_open(input->path, input, notes) : open_spooled(file, descriptor, input, notes);
    if (reader && (!input->compression || strncmp(input->format, "netmon", 6) != 0))
        return reader;
    struct reader *unpacked = open_gunzipped(file, descriptor, input, notes);
    if (reader && !unpacked && !*input->trouble.text)
        return reader; /* compressed in another way */
    if (reader)
        reader->close(reader);
    return unpacked;
}

/* Libwiretap opens files by name: a pipe that has one could be opened twice only while somebody writes to it. */
static bool can_stream(int descriptor, const char *path)
{
    struct stat status;
    return file_size(path) > 0 ||
           (is_standard_input(path) && fstat(descriptor, &status) == 0 && S_ISFIFO(status.st_mode));
}

static struct reader *open_reader(struct file *file, int descriptor, struct input *input, struct notes *notes)
{
    const struct format *format = sniff(descriptor, input);
    if (!format)
        return NULL;
    bool regular = file_size(input->path) > 0;
    input->compression = compression_of(format);
    switch (way_of(format)) {
    case BY_LIBPCAP:
        if (TCP53_WIRETAP && regular && !is_standard_input(input->path) && !reads_on(input->path) &&
            wiretap_reads(input->path))
            return wiretap_open(input->path, input, notes);
        return open_libpcap(descriptor, input, format);
    case BY_WIRETAP_WHOLE:
        return open_whole(file, descriptor, input, notes);
    case BY_WIRETAP:
        if (!can_stream(descriptor, input->path))
            return open_spooled(file, descriptor, input, notes);
        return wiretap_open(input->path, input, notes);
    default:
        break;
    }
    if (format->what)
        failure_set(&input->trouble, "%s: %s; convert it first: %s", input->path, format->what, format->remedy);
    else
        failure_set(&input->trouble, "%s: not a pcap or pcapng capture", input->path);
    return NULL;
}

/* A file that ends where the user ended the reading, perhaps in the middle of a frame, is none that is damaged. */
static void forgive_interrupt(struct input *input)
{
    if (!interrupt_is_raised())
        return;
    input->truncated = false;
    input->trouble = (struct failure){""};
}

struct file *file_open(struct input *input, struct notes *notes)
{
    struct file *file = calloc(1, sizeof *file);
    int descriptor = descriptor_of(input->path);
    if (!file || descriptor < 0) {
        failure_set(&input->trouble, "%s: %s", input->path, strerror(file ? errno : ENOMEM));
        forgive_interrupt(input);
        free(file);
        return NULL;
    }
    file->notes = notes;
    file->spool = file->link_type = -1;
    file->reader = open_reader(file, descriptor, input, notes);
    close(descriptor);
    if (file->reader)
        return file;
    forgive_interrupt(input);
    file_close(file);
    return NULL;
}

void file_close(struct file *file)
{
    if (!file)
        return;
    if (file->reader)
        file->reader->close(file->reader);
    if (file->spool >= 0)
        close(file->spool);
    free(file);
}

uint64_t file_position(const struct file *file)
{
    return file->reader->position(file->reader);
}

static void note_link_type(struct file *file, struct input *input, int link_type)
{
    file->link_type = link_type;
    file->known |= packet_knows_link(link_type);
    for (unsigned i = 0; i < input->link_type_count; i++)
        if (input->link_types[i] == link_type)
            return;
    if (input->link_type_count < INPUT_LINK_TYPES)
        input->link_types[input->link_type_count++] = link_type;
}

/* Of some files that are cut libwiretap unpacks nothing and says nothing: no bytes look like a format without a header. */
static void note_nothing(struct input *input)
{
    if (!input->compression || input->records > 0 || strcmp(input->format, "erf") != 0 || interrupt_is_raised())
        return;
    input->truncated = true;
    input->format = "unknown";
    failure_set(&input->trouble, "%s: compressed by %s, but nothing can be unpacked: it is cut or damaged", input->path,
                input->compression);
}

/* Network Monitor's .cap as netsh and pktmon fill it: the packets are within events of Windows. */
static const char *remedy_of(const char *link_name)
{
    return strcmp(link_name, "netmon_event") == 0
               ? ": events of Windows; `pktmon etl2pcap` makes packets of their .etl file"
               : "";
}

/* A file of frames that cannot be read is trouble; a few among others are only counted. */
static void end_file(const struct file *file, struct input *input)
{
    note_nothing(input);
    if (input->frames > 0 && !file->known && !*input->trouble.text) {
        char name[INPUT_LINK_NAME];
        input_link_name(file->link_type, name);
        failure_set(&input->trouble, "%s: link type %s is not supported%s", input->path, name, remedy_of(name));
    }
}

static void count_frame(struct file *file, struct input *input, const struct frame *frame)
{
    input_count(input, frame);
    if (input->frames > 1 && frame->time_ns < file->previous_ns)
        input->backward++;
    file->previous_ns = frame->time_ns;
}

bool file_next(struct file *file, struct input *input, struct frame *frame)
{
    enum reader_result result;
    while ((result = file->reader->next(file->reader, input, frame)) != READER_END) {
        input->records++;
        if (result == READER_SKIPPED) {
            input->skipped++;
            continue;
        }
        count_frame(file, input, frame);
        pktap_unwrap(frame, file->notes);
        if (frame->link_type != file->link_type)
            note_link_type(file, input, frame->link_type);
        frame->ref.number = input->records & 0xffffffffffff;
        return true;
    }
    forgive_interrupt(input);
    end_file(file, input);
    return false;
}
