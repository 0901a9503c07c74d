/* Sockets of a probe: addresses, TTLs, and what the kernel tells of ICMP errors. */
#ifndef TCP53_CAPTURE_SOCKETS_H
#define TCP53_CAPTURE_SOCKETS_H

#include "dissect/addr.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/* An ICMP error about a socket's packet (ip(7), IP_RECVERR; ipv6(7), IPV6_RECVERR). */
struct socket_error {
    int error;          /* errno */
    struct addr source; /* who sent it */
    uint8_t family;     /* 4 or 6 of ICMP; 0: this host itself found that it cannot send */
    uint8_t type, code;
};

/* Fills in a socket address; returns its length. */
socklen_t socket_address(struct addr address, uint16_t port, struct sockaddr_storage *storage);
/* Reads one; false for one of another family. */
bool socket_read_address(const struct sockaddr_storage *storage, struct addr *address, uint16_t *port);

/*
 * A non-blocking socket of the family of `address`, SOCK_STREAM or SOCK_DGRAM, bound to a free port of its own, which goes
 * to `port`; it is told of ICMP errors and, of datagrams, of their TTL. -1 and errno when there is none.
 */
int socket_open(struct addr address, int type, uint16_t *port);
/* The same for any number of options: TTL (or hop limit) of what it sends, the least TTL of what it accepts, TOS. */
bool socket_set_ttl(int descriptor, struct addr address, int ttl);
bool socket_set_least_ttl(int descriptor, struct addr address, int ttl);
bool socket_set_tos(int descriptor, struct addr address, int tos);
/* Whether an established connection ends by ICMP errors (RFC 1122, 4.2.3.9, would have it go on). */
bool socket_set_told(int descriptor, struct addr address, bool told);
/* With which TTL its packets leave; 0 when the kernel does not say. */
uint8_t socket_ttl(int descriptor, struct addr address);
/* This end's address of a connected socket. */
bool socket_own_address(int descriptor, struct addr *address, uint16_t *port);

/* The next ICMP error that waits; false: none does. */
bool socket_next_error(int descriptor, struct socket_error *error);
/* Receives a datagram and its TTL (0: not told); as recv(2). */
ssize_t socket_receive(int descriptor, uint8_t *bytes, size_t room, uint8_t *ttl);
/* Of a TCP socket: packets sent again, and whether all data that was written has been acknowledged. */
unsigned socket_sent_again(int descriptor);
bool socket_all_acknowledged(int descriptor);
/* Closes a TCP socket with a RST, at once and without anything left behind (SO_LINGER with 0). */
void socket_abort(int descriptor);

#endif
