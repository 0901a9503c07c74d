/* States: which changes of a verdict are told, as a list of situations. */
#include "report/states.h"

#include "tests/unit/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define BEGAN_NS INT64_C(1700000000000000000)

enum { MANY = STATES_SERVERS + 3 };

/* The servers of a report, as much of them as states look at. */
static struct server known[MANY];
static struct tcp_facts tcp[MANY];
static struct report_server shown[MANY];
static struct states *states;
static struct change told; /* the latest */
static unsigned times;     /* how many were told */
static int64_t clock_ns;   /* when the situation began */

static struct addr address(uint32_t number)
{
    uint8_t bytes[4] = {198, 51, (uint8_t)(number >> 8), (uint8_t)number};
    return addr_v4(bytes);
}

static void start_anew(void)
{
    states_free(states);
    states = states_new();
    clock_ns = BEGAN_NS;
    cr_assert_not_null(states);
}

static void begin(void)
{
    start_anew();
    for (uint32_t i = 0; i < MANY; i++) {
        known[i] = (struct server){.address = address(i), .port = DNS_PORT};
        shown[i] = (struct report_server){.facts = &known[i], .tcp = &tcp[i], .headline = (char *)"headline"};
    }
}

static void end(void)
{
    states_free(states);
}

TestSuite(states, .init = begin, .fini = end);

static void take(void *context, const struct change *change)
{
    cr_assert_null(context);
    told = *change;
    times++;
}

/* Compares the first servers with what was told; returns how many changes were. */
static unsigned update(size_t servers, int64_t ms)
{
    struct report report = {.servers = shown, .server_count = servers};
    times = 0;
    states_update(states, &report, clock_ns + ms * 1000000, take, NULL);
    return times;
}

static void put(uint32_t server, enum report_outcome outcome, enum culprit culprit, enum confidence confidence)
{
    static const enum mechanism mechanisms[REPORT_OUTCOMES] = {[REPORT_ANSWERED] = MECHANISM_ANSWERED,
                                                               [REPORT_UNANSWERED] = MECHANISM_SYN_UNANSWERED,
                                                               [REPORT_REJECTED] = MECHANISM_SYN_RESET};
    shown[server].outcome = outcome;
    shown[server].judgement = (struct judgement){culprit, confidence, mechanisms[outcome]};
}

static const struct state *state_of(struct addr server)
{
    size_t count;
    const struct state *list = states_list(states, &count);
    for (size_t i = 0; i < count; i++)
        if (addr_same(list[i].address, server))
            return &list[i];
    return NULL;
}

/* situations */

/* The value of `count` that has that name. */
static int named(const char *name, const char *(*name_of)(int), int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(name_of(i), name) == 0)
            return i;
    cr_assert_fail("\"%s\" is no name", name);
    return 0;
}

static const char *outcome_at(int value)
{
    return report_outcome_name((enum report_outcome)value);
}

static const char *culprit_at(int value)
{
    return culprit_name((enum culprit)value);
}

static const char *confidence_at(int value)
{
    return confidence_name((enum confidence)value);
}

/*
 * Plays "seconds outcome [culprit confidence] [of attempts]" and checks that it is told if, and only if, a "!" follows.
 */
static void play_step(const char *situation, const char *step)
{
    char outcome[24], culprit[24] = "none", confidence[24] = "none";
    double seconds;
    bool expected = step[strcspn(step, "!;")] == '!';
    const char *of = strstr(step, " of ");
    int fields = sscanf(step, "%lf %23[a-z-] %23[a-z] %23[a-z]", &seconds, outcome, culprit, confidence);
    cr_assert(fields == 2 || fields == 4, "%s: what is \"%s\"?", situation, step);
    tcp[0].attempts = of && of < step + strcspn(step, ";") ? (uint32_t)atoi(of + 4) : 3;
    put(0, (enum report_outcome)named(outcome, outcome_at, REPORT_OUTCOMES),
        (enum culprit)named(culprit, culprit_at, CULPRITS),
        (enum confidence)named(confidence, confidence_at, CONFIDENCES));
    unsigned changes = update(1, (int64_t)(seconds * 1000));
    cr_assert_eq(changes, expected, "%s: %s at %g s is %stold", situation, outcome, seconds, expected ? "not " : "");
    cr_assert(changes == 0 || (told.now.outcome == shown[0].outcome && told.now.culprit == shown[0].judgement.culprit));
}

