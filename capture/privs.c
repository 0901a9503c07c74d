/*
 * How it works: the order in privs_drop() is that of what each step needs. The bounding set wants CAP_SETPCAP and the
 * groups CAP_SETGID, both gone once the user has changed; capabilities go last of all, since a process that was given
 * CAP_NET_RAW alone (a file's or ambient capabilities, another user than root) has nothing else to drop. Nothing of it
 * can be taken back: no_new_privs holds over execve(2) for the process and its children.
 */
#include "capture/privs.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static bool has_capability(cap_value_t capability)
{
    cap_flag_value_t value = CAP_CLEAR;
    cap_t mine = cap_get_proc();
    if (mine)
        cap_get_flag(mine, capability, CAP_EFFECTIVE, &value);
    cap_free(mine);
    return value == CAP_SET;
}

static bool may_switch(void)
{
    return has_capability(CAP_SETUID) && has_capability(CAP_SETGID);
}

/* False for what is no number, or -1, which setresuid(2) takes for "as it is". */
static bool read_number(const char *text, uid_t *number)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    *number = (uid_t)value;
    return errno == 0 && !*end && value < UINT32_MAX;
}

static void fill(struct privs *privs, const struct passwd *entry, uid_t uid, gid_t gid)
{
    *privs = (struct privs){.uid = entry ? entry->pw_uid : uid, .gid = entry ? entry->pw_gid : gid};
    if (entry)
        snprintf(privs->user, sizeof privs->user, "%s", entry->pw_name);
    else
        snprintf(privs->user, sizeof privs->user, "%u", (unsigned)uid);
    privs->switched = privs->uid != getuid() || privs->uid != geteuid();
}

/* By name, else by number; false when there is no such user. */
static bool look_up(struct privs *privs, const char *user)
{
    uid_t number = 0;
    const struct passwd *entry = getpwnam(user);
    if (!entry) {
        if (!read_number(user, &number))
            return false;
        entry = getpwuid(number);
    }
    fill(privs, entry, number, number);
    return true;
}

void privs_stay(struct privs *privs)
{
    fill(privs, getpwuid(geteuid()), geteuid(), getegid());
    privs->gid = getegid();
    privs->switched = false;
}

bool privs_find(struct privs *privs, const char *user, struct failure *failure)
{
    bool may = may_switch();
    if (!user) {
        if (!may || geteuid() != 0 || !look_up(privs, PRIVS_SERVICE))
            privs_stay(privs);
        return true;
    }
    if (!look_up(privs, user))
        return failure_set(failure, "there is no user %s on this host", user);
    if (privs->switched && !may)
        return failure_set(failure, "only root may run as user %s (this is uid %u); leave -Z out to stay who you are",
                           user, (unsigned)geteuid());
    if (!privs->switched)
        privs->gid = getegid();
    return true;
}

/* What is not allowed to us stays in the set, where no_new_privs makes it worthless. */
static void empty_bounding_set(void)
{
    for (cap_value_t capability = 0; cap_get_bound(capability) >= 0; capability++)
        cap_drop_bound(capability);
}

static bool switch_user(const struct privs *privs)
{
    return setgroups(0, NULL) == 0 && setresgid(privs->gid, privs->gid, privs->gid) == 0 &&
           setresuid(privs->uid, privs->uid, privs->uid) == 0;
}

/* Root that stays root loses its further groups too, if it may. */
static bool change_user(const struct privs *privs)
{
    if (privs->switched)
        return switch_user(privs);
    if (has_capability(CAP_SETGID))
        setgroups(0, NULL);
    return true;
}

static bool clear_capabilities(void)
{
    cap_t none = cap_init();
    bool fine = none && cap_reset_ambient() == 0 && cap_set_proc(none) == 0;
    int why = errno;
    cap_free(none);
    errno = why;
    return fine;
}

