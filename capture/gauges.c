#include "capture/gauges.h"

#include "capture/gauge.h"

#include <stdlib.h>

enum { GAUGES = 2 * PROBE_SERVERS };

/* How long to wait for what may not come: some round trips, within these. */
#define WAIT_LEAST_NS INT64_C(200000000)
#define WAIT_MOST_NS INT64_C(1500000000)
enum { ROUND_TRIPS = 3 };

struct gauges {
    struct probe *probe;
    struct gauge list[GAUGES];
    bool over[GAUGES];
    size_t count;
};

/* What the attempts at one server showed. */
struct shown {
    bool refused, ended; /* in the opening; after it */
    bool opened;
    uint8_t udp_ttl;
    int64_t round_trip_ns; /* the longest */
};

static struct shown look_at(const struct probe *probe, struct addr server)
{
    struct shown shown = {.udp_ttl = 0};
    size_t count;
    const struct attempt *attempts = probe_attempts(probe, &count);
    for (size_t i = 0; i < count; i++) {
        const struct attempt *attempt = &attempts[i];
        if (!addr_same(attempt->server, server) || attempt->test == ATTEMPT_OTHER_PORT)
            continue;
        int64_t took_ns = attempt_duration_ns(attempt);
        shown.round_trip_ns = took_ns > shown.round_trip_ns ? took_ns : shown.round_trip_ns;
        if (attempt_test_is_udp(attempt->test)) {
            shown.udp_ttl = attempt->ttl ? attempt->ttl : shown.udp_ttl;
            continue;
        }
        shown.refused |= attempt->status == ATTEMPT_REFUSED;
        shown.ended |= attempt_was_ended(attempt);
        shown.opened |= attempt->asked > 0 && attempt->status != ATTEMPT_ANSWERED;
    }
    return shown;
}

static void add_gauge(struct gauges *all, enum gauge_of of, struct addr server, const struct shown *shown)
{
    int64_t wait_ns = shown->round_trip_ns * ROUND_TRIPS + WAIT_LEAST_NS;
    const struct gauge_options options = {.of = of,
                                          .server = server,
                                          .port = probe_options_of(all->probe)->port,
                                          .query = probe_query(all->probe),
                                          .observer = probe_observer(all->probe),
                                          .guess = shown->udp_ttl,
                                          .wait_ns = wait_ns < WAIT_MOST_NS ? wait_ns : WAIT_MOST_NS};
    gauge_init(&all->list[all->count++], &options);
}

struct gauges *gauges_new(struct probe *probe)
{
    struct gauges *all = calloc(1, sizeof *all);
    if (!all)
        return NULL;
    all->probe = probe;
    const struct probe_options *options = probe_options_of(probe);
    for (size_t i = 0; i < options->server_count; i++) {
        struct shown shown = look_at(probe, options->servers[i]);
        if (shown.refused || shown.opened)
            add_gauge(all, GAUGE_FIRST, options->servers[i], &shown);
        if (shown.ended)
            add_gauge(all, GAUGE_LATER, options->servers[i], &shown);
    }
    return all;
}

void gauges_free(struct gauges *all)
{
    if (!all)
        return;
    for (size_t i = 0; i < all->count; i++)
        gauge_release(&all->list[i]);
    free(all);
}

static void end_gauge(struct gauges *all, size_t index)
{
    const struct gauge *gauge = &all->list[index];
    all->over[index] = true;
    if (gauge->ttl)
        probe_measured(all->probe, gauge->options.server, gauge->options.of == GAUGE_LATER, gauge->ttl);
}

bool gauges_step(struct gauges *all, const struct pollfd *list, size_t count, int64_t now_ns)
{
    bool goes_on = false;
    for (size_t i = 0; i < all->count; i++) {
        if (!all->over[i] && !gauge_step(&all->list[i], list, count, now_ns))
            end_gauge(all, i);
        goes_on |= !all->over[i];
    }
    return goes_on;
}

size_t gauges_descriptors(const struct gauges *all, struct pollfd *list, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < all->count && count < room; i++)
        if (!all->over[i] && all->list[i].try)
            list[count++] = gauge_waits_for(&all->list[i]);
    return count;
}

int64_t gauges_due_ns(const struct gauges *all)
{
    int64_t due_ns = INT64_MAX;
    for (size_t i = 0; i < all->count; i++)
        if (!all->over[i] && gauge_due_ns(&all->list[i]) < due_ns)
            due_ns = gauge_due_ns(&all->list[i]);
    return due_ns;
}
