/* Captures live without powers, and tells of each frame: for tests/live/run.
 *
 *   frames [-b KIB] [-p] [-u] [INTERFACE...]
 *     -b   the kernel's ring     -p   promiscuous     -u   unconfined: as root, without the filter of system calls
 *
 * Once the interfaces are open it becomes nobody and leaves itself only the system calls that capture/live.h promises.
 * Commands on standard input: `inputs` tells what was counted, `sleep MS` reads nothing for so long; the end ends it.
 */
#include "capture/live.h"

#include "dissect/packet.h"

#include <grp.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { NOBODY = 65534, COMMAND = 64 };

static unsigned long polls;

static void fail(const char *text)
{
    fprintf(stderr, "frames: %s\n", text);
    exit(1);
}

static void drop_powers(void)
{
    if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        fail("cannot become nobody");
}

/* What live.h needs, then what this program does besides. */
static void confine(void)
{
    static const int allowed[] = {
        SCMP_SYS(poll),       SCMP_SYS(bind),        SCMP_SYS(ioctl),           SCMP_SYS(getsockopt),
        SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(clock_gettime),   SCMP_SYS(brk),
        SCMP_SYS(mmap),       SCMP_SYS(munmap),      SCMP_SYS(close), /* munmap, close: live_close() */
        SCMP_SYS(read),       SCMP_SYS(write),       SCMP_SYS(clock_nanosleep), SCMP_SYS(exit_group),
    };
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    for (size_t i = 0; filter && i < sizeof allowed / sizeof *allowed; i++)
        if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0) != 0)
            fail("seccomp");
    if (!filter || seccomp_load(filter) != 0)
        fail("seccomp");
    seccomp_release(filter);
}

static void tell_frame(struct live *live, const struct frame *frame)
{
    struct packet packet = {.protocol = 0};
    size_t count;
    enum packet_status status = packet_parse(&packet, frame);
    printf("frame %s %" PRIu64 " %" PRId64 " %u %u %d status=%d protocol=%d ports=%u,%u\n",
           live_inputs(live, &count)[frame->ref.input].path, (uint64_t)frame->ref.number, frame->time_ns,
           frame->captured, frame->declared, frame->link_type, status, packet.protocol, packet.source_port,
           packet.target_port);
}

static void tell_inputs(struct live *live)
{
    size_t count;
    const struct input *inputs = live_inputs(live, &count);
    for (size_t i = 0; i < count; i++)
        printf("input %s frames=%" PRIu64 " bytes=%" PRIu64 " dropped=%" PRId64 " snaplen=%u link=%d format=%s\n",
               inputs[i].path, inputs[i].frames, inputs[i].bytes, inputs[i].kernel_dropped, inputs[i].snaplen,
               inputs[i].link_types[0], inputs[i].format);
    printf("polls %lu\n", polls);
}

/* False at the end of the commands. One command comes at a time. */
static bool obey(struct live *live)
{
    char command[COMMAND] = "";
    if (read(STDIN_FILENO, command, sizeof command - 1) <= 0)
        return false;
    if (strncmp(command, "inputs", 6) == 0)
        tell_inputs(live);
    if (strncmp(command, "sleep ", 6) == 0) {
        long ms = strtol(command + 6, NULL, 10);
        const struct timespec rest = {ms / 1000, ms % 1000 * 1000000};
        nanosleep(&rest, NULL);
        printf("awake\n");
    }
    return true;
}

static void tell_all(struct live *live)
{
    struct frame frame;
    char text[LIVE_NEWS];
    while (live_next(live, &frame))
        tell_frame(live, &frame);
    while (live_news(live, text, sizeof text))
        printf("news %s\n", text);
    fflush(stdout);
}

static void watch(struct live *live)
{
    struct pollfd list[LIVE_MOST + 1] = {{.fd = STDIN_FILENO, .events = POLLIN}};
    do {
        tell_all(live);
        nfds_t count = 1 + live_descriptors(live, list + 1, LIVE_MOST);
        list[0].revents = 0;
        poll(list, count, live_timeout(live));
        polls++;
    } while (!list[0].revents || obey(live));
    tell_all(live);
}

int main(int argc, char **argv)
{
    struct live_options options = {.promiscuous = false};
    struct failure failure;
    bool confined = true;
    for (int option; (option = getopt(argc, argv, "b:pu")) != -1;) {
        options.buffer_kib = option == 'b' ? (uint32_t)strtoul(optarg, NULL, 10) : options.buffer_kib;
        options.promiscuous |= option == 'p';
        confined &= option != 'u';
    }
    options.interfaces = (const char *const *)argv + optind;
    options.interface_count = (size_t)(argc - optind);
    struct live *live = live_open(&options, &failure);
    if (!live)
        fail(failure.text);
    setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
    printf("ready\n"); /* stdio has its buffer before nothing but the above is allowed */
    fflush(stdout);
    if (confined) {
        drop_powers();
        confine();
    }
    watch(live);
    live_close(live);
    return 0;
}
