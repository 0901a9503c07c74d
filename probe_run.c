/*
 * How it works: one poll loop serves the sockets that ask and the capture that sees what becomes of their packets. When all
 * attempts are over the capture goes on for a moment, since what contradicts a reset comes after it.
 */
#include "probe_run.h"

#include "capture/gauges.h"
#include "capture/probe.h"
#include "capture/resolvers.h"
#include "clock.h"
#include "inputs.h"
#include "output.h"
#include "probe_paths.h"
#include "probe_view.h"
#include "report/metrics.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>

enum {
    TRIES = 3,
    TIMEOUT_S = 5,
    SOCKETS = PROBE_SERVERS * LOCATE_SOCKETS, /* at one time: walking takes more than asking */
    DESCRIPTORS = SOCKETS + LIVE_MOST,
    TROUBLE = 2
};

static_assert((int)LOCATE_SOCKETS >= (int)PROBE_ACTIVE, "or else there are more");

#define MS_NS INT64_C(1000000)
#define LINGER_NS INT64_C(1200000000) /* how long the capture goes on: a retransmission (RFC 6298: 1 s), and delivery */

struct probing {
    const struct options *options;
    const char *name, *type;
    struct addr servers[PROBE_SERVERS];
    size_t server_count;
    char servers_from[256]; /* empty: the user named them */
    uint16_t port;
    struct probe_view view;
    struct probe *probe;
    struct probe_paths paths;
    struct path found[PROBE_SERVERS];
};

static volatile sig_atomic_t interrupted;
static sigset_t ended_by, as_ever; /* signals that come only while it waits; the mask while it does */

static void handle_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

/*
 * The first one ends the asking, and what is known by then is judged; a second one kills. Where SIGINT is ignored, as a
 * shell has it for what runs in the background, it stays so.
 */
static void catch_signals(void)
{
    const struct sigaction once = {.sa_handler = handle_interrupt, .sa_flags = (int)SA_RESETHAND};
    struct sigaction before;
    if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(SIGINT, &once, NULL);
    sigaction(SIGTERM, &once, NULL);
    sigemptyset(&ended_by);
    sigaddset(&ended_by, SIGINT);
    sigaddset(&ended_by, SIGTERM);
    sigprocmask(SIG_BLOCK, &ended_by, &as_ever);
}

/* ---------------------------------------------------------------- whom to ask */

/* "Any address" of either family. */
static bool is_nobody(struct addr address)
{
    static const uint8_t zero[4];
    return addr_is_none(address) || addr_same(address, addr_v4(zero));
}

/* DNS has bytes and no characters: what a name beyond ASCII is in bytes, IDNA says (RFC 5890). */
static bool check_name(const char *name)
{
    for (const char *at = name; at && *at; at++)
        if ((unsigned char)*at >= 0x80)
            return complain("probe: \"%s\" is not in ASCII: its form that begins with xn-- is what DNS has", name);
    return true;
}

static bool take_servers(struct probing *probing, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct addr address;
        bool known = false;
        if (!addr_read(names[i], &address) || is_nobody(address))
            return complain("probe: \"%s\" is not an IP address of a server (names are never resolved)", names[i]);
        if (addr_is_link_local(address))
            return complain("probe: %s holds on one link only, which cannot be named: ask by another address",
                            names[i]);
        for (size_t k = 0; k < probing->server_count; k++)
            known |= addr_same(probing->servers[k], address);
        if (!known && probing->server_count == PROBE_SERVERS)
            return complain("probe: at most %d servers at a time", PROBE_SERVERS);
        if (!known)
            probing->servers[probing->server_count++] = address;
    }
    return true;
}

/* Why one of the configured servers is not asked; NULL: it is. */
static const char *find_hindrance(const struct probing *probing, const struct resolver_server *server)
{
    if (server->port && server->port != probing->port)
        return "it listens at another port (see --port)";
    return addr_is_link_local(server->address) ? "its address holds on one link only" : NULL;
}

static bool find_servers(struct probing *probing)
{
    struct resolver_server list[PROBE_SERVERS];
    struct failure failure = {""};
    char text[ADDR_TEXT];
    size_t count = resolvers_servers(probing->options->probe.resolv_conf, list, PROBE_SERVERS, probing->servers_from,
                                     sizeof probing->servers_from, &failure);
    for (size_t i = 0; i < count; i++) {
        const char *hindrance = find_hindrance(probing, &list[i]);
        if (hindrance)
            complain("probe: %s is not asked: %s", addr_text(list[i].address, text), hindrance);
        else
            probing->servers[probing->server_count++] = list[i].address;
    }
    return probing->server_count > 0 || complain("probe: %s; name a server: `tcp53 probe NAME SERVER`",
                                                 count > 0 ? "no configured server can be asked" : failure.text);
}

