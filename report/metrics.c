/* How it works: a table of families; each names what makes its samples, and where the number is. */
#include "report/metrics.h"

#include "report/exposition.h"
#include "report/words.h"

#include <assert.h>
#include <stdlib.h>

struct sheet {
    const struct metrics *metrics;
    struct exposition out;
    const struct state *servers[METRICS_SERVERS]; /* those that are shown */
    size_t server_count, left_out;
};

struct family {
    struct exposition_family head;
    void (*emit)(struct sheet *sheet, const struct family *family);
    size_t offset; /* of the number, where it stands in a struct */
};

static const char *attempt_name(enum flow_outcome outcome)
{
    static const char *const names[] = {
        [OUTCOME_ANSWERED] = "answered",      [OUTCOME_REJECTED] = "rejected",     [OUTCOME_UNANSWERED] = "unanswered",
        [OUTCOME_ABORTED] = "client-aborted", [OUTCOME_INCOMPLETE] = "incomplete",
    };
    static_assert(sizeof names / sizeof *names == FLOW_OUTCOMES, "each outcome has its name");
    return names[outcome];
}

static uint64_t count_at(const void *base, size_t offset)
{
    uint64_t count;
    memcpy(&count, (const char *)base + offset, sizeof count);
    return count;
}

/* Makers of samples. */

static void emit_version(struct sheet *sheet, const struct family *family)
{
    exposition_count(&sheet->out, &family->head, (const struct exposition_label[]){{"version", TCP53_VERSION}, {0}}, 1);
}

static void emit_count(struct sheet *sheet, const struct family *family)
{
    exposition_count(&sheet->out, &family->head, NULL, count_at(sheet->metrics, family->offset));
}

static void emit_time(struct sheet *sheet, const struct family *family)
{
    int64_t time_ns;
    memcpy(&time_ns, (const char *)sheet->metrics + family->offset, sizeof time_ns);
    exposition_time(&sheet->out, &family->head, NULL, time_ns);
}

/* The same sample twice would make the whole file invalid. */
static bool was_named(const struct metrics *metrics, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(metrics->interfaces[i].name, metrics->interfaces[index].name) == 0)
            return true;
    return false;
}

static void emit_interfaces(struct sheet *sheet, const struct family *family)
{
    for (size_t i = 0; i < sheet->metrics->interface_count; i++) {
        const struct metrics_interface *interface = &sheet->metrics->interfaces[i];
        if (!was_named(sheet->metrics, i))
            exposition_count(&sheet->out, &family->head,
                             (const struct exposition_label[]){{"interface", interface->name}, {0}},
                             count_at(interface, family->offset));
    }
}

static void emit_attempts(struct sheet *sheet, const struct family *family)
{
    for (int i = 0; i < FLOW_OUTCOMES; i++)
        exposition_count(&sheet->out, &family->head,
                         (const struct exposition_label[]){{"outcome", attempt_name((enum flow_outcome)i)}, {0}},
                         sheet->metrics->attempts[i]);
}

static void emit_counters(struct sheet *sheet, const struct family *family)
{
    const struct words_counter *counters;
    size_t count = words_counters(&counters);
    for (size_t i = 0; i < count; i++)
        exposition_count(&sheet->out, &family->head,
                         (const struct exposition_label[]){{"event", counters[i].name}, {0}},
                         words_counter(&sheet->metrics->counters, &counters[i]));
}

static void emit_outcomes(struct sheet *sheet, const struct family *family)
{
    uint64_t counts[REPORT_OUTCOMES] = {0};
    for (size_t i = 0; i < sheet->metrics->server_count; i++)
        counts[sheet->metrics->servers[i].now.outcome]++;
    for (int i = 0; i < REPORT_OUTCOMES; i++) {
        const struct exposition_label labels[] = {{"outcome", report_outcome_name((enum report_outcome)i)}, {0}};
        exposition_count(&sheet->out, &family->head, labels, counts[i]);
    }
}

