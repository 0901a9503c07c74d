/* Privileges given up: whom to become, what is refused afterwards, and what must go on working. */
#include "capture/privs.h"

#include "dissect/dns.h"
#include "tests/unit/apart.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/sockios.h>
#include <locale.h>
#include <net/if.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

TestSuite(privs, .timeout = 30);

enum { NOBODY = 65534 };

/* Under AddressSanitizer a wrong count of bytes would be its own report, and its allocator maps without limit. */

Test(privs, whom_to_become)
{
    static const struct {
        const char *user;
        bool found;
        uid_t uid;
        const char *says; /* the failure, or the name */
    } rows[] = {
        {"nobody", true, NOBODY, "nobody"},
        {"65534", true, NOBODY, "nobody"},
        {"root", true, 0, "root"},
        {"54321", true, 54321, "54321"},
        {"no-such-user", false, 0, "there is no user no-such-user"},
        {"", false, 0, "there is no user"},
        {"4294967295", false, 0, "there is no user"},
        {"99999999999999999999", false, 0, "there is no user"},
        {"-1", false, 0, "there is no user"},
        {"12ab", false, 0, "there is no user"},
    };
    if (geteuid() != 0)
        cr_skip("not root\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct privs privs = {0};
        struct failure failure = {""};
        cr_expect_eq(privs_find(&privs, rows[i].user, &failure), rows[i].found, "%s", rows[i].user);
        cr_expect_eq(privs.uid, rows[i].uid, "%s", rows[i].user);
        cr_expect(strstr(rows[i].found ? privs.user : failure.text, rows[i].says), "%s: %s", rows[i].user,
                  failure.text);
        cr_expect_eq(privs.switched, rows[i].found && rows[i].uid != 0, "%s", rows[i].user);
    }
}

/* A number without a name has a group of that number. */
Test(privs, a_number_without_a_name)
{
    struct privs privs;
    struct failure failure;
    if (geteuid() != 0)
        cr_skip("not root\n");
    cr_assert(privs_find(&privs, "54321", &failure));
    cr_expect_eq(privs.gid, 54321);
}

static void find_as_nobody(const void *context)
{
    (void)context;
    struct privs privs;
    struct failure failure = {""};
    NEED(geteuid() != 0 || setresuid(NOBODY, NOBODY, NOBODY) == 0);
    char self[16];
    snprintf(self, sizeof self, "%u", (unsigned)geteuid());
    NEED(privs_find(&privs, NULL, &failure) && !privs.switched && privs.uid == geteuid());
    NEED(privs_find(&privs, self, &failure) && !privs.switched && privs.gid == getegid());
    NEED(!privs_find(&privs, "root", &failure));
    apart_say(failure.text);
}

Test(privs, without_root_only_oneself)
{
    cr_expect(strstr(apart_run(find_as_nobody, NULL), "only root may run as user root"));
}

static void drop_only(const void *context)
{
    const bool *filtered = context;
    struct privs privs;
    struct failure failure = {""};
    apart_find(&privs);
    NEED(!*filtered ? privs_drop(&privs, &failure) : privs_filter(&privs, &failure));
    if (*filtered) /* as if nobody had been asked for */
        privs.uid = geteuid(), privs.gid = getegid();
    NEED(!privs_verify(&privs, &failure));
    apart_say(failure.text);
}

/* The check tells when something was left out. */
Test(privs, verify_can_fail)
{
    cr_expect(strstr(apart_run(drop_only, &(bool){false}), "is under no filter"));
    if (geteuid() == 0)
        cr_expect(strstr(apart_run(drop_only, &(bool){true}), "has capabilities"));
}

static void drop_whole(const void *context)
{
    (void)context;
    struct privs privs;
    struct failure failure = {""};
    char line[256];
    apart_confine(&privs);
    apart_need(privs_verify(&privs, &failure), failure.text);
    privs_describe(&privs, line, sizeof line);
    apart_say(line);
}

Test(privs, all_given_up)
{
    const char *line = apart_run(drop_whole, NULL);
    cr_expect(strstr(line, "no new privileges"), "%s", line);
    cr_expect(strstr(line, "system calls allowed: it can open no file and no socket"), "%s", line);
    if (geteuid() == 0)
        cr_expect(strstr(line, "running as nobody (uid 65534), no capabilities"), "%s", line);
}

