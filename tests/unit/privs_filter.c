/* Behind the filter of system calls: what is refused, and what must go on working. */
#include "capture/privs.h"

#include "dissect/dns.h"
#include "tests/unit/apart.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

TestSuite(privs_filter, .timeout = 30);

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
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child > 0;
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

Test(privs_filter, what_is_refused)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        cr_expect_str_empty(apart_run(try_refused, &refusals[i]), "%s", refusals[i].what);
}

/* The same trials do succeed without the filter, or they would prove nothing. */
Test(privs_filter, what_was_not_refused_before)
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

Test(privs_filter, a_program_kills)
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
Test(privs_filter, abort_works)
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
    char line[16] = "", first = '\0';
    if (!out)
        return false;
    fprintf(out, "%d\n", 53);
    rewind(out);
    bool fine = fgets(line, sizeof line, out) && strcmp(line, "53\n") == 0 && fflush(out) == 0 && fsync(file) == 0 &&
                pread(file, &first, 1, 0) == 1 && first == '5' && fcntl(file, F_DUPFD_CLOEXEC, 0) >= 0 &&
                fcntl(file, F_ADD_SEALS, F_SEAL_WRITE) == 0;
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

Test(privs_filter, what_goes_on)
{
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        cr_expect_str_empty(apart_run(try_work, &works[i]), "%s", works[i].what);
}