/* ---------------------------------------------------------------- the loop */

static void take_port(void *context, bool tcp, uint16_t port)
{
    struct probing *probing = context;
    probe_view_port(&probing->view, tcp, port);
}

static int wait_ms(int64_t due_ns, const struct live *live)
{
    int64_t left_ns = due_ns == INT64_MAX ? 500 * MS_NS : due_ns - clock_steady_ns();
    int ms = left_ns <= 0 ? 0 : (int)(left_ns / MS_NS) + 1;
    int for_live = live ? live_timeout(live) : -1;
    return for_live >= 0 && for_live < ms ? for_live : ms;
}

/* Polls the sockets and the capture, and takes what it saw; returns how many of `list` are the sockets'. */
static size_t wait(struct probing *probing, struct pollfd list[DESCRIPTORS], size_t sockets, int64_t due_ns)
{
    size_t count = sockets;
    if (probing->view.live)
        count += live_descriptors(probing->view.live, list + count, DESCRIPTORS - count);
    int ms = wait_ms(due_ns, probing->view.live);
    const struct timespec time = {ms / 1000, ms % 1000 * MS_NS};
    if (ppoll(list, count, &time, &as_ever) < 0)
        sockets = 0; /* interrupted: nothing is known of them */
    probe_view_take(&probing->view);
    return sockets;
}

/* Something that goes on by steps: the calls of a probe, and of what follows it. */
struct task {
    void *what;
    bool (*step)(void *what, const struct pollfd *list, size_t count, int64_t now_ns);
    size_t (*descriptors)(const void *what, struct pollfd *list, size_t room);
    int64_t (*due_ns)(const void *what);
};

/* The calls of a module as those of a task. */
#define TASK_OF(module)                                                                                                \
    static bool step_##module(void *what, const struct pollfd *list, size_t count, int64_t now_ns)                     \
    {                                                                                                                  \
        return module##_step(what, list, count, now_ns);                                                               \
    }                                                                                                                  \
    static size_t descriptors_##module(const void *what, struct pollfd *list, size_t room)                             \
    {                                                                                                                  \
        return module##_descriptors(what, list, room);                                                                 \
    }                                                                                                                  \
    static int64_t due_##module(const void *what)                                                                      \
    {                                                                                                                  \
        return module##_due_ns(what);                                                                                  \
    }

TASK_OF(probe)
TASK_OF(gauges)
TASK_OF(probe_paths)

static void run(struct probing *probing, const struct task *task)
{
    struct pollfd list[DESCRIPTORS];
    size_t count = 0;
    while (!interrupted && task->step(task->what, list, count, clock_steady_ns())) {
        count = task->descriptors(task->what, list, SOCKETS);
        count = wait(probing, list, count, task->due_ns(task->what));
    }
}

static void ask(struct probing *probing)
{
    const struct task task = {probing->probe, step_probe, descriptors_probe, due_probe};
    run(probing, &task);
}

/* Without a capture sockets have to find out how far away their peers are. */
static void measure_ttls(struct probing *probing)
{
    struct gauges *gauges = probing->view.live ? NULL : gauges_new(probing->probe);
    const struct task task = {gauges, step_gauges, descriptors_gauges, due_gauges};
    if (gauges)
        run(probing, &task);
    gauges_free(gauges);
}

static bool walk_paths(struct probing *probing)
{
    struct failure failure = {""};
    if (!probing->options->probe.locate || interrupted)
        return true;
    if (!probe_paths_begin(&probing->paths, probing->probe, &failure))
        return complain("--locate: %s", failure.text);
    const struct task task = {&probing->paths, step_probe_paths, descriptors_probe_paths, due_probe_paths};
    run(probing, &task);
    return true;
}

static void linger(struct probing *probing)
{
    struct pollfd list[DESCRIPTORS];
    int64_t end_ns = clock_steady_ns() + LINGER_NS;
    while (probing->view.live && !interrupted && clock_steady_ns() < end_ns)
        wait(probing, list, 0, end_ns);
}

/* ---------------------------------------------------------------- the report */

static size_t list_answers(const struct probing *probing, struct report_answer answers[PROBE_SERVERS])
{
    size_t count = 0;
    for (size_t i = 0; i < probing->server_count; i++) {
        const struct probe_answer *answer = probe_answer_of(probing->probe, i);
        if (answer->bytes)
            answers[count++] =
                (struct report_answer){probing->servers[i], probing->port, answer->bytes, answer->length};
    }
    return count;
}