static void play(const char *situation, const char *steps)
{
    for (const char *step = steps; step; step = strchr(step, ';') ? strchr(step, ';') + 1 : NULL)
        play_step(situation, step);
}

#define SIX_CHANGES                                                                                                    \
    "0 rejected server strong!; 1 answered!; 2 rejected server strong!; 3 answered!; 4 rejected server strong!; "      \
    "5 answered!; "

static const struct situation {
    const char *name, *steps;
    int exit_status;
} situations[] = {
    {"nothing is asked", "0 none; 1 none", 3},
    {"it answers as ever", "0 answered; 1 answered; 300 answered", 0},
    {"only clients that leave", "0 client-aborted; 1 client-aborted", 3},
    {"a client that left, and then a failure", "0 client-aborted; 1 rejected server strong!", 1},
    {"it begins to fail", "0 answered; 1 rejected server strong!; 2 rejected server strong", 1},
    {"it recovers", "0 rejected server strong!; 5 answered!; 6 answered", 0},
    {"silence becomes refusal", "0 unanswered server strong!; 1 rejected server strong!", 1},
    {"it recovers after clients that left", "0 rejected server strong!; 1 client-aborted; 2 none; 3 answered!", 0},
    {"a quiet window in between", "0 rejected server strong!; 300 none; 600 client-aborted; 601 rejected server strong",
     1},

    {"surely rejected at first sight", "0 rejected server strong!; 0.25 rejected server strong", 1},
    {"rejected at first sight, by whom is not known",
     "0 rejected undetermined none; 0.5 rejected undetermined none; 0.65 rejected undetermined none; "
     "0.7 rejected undetermined none!; 9 rejected undetermined none",
     1},
    {"and then it is", "0 rejected undetermined none; 0.5 rejected server proven!; 0.7 rejected server proven", 1},
    {"it was nothing", "0 rejected undetermined none; 0.5 answered; 0.7 answered", 0},
    {"unanswered at first sight", "0 unanswered undetermined none; 0.7 unanswered undetermined none!", 1},
    {"mixed at first sight", "0 mixed server indicated; 0.7 mixed server indicated!; 20 mixed server indicated", 1},
    {"the end comes too soon", "0 rejected undetermined none", 3},

    {"it fails in part",
     "0 answered; 1 mixed server strong; 1.5 mixed server strong; 1.7 mixed server strong!; 20 mixed server strong", 1},
    {"it fails in part and turns before", "0 answered; 1 mixed server strong; 1.5 rejected server strong!", 1},
    {"some fail and are outweighed soon", "0 answered; 1 mixed server strong; 1.5 answered; 9 answered", 0},
    {"it fails in part twice, not for long",
     "0 answered; 1 mixed server strong; 1.65 answered; 2 mixed server strong; 2.65 mixed server strong; "
     "2.7 mixed server strong!",
     1},
    {"it fails in part at the ends of two windows",
     "0 answered; 1 mixed server strong; 1.25 none; 300 mixed server strong; 300.7 mixed server strong!", 1},
    {"it recovers in part",
     "0 rejected server strong!; 1 mixed server strong; 5 mixed server strong; 10.9 mixed server strong; "
     "11 mixed server strong!",
     1},
    {"it recovers in part and turns before", "0 rejected server strong!; 1 mixed server strong; 9 answered!", 0},
    {"it recovers in part and fails again",
     "0 rejected server strong!; 1 mixed server strong; 9 rejected server strong; 12 mixed server strong", 1},
    {"mixed becomes rejected", "0 mixed server strong!; 1 rejected server strong!", 1},
    {"mixed becomes answered", "0 mixed server strong!; 1 answered!", 0},

    {"it becomes surer",
     "0 rejected undetermined none; 0.7 rejected undetermined none!; 2 rejected server indicated; "
     "2.7 rejected server indicated!; 3 rejected server strong!; 4 rejected server proven!",
     1},
    {"a new window knows less",
     "0 rejected server proven of 9!; 300 rejected undetermined none of 1; 301 rejected server indicated of 3; "
     "305 rejected undetermined none of 8; 306 rejected server proven of 9",
     1},
    {"the same side, less sure", "0 rejected server proven of 9!; 1 rejected server indicated of 99", 1},
    {"as many attempts name nobody any more",
     "0 rejected server strong of 9!; 1 rejected undetermined none of 9; 1.7 rejected undetermined none of 9!", 1},
    {"another side is to blame", "0 rejected server strong!; 1 rejected intermediary strong!", 1},
    {"perhaps another side",
     "0 rejected server strong!; 1 rejected intermediary indicated; "
     "1.65 rejected intermediary indicated; 1.7 rejected intermediary indicated!",
     1},

    {"six changes in ten minutes are enough, until ten minutes after the first of them",
     SIX_CHANGES "6 rejected server strong; 7 answered; 8 rejected server strong; 599.9 rejected server strong; "
                 "600 rejected server strong!; 600.5 answered; 601 answered!",
     0},
    {"as before when the silence ends", SIX_CHANGES "6 rejected server strong; 599 answered; 700 answered", 0},
    {"six changes in more than ten minutes",
     "0 rejected server strong!; 120 answered!; 240 rejected server strong!; 360 answered!; "
     "480 rejected server strong!; 600 answered!; 720 rejected server strong!",
     1},
    {"the exit status is that of what was told", SIX_CHANGES "6 rejected server strong", 0},
};

