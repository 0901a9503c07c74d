#include "report/report.h"

#include "report/evidence.h"
#include "report/verdict.h"
#include "report/statement.h"
#include "report/weakness.h"

#include <assert.h>
#include <stdlib.h>

/* A server with its verdict: thousands may have to be put in order, of which a report shows the worst. */
struct ranked {
    const struct server *facts;
    uint32_t index; /* facts_server() index */
    struct server_verdict verdict;
};

static bool is_selected(const struct addr *list, size_t count, struct addr address)
{
    for (size_t i = 0; i < count; i++)
        if (addr_same(list[i], address))
            return true;
    return count == 0;
}

static void add_clients(struct report_server *out, const struct facts *facts, const struct crowd *crowd)
{
    uint32_t position = 0;
    const struct client *client;
    if (out->tcp->endings.count < 2) /* all fared alike */
        return;
    while ((client = facts_next_client(facts, out->index, &position)) && out->client_count < REPORT_CLIENTS) {
        struct server_verdict verdict = verdict_server(facts, out->facts, client->endings, crowd);
        bool alike = verdict.outcome == out->outcome && verdict.judgement.culprit == out->judgement.culprit;
        if (!alike && verdict.outcome != REPORT_NONE)
            out->clients[out->client_count++] =
                (struct report_client){client->address, verdict.outcome, verdict.judgement.culprit, client->attempts};
    }
}

static int worse_client(const void *a, const void *b)
{
    const struct report_client *x = a, *y = b;
    if (x->outcome != y->outcome)
        return x->outcome > y->outcome ? -1 : 1;
    return x->attempts != y->attempts ? (x->attempts > y->attempts ? -1 : 1) : addr_order(x->address, y->address);
}

static void add_lost(struct report_server *out, const struct facts *facts)
{
    uint32_t count;
    const struct tcp_facts *tcp = out->tcp;
    uint32_t failed = tcp->outcomes[OUTCOME_REJECTED] + tcp->outcomes[OUTCOME_UNANSWERED] +
                      tcp->earlier[OUTCOME_REJECTED] + tcp->earlier[OUTCOME_UNANSWERED];
    if (failed + out->rejected + out->unanswered == 0)
        return;
    const struct lost_lookup *lost = facts_lost(facts, &count);
    char name[DNS_NAME_TEXT], type[16];
    bool known = false;
    for (uint32_t i = 0; i < count; i++) {
        known |= lost[i].server == out->index;
        if (lost[i].server != out->index || lost[i].answered)
            continue;
        out->mail_affected |= lost[i].question.qtype == DNS_TYPE_MX;
        if (out->lost_count == REPORT_LOST)
            continue;
        struct report_lost *slot = &out->lost[out->lost_count];
        slot->qname = strdup(dns_name_text(lost[i].question.qname, lost[i].question.qname_length, name));
        slot->qtype = strdup(dns_type_text(lost[i].question.qtype, type));
        slot->truncated_udp = lost[i].truncated_udp;
        slot->attempts = lost[i].attempts;
        if (slot->qname && slot->qtype)
            out->lost_count++;
    }
    /* connections refused before the question was put do not say what it was: mail may well have been meant */
    bool scan = out->ending && (out->ending->end.signs & SIGN_SIMPLE_SYN);
    out->mail_affected |= !known && !scan && out->rejected + out->unanswered > 0;
}

static void add_flow(struct report_server *out, const struct facts *facts, const struct ending *ending)
{
    const struct flow_record *flow = facts_exemplar(facts, ending->exemplar);
    for (unsigned i = 0; i < out->flow_count; i++)
        if (out->flows[i] == flow)
            return;
    if (!flow || out->flow_count == REPORT_FLOWS)
        return;
    out->flow_stages[out->flow_count] = ending->end.mechanism;
    out->flows[out->flow_count++] = flow;
}

