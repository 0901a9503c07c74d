/*
 * How it works. Whatever answers a packet ends its shot, but a router's time exceeded does not quite: of a packet that was
 * seen on the way somebody may forge an answer as well, which comes a little later and tells more.
 *
 * The query's segment has to be the only one that goes as far as its TTL. So the kernel is kept from acknowledging the
 * handshake by itself (TCP_QUICKACK): the query, written when the SYN-ACK is there, acknowledges it as well. A server
 * beyond that hop knows nothing of the connection yet, and what its software does with connections, such as to close them
 * when they are accepted, cannot be taken for something on the way.
 */
#include "capture/locate_shot.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS_NS INT64_C(1000000)

enum { DATAGRAMS = 8 /* that are read in one turn */ };

static const int64_t after_exceeded_ns = 150 * MS_NS;
/* Somebody who forges an answer to the SYN may be slower than the server is: it is waited for. */
static const int64_t before_query_ns = 100 * MS_NS;
/* The kernel acknowledges the handshake after 200 ms (TCP_DELACK_MAX) if nothing else did. */
static const int64_t acknowledged_ns = 180 * MS_NS;
/*
 * A server that has no acknowledgement of its SYN-ACK sends that again after a second (RFC 6298), and the kernel
 * acknowledges it at once, with the TTL that is set: from 820 ms after the query on a time exceeded may be for that.
 */
static const int64_t only_query_ns = 800 * MS_NS;

static bool is_tcp(const struct shot *shot)
{
    return shot->way != PATH_UDP;
}

static bool has_end(const struct shot *shot)
{
    return (PATH_ENDS & PATH_BIT(shot->reply)) != 0;
}

/* Over TCP with a RST, which goes as far as the server. */
void shot_end(struct shot *shot, const struct shot_target *target)
{
    enum { ORDINARY_TTL = -1 };
    if (shot->fd >= 0 && is_tcp(shot)) {
        socket_set_ttl(shot->fd, target->server, ORDINARY_TTL);
        socket_abort(shot->fd);
    } else if (shot->fd >= 0) {
        close(shot->fd);
    }
    shot->fd = -1;
}

enum { SYN_AGAIN = 1 };

