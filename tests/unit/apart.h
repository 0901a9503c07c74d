/* Parts of a test that cannot be taken back (another user, a filter of system calls): in a process of their own. */
#ifndef TCP53_TESTS_APART_H
#define TCP53_TESTS_APART_H

#include "capture/privs.h"

#include <stdbool.h>

/* Runs it there; what it said in the end, "" for nothing, "signal 31" when one ended it. Good until the next call. */
const char *apart_run(void (*part)(const void *context), const void *context);

/* Within such a part: it goes on only when the condition holds. */
#define NEED(condition) apart_need(condition, #condition)
void apart_need(bool holds, const char *condition);
/* Ends the part with a sentence. */
_Noreturn void apart_say(const char *text);

/* "nobody" for root, who can become it; oneself for others. */
void apart_find(struct privs *privs);
/* Becomes that, behind the filter. */
void apart_confine(struct privs *privs);

#endif
