/*
 * How it works: lines go out as they come. Files are opened by the clerk, in directories that were named at the start, and
 * take their place when they are whole. What cannot be written is told once and tried again the next time; nothing of it
 * ends the watch, but that nobody reads the lines any more and there is nothing else.
 */
#include "watch_outlets.h"

#include "capture/clerk.h"
#include "capture/journal.h"
#include "report/metrics.h"
#include "report/words.h"
#include "clock.h"
#include "watch_command.h"
#include "watch_evidence.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)
#define METRICS_NS (15 * SECOND_NS)  /* node exporters are scraped about as often */
#define WATCHDOG_NS (10 * SECOND_NS) /* the unit waits for a minute */

/* A file that is replaced as a whole, in a directory of the clerk's. */
struct place {
    unsigned directory;
    char name[256], draft[260];
    bool failing; /* told already */
};

struct outlets {
    const struct options *options;
    const struct states *states;
    const struct report *report;
    struct clerk *clerk; /* NULL: nothing is written but lines */
    struct journal *journal;
    struct evidence *evidence; /* NULL: none is kept */
    struct place output, metrics;
    struct watch_command command;
    int64_t started_ns;
    int64_t metrics_ns, watchdog_ns; /* when they are due, by the steady clock */
    uint64_t changes;
    bool on_lines; /* changes go to standard output as lines; else to standard error */
    bool lines_over;
    bool clerk_missed; /* it is gone, and that was told */
};

static bool is_jsonl(const struct outlets *outlets)
{
    return outlets->options->render_with == render_jsonl;
}

/* Splits a path; the directory is the clerk's next place. */
static bool find_place(struct place *place, const char *path, struct clerk_options *clerk, char **directory,
                       struct failure *failure)
{
    if (!path)
        return true;
    const char *slash = strrchr(path, '/');
    *directory = strdup(path);
    if (!*directory)
        return failure_set(failure, "out of memory");
    snprintf(place->name, sizeof place->name, "%s", slash ? slash + 1 : path);
    snprintf(place->draft, sizeof place->draft, "%s.new", place->name);
    if (!clerk_is_name(place->name))
        return failure_set(failure, "%s: names of files are of letters, digits and ._:+- and begin with none of .-",
                           path);
    place->directory = (unsigned)clerk->directory_count;
    clerk->directories[clerk->directory_count++] = dirname(*directory);
    return true;
}

static bool start_clerk(struct outlets *outlets, const struct privs *privs, struct failure *failure)
{
    const struct options_watch *watch = &outlets->options->watch;
    struct clerk_options clerk = {.command = (const char *const *)outlets->command.words, .privs = privs};
    char *directories[2] = {NULL, NULL};
    bool fine = find_place(&outlets->output, outlets->options->output, &clerk, &directories[0], failure) &&
                find_place(&outlets->metrics, watch->metrics, &clerk, &directories[1], failure);
    if (watch->evidence || watch->tickets) {
        outlets->evidence = fine ? evidence_new(outlets->options, &clerk) : NULL;
        fine = fine && (outlets->evidence || failure_set(failure, "out of memory"));
    }
    if (fine && (clerk.directory_count > 0 || clerk.command || getenv("NOTIFY_SOCKET"))) {
        outlets->clerk = clerk_start(&clerk, failure);
        fine = outlets->clerk;
    }
    if (fine && outlets->evidence)
        fine = evidence_open(outlets->evidence, outlets->clerk, failure);
    free(directories[0]);
    free(directories[1]);
    return fine;
}

static bool open_journal(struct outlets *outlets, struct failure *failure)
{
    if (!outlets->options->watch.syslog)
        return true;
    outlets->journal = journal_open(NULL, failure);
    return outlets->journal;
}

struct outlets *outlets_open(const struct options *options, const struct privs *privs, const struct states *states,
                             struct failure *failure)
{
    struct outlets *outlets = calloc(1, sizeof *outlets);
    if (!outlets) {
        failure_set(failure, "out of memory");
        return NULL;
    }
    outlets->options = options;
    outlets->states = states;
    outlets->started_ns = clock_day_ns();
    outlets->on_lines = options->render_with == render_text || is_jsonl(outlets);
    if (watch_command_set(&outlets->command, options->watch.command, failure) && start_clerk(outlets, privs, failure) &&
        open_journal(outlets, failure))
        return outlets;
    outlets_close(outlets);
    return NULL;
}

void outlets_close(struct outlets *outlets)
{
    if (!outlets)
        return;
    if (outlets->clerk)
        clerk_notify(outlets->clerk, "STOPPING=1");
    evidence_free(outlets->evidence);
    clerk_end(outlets->clerk);
    journal_close(outlets->journal);
    watch_command_free(&outlets->command);
    free(outlets);
}

bool outlets_ready(struct outlets *outlets, struct failure *failure)
{
    return !outlets->evidence || evidence_begin(outlets->evidence, failure);
}

void outlets_shift(struct outlets *outlets, int64_t step_ns)
{
    if (outlets->evidence)
        evidence_shift(outlets->evidence, step_ns);
}

