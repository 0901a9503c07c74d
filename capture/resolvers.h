/* The DNS servers this host is configured to ask, and which of its interfaces leads to an address. */
#ifndef TCP53_CAPTURE_RESOLVERS_H
#define TCP53_CAPTURE_RESOLVERS_H

#include "capture/failure.h"
#include "dissect/addr.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

enum { RESOLVERS_MOST = 16 };

/* A link-local address needs its link; other servers that belong to one are asked through it by systemd-resolved. */
struct resolver_server {
    struct addr address;
    uint16_t port; /* 0: the usual one */
    unsigned link; /* the interface's index; 0: the route's */
    char link_name[IFNAMSIZ];
};

/*
 * The servers that queries of this host come to, each once, by a resolv.conf(5), NULL: /etc/resolv.conf. In the place of
 * systemd-resolved's stub stand those it forwards to, or the stub itself where that cannot be learnt; it takes two seconds
 * at most. `from` becomes words for where the list is from. 0 and the reason when the file cannot be read or names none.
 */
size_t resolvers_servers(const char *path, struct resolver_server *list, size_t room, char *from, size_t from_size,
                         struct failure *failure);
/* Which interface packets to that address leave by, of the host's own addresses the loopback; false: there is none. */
bool resolvers_interface(struct addr address, char name[IFNAMSIZ]);
/*
 * The interfaces on which this host's DNS is seen, each once: those toward its nameservers, and those toward the
 * servers behind systemd-resolved's stub. Another one on the host itself asks others in turn, and of one that cannot be
 * placed nothing is known: then the interface toward the world is one as well.
 */
size_t resolvers_interfaces(const char *path, char (*names)[IFNAMSIZ], size_t room);

#endif
