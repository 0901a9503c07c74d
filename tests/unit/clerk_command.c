/* What the clerk does beside files: the command within its bounds, the service manager, all of it for a confined process. */
#include "capture/clerk.h"

#include "tests/unit/apart.h"
#include "tests/unit/office.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

TestSuite(clerk_command, .init = office_begin, .fini = draft_end, .timeout = 40);

Test(clerk_command, the_report_is_its_input)
{
    struct clerk *clerk = office_start(OFFICE_SHELL("{ cat; echo $TCP53_SERVER; id -u; } >$TCP53_SAID"), 0);
    char expected[64];
    snprintf(expected, sizeof expected, "a report\n192.0.2.53\n%u\n", (unsigned)office_user.uid);
    cr_assert(office_run(clerk, "a report\n"), "%s", strerror(errno));
    cr_expect_eq(office_status(clerk, 10), 0);
    cr_expect_str_eq(office_text(draft_path("out/said")), expected);
    clerk_end(clerk);
}

/*
 * Only 0, 1 and 2 are open, which leaves the shell's own; no capability; signals are not ignored (glibc's own 32 and 33
 * apart); nothing else is set.
 */
Test(clerk_command, what_the_command_inherits)
{
    setenv("SECRET", "of the caller", 1);
    struct clerk *clerk = office_start(
        OFFICE_SHELL("exec >$TCP53_SAID; exec 2>&1;"
                     "for fd in 3 4 5 6 7 8 9; do [ ! -e /proc/$$/fd/$fd ] || echo open $fd; done;"
                     "grep -E '^(SigIgn|SigBlk|NoNewPrivs|CapEff|CapAmb):' /proc/$$/status |"
                     "tr -d '\\n\\t' | sed s/0000000180000000/0000000000000000/; echo $SECRET$NOTIFY_SOCKET"),
        0);
    cr_assert(office_run(clerk, ""));
    cr_expect_eq(office_status(clerk, 10), 0);
    cr_expect_str_eq(office_text(draft_path("out/said")),
                     "SigBlk:0000000000000000SigIgn:0000000000000000CapEff:0000000000000000CapAmb:0000000000000000"
                     "NoNewPrivs:1\n");
    clerk_end(clerk);
}

Test(clerk_command, one_at_a_time)
{
    struct clerk *clerk = office_start(OFFICE_SHELL("sleep 1; exit 3"), 0);
    cr_expect(office_run(clerk, ""));
    cr_expect(!office_run(clerk, ""));
    cr_expect_eq(errno, EBUSY);
    cr_expect_eq(office_status(clerk, 10), 3 << 8);
    cr_expect(office_run(clerk, ""));
    clerk_end(clerk);
}

Test(clerk_command, a_command_that_lasts_too_long)
{
    struct clerk *clerk = office_start(OFFICE_SHELL("exec sleep 30"), 1);
    int64_t begin = office_now_ms();
    cr_expect(office_run(clerk, ""));
    cr_expect_eq(office_status(clerk, 10), SIGTERM);
    cr_expect_geq(office_now_ms() - begin, 1000);
    cr_expect_lt(office_now_ms() - begin, 4000);
    clerk_end(clerk);
}

/* Nor can it or its children refuse to end. */
Test(clerk_command, a_command_that_will_not_end)
{
    struct clerk *clerk = office_start(OFFICE_SHELL("trap '' TERM; sleep 30 & echo $! >$TCP53_SAID; wait"), 1);
    cr_expect(office_run(clerk, ""));
    cr_expect_eq(office_status(clerk, 15), SIGKILL);
    pid_t child = (pid_t)atoi(office_text(draft_path("out/said")));
    cr_assert_gt(child, 1);
    cr_expect(office_sees_end(child));
    clerk_end(clerk);
}

/* What it leaves behind ends with it. */
Test(clerk_command, a_command_that_leaves_something_behind)
{
    struct clerk *clerk = office_start(OFFICE_SHELL("sleep 30 & echo $! >$TCP53_SAID"), 0);
    cr_expect(office_run(clerk, ""));
    cr_expect_eq(office_status(clerk, 10), 0);
    pid_t child = (pid_t)atoi(office_text(draft_path("out/said")));
    cr_assert_gt(child, 1);
    cr_expect(office_sees_end(child));
    clerk_end(clerk);
}

Test(clerk_command, variables_that_are_refused)
{
    static const char *const texts[] = {"LD_PRELOAD=/tmp/x.so", "TCP53_X", "TCP53_x=1", "PATH=/tmp",
                                        "TCP53_A=b\nc",         "tcp53=1", "=",         "TCP53_A=\x1b[0m"};
    struct clerk *clerk = office_start(OFFICE_SHELL("exit 0"), 0);
    static char big[5000];
    memset(big, 'A', sizeof big - 1);
    memcpy(big, "TCP53_A=", 8);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cr_expect(!clerk_run(clerk, -1, (const char *const[]){texts[i], NULL}), "%s", texts[i]);
        cr_expect_eq(errno, EINVAL, "%s", texts[i]);
    }
    cr_expect(!clerk_run(clerk, -1, (const char *const[]){big, NULL}));
    cr_expect_eq(errno, E2BIG);
    cr_expect(clerk_run(clerk, -1, (const char *const[]){"TCP53_A=", NULL}));
    clerk_end(clerk);
}

/* A socket or a device is no report. */
Test(clerk_command, an_input_that_is_no_file)
{
    int ends[2];
    struct clerk *clerk = office_start(OFFICE_SHELL("exit 0"), 0);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    cr_expect(!clerk_run(clerk, ends[0], NULL));
    cr_expect_eq(errno, EINVAL);
    int device = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    cr_expect(!clerk_run(clerk, device, NULL));
    cr_expect_eq(errno, EINVAL);
    close(device);
    clerk_end(clerk);
}

