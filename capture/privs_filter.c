/*
 * How it works: tables of what is allowed, made into a seccomp filter by libseccomp; what is not in them fails with EPERM.
 * It does not kill, since the list cannot foresee each call of each library's each version: a function that fails is
 * noticed and told, and a watch that ends after weeks is not. What only an intruder does kills. A filter sees numbers
 * and not what pointers lead to: bind() and connect() are not tied to addresses, so what matters is which sockets the
 * process has when the filter is set, and that it can make no other.
 */
#include "capture/privs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EQUALS(argument, value)                                                                                        \
    {                                                                                                                  \
        argument, SCMP_CMP_EQ, value, 0                                                                                \
    }
#define LACKS(argument, bits)                                                                                          \
    {                                                                                                                  \
        argument, SCMP_CMP_MASKED_EQ, bits, 0                                                                          \
    }

/* Whatever their arguments. */
static const int allowed[] = {
    /* frames from a pipe, signalfd, timers; reports and evidence into descriptors from the clerk */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwrite64),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    /* evidence that outlives a crash, and a half record that is taken back */
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(ftruncate),
    /* the digest of a file just written; a report for the command */
    SCMP_SYS(pread64),
    SCMP_SYS(memfd_create),
    /* the main loop, and short waits; restart_syscall: they go on after SIGSTOP */
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(restart_syscall),
    /* the clerk: requests, answers, its end */
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(wait4),
    /* the system log by a socket that is open, and after its restart */
    SCMP_SYS(sendto),
    SCMP_SYS(connect),
    /* capture: frames; counters (PACKET_STATISTICS); a socket goes over to an interface that was made anew */
    SCMP_SYS(recvfrom),
    SCMP_SYS(getsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(bind),
    /* memory; qsort() asks sysinfo how much there is */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(sysinfo),
    /* libraries' locks, and seeds of their hash tables */
    SCMP_SYS(futex),
    SCMP_SYS(getrandom),
    /* where the vdso has no clock */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    /* abort(), and signal handlers */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    /* privs_verify() */
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(capget),
    /* how much a watch itself uses */
    SCMP_SYS(getrusage),
    /* the end */
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    /* some of these on 32 bits */
    SCMP_SYS(_llseek),
    SCMP_SYS(fstat64),
    SCMP_SYS(ftruncate64),
    SCMP_SYS(clock_gettime64),
    SCMP_SYS(futex_time64),
    SCMP_SYS(ppoll_time64),
    SCMP_SYS(clock_nanosleep_time64),
    SCMP_SYS(sigreturn),
};

/* With these arguments only; rows of one call, which stand together, allow what any of them allows. */
static const struct {
    int call;
    unsigned count; /* of tests, all of which must hold */
    struct scmp_arg_cmp tests[2];
} limited[] = {
    /* memory that is not executable */
    {SCMP_SYS(mmap), 1, {LACKS(2, PROT_EXEC)}},
    {SCMP_SYS(mmap2), 1, {LACKS(2, PROT_EXEC)}},
    {SCMP_SYS(mprotect), 1, {LACKS(2, PROT_EXEC)}},
    /* glibc's fstat() */
    {SCMP_SYS(newfstatat), 1, {EQUALS(3, AT_EMPTY_PATH)}},
    {SCMP_SYS(statx), 1, {EQUALS(2, AT_EMPTY_PATH)}},
    /* fdopen(), non-blocking, a memfd kept open or sealed; not F_SETOWN, by which signals are sent */
    {SCMP_SYS(fcntl), 1, {EQUALS(1, F_GETFL)}},
    {SCMP_SYS(fcntl), 1, {EQUALS(1, F_SETFL)}},
    {SCMP_SYS(fcntl), 1, {EQUALS(1, F_GETFD)}},
    {SCMP_SYS(fcntl), 1, {EQUALS(1, F_SETFD)}},
    {SCMP_SYS(fcntl), 1, {EQUALS(1, F_DUPFD_CLOEXEC)}},
    {SCMP_SYS(fcntl), 1, {EQUALS(1, F_ADD_SEALS)}},
    /* an interface made anew: its index, whether it is of the same kind, and up; promiscuous mode, libpcap's filter */
    {SCMP_SYS(ioctl), 1, {EQUALS(1, SIOCGIFINDEX)}},
    {SCMP_SYS(ioctl), 1, {EQUALS(1, SIOCGIFHWADDR)}},
    {SCMP_SYS(ioctl), 1, {EQUALS(1, SIOCGIFFLAGS)}},
    {SCMP_SYS(ioctl), 1, {EQUALS(1, SIOCGIFNAME)}},
    /* stdio on a terminal, and its width; not TIOCSTI, by which the user's shell is typed into */
    {SCMP_SYS(ioctl), 1, {EQUALS(1, TCGETS)}},
    {SCMP_SYS(ioctl), 1, {EQUALS(1, TIOCGWINSZ)}},
    {SCMP_SYS(setsockopt), 2, {EQUALS(1, SOL_PACKET), EQUALS(2, PACKET_ADD_MEMBERSHIP)}},
    /* privs_verify() */
    {SCMP_SYS(prctl), 1, {EQUALS(0, PR_GET_NO_NEW_PRIVS)}},
    {SCMP_SYS(prctl), 1, {EQUALS(0, PR_GET_SECCOMP)}},
    {SCMP_SYS(prctl), 1, {EQUALS(0, PR_GET_DUMPABLE)}},
    {SCMP_SYS(prctl), 2, {EQUALS(0, PR_CAP_AMBIENT), EQUALS(1, PR_CAP_AMBIENT_IS_SET)}},
};

