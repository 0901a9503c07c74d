/*
 * script.h - the lives of flows as tables: who sends what after which wait,
 * and how often each kind of life occurs in a scenario.
 */
#ifndef TCP53_TESTS_BENCH_SCRIPT_H
#define TCP53_TESTS_BENCH_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/message.h"

enum sender {
    FROM_CLIENT,
    FROM_SERVER,
    FROM_BOX, /* a nearer box that speaks in the server's name */
};

enum content {
    NOTHING,
    QUESTION,
    SECOND_QUESTION,
    ANSWER,
    SECOND_ANSWER,
    ANSWER_HEAD,
    ANSWER_TAIL,
    SHORT_ANSWER,
    TRUNCATED_ANSWER,
    FULL_SEGMENT,
    MIDDLE_SEGMENT,
    SMALL_SEGMENT,
    HELLO,
    FRAGMENTED_ANSWER, /* in two IP fragments, where the flow is IPv4 */
    BIG_DATAGRAM,
    SMALL_DATAGRAM,
    VOICE,
    CONTENT_COUNT
};

enum part {
    WHOLE,
    HEAD,
    TAIL,
};

/* Noise has a size range, DNS has a message kind. */
struct content_spec {
    uint16_t size_min;
    uint16_t size_spread;
    enum message_kind message;
    uint8_t nth; /* which lookup of the flow it belongs to */
    enum part part;
};

enum wait {
    START,
    AT_ONCE,
    SOON,
    ROUND_TRIP,
    THINKING,
    BOX_TRIP,
    VOICE_GAP,
    USER_PAUSE,
    ONE_SECOND,
    TWO_SECONDS,
    FOUR_SECONDS,
    FIVE_SECONDS,
    WAIT_COUNT
};

struct wait_spec {
    uint32_t base_us;
    uint32_t spread_us;
    bool round_trip; /* add the server's round trip time */
};

struct step {
    enum sender sender;
    uint8_t flags;
    enum content content;
    enum wait wait; /* before this step */
};

struct script {
    const struct step *steps;
    uint32_t step_count;
    uint32_t loop_first; /* the looped steps, if loop_size is not 0 */
    uint32_t loop_size;
    uint32_t rounds_min;
    uint32_t rounds_spread;
    bool udp;
};

struct pool {
    uint32_t first;
    uint32_t count;
};

/* One kind of flow; then is the script that may follow it. */
struct kind {
    const struct script *script;
    const struct script *then;
    const struct pool *clients;
    const struct pool *servers;
    uint16_t port;
    bool spoofed;
    uint32_t weight;
};

struct mix {
    const struct kind *kinds;
    size_t count;
};

/* The side mix gets side_permille of the frames, the main mix the rest. */
struct scenario {
    const char *name;
    const struct mix *main;
    const struct mix *side;
    uint32_t side_permille;
    bool count_side; /* the side's frames count towards the goal */
    uint32_t span_seconds;
    uint32_t hosts;
};

enum {
    STAFF_HOSTS = 1500,
    FIRST_SERVER = STAFF_HOSTS,
    HOST_COUNT = 4480,
    HOST_MOST = 32768,
};

extern const struct content_spec content_specs[CONTENT_COUNT];
extern const struct wait_spec wait_specs[WAIT_COUNT];

/* Returns NULL if there is no scenario of that name. */
const struct scenario *scenario_find(const char *name);

#endif
