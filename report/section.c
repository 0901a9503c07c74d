#include "report/section.h"

#include "dissect/community.h"
#include "report/distance.h"
#include "report/timeline.h"
#include "report/words.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

enum { LOST_SHOWN = 8, CLIENTS_SHOWN = 8 };

static void write_title(struct page *page, const struct report_server *server)
{
    char name[WORDS_ENDPOINT];
    fprintf(page->out, "\n== %s  ", words_endpoint(server->facts->address, server->facts->port, name));
    page_verdict(page, server->outcome, &server->judgement);
    fprintf(page->out, "  [%s]\n", mechanism_name(server->judgement.mechanism));
    if (server->headline)
        page_paragraph(page, 0, "", server->headline);
}

static int frame_order(const void *a, const void *b)
{
    const struct frame_ref *x = a, *y = b;
    uint64_t left = (uint64_t)x->input << 48 | x->number, right = (uint64_t)y->input << 48 | y->number;
    return (left > right) - (left < right);
}

/* "[conclusive; frames 4, 9 of client.pcap]" */
static void write_reference(FILE *out, const struct report *report, const struct report_server *server,
                            const struct report_evidence *evidence)
{
    enum culprit blames = evidence->rule->blames;
    struct frame_ref frames[REPORT_FRAMES];
    unsigned count = evidence->frame_count;
    memcpy(frames, evidence->frames, sizeof frames);
    qsort(frames, count, sizeof *frames, frame_order);
    fprintf(out, " [%s", strength_name(evidence->rule->strength));
    if (blames != server->judgement.culprit && blames > CULPRIT_UNDETERMINED)
        fprintf(out, ", points to: %s", culprit_name(blames));
    for (unsigned i = 0; i < count; i++) {
        struct frame_ref frame = frames[i];
        bool last = i + 1 == count || frames[i + 1].input != frame.input;
        bool first = i == 0 || frames[i - 1].input != frame.input;
        fprintf(out, "%s %llu", !first ? "," : last ? "; frame" : "; frames", (unsigned long long)frame.number);
        if (last && report->source.input_count > 1 && frame.input < report->source.input_count)
            fprintf(out, " of %s", report->source.inputs[frame.input].path);
    }
    putc(']', out);
}

static bool write_evidence(struct page *page, const struct report *report, const struct report_server *server,
                           const struct report_evidence *evidence)
{
    char *text = NULL;
    size_t size = 0;
    FILE *line = open_memstream(&text, &size);
    if (!line)
        return false;
    fputs(evidence->text ? evidence->text : evidence->rule->meaning, line);
    write_reference(line, report, server, evidence);
    bool made = fclose(line) == 0;
    if (made)
        page_paragraph(page, 4, "  - ", text);
    free(text);
    return made;
}

/* The filter stays in one line, to be copied; findings that one filter shows share it. */
static void write_filter(struct page *page, const char *filter)
{
    if (!filter)
        return;
    fputs("    Wireshark: ", page->out);
    page_clean(page, filter);
    putc('\n', page->out);
}

/* True for what speaks against the verdict; where nobody is named, nothing does. */
static bool is_against(const struct report_server *server, const struct report_evidence *evidence)
{
    enum culprit blames = evidence->rule->blames, culprit = server->judgement.culprit;
    return culprit > CULPRIT_UNDETERMINED && blames > CULPRIT_UNDETERMINED && blames != culprit;
}

/* Lists the evidence for or against the verdict under a heading; `listed` counts it. */
static bool write_findings(struct page *page, const struct report *report, const struct report_server *server,
                           bool against, unsigned *listed)
{
    const char *filter = NULL;
    *listed = 0;
    for (unsigned i = 0; i < server->evidence_count; i++) {
        const struct report_evidence *evidence = &server->evidence[i];
        if (is_against(server, evidence) != against)
            continue;
        if (filter && (!evidence->filter || strcmp(filter, evidence->filter) != 0))
            write_filter(page, filter);
        if (against && *listed == 0)
            page_heading(page, "Against");
        if (!write_evidence(page, report, server, evidence))
            return false;
        filter = evidence->filter;
        ++*listed;
    }
    write_filter(page, filter);
    return true;
}

/* The explanation is made of the evidence, so it is said where there is none, or none that decides. */
static bool write_why(struct page *page, const struct report *report, const struct report_server *server)
{
    unsigned listed;
    bool told = server->evidence_count > 0 && server->judgement.culprit != CULPRIT_UNDETERMINED;
    if (server->evidence_count > 0 || server->explanation)
        page_heading(page, "Why");
    if (!told && server->explanation)
        page_paragraph(page, 2, "", server->explanation);
    if (!write_findings(page, report, server, false, &listed) || !write_findings(page, report, server, true, &listed))
        return false;
    if (listed == 0 && server->against && *server->against) {
        page_heading(page, "Against");
        page_paragraph(page, 2, "", server->against);
    }
    return true;
}

