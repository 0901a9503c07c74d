#include "capture/gauge.h"

enum { LEAST = 1, BEYOND = 256, CONFIRMATIONS = 2 };

void gauge_init(struct gauge *gauge, const struct gauge_options *options)
{
    *gauge = (struct gauge){.options = *options, .heard = LEAST, .unheard = BEYOND};
}

void gauge_release(struct gauge *gauge)
{
    try_free(gauge->try);
    gauge->try = NULL;
}

/* The guess first, from both sides; then halves. */
static unsigned next_ttl(const struct gauge *gauge)
{
    unsigned guess = gauge->options.guess;
    if (guess && guess + 1 > gauge->heard && guess + 1 < gauge->unheard)
        return guess + 1;
    if (guess && guess > gauge->heard && guess < gauge->unheard)
        return guess;
    return (gauge->heard + gauge->unheard) / 2;
}

/* When both limits are one apart each is tried again: a packet may have been lost, or come from another sender. */
static unsigned ttl_to_try(const struct gauge *gauge)
{
    if (gauge->unheard - gauge->heard > 1)
        return next_ttl(gauge);
    return gauge->confirmed == 0 ? gauge->heard : gauge->unheard;
}

static bool begin(struct gauge *gauge, int64_t now_ns)
{
    bool later = gauge->options.of == GAUGE_LATER;
    gauge->asked = ttl_to_try(gauge);
    if (gauge->tries == GAUGE_TRIES || gauge->asked > UINT8_MAX)
        return false;
    const struct try_plan plan = {.test = later ? ATTEMPT_TCP : ATTEMPT_OTHER_PORT, /* that one asks nothing */
                                  .server = gauge->options.server,
                                  .port = gauge->options.port,
                                  .query = gauge->options.query,
                                  .timeout_ns = gauge->options.wait_ns,
                                  .least_ttl = later ? 0 : (uint8_t)gauge->asked,
                                  .least_later_ttl = later ? (uint8_t)gauge->asked : 0};
    gauge->tries++;
    gauge->try = try_new(&plan, gauge->options.observer, now_ns);
    return gauge->try != NULL;
}

/* False when what came was neither heard nor silence: it measures nothing. */
static bool read_result(const struct gauge *gauge, bool *heard)
{
    const struct attempt *attempt = try_attempt(gauge->try);
    enum attempt_status status = attempt->status;
    bool later = gauge->options.of == GAUGE_LATER;
    *heard = later ? status == ATTEMPT_RESET || status == ATTEMPT_CLOSED || status == ATTEMPT_ANSWERED ||
                         status == ATTEMPT_RCODE
                   : status == ATTEMPT_REFUSED || status == ATTEMPT_ANSWERED;
    return *heard || status == (later ? ATTEMPT_STUCK : ATTEMPT_SILENT);
}

/* Takes what a try showed; false when the measuring is over. */
static bool take_result(struct gauge *gauge)
{
    bool heard = false;
    bool confirming = gauge->unheard - gauge->heard == 1;
    if (!read_result(gauge, &heard) || (confirming && heard != (gauge->asked == gauge->heard)))
        return false;
    if (heard)
        gauge->heard = gauge->asked;
    else
        gauge->unheard = gauge->asked;
    if (confirming && ++gauge->confirmed == CONFIRMATIONS) {
        gauge->ttl = (uint8_t)gauge->heard;
        return false;
    }
    return true;
}

bool gauge_step(struct gauge *gauge, const struct pollfd *list, size_t count, int64_t now_ns)
{
    if (!gauge->try)
        return begin(gauge, now_ns);
    if (try_step(gauge->try, list, count, now_ns))
        return true;
    bool goes_on = take_result(gauge);
    gauge_release(gauge);
    return goes_on && begin(gauge, now_ns);
}

struct pollfd gauge_waits_for(const struct gauge *gauge)
{
    return try_waits_for(gauge->try);
}

int64_t gauge_due_ns(const struct gauge *gauge)
{
    return gauge->try ? try_due_ns(gauge->try) : 0;
}
