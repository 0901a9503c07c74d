/* Signals to a watch: some end it wherever it is, others wait for their turn. */
#ifndef TCP53_WATCH_SIGNALS_H
#define TCP53_WATCH_SIGNALS_H

#include <stdbool.h>

/*
 * SIGINT and SIGTERM interrupt whatever waits, also for a reader that stands still; a second SIGINT kills. Where SIGINT is
 * ignored, as a shell has it for what runs in the background, it stays so. SIGUSR1 and SIGHUP wait in the descriptor that
 * is returned, for watch_signals_next(); -1 and errno.
 */
int watch_signals_catch(void);
/* Whether one of the first two has come. */
bool watch_signals_end(void);
/* The next of the others; 0: there is none. */
int watch_signals_next(int descriptor);

#endif
