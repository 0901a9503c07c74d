/*
 * How it works: each server has a course through the table of tests, stage by stage: the tests of a stage take turns, try
 * by try, and a stage begins when the one before is over, since what it tries depends on that. A server that answers
 * sees one connection at a time; one that is silent is not waited for.
 */
#include "capture/probe.h"

#include <stdlib.h>
#include <string.h>

struct course {
    struct addr server;
    struct try *active[PROBE_ACTIVE];
    unsigned active_count;
    unsigned row, round; /* the place in the table, and the try */
    unsigned stage;
    int64_t next_ns;       /* the next attempt not before */
    int64_t latest_tcp_ns; /* when the latest connection began */
    enum socket_parity parity;
    bool truncated;        /* UDP said TC=1 */
    bool opened, answered; /* by TCP: a handshake was made; a query was answered */
    bool over;
    struct probe_answer answer;
};

struct probe {
    struct probe_options options;
    struct try_observer observer;
    struct query plain, edns, other;
    void (*port)(void *context, bool tcp, uint16_t port);
    void *context;
    struct course courses[PROBE_SERVERS];
    struct attempt *attempts;
    size_t attempt_count, attempt_room;
};

/* ---------------------------------------------------------------- the tests */

static bool always(const struct probe *probe, const struct course *course)
{
    (void)probe;
    (void)course;
    return true;
}

static bool marks(const struct probe *probe, const struct course *course)
{
    (void)course;
    return probe->options.marked;
}

static bool has_other_port(const struct probe *probe, const struct course *course)
{
    (void)course;
    return probe->options.other_port != 0;
}

static bool has_other_name(const struct probe *probe, const struct course *course)
{
    (void)course;
    return probe->options.other_name != NULL;
}

static bool was_truncated(const struct probe *probe, const struct course *course)
{
    (void)probe;
    return course->truncated;
}

static bool was_opened(const struct probe *probe, const struct course *course)
{
    (void)probe;
    return course->opened;
}

static bool was_answered(const struct probe *probe, const struct course *course)
{
    (void)probe;
    return course->answered;
}

static const struct {
    enum attempt_test test;
    unsigned stage;
    bool (*wanted)(const struct probe *probe, const struct course *course);
} tests[] = {
    {ATTEMPT_UDP, 1, always},
    {ATTEMPT_UDP_EDNS, 1, always},
    {ATTEMPT_TCP, 1, always},
    {ATTEMPT_MARKED, 1, marks},
    {ATTEMPT_OTHER_PORT, 1, has_other_port},
    {ATTEMPT_TRUNCATED, 2, was_truncated},
    {ATTEMPT_OTHER_NAME, 2, has_other_name},
    {ATTEMPT_SPLIT, 2, was_opened},
    {ATTEMPT_PIPELINED, 3, was_answered},
    {ATTEMPT_REUSED, 3, was_answered},
};

enum { TESTS = sizeof tests / sizeof *tests, STAGES = 3 };

static const struct query *query_for(const struct probe *probe, enum attempt_test test)
{
    return test == ATTEMPT_UDP_EDNS ? &probe->edns : test == ATTEMPT_OTHER_NAME ? &probe->other : &probe->plain;
}

/* ---------------------------------------------------------------- what comes of them */

static struct course *course_of(struct probe *probe, struct addr server)
{
    for (size_t i = 0; i < probe->options.server_count; i++)
        if (addr_same(probe->courses[i].server, server))
            return &probe->courses[i];
    return NULL;
}

static void take_port(void *context, bool tcp, uint16_t port)
{
    struct probe *probe = context;
    probe->port(probe->context, tcp, port);
}

/* Keeps the answer to what was asked: TCP's rather than that of UDP. */
static void take_answer(void *context, const struct attempt *attempt, const uint8_t *bytes, size_t length)
{
    struct course *course = course_of(context, attempt->server);
    bool tcp = !attempt_test_is_udp(attempt->test);
    if (!course || attempt->test == ATTEMPT_OTHER_NAME || (course->answer.bytes && (course->answer.over_tcp || !tcp)))
        return;
    uint8_t *kept = realloc(course->answer.bytes, length);
    if (!kept)
        return;
    memcpy(kept, bytes, length);
    course->answer.bytes = kept;
    course->answer.length = length;
    course->answer.over_tcp = tcp;
}