void outlets_begin(struct outlets *outlets)
{
    if (outlets->clerk)
        clerk_notify(outlets->clerk, "READY=1");
}

void outlets_frame(struct outlets *outlets, const struct frame *frame)
{
    if (outlets->evidence)
        evidence_frame(outlets->evidence, frame);
}

void outlets_packet(struct outlets *outlets, const struct flow_key *key, const struct packet *packet, bool from_server)
{
    if (outlets->evidence)
        evidence_packet(outlets->evidence, key, packet, from_server);
}

void outlets_flow_over(struct outlets *outlets, const struct flow *flow, const struct flow_end *end)
{
    if (outlets->evidence)
        evidence_flow(outlets->evidence, &flow->record, end, true);
}

void outlets_flow_failing(struct outlets *outlets, const struct flow *flow, const struct flow_end *end)
{
    if (outlets->evidence)
        evidence_flow(outlets->evidence, &flow->record, end, false);
}

void outlets_news(struct outlets *outlets, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    complain("%s", text);
    journal_send(outlets->journal, LOG_WARNING, text);
}

/* Nobody reads: where that is all there is, the watch is over. */
static bool check_lines(struct outlets *outlets)
{
    bool fine = fflush(stdout) == 0 && !ferror(stdout);
    clearerr(stdout);
    outlets->lines_over |= !fine && (errno == EPIPE || errno == EIO);
    return fine || errno == EPIPE || complain("standard output: %s", strerror(errno));
}

static bool has_only_lines(const struct outlets *outlets)
{
    return !outlets->clerk && !outlets->options->watch.syslog;
}

bool outlets_is_over(const struct outlets *outlets)
{
    return outlets->lines_over && has_only_lines(outlets);
}

int outlets_lines(const struct outlets *outlets)
{
    return has_only_lines(outlets) ? STDOUT_FILENO : -1;
}

void outlets_report(struct outlets *outlets, const struct report *report)
{
    outlets->report = report;
}

static void write_line(struct outlets *outlets, const struct change *change)
{
    FILE *out = outlets->on_lines ? stdout : stderr;
    if (journal_is_stream(fileno(out)))
        fputs(journal_prefix(change_priority(change)), out);
    (is_jsonl(outlets) ? change_json : change_text)(change, out);
    check_lines(outlets);
}

static void look_for_end(struct outlets *outlets)
{
    int status;
    if (watch_command_ended(&outlets->command, outlets->clerk, &status) && status != 0)
        outlets_news(outlets, "--exec: the command failed (wait status %d)", status);
}

static void run_command(struct outlets *outlets, const struct change *change)
{
    char address[ADDR_TEXT];
    look_for_end(outlets);
    if (!outlets->command.words ||
        watch_command_run(&outlets->command, outlets->clerk, change, outlets->report, outlets->options))
        return;
    outlets_news(outlets, "--exec: not run for %s: %s", addr_text(change->address, address),
                 errno == EBUSY ? "it is still at the change before" : strerror(errno));
}

void outlets_change(struct outlets *outlets, const struct change *change)
{
    outlets->changes++;
    outlets->metrics_ns = 0;
    write_line(outlets, change);
    char *message = change_message(change);
    if (message)
        journal_send(outlets->journal, change_priority(change), message);
    free(message);
    if (outlets->evidence && outlets->options->watch.tickets &&
        !evidence_ticket(outlets->evidence, change, outlets->report->facts))
        outlets_news(outlets, "--ticket: %s", strerror(errno));
    run_command(outlets, change);
}

void outlets_changes_told(struct outlets *outlets, bool last)
{
    if (outlets->evidence && outlets->options->watch.tickets &&
        !evidence_tickets_left(outlets->evidence, outlets->report->facts, last))
        outlets_news(outlets, "--ticket: %s", strerror(errno));
}

/* Opens the draft of a file that will be replaced. */
static FILE *begin_file(struct outlets *outlets, const struct place *place)
{
    return clerk_stream(outlets->clerk, place->directory, place->draft);
}

/* Puts the draft in the file's place when all of it was written; tells trouble once. */
static bool end_file(struct outlets *outlets, struct place *place, FILE *out, bool fine)
{
    fine = out && fclose(out) == 0 && fine;
    fine = fine && clerk_rename(outlets->clerk, place->directory, place->draft, place->name);
    int why = errno;
    if (!fine && !place->failing)
        outlets_news(outlets, "%s: %s; tried again the next time", place->name, strerror(why));
    if (!fine && out)
        clerk_remove(outlets->clerk, place->directory, place->draft);
    place->failing = !fine;
    return fine;
}

static bool was_asked(const struct report *report)
{
    for (size_t i = 0; i < report->server_count; i++)
        if (report->servers[i].outcome != REPORT_NONE)
            return true;
    return false;
}

/* A line before the report of a window, for people. */
static void write_heading(const struct report *report)
{
    char time[WORDS_TIME];
    uint64_t frames = 0, dropped = 0;
    for (size_t i = 0; i < report->source.input_count; i++) {
        frames += report->source.inputs[i].frames;
        dropped += (uint64_t)report->source.inputs[i].kernel_dropped;
    }
    printf("\n=== until %.19sZ, %" PRIu64 " frames, %" PRIu64 " dropped by the kernel ===\n",
           words_time(report->source.generated_ns, time), frames, dropped);
}

