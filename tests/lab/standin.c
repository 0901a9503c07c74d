/* A small DNS server, IPv4 and IPv6, for what no real one does on demand. It listens on TCP alone, so that a real
 * server can answer UDP beside it.
 *
 *   standin MODE [OPTION=VALUE...]
 *     answer            two MX records for every question for MX or ANY, none for other types
 *     close             accepts, and closes at once: before the query in every run, but for delay= and mode2=
 *     reset             the same, but resets
 *     close-unread      closes when the query has arrived, without reading it: the kernel sends a reset
 *     fin-after-query   reads the query, closes without an answer
 *     reset-after-query reads the query, resets
 *     hang              reads the query, never answers, stays open
 *     rcode=N           answers with this code and no records
 *     cut               writes the length and one half of the answer, closes
 *     cut-reset         the same, but resets
 *     http              is a web server, to which the query is a bad request
 *     length-lie        writes a length larger than the answer, the answer, closes
 *     late              answers after delay= (2000) ms
 *     one-then-close    answers the first query of a connection, resets upon the second
 *     flaky             the first connection, the third, ... as with answer; the others as with mode2=
 *     hang-name, reset-name
 *                       for name= hangs or resets, answers for others (no-response-to-name: hang-name)
 *     backlog           never accepts, and has a queue for two: what comes then gets no SYN-ACK
 *
 *   port=N (53)  at=ADDRESS (any; with an address one family alone)
 *   ttl=N (the system's)    of what its sockets write; a closed socket's bare resets are the kernel's
 *   delay=MS (0)            before whatever the mode does
 *   big=N (2)               so many MX records
 *   mode2=MODE (reset)      for flaky
 *   name=NAME               for hang-name and reset-name: this very name
 *   fill=N (0)              for backlog: fills the queue itself with so many connections over lo
 *   udp=no | yes            answers UDP, too: with TC when there is no room in 512 bytes,
 *   tc=no | yes             and for names that begin with "big"
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 64, SOCKETS = 4, IN_MAX = 2048, MESSAGE_MAX = 65535, UDP_MAX = 512 };
enum { HEADER = 12, QR = 0x80, TC = 0x02, MX = 15, ANY = 255, NAME_WIRE = 255, SERVFAIL = 2 };

enum after { STAY, CLOSE, RESET };

struct connection;

struct mode {
    const char *name;
    void (*on_accept)(struct connection *);
    void (*on_query)(struct connection *);
    int unread;
};

struct connection {
    int fd; /* 0: the slot is free */
    const struct mode *mode;
    unsigned char in[IN_MAX]; /* what has come and is not used up */
    size_t in_length;
    unsigned char out[2 + MESSAGE_MAX];
    size_t out_length, out_sent;
    int busy; /* something is to be written, or to be done after that */
    enum after after;
    double due; /* not before */
    int queries;
};

static struct connection connections[CONNECTIONS];
static int port = 53, ttl, delay, big = 2, fill, udp, tc, rcode = SERVFAIL;
static unsigned char name[NAME_WIRE];
static size_t name_size;
static const char *at;
static const struct mode *mode, *mode2;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static unsigned get16(const unsigned char *b)
{
    return (unsigned)b[0] << 8 | b[1];
}

static unsigned char *put16(unsigned char *b, unsigned value)
{
    b[0] = (unsigned char)(value >> 8);
    b[1] = (unsigned char)value;
    return b + 2;
}

/* ---------------------------------------------------------------- messages */

/* The bytes of the name of the first question, or 0. */
static size_t name_length(const unsigned char *query, size_t length)
{
    size_t i = HEADER;
    while (i < length && query[i] != 0 && query[i] < 64)
        i += 1U + query[i];
    return i + 5 <= length && query[i] == 0 && get16(query + 4) > 0 ? i + 1 - HEADER : 0;
}

static int asks_for_name(const unsigned char *query, size_t length)
{
    size_t size = name_length(query, length);
    if (name_size == 0 || size != name_size)
        return 0;
    for (size_t i = 0; i < size; i++)
        if (tolower(query[HEADER + i]) != tolower(name[i]))
            return 0;
    return 1;
}

