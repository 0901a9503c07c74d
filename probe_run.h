/* `tcp53 probe`: DNS servers are asked, and what happens is judged. */
#ifndef TCP53_PROBE_RUN_H
#define TCP53_PROBE_RUN_H

#include "options.h"

/* Asks the servers named, or else those that this host is configured with; the exit status. */
int probe_run(const struct options *options, const char *name, const char *const *servers, size_t server_count);

#endif
