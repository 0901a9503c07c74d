/*
 * How it works: a connection goes from connecting to waiting for the answers; each step reads what came, says what happened
 * in the attempt's events, and sends what is due: the rest of a query that is split, a second one over a kept connection.
 */
#include "capture/try.h"

#include "capture/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define SPLIT_NS INT64_C(30000000)  /* between the segments of a query: two packets, whatever the path merges */
#define REUSE_NS INT64_C(300000000) /* between an answer and the next query */

enum state { CONNECTING, WAITING, OVER };

struct
try {
    struct try_plan plan;
    const struct try_observer *observer;
    struct attempt attempt;
    struct query queries[2]; /* the same with two IDs: answers may come in any order (RFC 7766, 6.2.1.1) */
    enum state state;
    int descriptor;
    int64_t end_ns;  /* when it is given up */
    int64_t more_ns; /* when more is to be sent; 0: nothing is */
    size_t got;
    uint8_t bytes[TRY_MESSAGE];
};

static int64_t day_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return frame_time_ns(now.tv_sec, now.tv_nsec);
}

static void note(struct try *try, enum flow_event event, size_t length)
{
    attempt_note(&try->attempt, event, day_ns(), (uint32_t)length);
}

static void finish(struct try *try, enum attempt_status status)
{
    try->attempt.status = status;
    try->attempt.ended_ns = day_ns();
    try->state = OVER;
    if (try->descriptor >= 0)
        close(try->descriptor);
    try->descriptor = -1;
}

static bool is_udp(const struct try *try)
{
    return attempt_test_is_udp(try->plan.test);
}

