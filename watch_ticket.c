#include "watch_ticket.h"

#include "capture/digest.h"
#include "capture/pcap_frame.h"
#include "inputs.h"
#include "report/words.h"
#include "clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINKS = 8 };

/* A ticket that is being written. */
struct draft {
    const struct ticket *ticket;
    char folder[TICKET_NAME];
    struct keep_part part;
    struct input input; /* of the capture file */
    struct analysis *analysis;
    pcap_dumper_t *dumper;
    char digest[DIGEST_TEXT];
    struct {
        int type;
        unsigned frames;
    } links[LINKS];
};

/* When a server turned, by what was told of it. */
static int64_t since(void *context, struct addr address, uint16_t port)
{
    const struct draft *draft = context;
    const struct server *server = facts_server_seen(draft->ticket->facts, address, port);
    const struct tcp_facts *tcp = server ? facts_tcp_seen(draft->ticket->facts, server) : NULL;
    return tcp ? tcp->turned_ns : 0;
}

static bool count_link(void *context, const struct frame *frame)
{
    struct draft *draft = context;
    int i = 0;
    while (i < LINKS - 1 && draft->links[i].frames > 0 && draft->links[i].type != frame->link_type)
        i++;
    draft->links[i].type = frame->link_type;
    draft->links[i].frames++;
    return true;
}

static int usual_link(struct draft *draft)
{
    int most = 0;
    keep_each_unordered(draft->ticket->keep, &(struct keep_each){draft, count_link, since}, &draft->part);
    for (int i = 1; i < LINKS; i++)
        if (draft->links[i].frames > draft->links[most].frames)
            most = i;
    return draft->links[most].type;
}

static FILE *create(const struct draft *draft, const char *file)
{
    char name[TICKET_NAME + TICKET_FILE];
    snprintf(name, sizeof name, "%s/%s", draft->folder, file);
    return clerk_stream(draft->ticket->clerk, draft->ticket->place, name);
}

/* Writes a frame and analyses it as `tcp53 read` will. */
static bool take_frame(void *context, const struct frame *frame)
{
    struct draft *draft = context;
    struct frame copy = *frame;
    if (frame->link_type != draft->input.link_types[0])
        return true;
    struct pcap_pkthdr head = pcap_frame_head(frame, frame->captured);
    pcap_dump((u_char *)draft->dumper, &head, frame->data);
    draft->input.records++;
    draft->input.selected++;
    input_count(&draft->input, frame);
    copy.ref = (struct frame_ref){.number = draft->input.frames & 0xffffffffffff};
    copy.direction = LINK_DIRECTION_UNKNOWN; /* a pcap file does not tell */
    analysis_feed(draft->analysis, &copy);
    return true;
}

static bool write_capture(struct draft *draft)
{
    int link_type = usual_link(draft);
    FILE *out = create(draft, TICKET_PCAP);
    pcap_t *pcap = pcap_open_dead_with_tstamp_precision(link_type, KEEP_SNAPLEN, PCAP_TSTAMP_PRECISION_NANO);
    draft->input = (struct input){.path = TICKET_PCAP, .format = "nsecpcap", .kernel_dropped = -1};
    draft->input.link_types[draft->input.link_type_count++] = link_type;
    draft->input.snaplen = KEEP_SNAPLEN;
    draft->dumper = out && pcap ? pcap_dump_fopen(pcap, out) : NULL;
    bool fine = draft->dumper &&
                keep_each_of(draft->ticket->keep, &(struct keep_each){draft, take_frame, since}, &draft->part) &&
                pcap_dump_flush(draft->dumper) == 0 && !ferror(out) && digest_file(fileno(out), draft->digest);
    if (draft->dumper)
        pcap_dump_close(draft->dumper);
    else if (out)
        fclose(out);
    if (pcap)
        pcap_close(pcap);
    return fine;
}

static bool write_one(const struct draft *draft, const char *file, renderer *render, const struct report *report,
                      const struct change *change)
{
    static const struct render_options plain = {.colour = false};
    FILE *out = create(draft, file);
    bool fine = out;
    if (fine && change)
        fine = change_text(change, out) && putc('\n', out) != EOF;
    fine = fine && render(report, &plain, out);
    return out && fclose(out) == 0 && fine;
}

static bool write_reports(struct draft *draft, const struct change *change)
{
    struct report_source from = {.command = "watch", .generated_ns = clock_day_ns()};
    struct report *report = NULL;
    if (inputs_list(&draft->input, 1, &from)) {
        ((struct report_input *)from.inputs)->sha256 = draft->digest;
        report = report_build(analysis_facts(draft->analysis), analysis_counters(draft->analysis), &from);
    }
    bool fine = report && write_one(draft, TICKET_JSON, render_json, report, NULL) &&
                write_one(draft, TICKET_TEXT, render_text, report, change);
    report_free(report);
    inputs_release(&from);
    return fine;
}

/* "20261124T093012Z-192.0.2.53-rejected-intermediary-1": IPv6's colons become points, which all file systems take. */
static void name_ticket(const struct change *change, unsigned serial, char name[TICKET_NAME])
{
    char time[WORDS_TIME], address[ADDR_TEXT], *to = name;
    for (const char *from = words_time(change->time_ns, time); *from && *from != '.'; from++)
        if (*from != '-' && *from != ':')
            *to++ = *from;
    snprintf(to, (size_t)(name + TICKET_NAME - to), "Z-%s-%s-%s-%u", addr_text(change->address, address),
             report_outcome_name(change->now.outcome), culprit_name(change->now.culprit), serial);
    for (; *to; to++)
        if (*to == ':')
            *to = '.';
}

bool ticket_write(const struct ticket *ticket, const struct change *change, char name[TICKET_NAME],
                  char folder[TICKET_NAME])
{
    struct draft draft = {.ticket = ticket, .part = {change->address, change->port, TICKET_FRAMES}};
    struct analysis_options options = ticket->options->analysis;
    options.observer = NULL;
    name_ticket(change, ticket->serial, name);
    snprintf(draft.folder, sizeof draft.folder, "%.*s.new", TICKET_NAME - 5, name);
    memcpy(folder, draft.folder, TICKET_NAME);
    draft.analysis = analysis_new(&options);
    bool fine =
        draft.analysis && clerk_make_directory(ticket->clerk, ticket->place, draft.folder) && write_capture(&draft);
    if (fine) {
        analysis_finish(draft.analysis);
        fine = write_reports(&draft, change) && clerk_rename(ticket->clerk, ticket->place, draft.folder, name);
    }
    int why = errno;
    analysis_free(draft.analysis);
    errno = why;
    return fine;
}
