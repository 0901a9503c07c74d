/*
 * How it works: a table of families; each names what makes its samples, and where the number is, and HELP, TYPE and names
 * are written in one place. The format is that of Prometheus' "Exposition formats", version 0.0.4, and the names follow
 * its "Metric and label naming": base units, and _total behind what only grows.
 */
#include "report/metrics.h"

#include "report/words.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum { LABELS = 4, PORT_TEXT = 8 };

enum type { GAUGE, COUNTER };

struct sheet {
    const struct metrics *metrics;
    FILE *out;
    const struct state *servers[METRICS_SERVERS]; /* those that are shown */
    size_t server_count, left_out;
    bool failed;
};

struct family {
    const char *name; /* without tcp53_ */
    enum type type;
    const char *help;
    void (*emit)(struct sheet *sheet, const struct family *family);
    size_t offset; /* of the number, where it stands in a struct */
};

/* A label ends the list when it has no name. */
struct label {
    const char *name, *value;
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

/* One sample. */

/* In a label's value the backslash, the quotation mark and the line feed are escaped; all else is UTF-8 as it is. */
static void write_value(struct sheet *sheet, const char *value)
{
    char *clean = words_utf8(value);
    sheet->failed |= clean == NULL;
    for (const char *at = clean; at && *at; at++) {
        if (*at == '\\' || *at == '"' || *at == '\n')
            putc('\\', sheet->out);
        putc(*at == '\n' ? 'n' : *at, sheet->out);
    }
    free(clean);
}

/* A sample but for its number: the family's name and the labels. */
static void write_labels(struct sheet *sheet, const struct family *family, const struct label *labels)
{
    fprintf(sheet->out, "tcp53_%s", family->name);
    for (size_t i = 0; labels && labels[i].name; i++) {
        fprintf(sheet->out, "%c%s=\"", i ? ',' : '{', labels[i].name);
        write_value(sheet, labels[i].value);
        putc('"', sheet->out);
    }
    fputs(labels ? "} " : " ", sheet->out);
}

static void write_count(struct sheet *sheet, const struct family *family, const struct label *labels, uint64_t count)
{
    write_labels(sheet, family, labels);
    fprintf(sheet->out, "%" PRIu64 "\n", count);
}

/* No time, no sample. */
static void write_time(struct sheet *sheet, const struct family *family, const struct label *labels, int64_t time_ns)
{
    if (time_ns <= 0)
        return;
    write_labels(sheet, family, labels);
    fprintf(sheet->out, "%" PRId64 ".%09d\n", time_ns / FLOW_SECOND_NS, (int)(time_ns % FLOW_SECOND_NS));
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
    write_count(sheet, family, (const struct label[]){{"version", TCP53_VERSION}, {0}}, 1);
}

static void emit_count(struct sheet *sheet, const struct family *family)
{
    write_count(sheet, family, NULL, count_at(sheet->metrics, family->offset));
}

static void emit_time(struct sheet *sheet, const struct family *family)
{
    int64_t time_ns;
    memcpy(&time_ns, (const char *)sheet->metrics + family->offset, sizeof time_ns);
    write_time(sheet, family, NULL, time_ns);
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
            write_count(sheet, family, (const struct label[]){{"interface", interface->name}, {0}},
                        count_at(interface, family->offset));
    }
}

static void emit_attempts(struct sheet *sheet, const struct family *family)
{
    for (int i = 0; i < FLOW_OUTCOMES; i++)
        write_count(sheet, family, (const struct label[]){{"outcome", attempt_name((enum flow_outcome)i)}, {0}},
                    sheet->metrics->attempts[i]);
}

static void emit_counters(struct sheet *sheet, const struct family *family)
{
    const struct words_counter *counters;
    size_t count = words_counters(&counters);
    for (size_t i = 0; i < count; i++)
        write_count(sheet, family, (const struct label[]){{"event", counters[i].name}, {0}},
                    words_counter(&sheet->metrics->counters, &counters[i]));
}

static void emit_outcomes(struct sheet *sheet, const struct family *family)
{
    uint64_t counts[REPORT_OUTCOMES] = {0};
    for (size_t i = 0; i < sheet->metrics->server_count; i++)
        counts[sheet->metrics->servers[i].now.outcome]++;
    for (int i = 0; i < REPORT_OUTCOMES; i++)
        write_count(sheet, family,
                    (const struct label[]){{"outcome", report_outcome_name((enum report_outcome)i)}, {0}}, counts[i]);
}

static void emit_left_out(struct sheet *sheet, const struct family *family)
{
    write_count(sheet, family, NULL, sheet->metrics->servers_left_out + sheet->left_out);
}

/* The labels of a server, and room for more. */
struct server_labels {
    struct label labels[LABELS + 1];
    char address[ADDR_TEXT], port[PORT_TEXT];
};

static const struct label *label_server(struct server_labels *to, const struct state *server)
{
    addr_text(server->address, to->address);
    snprintf(to->port, sizeof to->port, "%u", (unsigned)server->port);
    to->labels[0] = (struct label){"server", to->address};
    to->labels[1] = (struct label){"port", to->port};
    return to->labels;
}