static void stay_root(const void *context)
{
    (void)context;
    struct privs privs;
    struct failure failure = {""};
    char line[256];
    NEED(privs_find(&privs, "root", &failure) && !privs.switched);
    apart_need(privs_drop(&privs, &failure), failure.text);
    NEED(open("/dev/null", O_RDONLY) >= 0);
    NEED(socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == EPERM); /* uid 0, and may not */
    NEED(setuid(NOBODY) < 0 && errno == EPERM);
    apart_need(privs_filter(&privs, &failure), failure.text);
    apart_need(privs_verify(&privs, &failure), failure.text);
    privs_describe(&privs, line, sizeof line);
    apart_say(line);
}

Test(privs, root_without_capabilities)
{
    if (geteuid() != 0)
        cr_skip("not root\n");
    const char *line = apart_run(stay_root, NULL);
    cr_expect(strstr(line, "running as uid 0 without capabilities (-Z USER drops it)"), "%s", line);
}

/* As a file's capability or the unit's AmbientCapabilities= give it: another user with CAP_NET_RAW. */
static void become_capturer(void)
{
    static const cap_value_t raw = CAP_NET_RAW;
    cap_t some = cap_init();
    NEED(prctl(PR_SET_KEEPCAPS, 1L) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
         setresuid(NOBODY, NOBODY, NOBODY) == 0);
    NEED(cap_set_flag(some, CAP_PERMITTED, 1, &raw, CAP_SET) == 0 &&
         cap_set_flag(some, CAP_EFFECTIVE, 1, &raw, CAP_SET) == 0 &&
         cap_set_flag(some, CAP_INHERITABLE, 1, &raw, CAP_SET) == 0 && cap_set_proc(some) == 0);
    NEED(cap_set_ambient(CAP_NET_RAW, CAP_SET) == 0);
    cap_free(some);
}

static void drop_capturer(const void *context)
{
    (void)context;
    struct privs privs;
    struct failure failure = {""};
    char byte;
    become_capturer();
    int packets = socket(AF_PACKET, SOCK_RAW, 0);
    NEED(packets >= 0);
    apart_confine(&privs);
    NEED(!privs.switched && privs.uid == NOBODY);
    apart_need(privs_verify(&privs, &failure), failure.text);
    NEED(recv(packets, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN); /* what is open stays open */
}

Test(privs, a_capability_without_root)
{
    if (geteuid() != 0)
        cr_skip("not root\n");
    cr_expect_str_empty(apart_run(drop_capturer, NULL));
}

/* Each is true when it was done. */

static bool open_passwd(void)
{
    return open("/etc/passwd", O_RDONLY) >= 0;
}

static bool open_hostname(void)
{
    return fopen("/etc/hostname", "r") != NULL;
}

static bool create_file(void)
{
    return creat("/tmp/tcp53-must-not-be", 0600) >= 0;
}

static bool open_packets(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0) >= 0;
}

static bool open_udp(void)
{
    return socket(AF_INET, SOCK_DGRAM, 0) >= 0;
}

static bool open_unix(void)
{
    int ends[2];
    return socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0;
}

static bool start_process(void)
{
    return fork() >= 0 || vfork() >= 0;
}

static bool kill_other(void)
{
    return kill(getppid(), 0) == 0;
}

static bool signal_other(void)
{
    return syscall(SYS_tgkill, 1, 1, 0) == 0;
}

static bool map_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool make_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED || mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool become_dumpable(void)
{
    return prctl(PR_SET_DUMPABLE, 1) == 0;
}

static bool type_for_user(void)
{
    return ioctl(0, TIOCSTI, "x") == 0 || errno != EPERM;
}

static bool own_signals(void)
{
    return fcntl(1, F_SETOWN, 1) == 0 || errno != EPERM;
}

static bool remove_file(void)
{
    return unlink("/tmp/tcp53-must-not-be") == 0 || errno != EPERM;
}

static bool look_at_file(void)
{
    struct stat about;
    return stat("/etc/passwd", &about) == 0;
}

static const struct refusal {
    const char *what;
    bool (*try)(void);
} refusals[] = {
    {"open a file", open_passwd},
    {"open another", open_hostname},
    {"create a file", create_file},
    {"a packet socket", open_packets},
    {"a UDP socket", open_udp},
    {"a local socket", open_unix},
    {"fork", start_process},
    {"kill", kill_other},
    {"a signal to another thread group", signal_other},
    {"map code", map_code},
    {"make code", make_code},
    {"become dumpable", become_dumpable},
    {"type into the terminal", type_for_user},
    {"have signals sent", own_signals},
    {"remove a file", remove_file},
    {"look at a file", look_at_file},
};