static bool write_to_lines(struct outlets *outlets, const struct report *report, enum outlets_occasion occasion)
{
    bool text = outlets->options->render_with == render_text;
    if (occasion == OUTLETS_WINDOW && (!was_asked(report) || (!outlets->on_lines)))
        return true;
    if (text && !outlets->options->render.quiet)
        write_heading(report);
    outlets->options->render_with(report, &outlets->options->render, stdout);
    return check_lines(outlets);
}

bool outlets_write(struct outlets *outlets, const struct report *report, enum outlets_occasion occasion)
{
    if (!outlets->options->output)
        return write_to_lines(outlets, report, occasion);
    FILE *out = begin_file(outlets, &outlets->output);
    bool fine = out && outlets->options->render_with(report, &outlets->options->render, out);
    return end_file(outlets, &outlets->output, out, fine);
}

void outlets_sum_up(struct outlets *outlets)
{
    size_t count;
    const struct state *states = states_list(outlets->states, &count);
    if (outlets->options->render_with != render_text || outlets->options->output)
        return;
    for (size_t i = 0; i < count; i++) {
        char name[WORDS_ENDPOINT], time[WORDS_TIME];
        const struct state *state = &states[i];
        if (state->changed_ns == 0)
            continue;
        printf("%s %s %s since %.19sZ; since the start %" PRIu64 " answered, %" PRIu64 " rejected, %" PRIu64
               " unanswered\n",
               words_endpoint(state->address, state->port, name), report_outcome_name(state->now.outcome),
               culprit_name(state->now.culprit), words_time(state->changed_ns, time), state->attempts[OUTCOME_ANSWERED],
               state->attempts[OUTCOME_REJECTED], state->attempts[OUTCOME_UNANSWERED]);
    }
    check_lines(outlets);
}

static void write_metrics(struct outlets *outlets, const struct analysis *analysis, const struct input *inputs,
                          size_t count)
{
    struct metrics_interface interfaces[OPTIONS_INTERFACES];
    struct metrics metrics = {.started_ns = outlets->started_ns,
                              .now_ns = clock_day_ns(),
                              .changes = outlets->changes,
                              .commands_run = outlets->command.run,
                              .commands_skipped = outlets->command.skipped,
                              .counters = analysis_totals(analysis)};
    for (size_t i = 0; i < count; i++) {
        interfaces[i] = (struct metrics_interface){inputs[i].path, inputs[i].frames, inputs[i].bytes,
                                                   (uint64_t)inputs[i].kernel_dropped};
        if (inputs[i].last_ns > metrics.last_frame_ns)
            metrics.last_frame_ns = inputs[i].last_ns;
    }
    metrics.interfaces = interfaces;
    metrics.interface_count = count;
    metrics.servers = states_list(outlets->states, &metrics.server_count);
    metrics.servers_left_out = states_left_out(outlets->states);
    memcpy(metrics.attempts, states_attempts(outlets->states), sizeof metrics.attempts);
    struct journal_counters lines = journal_counters(outlets->journal);
    metrics.lines_suppressed = lines.suppressed;
    metrics.lines_lost = lines.lost;
    if (outlets->evidence)
        evidence_counts(outlets->evidence, &metrics.evidence_frames, &metrics.evidence_lost);
    FILE *out = begin_file(outlets, &outlets->metrics);
    end_file(outlets, &outlets->metrics, out, out && metrics_render(&metrics, out));
}

static void tell_troubles(struct outlets *outlets)
{
    char text[512];
    if (outlets->clerk && clerk_is_gone(outlets->clerk) && !outlets->clerk_missed) {
        outlets->clerk_missed = true;
        outlets_news(outlets,
                     "the process that opens files and runs commands (the clerk) has ended: from now on no file "
                     "is written; start the watch again");
    }
    if (outlets->evidence && evidence_news(outlets->evidence, text, sizeof text))
        outlets_news(outlets, "%s", text);
}

void outlets_tick(struct outlets *outlets, const struct analysis *analysis, const struct input *inputs, size_t count)
{
    int64_t now_ns = clock_steady_ns();
    journal_tick(outlets->journal);
    look_for_end(outlets);
    tell_troubles(outlets);
    if (outlets->options->watch.metrics && now_ns >= outlets->metrics_ns) {
        write_metrics(outlets, analysis, inputs, count);
        outlets->metrics_ns = now_ns + METRICS_NS;
    }
    if (outlets->clerk && now_ns >= outlets->watchdog_ns) {
        clerk_notify(outlets->clerk, "WATCHDOG=1");
        outlets->watchdog_ns = now_ns + WATCHDOG_NS;
    }
}

void outlets_reopen(struct outlets *outlets)
{
    if (outlets->evidence)
        evidence_reopen(outlets->evidence);
    outlets->metrics_ns = 0;
}
