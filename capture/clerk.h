/* A process of the same user that opens files in the output directories, and runs the user's command, for one that may not. */
#ifndef TCP53_CAPTURE_CLERK_H
#define TCP53_CAPTURE_CLERK_H

#include "capture/failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct clerk;
struct privs;

enum {
    CLERK_PLACES = 8,
    CLERK_MENDED = 4,
    CLERK_RUN_SECONDS = 30,   /* for the command, before SIGTERM */
    CLERK_GRACE_SECONDS = 5,  /* between that and SIGKILL */
    CLERK_START_SECONDS = 20, /* for the clerk to be ready: a user may have to be asked for over a network */
    CLERK_SECONDS = 3,        /* for an answer: a directory on a server that is away must not hold up the capture */
};

struct clerk_options {
    const char *directories[CLERK_PLACES]; /* one that is missing is made, mode 0750, and given to the user */
    size_t directory_count;
    const char *const *command; /* words, NULL at their end; NULL: none */
    unsigned run_seconds;       /* 0: CLERK_RUN_SECONDS */
    /*
     * Called in the end with each of the last CLERK_MENDED files made in that place, since whoever wrote them may have
     * been killed in the middle of a write(); NULL: there are none such. A file made there must not be there (EEXIST).
     */
    bool (*mend)(int descriptor);
    unsigned mend_place;
    const struct privs *privs; /* whom to become (privs_find) */
};

/*
 * Opens the directories with the rights that the caller still has, and starts the clerk, which gives up its own. Call it
 * before the capture is opened: a fork shares the kernel's rings of frames, and the clerk shall have none. NULL and a
 * sentence when a directory cannot be made, or the user cannot write in it.
 */
struct clerk *clerk_start(const struct clerk_options *options, struct failure *failure);
/*
 * The clerk ends at the end of its socket, so also when this process dies. Waits CLERK_SECONDS at most; a command that
 * runs then still has its time. Accepts NULL.
 */
void clerk_end(struct clerk *clerk);
/* True once a call has shown that it has ended. */
bool clerk_is_gone(const struct clerk *clerk);
pid_t clerk_pid(const struct clerk *clerk);

/*
 * All calls below wait for the answer, and set errno when they fail: EPIPE once the clerk is gone, ETIMEDOUT when it
 * does not answer in CLERK_SECONDS, and then at once until it has. A place is an index of `directories`. A name has one
 * or two parts of letters, digits and ._:+- that begin with neither '.' nor '-'; others are EINVAL, symbolic links are
 * ELOOP, and what is neither a file of this user with one name nor a directory is EPERM.
 */

/* True of such names. */
bool clerk_is_name(const char *name);
/* Descriptor of a new, or now empty, file of mode 0640, to write and read; -1 and errno. */
int clerk_create(struct clerk *clerk, unsigned place, const char *name);
/* The same as a stream; NULL and errno. */
FILE *clerk_stream(struct clerk *clerk, unsigned place, const char *name);
/* Descriptor of a file that there is, to read and write; -1 and errno. */
int clerk_open(struct clerk *clerk, unsigned place, const char *name);
/* Replaces what is called `to`. */
bool clerk_rename(struct clerk *clerk, unsigned place, const char *from, const char *to);
/* A file, or an empty directory. */
bool clerk_remove(struct clerk *clerk, unsigned place, const char *name);
/* Mode 0750. */
bool clerk_make_directory(struct clerk *clerk, unsigned place, const char *name);

/*
 * Starts the command; `input`, a file (a memfd) that the clerk rewinds, becomes its standard input, -1: /dev/null. Its
 * output goes to the clerk's standard error. It is found by PATH, has the environment PATH, LANG, LC_ALL, TZ, HOME, USER,
 * LOGNAME and what is given here, the clerk's user and working directory, no capabilities, and no_new_privs: sudo and
 * other setuid programs do not help it. One at a time: EBUSY. What it leaves behind in its process group ends with it.
 * `environment` is NULL or strings TCP53_NAME=VALUE: by other names (LD_PRELOAD) a process that was taken over could
 * break out through the command: EINVAL, as for control characters in a value; E2BIG beyond about 4000 bytes.
 */
bool clerk_run(struct clerk *clerk, int input, const char *const *environment);
/* Once for each command that has ended, with its status as wait(2) gives it; false and EAGAIN when there is none. */
bool clerk_ended(struct clerk *clerk, int *status);

/*
 * sd_notify(3): the clerk calls it, since it opens a socket each time. The message does not come from the unit's main
 * process, so the unit needs NotifyAccess=all. Without NOTIFY_SOCKET in the environment there is nothing to do: true.
 */
bool clerk_notify(struct clerk *clerk, const char *state);

/*
 * Words of a command line, split at blanks; '...' and "..." keep them together. No shell: nothing is expanded. Freed by
 * one free(). NULL when a quote is not closed, or there is no word.
 */
char **clerk_split(const char *command);

#endif
