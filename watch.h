/* `tcp53 watch`: live traffic judged as it comes. */
#ifndef TCP53_WATCH_H
#define TCP53_WATCH_H

#include "options.h"

/* Captures and judges until it is stopped; the exit status: of what was last told of each server, 2 for trouble. */
int watch_run(const struct options *options);

#endif
