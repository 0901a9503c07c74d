/*
 * How it works: everything that needs a right is opened first, then all rights are given up, then the first packet is
 * parsed. One loop waits for frames and signals. Four times a second what is known so far, flows under way included, is judged
 * anew and compared with what was told of each server; when a window ends its report is written, and counting begins
 * anew.
 */
#include "watch.h"

#include "capture/live.h"
#include "capture/privs.h"
#include "capture/select.h"
#include "clock.h"
#include "inputs.h"
#include "report/states.h"
#include "watch_clock.h"
#include "watch_outlets.h"
#include "watch_signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)
#define TICK_NS (SECOND_NS / 4)
#define REST_MOST_NS SECOND_NS         /* between two judgements, however long they take */
#define DELIVERY_NS (SECOND_NS / 5)    /* a frame is here that long after its time, or it was lost */
#define UNDER_WAY_NS (180 * SECOND_NS) /* without a packet for so long, no flow has anything more to say */
#define INTERVAL_S 300

enum {
    JUDGING_SHARE =
        20, /* of the time, at most one part in so many goes into judging, folders of evidence not counted */
    FRAMES_AT_ONCE = 8192, /* before signals and the clock are looked at again */
};

struct watch {
    const struct options *options;
    struct privs privs;
    struct live *live;
    struct select *select; /* NULL: all frames */
    struct analysis *analysis;
    struct states *states;
    struct outlets *outlets;
    struct analysis_observer observer;
    struct watch_clock clock;
    int signals;
    struct input before[OPTIONS_INTERFACES]; /* at the window's beginning */
    struct input judged[OPTIONS_INTERFACES]; /* at the latest judging */
    uint64_t selected[OPTIONS_INTERFACES];   /* frames of the window that were judged */
    int64_t latest_ns;                       /* time of the latest frame, as it came */
    int64_t window_day_ns;                   /* when it began */
    /* By the steady clock. */
    int64_t tick_ns, window_ns, end_ns; /* when they are due; end_ns INT64_MAX: never */
    int64_t active_ns;                  /* the first tick since the latest packet of a TCP flow */
    bool active;                        /* there was one since the latest tick */
    bool stop;
    bool trouble;
};

static void see_packet(void *context, const struct flow_key *key, const struct packet *packet, bool from_server)
{
    struct watch *watch = context;
    if (packet->protocol == PROTOCOL_TCP || packet->quote.protocol == PROTOCOL_TCP)
        watch->active = true;
    outlets_packet(watch->outlets, key, packet, from_server);
}

static void see_flow_over(void *context, const struct flow *flow, const struct flow_end *end)
{
    struct watch *watch = context;
    states_count(watch->states, flow->record.server, flow->record.server_port, end->outcome);
    outlets_flow_over(watch->outlets, flow, end);
}

static void see_flow_failing(void *context, const struct flow *flow, const struct flow_end *end)
{
    struct watch *watch = context;
    outlets_flow_failing(watch->outlets, flow, end);
}

/* The interfaces as inputs of the window. */
static size_t window_inputs(struct watch *watch, struct input *inputs)
{
    size_t count;
    const struct input *all = live_inputs(watch->live, &count);
    memcpy(watch->judged, all, count * sizeof *all);
    for (size_t i = 0; i < count; i++) {
        const struct input *before = &watch->before[i];
        inputs[i] = all[i];
        inputs[i].frames -= before->frames;
        inputs[i].records -= before->records;
        inputs[i].bytes -= before->bytes;
        inputs[i].cut -= before->cut;
        inputs[i].backward -= before->backward;
        inputs[i].skipped -= before->skipped;
        inputs[i].kernel_dropped -= before->kernel_dropped;
        inputs[i].selected = watch->selected[i];
        if (before->frames > 0)
            inputs[i].first_ns = inputs[i].frames > 0 ? watch->window_day_ns : 0;
        if (inputs[i].frames == 0)
            inputs[i].last_ns = 0;
    }
    return count;
}

