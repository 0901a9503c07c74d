/*
 * How it works: one poll loop over the socket, a signalfd for SIGCHLD, and the command's time. A request is checked as
 * if an enemy had sent it, since the process at the other end reads packets of strangers: its length, the end of its
 * text, the place, each name, each variable. The desk ends when the other end has closed and no command runs; signals
 * that end the other process are ignored, so that it can have its last files opened. (No PR_SET_PDEATHSIG: the end of
 * the socket says the same, and not in the middle of something.)
 */
#include "capture/clerk_desk.h"

#include "capture/clerk_command.h"
#include "capture/clerk_place.h"
#include "capture/clerk_wire.h"
#include "capture/privs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

struct desk {
    int socket, signals;
    const int *places;
    size_t place_count;
    struct clerk_command command;
    const struct clerk_options *options;
    int made[CLERK_MENDED]; /* the latest files that may have to be mended, -1: none */
    unsigned made_count;
};

struct task {
    struct clerk_request request;
    char *strings[CLERK_STRINGS + 1];
    int place;          /* -1: there is no such one */
    int input;          /* descriptor that came along, or -1 */
    int status, output; /* what goes back */
};

static int error_unless(bool done)
{
    return done ? 0 : errno;
}

static void close_given(int descriptor)
{
    if (descriptor >= 0)
        close(descriptor);
}

static void keep_made(struct desk *desk, int descriptor)
{
    int *place = &desk->made[desk->made_count++ % CLERK_MENDED];
    close_given(*place);
    *place = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
}

static void mend_made(const struct desk *desk)
{
    for (int i = 0; i < CLERK_MENDED; i++)
        if (desk->made[i] >= 0)
            desk->options->mend(desk->made[i]);
}

static int create(struct desk *desk, struct task *task)
{
    bool mended = desk->options->mend && task->request.place == desk->options->mend_place;
    task->output = clerk_place_file(task->place, task->strings[0], mended ? CLERK_PLACE_NEW : CLERK_PLACE_CREATE);
    if (task->output >= 0 && mended)
        keep_made(desk, task->output);
    return error_unless(task->output >= 0);
}

static int open_existing(struct desk *desk, struct task *task)
{
    (void)desk;
    task->output = clerk_place_file(task->place, task->strings[0], CLERK_PLACE_OPEN);
    return error_unless(task->output >= 0);
}

static int rename_in(struct desk *desk, struct task *task)
{
    (void)desk;
    return error_unless(clerk_place_rename(task->place, task->strings[0], task->strings[1]));
}

static int remove_in(struct desk *desk, struct task *task)
{
    (void)desk;
    return error_unless(clerk_place_remove(task->place, task->strings[0]));
}

static int make_directory(struct desk *desk, struct task *task)
{
    (void)desk;
    return error_unless(clerk_place_make_directory(task->place, task->strings[0]));
}

static int run(struct desk *desk, struct task *task)
{
    clerk_command_mind(&desk->command);
    return clerk_command_takes(task->strings) ? clerk_command_start(&desk->command, task->input, task->strings)
                                              : EINVAL;
}

static int tell_ended(struct desk *desk, struct task *task)
{
    clerk_command_mind(&desk->command);
    if (desk->command.ended == 0)
        return EAGAIN;
    desk->command.ended = 0;
    task->status = desk->command.status;
    return 0;
}

static int notify(struct desk *desk, struct task *task)
{
    (void)desk;
    int result = sd_notify(0, task->strings[0]);
    return result < 0 ? -result : 0;
}

enum { ANY_COUNT = -1 };

static const struct {
    int (*serve)(struct desk *desk, struct task *task); /* 0 or an errno */
    bool in_place;
    int strings;
} kinds[] = {
    [CLERK_CREATE] = {create, true, 1},
    [CLERK_OPEN] = {open_existing, true, 1},
    [CLERK_RENAME] = {rename_in, true, 2},
    [CLERK_REMOVE] = {remove_in, true, 1},
    [CLERK_MAKE_DIRECTORY] = {make_directory, true, 1},
    [CLERK_RUN] = {run, false, ANY_COUNT},
    [CLERK_ENDED] = {tell_ended, false, 0},
    [CLERK_NOTIFY] = {notify, false, 1},
};
_Static_assert(sizeof kinds / sizeof *kinds == CLERK_KINDS, "a kind of request without its function");

