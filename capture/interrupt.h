/* The user ends the reading before its end: what was read is judged. */
#ifndef TCP53_CAPTURE_INTERRUPT_H
#define TCP53_CAPTURE_INTERRUPT_H

#include <stdbool.h>

/*
 * Ends all reading as if the inputs ended there; a signal handler may call it. Reading waits for SIGINT in a thread of
 * its own, so whoever handles that signal blocks it before source_open().
 */
void interrupt_raise(void);
/* Whether that happened. */
bool interrupt_is_raised(void);
/* Whether it has to be heeded still. */
bool interrupt_is_pending(void);
/* The same, for one who heeds it: no more is copied from a pipe, but what was is read to its end. */
bool interrupt_take(void);

#endif