static bool write_metrics(const void *report, FILE *out)
{
    return metrics_write_probe(report, out);
}

static int write_all(struct probing *probing, const struct report *report)
{
    const struct options *options = probing->options;
    int status = report->exit_status;
    if (probing->view.save && !probe_save_write(probing->view.save))
        status = TROUBLE;
    if (!output_report(report, options))
        status = TROUBLE;
    if (options->watch.metrics && !output_file(options->watch.metrics, write_metrics, report))
        status = TROUBLE;
    if (options->nagios)
        status = report_nagios_status(status, report->server_count ? report->servers[0].outcome : REPORT_NONE);
    return status;
}

static int conclude(struct probing *probing)
{
    struct report_answer answers[PROBE_SERVERS];
    struct input inputs[PROBE_VIEW_INPUTS];
    const struct options *options = probing->options;
    struct report_probe probe = {.qname = probing->name,
                                 .qtype = probing->type,
                                 .other_name = options->probe.other_name,
                                 .other_port = (uint16_t)options->probe.other_port,
                                 .paths = probing->found,
                                 .path_count = probe_paths_list(&probing->paths, probing->found),
                                 .answers = answers,
                                 .answer_count = list_answers(probing, answers)};
    probe.attempts = probe_attempts(probing->probe, &probe.attempt_count);
    probe_view_finish(&probing->view, probe.attempts, probe.attempt_count);
    probe.obstacle = *probing->view.obstacle.text ? probing->view.obstacle.text : NULL;
    probe.servers_from = *probing->servers_from ? probing->servers_from : NULL;
    struct report_source from = {.command = "probe",
                                 .generated_ns = clock_day_ns(),
                                 .servers = probing->servers,
                                 .server_count = probing->server_count,
                                 .interrupted = interrupted,
                                 .probe = &probe};
    struct report *report = NULL;
    if (inputs_list(inputs, probe_view_inputs(&probing->view, inputs), &from))
        report = report_build(analysis_facts(probing->view.analysis), analysis_counters(probing->view.analysis), &from);
    int status = TROUBLE;
    if (report)
        status = write_all(probing, report);
    else
        complain("out of memory");
    report_free(report);
    inputs_release(&from);
    return status;
}

/* ---------------------------------------------------------------- all of it */

static bool prepare(struct probing *probing, const char *const *servers, size_t server_count)
{
    const struct options *options = probing->options;
    struct failure failure = {""};
    if (!check_name(probing->name) || !check_name(options->probe.other_name) ||
        !(server_count > 0 ? take_servers(probing, servers, server_count) : find_servers(probing)) ||
        !probe_view_open(&probing->view, options, probing->servers, probing->server_count))
        return false;
    const struct probe_options probe = {
        .servers = probing->servers,
        .server_count = probing->server_count,
        .port = probing->port,
        .name = probing->name,
        .type = probing->type,
        .other_name = options->probe.other_name,
        .other_port = (uint16_t)options->probe.other_port,
        .marked = options->probe.marked,
        .tries = options->probe.tries ? options->probe.tries : TRIES,
        .timeout_ns = (options->probe.timeout_s ? options->probe.timeout_s : TIMEOUT_S) * FLOW_SECOND_NS,
        .unseen = !probing->view.live};
    probing->probe = probe_new(&probe, take_port, probing, &failure);
    return probing->probe || complain("probe: %s", failure.text);
}

int probe_run(const struct options *options, const char *name, const char *const *servers, size_t server_count)
{
    struct probing *probing = calloc(1, sizeof *probing);
    int status = TROUBLE;
    if (!probing) {
        complain("out of memory");
        return status;
    }
    probing->options = options;
    probing->name = name;
    probing->type = options->probe.type ? options->probe.type : "MX";
    probing->port = options->analysis.port_count ? options->analysis.ports[0] : DNS_PORT;
    catch_signals();
    if (prepare(probing, servers, server_count)) {
        ask(probing);
        measure_ttls(probing);
        linger(probing);
        bool walked = walk_paths(probing);
        sigprocmask(SIG_SETMASK, &as_ever, NULL);
        status = conclude(probing);
        status = walked ? status : TROUBLE;
    } else if (options->nagios) {
        puts("TCP53 UNKNOWN - nothing could be asked: standard error says why");
        status = report_nagios_status(TROUBLE, REPORT_NONE);
    }
    probe_paths_end(&probing->paths);
    probe_free(probing->probe);
    probe_view_close(&probing->view);
    free(probing);
    return status;
}