static void add_flows(struct report_server *out, const struct facts *facts)
{
    if (out->ending)
        add_flow(out, facts, out->ending);
    for (uint32_t i = 0; i < out->tcp->endings.count; i++)
        add_flow(out, facts, &out->tcp->endings.rows[i]);
}

static void judge_server(struct report_server *out, const struct report *report, const struct ranked *ranked,
                         const struct crowd *crowd)
{
    const struct facts *facts = report->facts;
    const struct server_verdict verdict = ranked->verdict;
    *out = (struct report_server){.facts = ranked->facts, .index = ranked->index};
    out->tcp = facts_tcp_seen(facts, out->facts);
    out->ruler = ruler_of(facts, out->facts);
    if (!out->tcp)
        return;
    out->vantage = crowd->probe ? ruler_vantage_probed(out->facts, out->tcp) : ruler_vantage(out->facts, out->tcp);
    out->outcome = verdict.outcome;
    out->judgement = verdict.judgement;
    out->answered = verdict.answered;
    out->rejected = verdict.rejected;
    out->unanswered = verdict.unanswered;
    out->aborted = verdict.aborted;
    out->incomplete = verdict.incomplete;
    out->ending = verdict.decisive == FACTS_NONE ? NULL : &out->tcp->endings.rows[verdict.decisive];
    add_clients(out, facts, crowd);
    qsort(out->clients, out->client_count, sizeof *out->clients, worse_client);
    add_lost(out, facts);
    add_flows(out, facts);
}

/* Of servers in order the first that answers; server_count when none does. */
static size_t first_healthy(const struct report *report)
{
    size_t first = 0;
    while (first < report->server_count && report->servers[first].outcome != REPORT_ANSWERED)
        first++;
    return first;
}

/* Those that answer stand side by side from `first` on. */
static const struct addr *healthy_server(const struct report *report, size_t first, const struct report_server *than)
{
    for (size_t i = first; i < report->server_count && report->servers[i].outcome == REPORT_ANSWERED; i++)
        if (&report->servers[i] != than)
            return &report->servers[i].facts->address;
    return NULL;
}

static void put_into_words(struct report_server *out, const struct report *report, size_t healthy,
                           const struct crowd *crowd)
{
    struct verdict verdict;
    struct statement_case words = {.server = out, .healthy = healthy_server(report, healthy, out)};
    if (out->ending) {
        verdict = verdict_of(report->facts, out->facts, (uint32_t)(out->ending - out->tcp->endings.rows), crowd);
        words.verdict = &verdict;
        words.causes = verdict_server(report->facts, out->facts, UINT32_MAX, crowd).causes;
        evidence_collect(out, &verdict);
    }
    out->headline = statement_headline(&words);
    out->explanation = statement_explanation(&words);
    out->against = statement_against(&words);
    out->advice_count = statement_advice(&words, out->advice);
}

static int worse_server(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    const struct server_verdict *v = &x->verdict, *w = &y->verdict;
    if (v->outcome != w->outcome)
        return v->outcome > w->outcome ? -1 : 1;
    uint32_t x_failed = v->rejected + v->unanswered, y_failed = w->rejected + w->unanswered;
    if (x_failed != y_failed)
        return x_failed > y_failed ? -1 : 1;
    int order = addr_order(x->facts->address, y->facts->address);
    return order ? order : x->facts->port - y->facts->port;
}

static struct ranked rank_server(const struct facts *facts, uint32_t index, const struct crowd *crowd)
{
    const struct server *server = facts_server_at(facts, index);
    return (struct ranked){server, index, verdict_server(facts, server, UINT32_MAX, crowd)};
}