static unsigned char *put_mx(unsigned char *b, int number)
{
    char host[16];
    size_t size = (size_t)snprintf(host, sizeof host, "mx%d", number);
    b = put16(b, 0xc000 | HEADER); /* the name asked for */
    b = put16(b, MX);
    b = put16(b, 1);
    b = put16(b, 0);
    b = put16(b, 300);
    b = put16(b, 2 + 1 + (unsigned)size + 2);
    b = put16(b, 10U * (unsigned)number);
    *b++ = (unsigned char)size;
    memcpy(b, host, size);
    return put16(b + size, 0xc000 | HEADER);
}

/* Writes the answer to the query; its length. Without a question: the header alone. */
static size_t make_answer(const unsigned char *query, size_t length, unsigned code, int records, unsigned char *out)
{
    size_t question = name_length(query, length);
    unsigned char *end = out + HEADER;
    if (question > 0) {
        unsigned type = get16(query + HEADER + question);
        question += 4;
        memcpy(end, query + HEADER, question);
        end += question;
        records = type == MX || type == ANY ? records : 0;
    } else {
        records = 0;
    }
    memcpy(out, query, 2);
    out[2] = (unsigned char)(QR | 0x04 | (query[2] & 0x79)); /* AA; opcode and RD are the query's */
    out[3] = (unsigned char)code;
    put16(out + 4, question > 0);
    put16(out + 6, (unsigned)records);
    memset(out + 8, 0, 4);
    for (int i = 1; i <= records; i++)
        end = put_mx(end, i);
    return (size_t)(end - out);
}

/* ---------------------------------------------------------------- what a connection does */

static void then(struct connection *c, enum after after)
{
    c->busy = 1;
    c->after = after;
    c->due = now() + delay;
}

static size_t write_answer(struct connection *c, unsigned code, int records)
{
    size_t length = make_answer(c->in + 2, get16(c->in), code, records, c->out + 2);
    put16(c->out, (unsigned)length);
    c->out_length = 2 + length;
    then(c, STAY);
    return length;
}

static void do_nothing(struct connection *c)
{
    (void)c;
}

static void do_close(struct connection *c)
{
    then(c, CLOSE);
}

static void do_reset(struct connection *c)
{
    then(c, RESET);
}

static void do_answer(struct connection *c)
{
    write_answer(c, 0, big);
}

static void do_refuse(struct connection *c)
{
    write_answer(c, (unsigned)rcode, 0);
}

static void do_cut(struct connection *c)
{
    c->out_length = 2 + write_answer(c, 0, big) / 2;
    c->after = CLOSE;
}

static void do_cut_reset(struct connection *c)
{
    do_cut(c);
    c->after = RESET;
}

static void do_http(struct connection *c)
{
    c->out_length = (size_t)sprintf((char *)c->out, "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
    then(c, CLOSE);
}

static void do_lie(struct connection *c)
{
    put16(c->out, (unsigned)write_answer(c, 0, big) + 100);
    c->after = CLOSE;
}

static void do_one(struct connection *c)
{
    (c->queries == 1 ? do_answer : do_reset)(c);
}

static void do_hang_name(struct connection *c)
{
    (asks_for_name(c->in + 2, get16(c->in)) ? do_nothing : do_answer)(c);
}

static void do_reset_name(struct connection *c)
{
    (asks_for_name(c->in + 2, get16(c->in)) ? do_reset : do_answer)(c);
}

static const struct mode modes[] = {
    {"answer", do_nothing, do_answer, 0},
    {"close", do_close, do_nothing, 0},
    {"reset", do_reset, do_nothing, 0},
    {"close-unread", do_nothing, do_close, 1},
    {"fin-after-query", do_nothing, do_close, 0},
    {"reset-after-query", do_nothing, do_reset, 0},
    {"hang", do_nothing, do_nothing, 0},
    {"rcode", do_nothing, do_refuse, 0},
    {"cut", do_nothing, do_cut, 0},
    {"cut-reset", do_nothing, do_cut_reset, 0},
    {"http", do_nothing, do_http, 0},
    {"length-lie", do_nothing, do_lie, 0},
    {"late", do_nothing, do_answer, 0},
    {"one-then-close", do_nothing, do_one, 0},
    {"flaky", do_nothing, do_answer, 0},
    {"hang-name", do_nothing, do_hang_name, 0},
    {"no-response-to-name", do_nothing, do_hang_name, 0},
    {"reset-name", do_nothing, do_reset_name, 0},
    {"backlog", NULL, NULL, 0},
};

static int is_mode(const struct mode *m, const char *word)
{
    return strcmp(m->name, word) == 0;
}

/* rcode=5 and rcode5 are both right. */
static const struct mode *find_mode(const char *word)
{
    size_t length = strcspn(word, "=0123456789");
    const char *number = word + length + (word[length] == '=');
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strlen(modes[i].name) != length || memcmp(modes[i].name, word, length) != 0)
            continue;
        if (*number != '\0')
            rcode = atoi(number) & 15;
        return &modes[i];
    }
    return NULL;
}