/* 0 or an errno. */
static int serve(struct desk *desk, struct task *task)
{
    uint32_t kind = task->request.kind;
    int count = 0;
    if (kind >= CLERK_KINDS || !clerk_wire_unpack(&task->request, task->strings))
        return EBADMSG;
    while (task->strings[count])
        count++;
    if (kinds[kind].strings != ANY_COUNT && kinds[kind].strings != count)
        return EINVAL;
    task->place = task->request.place < desk->place_count ? desk->places[task->request.place] : -1;
    return kinds[kind].in_place && task->place < 0 ? EINVAL : kinds[kind].serve(desk, task);
}

/* False at the end of the socket, and for what is no request. */
static bool take_request(struct desk *desk)
{
    struct task task = {.input = -1, .output = -1};
    ssize_t got = clerk_wire_receive(desk->socket, &task.request, sizeof task.request, &task.input, 0);
    bool fine = got == (ssize_t)sizeof task.request;
    if (fine) {
        struct clerk_answer answer = {.serial = task.request.serial, .error = serve(desk, &task)};
        answer.status = task.status;
        fine = clerk_wire_send(desk->socket, &answer, sizeof answer, task.output);
    }
    close_given(task.input);
    close_given(task.output);
    return fine;
}

/* SIGCHLDs are only told apart by what has ended. */
static void drain(int signals)
{
    struct signalfd_siginfo about;
    while (read(signals, &about, sizeof about) == (ssize_t)sizeof about)
        ;
}

static void sit(struct desk *desk)
{
    bool open = true;
    while (open || desk->command.process) {
        struct pollfd list[] = {{.fd = open ? desk->socket : -1, .events = POLLIN},
                                {.fd = desk->signals, .events = POLLIN}};
        if (poll(list, 2, clerk_command_wait(&desk->command)) < 0 && errno != EINTR)
            break;
        if (list[1].revents)
            drain(desk->signals);
        clerk_command_mind(&desk->command);
        if (list[0].revents && !take_request(desk)) {
            open = false;
            mend_made(desk);
        }
    }
}

/* A descriptor for SIGCHLD. */
static int settle_signals(void)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_SETMASK, &child, NULL);
    return signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* close_range(2) is of Linux 5.9. */
static void close_between(int low, int high)
{
    if (low > high || close_range((unsigned)low, (unsigned)high, 0) == 0)
        return;
    int most = (int)sysconf(_SC_OPEN_MAX);
    for (int descriptor = low; descriptor <= high && descriptor < most; descriptor++)
        close(descriptor);
}

/* The lowest descriptor from `low` on that is needed; INT_MAX: none. */
static int next_needed(const struct desk *desk, int low)
{
    int next = desk->socket >= low ? desk->socket : INT_MAX;
    for (size_t i = 0; i < desk->place_count; i++)
        if (desk->places[i] >= low && desk->places[i] < next)
            next = desk->places[i];
    return next;
}

/* Standard error stays, for the command; whoever reads our output must see its end when the other process ends. */
static void close_others(const struct desk *desk)
{
    int low = STDERR_FILENO + 1, needed;
    while ((needed = next_needed(desk, low)) != INT_MAX) {
        close_between(low, needed - 1);
        low = needed + 1;
    }
    close_between(low, INT_MAX);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        close(null);
    }
}

static bool settle(struct desk *desk, const struct clerk_options *options, struct failure *failure)
{
    prctl(PR_SET_NAME, "tcp53-clerk");
    close_others(desk);
    if (!privs_drop(options->privs, failure))
        return false;
    desk->signals = settle_signals();
    if (desk->signals < 0)
        return failure_set(failure, "signalfd: %s", strerror(errno));
    for (size_t i = 0; i < desk->place_count; i++)
        if (!clerk_place_check(desk->places[i], options->directories[i], options->privs, failure))
            return false;
    return clerk_command_find(&desk->command, failure);
}

void clerk_desk(int socket, const int *places, const struct clerk_options *options)
{
    struct clerk_answer ready = {0};
    struct desk desk = {
        .socket = socket, .places = places, .place_count = options->directory_count, .options = options};
    memset(desk.made, -1, sizeof desk.made);
    desk.command = (struct clerk_command){.words = options->command,
                                          .seconds = options->run_seconds ? options->run_seconds : CLERK_RUN_SECONDS};
    if (!settle(&desk, options, &ready.failure))
        ready.error = EPERM;
    if (clerk_wire_send(socket, &ready, sizeof ready, -1) && ready.error == 0)
        sit(&desk);
    _exit(ready.error != 0);
}
