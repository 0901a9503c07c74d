/* The DNS servers this host is configured to ask, and which of its interfaces leads to an address. */
#ifndef TCP53_CAPTURE_RESOLVERS_H
#define TCP53_CAPTURE_RESOLVERS_H

#include "dissect/addr.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

enum { RESOLVERS_MOST = 16 };

/* The nameservers of a resolv.conf(5), NULL: /etc/resolv.conf, in its order; how many. A file that is none has none. */
size_t resolvers_read(const char *path, struct addr *list, size_t room);
/* Which interface packets to that address leave by, of the host's own addresses the loopback; false: there is none. */
bool resolvers_interface(struct addr address, char name[IFNAMSIZ]);
/*
 * The interfaces on which this host's DNS is seen, each once: those toward its nameservers. One on the host itself asks
 * others in turn, and of one that cannot be placed nothing is known: then the interface toward the world is one as well.
 */
size_t resolvers_interfaces(const char *path, char (*names)[IFNAMSIZ], size_t room);

#endif
