/*
 * How it works: the command has a process group of its own. After its time the group is sent SIGTERM, after some more
 * SIGKILL; and SIGKILL once its first process has ended, before that is reaped and its number could mean another one.
 */
#include "capture/clerk_command.h"

#include "capture/clerk.h"
#include "capture/clerk_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OWN_VARIABLES = 7, VARIABLE = 1024, GRACE_MS = CLERK_GRACE_SECONDS * 1000, LONGEST_WAIT_MS = 60 * 60 * 1000 };

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_variable(const char *text)
{
    static const char prefix[] = "TCP53_";
    size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    if (strncmp(text, prefix, sizeof prefix - 1) != 0 || text[length] != '=')
        return false;
    for (const char *at = text + length; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 127)
            return false;
    return true;
}

bool clerk_command_takes(char *const *environment)
{
    for (; *environment; environment++)
        if (!is_variable(*environment))
            return false;
    return true;
}

static const char *search_path(void)
{
    const char *path = getenv("PATH");
    return path && *path ? path : "/usr/local/bin:/usr/bin:/bin";
}

static bool is_program(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode) && faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

/* As posix_spawnp(3) looks for it. */
static bool is_in_path(const char *name)
{
    char file[PATH_MAX];
    const char *path = search_path();
    for (bool more = true; more;) {
        size_t length = strcspn(path, ":");
        more = path[length] != '\0';
        int size = snprintf(file, sizeof file, "%.*s/%s", length ? (int)length : 1, length ? path : ".", name);
        if (size < (int)sizeof file && is_program(file))
            return true;
        path += length + 1;
    }
    return false;
}

bool clerk_command_find(const struct clerk_command *command, struct failure *failure)
{
    const char *name = command->words ? command->words[0] : NULL;
    if (!name || (strchr(name, '/') ? is_program(name) : is_in_path(name)))
        return true;
    return failure_set(failure, "%s: there is no such program, or uid %u may not run it", name, (unsigned)geteuid());
}

/* Its own variables come first: those of the session, and of whom it runs as. */
struct environment {
    char texts[OWN_VARIABLES][VARIABLE];
    unsigned count;
    char *list[OWN_VARIABLES + CLERK_STRINGS + 1];
};

static void set(struct environment *environment, const char *name, const char *value)
{
    char *text = environment->texts[environment->count];
    if (value && snprintf(text, VARIABLE, "%s=%s", name, value) < VARIABLE)
        environment->list[environment->count++] = text;
}

/* Once: whoever knows the user may be far away. */
static void fill_own(struct environment *environment)
{
    const struct passwd *user = getpwuid(geteuid());
    set(environment, "PATH", search_path());
    set(environment, "LANG", getenv("LANG"));
    set(environment, "LC_ALL", getenv("LC_ALL"));
    set(environment, "TZ", getenv("TZ"));
    set(environment, "HOME", user ? user->pw_dir : "/");
    set(environment, "USER", user ? user->pw_name : NULL);
    set(environment, "LOGNAME", user ? user->pw_name : NULL);
}

static void fill(struct environment *environment, char *const *more)
{
    if (environment->count == 0)
        fill_own(environment);
    size_t count = environment->count;
    for (; *more; more++)
        environment->list[count++] = *more;
    environment->list[count] = NULL;
}

/* A group of its own, and signals as a program expects them. */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* All other descriptors of the clerk close on exec. */
static int set_descriptors(posix_spawn_file_actions_t *actions, int input)
{
    int result = input >= 0 ? posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO) : 0;
    return result ? result : posix_spawn_file_actions_adddup2(actions, STDERR_FILENO, STDOUT_FILENO);
}

/* posix_spawn(3) returns what exec said. The words are not changed, though it says so in its type. */
static int spawn(pid_t *process, const char *const *words, int input, char **environment)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
    int result = set_attributes(&attributes);
    if (result == 0)
        result = set_descriptors(&actions, input);
    if (result == 0)
        result = posix_spawnp(process, words[0], &actions, &attributes, (char *const *)words, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return result;
}

/* Only a file: no socket or device reaches the command. */
static bool rewind_input(int input)
{
    struct stat about;
    return input < 0 || (fstat(input, &about) == 0 && S_ISREG(about.st_mode) && lseek(input, 0, SEEK_SET) == 0);
}

int clerk_command_start(struct clerk_command *command, int input, char *const *environment)
{
    static struct environment whole;
    if (!command->words)
        return ENOENT;
    if (command->process)
        return EBUSY;
    if (!rewind_input(input))
        return EINVAL;
    fill(&whole, environment);
    pid_t process;
    int result = spawn(&process, command->words, input, whole.list);
    if (result != 0)
        return result;
    command->process = process;
    command->terminated = false;
    command->next_ms = now_ms() + (int64_t)command->seconds * 1000;
    return 0;
}

int clerk_command_wait(const struct clerk_command *command)
{
    if (!command->process)
        return -1;
    int64_t left = command->next_ms - now_ms();
    return left < 0 ? 0 : left < LONGEST_WAIT_MS ? (int)left : LONGEST_WAIT_MS;
}

static bool has_ended(pid_t process)
{
    siginfo_t about = {0};
    return waitid(P_PID, (id_t)process, &about, WEXITED | WNOHANG | WNOWAIT) != 0 || about.si_pid == process;
}

static void reap(struct clerk_command *command)
{
    kill(-command->process, SIGKILL);
    command->status = 0;
    waitpid(command->process, &command->status, 0);
    command->process = 0;
    command->ended++;
}

void clerk_command_mind(struct clerk_command *command)
{
    if (!command->process)
        return;
    if (has_ended(command->process)) {
        reap(command);
    } else if (now_ms() >= command->next_ms) {
        kill(-command->process, command->terminated ? SIGKILL : SIGTERM);
        command->terminated = true;
        command->next_ms = now_ms() + GRACE_MS;
    }
}
