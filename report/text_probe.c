#include "report/text_probe.h"

#include "dissect/answer.h"
#include "report/phrase.h"
#include "report/words.h"

#include <assert.h>
#include <stdlib.h>

enum { NAME_WIDTH = 24 };

static const char *const failures[] = {
    [ATTEMPT_ANSWERED] = "answered",
    [ATTEMPT_TC] = "truncated (TC=1)",
    [ATTEMPT_RCODE] = "answered",
    [ATTEMPT_REFUSED] = "refused (a RST for the SYN)",
    [ATTEMPT_RESET] = "reset after the handshake",
    [ATTEMPT_CLOSED] = "closed without a whole answer",
    [ATTEMPT_ICMP] = "ICMP",
    [ATTEMPT_SILENT] = "no answer in time",
    [ATTEMPT_STUCK] = "accepted, then nothing in time",
    [ATTEMPT_NOT_DNS] = "answered with something that is no DNS",
    [ATTEMPT_LOCAL_ERROR] = "this host could not send it",
};
static_assert(sizeof failures / sizeof *failures == ATTEMPT_STATUSES, "each status has its words");

/* "ICMP host administratively prohibited from 198.18.0.2" */
static void write_icmp(struct page *page, const struct attempt *attempt)
{
    char source[ADDR_TEXT];
    bool told = !addr_is_none(attempt->icmp.source);
    fprintf(page->out, " %s%s%s", icmp_words(attempt->icmp.family, attempt->icmp.type, attempt->icmp.code),
            told ? " from " : "", told ? addr_text(attempt->icmp.source, source) : "");
}

/* How tries failed, in words; `attempt` is one of them. */
static void write_failure(struct page *page, enum attempt_status status, const struct attempt *attempt)
{
    fputs(failures[status], page->out);
    if (!attempt || attempt->status != status)
        return;
    if (status == ATTEMPT_ICMP && attempt->icmp.family)
        write_icmp(page, attempt);
    else if (status == ATTEMPT_RCODE)
        fprintf(page->out, " %s", dns_rcode_name(attempt->rcode));
    else if (status == ATTEMPT_LOCAL_ERROR && attempt->error)
        fprintf(page->out, ": %s", strerror(attempt->error));
}

static void write_test(struct page *page, enum attempt_test which, const struct probed_test *test)
{
    fprintf(page->out, "  %-10s  %u of %u answered", attempt_test_name(which), probed_answered(test), test->tries);
    if (which != ATTEMPT_OTHER_PORT && test->last && test->last->answer_bytes > 0)
        fprintf(page->out, ", %u bytes", test->last->answer_bytes);
    if (test->rtt.count > 0)
        fprintf(page->out, ", %.1f ms", delays_median_us(&test->rtt) / 1000.0);
    for (int i = 0; i < ATTEMPT_STATUSES; i++) {
        if (i == ATTEMPT_ANSWERED || test->statuses[i] == 0)
            continue;
        fputs(", ", page->out);
        write_failure(page, (enum attempt_status)i, i == ATTEMPT_TC ? test->last : test->failed);
        fprintf(page->out, " %ux", test->statuses[i]);
    }
    putc('\n', page->out);
}

static void write_asked(struct page *page, const struct report_probe *probe, const struct probed_server *servers,
                        unsigned count)
{
    char name[WORDS_ENDPOINT];
    fputs("\nAsked: ", page->out);
    page_clean(page, probe->qname);
    putc(' ', page->out);
    page_clean(page, probe->qtype);
    fprintf(page->out, ", of %u server%s", count, words_plural(count));
    if (probe->servers_from) {
        fputs(" from ", page->out);
        page_clean(page, probe->servers_from);
    }
    if (probe->other_name) {
        fputs("; other name: ", page->out);
        page_clean(page, probe->other_name);
    }
    if (probe->other_port)
        fprintf(page->out, "; other port: %u", probe->other_port);
    putc('\n', page->out);
    for (unsigned i = 0; i < count; i++) {
        fprintf(page->out, "%s\n", words_endpoint(servers[i].address, servers[i].port, name));
        for (int test = 0; test < ATTEMPT_TESTS; test++)
            if (servers[i].tests[test].tries > 0)
                write_test(page, (enum attempt_test)test, &servers[i].tests[test]);
    }
}

static int line_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool read_answer(struct answer *answer, const struct report_answer *from)
{
    return from && answer_read(answer, from->bytes, from->length);
}

/*
 * The same records, in whatever order and with whatever addresses beside them; one that cannot be read is like none. Which
 * ones are left out of a long answer depends on their order, so of those only the number is compared.
 */
static bool same_answer(const struct report_answer *one, const struct report_answer *other)
{
    struct answer a = {.count = 0}, b = {.count = 0};
    bool same = read_answer(&a, one) && read_answer(&b, other) && a.own == b.own && a.rcode == b.rcode;
    qsort(a.lines, a.own, sizeof *a.lines, line_order);
    qsort(b.lines, b.own, sizeof *b.lines, line_order);
    for (unsigned i = 0; i < a.own && a.left_out + b.left_out == 0 && same; i++)
        same = strcmp(a.lines[i], b.lines[i]) == 0;
    answer_free(&a);
    answer_free(&b);
    return same;
}

