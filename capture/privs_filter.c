/*
 * How it works: a table of what is allowed, made into a seccomp filter by libseccomp; what is not in it fails with EPERM.
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

/* Rows of one call allow what any of them allows. */
static const struct rule {
    int call;
    const char *why;
    unsigned count; /* of tests, all of which must hold */
    struct scmp_arg_cmp tests[2];
} allowed[] = {
    {SCMP_SYS(read), "frames from a pipe, signalfd, timers", 0, {{0}}},
    {SCMP_SYS(readv), "stdio", 0, {{0}}},
    {SCMP_SYS(write), "reports and evidence, into descriptors from the clerk", 0, {{0}}},
    {SCMP_SYS(writev), "a header and a frame in one piece", 0, {{0}}},
    {SCMP_SYS(pwrite64), "a file's header", 0, {{0}}},
    {SCMP_SYS(lseek), "stdio, rewinding a report", 0, {{0}}},
    {SCMP_SYS(pread64), "the digest of a file just written", 0, {{0}}},
    {SCMP_SYS(_llseek), "the same on 32 bits", 0, {{0}}},
    {SCMP_SYS(close), "files that are done", 0, {{0}}},
    {SCMP_SYS(fstat), "stdio", 0, {{0}}},
    {SCMP_SYS(fstat64), "the same on 32 bits", 0, {{0}}},
    {SCMP_SYS(newfstatat), "glibc's fstat()", 1, {EQUALS(3, AT_EMPTY_PATH)}},
    {SCMP_SYS(statx), "the same on 32 bits", 1, {EQUALS(2, AT_EMPTY_PATH)}},
    {SCMP_SYS(fsync), "evidence that outlives a crash", 0, {{0}}},
    {SCMP_SYS(fdatasync), "evidence that outlives a crash", 0, {{0}}},
    {SCMP_SYS(ftruncate), "a half record is taken back", 0, {{0}}},
    {SCMP_SYS(ftruncate64), "the same on 32 bits", 0, {{0}}},
    {SCMP_SYS(fcntl), "fdopen()", 1, {EQUALS(1, F_GETFL)}},
    {SCMP_SYS(fcntl), "a report's memfd, kept open", 1, {EQUALS(1, F_DUPFD_CLOEXEC)}},
    {SCMP_SYS(fcntl), "non-blocking", 1, {EQUALS(1, F_SETFL)}},
    {SCMP_SYS(fcntl), "fdopen()", 1, {EQUALS(1, F_GETFD)}},
    {SCMP_SYS(fcntl), "close-on-exec", 1, {EQUALS(1, F_SETFD)}},
    {SCMP_SYS(fcntl), "a report's memfd is sealed", 1, {EQUALS(1, F_ADD_SEALS)}},
    {SCMP_SYS(memfd_create), "a report for the command", 0, {{0}}},
    {SCMP_SYS(poll), "the main loop", 0, {{0}}},
    {SCMP_SYS(ppoll), "the main loop", 0, {{0}}},
    {SCMP_SYS(timerfd_settime), "the main loop", 0, {{0}}},
    {SCMP_SYS(timerfd_gettime), "the main loop", 0, {{0}}},
    {SCMP_SYS(recvmsg), "answers of the clerk, frames", 0, {{0}}},
    {SCMP_SYS(recvfrom), "frames", 0, {{0}}},
    {SCMP_SYS(sendmsg), "requests to the clerk", 0, {{0}}},
    {SCMP_SYS(sendto), "the system log, by a socket that is open", 0, {{0}}},
    {SCMP_SYS(connect), "the system log after its restart", 0, {{0}}},
    {SCMP_SYS(bind), "an interface that was made anew", 0, {{0}}},
    {SCMP_SYS(shutdown), "the clerk is told to end", 0, {{0}}},
    {SCMP_SYS(getsockopt), "packets dropped (PACKET_STATISTICS), errors of a socket", 0, {{0}}},
    {SCMP_SYS(getsockname), "libpcap", 0, {{0}}},
    {SCMP_SYS(setsockopt),
     "promiscuous mode of an interface made anew",
     2,
     {EQUALS(1, SOL_PACKET), EQUALS(2, PACKET_ADD_MEMBERSHIP)}},
    {SCMP_SYS(setsockopt), "libpcap's filter", 2, {EQUALS(1, SOL_SOCKET), EQUALS(2, SO_ATTACH_FILTER)}},
    {SCMP_SYS(ioctl), "an interface made anew is found", 1, {EQUALS(1, SIOCGIFINDEX)}},
    {SCMP_SYS(ioctl), "whether it is of the same kind", 1, {EQUALS(1, SIOCGIFHWADDR)}},
    {SCMP_SYS(ioctl), "libpcap: whether an interface is up", 1, {EQUALS(1, SIOCGIFFLAGS)}},
    {SCMP_SYS(ioctl), "libpcap: what an interface is called", 1, {EQUALS(1, SIOCGIFNAME)}},
    {SCMP_SYS(ioctl), "stdio on a terminal", 1, {EQUALS(1, TCGETS)}},
    {SCMP_SYS(ioctl), "the width of a terminal", 1, {EQUALS(1, TIOCGWINSZ)}},
    {SCMP_SYS(brk), "memory", 0, {{0}}},
    {SCMP_SYS(mmap), "memory, not executable", 1, {LACKS(2, PROT_EXEC)}},
    {SCMP_SYS(mmap2), "the same on 32 bits", 1, {LACKS(2, PROT_EXEC)}},
    {SCMP_SYS(mprotect), "memory, not executable", 1, {LACKS(2, PROT_EXEC)}},
    {SCMP_SYS(munmap), "memory", 0, {{0}}},
    {SCMP_SYS(mremap), "memory", 0, {{0}}},
    {SCMP_SYS(madvise), "memory", 0, {{0}}},
    {SCMP_SYS(sysinfo), "qsort() asks how much memory there is", 0, {{0}}},
    {SCMP_SYS(futex), "locks of libraries", 0, {{0}}},
    {SCMP_SYS(getrandom), "seeds of hash tables", 0, {{0}}},
    {SCMP_SYS(clock_gettime), "where the vdso has no clock", 0, {{0}}},
    {SCMP_SYS(clock_gettime64), "the same on 32 bits", 0, {{0}}},
    {SCMP_SYS(clock_getres), "where the vdso has no clock", 0, {{0}}},
    {SCMP_SYS(gettimeofday), "where the vdso has no clock", 0, {{0}}},
    {SCMP_SYS(time), "where the vdso has no clock", 0, {{0}}},
    {SCMP_SYS(clock_nanosleep), "short waits", 0, {{0}}},
    {SCMP_SYS(nanosleep), "short waits", 0, {{0}}},
    {SCMP_SYS(restart_syscall), "a wait goes on after SIGSTOP", 0, {{0}}},
    {SCMP_SYS(rt_sigaction), "abort()", 0, {{0}}},
    {SCMP_SYS(rt_sigprocmask), "abort()", 0, {{0}}},
    {SCMP_SYS(rt_sigreturn), "signal handlers", 0, {{0}}},
    {SCMP_SYS(sigreturn), "the same on 32 bits", 0, {{0}}},
    {SCMP_SYS(sigaltstack), "signal handlers", 0, {{0}}},
    {SCMP_SYS(getpid), "abort(), the system log", 0, {{0}}},
    {SCMP_SYS(gettid), "abort()", 0, {{0}}},
    {SCMP_SYS(getuid), "privs_verify()", 0, {{0}}},
    {SCMP_SYS(geteuid), "privs_verify()", 0, {{0}}},
    {SCMP_SYS(getegid), "privs_verify()", 0, {{0}}},
    {SCMP_SYS(capget), "privs_verify()", 0, {{0}}},
    {SCMP_SYS(prctl), "privs_verify()", 1, {EQUALS(0, PR_GET_NO_NEW_PRIVS)}},
    {SCMP_SYS(prctl), "privs_verify()", 1, {EQUALS(0, PR_GET_SECCOMP)}},
    {SCMP_SYS(prctl), "privs_verify()", 1, {EQUALS(0, PR_GET_DUMPABLE)}},
    {SCMP_SYS(prctl), "privs_verify()", 2, {EQUALS(0, PR_CAP_AMBIENT), EQUALS(1, PR_CAP_AMBIENT_IS_SET)}},
    {SCMP_SYS(getrusage), "how much the watch itself uses", 0, {{0}}},
    {SCMP_SYS(wait4), "the clerk's end", 0, {{0}}},
    {SCMP_SYS(exit), "the end", 0, {{0}}},
    {SCMP_SYS(exit_group), "the end", 0, {{0}}},
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

/* Each call once, though it has several rows; a call that this kind of processor has not does not count. */
static unsigned count_calls(void)
{
    unsigned calls = 1; /* tgkill */
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        calls += allowed[i].call >= 0 && (i == 0 || allowed[i].call != allowed[i - 1].call);
    return calls;
}

/* 0 or a negative errno, as libseccomp has it. */
static int add_rules(scmp_filter_ctx filter)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof allowed / sizeof *allowed; i++)
        result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, allowed[i].call, allowed[i].count, allowed[i].tests);
    for (size_t i = 0; result == 0 && i < sizeof deadly / sizeof *deadly; i++)
        result = seccomp_rule_add_array(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0, NULL);
    const struct scmp_arg_cmp oneself = EQUALS(0, (scmp_datum_t)getpid()); /* abort() sends SIGABRT */
    return result ? result : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &oneself);
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
