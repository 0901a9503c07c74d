/* Evidence: what keep writes of a capture says the same as the capture; and its bounds. */
#include "tests/sample.h"
#include "tests/unit/draft.h"
#include "tests/unit/watching.h"

#include "clock.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

TestSuite(evidence, .init = draft_begin, .fini = draft_end);

/* Each server that failed in the whole capture is judged alike in the evidence. */
static void expect_alike(const struct verdicts *whole, const struct verdicts *evidence, const char *path)
{
    for (size_t i = 0; i < whole->report->server_count; i++) {
        const struct report_server *server = &whole->report->servers[i];
        if (report_outcome_is_failure(server->outcome))
            cr_expect_str_eq(watching_verdict(evidence, server->facts), watching_verdict(whole, server->facts),
                             "%s: %s, not %s", path, watching_verdict(evidence, server->facts),
                             watching_verdict(whole, server->facts));
    }
}

static bool any_failed(const struct verdicts *verdicts)
{
    for (size_t i = 0; i < verdicts->report->server_count; i++)
        if (report_outcome_is_failure(verdicts->report->servers[i].outcome))
            return true;
    return false;
}

/* The files of the ring. */
ParameterizedTestParameters(evidence, written)
{
    return sample_params(true);
}

ParameterizedTest(struct sample *sample, evidence, written)
{
    struct ring_options options = watching_files(0, 0);
    struct ring *ring = ring_new(&options);
    struct keep *keep = keep_new(0, watching_write, ring);
    struct verdicts whole, evidence;
    cr_assert(ring && keep && clock_set_zone("UTC"));
    watching_keep(&whole, sample->path, keep);
    ring_free(ring);
    if (any_failed(&whole)) {
        watching_read(&evidence, draft_folder());
        expect_alike(&whole, &evidence, sample->path);
        watching_end(&evidence);
    }
    watching_end(&whole);
    keep_free(keep);
}

/* Everything at hand, as a ticket has it. */
ParameterizedTestParameters(evidence, at_hand)
{
    return sample_params(true);
}

struct at_hand {
    struct ring *ring;
    const struct verdicts *whole;
};

static bool take(void *context, const struct frame *frame)
{
    return ring_write(((struct at_hand *)context)->ring, frame) > 0;
}

/* Without what a server did before it turned. */
static int64_t since(void *context, struct addr address, uint16_t port)
{
    const struct facts *facts = ((struct at_hand *)context)->whole->report->facts;
    const struct server *server = facts_server_seen(facts, address, port);
    const struct tcp_facts *tcp = server ? facts_tcp_seen(facts, server) : NULL;
    return tcp ? tcp->turned_ns : 0;
}

ParameterizedTest(struct sample *sample, evidence, at_hand)
{
    struct ring_options options = watching_files(0, 0);
    struct ring *ring = ring_new(&options);
    struct keep *keep = keep_new(0, NULL, NULL);
    struct verdicts whole, evidence;
    cr_assert(ring && keep && clock_set_zone("UTC"));
    watching_keep(&whole, sample->path, keep);
    cr_expect_eq(keep_counters(keep).written + keep_counters(keep).lost, 0);
    cr_expect(keep_each(keep, &(struct keep_each){&(struct at_hand){ring, &whole}, take, since}));
    ring_free(ring);
    if (any_failed(&whole)) {
        watching_read(&evidence, draft_folder());
        expect_alike(&whole, &evidence, sample->path);
        cr_expect_eq(source_late(evidence.source), 0, "in order of time");
        watching_end(&evidence);
    }
    watching_end(&whole);
    keep_free(keep);
}

/* All samples as one capture: many servers, link types by the dozen, flows that are judged in another order. */
Test(evidence, all_together)
{
    struct ring_options options = watching_files(0, 1000);
    struct ring *ring = ring_new(&options);
    struct keep *keep = keep_new(0, watching_write, ring);
    struct verdicts whole, evidence;
    cr_assert(ring && keep && clock_set_zone("UTC"));
    watching_keep(&whole, "samples", keep);
    cr_expect_eq(ring_counters(ring).lost, 0);
    ring_free(ring);
    watching_read(&evidence, draft_folder());
    cr_expect(any_failed(&whole));
    expect_alike(&whole, &evidence, "samples");
    watching_end(&evidence);
    watching_end(&whole);
    keep_free(keep);
}