static void take_attempt(struct probe *probe, struct course *course, const struct attempt *attempt)
{
    bool plain = attempt->test == ATTEMPT_TCP;
    course->truncated |= attempt->status == ATTEMPT_TC;
    course->opened |= plain && attempt->asked > 0;
    course->answered |= plain && attempt->answered > 0;
    if (probe->attempt_count < probe->attempt_room)
        probe->attempts[probe->attempt_count++] = *attempt;
}

/* ---------------------------------------------------------------- steps */

/* The next row of the stage that has a try left, with the place set behind it; TESTS when the stage has none. */
static unsigned next_row(const struct probe *probe, struct course *course)
{
    while (course->round < probe->options.tries) {
        while (course->row < TESTS) {
            unsigned row = course->row++;
            if (tests[row].stage == course->stage && tests[row].wanted(probe, course))
                return row;
        }
        course->row = 0;
        course->round++;
    }
    return TESTS;
}

static bool has_tcp_under_way(const struct course *course)
{
    for (unsigned i = 0; i < course->active_count; i++)
        if (!attempt_test_is_udp(try_attempt(course->active[i])->test))
            return true;
    return false;
}

/* When the next attempt may begin; INT64_MAX: when another has ended. */
static int64_t turn_ns(const struct course *course)
{
    if (course->active_count == PROBE_ACTIVE)
        return INT64_MAX;
    int64_t turn_ns = has_tcp_under_way(course) ? course->latest_tcp_ns + PROBE_TURN_NS : 0;
    return turn_ns > course->next_ns ? turn_ns : course->next_ns;
}

static void begin_next(struct probe *probe, struct course *course, int64_t now_ns)
{
    unsigned row = next_row(probe, course);
    if (row == TESTS)
        return;
    enum attempt_test test = tests[row].test;
    const struct try_plan plan = {.test = test,
                                  .server = course->server,
                                  .port = test == ATTEMPT_OTHER_PORT ? probe->options.other_port : probe->options.port,
                                  .query = query_for(probe, test),
                                  .timeout_ns = probe->options.timeout_ns,
                                  .parity = course->parity,
                                  .unseen = probe->options.unseen};
    struct try *try = try_new(&plan, &probe->observer, now_ns);
    course->next_ns = now_ns + PROBE_GAP_NS;
    if (!attempt_test_is_udp(test)) {
        course->parity = course->parity == SOCKET_EVEN ? SOCKET_ODD : SOCKET_EVEN;
        course->latest_tcp_ns = now_ns;
    }
    if (try)
        course->active[course->active_count++] = try;
}

static bool stage_has_more(const struct probe *probe, const struct course *course)
{
    struct course ahead = *course;
    return next_row(probe, &ahead) < TESTS;
}

static void step_course(struct probe *probe, struct course *course, int64_t now_ns)
{
    while (course->active_count == 0 && !course->over && !stage_has_more(probe, course)) {
        course->row = course->round = 0;
        course->over = course->stage++ == STAGES;
    }
    if (!course->over && now_ns >= turn_ns(course))
        begin_next(probe, course, now_ns);
}

static void end_try(struct probe *probe, struct course *course, unsigned index)
{
    struct try *try = course->active[index];
    take_attempt(probe, course, try_attempt(try));
    try_free(try);
    course->active[index] = course->active[--course->active_count];
}

bool probe_step(struct probe *probe, const struct pollfd *list, size_t count, int64_t now_ns)
{
    bool goes_on = false;
    for (size_t c = 0; c < probe->options.server_count; c++) {
        struct course *course = &probe->courses[c];
        for (unsigned i = course->active_count; i-- > 0;)
            if (!try_step(course->active[i], list, count, now_ns))
                end_try(probe, course, i);
        step_course(probe, course, now_ns);
        goes_on |= !course->over;
    }
    return goes_on;
}