static void emit_left_out(struct sheet *sheet, const struct family *family)
{
    exposition_count(&sheet->out, &family->head, NULL, sheet->metrics->servers_left_out + sheet->left_out);
}

static const struct exposition_label *label_server(struct exposition_server *to, const struct state *server)
{
    return exposition_label_server(to, server->address, server->port);
}

static void emit_server_attempts(struct sheet *sheet, const struct family *family)
{
    for (size_t i = 0; i < sheet->server_count; i++) {
        struct exposition_server labels = {0};
        label_server(&labels, sheet->servers[i]);
        for (int j = 0; j < FLOW_OUTCOMES; j++) {
            labels.labels[2] = (struct exposition_label){"outcome", attempt_name((enum flow_outcome)j)};
            exposition_count(&sheet->out, &family->head, labels.labels, sheet->servers[i]->attempts[j]);
        }
    }
}

static void emit_verdict(struct sheet *sheet, const struct family *family)
{
    for (size_t i = 0; i < sheet->server_count; i++) {
        struct exposition_server labels = {0};
        label_server(&labels, sheet->servers[i]);
        labels.labels[2] = (struct exposition_label){"outcome", report_outcome_name(sheet->servers[i]->now.outcome)};
        labels.labels[3] = (struct exposition_label){"culprit", culprit_name(sheet->servers[i]->now.culprit)};
        exposition_count(&sheet->out, &family->head, labels.labels, 1);
    }
}

static void emit_confidence(struct sheet *sheet, const struct family *family)
{
    static_assert(CONFIDENCE_NONE == 0 && CONFIDENCE_PROVEN == 3, "as the help says");
    for (size_t i = 0; i < sheet->server_count; i++) {
        struct exposition_server labels = {0};
        exposition_count(&sheet->out, &family->head, label_server(&labels, sheet->servers[i]),
                         sheet->servers[i]->now.confidence);
    }
}

static void emit_changed(struct sheet *sheet, const struct family *family)
{
    for (size_t i = 0; i < sheet->server_count; i++) {
        struct exposition_server labels = {0};
        exposition_time(&sheet->out, &family->head, label_server(&labels, sheet->servers[i]),
                        sheet->servers[i]->changed_ns);
    }
}

#define AT(field) offsetof(struct metrics, field)
#define AT_INTERFACE(field) offsetof(struct metrics_interface, field)

static const struct family families[] = {
    {{"build_info", EXPOSITION_GAUGE, "The program; always 1."}, emit_version, 0},
    {{"start_time_seconds", EXPOSITION_GAUGE, "When the watch began, since 1970."}, emit_time, AT(started_ns)},
    {{"written_timestamp_seconds", EXPOSITION_GAUGE, "When this was written, since 1970."}, emit_time, AT(now_ns)},
    {{"last_frame_timestamp_seconds", EXPOSITION_GAUGE, "When the latest frame was captured, since 1970."},
     emit_time,
     AT(last_frame_ns)},
    {{"interface_frames_total", EXPOSITION_COUNTER, "Frames captured."}, emit_interfaces, AT_INTERFACE(frames)},
    {{"interface_bytes_total", EXPOSITION_COUNTER, "Bytes of the frames captured."},
     emit_interfaces,
     AT_INTERFACE(bytes)},
    {{"interface_dropped_frames_total", EXPOSITION_COUNTER, "Frames that the kernel dropped for lack of room."},
     emit_interfaces,
     AT_INTERFACE(dropped)},
    {{"attempts_total", EXPOSITION_COUNTER, "Attempts to ask over TCP with all servers, by what became of them."},
     emit_attempts,
     0},
    {{"servers", EXPOSITION_GAUGE, "Servers, by their verdict's outcome."}, emit_outcomes, 0},
    {{"servers_left_out", EXPOSITION_GAUGE, "Servers asked over TCP of which nothing is told below; the worst are."},
     emit_left_out,
     0},
    {{"server_attempts_total", EXPOSITION_COUNTER, "Attempts to ask a server over TCP, by what became of them."},
     emit_server_attempts,
     0},
    {EXPOSITION_VERDICT, emit_verdict, 0},
    {EXPOSITION_CONFIDENCE, emit_confidence, 0},
    {{"verdict_changed_timestamp_seconds", EXPOSITION_GAUGE, "Since when the verdict holds, since 1970."},
     emit_changed,
     0},
    {{"verdict_changes_total", EXPOSITION_COUNTER, "Verdicts that became others."}, emit_count, AT(changes)},
    {{"evidence_frames_total", EXPOSITION_COUNTER, "Frames written as evidence."}, emit_count, AT(evidence_frames)},
    {{"evidence_lost_frames_total", EXPOSITION_COUNTER, "Frames that could not be written as evidence."},
     emit_count,
     AT(evidence_lost)},
    {{"log_lines_suppressed_total", EXPOSITION_COUNTER, "Lines not sent to syslog, since there were too many."},
     emit_count,
     AT(lines_suppressed)},
    {{"log_lines_lost_total", EXPOSITION_COUNTER, "Lines that syslog did not take."}, emit_count, AT(lines_lost)},
    {{"commands_total", EXPOSITION_COUNTER, "Commands run at changes."}, emit_count, AT(commands_run)},
    {{"commands_skipped_total", EXPOSITION_COUNTER, "Commands not run, since one was running."},
     emit_count,
     AT(commands_skipped)},
    {{"analysis_events_total", EXPOSITION_COUNTER,
      "What was seen and what was left out, by its key among the report's counters."},
     emit_counters,
     0},
};