bool privs_drop(const struct privs *privs, struct failure *failure)
{
    if (prctl(PR_SET_KEEPCAPS, 0L) != 0)
        return failure_set(failure, "prctl(PR_SET_KEEPCAPS): %s", strerror(errno));
    empty_bounding_set();
    if (!change_user(privs))
        return failure_set(failure, "cannot become user %s: %s", privs->user, strerror(errno));
    if (!clear_capabilities())
        return failure_set(failure, "cannot give up capabilities: %s", strerror(errno));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0)
        return failure_set(failure, "prctl(PR_SET_NO_NEW_PRIVS): %s", strerror(errno));
    if (prctl(PR_SET_DUMPABLE, 0L) != 0)
        return failure_set(failure, "prctl(PR_SET_DUMPABLE): %s", strerror(errno));
    return true;
}

/* Trials: each is true when it succeeded in what it should not. */

static bool can_use_capabilities(void)
{
    cap_t none = cap_init(), mine = cap_get_proc();
    bool can = !none || !mine || cap_compare(none, mine) != 0;
    cap_free(none);
    cap_free(mine);
    return can;
}

static bool can_pass_capabilities(void)
{
    bool can = false;
    for (cap_value_t capability = 0; capability <= CAP_LAST_CAP; capability++)
        can |= cap_get_ambient(capability) == CAP_SET;
    return can;
}

static bool can_gain_privileges(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) != 1;
}

static bool can_dump(void)
{
    return prctl(PR_GET_DUMPABLE) != 0;
}

enum { SECCOMP_BY_FILTER = 2 }; /* SECCOMP_MODE_FILTER of linux/seccomp.h, which libseccomp's header does not like */

static bool can_call_anything(void)
{
    return prctl(PR_GET_SECCOMP) != SECCOMP_BY_FILTER;
}

static bool can_become_root(void)
{
    return geteuid() != 0 && setuid(0) == 0;
}

static bool could(int descriptor)
{
    if (descriptor >= 0)
        close(descriptor);
    return descriptor >= 0;
}

static bool can_open_file(void)
{
    return could(open("/etc/passwd", O_RDONLY | O_CLOEXEC)) || could(open("/", O_PATH | O_CLOEXEC));
}

static bool can_open_socket(void)
{
    return could(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) ||
           could(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) || could(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static bool can_fork(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (child > 0)
        waitpid(child, NULL, 0);
    return child > 0;
}

static const struct {
    const char *what;
    bool (*succeeds)(void);
} trials[] = {
    {"has capabilities", can_use_capabilities},
    {"hands on capabilities to a program that it runs", can_pass_capabilities},
    {"can gain privileges by running a program (no_new_privs is not set)", can_gain_privileges},
    {"can be dumped, or traced by its user", can_dump},
    {"is under no filter of system calls", can_call_anything},
    {"can become root", can_become_root},
    {"can open files", can_open_file},
    {"can open sockets", can_open_socket},
    {"can start processes", can_fork},
};

bool privs_verify(const struct privs *privs, struct failure *failure)
{
    if (geteuid() != privs->uid || getuid() != privs->uid || getegid() != privs->gid)
        return failure_set(failure, "privileges were not given up: uid is %u, not %u", (unsigned)geteuid(),
                           (unsigned)privs->uid);
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++)
        if (trials[i].succeeds())
            return failure_set(failure, "privileges were not given up: the process still %s", trials[i].what);
    return true;
}

void privs_describe(const struct privs *privs, char *line, size_t size)
{
    char allowed[96] = "system calls not filtered", who[PRIVS_NAME + 32];
    if (privs->calls)
        snprintf(allowed, sizeof allowed, "%u system calls allowed: it can open no file and no socket", privs->calls);
    snprintf(who, sizeof who, privs->user[0] >= '0' && privs->user[0] <= '9' ? "uid %s" : "%s (uid %u)", privs->user,
             (unsigned)privs->uid);
    if (privs->uid == 0)
        snprintf(line, size, "running as uid 0 without capabilities (-Z USER drops it), no new privileges, %s",
                 allowed);
    else
        snprintf(line, size, "running as %s, no capabilities, no new privileges, %s", who, allowed);
}