Test(states, told_and_not_told)
{
    for (size_t i = 0; i < sizeof situations / sizeof *situations; i++) {
        play(situations[i].name, situations[i].steps);
        cr_expect_eq(states_exit_status(states), situations[i].exit_status, "%s: exit status %d", situations[i].name,
                     states_exit_status(states));
        start_anew();
    }
}

/* what is told */

Test(states, a_change_says_what_was_and_what_is)
{
    put(0, REPORT_ANSWERED, CULPRIT_NONE, CONFIDENCE_NONE);
    update(1, 0);
    put(0, REPORT_REJECTED, CULPRIT_INTERMEDIARY, CONFIDENCE_PROVEN);
    tcp[0].attempts = 12;
    tcp[0].first_failure_ns = BEGAN_NS + 5;
    shown[0].answered = 4;
    shown[0].rejected = 7;
    shown[0].unanswered = 1;
    cr_assert_eq(update(1, 1000), 1);
    cr_assert_eq(told.time_ns, BEGAN_NS + 1000000000);
    cr_assert(addr_same(told.address, address(0)));
    cr_assert_eq(told.port, DNS_PORT);
    cr_assert_eq(told.before.outcome, REPORT_ANSWERED);
    cr_assert_eq(told.before.culprit, CULPRIT_NONE);
    cr_assert_eq(told.now.outcome, REPORT_REJECTED);
    cr_assert_eq(told.now.culprit, CULPRIT_INTERMEDIARY);
    cr_assert_eq(told.now.confidence, CONFIDENCE_PROVEN);
    cr_assert_eq(told.now.mechanism, MECHANISM_SYN_RESET);
    cr_assert_str_eq(told.headline, "headline");
    cr_assert_eq(told.attempts, 12);
    cr_assert_eq(told.answered, 4);
    cr_assert_eq(told.rejected, 7);
    cr_assert_eq(told.unanswered, 1);
    cr_assert_eq(told.since_ns, BEGAN_NS + 5);
    put(0, REPORT_ANSWERED, CULPRIT_NONE, CONFIDENCE_NONE);
    cr_assert_eq(update(1, 2000), 1);
    cr_assert_eq(told.since_ns, 0, "one that answers fails since nowhere");
    cr_assert_eq(told.before.confidence, CONFIDENCE_PROVEN);
}

