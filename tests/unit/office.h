/* A clerk at work in a folder of the test's own, for a user who is not root. */
#ifndef TCP53_TESTS_OFFICE_H
#define TCP53_TESTS_OFFICE_H

#include "capture/clerk.h"
#include "capture/privs.h"
#include "tests/unit/draft.h"

extern struct privs office_user; /* nobody, or oneself without root */

/* For a suite's .init; draft_end() is its .fini. */
void office_begin(void);
/* A clerk with the places "out" and "more" of the folder. */
struct clerk *office_try(const char *const *command, unsigned seconds, struct failure *failure);
/* One that there must be. */
struct clerk *office_start(const char *const *command, unsigned seconds);
/* Whether none starts, with such words in the sentence. */
bool office_refuses(const char *directory, const char *const *command, const char *says);

#define OFFICE_SHELL(script) ((const char *const[]){"sh", "-c", script, NULL})
/* Runs the command: TCP53_SAID is the path of the file "said" in the first place, TCP53_SERVER 192.0.2.53. */
bool office_run(struct clerk *clerk, const char *report);
/* The command's status, once it has ended; -1: not within so many seconds. */
int office_status(struct clerk *clerk, int seconds);

/* A file's text, "" when it is not there. */
const char *office_text(const char *path);
int64_t office_now_ms(void);
/* Within three seconds; whether anybody has reaped the process is not our business. */
bool office_sees_end(pid_t process);

#endif
