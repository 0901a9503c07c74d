/*
 * What libpcap cannot read, or sees only in part (pcapng), through Wireshark's file library. This is the one file that
 * knows libwiretap, whose interface changes with each release of Wireshark; it was written for 4.0.
 */
#include "capture/netmon.h"
#include "capture/pktap.h"
#include "capture/reader.h"

#if TCP53_WIRETAP

#include "dissect/packet.h"

/* wiretap's headers are not ours to warn about */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#include <wiretap/pcap-encap.h>
#include <wiretap/wtap.h>
#include <ws_version.h>
#include <wsutil/wslog.h>
#pragma GCC diagnostic pop

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINK_REGISTRY = 512,      /* registered link types are below */
    LINK_UNREGISTERED = 4096, /* plus wiretap's own number: what has none */
    FIRST_BUFFER = 2048,
    ENCAPS = 512, /* more than wiretap has kinds of frames */
};

static const uint64_t drops_most = UINT64_C(1) << 40; /* of one count */

struct wiretap {
    struct reader reader;
    wtap *wtap;
    wtap_rec record;
    Buffer bytes;
    struct notes *notes;
    struct netmon *netmon; /* NULL: not such a file */
    bool resumes;          /* a record of an unknown kind can be stepped over */
    int format;            /* wiretap's number */
    int64_t time_ns;       /* of the latest frame, for those that have none */
};

/* Link types by wiretap's own numbers; what the parser does not know has none. */
static int link_types[ENCAPS];
static bool is_registered[ENCAPS];

static void learn_link_types(void)
{
    for (int i = 0; i < ENCAPS; i++)
        link_types[i] = LINK_UNREGISTERED + i;
    for (int link = LINK_REGISTRY; link-- > 0;) {
        int encap = wtap_pcap_encap_to_wtap_encap(link);
        if (encap <= WTAP_ENCAP_UNKNOWN || encap >= ENCAPS)
            continue;
        is_registered[encap] = true;
        if (packet_knows_link(link))
            link_types[encap] = link;
    }
    link_types[WTAP_ENCAP_PKTAP] = LINK_PKTAP;
    /* frames whose extra header wiretap keeps beside them */
    link_types[WTAP_ENCAP_NETTL_ETHERNET] = LINK_ETHERNET;
    link_types[WTAP_ENCAP_NETTL_RAW_IP] = LINK_RAW;
    link_types[WTAP_ENCAP_IEEE_802_11_WITH_RADIO] = link_types[WTAP_ENCAP_IEEE_802_11];
}

static void set_up(void)
{
    static bool done;
    if (done)
        return;
    done = true;
    ws_log_init("tcp53", NULL);
    ws_log_set_level(LOG_LEVEL_ERROR);
    wtap_init(FALSE);
    learn_link_types();
}

/* ERF (Endace) types whose frames begin as those of a link type do: the records' own header is not part of them. */
static int erf_link_type(const struct erf_mc_phdr *header)
{
    enum { HDLC_POS = 1, ETH = 2, COLOR_ETH = 11, DSM_COLOR_ETH = 16, COLOR_HASH_ETH = 21, IPV4 = 22, IPV6 = 23 };
    switch (header->phdr.type & 0x7f) {
    case ETH:
    case COLOR_ETH:
    case DSM_COLOR_ETH:
    case COLOR_HASH_ETH:
        return LINK_ETHERNET;
    case IPV4:
    case IPV6:
        return LINK_RAW;
    default:
        return LINK_UNREGISTERED + WTAP_ENCAP_ERF;
    }
}

static int link_type_of(const wtap_packet_header *header)
{
    int encap = header->pkt_encap;
    if (encap == WTAP_ENCAP_NETMON_HEADER)
        encap = (int)header->pseudo_header.netmon.sub_encap;
    if (encap == WTAP_ENCAP_ERF)
        return erf_link_type(&header->pseudo_header.erf);
    return encap >= 0 && encap < ENCAPS ? link_types[encap] : LINK_UNREGISTERED;
}

const char *wiretap_link_name(int link_type)
{
    bool ours = link_type >= LINK_UNREGISTERED && link_type < LINK_UNREGISTERED + ENCAPS;
    return ours ? wtap_encap_name(link_type - LINK_UNREGISTERED) : NULL;
}

static void add_words(char *text, size_t size, const char *words)
{
    size_t length = strlen(text);
    if (words && *words)
        snprintf(text + length, size - length, "%s%s", length ? "; " : "", words);
}

/* The comments on a frame, and the process that the file names for it. */
static uint8_t note_of(const struct wiretap *wiretap, int64_t offset)
{
    char text[2 * NOTES_TEXT] = "", *comment;
    const wtap_rec *record = &wiretap->record;
    const wtap_packet_header *header = &record->rec_header.packet_header;
    if (header->pkt_encap == WTAP_ENCAP_NETMON_HEADER)
        add_words(text, sizeof text, (const char *)header->pseudo_header.netmon.title);
    for (guint i = 0; record->block && wtap_block_get_nth_string_option_value(record->block, OPT_COMMENT, i,
                                                                              &comment) == WTAP_OPTTYPE_SUCCESS;
         i++)
        add_words(text, sizeof text, comment);
    char process[NOTES_TEXT];
    if (wiretap->netmon && netmon_process(wiretap->netmon, offset, process, sizeof process))
        add_words(text, sizeof text, process);
    return *text ? notes_add(wiretap->notes, text) : 0;
}