Test(clerk_command, commands_that_cannot_be_run)
{
    cr_expect(office_refuses(draft_path("out"), (const char *const[]){"no-such-program", NULL}, "no such program"));
    cr_expect(office_refuses(draft_path("out"), (const char *const[]){"/etc/passwd", NULL}, "may not run it"));
    cr_expect(office_refuses(draft_path("out"), (const char *const[]){"/etc", NULL}, "may not run it"));
    clerk_end(office_start((const char *const[]){"/bin/true", NULL}, 0));
}

/* It is found at the start, and gone when it is wanted: exec's own error. */
Test(clerk_command, a_command_that_went_away)
{
    draft_save("script", "#!/bin/sh\n", 10);
    cr_assert_eq(chmod(draft_path("script"), 0755), 0);
    struct clerk *clerk = office_start((const char *const[]){draft_path("script"), NULL}, 0);
    cr_assert_eq(unlink(draft_path("script")), 0);
    cr_expect(!clerk_run(clerk, -1, NULL));
    cr_expect_eq(errno, ENOENT);
    clerk_end(clerk);
}

/* A command that runs at the end is neither waited for long nor cut short. */
Test(clerk_command, a_command_at_the_end)
{
    struct clerk *clerk = office_start(OFFICE_SHELL("sleep 1; echo done >$TCP53_SAID"), 0);
    cr_expect(office_run(clerk, ""));
    clerk_end(clerk);
    cr_expect_str_eq(office_text(draft_path("out/said")), "done\n");
}

Test(clerk_command, the_service_manager)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char state[64] = "", room[CMSG_SPACE(sizeof(struct ucred))];
    struct iovec part = {state, sizeof state - 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    struct ucred sender;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", draft_path("notify"));
    int manager = socket(AF_UNIX, SOCK_DGRAM, 0);
    cr_assert_eq(setsockopt(manager, SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)), 0);
    cr_assert_eq(bind(manager, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(chmod(address.sun_path, 0777), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    struct clerk *clerk = office_start(NULL, 0);
    cr_expect(clerk_notify(clerk, "READY=1\nSTATUS=watching eth0"), "%s", strerror(errno));
    cr_assert_gt(recvmsg(manager, &message, MSG_DONTWAIT), 0);
    cr_expect_str_eq(state, "READY=1\nSTATUS=watching eth0");
    memcpy(&sender, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof sender);
    cr_expect_eq(sender.pid, clerk_pid(clerk)); /* hence NotifyAccess=all */
    close(manager);
    cr_expect(!clerk_notify(clerk, "WATCHDOG=1"));
    cr_expect_eq(errno, ECONNREFUSED);
    clerk_end(clerk);
    unsetenv("NOTIFY_SOCKET");
    clerk = office_start(NULL, 0);
    cr_expect(clerk_notify(clerk, "READY=1")); /* office_user to tell */
    clerk_end(clerk);
}

/* As in a watch: confined, with the clerk for all that is refused. */
static void serve_confined(const void *context)
{
    (void)context;
    struct privs privs;
    struct failure failure = {""};
    int status;
    struct clerk *clerk = office_try(OFFICE_SHELL("cat >$TCP53_SAID"), 0, &failure);
    apart_need(clerk != NULL, failure.text);
    apart_confine(&privs);
    apart_need(privs_verify(&privs, &failure), failure.text);
    int file = clerk_create(clerk, 0, "frames");
    NEED(file >= 0 && write(file, "abc", 3) == 3 && fsync(file) == 0 && ftruncate(file, 2) == 0);
    FILE *out = fdopen(clerk_create(clerk, 1, "report"), "w");
    NEED(out && fprintf(out, "%d", 53) == 2 && fclose(out) == 0);
    NEED(clerk_rename(clerk, 1, "report", "report.txt"));
    NEED(office_run(clerk, "from behind the filter"));
    while (!clerk_ended(clerk, &status))
        NEED(errno == EAGAIN && usleep(10000) == 0);
    clerk_end(clerk);
}

Test(clerk_command, for_a_confined_process)
{
    cr_expect_str_empty(apart_run(serve_confined, NULL));
    cr_expect_str_eq(office_text(draft_path("out/frames")), "ab");
    cr_expect_str_eq(office_text(draft_path("more/report.txt")), "53");
    cr_expect_str_eq(office_text(draft_path("out/said")), "from behind the filter");
}

Test(clerk_command, splitting)
{
    static const struct {
        const char *command, *words; /* joined by '|'; NULL: refused */
    } rows[] = {
        {"mail", "mail"},
        {"  mail  -s\tsubject\n", "mail|-s|subject"},
        {"mail -s 'two words' root", "mail|-s|two words|root"},
        {"mail -s \"it's\" root", "mail|-s|it's|root"},
        {"a'b c'd\"e f\"g", "ab cde fg"},
        {"x ''", "x|"},
        {"echo $HOME * `id` \\ ~", "echo|$HOME|*|`id`|\\|~"},
        {"a b c d e f g h i", "a|b|c|d|e|f|g|h|i"},
        {"''''''", ""},
        {"mail 'open", NULL},
        {"mail \"open'", NULL},
        {"", NULL},
        {" \t ", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char joined[128] = "";
        char **words = clerk_split(rows[i].command);
        cr_expect_eq(words != NULL, rows[i].words != NULL, "%s", rows[i].command);
        for (size_t word = 0; words && words[word]; word++)
            snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s", word ? "|" : "", words[word]);
        cr_expect_str_eq(joined, rows[i].words ? rows[i].words : "", "%s", rows[i].command);
        free(words);
    }
}
