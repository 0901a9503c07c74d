#include "report/states.h"

#include <stdlib.h>
#include <string.h>

enum { CHANGES_KEPT = sizeof((struct state *)0)->told_ns / sizeof(int64_t) };

#define FLAPPING_NS (600 * FLOW_SECOND_NS) /* so many changes within this are enough for a while */
#define RECOVERY_NS (10 * FLOW_SECOND_NS)  /* a server that failed and now answers in part is told of after that */
/* What is not sure yet the next few attempts may show, and nobody waits for long. */
#define ONSET_NS (7 * FLOW_SECOND_NS / 10)

struct states {
    struct state list[STATES_SERVERS];
    size_t count;
    size_t latest; /* flows of one server come in rows */
    size_t left_out;
    uint64_t attempts[FLOW_OUTCOMES]; /* with all servers */
    int64_t now_ns;                   /* of the latest update */
    enum { PATIENT, WINDOW_ENDS, LAST } haste;
};

struct states *states_new(void)
{
    return calloc(1, sizeof(struct states));
}

void states_free(struct states *states)
{
    free(states);
}

static bool is_server(const struct state *state, struct addr address, uint16_t port)
{
    return state->port == port && addr_same(state->address, address);
}

static bool is_missed_less(const struct state *a, const struct state *b)
{
    bool fails_a = report_outcome_is_failure(a->now.outcome), fails_b = report_outcome_is_failure(b->now.outcome);
    return fails_a != fails_b ? !fails_a : a->seen_ns < b->seen_ns;
}

/*
 * A new place; when there is none, that of the server that was not asked for longest: of one without a complaint, if there
 * is such a one, or of one that was not asked since the latest update.
 */
static struct state *new_state(struct states *states)
{
    if (states->count < STATES_SERVERS)
        return &states->list[states->count++];
    struct state *least = &states->list[0];
    for (size_t i = 1; i < states->count; i++)
        if (is_missed_less(&states->list[i], least))
            least = &states->list[i];
    return report_outcome_is_failure(least->now.outcome) && least->seen_ns >= states->now_ns ? NULL : least;
}

/* The server's place, NULL when it has none. */
static struct state *find_state(struct states *states, struct addr address, uint16_t port)
{
    if (states->latest < states->count && is_server(&states->list[states->latest], address, port))
        return &states->list[states->latest];
    for (size_t i = 0; i < states->count; i++) {
        if (is_server(&states->list[i], address, port)) {
            states->latest = i;
            return &states->list[i];
        }
    }
    return NULL;
}

static struct state *state_of(struct states *states, struct addr address, uint16_t port)
{
    struct state *state = find_state(states, address, port);
    if (state)
        return state;
    state = new_state(states);
    if (state)
        *state = (struct state){.address = address, .port = port, .seen_ns = states->now_ns};
    return state;
}

void states_count(struct states *states, struct addr server, uint16_t port, enum flow_outcome outcome)
{
    struct state *state = state_of(states, server, port);
    states->attempts[outcome]++;
    if (state)
        state->attempts[outcome]++;
}

const uint64_t *states_attempts(const struct states *states)
{
    return states->attempts;
}

void states_hasten(struct states *states, bool last)
{
    states->haste = last ? LAST : WINDOW_ENDS;
}

static bool is_flapping(const struct state *state, int64_t now_ns)
{
    return state->told_ns[0] != 0 && now_ns - state->told_ns[0] < FLAPPING_NS;
}

/* Some queries fail and some do not, where all did the same before: most often a new state begins, as the next few show. */
static bool is_partly(const struct state *state, const struct change_state *now)
{
    return now->outcome == REPORT_MIXED && state->now.outcome != REPORT_MIXED && state->now.outcome != REPORT_NONE;
}

/* How long a change has to last before it is told. */
static int64_t patience_ns(const struct state *state, const struct change_state *now)
{
    if (is_partly(state, now) && report_outcome_is_failure(state->now.outcome))
        return RECOVERY_NS;
    bool unsure = report_outcome_is_failure(now->outcome) && now->confidence <= CONFIDENCE_INDICATED;
    return is_partly(state, now) || unsure ? ONSET_NS : 0;
}

/* Nothing that is waited with is lost with its window. */
static bool has_lasted(const struct states *states, struct state *state, const struct change_state *now)
{
    int64_t patience = patience_ns(state, now);
    if (state->waited_since_ns == 0)
        state->waited_since_ns = states->now_ns;
    return states->now_ns - state->waited_since_ns >= patience || states->haste == LAST ||
           (states->haste == WINDOW_ENDS && patience <= ONSET_NS);
}

/*
 * While it fails as before, less is known again in a new window; that is no change. As much that says less is: whoever was
 * named may not be to blame.
 */
static bool is_a_change(const struct state *state, const struct change_state *now, uint32_t attempts)
{
    if (now->outcome != state->now.outcome)
        return true;
    if (now->culprit != state->now.culprit)
        return now->confidence != CONFIDENCE_NONE || attempts >= state->told_attempts;
    return now->confidence > state->now.confidence;
}