/* No library of ours does these. */
static const int deadly[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(bpf),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(kexec_load),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(mount),
    SCMP_SYS(pivot_root),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(unshare),
};

/* By which bytes leave through a descriptor that is the first argument. */
static const int sending[] = {
    SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pwrite64), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
};

/* Each call once; one that this kind of processor has not, does not count. */
static unsigned count_calls(void)
{
    unsigned calls = 1; /* tgkill */
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        calls += allowed[i] >= 0;
    for (size_t i = 0; i < sizeof limited / sizeof *limited; i++)
        calls += limited[i].call >= 0 && (i == 0 || limited[i].call != limited[i - 1].call);
    return calls;
}

/* 0 or a negative errno, as libseccomp has it. */
static int add_each(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < count; i++)
        result = seccomp_rule_add_array(filter, action, calls[i], 0, NULL);
    return result;
}

static int add_limited(scmp_filter_ctx filter)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof limited / sizeof *limited; i++)
        result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, limited[i].call, limited[i].count, limited[i].tests);
    const struct scmp_arg_cmp oneself = EQUALS(0, (scmp_datum_t)getpid()); /* abort() sends SIGABRT */
    return result ? result : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &oneself);
}

static int add_rules(scmp_filter_ctx filter)
{
    int result = add_each(filter, SCMP_ACT_ALLOW, allowed, sizeof allowed / sizeof *allowed);
    if (result == 0)
        result = add_each(filter, SCMP_ACT_KILL_PROCESS, deadly, sizeof deadly / sizeof *deadly);
    return result ? result : add_limited(filter);
}

/* Takes hold at once, in all threads. */
static int load(scmp_filter_ctx filter)
{
    int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    return result ? result : seccomp_load(filter);
}

bool privs_filter(struct privs *privs, struct failure *failure)
{
    setenv("TZ", ":/etc/localtime", 0);
    tzset();
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return failure_set(failure, "libseccomp does not know this processor, or there is no memory");
    int result = add_rules(filter);
    if (result == 0)
        result = load(filter);
    seccomp_release(filter);
    if (result != 0)
        return failure_set(failure, "cannot filter system calls: %s", strerror(-result));
    privs->calls = count_calls();
    return true;
}

/* The kernel looks at the lower half of a descriptor's register only, and so must the filter. */
static int mute(scmp_filter_ctx filter, int descriptor)
{
    const struct scmp_arg_cmp test = {0, SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)descriptor};
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof sending / sizeof *sending; i++)
        result = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), sending[i], 1, &test);
    return result;
}

bool privs_mute(const int *descriptors, size_t count, struct failure *failure)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        return failure_set(failure, "libseccomp does not know this processor, or there is no memory");
    int result = 0;
    for (size_t i = 0; result == 0 && i < count; i++)
        result = mute(filter, descriptors[i]);
    if (result == 0 && count > 0)
        result = load(filter);
    seccomp_release(filter);
    return result == 0 || failure_set(failure, "cannot mute the capture's sockets: %s", strerror(-result));
}
