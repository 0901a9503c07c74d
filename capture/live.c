/*
 * How it works: of each interface one frame is read ahead, and the earliest goes on when it is its turn (hold.c); with one
 * interface there is nothing to wait for. The rest stays in the kernel's rings.
 */
#include "capture/live.h"

#include "capture/hold.h"
#include "capture/resolvers.h"
#include "capture/tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    NEWS_MOST = 2 * LIVE_MOST,
    LOOK_MS = 500,    /* between looks at interfaces that are, or may be, gone */
    LOOK_FRAMES = 64, /* between looks at the clock for that, while there are frames */
};

struct live {
    size_t count;
    struct tap taps[LIVE_MOST];
    struct lane lanes[LIVE_MOST];
    struct frame heads[LIVE_MOST]; /* of the lanes that hold one */
    int socket;
    int64_t look_ms; /* when to look next; CLOCK_MONOTONIC */
    unsigned given;  /* frames since the latest look at the clock */
    size_t news_told, news_count;
    struct tap_news news[NEWS_MOST]; /* a ring; what finds it full is not told */
    struct input inputs[LIVE_MOST];
};

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return frame_time_ns(now.tv_sec, now.tv_nsec);
}

static int64_t clock_ms(void)
{
    return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

static bool add_name(struct live *live, const char *name, struct failure *failure)
{
    for (size_t i = 0; i < live->count; i++) {
        if (strcmp(live->taps[i].name, name) == 0)
            return true;
        if (strcmp(live->taps[i].name, "any") == 0 || strcmp(name, "any") == 0)
            return failure_set(failure, "\"any\" is all interfaces: no other can be named beside it");
    }
    if (live->count == LIVE_MOST)
        return failure_set(failure, "more than %d interfaces", LIVE_MOST);
    if (!*name || strlen(name) >= IFNAMSIZ)
        return failure_set(failure, "\"%s\" is no name of an interface", name);
    memcpy(live->taps[live->count++].name, name, strlen(name) + 1);
    return true;
}

static bool find_interfaces(struct live *live, struct failure *failure)
{
    char names[LIVE_MOST][IFNAMSIZ];
    size_t count = resolvers_interfaces(NULL, names, LIVE_MOST);
    for (size_t i = 0; i < count; i++)
        if (!add_name(live, names[i], failure))
            return false;
    return count > 0 || failure_set(failure, "no interface leads to a DNS server: name the one to watch with -i");
}

static bool open_all(struct live *live, const struct live_options *options, struct failure *failure)
{
    for (size_t i = 0; i < options->interface_count; i++)
        if (!add_name(live, options->interfaces[i], failure))
            return false;
    if (options->interface_count == 0 && !find_interfaces(live, failure))
        return false;
    live->socket = tap_socket(failure);
    for (size_t i = 0; i < live->count; i++)
        if (live->socket < 0 || !tap_open(&live->taps[i], options, live->socket, failure))
            return false;
    return true;
}

struct live *live_open(const struct live_options *options, struct failure *failure)
{
    struct live *live = calloc(1, sizeof *live);
    if (!live) {
        failure_set(failure, "out of memory");
        return NULL;
    }
    live->socket = -1;
    if (open_all(live, options, failure))
        return live;
    live_close(live);
    return NULL;
}

void live_close(struct live *live)
{
    if (!live)
        return;
    for (size_t i = 0; i < live->count; i++)
        tap_close(&live->taps[i]);
    if (live->socket >= 0)
        close(live->socket);
    free(live);
}

static void keep_news(struct live *live, const struct tap_news *news)
{
    if (*news->text && live->news_count - live->news_told < NEWS_MOST)
        live->news[live->news_count++ % NEWS_MOST] = *news;
}

bool live_news(struct live *live, char *text, size_t size)
{
    if (live->news_told == live->news_count)
        return false;
    snprintf(text, size, "%s", live->news[live->news_told++ % NEWS_MOST].text);
    return true;
}

/* Reads one frame ahead. */
static void read_lane(struct live *live, size_t index, int64_t now_ns)
{
    struct tap *tap = &live->taps[index];
    struct tap_news news = {""};
    struct frame *head = &live->heads[index];
    if (tap_next(tap, head, &news)) {
        head->ref.input = index & 0xffff;
        live->lanes[index] = (struct lane){LANE_HOLDS, head->time_ns};
    } else {
        live->lanes[index] = (struct lane){tap->state == TAP_GONE ? LANE_CLOSED : LANE_EMPTY, now_ns};
    }
    keep_news(live, &news);
}

static void read_lanes(struct live *live, enum lane_state state)
{
    int64_t now_ns = live->count > 1 ? clock_ns(CLOCK_REALTIME) : 0;
    for (size_t i = 0; i < live->count; i++)
        if (live->lanes[i].state == state)
            read_lane(live, i, now_ns);
}

static void look_after(struct live *live)
{
    int64_t now_ms = clock_ms();
    if (now_ms < live->look_ms)
        return;
    live->look_ms = now_ms + LOOK_MS;
    for (size_t i = 0; i < live->count; i++) {
        struct tap_news news = {""};
        if (live->lanes[i].state == LANE_EMPTY)
            tap_check(&live->taps[i], &news);
        else if (live->lanes[i].state == LANE_CLOSED && tap_retry(&live->taps[i], live->socket, &news))
            live->lanes[i].state = LANE_UNREAD;
        keep_news(live, &news);
    }
}

static bool is_next(const struct live *live, size_t index)
{
    return index < live->count && hold_is_due(live->lanes, live->count, live->lanes[index].time_ns);
}

bool live_next(struct live *live, struct frame *frame)
{
    if (live->given++ % LOOK_FRAMES == 0)
        look_after(live);
    read_lanes(live, LANE_UNREAD);
    size_t index = hold_earliest(live->lanes, live->count);
    if (!is_next(live, index)) {
        read_lanes(live, LANE_EMPTY);
        index = hold_earliest(live->lanes, live->count);
    }
    if (!is_next(live, index)) {
        live->given = 0;
        return false;
    }
    *frame = live->heads[index];
    live->lanes[index].state = LANE_UNREAD;
    return true;
}

size_t live_sockets(const struct live *live, int *list, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < live->count && count < room; i++)
        list[count++] = live->taps[i].descriptor;
    if (count < room)
        list[count++] = live->socket;
    return count;
}

size_t live_descriptors(const struct live *live, struct pollfd *list, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < live->count && count < room; i++)
        if (live->lanes[i].state == LANE_UNREAD || live->lanes[i].state == LANE_EMPTY)
            list[count++] = (struct pollfd){.fd = live->taps[i].descriptor, .events = POLLIN};
    return count;
}

int live_timeout(const struct live *live)
{
    int held = hold_wait(live->lanes, live->count, live->count > 1 ? clock_ns(CLOCK_REALTIME) : 0);
    int64_t left = live->look_ms - clock_ms();
    int look = left > 0 ? (int)left + 1 : 0; /* its clock is cut down to milliseconds */
    return held >= 0 && held < look ? held : look;
}

const struct input *live_inputs(struct live *live, size_t *count)
{
    for (size_t i = 0; i < live->count; i++) {
        tap_count_drops(&live->taps[i]);
        live->inputs[i] = live->taps[i].input;
    }
    *count = live->count;
    return live->inputs;
}
