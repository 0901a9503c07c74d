/*
 * How it works: as metrics.c. Each sample tells what was asked, so that the files of several probes, and a watch's, can lie
 * in one folder: the same sample in two of them would make the collector refuse all.
 */
#include "report/exposition.h"
#include "report/metrics.h"

#include <stdlib.h>

enum { DURATIONS = 256 }; /* a median is made of the first so many */

struct asked {
    struct addr address;
    uint16_t port;
};

struct sheet {
    const struct report *report;
    const struct report_probe *probe;
    struct exposition out;
    struct asked servers[METRICS_SERVERS]; /* in the order in which they were asked */
    size_t server_count, left_out;
};

struct family {
    struct exposition_family head;
    void (*emit)(struct sheet *sheet, const struct exposition_family *family);
};

/* Which attempts. */

static bool is_at(const struct attempt *attempt, const struct asked *server)
{
    return addr_same(attempt->server, server->address) &&
           (attempt->test == ATTEMPT_OTHER_PORT || attempt->server_port == server->port);
}

static bool was_answered(const struct attempt *attempt)
{
    return attempt->status == ATTEMPT_ANSWERED || attempt->status == ATTEMPT_TC;
}

/* Attempts of one test at one server. */
static uint64_t count_tries(const struct sheet *sheet, const struct asked *server, enum attempt_test test,
                            bool only_answered)
{
    uint64_t count = 0;
    for (size_t i = 0; i < sheet->probe->attempt_count; i++) {
        const struct attempt *attempt = &sheet->probe->attempts[i];
        count += attempt->test == test && is_at(attempt, server) && (!only_answered || was_answered(attempt));
    }
    return count;
}

static const struct report_server *find_server(const struct report *report, const struct asked *server)
{
    for (size_t i = 0; i < report->server_count; i++)
        if (addr_same(report->servers[i].facts->address, server->address) &&
            report->servers[i].facts->port == server->port)
            return &report->servers[i];
    return NULL;
}

/* Protocols. */

static const struct transport {
    const char *name;
    enum attempt_test tests[2]; /* those that ask one question in a way of its own, so that their times compare */
} transports[] = {
    {"udp", {ATTEMPT_UDP, ATTEMPT_UDP_EDNS}},
    {"tcp", {ATTEMPT_TCP, ATTEMPT_TRUNCATED}},
};

enum { TRANSPORTS = sizeof transports / sizeof *transports };

static bool is_of(const struct transport *transport, const struct attempt *attempt)
{
    return attempt->test == transport->tests[0] || attempt->test == transport->tests[1];
}

static uint64_t count_transport(const struct sheet *sheet, const struct asked *server,
                                const struct transport *transport, bool only_answered)
{
    return count_tries(sheet, server, transport->tests[0], only_answered) +
           count_tries(sheet, server, transport->tests[1], only_answered);
}

/* Over TCP the verdict counts: one attempt of several that fails is what is looked for. Over UDP packets may be lost. */
static bool is_success(const struct sheet *sheet, const struct asked *server, const struct transport *transport)
{
    if (transport->tests[0] == ATTEMPT_UDP)
        return count_transport(sheet, server, transport, true) > 0;
    const struct report_server *judged = find_server(sheet->report, server);
    return judged && judged->outcome == REPORT_ANSWERED;
}

