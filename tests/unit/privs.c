/* Privileges given up: whom to become, that nothing is left, and what must be there all the same. */
#include "capture/privs.h"

#include "tests/unit/apart.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

TestSuite(privs, .timeout = 30);

enum { NOBODY = 65534 };

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
    NEED(cap_get_bound(CAP_NET_RAW) == 0 && cap_get_bound(CAP_SYS_ADMIN) == 0);
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

/* A capture goes on: frames, counters, another filter, another interface; and it injects nothing. */

static pcap_t *open_loopback(void)
{
    char trouble[PCAP_ERRBUF_SIZE];
    pcap_t *capture = pcap_create("lo", trouble);
    NEED(capture && pcap_set_timeout(capture, 20) == 0 && pcap_set_promisc(capture, 1) == 0);
    NEED(pcap_activate(capture) == 0 && pcap_setnonblock(capture, 1, trouble) == 0);
    return capture;
}

/* An interface of its own, up, and a socket that sends to itself. */
static int open_network(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    NEED(unshare(CLONE_NEWNET) == 0);
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    NEED(ioctl(udp, SIOCSIFFLAGS, &request) == 0);
    NEED(bind(udp, (struct sockaddr *)&to, sizeof to) == 0 && connect(udp, (struct sockaddr *)&to, sizeof to) == 0);
    return udp;
}

static bool captures(pcap_t *capture, int udp)
{
    struct pcap_pkthdr *head;
    const u_char *bytes;
    struct pollfd list = {.fd = pcap_get_selectable_fd(capture), .events = POLLIN};
    return send(udp, "query", 5, 0) > 0 && poll(&list, 1, 2000) == 1 && pcap_next_ex(capture, &head, &bytes) == 1;
}

static void capture_on(const void *context)
{
    (void)context;
    struct privs privs;
    struct failure failure = {""};
    struct pcap_stat counters;
    int udp = open_network();
    pcap_t *capture = open_loopback();
    int descriptor = pcap_fileno(capture);
    struct ifreq request = {.ifr_name = "lo"};
    struct sockaddr_ll interface = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    apart_need(privs_mute(&descriptor, 1, &failure), failure.text);
    apart_confine(&privs);
    NEED(captures(capture, udp));
    NEED(pcap_stats(capture, &counters) == 0 && counters.ps_recv > 0);
    struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
    struct sock_fprog everything = {1, &all};
    NEED(setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &everything, sizeof everything) < 0); /* no other one */
    NEED(ioctl(descriptor, SIOCGIFINDEX, &request) == 0); /* a packet socket will do for that */
    interface.sll_ifindex = request.ifr_ifindex;
    NEED(bind(descriptor, (struct sockaddr *)&interface, sizeof interface) == 0);
    NEED(captures(capture, udp));
    NEED(pcap_inject(capture, "0123456789abcdef", 16) < 0);
}

Test(privs, a_capture_goes_on)
{
    if (geteuid() != 0)
        cr_skip("not root\n");
    const char *said = apart_run(capture_on, NULL);
    if (strstr(said, "unshare"))
        cr_skip("no network namespaces\n");
    cr_expect_str_empty(said);
}