static struct report *make_report(struct watch *watch, const struct facts *facts, struct report_source *from)
{
    struct input inputs[OPTIONS_INTERFACES];
    *from = (struct report_source){.command = "watch",
                                   .generated_ns = clock_day_ns(),
                                   .servers = watch->options->servers,
                                   .server_count = watch->options->server_count,
                                   .selection = *watch->options->selection ? watch->options->selection : NULL};
    size_t count = window_inputs(watch, inputs);
    struct report *report = NULL;
    if (facts && inputs_list(inputs, count, from))
        report = report_build(facts, analysis_counters(watch->analysis), from);
    if (!report)
        complain("out of memory: nothing is judged this time");
    return report;
}

static void tell(void *context, const struct change *change)
{
    struct watch *watch = context;
    outlets_change(watch->outlets, change);
}

static void tell_and_write(struct watch *watch, const struct report *report, enum outlets_occasion occasion)
{
    outlets_report(watch->outlets, report);
    if (occasion == OUTLETS_WINDOW || occasion == OUTLETS_END)
        states_hasten(watch->states, occasion == OUTLETS_END);
    states_update(watch->states, report, clock_day_ns(), tell, watch);
    if (occasion != OUTLETS_TICK)
        watch->trouble = !outlets_write(watch->outlets, report, occasion);
    outlets_changes_told(watch->outlets, occasion == OUTLETS_END);
    outlets_report(watch->outlets, NULL);
}

/*
 * Judges what is known so far, tells what has changed, and, when asked for it, writes the report. Returns how long the
 * judging took, not the telling.
 */
static int64_t judge(struct watch *watch, enum outlets_occasion occasion)
{
    int64_t began_ns = clock_steady_ns();
    struct report_source from;
    const struct facts *facts =
        occasion == OUTLETS_END ? analysis_facts(watch->analysis) : analysis_so_far(watch->analysis);
    struct report *report = make_report(watch, facts, &from);
    int64_t judging_ns = clock_steady_ns() - began_ns;
    if (report)
        tell_and_write(watch, report, occasion);
    report_free(report);
    inputs_release(&from);
    return judging_ns;
}

static void begin_window(struct watch *watch)
{
    memcpy(watch->before, watch->judged, sizeof watch->before);
    memset(watch->selected, 0, sizeof watch->selected);
    watch->window_day_ns = clock_day_ns();
    uint32_t interval_s = watch->options->watch.interval_s ? watch->options->watch.interval_s : INTERVAL_S;
    watch->window_ns = clock_steady_ns() + interval_s * SECOND_NS;
}

/* When the clock was set, all times move with it, before a frame with a new one is looked at. */
static void follow_clock(struct watch *watch)
{
    int64_t step_ns = watch_clock_step(&watch->clock);
    if (step_ns == 0)
        return;
    analysis_shift(watch->analysis, step_ns);
    states_shift(watch->states, step_ns);
    outlets_shift(watch->outlets, step_ns);
    outlets_news(watch->outlets, "the clock was set by %+.1f s", (double)step_ns / 1e9);
}

static void pass_time(struct watch *watch)
{
    follow_clock(watch);
    analysis_pass_time(watch->analysis, clock_day_ns() - DELIVERY_NS);
}

static void tick(struct watch *watch)
{
    int64_t began_ns = clock_steady_ns();
    bool window_over = began_ns >= watch->window_ns;
    if (watch->active)
        watch->active_ns = began_ns;
    watch->active = false;
    pass_time(watch);
    int64_t rest_ns = 0;
    if (window_over || began_ns - watch->active_ns < UNDER_WAY_NS)
        rest_ns = judge(watch, window_over ? OUTLETS_WINDOW : OUTLETS_TICK) * JUDGING_SHARE;
    if (window_over) {
        analysis_renew(watch->analysis);
        begin_window(watch);
    }
    size_t count;
    const struct input *inputs = live_inputs(watch->live, &count);
    outlets_tick(watch->outlets, watch->analysis, inputs, count);
    rest_ns = rest_ns > REST_MOST_NS ? REST_MOST_NS : rest_ns;
    watch->tick_ns = clock_steady_ns() + (rest_ns > TICK_NS ? rest_ns : TICK_NS);
}

