/* Sockets of a probe: addresses, TTLs, and what the kernel tells of ICMP errors. */
#ifndef TCP53_CAPTURE_SOCKETS_H
#define TCP53_CAPTURE_SOCKETS_H

#include "dissect/addr.h"

#include <stddef.h>
#include <sys/types.h>

/* An ICMP error about a socket's packet (ip(7), IP_RECVERR; ipv6(7), IPV6_RECVERR). */
struct socket_error {
    int error;          /* errno */
    struct addr source; /* who sent it */
    uint8_t family;     /* 4 or 6 of ICMP; 0: this host itself found that it cannot send */
    uint8_t type, code;
};

/* ICMP errors that are told apart (RFC 792; RFC 4443, 3): a TTL that reached 0 on the way, and the like. */
enum socket_icmp { SOCKET_TIME_EXCEEDED, SOCKET_HOST_UNREACHABLE, SOCKET_TOO_BIG, SOCKET_ICMP };
bool socket_error_is(const struct socket_error *error, enum socket_icmp icmp);

/* Which ports a socket may get: the kernel gives TCP sockets that bind odd ones, and those that just connect even ones. */
enum socket_parity { SOCKET_ODD, SOCKET_EVEN };

/*
 * A non-blocking socket of the family of `address`, SOCK_STREAM or SOCK_DGRAM, bound to a port of its own, even or odd if
 * that can be had, which goes to `port`; it is told of ICMP errors and, of datagrams, of their TTL. -1 and errno when
 * there is none.
 */
int socket_open(struct addr address, int type, enum socket_parity parity, uint16_t *port);
/* 0: it connects, or is connected; else errno. */
int socket_connect(int descriptor, struct addr address, uint16_t port);
/* What the socket failed with since the last call, 0: nothing. Ask this before its ICMP errors. */
int socket_failed(int descriptor);
/* TTL (or hop limit) of what it sends (-1: the ordinary one), the least TTL of what it accepts, TOS. */
bool socket_set_ttl(int descriptor, struct addr address, int ttl);
bool socket_set_least_ttl(int descriptor, struct addr address, int ttl);
bool socket_set_tos(int descriptor, struct addr address, int tos);
/* Whether an established connection ends by ICMP errors (RFC 1122, 4.2.3.9, would have it go on). */
bool socket_set_told(int descriptor, struct addr address, bool told);
/* With which TTL its packets leave; 0 when the kernel does not say. */
uint8_t socket_ttl(int descriptor, struct addr address);
/* This end's address of a connected socket. */
bool socket_own_address(int descriptor, struct addr *address, uint16_t *port);

/* The next ICMP error that waits, errors that this host itself found left out; false: none does. */
bool socket_next_icmp(int descriptor, struct socket_error *error);
/*
 * Of a connection that was made the kernel tells ICMP errors as errno alone (tcp(7)): the error that this one stands for,
 * the plainest of several; false for an errno that is none.
 */
bool socket_icmp_of(int error, bool v4, struct socket_error *icmp);
/* True when TCP's handshake was made, and the connection is there still. */
bool socket_is_open(int descriptor);
/* Receives a datagram and its TTL (0: not told); as recv(2). */
ssize_t socket_receive(int descriptor, uint8_t *bytes, size_t room, uint8_t *ttl);
/*
 * Of a TCP socket: bytes that were written and never left, since the peer's window is shut; packets sent again; whether all
 * that was written has been acknowledged.
 */
unsigned socket_unsent(int descriptor);
unsigned socket_sent_again(int descriptor);
bool socket_all_acknowledged(int descriptor);
/* Closes a TCP socket with a RST, at once and without anything left behind (SO_LINGER with 0). */
void socket_abort(int descriptor);

#endif