/* Its SYN is sent twice at most, and its handshake is acknowledged no sooner than its first data are sent. */
static int open_socket(struct addr server, bool tcp, enum socket_parity parity, uint16_t *port)
{
    const int again = SYN_AGAIN, off = 0;
    int descriptor = socket_open(server, tcp ? SOCK_STREAM : SOCK_DGRAM, parity, port);
    if (descriptor >= 0 && tcp) {
        setsockopt(descriptor, IPPROTO_TCP, TCP_SYNCNT, &again, sizeof again);
        setsockopt(descriptor, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
    }
    return descriptor;
}

static bool fire(struct shot *shot, const struct shot_target *target, enum socket_parity parity)
{
    uint16_t port;
    shot->fd = open_socket(target->server, is_tcp(shot), parity, &port);
    if (shot->fd < 0)
        return false;
    if (target->bound)
        target->bound(target->context, is_tcp(shot), port);
    if (shot->way != PATH_QUERY && !socket_set_ttl(shot->fd, target->server, shot->ttl))
        return false;
    if (socket_connect(shot->fd, target->server, target->port) != 0)
        return false;
    if (shot->way == PATH_QUERY)
        return socket_set_ttl(shot->fd, target->server, shot->ttl);
    if (is_tcp(shot))
        return true;
    /* EPERM is this host's own filter: as silent as others are */
    return send(shot->fd, target->query->bytes + 2, target->query->length, 0) >= 0 || errno == EPERM;
}

bool shot_fire(struct shot *shot, const struct shot_target *target, enum path_way way, unsigned ttl,
               enum socket_parity parity, int64_t now_ns)
{
    *shot = (struct shot){.fd = -1, .way = way, .ttl = (uint8_t)ttl, .due_ns = now_ns + target->timeout_ns};
    shot->counts = way != PATH_QUERY;
    if (fire(shot, target, parity))
        return true;
    shot_end(shot, target);
    return false;
}

/* This host itself says so, of a neighbour that does not answer: nothing was sent. */
static bool is_own_failure(const struct shot *shot, const struct socket_error *icmp)
{
    struct addr own;
    uint16_t port;
    return socket_error_is(icmp, SOCKET_HOST_UNREACHABLE) && socket_own_address(shot->fd, &own, &port) &&
           addr_same(own, icmp->source);
}

/* Of a packet that is too big the way is not at an end. */
static void note_icmp(struct shot *shot, const struct socket_error *icmp)
{
    if (socket_error_is(icmp, SOCKET_TOO_BIG) || is_own_failure(shot, icmp) || has_end(shot))
        return;
    shot->reply = socket_error_is(icmp, SOCKET_TIME_EXCEEDED) ? PATH_EXCEEDED : PATH_ICMP;
    shot->icmp = *icmp;
}

static void read_icmp(struct shot *shot)
{
    struct socket_error icmp;
    while (socket_next_icmp(shot->fd, &icmp))
        note_icmp(shot, &icmp);
}

static bool is_answer(const struct query *query, const uint8_t *bytes, size_t length)
{
    struct dns_message message;
    return dns_parse(&message, cursor_of(bytes, length)) && message.response && message.id == query->id;
}

static void look_udp(struct shot *shot, const struct shot_target *target)
{
    uint8_t bytes[QUERY_BYTES];
    read_icmp(shot);
    for (int i = 0; i < DATAGRAMS; i++) {
        ssize_t got = recv(shot->fd, bytes, sizeof bytes, 0);
        if (got < 0 && errno == EAGAIN)
            return;
        /* an error here is one that the queue told of already */
        if (got >= 0 && is_answer(target->query, bytes, (size_t)got))
            shot->reply = PATH_ANSWERED;
    }
}

/* A SYN that was refused, by a RST or by an ICMP error. The kernel queues the latter before it sets the error. */
static void look_syn(struct shot *shot)
{
    int error = socket_failed(shot->fd);
    read_icmp(shot);
    if (shot->reply != PATH_SILENT)
        return;
    if (error == ECONNREFUSED || error == ECONNRESET)
        shot->reply = PATH_RESET;
    else if (error == 0 && socket_is_open(shot->fd))
        shot->reply = PATH_ACCEPTED;
    else if (error != 0)
        shot->due_ns = 0;
}

/* EHOSTUNREACH stands for several errors: as long as only the query is under way it is for the TTL. */
static void note_errno(struct shot *shot, int error, bool v4, int64_t now_ns)
{
    struct socket_error icmp;
    if (error == EHOSTUNREACH && shot->reply == PATH_SILENT && now_ns - shot->since_ns < only_query_ns) {
        shot->reply = PATH_EXCEEDED;
        shot->by_errno = true;
    } else if (error != EHOSTUNREACH && socket_icmp_of(error, v4, &icmp)) {
        shot->reply = PATH_ICMP;
        shot->icmp = icmp;
    }
}

static void note_end(struct shot *shot, const struct shot_target *target, int error, int64_t now_ns)
{
    if (error == ECONNRESET || error == EPIPE)
        shot->reply = PATH_RESET;
    else if (error == ETIMEDOUT)
        shot->due_ns = 0;
    else
        note_errno(shot, error, addr_is_v4(target->server), now_ns);
}

/* What recv() is not told of is an error that came while the query was being sent, as on a very short way. */
static void look_query(struct shot *shot, const struct shot_target *target, int64_t now_ns)
{
    uint8_t byte;
    ssize_t got = recv(shot->fd, &byte, sizeof byte, 0);
    int error = got < 0 ? errno : 0;
    if (got >= 0)
        shot->reply = got > 0 ? PATH_ANSWERED : PATH_CLOSED;
    else
        note_end(shot, target, error == EAGAIN ? socket_failed(shot->fd) : error, now_ns);
}

/* Nothing has come yet: what somebody sends before the query is not for the query. */
static bool is_quiet(const struct shot *shot)
{
    uint8_t byte;
    return recv(shot->fd, &byte, sizeof byte, MSG_PEEK) < 0 && errno == EAGAIN;
}

static void ask(struct shot *shot, const struct shot_target *target, int64_t now_ns)
{
    size_t length = 2u + target->query->length;
    bool late = now_ns > shot->since_ns + acknowledged_ns;
    shot->due_ns = 0;
    if (late || !is_quiet(shot) || send(shot->fd, target->query->bytes, length, MSG_NOSIGNAL) != (ssize_t)length)
        return;
    shot->state = SHOT_ASKED;
    shot->counts = true;
    shot->since_ns = now_ns;
    shot->due_ns = now_ns + target->timeout_ns;
    look_query(shot, target, now_ns);
}

/* The query's connection before the query. What ends it here counts for no TTL. */
static void look_handshake(struct shot *shot, const struct shot_target *target, int64_t now_ns)
{
    if (socket_failed(shot->fd) != 0) {
        shot->due_ns = 0;
    } else if (shot->state == SHOT_OPEN && now_ns >= shot->due_ns) {
        ask(shot, target, now_ns);
    } else if (shot->state == SHOT_SENT && socket_is_open(shot->fd)) {
        shot->state = SHOT_OPEN;
        shot->since_ns = now_ns;
        shot->due_ns = now_ns + before_query_ns;
    }
}

bool shot_look(struct shot *shot, const struct shot_target *target, int64_t now_ns)
{
    enum path_reply before = shot->reply;
    if (shot->way == PATH_UDP)
        look_udp(shot, target);
    else if (shot->way == PATH_SYN)
        look_syn(shot);
    else if (shot->state == SHOT_ASKED)
        look_query(shot, target, now_ns);
    else
        look_handshake(shot, target, now_ns);
    bool over = has_end(shot) || (shot->way == PATH_SYN && shot->reply == PATH_EXCEEDED);
    if (shot->reply == PATH_EXCEEDED && before != PATH_EXCEEDED && shot->due_ns > now_ns + after_exceeded_ns)
        shot->due_ns = now_ns + after_exceeded_ns;
    if (!over && now_ns < shot->due_ns)
        return false;
    shot_end(shot, target);
    return true;
}

short shot_events(const struct shot *shot)
{
    return shot->way == PATH_SYN || (shot->way == PATH_QUERY && shot->state == SHOT_SENT) ? POLLOUT : POLLIN;
}
