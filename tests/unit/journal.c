/* Lines to syslog, with a real datagram socket as its daemon: there, gone, back, not reading. Never a wait. */
#include "capture/journal.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <regex.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_MS = 60, REFILL_MS = 100, MANY = 1000, QUICK_MS = 2000 };

static char directory[] = "/tmp/tcp53-journal-XXXXXX", path[64];
static int listener = -1;

static int unbound(void)
{
    int made = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert_geq(made, 0);
    return made;
}

static void come(int socket)
{
    struct sockaddr_un here = {.sun_family = AF_UNIX};
    snprintf(here.sun_path, sizeof here.sun_path, "%s", path);
    cr_assert_eq(bind(socket, (struct sockaddr *)&here, sizeof here), 0);
    listener = socket;
}

static void go(void)
{
    close(listener);
    unlink(path);
    listener = -1;
}

static void begin(void)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/log", directory);
    come(unbound());
}

static void end(void)
{
    if (listener >= 0)
        go();
    rmdir(directory);
}

TestSuite(journal, .init = begin, .fini = end, .timeout = 20);

static struct journal *open_with(unsigned burst)
{
    struct failure failure = {""};
    struct journal_options options = {.path = path, .burst = burst, .refill_ms = REFILL_MS, .retry_ms = RETRY_MS};
    struct journal *journal = journal_open(&options, &failure);
    cr_assert_not_null(journal, "%s", failure.text);
    return journal;
}

/* The next line that the daemon got; "" when there is none. */
static const char *received(void)
{
    static char line[2 * JOURNAL_DATAGRAM];
    ssize_t length = recv(listener, line, sizeof line - 1, 0);
    line[length > 0 ? length : 0] = '\0';
    return line;
}

