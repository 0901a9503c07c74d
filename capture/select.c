#include "capture/select.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRAMS = INPUT_LINK_TYPES, SNAPLEN_MOST = 262144 };

/* The filter as compiled for one link type. */
struct program {
    int link_type;
    bool usable; /* false: the expression means nothing there, so no frame passes */
    struct bpf_program code;
};

struct select {
    struct source_options options;
    uint64_t taken;
    size_t count;
    struct program programs[PROGRAMS];
};

static bool compile(struct program *program, const char *filter, int link_type, struct failure *failure)
{
    pcap_t *pcap = pcap_open_dead(link_type == LINK_RAW ? LINK_RAW_DLT : link_type, SNAPLEN_MOST);
    *program = (struct program){.link_type = link_type};
    program->usable = pcap && pcap_compile(pcap, &program->code, filter, 1, PCAP_NETMASK_UNKNOWN) == 0;
    if (!program->usable && failure)
        failure_set(failure, "--filter: %s%s", pcap ? pcap_geterr(pcap) : "out of memory",
                    pcap && strstr(pcap_geterr(pcap), "unknown host") ? " (names are never resolved)" : "");
    if (pcap)
        pcap_close(pcap);
    return program->usable;
}

struct select *select_new(const struct source_options *options, struct failure *failure)
{
    struct select *select = calloc(1, sizeof *select);
    if (!select) {
        failure_set(failure, "out of memory");
        return NULL;
    }
    select->options = *options;
    if (!options->filter || compile(&select->programs[select->count++], options->filter, LINK_ETHERNET, failure))
        return select;
    select_free(select);
    return NULL;
}

void select_free(struct select *select)
{
    if (!select)
        return;
    for (size_t i = 0; i < select->count; i++)
        pcap_freecode(&select->programs[i].code);
    free(select);
}

/* The program of a link type; the last place serves all types beyond those that there is room for, in turn. */
static const struct program *program_of(struct select *select, int link_type)
{
    for (size_t i = 0; i < select->count; i++)
        if (select->programs[i].link_type == link_type)
            return &select->programs[i];
    if (select->count == PROGRAMS)
        pcap_freecode(&select->programs[--select->count].code);
    struct program *program = &select->programs[select->count++];
    compile(program, select->options.filter, link_type, NULL);
    return program;
}

bool select_prepare(struct select *select, int link_type, struct failure *failure)
{
    struct program program;
    if (!select->options.filter)
        return true;
    if (!compile(&program, select->options.filter, link_type, failure))
        return false;
    pcap_freecode(&program.code);
    return program_of(select, link_type)->usable;
}

static bool passes(struct select *select, const struct frame *frame)
{
    const struct program *program = program_of(select, frame->link_type);
    struct pcap_pkthdr header = {.caplen = frame->captured, .len = frame->declared};
    return program->usable && pcap_offline_filter(&program->code, &header, frame->data) != 0;
}

bool select_takes(struct select *select, const struct frame *frame)
{
    const struct source_options *options = &select->options;
    if (frame->time_ns < options->from_ns || frame->time_ns > options->to_ns)
        return false;
    if (options->filter && !passes(select, frame))
        return false;
    select->taken++;
    return true;
}

void select_begin(struct select *select)
{
    select->taken = 0;
}

bool select_is_done(const struct select *select)
{
    return select->options.count > 0 && select->taken >= select->options.count;
}