static void emit_server_attempts(struct sheet *sheet, const struct family *family)
{
    for (size_t i = 0; i < sheet->server_count; i++) {
        struct server_labels labels = {0};
        label_server(&labels, sheet->servers[i]);
        for (int j = 0; j < FLOW_OUTCOMES; j++) {
            labels.labels[2] = (struct label){"outcome", attempt_name((enum flow_outcome)j)};
            write_count(sheet, family, labels.labels, sheet->servers[i]->attempts[j]);
        }
    }
}

static void emit_verdict(struct sheet *sheet, const struct family *family)
{
    for (size_t i = 0; i < sheet->server_count; i++) {
        struct server_labels labels = {0};
        label_server(&labels, sheet->servers[i]);
        labels.labels[2] = (struct label){"outcome", report_outcome_name(sheet->servers[i]->now.outcome)};
        labels.labels[3] = (struct label){"culprit", culprit_name(sheet->servers[i]->now.culprit)};
        write_count(sheet, family, labels.labels, 1);
    }
}

static void emit_confidence(struct sheet *sheet, const struct family *family)
{
    static_assert(CONFIDENCE_NONE == 0 && CONFIDENCE_PROVEN == 3, "as the help says");
    for (size_t i = 0; i < sheet->server_count; i++) {
        struct server_labels labels = {0};
        write_count(sheet, family, label_server(&labels, sheet->servers[i]), sheet->servers[i]->now.confidence);
    }
}

static void emit_changed(struct sheet *sheet, const struct family *family)
{
    for (size_t i = 0; i < sheet->server_count; i++) {
        struct server_labels labels = {0};
        write_time(sheet, family, label_server(&labels, sheet->servers[i]), sheet->servers[i]->changed_ns);
    }
}

#define AT(field) offsetof(struct metrics, field)
#define AT_INTERFACE(field) offsetof(struct metrics_interface, field)

static const struct family families[] = {
    {"build_info", GAUGE, "The program; always 1.", emit_version, 0},
    {"start_time_seconds", GAUGE, "When the watch began, since 1970.", emit_time, AT(started_ns)},
    {"written_timestamp_seconds", GAUGE, "When this was written, since 1970.", emit_time, AT(now_ns)},
    {"last_frame_timestamp_seconds", GAUGE, "When the latest frame was captured, since 1970.", emit_time,
     AT(last_frame_ns)},
    {"interface_frames_total", COUNTER, "Frames captured.", emit_interfaces, AT_INTERFACE(frames)},
    {"interface_bytes_total", COUNTER, "Bytes of the frames captured.", emit_interfaces, AT_INTERFACE(bytes)},
    {"interface_dropped_frames_total", COUNTER, "Frames that the kernel dropped for lack of room.", emit_interfaces,
     AT_INTERFACE(dropped)},
    {"attempts_total", COUNTER, "Attempts to ask over TCP with all servers, by what became of them.", emit_attempts, 0},
    {"servers", GAUGE, "Servers, by their verdict's outcome.", emit_outcomes, 0},
    {"servers_left_out", GAUGE, "Servers asked over TCP of which nothing is told below; the worst are.", emit_left_out,
     0},
    {"server_attempts_total", COUNTER, "Attempts to ask a server over TCP, by what became of them.",
     emit_server_attempts, 0},
    {"verdict", GAUGE, "The verdict that holds: always 1.", emit_verdict, 0},
    {"verdict_confidence", GAUGE, "How sure the verdict is: 0 blames nobody, 1 indicated, 2 strong, 3 proven.",
     emit_confidence, 0},
    {"verdict_changed_timestamp_seconds", GAUGE, "Since when the verdict holds, since 1970.", emit_changed, 0},
    {"verdict_changes_total", COUNTER, "Verdicts that became others.", emit_count, AT(changes)},
    {"evidence_frames_total", COUNTER, "Frames written as evidence.", emit_count, AT(evidence_frames)},
    {"evidence_lost_frames_total", COUNTER, "Frames that could not be written as evidence.", emit_count,
     AT(evidence_lost)},
    {"log_lines_suppressed_total", COUNTER, "Lines not sent to syslog, since there were too many.", emit_count,
     AT(lines_suppressed)},
    {"log_lines_lost_total", COUNTER, "Lines that syslog did not take.", emit_count, AT(lines_lost)},
    {"commands_total", COUNTER, "Commands run at changes.", emit_count, AT(commands_run)},
    {"commands_skipped_total", COUNTER, "Commands not run, since one was running.", emit_count, AT(commands_skipped)},
    {"analysis_events_total", COUNTER, "What was seen and what was left out, by its key among the report's counters.",
     emit_counters, 0},
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
    static const char *const types[] = {[GAUGE] = "gauge", [COUNTER] = "counter"};
    struct sheet sheet = {.metrics = metrics, .out = out};
    for (size_t i = 0; i < metrics->server_count; i++)
        if (was_asked(&metrics->servers[i]))
            choose(&sheet, &metrics->servers[i]);
    qsort(sheet.servers, sheet.server_count, sizeof *sheet.servers, order_shown);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        fprintf(out, "# HELP tcp53_%s %s\n# TYPE tcp53_%s %s\n", families[i].name, families[i].help, families[i].name,
                types[families[i].type]);
        families[i].emit(&sheet, &families[i]);
    }
    return !sheet.failed && fflush(out) == 0 && !ferror(out);
}
