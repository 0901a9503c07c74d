/* systemd-resolved: the servers that it forwards to, as it tells over D-Bus (org.freedesktop.resolve1(5)). */
#ifndef TCP53_CAPTURE_RESOLVED_H
#define TCP53_CAPTURE_RESOLVED_H

#include "capture/resolvers.h"

/* Where it writes them as a resolv.conf, without their ports. */
#define RESOLVED_FILE "/run/systemd/resolve/resolv.conf"

/* True for the addresses that its stub listens at: 127.0.0.53, and 127.0.0.54, which hands on what it is asked as it is. */
bool resolved_is_stub(struct addr address);
/*
 * Its servers, those of all links first and then each link's, in its order, the same one perhaps twice; where it has none,
 * those it falls back to. 0 when it has none or is not there; it is not started, and not waited for longer than two seconds.
 */
size_t resolved_servers(struct resolver_server *list, size_t room);

#endif