static void try_refused(const void *context)
{
    const struct refusal *refusal = context;
    struct privs privs;
    apart_confine(&privs);
    NEED(!refusal->try());
}

static void try_unconfined(const void *context)
{
    const struct refusal *refusal = context;
    NEED(!refusal->try());
}

Test(privs, what_is_refused)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        cr_expect_str_empty(apart_run(try_refused, &refusals[i]), "%s", refusals[i].what);
}

/* The same trials do succeed without the filter, or they would prove nothing. */
Test(privs, what_was_not_refused_before)
{
    if (geteuid() != 0)
        cr_skip("not root\n");
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        cr_expect_str_eq(apart_run(try_unconfined, &refusals[i]), "!refusal->try()", "%s", refusals[i].what);
    unlink("/tmp/tcp53-must-not-be");
}

static void run_program(const void *context)
{
    (void)context;
    struct privs privs;
    apart_confine(&privs);
    execl("/bin/true", "true", (char *)NULL);
}

Test(privs, a_program_kills)
{
    char expected[32];
    snprintf(expected, sizeof expected, "signal %d", SIGSYS);
    cr_expect_str_eq(apart_run(run_program, NULL), expected);
}

static void abort_it(const void *context)
{
    (void)context;
    struct privs privs;
    apart_confine(&privs);
    abort();
}

/* A failed assert() ends the process as ever. */
Test(privs, abort_works)
{
    char expected[32];
    snprintf(expected, sizeof expected, "signal %d", SIGABRT);
    cr_expect_str_eq(apart_run(abort_it, NULL), expected);
}

/* What must go on working, with the libraries that a report uses, each for the first time. */

static int descriptors[2], timer, signals;

static bool allocates(void)
{
    for (size_t size = 1; size <= 64U << 20; size *= 4) {
        char *block = calloc(size, 1), *bigger = block ? realloc(block, size * 2) : NULL;
        if (!bigger)
            return false;
        bigger[size * 2 - 1] = 1;
        free(bigger);
    }
    return true;
}

static int compare(const void *one, const void *two)
{
    int a = *(const int *)one, b = *(const int *)two;
    return (a > b) - (a < b);
}

static bool sorts(void)
{
    enum { MANY = 500000 };
    int *numbers = malloc(MANY * sizeof *numbers);
    for (int i = 0; numbers && i < MANY; i++)
        numbers[i] = (int)((unsigned)i * 2654435761U % MANY);
    if (numbers)
        qsort(numbers, MANY, sizeof *numbers, compare);
    bool fine = numbers != NULL;
    for (int i = 1; fine && i < MANY; i++)
        fine = numbers[i - 1] <= numbers[i];
    free(numbers);
    return fine;
}

static bool prints(void)
{
    char text[64];
    volatile double third = 1.0 / 3;
    return snprintf(text, sizeof text, "%.10g", third) > 0 && strcmp(text, "0.3333333333") == 0;
}

static bool makes_json(void)
{
    json_object *object = json_object_new_object();
    json_object_object_add(object, "share", json_object_new_double(0.25));
    json_object_object_add(object, "name", json_object_new_string("mx.example"));
    const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
    bool fine = text && strcmp(text, "{\"share\":0.25,\"name\":\"mx.example\"}") == 0;
    json_object_put(object);
    return fine;
}

static bool names(void)
{
    static const uint8_t name[] = "\7example\3com";
    char text[DNS_NAME_TEXT], type[16];
    return strcmp(dns_name_text(name, sizeof name, text), "example.com.") == 0 &&
           strcmp(dns_type_text(DNS_TYPE_MX, type), "MX") == 0 && strcmp(dns_rcode_name(DNS_REFUSED), "REFUSED") == 0;
}

static bool digests(void)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    return EVP_Digest("abc", 3, sum, &length, EVP_sha256(), NULL) == 1 && length == 32 && sum[0] == 0xba;
}

