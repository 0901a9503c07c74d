/*
 * How it works: each row looks at one input, or at the whole capture, and makes a sentence when there is something to
 * say. A weakness limits the verdicts; a remark is something the reader has to know. Rows that lose packets also lower
 * the confidence of verdicts that rest on packets not seen (verdict.c).
 */
#include "report/weakness.h"

#include "dissect/tunnel.h"
#include "report/compared.h"
#include "report/words.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
    WEAKNESSES = sizeof((struct report *)0)->weaknesses / sizeof(char *),
    REMARKS = sizeof((struct report *)0)->remarks / sizeof(char *),
    LATE_SHARE = 100,  /* one frame in so many out of order, and who came first is anybody's guess */
    LOSS_SHARE = 1000, /* one frame in so many lost is more than stray */
    GAP_SHARE = 20,    /* one connection in so many with a gap */
    COPY_SHARE = 20,
    INPUTS_TOLD = 1,   /* files of which one thing is said in full, and the last one */
    ONE_WAY_LEAST = 3, /* packets in one direction without any in the other */
};

static const char less_sure[] = "verdicts that rest on packets not seen are less sure";

/* Of one input; NULL when there is nothing to say. */

static char *say_broken_off(const struct report_input *input)
{
    return input->truncated
               ? words_format("%s ends in the middle of a frame; it was judged as far as it goes", input->path)
               : NULL;
}

static bool drops(const struct report_input *input)
{
    return input->kernel_dropped > 0 && (uint64_t)input->kernel_dropped * LOSS_SHARE >= input->frames;
}

static char *say_dropped(const struct report_input *input)
{
    if (input->kernel_dropped <= 0)
        return NULL;
    return words_format("%s lacks %" PRId64 " frames that the capturing host dropped%s%s", input->path,
                        input->kernel_dropped, drops(input) ? "; " : "", drops(input) ? less_sure : "");
}

static char *say_timeless(const struct report_input *input)
{
    return input->frames > 2 && input->first_ns == input->last_ns
               ? words_format("%s has no times, or one for all frames: nothing that rests on time can be judged",
                              input->path)
               : NULL;
}

static char *say_local_times(const struct report_input *input)
{
    return input->time_zone ? words_format("%s stores local times without a zone; they were taken as %s (--time-zone)",
                                           input->path, input->time_zone)
                            : NULL;
}

static char *say_skipped(const struct report_input *input)
{
    return input->skipped ? words_format("%s holds %" PRIu64 " record%s that %s no frame%s of a kind that can be read",
                                         input->path, input->skipped, words_plural(input->skipped),
                                         input->skipped == 1 ? "is" : "are", words_plural(input->skipped))
                          : NULL;
}

static char *say_backward(const struct report_input *input)
{
    if (input->backward == 0)
        return NULL;
    return words_format("%s: %" PRIu64
                        " frame%s stood out of order of time; all are put in order as far as that can be done",
                        input->path, input->backward, words_plural(input->backward));
}

/* Of the whole. */

bool weakness_is_disordered(const struct report_source *source)
{
    uint64_t frames = 0;
    for (size_t i = 0; i < source->input_count; i++)
        frames += source->inputs[i].frames;
    return source->late > 0 && source->late * LATE_SHARE >= frames;
}

static char *say_late(const struct report *report)
{
    uint64_t late = report->source.late;
    return late ? words_format(
                      "%" PRIu64 " frame%s came too late to be put in order of time (`reordercap FILE NEW` does "
                      "it); %s",
                      late, words_plural(late),
                      weakness_is_disordered(&report->source) ? "so many that no verdict names anybody" : less_sure)
                : NULL;
}

static char *say_interrupted(const struct report *report)
{
    return report->source.interrupted ? words_format("The reading was interrupted: what follows was not judged") : NULL;
}

static char *say_selection(const struct report *report)
{
    uint64_t frames = 0, selected = 0;
    for (size_t i = 0; i < report->source.input_count; i++) {
        frames += report->source.inputs[i].frames;
        selected += report->source.inputs[i].selected;
    }
    return report->source.selection ? words_format("%" PRIu64 " of %" PRIu64 " frames read were judged: %s", selected,
                                                   frames, report->source.selection)
                                    : NULL;
}

static bool has_gaps(const struct analysis_counters *counters)
{
    return counters->flows.gaps > 0 && counters->flows.gaps * GAP_SHARE >= counters->flows.flows;
}

