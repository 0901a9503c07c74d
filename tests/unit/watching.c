#include "tests/unit/watching.h"

#include "clock.h"
#include "tests/unit/draft.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>

/* files */

static int create(void *context, const char *name)
{
    (void)context;
    return open(draft_path(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static bool remove_file(void *context, const char *name)
{
    (void)context;
    return unlink(draft_path(name)) == 0;
}

struct ring_options watching_files(uint64_t bytes, unsigned files)
{
    return (struct ring_options){
        .name = "tcp53", .bytes = bytes, .files = files, .create = create, .remove = remove_file};
}

unsigned watching_write(void *ring, const struct frame *frame)
{
    return ring_write(ring, frame);
}

/* the observer */

struct watcher {
    struct keep *keep;
    struct frame frame; /* that is being fed */
};

static void take_packet(void *context, const struct flow_key *key, const struct packet *packet, bool from_server)
{
    struct watcher *watcher = context;
    struct keep_about about = keep_about_of(key, packet, from_server);
    if (packet->ref.number == watcher->frame.ref.number && packet->ref.input == watcher->frame.ref.input)
        keep_frame(watcher->keep, &watcher->frame, &about);
}

static void take_end(void *context, const struct flow *flow, const struct flow_end *end)
{
    struct watcher *watcher = context;
    keep_flow_over(watcher->keep, &flow->record, end);
}

/* reading */

static void read_all(struct verdicts *verdicts, const char *path, bool by_runs, struct keep *keep)
{
    struct watcher watcher = {.keep = keep};
    const struct analysis_observer observer = {&watcher, take_packet, take_end, NULL};
    const struct analysis_options options = {.observer = keep ? &observer : NULL, .live = keep != NULL};
    const struct source_options selection = {.by_runs = by_runs};
    struct failure failure = {""};
    *verdicts = (struct verdicts){.from = {.command = "read"}};
    verdicts->analysis = analysis_new(&options);
    verdicts->source = source_open(&path, 1, &selection, &failure);
    cr_assert(verdicts->analysis && verdicts->source, "%s: %s", path, failure.text);
    while (source_next(verdicts->source, &watcher.frame)) {
        if (keep)
            keep_clock(keep, &watcher.frame);
        analysis_feed(verdicts->analysis, &watcher.frame);
    }
    analysis_finish(verdicts->analysis);
}

static void conclude(struct verdicts *verdicts)
{
    cr_assert(inputs_describe(verdicts->source, &verdicts->from));
    verdicts->report =
        report_build(analysis_facts(verdicts->analysis), analysis_counters(verdicts->analysis), &verdicts->from);
    cr_assert_not_null(verdicts->report);
}

static void end_pass(struct verdicts *verdicts)
{
    source_close(verdicts->source);
    analysis_free(verdicts->analysis);
}

void watching_read(struct verdicts *verdicts, const char *path)
{
    read_all(verdicts, path, false, NULL);
    if (source_may_order(verdicts->source)) {
        end_pass(verdicts);
        read_all(verdicts, path, true, NULL);
    }
    conclude(verdicts);
}

void watching_keep(struct verdicts *verdicts, const char *path, struct keep *keep)
{
    read_all(verdicts, path, false, keep);
    conclude(verdicts);
}

void watching_end(struct verdicts *verdicts)
{
    report_free(verdicts->report);
    inputs_release(&verdicts->from);
    end_pass(verdicts);
}

const char *watching_verdict(const struct verdicts *verdicts, const struct server *server)
{
    enum { TEXTS = 4, LONGEST = 120 };
    static char texts[TEXTS][LONGEST];
    static unsigned next;
    for (size_t i = 0; i < verdicts->report->server_count; i++) {
        const struct report_server *known = &verdicts->report->servers[i];
        if (known->facts->port != server->port || !addr_same(known->facts->address, server->address))
            continue;
        char *text = texts[next++ % TEXTS];
        snprintf(text, LONGEST, "%s %s %s %s", report_outcome_name(known->outcome),
                 culprit_name(known->judgement.culprit), mechanism_name(known->judgement.mechanism),
                 confidence_name(known->judgement.confidence));
        return text;
    }
    return "not there";
}