Test(states, before_is_what_was_told_not_what_was_seen)
{
    put(0, REPORT_REJECTED, CULPRIT_SERVER, CONFIDENCE_PROVEN);
    tcp[0].attempts = 5;
    update(1, 0);
    tcp[0].attempts = 1;
    put(0, REPORT_REJECTED, CULPRIT_UNDETERMINED, CONFIDENCE_NONE);
    cr_assert_eq(update(1, 1000), 0);
    put(0, REPORT_UNANSWERED, CULPRIT_SERVER, CONFIDENCE_STRONG);
    cr_assert_eq(update(1, 2000), 1);
    cr_assert_eq(told.before.culprit, CULPRIT_SERVER);
    cr_assert_eq(told.before.confidence, CONFIDENCE_PROVEN);
    cr_assert_eq(state_of(address(0))->changed_ns, BEGAN_NS + 2000 * INT64_C(1000000));
}

/* the clock */

/* The same situations, and the clock is set between any two updates. */
Test(states, a_clock_that_is_set_changes_nothing)
{
    static const int64_t steps_ns[] = {10000 * FLOW_SECOND_NS, -20000 * FLOW_SECOND_NS};
    for (size_t i = 0; i < sizeof situations / sizeof *situations; i++) {
        size_t set = 0;
        for (const char *step = situations[i].steps; step; step = strchr(step, ';') ? strchr(step, ';') + 1 : NULL) {
            play_step(situations[i].name, step);
            states_shift(states, steps_ns[set % 2]);
            clock_ns += steps_ns[set++ % 2];
        }
        cr_expect_eq(states_exit_status(states), situations[i].exit_status, "%s", situations[i].name);
        start_anew();
    }
}

/* many servers */

Test(states, each_server_has_its_own)
{
    known[1].address = address(0);
    known[1].port = 5353;
    put(0, REPORT_ANSWERED, CULPRIT_NONE, CONFIDENCE_NONE);
    put(1, REPORT_REJECTED, CULPRIT_SERVER, CONFIDENCE_STRONG);
    put(2, REPORT_UNANSWERED, CULPRIT_SERVER, CONFIDENCE_STRONG);
    cr_assert_eq(update(3, 0), 2);
    cr_assert_eq(update(3, 500), 0);
    put(0, REPORT_REJECTED, CULPRIT_SERVER, CONFIDENCE_STRONG);
    cr_assert_eq(update(3, 1000), 1);
    cr_assert_eq(told.port, DNS_PORT);
    put(1, REPORT_ANSWERED, CULPRIT_NONE, CONFIDENCE_NONE);
    put(2, REPORT_ANSWERED, CULPRIT_NONE, CONFIDENCE_NONE);
    cr_assert_eq(update(3, 2000), 2);
    cr_assert_eq(states_exit_status(states), 1, "one of them fails");
    put(0, REPORT_ANSWERED, CULPRIT_NONE, CONFIDENCE_NONE);
    cr_assert_eq(update(3, 3000), 1);
    cr_assert_eq(states_exit_status(states), 0);
}

Test(states, flows_are_counted_for_ever)
{
    static const struct {
        uint32_t server;
        enum flow_outcome outcome;
    } flows[] = {{0, OUTCOME_ANSWERED}, {1, OUTCOME_REJECTED}, {0, OUTCOME_ANSWERED}, {0, OUTCOME_INCOMPLETE}};
    for (size_t i = 0; i < sizeof flows / sizeof *flows; i++)
        states_count(states, address(flows[i].server), DNS_PORT, flows[i].outcome);
    put(0, REPORT_ANSWERED, CULPRIT_NONE, CONFIDENCE_NONE);
    update(1, 0);
    size_t count;
    states_list(states, &count);
    cr_assert_eq(count, 2);
    cr_assert_eq(state_of(address(0))->attempts[OUTCOME_ANSWERED], 2);
    cr_assert_eq(state_of(address(0))->attempts[OUTCOME_INCOMPLETE], 1);
    cr_assert_eq(state_of(address(1))->attempts[OUTCOME_REJECTED], 1);
    cr_assert_eq(states_exit_status(states), 0, "counting says nothing of a server");
}

