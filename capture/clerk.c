/*
 * How it works: the caller's side of clerk_desk.c. Each request has a number and waits for the answer with it. One that
 * does not come in time is waited for no longer, but it may come later, with a descriptor: until then nothing else is
 * asked, so that at most one answer is ever due.
 */
#include "capture/clerk.h"

#include "capture/clerk_desk.h"
#include "capture/clerk_place.h"
#include "capture/clerk_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

struct clerk {
    int socket;
    pid_t process;
    uint64_t serial; /* of the last request */
    bool due;        /* its answer has not come */
    bool gone;
    bool notifies; /* there is a service manager to tell */
};

static void close_all(const int *descriptors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (descriptors[i] >= 0)
            close(descriptors[i]);
}

static void set_patience(int socket, time_t seconds)
{
    struct timeval time = {.tv_sec = seconds};
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

/* 0, ETIMEDOUT, or EPIPE for good. */
static int receive(struct clerk *clerk, struct clerk_answer *answer, int *descriptor, int flags)
{
    ssize_t got = clerk_wire_receive(clerk->socket, answer, sizeof *answer, descriptor, flags);
    if (got == (ssize_t)sizeof *answer && answer->serial == clerk->serial) {
        clerk->due = false;
        return 0;
    }
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return ETIMEDOUT;
    close_all(descriptor, 1);
    *descriptor = -1;
    clerk->gone = true;
    return EPIPE;
}

/* The answer that came late is of no use any more. */
static int catch_up(struct clerk *clerk)
{
    struct clerk_answer late;
    int descriptor = -1, result = 0;
    if (clerk->due)
        result = receive(clerk, &late, &descriptor, MSG_DONTWAIT);
    close_all(&descriptor, 1);
    return result;
}

bool clerk_is_name(const char *name)
{
    return clerk_place_is_name(name);
}

/* What a socket says whose other end was closed, by how far the kernel has got with it. */
static bool means_gone(int error)
{
    return error == EPIPE || error == ECONNRESET || error == ECONNREFUSED || error == ENOTCONN;
}

static int send_request(struct clerk *clerk, struct clerk_request *request, int input)
{
    request->serial = ++clerk->serial;
    clerk->due = clerk_wire_send(clerk->socket, request, sizeof *request, input);
    if (clerk->due)
        return 0;
    clerk->serial--;
    if (!means_gone(errno))
        return errno == EAGAIN ? ETIMEDOUT : errno;
    clerk->gone = true;
    return EPIPE;
}

/* A request from end to end: 0 or an errno. */
static int ask(struct clerk *clerk, struct clerk_request *request, int input, struct clerk_answer *answer, int *output)
{
    if (clerk->gone)
        return EPIPE;
    int result = catch_up(clerk);
    if (result == 0)
        result = send_request(clerk, request, input);
    if (result == 0)
        result = receive(clerk, answer, output, 0);
    return result ? result : answer->error;
}

/* True when it was done, else errno. What comes back goes where it is wanted, or is closed. */
static bool ask_for(struct clerk *clerk, enum clerk_kind kind, unsigned place, const char *const *strings, int *output)
{
    struct clerk_request request = {.kind = kind, .place = place};
    struct clerk_answer answer;
    int descriptor = -1;
    int result = clerk_wire_pack(&request, strings) ? ask(clerk, &request, -1, &answer, &descriptor) : EINVAL;
    if (output && result == 0 && descriptor < 0)
        result = EMFILE; /* it came along, and this process can have no more */
    if (output)
        *output = descriptor;
    else
        close_all(&descriptor, 1);
    errno = result;
    return result == 0;
}

int clerk_create(struct clerk *clerk, unsigned place, const char *name)
{
    int file = -1;
    ask_for(clerk, CLERK_CREATE, place, (const char *const[]){name, NULL}, &file);
    return file;
}

FILE *clerk_stream(struct clerk *clerk, unsigned place, const char *name)
{
    int descriptor = clerk_create(clerk, place, name);
    FILE *stream = descriptor < 0 ? NULL : fdopen(descriptor, "w+");
    if (!stream && descriptor >= 0)
        close(descriptor);
    return stream;
}

int clerk_open(struct clerk *clerk, unsigned place, const char *name)
{
    int file = -1;
    ask_for(clerk, CLERK_OPEN, place, (const char *const[]){name, NULL}, &file);
    return file;
}

bool clerk_rename(struct clerk *clerk, unsigned place, const char *from, const char *to)
{
    return ask_for(clerk, CLERK_RENAME, place, (const char *const[]){from, to, NULL}, NULL);
}

bool clerk_remove(struct clerk *clerk, unsigned place, const char *name)
{
    return ask_for(clerk, CLERK_REMOVE, place, (const char *const[]){name, NULL}, NULL);
}

bool clerk_make_directory(struct clerk *clerk, unsigned place, const char *name)
{
    return ask_for(clerk, CLERK_MAKE_DIRECTORY, place, (const char *const[]){name, NULL}, NULL);
}

bool clerk_run(struct clerk *clerk, int input, const char *const *environment)
{
    struct clerk_request request = {.kind = CLERK_RUN};
    struct clerk_answer answer;
    int none = -1;
    int result = clerk_wire_pack(&request, environment) ? ask(clerk, &request, input, &answer, &none) : E2BIG;
    close_all(&none, 1);
    errno = result;
    return result == 0;
}

bool clerk_ended(struct clerk *clerk, int *status)
{
    struct clerk_request request = {.kind = CLERK_ENDED};
    struct clerk_answer answer = {0};
    int none = -1;
    int result = ask(clerk, &request, -1, &answer, &none);
    close_all(&none, 1);
    *status = answer.status;
    errno = result;
    return result == 0;
}

bool clerk_notify(struct clerk *clerk, const char *state)
{
    return !clerk->notifies || ask_for(clerk, CLERK_NOTIFY, 0, (const char *const[]){state, NULL}, NULL);
}

bool clerk_is_gone(const struct clerk *clerk)
{
    return clerk->gone;
}

pid_t clerk_pid(const struct clerk *clerk)
{
    return clerk->process;
}

/* Waits for the end of the socket: the clerk ends right after it. */
void clerk_end(struct clerk *clerk)
{
    if (!clerk)
        return;
    shutdown(clerk->socket, SHUT_WR);
    struct pollfd end = {.fd = clerk->socket};
    if (poll(&end, 1, CLERK_SECONDS * 1000) > 0)
        waitpid(clerk->process, NULL, 0);
    close(clerk->socket);
    free(clerk);
}

/* Descriptors 0 to 2 are in use ever after, so that none of the clerk's can be one of them. */
static void fill_standard(void)
{
    int null;
    while ((null = open("/dev/null", O_RDWR)) >= 0 && null <= STDERR_FILENO)
        ;
    if (null >= 0)
        close(null);
}

static bool open_places(const struct clerk_options *options, int *places, struct failure *failure)
{
    for (size_t i = 0; i < options->directory_count; i++)
        places[i] = -1;
    for (size_t i = 0; i < options->directory_count; i++) {
        places[i] = clerk_place_open(options->directories[i], options->privs, failure);
        if (places[i] < 0)
            return false;
    }
    return true;
}

/* The child's descriptors of this process are closed in it. */
static bool start(struct clerk *clerk, const int *places, const struct clerk_options *options, struct failure *failure)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return failure_set(failure, "socketpair: %s", strerror(errno));
    clerk->socket = ends[0];
    clerk->process = fork();
    if (clerk->process == 0)
        clerk_desk(ends[1], places, options);
    close(ends[1]);
    return clerk->process > 0 || failure_set(failure, "cannot start a process: %s", strerror(errno));
}

static bool wait_ready(struct clerk *clerk, struct failure *failure)
{
    struct clerk_answer answer = {0};
    int none;
    set_patience(clerk->socket, CLERK_START_SECONDS);
    int result = receive(clerk, &answer, &none, 0);
    set_patience(clerk->socket, CLERK_SECONDS);
    if (result != 0)
        return failure_set(failure, "the process that is to write files did not start: %s", strerror(result));
    return answer.error == 0 || failure_set(failure, "%s", answer.failure.text);
}

struct clerk *clerk_start(const struct clerk_options *options, struct failure *failure)
{
    int places[CLERK_PLACES];
    struct clerk *clerk = calloc(1, sizeof *clerk);
    if (!clerk) {
        failure_set(failure, "no memory");
        return NULL;
    }
    clerk->socket = -1;
    clerk->notifies = getenv("NOTIFY_SOCKET") != NULL;
    fill_standard();
    bool fine =
        open_places(options, places, failure) && start(clerk, places, options, failure) && wait_ready(clerk, failure);
    close_all(places, options->directory_count);
    if (fine)
        return clerk;
    if (clerk->process > 0) {
        clerk_end(clerk);
    } else {
        close_all(&clerk->socket, 1);
        free(clerk);
    }
    return NULL;
}