/* ---------------------------------------------------------------- connections */

static void end_connection(struct connection *c)
{
    const struct linger at_once = {.l_onoff = 1};
    if (c->busy && c->after == RESET) {
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    } else if (!c->mode->unread) {
        recv(c->fd, c->in, sizeof c->in, 0); /* what is left unread would make the kernel reset */
        shutdown(c->fd, SHUT_RDWR);
        setsockopt(c->fd, SOL_SOCKET, SO_DETACH_FILTER, &(int){0}, sizeof(int)); /* see lose_payload */
    }
    close(c->fd);
    c->fd = 0;
}

/* Takes the next whole query, if there is one. */
static void take_query(struct connection *c)
{
    size_t need = c->in_length < 2 ? 2 : 2 + (size_t)get16(c->in);
    if (c->in_length < need || need < 2 + HEADER) {
        int low = (int)need; /* wakes no one before */
        if (c->mode->unread)
            setsockopt(c->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low);
        return;
    }
    c->queries++;
    c->mode->on_query(c);
    memmove(c->in, c->in + need, c->in_length - need);
    c->in_length -= need;
}

static void read_some(struct connection *c)
{
    size_t have = c->mode->unread ? 0 : c->in_length;
    ssize_t n = recv(c->fd, c->in + have, sizeof c->in - have, c->mode->unread ? MSG_PEEK : 0);
    if (n <= 0) {
        end_connection(c);
        return;
    }
    c->in_length = have + (size_t)n;
    take_query(c);
}

static void write_some(struct connection *c)
{
    ssize_t n = send(c->fd, c->out + c->out_sent, c->out_length - c->out_sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n > 0)
        c->out_sent += (size_t)n;
    if (n >= 0 && c->out_sent < c->out_length)
        return;
    if (n < 0 || c->after != STAY) {
        end_connection(c);
        return;
    }
    c->busy = 0;
    c->out_length = c->out_sent = 0;
    take_query(c);
}

static void accept_one(int listener)
{
    static unsigned accepted;
    struct connection *c = connections;
    while (c < connections + CONNECTIONS && c->fd != 0)
        c++;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (c == connections + CONNECTIONS) {
        close(fd);
        return;
    }
    c->fd = fd;
    c->mode = accepted++ % 2 == 1 && is_mode(mode, "flaky") ? mode2 : mode;
    c->in_length = c->out_length = c->out_sent = 0;
    c->busy = c->queries = 0;
    c->mode->on_accept(c);
    if (c->busy && delay == 0)
        write_some(c);
}

/* ---------------------------------------------------------------- UDP */

static size_t answer_datagram(const unsigned char *query, size_t length, unsigned char *out)
{
    size_t size = make_answer(query, length, 0, big, out);
    int named_big =
        tc && name_length(query, length) > 3 && strncasecmp((const char *)query + HEADER + 1, "big", 3) == 0;
    if (size > UDP_MAX || named_big) {
        size = make_answer(query, length, 0, 0, out);
        out[2] |= TC;
    }
    return size;
}