static char *say_gaps(const struct report *report)
{
    uint64_t gaps = report->counters.flows.gaps;
    bool many = has_gaps(&report->counters);
    return gaps ? words_format("%" PRIu64 " TCP connection%s data that the capture does not hold: it lost packets%s%s",
                               gaps, gaps == 1 ? " acknowledges" : "s acknowledge", many ? "; " : "",
                               many ? less_sure : "")
                : NULL;
}

static char *say_one_way(const struct report *report)
{
    uint64_t all = report->counters.tcp + report->counters.udp, from = report->counters.from_servers;
    if (all < ONE_WAY_LEAST || (from > 0 && from < all))
        return NULL;
    return from
               ? words_format("Only packets of the servers were captured, none of the clients: the capture is one-way; "
                              "one taken on the mail server holds both directions")
               : words_format("Only packets toward the servers were captured, none of theirs: the capture may be "
                              "one-way, and silence in it proves nothing; one taken on the mail server holds both "
                              "directions");
}

static char *say_elsewhere(const struct report *report)
{
    for (size_t i = 0; i < report->server_count; i++)
        if (ruler_is_elsewhere(report->facts, report->servers[i].facts))
            return words_format("Captures of several hosts were read together: a server is not equally far from all of "
                                "them, so that distances and times tell nothing; read each host's by itself");
    return NULL;
}

static char *say_copies(const struct report *report)
{
    uint64_t copies = report->counters.flows.copies;
    return copies * COPY_SHARE >= report->counters.tcp && copies > 0
               ? words_format("%" PRIu64
                              " TCP packets were captured twice (a mirror port, or several interfaces at once); "
                              "each counts once",
                              copies)
               : NULL;
}

/* "GRE and VXLAN" */
static void name_tunnels(const struct analysis_counters *counters, char *text, size_t size, bool *hides)
{
    unsigned left = 0;
    *text = '\0';
    for (int i = 0; i < TUNNELS; i++)
        left += counters->tunnelled[i] > 0;
    for (int i = 0; i < TUNNELS; i++) {
        if (counters->tunnelled[i] == 0)
            continue;
        size_t length = strlen(text);
        left--;
        snprintf(text + length, size - length, "%s%s", tunnel_name((enum tunnel)i),
                 left > 1 ? ", "
                 : left   ? " and "
                          : "");
        *hides |= tunnel_hides_routers((enum tunnel)i);
    }
}

static char *say_tunnelled(const struct report *report)
{
    const struct analysis_counters *counters = &report->counters;
    char names[160];
    bool hides = false;
    name_tunnels(counters, names, sizeof names, &hides);
    if (!*names)
        return NULL;
    return words_format(
        "%" PRIu64 " of %" PRIu64 " DNS packets were tunnelled in %s%s", counters->tunnelled_packets,
        counters->tcp + counters->udp + counters->icmp, names,
        hides ? ": addresses and distances are those of the innermost IP header, and hops count from where the "
                "tunnel ends, not from the capture"
              : "");
}

static char *say_incomplete(const struct report *report)
{
    uint64_t incomplete = 0;
    for (size_t i = 0; i < report->server_count; i++)
        incomplete += report->servers[i].incomplete;
    return incomplete ? words_format("%" PRIu64 " TCP attempt%s not captured whole, since the capture began or ended "
                                     "meanwhile or lacks packets: not judged",
                                     incomplete, incomplete == 1 ? " was" : "s were")
                      : NULL;
}

/* A probe's frame numbers are those of a capture that is gone, unless it was saved: then the file is the first input. */
static char *say_not_saved(const struct report *report)
{
    const struct report_source *source = &report->source;
    bool live = source->probe && source->input_count > 0 && strcmp(source->inputs[0].format, "live") == 0;
    bool failed = report->server_count > 0 && report_outcome_is_failure(report->servers[0].outcome);
    return live && failed && !source->probe->obstacle
               ? words_format("The packets were not saved; with -w FILE they are, for a ticket, and frame numbers are "
                              "the file's")
               : NULL;
}

enum kind { WEAKNESS, REMARK };

#define AT(field) offsetof(struct analysis_counters, field)