static bool writes_streams(void)
{
    int file = memfd_create("report", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    FILE *out = file >= 0 ? fdopen(file, "w+") : NULL;
    char line[16] = "";
    if (!out)
        return false;
    fprintf(out, "%d\n", 53);
    rewind(out);
    bool fine = fgets(line, sizeof line, out) && strcmp(line, "53\n") == 0 && fflush(out) == 0 && fsync(file) == 0;
    return fclose(out) == 0 && fine;
}

static bool polls(void)
{
    struct pollfd list = {.fd = descriptors[0], .events = POLLIN};
    char byte;
    return write(descriptors[1], "x", 1) == 1 && poll(&list, 1, 1000) == 1 && read(descriptors[0], &byte, 1) == 1;
}

static bool waits(void)
{
    struct itimerspec soon = {.it_value.tv_nsec = 1000000};
    uint64_t times = 0;
    return timerfd_settime(timer, 0, &soon, NULL) == 0 && read(timer, &times, sizeof times) == sizeof times &&
           times == 1 && usleep(1000) == 0;
}

static bool takes_signals(void)
{
    struct signalfd_siginfo about;
    return raise(SIGUSR1) == 0 && read(signals, &about, sizeof about) == sizeof about && about.ssi_signo == SIGUSR1;
}

static bool finds_interfaces(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    return ioctl(descriptors[0], SIOCGIFINDEX, &request) == 0 && request.ifr_ifindex > 0;
}

static bool tells_time(void)
{
    struct timespec now;
    return clock_gettime(CLOCK_MONOTONIC, &now) == 0 && time(NULL) > 0;
}

static const struct work {
    const char *what;
    bool (*try)(void);
} works[] = {
    {"memory", allocates},
    {"sorting", sorts},
    {"numbers", prints},
    {"json-c", makes_json},
    {"ldns", names},
    {"libcrypto", digests},
    {"streams", writes_streams},
    {"poll", polls},
    {"timers", waits},
    {"signals", takes_signals},
    {"interfaces", finds_interfaces},
    {"clocks", tells_time},
};

static void try_work(const void *context)
{
    const struct work *work = context;
    struct privs privs;
    sigset_t user;
    sigemptyset(&user);
    sigaddset(&user, SIGUSR1);
    NEED(sigprocmask(SIG_BLOCK, &user, NULL) == 0);
    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, descriptors) == 0);
    NEED((timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) >= 0);
    NEED((signals = signalfd(-1, &user, SFD_CLOEXEC)) >= 0);
    apart_confine(&privs);
    NEED(work->try());
}

Test(privs, what_goes_on)
{
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        cr_expect_str_empty(apart_run(try_work, &works[i]), "%s", works[i].what);
}

/* 5:30 east, by all that look at the zone anew, though /etc/localtime cannot be read any more. */
static void keep_zone(const void *context)
{
    (void)context;
    struct privs privs;
    time_t noon = 1700000000 - 1700000000 % 86400 + 43200;
    struct tm parts = {0};
    char text[16] = "";
    NEED(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    NEED(mount("/usr/share/zoneinfo/Asia/Kolkata", "/etc/localtime", NULL, MS_BIND, NULL) == 0);
    unsetenv("TZ");
    apart_confine(&privs);
    NEED(localtime_r(&noon, &parts) && parts.tm_hour == 17 && parts.tm_min == 30);
    parts = *localtime(&noon);
    NEED(parts.tm_hour == 17);
    NEED(strftime(text, sizeof text, "%Z", &parts) > 0 && strcmp(text, "IST") == 0);
    NEED(mktime(&parts) == noon);
}

Test(privs, the_time_zone_stays)
{
    if (geteuid() != 0 || access("/usr/share/zoneinfo/Asia/Kolkata", R_OK) != 0)
        cr_skip("not root, or no time zones\n");
    const char *said = apart_run(keep_zone, NULL);
    if (strstr(said, "unshare") || strstr(said, "/usr/share"))
        cr_skip("no mount namespaces\n");
    cr_expect_str_empty(said);
}

/* A muted descriptor receives, and sends nothing, whatever stands in the upper half of the register. */
static void mute_one(const void *context)
{
    (void)context;
    int pair[2];
    struct privs privs;
    struct failure failure = {""};
    char byte = 'x';
    struct msghdr message = {.msg_iov = &(struct iovec){&byte, 1}, .msg_iovlen = 1};
    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    apart_need(privs_mute(pair, 1, &failure), failure.text);
    apart_confine(&privs);
    NEED(write(pair[0], &byte, 1) < 0 && errno == EPERM);
    NEED(send(pair[0], &byte, 1, 0) < 0 && errno == EPERM);
    NEED(sendmsg(pair[0], &message, 0) < 0 && errno == EPERM);
    NEED(syscall(SYS_write, (unsigned long)pair[0] | 1UL << 32, &byte, 1) < 0 && errno == EPERM);
    NEED(write(pair[1], &byte, 1) == 1 && read(pair[0], &byte, 1) == 1);
}

Test(privs, a_muted_descriptor)
{
    cr_expect_str_empty(apart_run(mute_one, NULL));
}