/* The answer leaves from the address the query was for. */
static void serve_datagram(int fd)
{
    static unsigned char in[IN_MAX], out[MESSAGE_MAX];
    struct sockaddr_storage who;
    unsigned char control[256];
    struct iovec part = {in, sizeof in};
    struct msghdr m = {.msg_name = &who,
                       .msg_namelen = sizeof who,
                       .msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof control};
    ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);
    if (n < HEADER || (in[2] & QR) != 0)
        return;
    part = (struct iovec){out, answer_datagram(in, (size_t)n, out)};
    m.msg_flags = 0;
    sendmsg(fd, &m, MSG_DONTWAIT);
}

/* ---------------------------------------------------------------- sockets */

static int fail(const char *what)
{
    fprintf(stderr, "standin: %s\n", what);
    exit(2);
}

static socklen_t fill_address(int six, struct sockaddr_storage *a, const char *text)
{
    struct sockaddr_in *a4 = (struct sockaddr_in *)a;
    struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)a;
    memset(a, 0, sizeof *a);
    a->ss_family = six ? AF_INET6 : AF_INET;
    *(six ? &a6->sin6_port : &a4->sin_port) = htons((uint16_t)port);
    if (text != NULL && inet_pton(a->ss_family, text, six ? (void *)&a6->sin6_addr : (void *)&a4->sin_addr) != 1)
        fail("what address is this?");
    return six ? sizeof *a6 : sizeof *a4;
}

static void set(int fd, int level, int option, int value)
{
    if (setsockopt(fd, level, option, &value, sizeof value) != 0)
        perror("standin: setsockopt");
}

/* A query that is quicker than the accept is lost, so that close and reset come before it in every run. */
static void lose_payload(int listener)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 12), /* the length of the TCP header */
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf0),
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 2),
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_X, 0, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog all = {.len = sizeof program / sizeof *program, .filter = program};
    if (setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &all, sizeof all) != 0)
        perror("standin: filter");
}

static int open_socket(int six, int type)
{
    struct sockaddr_storage address;
    socklen_t size = fill_address(six, &address, at);
    int fd = socket(six ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return six && at == NULL ? -1 : fail("socket"); /* a host may be without IPv6 */
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (six)
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (ttl > 0)
        set(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_UNICAST_HOPS : IP_TTL, ttl);
    if (type == SOCK_DGRAM)
        set(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_RECVPKTINFO : IP_PKTINFO, 1);
    if (bind(fd, (struct sockaddr *)&address, size) != 0 ||
        (type == SOCK_STREAM && listen(fd, is_mode(mode, "backlog") ? 1 : CONNECTIONS) != 0))
        fail(strerror(errno));
    if (type == SOCK_STREAM && delay == 0 && mode->on_accept != NULL && mode->on_accept != do_nothing)
        lose_payload(fd);
    return fd;
}

static void fill_queue(int six)
{
    struct sockaddr_storage address;
    socklen_t size = fill_address(six, &address, at != NULL ? at : six ? "::1" : "127.0.0.1");
    for (int i = 0; i < fill; i++) {
        int fd = socket(address.ss_family, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, size) != 0)
            fail("fill");
    }
}

static int open_all(struct pollfd *sockets)
{
    int count = 0;
    for (int six = 0; six <= 1; six++) {
        if (at != NULL && six != (strchr(at, ':') != NULL))
            continue;
        int fd = open_socket(six, SOCK_STREAM);
        if (fd < 0)
            continue;
        sockets[count++] = (struct pollfd){.fd = fd, .events = is_mode(mode, "backlog") ? 0 : POLLIN};
        fill_queue(six);
        if (udp)
            sockets[count++] = (struct pollfd){.fd = open_socket(six, SOCK_DGRAM), .events = POLLIN};
    }
    return count;
}

/* ---------------------------------------------------------------- the loop */

static int events_of(const struct connection *c)
{
    if (c->fd == 0)
        return 0;
    if (!c->busy)
        return c->mode->unread ? POLLIN | POLLRDHUP : POLLIN;
    return c->due <= now() ? POLLOUT : 0;
}

/* Milliseconds until something is due, rounded up; -1: nothing is. */
static int time_left(void)
{
    double least = -1;
    for (const struct connection *c = connections; c < connections + CONNECTIONS; c++) {
        double left = c->due - now();
        if (c->fd != 0 && c->busy && left > 0 && (least < 0 || left < least))
            least = left;
    }
    return least < 0 ? -1 : (int)least + 1;
}