static void write_advice(struct page *page, const struct report_server *server)
{
    if (server->advice_count > 0)
        page_heading(page, "What to do");
    for (unsigned i = 0; i < server->advice_count; i++)
        page_paragraph(page, 4, "  - ", server->advice[i]);
}

static void write_lost(struct page *page, const struct report_server *server, bool verbose)
{
    unsigned shown = verbose || server->lost_count <= LOST_SHOWN ? server->lost_count : LOST_SHOWN;
    if (shown > 0)
        page_heading(page, "Lookups that got no answer over TCP");
    for (unsigned i = 0; i < shown; i++) {
        const struct report_lost *lost = &server->lost[i];
        fputs("  ", page->out);
        page_clean(page, lost->qname ? lost->qname : "?");
        fprintf(page->out, " %s, %u attempt%s%s\n", lost->qtype ? lost->qtype : "?", lost->attempts,
                words_plural(lost->attempts), lost->truncated_udp ? ", after a truncated answer over UDP" : "");
    }
    if (shown < server->lost_count)
        fprintf(page->out, "  ... and %u more (-v shows them)\n", server->lost_count - shown);
}

/* The domain that was asked for, or of the first MX lookup that was lost, without its last dot; "DOMAIN" when there is none. */
static void write_mail_domain(struct page *page, const struct report *report, const struct report_server *server)
{
    const struct report_probe *probe = report->source.probe;
    if (probe && strcasecmp(probe->qtype, "MX") == 0) {
        page_clean(page, probe->qname);
        return;
    }
    for (unsigned i = 0; i < server->lost_count; i++) {
        const struct report_lost *lost = &server->lost[i];
        if (!lost->qname || !lost->qtype || strcmp(lost->qtype, "MX") != 0)
            continue;
        size_t length = strlen(lost->qname);
        length -= length > 1 && lost->qname[length - 1] == '.';
        fprintf(page->out, "%.*s", (int)length, lost->qname);
        return;
    }
    fputs("DOMAIN", page->out);
}

static void write_mail(struct page *page, const struct report *report, const struct report_server *server)
{
    if (!server->mail_affected)
        return;
    page_heading(page, "In the mail log this looks like");
    page_paragraph(page, 2, "  ",
                   "Exchange and the SMTP service of IIS: Event ID 4000, source SMTPSVC, data c00402e7, \"An internal "
                   "DNS error caused a failure to find the remote server.\"");
    fputs("  Postfix:\n    Host or domain name not found. Name service error for name=", page->out);
    write_mail_domain(page, report, server);
    fputs(" type=MX: Host not found, try again\n  Exim:\n    host lookup did not complete\n", page->out);
}

static void write_distance(struct page *page, const char *of, struct distance distance)
{
    if (distance.samples == 0)
        return;
    fprintf(page->out, "  Distance  %-13s %u hop%s (TTL %u)", of, distance.hops, words_plural(distance.hops),
            distance.ttl);
    if (distance.spread > 0)
        fprintf(page->out, ", others up to %u hop%s apart", distance.spread, words_plural(distance.spread));
    putc('\n', page->out);
}

static struct distance distance_of_end(const struct report_server *server)
{
    uint8_t ttl = server->ending ? server->ending->end.ttl : 0;
    return (struct distance){.hops = ttl_hops(ttl), .ttl = ttl, .samples = ttl > 0};
}

/* What a server did before it turned. */
static void write_earlier(struct page *page, const struct tcp_facts *tcp)
{
    if (!facts_turned(tcp))
        return;
    char since[WORDS_TIME];
    fprintf(page->out, "\n            before %.19sZ: %u answered, %u rejected, %u unanswered",
            words_time(tcp->turned_ns, since), tcp->earlier[OUTCOME_ANSWERED], tcp->earlier[OUTCOME_REJECTED],
            tcp->earlier[OUTCOME_UNANSWERED]);
}

static void write_counts(struct page *page, const struct report *report, const struct report_server *server)
{
    static const char *const places[] = {
        [VANTAGE_UNKNOWN] = "at a place that the packets do not show",
        [VANTAGE_CLIENT] = "at the client",
        [VANTAGE_SERVER] = "at the server",
        [VANTAGE_PATH] = "somewhere between client and server",
    };
    static_assert(sizeof places / sizeof *places == VANTAGES, "each vantage has its words");
    const struct server *facts = server->facts;
    uint32_t attempts = server->answered + server->rejected + server->unanswered + server->aborted;
    page_heading(page, "Counts");
    fprintf(page->out, "  TCP       %u attempt%s: %u answered, %u rejected, %u unanswered, %u aborted by the client",
            attempts, words_plural(attempts), server->answered, server->rejected, server->unanswered, server->aborted);
    if (server->incomplete > 0)
        fprintf(page->out, "\n            %u more not captured whole", server->incomplete);
    write_earlier(page, server->tcp);
    fprintf(page->out, "\n  UDP       %u question%s, %u answer%s, %u truncated\n", facts->udp_queries,
            words_plural(facts->udp_queries), facts->udp_answers, words_plural(facts->udp_answers),
            facts->udp_truncated);
    write_distance(page, "UDP answers", distance_of(&facts->references[REFERENCE_UDP_ANSWER]));
    write_distance(page, "TCP answers", distance_of(&facts->references[REFERENCE_TCP_ANSWER]));
    write_distance(page, "SYN-ACKs", distance_of(&facts->references[REFERENCE_SYNACK]));
    write_distance(page, "what ends it", distance_of_end(server));
    bool seen = !report->source.probe || !report->source.probe->obstacle;
    fprintf(page->out, "  Captured  %s\n", seen ? places[server->vantage] : "nothing: all is as the sockets were told");
}