/* Its text, behind "tcp53[PID]: ". */
static const char *received_text(void)
{
    const char *line = received(), *text = strstr(line, "]: ");
    return text ? text + 3 : line;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

Test(journal, a_line_as_syslog_daemons_take_it)
{
    static const struct {
        int priority;
        const char *pattern;
    } rows[] = {{LOG_ERR, "^<27>"},
                {LOG_WARNING, "^<28>"},
                {LOG_NOTICE, "^<29>"},
                {LOG_INFO, "^<30>"},
                {LOG_DAEMON | LOG_ERR, "^<27>"}};
    setenv("TZ", "XYZ-13:30", 1);
    struct journal *journal = open_with(0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char pattern[160], text[64];
        const char *line;
        regex_t regex;
        time_t before = time(NULL), after;
        do { /* within one second */
            before = time(NULL);
            cr_assert(journal_send(journal, rows[i].priority, "verdict server=192.0.2.53"));
            line = received();
            after = time(NULL);
        } while (before != after);
        struct tm local = *gmtime(&(time_t){before + 13 * 3600 + 1800});
        strftime(text, sizeof text, "%b %e %H:%M:%S", &local);
        snprintf(pattern, sizeof pattern, "%s%s tcp53\\[%d\\]: verdict server=192\\.0\\.2\\.53$", rows[i].pattern, text,
                 (int)getpid());
        cr_assert_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
        cr_expect_eq(regexec(&regex, line, 0, NULL, 0), 0, "%s against %s", line, pattern);
        regfree(&regex);
    }
    journal_close(journal);
}

Test(journal, nobody_listens)
{
    struct failure failure = {""};
    char longest[256];
    go();
    cr_expect_null(journal_open(&(struct journal_options){.path = path}, &failure));
    cr_expect_not_null(strstr(failure.text, "does a syslog daemon run"), "%s", failure.text);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    cr_expect_null(journal_open(&(struct journal_options){.path = longest}, &failure));
    cr_expect_not_null(strstr(failure.text, "too long"), "%s", failure.text);
}

/* Gone and back: looked for again after RETRY_MS, not before, and what was lost meanwhile is told. */
Test(journal, the_daemon_goes_and_comes_back)
{
    struct journal *journal = open_with(100);
    go();
    cr_expect_not(journal_send(journal, LOG_ERR, "one"));
    come(unbound());
    cr_expect_not(journal_send(journal, LOG_ERR, "two"));
    usleep((RETRY_MS + 10) * 1000);
    cr_expect(journal_send(journal, LOG_ERR, "three"));
    cr_expect_str_eq(received_text(), "2 lines lost, which syslog did not take");
    cr_expect_str_eq(received_text(), "three");
    cr_expect_str_eq(received_text(), "");
    struct journal_counters counters = journal_counters(journal);
    cr_expect(counters.sent == 1 && counters.lost == 2 && counters.suppressed == 0);
    journal_close(journal);
}

/* A restart that is over when the next line comes costs nothing. */
Test(journal, a_daemon_that_was_restarted_meanwhile)
{
    struct journal *journal = open_with(100);
    cr_expect(journal_send(journal, LOG_ERR, "one"));
    go();
    come(unbound());
    usleep((RETRY_MS + 10) * 1000);
    cr_expect(journal_send(journal, LOG_ERR, "two"));
    cr_expect_str_eq(received_text(), "two");
    cr_expect_eq(journal_counters(journal).lost, 0);
    journal_close(journal);
}

/* A socket that stays after its daemon has died; and one at whose place there is a file. */
Test(journal, what_is_left_of_a_daemon)
{
    struct journal *journal = open_with(100);
    close(listener);
    for (int i = 0; i < 3; i++) {
        cr_expect_not(journal_send(journal, LOG_ERR, "lost"));
        usleep((RETRY_MS + 10) * 1000);
    }
    unlink(path);
    int file = open(path, O_CREAT | O_WRONLY, 0600);
    close(file);
    cr_expect_not(journal_send(journal, LOG_ERR, "lost"));
    unlink(path);
    come(unbound());
    usleep((RETRY_MS + 10) * 1000);
    journal_tick(journal);
    cr_expect_str_eq(received_text(), "4 lines lost, which syslog did not take");
    journal_tick(journal);
    cr_expect_str_eq(received_text(), "", "told once");
    journal_close(journal);
}

Test(journal, a_daemon_that_does_not_read)
{
    struct journal *journal = open_with(MANY);
    int64_t began = now_ms();
    uint64_t sent = 0;
    for (int i = 0; i < MANY; i++)
        sent += journal_send(journal, LOG_ERR, "a line");
    cr_expect_lt(now_ms() - began, QUICK_MS, "it waited");
    cr_expect(sent > 0 && sent < MANY, "%" PRIu64, sent);
    struct journal_counters counters = journal_counters(journal);
    cr_expect(counters.sent == sent && counters.lost == MANY - sent);
    for (uint64_t i = 0; i < sent; i++)
        cr_expect_str_eq(received_text(), "a line");
    cr_expect_str_eq(received_text(), "");
    usleep((REFILL_MS + 10) * 1000); /* the burst is spent */
    journal_tick(journal);
    char told[64];
    snprintf(told, sizeof told, "%" PRIu64 " lines lost, which syslog did not take", MANY - sent);
    cr_expect_str_eq(received_text(), told);
    journal_close(journal);
}

Test(journal, too_many_lines)
{
    struct journal *journal = open_with(3);
    for (int i = 0; i < 5; i++)
        cr_expect_eq(journal_send(journal, LOG_ERR, "a line"), i < 3);
    for (int i = 0; i < 3; i++)
        cr_expect_str_eq(received_text(), "a line");
    journal_tick(journal);
    cr_expect_str_eq(received_text(), "", "nothing is told without a token");
    usleep((REFILL_MS + 20) * 1000);
    cr_expect(journal_send(journal, LOG_ERR, "the next"));
    cr_expect_not_null(strstr(received_text(), "2 lines suppressed: at most 3 at once"));
    cr_expect_str_eq(received_text(), "the next");
    cr_expect_not(journal_send(journal, LOG_ERR, "one too many"));
    usleep((20 * REFILL_MS) * 1000);
    for (int i = 0; i < 5; i++)
        cr_expect_eq(journal_send(journal, LOG_ERR, "a line"), i < 3, "tokens do not pile up");
    cr_expect_eq(journal_counters(journal).suppressed, 5 - 3 + 1 + 5 - 3);
    journal_close(journal);
}

Test(journal, a_line_that_is_too_long)
{
    char text[2 * JOURNAL_DATAGRAM];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct journal *journal = open_with(0);
    cr_expect(journal_send(journal, LOG_ERR, text));
    size_t length = strlen(received());
    cr_expect(length > JOURNAL_DATAGRAM / 2 && length < JOURNAL_DATAGRAM);
    journal_close(journal);
}

/* What is left unsaid is said at the end. */
Test(journal, told_at_the_end)
{
    struct journal *journal = open_with(1);
    journal_send(journal, LOG_ERR, "one");
    journal_send(journal, LOG_ERR, "two");
    journal_close(journal);
    cr_expect_str_eq(received_text(), "one");
    cr_expect_not_null(strstr(received_text(), "1 line suppressed"));
}

Test(journal, no_syslog)
{
    cr_expect_not(journal_send(NULL, LOG_ERR, "a line"));
    journal_tick(NULL);
    cr_expect_eq(journal_counters(NULL).lost, 0);
    journal_close(NULL);
}

/* True when all went as it should; opening a file or a socket kills. */
static bool goes_on_confined(void)
{
    come(unbound());
    struct journal *journal = open_with(100);
    int next = unbound();
    static const int forbidden[] = {SCMP_SYS(socket), SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2)};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        if (seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, forbidden[i], 0) != 0)
            return false;
    if (seccomp_load(filter) != 0)
        return false;
    bool fine = journal_send(journal, LOG_ERR, "one");
    go();
    fine = !journal_send(journal, LOG_ERR, "two") && fine;
    come(next);
    usleep((RETRY_MS + 10) * 1000);
    fine = journal_send(journal, LOG_ERR, "three") && fine;
    fine = strcmp(received_text(), "1 line lost, which syslog did not take") == 0 && fine;
    return strcmp(received_text(), "three") == 0 && fine;
}