static void write_answer(struct page *page, const struct probed_server *server, bool other)
{
    struct answer answer = {.count = 0};
    char name[ADDR_TEXT];
    fprintf(page->out, "\nThe answer (over %s from %s)%s:\n", probed_answer_is_tcp(server) ? "TCP" : "UDP",
            addr_text(server->address, name), other ? ", which is another one" : "");
    if (!read_answer(&answer, server->answer))
        fputs("  (it cannot be read)\n", page->out);
    else if (answer.count == 0)
        fprintf(page->out, "  (no records, %s)\n", dns_rcode_name(answer.rcode));
    for (unsigned i = 0; i < answer.count; i++) {
        fputs("  ", page->out);
        page_clean(page, answer.lines[i]);
        putc('\n', page->out);
    }
    if (answer.left_out > 0)
        fprintf(page->out, "  ... and %u more\n", answer.left_out);
    answer_free(&answer);
}

/* The first answer, one over TCP if there is any, and those that differ from it. */
static void write_answers(struct page *page, const struct probed_server *servers, unsigned count)
{
    const struct probed_server *first = NULL;
    for (unsigned i = 0; i < count; i++)
        if (servers[i].answer && (!first || (!probed_answer_is_tcp(first) && probed_answer_is_tcp(&servers[i]))))
            first = &servers[i];
    if (!first)
        return;
    write_answer(page, first, false);
    for (unsigned i = 0; i < count; i++)
        if (servers[i].answer && &servers[i] != first && !same_answer(first->answer, servers[i].answer))
            write_answer(page, &servers[i], true);
}

static const char *by_whom(enum culprit culprit)
{
    static const char *const words[] = {
        [CULPRIT_NONE] = "",
        [CULPRIT_UNDETERMINED] = ", by whom is not known",
        [CULPRIT_SERVER] = ", by the server",
        [CULPRIT_INTERMEDIARY] = ", by something between",
        [CULPRIT_LOCAL] = ", by this host",
    };
    static_assert(sizeof words / sizeof *words == CULPRITS, "each culprit has its words");
    return words[culprit];
}

static void compare_server(struct page *page, const struct probed_server *server)
{
    const struct probed_test *test = &server->tests[ATTEMPT_TCP];
    char name[WORDS_ENDPOINT];
    bool fine = probed_answers_tcp(server);
    fprintf(page->out, "  %-*s UDP %-3s  TCP %-7s  ", NAME_WIDTH, words_endpoint(server->address, server->port, name),
            probed_answers_udp(server) ? "yes" : "no",
            fine                                   ? "yes"
            : test->statuses[ATTEMPT_ANSWERED] > 0 ? "in part"
                                                   : "no");
    if (fine)
        fputs("use it", page->out);
    else if (probed_failure(test) != ATTEMPT_ANSWERED)
        write_failure(page, probed_failure(test), test->failed);
    if (!fine && server->judged)
        fputs(by_whom(server->judged->judgement.culprit), page->out);
    putc('\n', page->out);
}

/* What the manual procedure ends in: another server, if there is one. */
static void write_remedy(struct page *page, const struct probed_server *servers, unsigned count)
{
    unsigned fine = 0;
    char name[ADDR_TEXT];
    for (unsigned i = 0; i < count; i++)
        fine += probed_answers_tcp(&servers[i]);
    if (fine == count)
        return;
    if (fine == 0)
        fprintf(page->out,
                "  None of the servers answers over TCP: another one is needed, or this has to be mended.\n");
    for (unsigned i = 0; i < count; i++)
        if (probed_answers_tcp(&servers[i]))
            fprintf(page->out, "  %s answers over TCP: use it.\n", addr_text(servers[i].address, name));
}

static void write_comparison(struct page *page, const struct probed_server *servers, unsigned count)
{
    page_heading(page, "Of these servers");
    for (unsigned i = 0; i < count; i++)
        compare_server(page, &servers[i]);
    write_remedy(page, servers, count);
}

static void write_obstacle(struct page *page, const char *obstacle)
{
    page_heading(page, "No packets were seen");
    page_paragraph(page, 4, "  - ", obstacle);
    page_paragraph(
        page, 4, "  - ",
        "All of this is what the sockets were told, which shows what happens and seldom who does it. As root, "
        "or with the right to capture, the probe sees its packets:\n"
        "\tsetcap cap_net_raw+ep \"$(command -v tcp53)\"");
}

void text_probe(struct page *page, const struct report *report)
{
    struct probed_server *servers;
    const struct report_probe *probe = report->source.probe;
    if (!probe || !(servers = calloc(PROBED_SERVERS, sizeof *servers)))
        return;
    unsigned count = probed_servers(report, servers);
    write_asked(page, probe, servers, count);
    write_answers(page, servers, count);
    if (count > 0)
        write_comparison(page, servers, count);
    for (unsigned i = 0; i < count; i++)
        if (servers[i].path)
            text_path(page, report, &servers[i]);
    if (probe->obstacle)
        write_obstacle(page, probe->obstacle);
    free(servers);
}
