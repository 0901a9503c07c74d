/* The command that the clerk runs: one at a time, within a time. */
#ifndef TCP53_CAPTURE_CLERK_COMMAND_H
#define TCP53_CAPTURE_CLERK_COMMAND_H

#include "capture/failure.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct clerk_command {
    const char *const *words; /* NULL: none */
    unsigned seconds;
    pid_t process;   /* 0: none runs */
    bool terminated; /* was told to end */
    int64_t next_ms; /* when it is told so, or killed; CLOCK_MONOTONIC */
    unsigned ended;  /* commands of which the status was not asked for */
    int status;      /* of the last one */
};

/* Whether the user may run it: a wrong name is told at the start, not weeks later. True when there is none. */
bool clerk_command_find(const struct clerk_command *command, struct failure *failure);
/* Strings TCP53_NAME=VALUE without control characters. */
bool clerk_command_takes(char *const *environment);
/* Starts it, `input` its standard input, or /dev/null for -1; 0 or an errno: EBUSY while it runs, what exec says. */
int clerk_command_start(struct clerk_command *command, int input, char *const *environment);
/* Milliseconds until clerk_command_mind() has something to do; -1: none runs. */
int clerk_command_wait(const struct clerk_command *command);
/* Ends what has had its time, and notes what has ended. */
void clerk_command_mind(struct clerk_command *command);

#endif