/* Opened before the powers are dropped, it needs no file and no socket later. */
Test(journal, nothing_is_opened_later)
{
    setenv("TZ", ":Europe/Vienna", 1);
    int status = 0;
    go();
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0)
        _exit(goes_on_confined() ? 0 : 1);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
    unlink(path);
}

Test(journal, the_stream_of_systemds_journal)
{
    int ends[2];
    struct stat status;
    char right[64], wrong[96];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    cr_assert_eq(fstat(ends[0], &status), 0);
    uintmax_t device = status.st_dev, inode = status.st_ino;
    unsetenv("JOURNAL_STREAM");
    cr_expect_not(journal_is_stream(ends[0]), "not set");
    snprintf(right, sizeof right, "%ju:%ju", device, inode);
    setenv("JOURNAL_STREAM", right, 1);
    cr_expect(journal_is_stream(ends[0]));
    cr_expect_not(journal_is_stream(ends[1]), "another socket");
    cr_expect_not(journal_is_stream(-1), "none");
    static const struct {
        const char *before, *between, *behind;
    } forms[] = {{"", ":", "0"}, {"", ":", " "}, {"", "", ""}, {"1", ":", ""}, {"x:", ":", ""}, {"", ":x", ""}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        snprintf(wrong, sizeof wrong, "%s%ju%s%ju%s", forms[i].before, device, forms[i].between, inode,
                 forms[i].behind);
        setenv("JOURNAL_STREAM", wrong, 1);
        cr_expect_not(journal_is_stream(ends[0]), "%s", wrong);
    }
    static const char *const others[] = {"", ":", "12", "12:", ":12"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        setenv("JOURNAL_STREAM", others[i], 1);
        cr_expect_not(journal_is_stream(ends[0]), "%s", others[i]);
    }
    close(ends[0]);
    close(ends[1]);
}

Test(journal, prefixes)
{
    cr_expect_str_eq(journal_prefix(LOG_ERR), "<3>");
    cr_expect_str_eq(journal_prefix(LOG_NOTICE), "<5>");
    cr_expect_str_eq(journal_prefix(LOG_DAEMON | LOG_WARNING), "<4>");
}