static void take_frame(struct watch *watch, struct frame *frame)
{
    if (llabs(frame->time_ns - watch->latest_ns) > SECOND_NS / 4)
        follow_clock(watch);
    watch->latest_ns = frame->time_ns;
    frame->time_ns = watch_clock_fit(&watch->clock, frame->time_ns);
    if (watch->select && !select_takes(watch->select, frame))
        return;
    watch->selected[frame->ref.input]++;
    outlets_frame(watch->outlets, frame);
    analysis_feed(watch->analysis, frame);
    outlets_frame(watch->outlets, NULL);
    watch->stop |= watch->select && select_is_done(watch->select);
}

static void take_frames(struct watch *watch)
{
    struct frame frame;
    for (int i = 0; i < FRAMES_AT_ONCE && !watch->stop && live_next(watch->live, &frame); i++)
        take_frame(watch, &frame);
    char news[256];
    while (live_news(watch->live, news, sizeof news))
        outlets_news(watch->outlets, "%s", news);
}

static void take_signal(struct watch *watch)
{
    switch (watch_signals_next(watch->signals)) {
    case SIGUSR1:
        pass_time(watch);
        judge(watch, OUTLETS_ASKED);
        break;
    case SIGHUP:
        outlets_reopen(watch->outlets);
        break;
    default:
        break;
    }
}

static int wait_time(const struct watch *watch)
{
    int64_t now_ns = clock_steady_ns();
    int64_t due_ns = watch->tick_ns < watch->end_ns ? watch->tick_ns : watch->end_ns;
    int until_due = due_ns > now_ns ? (int)((due_ns - now_ns) / 1000000) + 1 : 0;
    int for_live = live_timeout(watch->live);
    return for_live >= 0 && for_live < until_due ? for_live : until_due;
}

static void wait(struct watch *watch)
{
    struct pollfd list[OPTIONS_INTERFACES + 2] = {{.fd = watch->signals, .events = POLLIN},
                                                  {.fd = outlets_lines(watch->outlets)}};
    size_t count = live_descriptors(watch->live, list + 2, OPTIONS_INTERFACES);
    if (poll(list, count + 2, wait_time(watch)) <= 0)
        return;
    if (list[0].revents & POLLIN)
        take_signal(watch);
    watch->stop |= (list[1].revents & (POLLERR | POLLHUP)) != 0;
}

static void watch_until_stopped(struct watch *watch)
{
    while (!watch->stop && !watch_signals_end() && !outlets_is_over(watch->outlets)) {
        wait(watch);
        take_frames(watch);
        int64_t now_ns = clock_steady_ns();
        if (now_ns >= watch->tick_ns)
            tick(watch);
        watch->stop |= now_ns >= watch->end_ns;
    }
}

/* What the kernel holds still was captured before the end. */
static void take_rest(struct watch *watch)
{
    int64_t until_ns = clock_steady_ns() + DELIVERY_NS;
    while (clock_steady_ns() < until_ns && !(watch->select && select_is_done(watch->select))) {
        struct pollfd list[OPTIONS_INTERFACES];
        size_t count = live_descriptors(watch->live, list, OPTIONS_INTERFACES);
        bool stop = watch->stop;
        watch->stop = false;
        take_frames(watch);
        watch->stop |= stop;
        poll(list, count, 20);
    }
}

static int finish(struct watch *watch)
{
    take_rest(watch);
    pass_time(watch);
    analysis_finish(watch->analysis);
    judge(watch, OUTLETS_END);
    outlets_sum_up(watch->outlets);
    int status = watch->trouble ? 2 : states_exit_status(watch->states);
    return watch->options->nagios ? report_nagios_status(status, states_worst(watch->states)) : status;
}