#undef AT
#undef AT_INTERFACE

/* Which servers are shown. */

static bool was_asked(const struct state *server)
{
    uint64_t attempts = 0;
    for (int i = 0; i < FLOW_OUTCOMES; i++)
        attempts += server->attempts[i];
    return attempts > 0 || server->now.outcome != REPORT_NONE;
}

static int order(const struct state *a, const struct state *b)
{
    int by_address = addr_order(a->address, b->address);
    return by_address ? by_address : (int)a->port - (int)b->port;
}

static uint64_t failures(const struct state *server)
{
    return server->attempts[OUTCOME_REJECTED] + server->attempts[OUTCOME_UNANSWERED];
}

/* By the verdict, then by failures; servers without any are always shown in favour of the same others. */
static bool is_worse(const struct state *a, const struct state *b)
{
    if (a->now.outcome != b->now.outcome)
        return a->now.outcome > b->now.outcome;
    return failures(a) != failures(b) ? failures(a) > failures(b) : order(a, b) < 0;
}

/* Puts a server among the worst, which are in order; what falls off the end is left out. */
static void choose(struct sheet *sheet, const struct state *server)
{
    size_t at = sheet->server_count;
    while (at > 0 && is_worse(server, sheet->servers[at - 1]))
        at--;
    bool full = sheet->server_count == METRICS_SERVERS;
    sheet->left_out += full;
    if (at == METRICS_SERVERS)
        return;
    size_t behind = sheet->server_count - at - full;
    memmove(&sheet->servers[at + 1], &sheet->servers[at], behind * sizeof *sheet->servers);
    sheet->servers[at] = server;
    sheet->server_count += !full;
}

static int order_shown(const void *a, const void *b)
{
    return order(*(const struct state *const *)a, *(const struct state *const *)b);
}

bool metrics_render(const struct metrics *metrics, FILE *out)
{
    struct sheet sheet = {.metrics = metrics, .out.file = out};
    for (size_t i = 0; i < metrics->server_count; i++)
        if (was_asked(&metrics->servers[i]))
            choose(&sheet, &metrics->servers[i]);
    qsort(sheet.servers, sheet.server_count, sizeof *sheet.servers, order_shown);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        exposition_begin(&sheet.out, &families[i].head);
        families[i].emit(&sheet, &families[i]);
    }
    return exposition_end(&sheet.out);
}
