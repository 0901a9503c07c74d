/* --exec: the user's command, which the clerk runs on a change. */
#ifndef TCP53_WATCH_COMMAND_H
#define TCP53_WATCH_COMMAND_H

#include "capture/clerk.h"
#include "options.h"
#include "report/change.h"

/* All zero: there is none. */
struct watch_command {
    char **words;
    bool runs; /* by what is known */
    uint64_t run, skipped;
};

/* Splits the command line; false and a sentence when it is none. watch_command_free() frees the words. */
bool watch_command_set(struct watch_command *command, const char *line, struct failure *failure);
void watch_command_free(struct watch_command *command);
/* Runs it, the report on its standard input; false and errno when that could not be, EBUSY when it is still running. */
bool watch_command_run(struct watch_command *command, struct clerk *clerk, const struct change *change,
                       const struct report *report, const struct options *options);
/* True once it has ended, with its status as wait(2) gives it. */
bool watch_command_ended(struct watch_command *command, struct clerk *clerk, int *status);

#endif