static bool prepare(struct watch *watch)
{
    struct failure failure = {"out of memory"};
    struct analysis_options analysis = watch->options->analysis;
    const struct source_options *selection = &watch->options->source;
    watch->observer = (struct analysis_observer){watch, see_packet, see_flow_over, see_flow_failing};
    analysis.observer = &watch->observer;
    analysis.live = true;
    watch->analysis = analysis_new(&analysis);
    watch->states = states_new();
    if (!watch->analysis || !watch->states)
        return complain("%s", failure.text);
    if (selection->filter || selection->count) {
        struct source_options wanted = {
            .from_ns = INT64_MIN, .to_ns = INT64_MAX, .filter = selection->filter, .count = selection->count};
        watch->select = select_new(&wanted, &failure);
        if (!watch->select)
            return complain("%s", failure.text);
    }
    return true;
}

/* For each kind of link, while files of names can be read. */
static bool compile_filter(struct watch *watch, struct failure *failure)
{
    size_t count;
    const struct input *inputs = live_inputs(watch->live, &count);
    for (size_t i = 0; watch->select && i < count; i++)
        for (unsigned k = 0; k < inputs[i].link_type_count; k++)
            if (!select_prepare(watch->select, inputs[i].link_types[k], failure))
                return false;
    return true;
}

/* Opens what needs rights, and gives these up. */
static bool open_and_drop(struct watch *watch)
{
    const struct options *options = watch->options;
    struct live_options live = {.interfaces = options->watch.interfaces,
                                .interface_count = options->watch.interface_count,
                                .ports = options->analysis.ports,
                                .port_count = options->analysis.port_count,
                                .buffer_kib = options->watch.buffer_kib,
                                .snaplen = options->watch.snaplen,
                                .promiscuous = !options->watch.not_promiscuous};
    int sockets[LIVE_MOST + 1];
    struct failure failure = {""};
    bool fine = privs_find(&watch->privs, options->watch.user, &failure);
    watch->outlets = fine ? outlets_open(options, &watch->privs, watch->states, &failure) : NULL;
    watch->live = watch->outlets ? live_open(&live, &failure) : NULL;
    fine = watch->live && compile_filter(watch, &failure) && privs_drop(&watch->privs, &failure) &&
           outlets_ready(watch->outlets, &failure) &&
           privs_mute(sockets, live_sockets(watch->live, sockets, LIVE_MOST + 1), &failure) &&
           privs_filter(&watch->privs, &failure) && privs_verify(&watch->privs, &failure);
    return fine || complain("%s", failure.text);
}

static void say_what_is_watched(const struct watch *watch)
{
    char rights[256], names[512] = "";
    size_t count;
    const struct input *inputs = live_inputs(watch->live, &count);
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(names);
        snprintf(names + length, sizeof names - length, "%s%s", i ? ", " : "", inputs[i].path);
    }
    privs_describe(&watch->privs, rights, sizeof rights);
    complain("watching %s; %s", names, rights);
}

static void watch_end(struct watch *watch)
{
    outlets_close(watch->outlets);
    live_close(watch->live);
    analysis_free(watch->analysis);
    states_free(watch->states);
    select_free(watch->select);
    if (watch->signals >= 0)
        close(watch->signals);
}

int watch_run(const struct options *options)
{
    struct watch watch = {.options = options, .signals = -1};
    close_range(STDERR_FILENO + 1, ~0U, 0); /* what was inherited by mistake would stay open, and writable */
    int status = 2;
    if (!prepare(&watch))
        goto out;
    watch.signals = watch_signals_catch();
    if (watch.signals < 0) {
        complain("signals cannot be waited for: %s", strerror(errno));
        goto out;
    }
    if (!open_and_drop(&watch))
        goto out;
    say_what_is_watched(&watch);
    watch_clock_start(&watch.clock);
    begin_window(&watch);
    watch.tick_ns = clock_steady_ns() + TICK_NS;
    watch.active_ns = clock_steady_ns() - UNDER_WAY_NS;
    watch.end_ns = options->watch.duration_s ? clock_steady_ns() + options->watch.duration_s * SECOND_NS : INT64_MAX;
    outlets_begin(watch.outlets);
    watch_until_stopped(&watch);
    status = finish(&watch);
out:
    watch_end(&watch);
    return status;
}
