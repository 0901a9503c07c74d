/*
 * How it works: a connection goes from connecting to waiting for the answers; each step reads what came, says what happened
 * in the attempt's events, and sends what is due: the rest of a query that is split, a second one over a kept connection.
 */
#include "capture/try_inside.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t day_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return frame_time_ns(now.tv_sec, now.tv_nsec);
}

void try_note(struct try *try, enum flow_event event, size_t length)
{
    attempt_note(&try->attempt, event, day_ns(), (uint32_t)length);
}

void try_finish(struct try *try, enum attempt_status status)
{
    try->attempt.status = status;
    try->attempt.ended_ns = day_ns();
    try->state = TRY_OVER;
    if (try->descriptor >= 0)
        close(try->descriptor);
    try->descriptor = -1;
}

/* Other IDs: an answer belongs to one query, and is hard to guess (RFC 5452). */
static void renew_ids(struct query queries[2])
{
    uint16_t id = queries[0].id;
    if (getrandom(&id, sizeof id, GRND_NONBLOCK) != sizeof id)
        id++;
    for (unsigned i = 0; i < 2; i++, id++) {
        queries[i].id = id;
        queries[i].bytes[2] = (uint8_t)(id >> 8);
        queries[i].bytes[3] = (uint8_t)id;
    }
}

/* ---------------------------------------------------------------- errors */

static void take_icmp(struct try *try, const struct socket_error *error)
{
    try->attempt.icmp.source = error->source;
    try->attempt.icmp.family = error->family;
    try->attempt.icmp.type = error->type;
    try->attempt.icmp.code = error->code;
}

void try_fail(struct try *try, int error)
{
    struct socket_error told = {0};
    bool open = try->attempt.asked > 0 && !try_is_udp(try);
    socket_next_icmp(try->descriptor, &told);
    try->attempt.error = error ? error : told.error;
    error = try->attempt.error;
    if (told.family || (open && socket_icmp_of(error, addr_is_v4(try->plan.server), &told))) {
        take_icmp(try, &told);
        try_note(try, FLOW_ICMP, 0);
        try_finish(try, ATTEMPT_ICMP);
    } else if (error == ECONNREFUSED && !open) {
        try_note(try, FLOW_SERVER_RST, 0);
        try_finish(try, ATTEMPT_REFUSED);
    } else if (error == ECONNRESET || error == EPIPE) {
        if (try->state == TRY_CONNECTING) { /* of a SYN it would be ECONNREFUSED (RFC 9293, 3.10.7.3) */
            try_note(try, FLOW_SYNACK, 0);
            try_note(try, FLOW_ACK, 0);
        }
        try_note(try, FLOW_SERVER_RST, 0);
        try_finish(try, ATTEMPT_RESET);
    } else if (error == ETIMEDOUT) {
        try_finish(try, open ? ATTEMPT_STUCK : ATTEMPT_SILENT);
    } else {
        try_finish(try, ATTEMPT_LOCAL_ERROR);
    }
}

/* ---------------------------------------------------------------- steps */

static void connected(struct try *try, int64_t now_ns)
{
    try_note(try, FLOW_SYNACK, 0);
    try_note(try, FLOW_ACK, 0); /* the kernel's, at once */
    socket_own_address(try->descriptor, &try->attempt.client, &try->attempt.client_port);
    if (!try->plan.unseen)
        socket_set_told(try->descriptor, try->plan.server, false);
    try->state = TRY_WAITING;
    if (try->plan.test == ATTEMPT_OTHER_PORT) {
        try_finish(try, ATTEMPT_ANSWERED);
        return;
    }
    if (try->plan.least_later_ttl)
        socket_set_least_ttl(try->descriptor, try->plan.server, try->plan.least_later_ttl);
    try_ask(try, now_ns);
}

/* The time is over: what the socket knows of its packets tells how far it came. */
static void give_up(struct try *try)
{
    unsigned again = try_is_udp(try) ? 0 : socket_sent_again(try->descriptor);
    if (try->state == TRY_CONNECTING) {
        for (unsigned i = 0; i < again; i++)
            try_note(try, FLOW_SYN_AGAIN, 0);
        try_finish(try, ATTEMPT_SILENT);
        return;
    }
    if (try_is_udp(try)) {
        try_finish(try, ATTEMPT_SILENT);
        return;
    }
    try_note_sent(try);
    try_note_part(try);
    try_note(try, FLOW_CLIENT_FIN, 0); /* by close(2) */
    try_finish(try, ATTEMPT_STUCK);
}

