/* Giving up privileges: to another user, without capabilities, behind a filter of system calls. */
#ifndef TCP53_CAPTURE_PRIVS_H
#define TCP53_CAPTURE_PRIVS_H

#include "capture/failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PRIVS_NAME = 33 }; /* bytes of a login name: useradd(8) takes 32 and no more */

#define PRIVS_SERVICE "tcp53" /* the user of the service */

struct privs {
    char user[PRIVS_NAME]; /* the number where the number has no name */
    uid_t uid;
    gid_t gid;
    bool switched;  /* to be somebody else than who started the program */
    unsigned calls; /* system calls that the filter allows; 0: no filter yet */
};

/*
 * Finds whom to become: a user by name, or by number (one that passwd does not know has a group of the same number).
 * NULL is the service's user, if there is one and who asks may switch to it, else nobody other than oneself. Reads
 * passwd, so call it first. Fails for a user that does not exist, and without the right to become it.
 */
bool privs_find(struct privs *privs, const char *user, struct failure *failure);
/* Nobody other than oneself. */
void privs_stay(struct privs *privs);
/*
 * Becomes that user with its one group, for good: empty bounding set (where CAP_SETPCAP allows), no capabilities of any
 * kind, no_new_privs, and not dumpable: no core file, which would hold packets, and no ptrace by the same user. The
 * process must have one thread.
 */
bool privs_drop(const struct privs *privs, struct failure *failure);
/*
 * Allows only the system calls of the tables in privs_filter.c, for good. Reads the time zone first and fixes TZ to it:
 * without TZ localtime(), mktime() and strftime() look at /etc/localtime at each call, and take UTC when they may not.
 */
bool privs_filter(struct privs *privs, struct failure *failure);
/*
 * No write to or send by descriptors of these numbers any more, whatever else the filter allows: a capture's sockets only
 * receive. Call it before privs_filter().
 */
bool privs_mute(const int *descriptors, size_t count, struct failure *failure);
/* Tries what must be refused after the calls above; a sentence for the first thing that is not. */
bool privs_verify(const struct privs *privs, struct failure *failure);
/* One line: as whom the process runs and what it may do. */
void privs_describe(const struct privs *privs, char *line, size_t size);

#endif
