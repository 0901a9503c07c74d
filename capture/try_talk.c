/* What is said in an attempt: queries, whole or in parts, and the answers to them. */
#include "capture/try_inside.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define SPLIT_NS INT64_C(30000000)  /* between the segments of a query: two packets, whatever the path merges */
#define REUSE_NS INT64_C(300000000) /* between an answer and the next query */

/* ---------------------------------------------------------------- sending */

/* Of the query behind its own length. */
static size_t message_length(const struct try *try)
{
    return 2u + try->queries[0].length;
}

static void write_all(struct try *try, const uint8_t *bytes, size_t length)
{
    if (send(try->descriptor, bytes, length, MSG_NOSIGNAL) != (ssize_t)length)
        try_fail(try, errno);
}

static void ask_over_tcp(struct try *try, int64_t now_ns)
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
    try_note(try, FLOW_QUERY, now);
    write_all(try, both, now);
}

void try_ask_more(struct try *try, int64_t now_ns)
{
    bool split = try->plan.test == ATTEMPT_SPLIT;
    try->attempt.paused_ns += now_ns - try->more_ns + (split ? SPLIT_NS : REUSE_NS);
    try->more_ns = 0;
    if (split) {
        write_all(try, try->queries[0].bytes + 2, try->queries[0].length);
        return;
    }
    try->attempt.asked++;
    try_note(try, FLOW_QUERY, message_length(try));
    write_all(try, try->queries[1].bytes, message_length(try));
}

static void ask_over_udp(struct try *try)
{
    const struct query *query = &try->queries[0];
    try_note(try, FLOW_QUERY, query->length);
    try->attempt.asked = 1;
    if (send(try->descriptor, query->bytes + 2, query->length, 0) < 0)
        try_fail(try, errno);
}

void try_ask(struct try *try, int64_t now_ns)
{
    if (try_is_udp(try))
        ask_over_udp(try);
    else
        ask_over_tcp(try, now_ns);
}

/* ---------------------------------------------------------------- answers */

/* How many queries it consists in. */
static unsigned queries(const struct try *try)
{
    enum attempt_test test = try->plan.test;
    return test == ATTEMPT_OTHER_PORT ? 0 : test == ATTEMPT_PIPELINED || test == ATTEMPT_REUSED ? 2 : 1;
}

static void take_message(struct try *try, const uint8_t *bytes, size_t length)
{
    struct dns_message message;
    if (!query_is_answered(&try->queries[0], bytes, length, &message) &&
        !(try->attempt.asked > 1 && query_is_answered(&try->queries[1], bytes, length, &message))) {
        if (!try_is_udp(try)) /* over UDP it may be anybody's */
            try_finish(try, ATTEMPT_NOT_DNS);
        return;
    }
    struct attempt *attempt = &try->attempt;
    attempt->answered++;
    attempt->rcode = message.rcode;
    attempt->answer_bytes = (uint32_t)length;
    try_note(try, FLOW_ANSWER, length);
    if (message.truncated && try_is_udp(try)) {
        try_finish(try, ATTEMPT_TC);
        return;
    }
    try->observer->answer(try->observer->context, attempt, bytes, length);
    if (attempt->answered == queries(try))
        try_finish(try, dns_rcode_is_refusal(message.rcode) ? ATTEMPT_RCODE : ATTEMPT_ANSWERED);
}

/* Takes the messages that are whole, and keeps the rest. */
static void take_messages(struct try *try, int64_t now_ns)
{
    while (try->state == TRY_WAITING && try->got >= 2) {
        size_t length = (size_t)(try->bytes[0] << 8 | try->bytes[1]);
        if (try->got < 2 + length)
            return;
        take_message(try, try->bytes + 2, length);
        try->got -= 2 + length;
        memmove(try->bytes, try->bytes + 2 + length, try->got);
        if (try->state == TRY_WAITING && try->plan.test == ATTEMPT_REUSED)
            try->more_ns = now_ns + REUSE_NS;
    }
}

void try_note_part(struct try *try)
{
    if (try->got > 0)
        try_note(try, FLOW_ANSWER_PART, try->got);
}

void try_note_sent(struct try *try)
{
    enum { ENOUGH = 4 };
    unsigned again = socket_sent_again(try->descriptor);
    for (unsigned i = 0; i < again && i < ENOUGH; i++)
        try_note(try, FLOW_QUERY_AGAIN, 0);
    try->attempt.unsent = socket_unsent(try->descriptor) >= message_length(try);
    try->attempt.unheard = !socket_all_acknowledged(try->descriptor);
    if (!try->attempt.unheard)
        try_note(try, FLOW_QUERY_ACKED, 0);
}

/* What came in part begins with no length and ID of an answer to this query: "HTTP/1.1 400", for one. */
static bool is_strange(const struct try *try)
{
    enum { ID_END = 4 };
    if (try->got < ID_END)
        return false;
    unsigned id = (unsigned)(try->bytes[2] << 8 | try->bytes[3]);
    return id != try->queries[0].id && id != try->queries[1].id;
}

static void read_stream(struct try *try, int64_t now_ns)
{
    while (try->state == TRY_WAITING) {
        ssize_t got = recv(try->descriptor, try->bytes + try->got, sizeof try->bytes - try->got, MSG_DONTWAIT);
        if (got > 0) {
            try->got += (size_t)got;
            take_messages(try, now_ns);
        } else if (got == 0) {
            try_note_part(try);
            try_note_sent(try);
            try_note(try, FLOW_SERVER_FIN, 0);
            try_finish(try, is_strange(try) ? ATTEMPT_NOT_DNS : ATTEMPT_CLOSED);
        } else if (errno == EAGAIN || errno == EINTR) {
            return;
        } else {
            int error = errno;
            try_note_part(try);
            try_fail(try, error);
        }
    }
}

static void read_datagrams(struct try *try)
{
    while (try->state == TRY_WAITING) {
        uint8_t ttl;
        ssize_t got = socket_receive(try->descriptor, try->bytes, sizeof try->bytes, &ttl);
        if (got >= 0) {
            try->attempt.ttl = ttl;
            take_message(try, try->bytes, (size_t)got);
        } else {
            if (errno != EAGAIN && errno != EINTR)
                try_fail(try, errno);
            return;
        }
    }
}

void try_read(struct try *try, int64_t now_ns)
{
    if (try_is_udp(try))
        read_datagrams(try);
    else
        read_stream(try, now_ns);
}