static int order_times(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

/* The lower one of two in the middle; 0: nothing was answered. */
static int64_t median_ns(const struct sheet *sheet, const struct asked *server, const struct transport *transport)
{
    int64_t times[DURATIONS];
    size_t count = 0;
    for (size_t i = 0; i < sheet->probe->attempt_count && count < DURATIONS; i++) {
        const struct attempt *attempt = &sheet->probe->attempts[i];
        if (is_of(transport, attempt) && is_at(attempt, server) && was_answered(attempt))
            times[count++] = attempt_duration_ns(attempt);
    }
    if (count == 0)
        return 0;
    qsort(times, count, sizeof *times, order_times);
    return times[(count - 1) / 2];
}

/* Makers of samples. */

enum { FREE_LABEL = 4 }; /* behind those of label() */

static const struct exposition_label *label(const struct sheet *sheet, struct exposition_server *to,
                                            const struct asked *server)
{
    exposition_label_server(to, server->address, server->port);
    to->labels[2] = (struct exposition_label){"name", sheet->probe->qname};
    to->labels[3] = (struct exposition_label){"type", sheet->probe->qtype};
    return to->labels;
}

static void emit_last_run(struct sheet *sheet, const struct exposition_family *family)
{
    const struct exposition_label labels[] = {{"name", sheet->probe->qname}, {"type", sheet->probe->qtype}, {0}};
    exposition_time(&sheet->out, family, labels, sheet->report->source.generated_ns);
}

static void emit_left_out(struct sheet *sheet, const struct exposition_family *family)
{
    const struct exposition_label labels[] = {{"name", sheet->probe->qname}, {"type", sheet->probe->qtype}, {0}};
    exposition_count(&sheet->out, family, labels, sheet->left_out);
}

/* Calls `emit` for each protocol that was tried at each server. */
static void each_transport(struct sheet *sheet, const struct exposition_family *family,
                           void (*emit)(struct sheet *sheet, const struct exposition_family *family,
                                        const struct exposition_label *labels, const struct asked *server,
                                        const struct transport *transport))
{
    for (size_t i = 0; i < sheet->server_count; i++) {
        struct exposition_server labels = {0};
        label(sheet, &labels, &sheet->servers[i]);
        for (size_t k = 0; k < TRANSPORTS; k++) {
            labels.labels[FREE_LABEL] = (struct exposition_label){"transport", transports[k].name};
            if (count_transport(sheet, &sheet->servers[i], &transports[k], false) > 0)
                emit(sheet, family, labels.labels, &sheet->servers[i], &transports[k]);
        }
    }
}

static void emit_one_success(struct sheet *sheet, const struct exposition_family *family,
                             const struct exposition_label *labels, const struct asked *server,
                             const struct transport *transport)
{
    exposition_count(&sheet->out, family, labels, is_success(sheet, server, transport));
}

static void emit_success(struct sheet *sheet, const struct exposition_family *family)
{
    each_transport(sheet, family, emit_one_success);
}

static void emit_one_duration(struct sheet *sheet, const struct exposition_family *family,
                              const struct exposition_label *labels, const struct asked *server,
                              const struct transport *transport)
{
    exposition_time(&sheet->out, family, labels, median_ns(sheet, server, transport));
}

static void emit_duration(struct sheet *sheet, const struct exposition_family *family)
{
    each_transport(sheet, family, emit_one_duration);
}

static void emit_tests(struct sheet *sheet, const struct exposition_family *family, bool only_answered)
{
    for (size_t i = 0; i < sheet->server_count; i++) {
        struct exposition_server labels = {0};
        label(sheet, &labels, &sheet->servers[i]);
        for (int k = 0; k < ATTEMPT_TESTS; k++) {
            enum attempt_test test = (enum attempt_test)k;
            labels.labels[FREE_LABEL] = (struct exposition_label){"test", attempt_test_name(test)};
            if (count_tries(sheet, &sheet->servers[i], test, false) > 0)
                exposition_count(&sheet->out, family, labels.labels,
                                 count_tries(sheet, &sheet->servers[i], test, only_answered));
        }
    }
}

static void emit_tries(struct sheet *sheet, const struct exposition_family *family)
{
    emit_tests(sheet, family, false);
}

static void emit_answered(struct sheet *sheet, const struct exposition_family *family)
{
    emit_tests(sheet, family, true);
}

static void emit_verdict(struct sheet *sheet, const struct exposition_family *family)
{
    for (size_t i = 0; i < sheet->server_count; i++) {
        struct exposition_server labels = {0};
        const struct report_server *server = find_server(sheet->report, &sheet->servers[i]);
        label(sheet, &labels, &sheet->servers[i]);
        labels.labels[FREE_LABEL] =
            (struct exposition_label){"outcome", report_outcome_name(server ? server->outcome : REPORT_NONE)};
        labels.labels[FREE_LABEL + 1] =
            (struct exposition_label){"culprit", culprit_name(server ? server->judgement.culprit : CULPRIT_NONE)};
        exposition_count(&sheet->out, family, labels.labels, 1);
    }
}

static void emit_confidence(struct sheet *sheet, const struct exposition_family *family)
{
    for (size_t i = 0; i < sheet->server_count; i++) {
        struct exposition_server labels = {0};
        const struct report_server *server = find_server(sheet->report, &sheet->servers[i]);
        exposition_count(&sheet->out, family, label(sheet, &labels, &sheet->servers[i]),
                         server ? server->judgement.confidence : CONFIDENCE_NONE);
    }
}

static const struct family families[] = {
    {{"last_run_timestamp_seconds", EXPOSITION_GAUGE, "When the probe ended, since 1970."}, emit_last_run},
    {{"probe_success", EXPOSITION_GAUGE,
      "1 when the server answers: over TCP by the verdict, over UDP at least once; else 0."},
     emit_success},
    {{"probe_duration_seconds", EXPOSITION_GAUGE, "How long an answer took: the median of the tries that had one."},
     emit_duration},
    {{"probe_tries", EXPOSITION_GAUGE, "Tries of the last run, by what was tried."}, emit_tries},
    {{"probe_answered", EXPOSITION_GAUGE, "Those of them that were answered."}, emit_answered},
    {EXPOSITION_VERDICT, emit_verdict},
    {EXPOSITION_CONFIDENCE, emit_confidence},
    {{"probe_servers_left_out", EXPOSITION_GAUGE, "Servers asked of which nothing is told here."}, emit_left_out},
};

/* Whether no attempt before it was at the same server. */
static bool is_first(const struct report_probe *probe, size_t index)
{
    const struct attempt *attempt = &probe->attempts[index];
    if (attempt->test == ATTEMPT_OTHER_PORT)
        return false;
    const struct asked server = {attempt->server, attempt->server_port};
    for (size_t i = 0; i < index; i++)
        if (probe->attempts[i].test != ATTEMPT_OTHER_PORT && is_at(&probe->attempts[i], &server))
            return false;
    return true;
}

bool metrics_write_probe(const struct report *report, FILE *out)
{
    struct sheet sheet = {.report = report, .probe = report->source.probe, .out.file = out};
    for (size_t i = 0; i < sheet.probe->attempt_count; i++) {
        if (!is_first(sheet.probe, i))
            continue;
        const struct attempt *attempt = &sheet.probe->attempts[i];
        if (sheet.server_count < METRICS_SERVERS)
            sheet.servers[sheet.server_count++] = (struct asked){attempt->server, attempt->server_port};
        else
            sheet.left_out++;
    }
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        exposition_begin(&sheet.out, &families[i].head);
        families[i].emit(&sheet, &families[i].head);
    }
    return exposition_end(&sheet.out);
}