/* All servers, the worst first, newly allocated; NULL without memory. */
static struct ranked *rank_servers(const struct report *report, const struct crowd *crowd, size_t *count)
{
    const struct report_source *source = &report->source;
    size_t room = 16;
    struct ranked *list = malloc(room * sizeof *list);
    *count = 0;
    for (uint32_t i = facts_next_server(report->facts, 0); list && i != FACTS_NONE;
         i = facts_next_server(report->facts, i + 1)) {
        if (!is_selected(source->servers, source->server_count, facts_server_at(report->facts, i)->address))
            continue;
        if (*count == room) {
            room *= 2;
            struct ranked *more = realloc(list, room * sizeof *more);
            if (!more)
                free(list);
            list = more;
        }
        if (list)
            list[(*count)++] = rank_server(report->facts, i, crowd);
    }
    if (list)
        qsort(list, *count, sizeof *list, worse_server);
    return list;
}

/* Judges the worst ones; false without memory. */
static bool judge_servers(struct report *report, const struct crowd *crowd)
{
    size_t count;
    struct ranked *list = rank_servers(report, crowd, &count);
    report->server_count = list && count > REPORT_SERVERS ? REPORT_SERVERS : list ? count : 0;
    report->servers_left_out = list ? count - report->server_count : 0;
    report->servers = calloc(report->server_count ? report->server_count : 1, sizeof *report->servers);
    if (!list || !report->servers) {
        report->server_count = 0;
        free(list);
        return false;
    }
    for (size_t i = 0; i < report->server_count; i++)
        judge_server(&report->servers[i], report, &list[i], crowd);
    free(list);
    return true;
}

struct report *report_build(const struct facts *facts, struct analysis_counters counters,
                            const struct report_source *source)
{
    struct report *report = calloc(1, sizeof *report);
    if (!report)
        return NULL;
    report->source = *source;
    report->facts = facts;
    report->counters = counters;
    struct crowd crowd = verdict_crowd(report->facts);
    crowd.pair = source->pair;
    crowd.probe = source->probe;
    crowd.disordered = weakness_is_disordered(source);
    crowd.loses_packets = weakness_loses_packets(source, &report->counters);
    crowd.other_side = source->server_side ? analysis_facts(source->server_side) : NULL;
    if (!judge_servers(report, &crowd)) {
        report_free(report);
        return NULL;
    }
    size_t healthy = first_healthy(report);
    for (size_t i = 0; i < report->server_count; i++)
        put_into_words(&report->servers[i], report, healthy, &crowd);
    report->vantage = report->server_count ? report->servers[0].vantage : VANTAGE_UNKNOWN;
    evidence_intermediaries(report);
    weakness_collect(report);
    report->exit_status = report_exit_status(report);
    return report;
}

void report_free(struct report *report)
{
    if (!report)
        return;
    for (size_t i = 0; i < report->server_count; i++)
        evidence_release(&report->servers[i]);
    weakness_release(report);
    free(report->servers);
    free(report);
}

int report_exit_status(const struct report *report)
{
    bool answered = false;
    if (report->truncated)
        return 2;
    for (size_t i = 0; i < report->server_count; i++) {
        enum report_outcome outcome = report->servers[i].outcome;
        if (report_outcome_is_failure(outcome))
            return 1;
        answered |= outcome == REPORT_ANSWERED;
    }
    return answered ? 0 : 3;
}

const char *report_outcome_name(enum report_outcome outcome)
{
    static const char *const names[] = {
        [REPORT_NONE] = "none",   [REPORT_ANSWERED] = "answered",     [REPORT_ABORTED] = "client-aborted",
        [REPORT_MIXED] = "mixed", [REPORT_UNANSWERED] = "unanswered", [REPORT_REJECTED] = "rejected",
    };
    static_assert(sizeof names / sizeof *names == REPORT_OUTCOMES, "each outcome has its name");
    return names[outcome];
}

const char *confidence_name(enum confidence confidence)
{
    static const char *const names[] = {
        [CONFIDENCE_NONE] = "none",
        [CONFIDENCE_INDICATED] = "indicated",
        [CONFIDENCE_STRONG] = "strong",
        [CONFIDENCE_PROVEN] = "proven",
    };
    static_assert(sizeof names / sizeof *names == CONFIDENCES, "each confidence has its name");
    return names[confidence];
}