static short events_of(const struct try *try, const struct pollfd *list, size_t count)
{
    for (size_t i = 0; try->descriptor >= 0 && i < count; i++)
        if (list[i].fd == try->descriptor)
            return list[i].revents;
    return 0;
}

bool try_step(struct try *try, const struct pollfd *list, size_t count, int64_t now_ns)
{
    short events = events_of(try, list, count);
    if (try->state == TRY_CONNECTING && (events & (POLLOUT | POLLERR | POLLHUP))) {
        int error = socket_failed(try->descriptor);
        if (error)
            try_fail(try, error);
        else if (events & POLLOUT)
            connected(try, now_ns);
    } else if (try->state == TRY_WAITING && (events & (POLLIN | POLLERR | POLLHUP))) {
        try_read(try, now_ns);
        if (try->state == TRY_WAITING && (events & POLLERR) && !try_is_udp(try)) {
            int error = socket_failed(try->descriptor);
            if (error)
                try_fail(try, error);
        }
    }
    if (try->state == TRY_WAITING && try->more_ns && now_ns >= try->more_ns)
        try_ask_more(try, now_ns);
    if (try->state != TRY_OVER && now_ns >= try->end_ns)
        give_up(try);
    return try->state != TRY_OVER;
}

/* ---------------------------------------------------------------- beginning and end */

static void begin(struct try *try, int64_t now_ns)
{
    const struct try_plan *plan = &try->plan;
    const int on = 1;
    if (plan->test == ATTEMPT_MARKED)
        socket_set_tos(try->descriptor, plan->server, ATTEMPT_TOS);
    if (!try_is_udp(try))
        setsockopt(try->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (plan->least_ttl)
        socket_set_least_ttl(try->descriptor, plan->server, plan->least_ttl);
    try->attempt.own_ttl = socket_ttl(try->descriptor, plan->server);
    try->observer->port(try->observer->context, !try_is_udp(try), try->attempt.client_port);
    if (!try_is_udp(try))
        try_note(try, FLOW_SYN, 0);
    int error = socket_connect(try->descriptor, plan->server, plan->port);
    if (error) {
        try_fail(try, error);
        return;
    }
    socket_own_address(try->descriptor, &try->attempt.client, &try->attempt.client_port);
    try->state = try_is_udp(try) ? TRY_WAITING : TRY_CONNECTING;
    if (try_is_udp(try))
        try_ask(try, now_ns);
}

struct try *try_new(const struct try_plan *plan, const struct try_observer *observer, int64_t now_ns)
{
    struct try *try = calloc(1, sizeof *try);
    if (!try)
        return NULL;
    try->plan = *plan;
    try->observer = observer;
    try->queries[0] = try->queries[1] = *plan->query;
    renew_ids(try->queries);
    try->end_ns = now_ns + plan->timeout_ns;
    try->attempt = (struct attempt){
        .test = plan->test, .server = plan->server, .server_port = plan->port, .question = plan->query->question};
    try->descriptor =
        socket_open(plan->server, try_is_udp(try) ? SOCK_DGRAM : SOCK_STREAM, plan->parity, &try->attempt.client_port);
    if (try->descriptor < 0) {
        try->attempt.error = errno;
        try_finish(try, ATTEMPT_LOCAL_ERROR);
        return try;
    }
    begin(try, now_ns);
    return try;
}

void try_free(struct try *try)
{
    if (try && try->descriptor >= 0)
        close(try->descriptor);
    free(try);
}

struct pollfd try_waits_for(const struct try *try)
{
    return (struct pollfd){.fd = try->descriptor, .events = try->state == TRY_CONNECTING ? POLLOUT : POLLIN};
}

int64_t try_due_ns(const struct try *try)
{
    return try->more_ns && try->more_ns < try->end_ns ? try->more_ns : try->end_ns;
}

const struct attempt *try_attempt(const struct try *try)
{
    return &try->attempt;
}
