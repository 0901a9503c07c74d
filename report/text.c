/* The report as text, for whoever has to act on it: the verdict first, then why, then what to do. */
#include "report/compared.h"
#include "report/section.h"
#include "report/text_probe.h"
#include "report/words.h"

enum { ONE_LINERS = 10, ENDPOINT_WIDTH = 24 };

static bool is_settled(enum report_outcome outcome)
{
    return outcome == REPORT_NONE || outcome == REPORT_ANSWERED;
}

static void quiet_line(struct page *page, const struct report_server *server)
{
    char name[WORDS_ENDPOINT];
    fprintf(page->out, "%s %s %s %s %s - ", words_endpoint(server->facts->address, server->facts->port, name),
            report_outcome_name(server->outcome), culprit_name(server->judgement.culprit),
            confidence_name(server->judgement.confidence), mechanism_name(server->judgement.mechanism));
    page_clean(page, server->headline ? server->headline : "");
    putc('\n', page->out);
}

/* The verdict on everything, in one line. */
static void write_summary(struct page *page, const struct report *report)
{
    size_t asked = 0, failing = 0;
    bool incomplete = false;
    for (size_t i = 0; i < report->server_count; i++) {
        asked += report->servers[i].outcome != REPORT_NONE;
        failing += report_outcome_is_failure(report->servers[i].outcome);
        incomplete |= report->servers[i].incomplete > 0;
    }
    if (asked == 0) {
        fprintf(page->out, "NOTHING TO CONCLUDE: %s.\n",
                incomplete ? "too little was captured of the TCP attempts" : "no DNS query over TCP was seen");
        return;
    }
    const struct report_server *worst = &report->servers[0];
    char name[WORDS_ENDPOINT];
    words_endpoint(worst->facts->address, worst->facts->port, name);
    page_verdict(page, worst->outcome, &worst->judgement);
    if (failing > 0 && asked == 1)
        fprintf(page->out, ": DNS over TCP to %s fails%s.\n", name, worst->outcome == REPORT_MIXED ? " in part" : "");
    else if (failing > 0)
        fprintf(page->out, ": DNS over TCP fails with %zu of %zu servers, worst with %s.\n", failing, asked, name);
    else if (worst->outcome == REPORT_ANSWERED)
        fprintf(page->out, ": all is well with DNS over TCP, %zu server%s asked.\n", asked, words_plural(asked));
    else
        fprintf(page->out, ": clients of %s went away by themselves, nobody rejected them.\n", name);
}

static void write_one_liner(struct page *page, const struct report_server *server)
{
    char name[WORDS_ENDPOINT];
    fprintf(page->out, "%-*s ", ENDPOINT_WIDTH, words_endpoint(server->facts->address, server->facts->port, name));
    page_verdict(page, server->outcome, &server->judgement);
    page_paragraph(page, 0, ": ", server->headline ? server->headline : "");
}

/* Servers without a complaint; many of them are only counted. */
static void write_one_liners(struct page *page, const struct report *report)
{
    size_t left_out = 0, shown[REPORT_OUTCOMES] = {0};
    bool any = false;
    for (size_t i = 0; i < report->server_count; i++) {
        const struct report_server *server = &report->servers[i];
        if (!is_settled(server->outcome))
            continue;
        if (!any)
            putc('\n', page->out);
        any = true;
        if (shown[server->outcome]++ < ONE_LINERS)
            write_one_liner(page, server);
        else
            left_out++;
    }
    if (left_out > 0)
        fprintf(page->out, "... and %zu more without a complaint (-v shows all)\n", left_out);
}

static void write_box(struct page *page, const struct report *report, const struct report_intermediary *box)
{
    char text[ADDR_TEXT], name[WORDS_ENDPOINT];
    bool hidden = addr_is_none(box->address);
    fprintf(page->out, "  %s, ", hidden ? "a box that does not show its address" : addr_text(box->address, text));
    if (box->hops == REPORT_HOPS_UNKNOWN)
        fputs("at an unknown distance", page->out);
    else if (box->hops == 0)
        fputs("0 hops from the capture (on its own link)", page->out);
    else
        fprintf(page->out, "%u hop%s from the capture", box->hops, words_plural(box->hops));
    fputs(", before\n", page->out);
    for (unsigned k = 0; k < box->server_count; k++) {
        const struct server *facts = report->servers[box->servers[k]].facts;
        fprintf(page->out, "    %s\n", words_endpoint(facts->address, facts->port, name));
    }
}

static void write_intermediaries(struct page *page, const struct report *report)
{
    if (report->intermediary_count > 0)
        page_heading(page, "Boxes that reject");
    for (unsigned i = 0; i < report->intermediary_count; i++)
        write_box(page, report, &report->intermediaries[i]);
}

static void write_sentences(struct page *page, const char *heading, char *const *sentences, unsigned count)
{
    if (count > 0)
        page_heading(page, heading);
    for (unsigned i = 0; i < count; i++)
        page_paragraph(page, 4, "  - ", sentences[i]);
}

static void write_left_out(struct page *page, const struct report *report)
{
    const struct words_counter *counters;
    size_t count = words_counters(&counters);
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = words_counter(&report->counters, &counters[i]);
        if (value == 0 || !counters[i].warning)
            continue;
        if (!any)
            page_heading(page, "Left out");
        any = true;
        char lead[32];
        snprintf(lead, sizeof lead, "  %llu ", (unsigned long long)value);
        page_paragraph(page, 4, lead, counters[i].warning);
    }
    if (report->servers_left_out == 0)
        return;
    if (!any)
        page_heading(page, "Left out");
    fprintf(page->out, "  %zu more servers are not shown\n", report->servers_left_out);
}

static void write_trouble(struct page *page, const struct report *report)
{
    bool any = false;
    for (size_t i = 0; i < report->source.input_count; i++) {
        const struct report_input *input = &report->source.inputs[i];
        if (!input->trouble)
            continue;
        if (!any)
            page_heading(page, "Trouble with the input");
        any = true;
        page_paragraph(page, 4, "  - ", input->trouble); /* it names the input */
    }
}

bool render_text(const struct report *report, const struct render_options *options, FILE *out)
{
    struct page page = {out, options->colour};
    if (options->quiet) {
        for (size_t i = 0; i < report->server_count; i++)
            quiet_line(&page, &report->servers[i]);
        if (report->server_count == 0)
            fputs("- none none none none - No DNS query over TCP was seen.\n", out);
        return fflush(out) == 0 && !ferror(out);
    }
    write_summary(&page, report);
    text_probe(&page, report);
    for (size_t i = 0; i < report->server_count; i++)
        if ((options->verbose || !is_settled(report->servers[i].outcome)) &&
            !section_write(&page, report, &report->servers[i], options->verbose))
            return false;
    if (!options->verbose)
        write_one_liners(&page, report);
    write_intermediaries(&page, report);
    compared_text(&page, report);
    write_sentences(&page, "What this capture cannot tell", report->weaknesses, report->weakness_count);
    write_sentences(&page, "About this capture", report->remarks, report->remark_count);
    write_left_out(&page, report);
    write_trouble(&page, report);
    return fflush(out) == 0 && !ferror(out);
}