static void write_timeline_line(struct page *page, const struct timeline_line *line, int64_t start_ns, int width)
{
    char head[TIMELINE_WHAT + 64], frame[24] = "-", place[24] = "  -    -";
    if (line->ref.number)
        snprintf(frame, sizeof frame, "%llu", (unsigned long long)line->ref.number);
    if (line->ttl || line->ref.number)
        snprintf(place, sizeof place, "%3u %4u", line->ttl, line->hops);
    snprintf(head, sizeof head, "  %8s %12.6f  %s %-*s %s", frame, (double)(line->time_ns - start_ns) / FLOW_SECOND_NS,
             strcmp(line->from, "client") == 0 ? "->" : "<-", width, line->what, place);
    if (*line->note)
        page_paragraph(page, strlen(head) + 2, head, line->note);
    else
        fprintf(page->out, "%s\n", head);
}

static void write_timeline(struct page *page, const struct timeline *timeline)
{
    size_t width = 8;
    for (unsigned i = 0; i < timeline->count; i++)
        width = strlen(timeline->lines[i].what) > width ? strlen(timeline->lines[i].what) : width;
    fprintf(page->out, "  %8s %12s     %-*s %3s %4s  %s\n", "frame", "seconds", (int)width, "what", "ttl", "hops",
            "note");
    for (unsigned i = 0; i < timeline->count; i++)
        write_timeline_line(page, &timeline->lines[i], timeline->lines[0].time_ns, (int)width);
}

static void write_flow(struct page *page, const struct report *report, const struct report_server *server,
                       unsigned index)
{
    const struct flow_record *record = server->flows[index];
    struct community_end client = {record->client, record->client_port}, end = {record->server, record->server_port};
    char one[WORDS_ENDPOINT], other[WORDS_ENDPOINT], id[COMMUNITY_TEXT];
    struct timeline timeline;
    timeline_of(&timeline, record, server->flow_stages[index], server, report);
    const char *ended = mechanism_name(server->flow_stages[index]);
    bool plain = strcmp(ended, timeline.stage) == 0;
    fprintf(page->out, "\nOne of its connections (%s%s%s)\n  %s -> %s  %s  %s\n", ended, plain ? "" : ", ",
            plain ? "" : timeline.stage, words_endpoint(record->client, record->client_port, one),
            words_endpoint(record->server, record->server_port, other), timeline.history,
            community_id(client, end, id));
    if (report->source.input_count > 1 && timeline.count > 0 &&
        timeline.lines[0].ref.input < report->source.input_count) {
        fputs("  frames of ", page->out);
        page_clean(page, report->source.inputs[timeline.lines[0].ref.input].path);
        putc('\n', page->out);
    }
    write_timeline(page, &timeline);
}

static void write_clients(struct page *page, const struct report_server *server, bool verbose)
{
    unsigned shown = verbose || server->client_count <= CLIENTS_SHOWN ? server->client_count : CLIENTS_SHOWN;
    char name[ADDR_TEXT];
    if (shown > 0)
        page_heading(page, "Clients that fared otherwise");
    for (unsigned i = 0; i < shown; i++) {
        const struct report_client *client = &server->clients[i];
        fprintf(page->out, "  %s  %s, culprit: %s, %u attempt%s\n", addr_text(client->address, name),
                report_outcome_name(client->outcome), culprit_name(client->culprit), client->attempts,
                words_plural(client->attempts));
    }
    if (shown < server->client_count)
        fprintf(page->out, "  ... and %u more (-v shows them)\n", server->client_count - shown);
}

bool section_write(struct page *page, const struct report *report, const struct report_server *server, bool verbose)
{
    write_title(page, server);
    if (!write_why(page, report, server))
        return false;
    write_advice(page, server);
    write_lost(page, server, verbose);
    write_mail(page, report, server);
    write_counts(page, report, server);
    for (unsigned i = 0; i < server->flow_count && (verbose || i == 0); i++)
        write_flow(page, report, server, i);
    write_clients(page, server, verbose);
    return true;
}