/* Each row has a maker of its own sentence, or counts something; a counter that is 0 has nothing to say. */
static const struct {
    enum kind kind;
    char *(*of_input)(const struct report_input *input);
    char *(*of_all)(const struct report *report);
    size_t counter;
    const char *counted; /* what there are so many of */
} rows[] = {
    {WEAKNESS, say_broken_off, NULL, 0, NULL},
    {WEAKNESS, say_dropped, NULL, 0, NULL},
    {WEAKNESS, say_timeless, NULL, 0, NULL},
    {REMARK, say_local_times, NULL, 0, NULL},
    {REMARK, say_skipped, NULL, 0, NULL},
    {REMARK, say_backward, NULL, 0, NULL},
    {WEAKNESS, NULL, say_late, 0, NULL},
    {WEAKNESS, NULL, say_interrupted, 0, NULL},
    {REMARK, NULL, say_selection, 0, NULL},
    {WEAKNESS, NULL, say_one_way, 0, NULL},
    {WEAKNESS, NULL, say_elsewhere, 0, NULL},
    {WEAKNESS, NULL, say_gaps, 0, NULL},
    {WEAKNESS, NULL, NULL, AT(cut), "DNS packets cut by the snapshot length: what they say is known in part only"},
    {WEAKNESS, NULL, NULL, AT(icmp_cut),
     "ICMP errors cut before the packet that they answer is named: silence may be a rejection"},
    {WEAKNESS, NULL, say_incomplete, 0, NULL},
    {WEAKNESS, NULL, NULL, AT(flows.evicted), "TCP flows given up early, because too many were open at a time"},
    {WEAKNESS, NULL, NULL, AT(flows.streams_lost),
     "TCP streams that could not be reassembled, because too many were incomplete"},
    {WEAKNESS, NULL, NULL, AT(refused.servers), "packets of servers beyond those that can be remembered"},
    {WEAKNESS, NULL, NULL, AT(statuses[PACKET_BAD]), "malformed frames"},
    {REMARK, NULL, say_copies, 0, NULL},
    {REMARK, NULL, NULL, AT(merged),
     "TCP segments larger than an Ethernet frame: the host's network card cuts or joins them (TSO, GRO), or the link "
     "carries jumbo frames"},
    {REMARK, NULL, say_tunnelled, 0, NULL},
    {REMARK, NULL, say_not_saved, 0, NULL},
};

#undef AT

static char *say_count(const struct report *report, size_t counter, const char *counted)
{
    uint64_t count;
    memcpy(&count, (const char *)&report->counters + counter, sizeof count);
    return count ? words_format("%" PRIu64 " %s", count, counted) : NULL;
}

static void add(struct report *report, enum kind kind, char *text)
{
    unsigned *count = kind == WEAKNESS ? &report->weakness_count : &report->remark_count;
    if (text && *count < (unsigned)(kind == WEAKNESS ? WEAKNESSES : REMARKS))
        (kind == WEAKNESS ? report->weaknesses : report->remarks)[(*count)++] = text;
    else
        free(text);
}

/* The same of several inputs: the first few, and how many more. */
static void add_inputs(struct report *report, enum kind kind, char *(*say)(const struct report_input *input))
{
    char *last = NULL;
    size_t count = 0;
    for (size_t i = 0; i < report->source.input_count; i++) {
        char *text = say(&report->source.inputs[i]);
        if (!text)
            continue;
        if (count++ < INPUTS_TOLD) {
            add(report, kind, text);
        } else {
            free(last);
            last = text;
        }
    }
    if (count > INPUTS_TOLD + 1)
        add(report, kind, words_format("%s; and so %zu more files", last ? last : "", count - INPUTS_TOLD - 1));
    else if (last)
        add(report, kind, strdup(last));
    free(last);
}

void weakness_collect(struct report *report)
{
    const struct report_source *source = &report->source;
    for (size_t i = 0; i < source->input_count; i++)
        report->truncated |= source->inputs[i].truncated || source->inputs[i].trouble;
    if (source->pair)
        report->weakness_count = compared_weaknesses(report, report->weaknesses, WEAKNESSES);
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        if (rows[row].of_all)
            add(report, rows[row].kind, rows[row].of_all(report));
        if (rows[row].counted)
            add(report, rows[row].kind, say_count(report, rows[row].counter, rows[row].counted));
    }
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        if (rows[row].of_input)
            add_inputs(report, rows[row].kind, rows[row].of_input);
}

void weakness_release(struct report *report)
{
    for (unsigned i = 0; i < report->weakness_count; i++)
        free(report->weaknesses[i]);
    for (unsigned i = 0; i < report->remark_count; i++)
        free(report->remarks[i]);
}

bool weakness_loses_packets(const struct report_source *source, const struct analysis_counters *counters)
{
    bool loses = source->late > 0 || counters->icmp_cut > 0 || has_gaps(counters);
    for (size_t i = 0; i < source->input_count; i++)
        loses |= drops(&source->inputs[i]);
    return loses;
}
