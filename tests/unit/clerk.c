/* The clerk: files in its directories and nowhere else, and what happens when it is gone. */
#include "capture/clerk.h"

#include "capture/clerk_desk.h"
#include "capture/clerk_wire.h"
#include "tests/unit/apart.h"
#include "tests/unit/office.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(clerk, .init = office_begin, .fini = draft_end, .timeout = 40);

Test(clerk, files_from_end_to_end)
{
    struct clerk *clerk = office_start(NULL, 0);
    struct stat about;
    int file = clerk_create(clerk, 0, "tcp53-0001.pcap");
    cr_assert_geq(file, 0, "%s", strerror(errno));
    cr_expect_eq(fcntl(file, F_GETFD), FD_CLOEXEC);
    cr_expect_eq(write(file, "frames", 6), 6);
    cr_assert_eq(fstat(file, &about), 0);
    cr_expect_eq(about.st_mode & 0777, 0640);
    cr_expect_eq(about.st_uid, office_user.uid);
    cr_expect_eq(about.st_gid, office_user.gid);
    close(file);
    cr_expect_str_eq(office_text(draft_path("out/tcp53-0001.pcap")), "frames");

    file = clerk_open(clerk, 0, "tcp53-0001.pcap");
    cr_expect_eq(lseek(file, 0, SEEK_END), 6);
    cr_expect_eq(write(file, "+", 1), 1);
    close(file);
    cr_expect(clerk_rename(clerk, 0, "tcp53-0001.pcap", "state"));
    cr_expect_str_eq(office_text(draft_path("out/state")), "frames+");
    close(clerk_create(clerk, 0, "state"));
    cr_expect_str_eq(office_text(draft_path("out/state")), "");
    cr_expect(clerk_remove(clerk, 0, "state"));
    cr_expect(access(draft_path("out/state"), F_OK) != 0);
    cr_expect_eq(clerk_open(clerk, 0, "state"), -1);
    cr_expect_eq(errno, ENOENT);
    clerk_end(clerk);
}

/* A ticket: a folder is filled under one name and shown under another. */
Test(clerk, folders)
{
    struct clerk *clerk = office_start(NULL, 0);
    struct stat about;
    cr_assert(clerk_make_directory(clerk, 1, "ticket.tmp"));
    cr_expect(!clerk_make_directory(clerk, 1, "ticket.tmp"));
    cr_expect_eq(errno, EEXIST);
    close(clerk_create(clerk, 1, "ticket.tmp/report.json"));
    cr_expect(clerk_rename(clerk, 1, "ticket.tmp", "ticket-1"));
    cr_assert_eq(stat(draft_path("more/ticket-1"), &about), 0);
    cr_expect_eq(about.st_mode & 0777, 0750);
    cr_expect_eq(access(draft_path("more/ticket-1/report.json"), F_OK), 0);
    cr_expect(!clerk_remove(clerk, 1, "ticket-1"));
    cr_expect_eq(errno, ENOTEMPTY);
    cr_expect(clerk_remove(clerk, 1, "ticket-1/report.json"));
    cr_expect(clerk_remove(clerk, 1, "ticket-1"));
    clerk_end(clerk);
}

Test(clerk, names_that_are_none)
{
    static const char *const names[] = {"../x", "/etc/passwd", "a/b/c", "a/../b",  ".",  "..",   ".x",
                                        "a/.x", "a//b",        "a/",    "/",       "-x", "a/-x", "",
                                        "a b",  "a\nb",        "a\\b",  "\xc3\xa4"};
    struct clerk *clerk = office_start(NULL, 0);
    char longest[300];
    memset(longest, 'x', sizeof longest);
    longest[299] = '\0';
    close(clerk_create(clerk, 0, "good"));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cr_expect_eq(clerk_create(clerk, 0, names[i]), -1, "%s", names[i]);
        cr_expect_eq(errno, EINVAL, "%s: %s", names[i], strerror(errno));
        cr_expect(!clerk_rename(clerk, 0, "good", names[i]), "%s", names[i]);
        cr_expect(!clerk_remove(clerk, 0, names[i]), "%s", names[i]);
        cr_expect(!clerk_make_directory(clerk, 0, names[i]), "%s", names[i]);
    }
    cr_expect_eq(clerk_create(clerk, 0, longest), -1);
    longest[255] = '\0';
    int file = clerk_create(clerk, 0, longest);
    cr_expect_geq(file, 0);
    close(file);
    cr_expect_eq(clerk_create(clerk, 2, "good"), -1); /* there are two places */
    cr_expect_eq(errno, EINVAL);
    clerk_end(clerk);
}