/* draft-ietf-opsawg-pcapng, epb_flags */
static uint8_t direction_of(const wtap_rec *record)
{
    guint32 flags = 0;
    if (!record->block ||
        wtap_block_get_uint32_option_value(record->block, OPT_PKT_FLAGS, &flags) != WTAP_OPTTYPE_SUCCESS)
        return LINK_DIRECTION_UNKNOWN;
    guint32 direction = PACK_FLAGS_DIRECTION(flags);
    return direction == PACK_FLAGS_DIRECTION_INBOUND    ? LINK_INCOMING
           : direction == PACK_FLAGS_DIRECTION_OUTBOUND ? LINK_OUTGOING
                                                        : LINK_DIRECTION_UNKNOWN;
}

/* Adds up what an interface's last statistics tell of drops: each block holds the sums so far. Nonsense stays a number. */
static void add_drops(const wtapng_if_descr_mandatory_t *interface, int64_t *sum)
{
    static const guint options[] = {OPT_ISB_IFDROP, OPT_ISB_OSDROP};
    guint64 count;
    if (interface->num_stat_entries == 0)
        return;
    wtap_block_t last = g_array_index(interface->interface_statistics, wtap_block_t, interface->num_stat_entries - 1u);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (wtap_block_get_uint64_option_value(last, options[i], &count) == WTAP_OPTTYPE_SUCCESS)
            *sum = (*sum < 0 ? 0 : *sum) + (int64_t)(count < drops_most ? count : drops_most);
}

/* What a pcapng tells of its interfaces, complete only at its end. */
static void note_interfaces(wtap *wtap, struct input *input)
{
    wtapng_iface_descriptions_t *interfaces = wtap_file_get_idb_info(wtap);
    for (guint i = 0; i < interfaces->interface_data->len; i++) {
        wtap_block_t block = g_array_index(interfaces->interface_data, wtap_block_t, i);
        const wtapng_if_descr_mandatory_t *interface = wtap_block_get_mandatory_data(block);
        if (interface->snap_len > input->snaplen)
            input->snaplen = interface->snap_len;
        add_drops(interface, &input->kernel_dropped);
    }
    g_free(interfaces);
}

/* Says why a file cannot be read, or not further; takes over `details`. */
static void note_trouble(struct input *input, int error, gchar *details)
{
    char where[48] = "";
    if (input->frames > 0)
        snprintf(where, sizeof where, "after frame %llu: ", (unsigned long long)input->frames);
    const char *why = error == WTAP_ERR_FILE_UNKNOWN_FORMAT                ? "not a capture in a known format"
                      : error == WTAP_ERR_SHORT_READ && input->frames == 0 ? "cut short before its first frame ends"
                      : error == WTAP_ERR_SHORT_READ                       ? "cut short in the middle of a frame"
                                                                           : wtap_strerror(error);
    failure_set(&input->trouble, "%s: %s%s%s%s%s", input->path, where, why, details ? " (" : "", details ? details : "",
                details ? ")" : "");
    g_free(details);
}

static enum reader_result wiretap_next(struct reader *reader, struct input *input, struct frame *frame)
{
    struct wiretap *wiretap = (struct wiretap *)reader;
    wtap_rec *record = &wiretap->record;
    int error = 0;
    gchar *details = NULL;
    gint64 offset = 0;
    wtap_rec_reset(record);
    if (!wtap_read(wiretap->wtap, record, &wiretap->bytes, &error, &details, &offset)) {
        if (error == WTAP_ERR_UNSUPPORTED && wiretap->resumes) {
            g_free(details);
            return READER_SKIPPED;
        }
        input->truncated = error != 0;
        if (error != 0)
            note_trouble(input, error, details);
        else
            g_free(details);
        note_interfaces(wiretap->wtap, input);
        return READER_END;
    }
    if (record->rec_type != REC_TYPE_PACKET)
        return READER_SKIPPED;
    const wtap_packet_header *header = &record->rec_header.packet_header;
    if (record->presence_flags & WTAP_HAS_TS)
        wiretap->time_ns = frame_time_ns(record->ts.secs, record->ts.nsecs);
    *frame = (struct frame){
        .data = ws_buffer_start_ptr(&wiretap->bytes),
        .captured = header->caplen,
        .declared = header->len < header->caplen ? header->caplen : header->len,
        .time_ns = wiretap->time_ns,
        .link_type = link_type_of(header),
        .note = note_of(wiretap, offset),
        .direction = direction_of(record),
    };
    return READER_FRAME;
}