/* How many queries it consists in. */
static unsigned queries(const struct try *try)
{
    enum attempt_test test = try->plan.test;
    return test == ATTEMPT_OTHER_PORT ? 0 : test == ATTEMPT_PIPELINED || test == ATTEMPT_REUSED ? 2 : 1;
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

/* The socket failed: by an ICMP error, a RST, or on this host. */
static void fail(struct try *try, int error)
{
    struct socket_error told = {0};
    bool open = try->attempt.asked > 0 && !is_udp(try);
    socket_next_icmp(try->descriptor, &told);
    try->attempt.error = error ? error : told.error;
    error = try->attempt.error;
    if (told.family || (open && socket_icmp_of(error, addr_is_v4(try->plan.server), &told))) {
        take_icmp(try, &told);
        note(try, FLOW_ICMP, 0);
        finish(try, ATTEMPT_ICMP);
    } else if (error == ECONNREFUSED && !open) {
        note(try, FLOW_SERVER_RST, 0);
        finish(try, ATTEMPT_REFUSED);
    } else if (error == ECONNRESET || error == EPIPE) {
        if (try->state == CONNECTING) { /* of a SYN it would be ECONNREFUSED (RFC 9293, 3.10.7.3) */
            note(try, FLOW_SYNACK, 0);
            note(try, FLOW_ACK, 0);
        }
        note(try, FLOW_SERVER_RST, 0);
        finish(try, ATTEMPT_RESET);
    } else if (error == ETIMEDOUT) {
        finish(try, open ? ATTEMPT_STUCK : ATTEMPT_SILENT);
    } else {
        finish(try, ATTEMPT_LOCAL_ERROR);
    }
}

/* ---------------------------------------------------------------- sending */

/* Of the query behind its own length. */
static size_t message_length(const struct try *try)
{
    return 2u + try->queries[0].length;
}

static bool write_all(struct try *try, const uint8_t *bytes, size_t length)
{
    if (send(try->descriptor, bytes, length, MSG_NOSIGNAL) == (ssize_t)length)
        return true;
    fail(try, errno);
    return false;
}

/* The first query, or both at once, or the beginning of one; `more_ns` is when the rest is due. */
static void send_first(struct try *try, int64_t now_ns)
{
    size_t length = message_length(try);
    uint8_t both[2 * sizeof try->queries[0].bytes];
    memcpy(both, try->queries[0].bytes, length);
    if (try->plan.test == ATTEMPT_PIPELINED) {
        memcpy(both + length, try->queries[1].bytes, length);
        length *= 2;
    }
    size_t now = try->plan.test == ATTEMPT_SPLIT ? 2 : length;
    try->attempt.asked = try->plan.test == ATTEMPT_PIPELINED ? 2 : 1;
    try->more_ns = now < length ? now_ns + SPLIT_NS : 0;
    note(try, FLOW_QUERY, now);
    write_all(try, both, now);
}

/* The rest of the query, or the next query over the connection that was kept. */
static void send_more(struct try *try, int64_t now_ns)
{
    bool split = try->plan.test == ATTEMPT_SPLIT;
    try->attempt.paused_ns += now_ns - try->more_ns + (split ? SPLIT_NS : REUSE_NS);
    try->more_ns = 0;
    if (split) {
        write_all(try, try->queries[0].bytes + 2, try->queries[0].length);
        return;
    }
    try->attempt.asked++;
    note(try, FLOW_QUERY, message_length(try));
    write_all(try, try->queries[1].bytes, message_length(try));
}

static void begin_udp(struct try *try)
{
    const struct query *query = &try->queries[0];
    note(try, FLOW_QUERY, query->length);
    try->attempt.asked = 1;
    if (send(try->descriptor, query->bytes + 2, query->length, 0) < 0)
        fail(try, errno);
}

/* ---------------------------------------------------------------- answers */

static void take_message(struct try *try, const uint8_t *bytes, size_t length)
{
    struct dns_message message;
    if (!query_is_answered(&try->queries[0], bytes, length, &message) &&
        !(try->attempt.asked > 1 && query_is_answered(&try->queries[1], bytes, length, &message))) {
        if (!is_udp(try)) /* over UDP it may be anybody's */
            finish(try, ATTEMPT_NOT_DNS);
        return;
    }
    struct attempt *attempt = &try->attempt;
    attempt->answered++;
    attempt->rcode = message.rcode;
    attempt->answer_bytes = (uint32_t)length;
    note(try, FLOW_ANSWER, length);
    if (message.truncated && is_udp(try)) {
        finish(try, ATTEMPT_TC);
        return;
    }
    try->observer->answer(try->observer->context, attempt, bytes, length);
    if (attempt->answered == queries(try))
        finish(try, dns_rcode_is_refusal(message.rcode) ? ATTEMPT_RCODE : ATTEMPT_ANSWERED);
}

/* Takes the messages that are whole, and keeps the rest. */
static void take_messages(struct try *try, int64_t now_ns)
{
    while (try->state == WAITING && try->got >= 2) {
        size_t length = (size_t)(try->bytes[0] << 8 | try->bytes[1]);
        if (try->got < 2 + length)
            return;
        take_message(try, try->bytes + 2, length);
        try->got -= 2 + length;
        memmove(try->bytes, try->bytes + 2 + length, try->got);
        if (try->state == WAITING && try->plan.test == ATTEMPT_REUSED)
            try->more_ns = now_ns + REUSE_NS;
    }
}

static void note_part(struct try *try)
{
    if (try->got > 0)
        note(try, FLOW_ANSWER_PART, try->got);
}

/* What became of the queries' packets, of which the socket knows no times. */
static void note_sent(struct try *try)
{
    enum { ENOUGH = 4 };
    unsigned again = socket_sent_again(try->descriptor);
    for (unsigned i = 0; i < again && i < ENOUGH; i++)
        note(try, FLOW_QUERY_AGAIN, 0);
    try->attempt.unsent = socket_unsent(try->descriptor) >= message_length(try);
    try->attempt.unheard = !socket_all_acknowledged(try->descriptor);
    if (!try->attempt.unheard)
        note(try, FLOW_QUERY_ACKED, 0);
}

static void read_stream(struct try *try, int64_t now_ns)
{
    while (try->state == WAITING) {
        ssize_t got = recv(try->descriptor, try->bytes + try->got, sizeof try->bytes - try->got, MSG_DONTWAIT);
        if (got > 0) {
            try->got += (size_t)got;
            take_messages(try, now_ns);
        } else if (got == 0) {
            note_part(try);
            note_sent(try);
            note(try, FLOW_SERVER_FIN, 0);
            finish(try, ATTEMPT_CLOSED);
        } else if (errno == EAGAIN || errno == EINTR) {
            return;
        } else {
            int error = errno;
            note_part(try);
            fail(try, error);
        }
    }
}

static void read_datagrams(struct try *try)
{
    while (try->state == WAITING) {
        uint8_t ttl;
        ssize_t got = socket_receive(try->descriptor, try->bytes, sizeof try->bytes, &ttl);
        if (got >= 0) {
            try->attempt.ttl = ttl;
            take_message(try, try->bytes, (size_t)got);
        } else {
            if (errno != EAGAIN && errno != EINTR)
                fail(try, errno);
            return;
        }
    }
}

/* ---------------------------------------------------------------- steps */

static void connected(struct try *try, int64_t now_ns)
{
    note(try, FLOW_SYNACK, 0);
    note(try, FLOW_ACK, 0); /* the kernel's, at once */
    socket_own_address(try->descriptor, &try->attempt.client, &try->attempt.client_port);
    if (!try->plan.unseen)
        socket_set_told(try->descriptor, try->plan.server, false);
    try->state = WAITING;
    if (try->plan.test == ATTEMPT_OTHER_PORT) {
        finish(try, ATTEMPT_ANSWERED);
        return;
    }
    if (try->plan.least_later_ttl)
        socket_set_least_ttl(try->descriptor, try->plan.server, try->plan.least_later_ttl);
    send_first(try, now_ns);
}

/* The time is over: what the socket knows of its packets tells how far it came. */
static void give_up(struct try *try)
{
    unsigned again = is_udp(try) ? 0 : socket_sent_again(try->descriptor);
    if (try->state == CONNECTING) {
        for (unsigned i = 0; i < again; i++)
            note(try, FLOW_SYN_AGAIN, 0);
        finish(try, ATTEMPT_SILENT);
        return;
    }
    if (is_udp(try)) {
        finish(try, ATTEMPT_SILENT);
        return;
    }
    note_sent(try);
    note_part(try);
    note(try, FLOW_CLIENT_FIN, 0); /* by close(2) */
    finish(try, ATTEMPT_STUCK);
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
    if (try->state == CONNECTING && (events & (POLLOUT | POLLERR | POLLHUP))) {
        int error = socket_failed(try->descriptor);
        if (error)
            fail(try, error);
        else if (events & POLLOUT)
            connected(try, now_ns);
    } else if (try->state == WAITING && (events & (POLLIN | POLLERR | POLLHUP))) {
        if (is_udp(try))
            read_datagrams(try);
        else
            read_stream(try, now_ns);
        if (try->state == WAITING && (events & POLLERR) && !is_udp(try)) {
            int error = socket_failed(try->descriptor);
            if (error)
                fail(try, error);
        }
    }
    if (try->state == WAITING && try->more_ns && now_ns >= try->more_ns)
        send_more(try, now_ns);
    if (try->state != OVER && now_ns >= try->end_ns)
        give_up(try);
    return try->state != OVER;
}

/* ---------------------------------------------------------------- beginning and end */

static void begin(struct try *try)
{
    const struct try_plan *plan = &try->plan;
    const int on = 1;
    if (plan->test == ATTEMPT_MARKED)
        socket_set_tos(try->descriptor, plan->server, ATTEMPT_TOS);
    if (!is_udp(try))
        setsockopt(try->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (plan->least_ttl)
        socket_set_least_ttl(try->descriptor, plan->server, plan->least_ttl);
    try->attempt.own_ttl = socket_ttl(try->descriptor, plan->server);
    try->observer->port(try->observer->context, !is_udp(try), try->attempt.client_port);
    if (!is_udp(try))
        note(try, FLOW_SYN, 0);
    int error = socket_connect(try->descriptor, plan->server, plan->port);
    if (error) {
        fail(try, error);
        return;
    }
    socket_own_address(try->descriptor, &try->attempt.client, &try->attempt.client_port);
    try->state = is_udp(try) ? WAITING : CONNECTING;
    if (is_udp(try))
        begin_udp(try);
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
        socket_open(plan->server, is_udp(try) ? SOCK_DGRAM : SOCK_STREAM, plan->parity, &try->attempt.client_port);
    if (try->descriptor < 0) {
        try->attempt.error = errno;
        finish(try, ATTEMPT_LOCAL_ERROR);
        return try;
    }
    begin(try);
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
    return (struct pollfd){.fd = try->descriptor, .events = try->state == CONNECTING ? POLLOUT : POLLIN};
}

int64_t try_due_ns(const struct try *try)
{
    return try->more_ns && try->more_ns < try->end_ns ? try->more_ns : try->end_ns;
}

const struct attempt *try_attempt(const struct try *try)
{
    return &try->attempt;
}
