#include "report/report.h"

#include "report/evidence.h"
#include "report/verdict.h"
#include "report/statement.h"
#include "report/weakness.h"

#include <assert.h>
#include <stdlib.h>

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

static void judge_server(struct report_server *out, const struct report *report, const struct crowd *crowd)
{
    const struct facts *facts = report->facts;
    out->tcp = facts_tcp_seen(facts, out->facts);
    out->ruler = ruler_of(facts, out->facts);
    if (!out->tcp)
        return;
    out->vantage = ruler_vantage(out->facts, out->tcp);
    struct server_verdict verdict = verdict_server(facts, out->facts, UINT32_MAX, crowd);
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

static const struct addr *healthy_server(const struct report *report, const struct report_server *than)
{
    for (size_t i = 0; i < report->server_count; i++)
        if (&report->servers[i] != than && report->servers[i].outcome == REPORT_ANSWERED)
            return &report->servers[i].facts->address;
    return NULL;
}

static void put_into_words(struct report_server *out, const struct report *report, const struct crowd *crowd)
{
    struct verdict verdict;
    struct statement_case words = {.server = out, .healthy = healthy_server(report, out)};
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
    const struct report_server *x = a, *y = b;
    if (x->outcome != y->outcome)
        return x->outcome > y->outcome ? -1 : 1;
    uint32_t x_failed = x->rejected + x->unanswered, y_failed = y->rejected + y->unanswered;
    if (x_failed != y_failed)
        return x_failed > y_failed ? -1 : 1;
    int order = addr_order(x->facts->address, y->facts->address);
    return order ? order : x->facts->port - y->facts->port;
}

static bool list_servers(struct report *report)
{
    const struct report_source *source = &report->source;
    size_t room = 0;
    for (uint32_t i = facts_next_server(report->facts, 0); i != FACTS_NONE;
         i = facts_next_server(report->facts, i + 1)) {
        struct server *server = facts_server_at(report->facts, i);
        if (!is_selected(source->servers, source->server_count, server->address))
            continue;
        if (report->server_count == room) {
            room = room ? room * 2 : 16;
            struct report_server *more = realloc(report->servers, room * sizeof *more);
            if (!more)
                return false;
            report->servers = more;
        }
        report->servers[report->server_count++] = (struct report_server){.facts = server, .index = i};
    }
    return true;
}

static void keep_worst(struct report *report)
{
    if (report->server_count > 1)
        qsort(report->servers, report->server_count, sizeof *report->servers, worse_server);
    if (report->server_count > REPORT_SERVERS) {
        report->servers_left_out = report->server_count - REPORT_SERVERS;
        for (size_t i = REPORT_SERVERS; i < report->server_count; i++)
            evidence_release(&report->servers[i]);
        report->server_count = REPORT_SERVERS;
    }
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
    if (!list_servers(report)) {
        report_free(report);
        return NULL;
    }
    struct crowd crowd = verdict_crowd(report->facts);
    crowd.pair = source->pair;
    crowd.disordered = weakness_is_disordered(source);
    crowd.loses_packets = weakness_loses_packets(source, &report->counters);
    crowd.other_side = source->server_side ? analysis_facts(source->server_side) : NULL;
    for (size_t i = 0; i < report->server_count; i++)
        judge_server(&report->servers[i], report, &crowd);
    keep_worst(report);
    for (size_t i = 0; i < report->server_count; i++)
        put_into_words(&report->servers[i], report, &crowd);
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
        if (outcome == REPORT_REJECTED || outcome == REPORT_UNANSWERED || outcome == REPORT_MIXED)
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