static uint64_t wiretap_position(const struct reader *reader)
{
    gint64 at = wtap_read_so_far(((const struct wiretap *)reader)->wtap);
    return at > 0 ? (uint64_t)at : 0;
}

static void wiretap_close(struct reader *reader)
{
    struct wiretap *wiretap = (struct wiretap *)reader;
    netmon_close(wiretap->netmon);
    wtap_rec_cleanup(&wiretap->record);
    ws_buffer_free(&wiretap->bytes);
    wtap_close(wiretap->wtap);
    free(wiretap);
}

/* Formats whose times are those of the capturing host's clock, without a zone; what is not in them counts as UTC. */
static bool has_local_times(const char *format)
{
    static const char *const local[] = {"netmon1", "netmon2", "lanalyzer", "ngsniffer", "commview-ncf"};
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        if (strcmp(format, local[i]) == 0)
            return true;
    return false;
}

static bool may_hold_frames(int encap)
{
    if (encap == WTAP_ENCAP_PER_PACKET || encap == WTAP_ENCAP_UNKNOWN || encap == WTAP_ENCAP_ERF)
        return true;
    return encap >= 0 && encap < ENCAPS && link_types[encap] < LINK_UNREGISTERED;
}

/* Files of records that are no frames (wiretap reads pictures, logs and JSON as well) are no captures. */
static bool is_of_network(int encap)
{
    return may_hold_frames(encap) || (encap >= 0 && encap < ENCAPS && is_registered[encap]);
}

bool wiretap_knows(const char *path)
{
    int error;
    gchar *details = NULL;
    set_up();
    wtap *wtap = wtap_open_offline(path, WTAP_TYPE_AUTO, &error, &details, FALSE);
    g_free(details);
    if (!wtap)
        return false;
    bool knows = is_of_network(wtap_file_encap(wtap));
    wtap_close(wtap);
    return knows;
}

bool wiretap_reads(const char *path)
{
    enum { FRAMES = 100, ENOUGH = 3 };
    static struct notes unused;
    struct input trial = {.path = path};
    struct frame frame;
    struct reader *reader = wiretap_open(path, &trial, &unused);
    int count = 0;
    while (reader && count < FRAMES && reader->next(reader, &trial, &frame) == READER_FRAME)
        count++;
    if (reader)
        reader->close(reader);
    return count >= ENOUGH && !*trial.trouble.text;
}

static void describe(const struct wiretap *wiretap, struct input *input)
{
    const char *format = wtap_file_type_subtype_name(wiretap->format);
    input->format = format ? format : "unknown";
    input->local_times = has_local_times(input->format);
    input->snaplen = wtap_snapshot_length(wiretap->wtap);
}

/* Says why a file that can be opened holds no frames that can be judged. */
static void note_kind(struct input *input, int encap)
{
    if (is_of_network(encap)) {
        failure_set(&input->trouble, "%s: link type %s is not supported", input->path, wtap_encap_name(encap));
        return;
    }
    failure_set(&input->trouble, "%s: not a capture of a network", input->path);
    input->format = "unknown";
}

struct reader *wiretap_open(const char *path, struct input *input, struct notes *notes)
{
    int error = 0;
    gchar *details = NULL;
    set_up();
    struct wiretap *wiretap = calloc(1, sizeof *wiretap);
    if (!wiretap) {
        failure_set(&input->trouble, "%s: out of memory", input->path);
        return NULL;
    }
    wiretap->wtap = wtap_open_offline(path, WTAP_TYPE_AUTO, &error, &details, FALSE);
    if (!wiretap->wtap) {
        note_trouble(input, error, details);
        free(wiretap);
        return NULL;
    }
    wiretap->reader = (struct reader){wiretap_next, wiretap_position, wiretap_close};
    wiretap->notes = notes;
    wiretap->format = wtap_file_type_subtype(wiretap->wtap);
    describe(wiretap, input);
    bool is_netmon = strncmp(input->format, "netmon", 6) == 0;
    wiretap->resumes = is_netmon;
    if (is_netmon && !input->compression)
        wiretap->netmon = netmon_open(path);
    uint32_t absurd = netmon_absurd_time(wiretap->netmon);
    if (netmon_has_utc(wiretap->netmon))
        input->local_times = false;
    wtap_rec_init(&wiretap->record);
    ws_buffer_init(&wiretap->bytes, FIRST_BUFFER);
    int encap = wtap_file_encap(wiretap->wtap);
    if (may_hold_frames(encap) && absurd == 0)
        return &wiretap->reader;
    if (absurd > 0)
        failure_set(&input->trouble, "%s: the time of frame %u is before all others by days; the file is damaged",
                    input->path, absurd);
    else
        note_kind(input, encap);
    wiretap_close(&wiretap->reader);
    return NULL;
}

#define TEXT(number) #number
#define VERSION(major, minor, micro) TEXT(major) "." TEXT(minor) "." TEXT(micro)

const char *wiretap_version(void)
{
    return VERSION(WIRESHARK_VERSION_MAJOR, WIRESHARK_VERSION_MINOR, WIRESHARK_VERSION_MICRO);
}

#endif