/* What somebody else who can write in the directory may have put there. */
Test(clerk, planted)
{
    static const struct {
        const char *name;
        int errors[2]; /* of clerk_create and clerk_remove; 0: it works */
    } rows[] = {{"link", {ELOOP, ELOOP}}, {"dangling", {ELOOP, ELOOP}}, {"fifo", {EPERM, EPERM}},
                {"twice", {EPERM, 0}},    {"folder", {EISDIR, 0}},      {"away/file", {ENOTDIR, ENOTDIR}},
                {"sock", {ENXIO, EPERM}}, {"foreign", {EACCES, 0}}};
    struct clerk *clerk = office_start(NULL, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", draft_path("out/sock"));
    draft_save("victim", "keep", 4);
    cr_assert_eq(chown(draft_path("victim"), office_user.uid, office_user.gid), 0);
    cr_assert_eq(symlink(draft_path("victim"), draft_path("out/link")), 0);
    cr_assert_eq(symlink(draft_path("new"), draft_path("out/dangling")), 0);
    cr_assert_eq(symlink(draft_folder(), draft_path("out/away")), 0);
    cr_assert_eq(mkfifo(draft_path("out/fifo"), 0666), 0);
    cr_assert_eq(chown(draft_path("out/fifo"), office_user.uid, office_user.gid), 0);
    cr_assert_eq(link(draft_path("victim"), draft_path("out/twice")), 0);
    cr_assert_eq(mkdir(draft_path("out/folder"), 0777), 0);
    cr_assert_eq(bind(socket(AF_UNIX, SOCK_DGRAM, 0), (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(chmod(address.sun_path, 0777), 0);
    draft_save("out/foreign", "root's", 6);
    cr_assert_eq(chmod(draft_path("out/foreign"), geteuid() == 0 ? 0644 : 0444), 0);
    close(clerk_create(clerk, 0, "good"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_eq(clerk_create(clerk, 0, rows[i].name), -1, "%s", rows[i].name);
        cr_expect_eq(errno, rows[i].errors[0], "%s: %s", rows[i].name, strerror(errno));
        cr_expect_eq(clerk_open(clerk, 0, rows[i].name), -1, "%s", rows[i].name);
        if (rows[i].errors[1])
            cr_expect(!clerk_rename(clerk, 0, "good", rows[i].name), "%s", rows[i].name);
        errno = 0;
        clerk_remove(clerk, 0, rows[i].name);
        cr_expect_eq(errno, rows[i].errors[1], "%s: %s", rows[i].name, strerror(errno));
    }
    cr_expect_str_eq(office_text(draft_path("victim")), "keep");
    cr_expect(access(draft_path("new"), F_OK) != 0);
    clerk_end(clerk);
}

Test(clerk, directories)
{
    struct stat about;
    clerk_end(office_start(NULL, 0));
    cr_assert_eq(stat(draft_path("out"), &about), 0); /* it was made */
    cr_expect_eq(about.st_mode & 07777, 0750);
    cr_expect_eq(about.st_uid, office_user.uid);
    clerk_end(office_start(NULL, 0)); /* it is there already */
    cr_assert_eq(mkdir(draft_path("closed"), 0555), 0);
    cr_expect(office_refuses(draft_path("closed"), NULL, "may not write there"));
    cr_expect(office_refuses(draft_path("none/none"), NULL, "cannot make this directory"));
    draft_save("file", "", 0);
    cr_expect(office_refuses(draft_path("file"), NULL, "Not a directory"));
    cr_assert_eq(symlink(draft_path("closed"), draft_path("link")), 0);
    cr_expect(office_refuses(draft_path("link/"), NULL, "may not write there")); /* and was not given to the user */
    cr_assert_eq(stat(draft_path("closed"), &about), 0);
    cr_expect_eq(about.st_uid, geteuid());
}

Test(clerk, a_name_relative_and_with_slashes)
{
    struct failure failure = {""};
    struct clerk_options options = {.directories = {"here//"}, .directory_count = 1, .privs = &office_user};
    cr_assert_eq(chdir(draft_folder()), 0);
    struct clerk *clerk = clerk_start(&options, &failure);
    cr_assert_not_null(clerk, "%s", failure.text);
    close(clerk_create(clerk, 0, "file"));
    cr_expect_eq(access(draft_path("here/file"), F_OK), 0);
    clerk_end(clerk);
}

Test(clerk, nothing_at_all)
{
    struct failure failure = {""};
    int status;
    struct clerk *clerk = clerk_start(&(struct clerk_options){.privs = &office_user}, &failure);
    cr_assert_not_null(clerk, "%s", failure.text);
    cr_expect_eq(clerk_create(clerk, 0, "file"), -1);
    cr_expect_eq(errno, EINVAL);
    cr_expect(!clerk_run(clerk, -1, NULL));
    cr_expect_eq(errno, ENOENT);
    cr_expect(!clerk_ended(clerk, &status));
    cr_expect_eq(errno, EAGAIN);
    clerk_end(clerk);
    clerk_end(NULL);
}

/* Its socket and directories, 0 to 2, a signalfd; nothing of what the caller had open, wherever it lies. */
Test(clerk, descriptors_of_its_own)
{
    char path[64];
    int count = 0;
    if (geteuid() != 0)
        cr_skip("not root\n"); /* a process that is not dumpable shows them to root only */
    for (int i = 0; i < 20; i++)
        cr_assert_geq(dup2(STDERR_FILENO, 20 + 10 * i), 0);
    struct clerk *clerk = office_start(NULL, 0);
    for (int i = 0; i < 256; i++) {
        struct stat about;
        snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)clerk_pid(clerk), i);
        count += lstat(path, &about) == 0;
    }
    cr_expect_eq(count, 3 + 1 + 2 + 1);
    clerk_end(clerk);
}

/* The end of the clerk, and of the process that it serves. */

Test(clerk, killed)
{
    struct clerk *clerk = office_start(OFFICE_SHELL("exit 0"), 0);
    int status;
    setenv("NOTIFY_SOCKET", "/nowhere", 1);
    cr_assert_eq(kill(clerk_pid(clerk), SIGKILL), 0);
    usleep(100000);
    for (int i = 0; i < 2; i++) { /* a SIGPIPE would end the test */
        cr_expect_eq(clerk_create(clerk, 0, "file"), -1);
        cr_expect_eq(errno, EPIPE, "%s", strerror(errno));
        cr_expect(!clerk_remove(clerk, 0, "file"));
        cr_expect_eq(errno, EPIPE);
        cr_expect(!clerk_run(clerk, -1, NULL));
        cr_expect_eq(errno, EPIPE);
        cr_expect(!clerk_ended(clerk, &status));
        cr_expect_eq(errno, EPIPE);
    }
    clerk_end(clerk);
}

static int count_descriptors(void)
{
    int count = 0;
    for (int i = 0; i < 256; i++)
        count += fcntl(i, F_GETFD) >= 0;
    return count;
}

/* As in a directory of a server that is away: one call waits, the others do not, and later all is well. */
Test(clerk, stuck)
{
    struct clerk *clerk = office_start(NULL, 0);
    int before = count_descriptors();
    cr_assert_eq(kill(clerk_pid(clerk), SIGSTOP), 0);
    int64_t begin = office_now_ms();
    cr_expect_eq(clerk_create(clerk, 0, "late"), -1);
    cr_expect_eq(errno, ETIMEDOUT);
    int64_t waited = office_now_ms() - begin;
    cr_expect(waited >= CLERK_SECONDS * 1000 - 100 && waited < CLERK_SECONDS * 1000 + 2000, "%d", (int)waited);
    for (int i = 0; i < 3; i++)
        cr_expect(!clerk_remove(clerk, 0, "late") && errno == ETIMEDOUT);
    cr_expect_lt(office_now_ms() - begin - waited, 1000);
    cr_assert_eq(kill(clerk_pid(clerk), SIGCONT), 0);
    usleep(200000);
    cr_expect(clerk_remove(clerk, 0, "late"), "%s", strerror(errno)); /* it was made in the end */
    cr_expect_eq(count_descriptors(), before);
    clerk_end(clerk);
}

Test(clerk, signals_that_do_not_end_it)
{
    static const int sent[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE};
    struct clerk *clerk = office_start(NULL, 0);
    for (size_t i = 0; i < sizeof sent / sizeof *sent; i++)
        cr_assert_eq(kill(clerk_pid(clerk), sent[i]), 0);
    usleep(50000);
    int file = clerk_create(clerk, 0, "file");
    cr_expect_geq(file, 0);
    close(file);
    clerk_end(clerk);
}

static void start_and_die(const void *context)
{
    pid_t *clerk_process = *(pid_t *const *)context;
    struct failure failure = {""};
    const struct clerk *clerk = office_try(NULL, 0, &failure);
    apart_need(clerk != NULL, failure.text);
    *clerk_process = clerk_pid(clerk);
    raise(SIGKILL);
}

/* The end of the socket is the clerk's end too. */
Test(clerk, an_orphan_ends)
{
    pid_t *process = mmap(NULL, sizeof *process, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_str_eq(apart_run(start_and_die, &process), "signal 9");
    cr_expect(office_sees_end(*process));
}

/* Requests that clerk.c does not make, as a process that was taken over might. */

static int desk_socket;

static pid_t open_desk(void)
{
    static const int no_places[1] = {-1};
    int ends[2];
    struct clerk_answer ready;
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    pid_t child = fork();
    if (child == 0)
        clerk_desk(ends[1], no_places, &(struct clerk_options){.privs = &office_user});
    close(ends[1]);
    desk_socket = ends[0];
    cr_assert_eq(recv(desk_socket, &ready, sizeof ready, 0), (ssize_t)sizeof ready);
    cr_assert_eq(ready.error, 0, "%s", ready.failure.text);
    return child;
}

static int answer_to(const struct clerk_request *request)
{
    struct clerk_answer answer = {0};
    cr_assert_eq(send(desk_socket, request, sizeof *request, MSG_NOSIGNAL), (ssize_t)sizeof *request);
    cr_assert_eq(recv(desk_socket, &answer, sizeof answer, 0), (ssize_t)sizeof answer);
    cr_expect_eq(answer.serial, request->serial);
    return answer.error;
}

Test(clerk, hostile_requests)
{
    pid_t child = open_desk();
    struct clerk_request request = {.serial = 7, .kind = CLERK_KINDS};
    cr_expect_eq(answer_to(&request), EBADMSG);
    request.kind = UINT32_MAX;
    cr_expect_eq(answer_to(&request), EBADMSG);
    request.kind = CLERK_CREATE;
    cr_expect_eq(answer_to(&request), EINVAL); /* no name */
    strcpy(request.text, "name");
    request.place = UINT32_MAX;
    cr_expect_eq(answer_to(&request), EINVAL);
    memset(request.text, 'x', sizeof request.text);
    cr_expect_eq(answer_to(&request), EBADMSG); /* no end */
    for (size_t i = 1; i < sizeof request.text; i += 2)
        request.text[i] = '\0';
    cr_expect_eq(answer_to(&request), EBADMSG); /* too many */
    memset(request.text, 0, sizeof request.text);
    memcpy(request.text, "a\0b", 3);
    cr_expect_eq(answer_to(&request), EINVAL); /* two names for one */
    cr_assert_eq(send(desk_socket, &request, 10, MSG_NOSIGNAL), 10);
    char byte;
    cr_expect_eq(recv(desk_socket, &byte, 1, 0), 0); /* that is no request at all */
    int status = -1;
    waitpid(child, &status, 0);
    cr_expect_eq(status, 0);
}