/* What goes without saying: it answers, and never did otherwise. */
static bool is_silent(const struct change_state *before, const struct change_state *now)
{
    return before->outcome == REPORT_NONE && !report_outcome_is_failure(now->outcome);
}

static void remember(struct state *state, int64_t now_ns)
{
    memmove(state->told_ns, state->told_ns + 1, sizeof state->told_ns - sizeof *state->told_ns);
    state->told_ns[CHANGES_KEPT - 1] = state->changed_ns = now_ns;
}

static bool has_changed(const struct states *states, struct state *state, const struct change_state *now,
                        uint32_t attempts)
{
    if (now->outcome == REPORT_NONE || now->outcome == REPORT_ABORTED || !is_a_change(state, now, attempts)) {
        state->waited_since_ns = 0;
        return false;
    }
    if (!has_lasted(states, state, now))
        return false;
    state->waited_since_ns = 0;
    if (is_silent(&state->now, now)) {
        state->now = *now;
        return false;
    }
    return !is_flapping(state, states->now_ns) || states->haste == LAST;
}

/* A server that nobody asks any more is one that nothing is known of. */
static void forget(struct state *state, int64_t now_ns)
{
    if (now_ns - state->seen_ns > STATES_FORGET_NS) {
        state->now = (struct change_state){REPORT_NONE, CULPRIT_NONE, CONFIDENCE_NONE, MECHANISM_NONE};
        state->changed_ns = 0;
    }
}

static void update(struct states *states, const struct report_server *server,
                   void (*take)(void *context, const struct change *change), void *context)
{
    struct change_state now = {server->outcome, server->judgement.culprit, server->judgement.confidence,
                               server->judgement.mechanism};
    struct state *state = now.outcome == REPORT_NONE ? find_state(states, server->facts->address, server->facts->port)
                                                     : state_of(states, server->facts->address, server->facts->port);
    uint32_t attempts = server->tcp ? server->tcp->attempts : 0;
    if (state && now.outcome != REPORT_NONE)
        state->seen_ns = states->now_ns;
    if (!state || !has_changed(states, state, &now, attempts))
        return;
    struct change change = {
        .time_ns = states->now_ns,
        .address = state->address,
        .port = state->port,
        .before = state->now,
        .now = now,
        .headline = server->headline,
        .attempts = attempts,
        .answered = server->answered,
        .rejected = server->rejected,
        .unanswered = server->unanswered,
        .since_ns = server->tcp && report_outcome_is_failure(now.outcome) ? server->tcp->first_failure_ns : 0};
    state->now = now;
    state->told_attempts = attempts;
    remember(state, states->now_ns);
    take(context, &change);
}

static size_t count_left_out(struct states *states, const struct report *report)
{
    size_t count = 0;
    for (size_t i = 0; i < report->server_count && states->count == STATES_SERVERS; i++) {
        const struct report_server *server = &report->servers[i];
        count += server->outcome != REPORT_NONE && !find_state(states, server->facts->address, server->facts->port);
    }
    return count;
}

void states_update(struct states *states, const struct report *report, int64_t now_ns,
                   void (*take)(void *context, const struct change *change), void *context)
{
    states->now_ns = now_ns;
    for (size_t i = 0; i < states->count; i++)
        forget(&states->list[i], now_ns);
    for (size_t i = 0; i < report->server_count; i++)
        update(states, &report->servers[i], take, context);
    states->haste = PATIENT;
    states->left_out = count_left_out(states, report);
}

void states_shift(struct states *states, int64_t step_ns)
{
    frame_time_shift(&states->now_ns, step_ns);
    for (size_t i = 0; i < states->count; i++) {
        struct state *state = &states->list[i];
        frame_time_shift(&state->changed_ns, step_ns);
        frame_time_shift(&state->seen_ns, step_ns);
        frame_time_shift(&state->waited_since_ns, step_ns);
        for (int k = 0; k < CHANGES_KEPT; k++)
            frame_time_shift(&state->told_ns[k], step_ns);
    }
}

const struct state *states_list(const struct states *states, size_t *count)
{
    *count = states->count;
    return states->list;
}

uint64_t states_left_out(const struct states *states)
{
    return states->left_out;
}

enum report_outcome states_worst(const struct states *states)
{
    enum report_outcome worst = REPORT_NONE;
    for (size_t i = 0; i < states->count; i++)
        if (states->list[i].now.outcome > worst)
            worst = states->list[i].now.outcome;
    return worst;
}

int states_exit_status(const struct states *states)
{
    static const int statuses[REPORT_OUTCOMES] = {
        [REPORT_NONE] = 3,  [REPORT_ABORTED] = 3,    [REPORT_ANSWERED] = 0,
        [REPORT_MIXED] = 1, [REPORT_UNANSWERED] = 1, [REPORT_REJECTED] = 1,
    };
    return statuses[states_worst(states)];
}
