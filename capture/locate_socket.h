/* Sockets whose packets have a TTL of their own, and the ICMP errors that come back to them. */
#ifndef TCP53_CAPTURE_LOCATE_SOCKET_H
#define TCP53_CAPTURE_LOCATE_SOCKET_H

#include "dissect/addr.h"

#include <stdbool.h>
#include <stdint.h>

/* An ICMP error that somebody on the way sent. */
struct locate_icmp {
    struct addr from;
    uint8_t type, code;
};

/*
 * A socket that does not block, is told of ICMP errors, and is bound to a port of its own: `port`, an even or an odd one if
 * that can be had. Over TCP its SYN is sent twice at most, and its handshake is acknowledged no sooner than its first data
 * are sent (or 200 ms later). -1: none.
 */
int locate_socket_open(struct addr server, bool tcp, bool even, uint16_t *port);
/* For the packets to come; 0: the ordinary one. */
bool locate_socket_set_ttl(int fd, struct addr server, unsigned ttl);
/* 0: it connects, or is connected; else errno. */
int locate_socket_connect(int fd, struct addr server, uint16_t port);
/* What the socket failed with since the last call, 0: nothing. Ask this before its ICMP errors. */
int locate_socket_failed(int fd);
/* The next ICMP error; false: no more. Errors that this host found itself are passed over. */
bool locate_socket_icmp(int fd, struct locate_icmp *icmp);
/* True of this host's address on the way there. */
bool locate_socket_is_own(int fd, struct addr addr);
/* True when TCP's handshake was made. */
bool locate_socket_is_open(int fd);
/* Over TCP with a RST, which goes as far as the server. */
void locate_socket_close(int fd, struct addr server, bool tcp);

/* True of "time to live exceeded in transit" (RFC 792) and "hop limit exceeded in transit" (RFC 4443). */
bool locate_icmp_is_exceeded(const struct locate_icmp *icmp, bool v4);
/* True of "host unreachable": from this host itself it says that nobody on the link has the address. */
bool locate_icmp_is_host(const struct locate_icmp *icmp, bool v4);
/* True of what says that a packet is too big: its way is not at an end. */
bool locate_icmp_is_size(const struct locate_icmp *icmp, bool v4);

#endif