static void put_all(uint32_t servers, enum report_outcome outcome)
{
    for (uint32_t i = 0; i < servers; i++)
        put(i, outcome, outcome == REPORT_ANSWERED ? CULPRIT_NONE : CULPRIT_SERVER,
            outcome == REPORT_ANSWERED ? CONFIDENCE_NONE : CONFIDENCE_STRONG);
}

Test(states, servers_without_a_complaint_make_room)
{
    put_all(MANY, REPORT_ANSWERED);
    cr_assert_eq(update(STATES_SERVERS, 0), 0);
    cr_assert_eq(states_left_out(states), 0);
    put(5, REPORT_REJECTED, CULPRIT_SERVER, CONFIDENCE_STRONG);
    cr_assert_eq(update(STATES_SERVERS, 1000), 1);
    put(STATES_SERVERS, REPORT_REJECTED, CULPRIT_SERVER, CONFIDENCE_STRONG);
    cr_assert_eq(update(STATES_SERVERS + 1, 2000), 1, "there is always a place for one that fails");
    cr_assert(addr_same(told.address, address(STATES_SERVERS)));
    cr_assert_not_null(state_of(address(5)), "one that fails stays");
    cr_assert_eq(states_exit_status(states), 1);
}

Test(states, more_fail_than_there_are_places)
{
    put_all(MANY, REPORT_REJECTED);
    cr_assert_eq(update(MANY, 0), STATES_SERVERS);
    cr_assert_eq(states_left_out(states), MANY - STATES_SERVERS);
    cr_assert_eq(update(MANY, 500), 0);
    cr_assert_eq(states_left_out(states), MANY - STATES_SERVERS, "they are as many as before");
    states_count(states, address(MANY - 1), DNS_PORT, OUTCOME_REJECTED);
    cr_assert_eq(states_left_out(states), MANY - STATES_SERVERS, "and none is another one");
    put(0, REPORT_ANSWERED, CULPRIT_NONE, CONFIDENCE_NONE);
    cr_assert_geq(update(MANY, 1000), 2, "one recovers, and another takes its place");
}

Test(states, at_the_end_nothing_is_waited_with)
{
    put(0, REPORT_REJECTED, CULPRIT_INTERMEDIARY, CONFIDENCE_INDICATED);
    cr_assert_eq(update(1, 0), 0, "it is little sure");
    cr_assert_eq(states_exit_status(states), 3);
    states_hasten(states, true);
    cr_assert_eq(update(1, 100), 1);
    cr_assert_eq(told.now.outcome, REPORT_REJECTED);
    cr_assert_eq(states_exit_status(states), 1);
}

Test(states, at_the_end_it_is_told_where_a_server_stands_that_changed_too_often)
{
    unsigned changes = 0;
    for (int i = 0; i < 11; i++) {
        bool fails = i % 2 == 0;
        put(0, fails ? REPORT_REJECTED : REPORT_ANSWERED, fails ? CULPRIT_SERVER : CULPRIT_NONE,
            fails ? CONFIDENCE_PROVEN : CONFIDENCE_NONE);
        changes += update(1, 1000 * i);
    }
    cr_assert_eq(changes, 6);
    cr_assert_eq(states_exit_status(states), 0, "as it was last told");
    states_hasten(states, true);
    cr_assert_eq(update(1, 20000), 1);
    cr_assert_eq(states_exit_status(states), 1);
}
