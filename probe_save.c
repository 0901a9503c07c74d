#include "probe_save.h"

#include "capture/live.h"
#include "capture/pcap_frame.h"
#include "output.h"

#include <stdlib.h>

struct probe_save {
    const char *path;
    char *bytes;
    size_t size;
    FILE *memory;
    pcap_t *pcap; /* of the first frame's link type; NULL: there was none yet */
    pcap_dumper_t *dumper;
    struct input input;
};

struct probe_save *probe_save_new(const char *path)
{
    struct probe_save *save = calloc(1, sizeof *save);
    if (!save)
        return NULL;
    save->path = path;
    save->input = (struct input){.path = path, .format = "pcap", .kernel_dropped = -1, .snaplen = LIVE_SNAPLEN};
    save->memory = open_memstream(&save->bytes, &save->size);
    if (save->memory)
        return save;
    free(save);
    return NULL;
}

void probe_save_free(struct probe_save *save)
{
    if (!save)
        return;
    if (save->dumper)
        pcap_dump_close(save->dumper); /* and the stream */
    else if (save->memory)
        fclose(save->memory);
    if (save->pcap)
        pcap_close(save->pcap);
    free(save->bytes);
    free(save);
}

static bool begin(struct probe_save *save, int link_type)
{
    save->pcap = pcap_open_dead_with_tstamp_precision(link_type, LIVE_SNAPLEN, PCAP_TSTAMP_PRECISION_NANO);
    save->dumper = save->pcap ? pcap_dump_fopen(save->pcap, save->memory) : NULL;
    save->input.link_types[save->input.link_type_count++] = link_type;
    return save->dumper != NULL;
}

uint64_t probe_save_frame(struct probe_save *save, const struct frame *frame)
{
    if (!save->pcap && !begin(save, frame->link_type))
        return 0;
    if (!save->dumper || frame->link_type != save->input.link_types[0])
        return 0;
    const struct pcap_pkthdr head = pcap_frame_head(frame, frame->captured);
    pcap_dump((u_char *)save->dumper, &head, frame->data);
    input_count(&save->input, frame);
    save->input.selected++;
    return ++save->input.records;
}

struct input probe_save_input(const struct probe_save *save)
{
    return save->input;
}

static bool write_bytes(const void *what, FILE *out)
{
    const struct probe_save *save = what;
    return fwrite(save->bytes, 1, save->size, out) == save->size;
}

bool probe_save_write(struct probe_save *save)
{
    if (!save->dumper && !begin(save, LINK_ETHERNET)) /* a file without frames */
        return complain("-w: out of memory");
    if (pcap_dump_flush(save->dumper) != 0)
        return complain("-w: out of memory");
    return output_file(save->path, write_bytes, save);
}