size_t probe_descriptors(const struct probe *probe, struct pollfd *list, size_t room)
{
    size_t count = 0;
    for (size_t c = 0; c < probe->options.server_count; c++)
        for (unsigned i = 0; i < probe->courses[c].active_count && count < room; i++)
            list[count++] = try_waits_for(probe->courses[c].active[i]);
    return count;
}

int64_t probe_due_ns(const struct probe *probe)
{
    int64_t due_ns = INT64_MAX;
    for (size_t c = 0; c < probe->options.server_count; c++) {
        const struct course *course = &probe->courses[c];
        if (course->over)
            continue;
        int64_t next_ns = stage_has_more(probe, course) ? turn_ns(course) : INT64_MAX;
        due_ns = next_ns < due_ns ? next_ns : due_ns;
        for (unsigned i = 0; i < course->active_count; i++) {
            int64_t try_ns = try_due_ns(course->active[i]);
            due_ns = try_ns < due_ns ? try_ns : due_ns;
        }
    }
    return due_ns;
}

/* ---------------------------------------------------------------- beginning and end */

static bool make_queries(struct probe *probe, struct failure *failure)
{
    const struct probe_options *options = &probe->options;
    const char *wrong;
    if (!query_make(&probe->plain, options->name, options->type, 1, 0, &wrong) ||
        !query_make(&probe->edns, options->name, options->type, 2, ATTEMPT_EDNS_BYTES, &wrong))
        return failure_set(failure, "\"%s\" is not a %s that can be asked for",
                           strcmp(wrong, "type") == 0 ? options->type : options->name, wrong);
    if (options->other_name && !query_make(&probe->other, options->other_name, options->type, 3, 0, &wrong))
        return failure_set(failure, "\"%s\" is not a %s that can be asked for", options->other_name, wrong);
    return true;
}

struct probe *probe_new(const struct probe_options *options, void (*port)(void *context, bool tcp, uint16_t port),
                        void *context, struct failure *failure)
{
    struct probe *probe = calloc(1, sizeof *probe);
    if (!probe)
        goto out;
    probe->options = *options;
    probe->observer = (struct try_observer){probe, take_port, take_answer};
    probe->port = port;
    probe->context = context;
    probe->attempt_room = options->server_count * TESTS * options->tries;
    probe->attempts = calloc(probe->attempt_room, sizeof *probe->attempts);
    if (!probe->attempts)
        goto out;
    for (size_t i = 0; i < options->server_count; i++)
        probe->courses[i] = (struct course){.server = options->servers[i], .stage = 1, .parity = SOCKET_EVEN};
    if (make_queries(probe, failure))
        return probe;
    probe_free(probe);
    return NULL;
out:
    failure_set(failure, "out of memory");
    probe_free(probe);
    return NULL;
}

void probe_free(struct probe *probe)
{
    if (!probe)
        return;
    for (size_t c = 0; c < PROBE_SERVERS; c++) {
        while (probe->courses[c].active_count > 0)
            try_free(probe->courses[c].active[--probe->courses[c].active_count]);
        free(probe->courses[c].answer.bytes);
    }
    free(probe->attempts);
    free(probe);
}

const struct attempt *probe_attempts(const struct probe *probe, size_t *count)
{
    *count = probe->attempt_count;
    return probe->attempts;
}

const struct probe_answer *probe_answer_of(const struct probe *probe, size_t server)
{
    return &probe->courses[server].answer;
}

const struct query *probe_query(const struct probe *probe)
{
    return &probe->plain;
}

const struct probe_options *probe_options_of(const struct probe *probe)
{
    return &probe->options;
}

const struct try_observer *probe_observer(const struct probe *probe)
{
    return &probe->observer;
}

void probe_measured(struct probe *probe, struct addr server, bool later, uint8_t ttl)
{
    for (size_t i = 0; i < probe->attempt_count; i++) {
        struct attempt *attempt = &probe->attempts[i];
        if (!attempt_is_query_over_tcp(attempt) || !addr_same(attempt->server, server))
            continue;
        if (later ? attempt_was_ended(attempt) : attempt->status == ATTEMPT_REFUSED)
            attempt->ttl = ttl;
        if (!later && attempt->asked > 0)
            attempt->synack_ttl = ttl;
    }
}