static void serve_connection(struct connection *c, int events)
{
    if ((events & POLLRDHUP) != 0)
        end_connection(c); /* no more will come to be read */
    else if ((events & POLLOUT) != 0)
        write_some(c);
    else if ((events & POLLIN) != 0)
        read_some(c);
    else if ((events & (POLLERR | POLLHUP)) != 0)
        end_connection(c);
}

static void serve(struct pollfd *all, int sockets)
{
    struct pollfd *ends = all + sockets;
    for (;;) {
        for (int i = 0; i < CONNECTIONS; i++)
            ends[i] = (struct pollfd){.fd = connections[i].fd != 0 ? connections[i].fd : -1,
                                      .events = (short)events_of(&connections[i])};
        if (poll(all, (nfds_t)(sockets + CONNECTIONS), time_left()) < 0)
            continue;
        for (int i = 0; i < CONNECTIONS; i++)
            if (ends[i].fd >= 0)
                serve_connection(&connections[i], ends[i].revents);
        for (int i = 0; i < sockets; i++) {
            int type;
            socklen_t size = sizeof type;
            if (all[i].revents == 0 || getsockopt(all[i].fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0)
                continue;
            (type == SOCK_STREAM ? accept_one : serve_datagram)(all[i].fd);
        }
    }
}

/* ---------------------------------------------------------------- the command line */

static void take_name(const char *text)
{
    while (*text != '\0') {
        size_t label = strcspn(text, ".");
        if (label == 0 || label > 63 || name_size + 1 + label >= sizeof name)
            fail("what name is this?");
        name[name_size++] = (unsigned char)label;
        memcpy(name + name_size, text, label);
        name_size += label;
        text += label + (text[label] == '.');
    }
    name_size++; /* the root's label, which is 0 */
}

static void take_mode2(const char *text)
{
    mode2 = find_mode(text);
}

static void take_at(const char *text)
{
    at = text;
}

static const struct option {
    const char *name;
    int *number, least, most;
    void (*take)(const char *text);
} options[] = {
    {"port", &port, 1, 65535, NULL},   {"ttl", &ttl, 1, 255, NULL}, {"delay", &delay, 0, 3600000, NULL},
    {"big", &big, 0, 2500, NULL},      {"fill", &fill, 0, 2, NULL}, {"udp", &udp, 0, 1, NULL},
    {"tc", &tc, 0, 1, NULL},           {"at", NULL, 0, 0, take_at}, {"name", NULL, 0, 0, take_name},
    {"mode2", NULL, 0, 0, take_mode2},
};

/* yes and no are 1 and 0. */
static void take_number(const struct option *o, const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (strcmp(text, "yes") == 0 || strcmp(text, "no") == 0) {
        value = text[0] == 'y';
        end = "";
    }
    if (*end != '\0' || value < o->least || value > o->most)
        fail(o->name);
    *o->number = (int)value;
}

static void take_option(const char *text)
{
    size_t length = strcspn(text, "=");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const struct option *o = &options[i];
        if (text[length] != '=' || strlen(o->name) != length || memcmp(o->name, text, length) != 0)
            continue;
        if (o->take != NULL)
            o->take(text + length + 1);
        else
            take_number(o, text + length + 1);
        return;
    }
    fail(text);
}

int main(int argc, char **argv)
{
    static struct pollfd all[SOCKETS + CONNECTIONS];
    mode = argc > 1 ? find_mode(argv[1]) : NULL;
    mode2 = find_mode("reset");
    if (mode == NULL)
        fail("usage: standin MODE [OPTION=VALUE...]");
    delay = is_mode(mode, "late") ? 2000 : 0;
    for (int i = 2; i < argc; i++)
        take_option(argv[i]);
    if (mode2 == NULL || mode2->on_accept == NULL)
        fail("mode2");
    /* Before all else on a busy machine: close and reset are to be done before the query comes, if that is allowed. */
    sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
    serve(all, open_all(all));
}
