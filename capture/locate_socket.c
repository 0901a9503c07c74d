#include "capture/locate_socket.h"

#include <errno.h>
#include <time.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SYN_AGAIN = 1, CONTROL_BYTES = 256 };

/* An address of either family, as the calls want it; its length. */
union place {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t place_set(union place *place, struct addr addr, uint16_t port)
{
    const uint8_t *bytes = (const uint8_t *)addr.word;
    memset(place, 0, sizeof *place);
    if (addr_is_v4(addr)) {
        place->v4.sin_family = AF_INET;
        place->v4.sin_port = htons(port);
        memcpy(&place->v4.sin_addr, bytes + 12, 4);
        return sizeof place->v4;
    }
    place->v6.sin6_family = AF_INET6;
    place->v6.sin6_port = htons(port);
    memcpy(&place->v6.sin6_addr, bytes, 16);
    return sizeof place->v6;
}

static bool set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/* To that port, 0: one that is free. Before it connects: who captures has to know it by then. */
static bool bind_port(int fd, bool v4, uint16_t *port)
{
    static const uint8_t nowhere[4];
    struct addr any = v4 ? addr_v4(nowhere) : (struct addr){{0, 0}};
    union place place;
    socklen_t length = place_set(&place, any, *port);
    if (bind(fd, &place.any, length) != 0 || getsockname(fd, &place.any, &length) != 0)
        return false;
    *port = ntohs(v4 ? place.v4.sin_port : place.v6.sin6_port);
    return true;
}

static int open_bound(bool v4, bool tcp, uint16_t *port)
{
    int fd = socket(v4 ? AF_INET : AF_INET6, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    bool fine = v4 ? set(fd, IPPROTO_IP, IP_RECVERR, 1) : set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
    if (tcp)
        fine = fine && set(fd, IPPROTO_TCP, TCP_SYNCNT, SYN_AGAIN) && set(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
    if (fine && bind_port(fd, v4, port))
        return fd;
    close(fd);
    return -1;
}

/* The kernel gives TCP sockets that bind odd ports, and those that just connect even ones. */
int locate_socket_open(struct addr server, bool tcp, bool even, uint16_t *port)
{
    bool v4 = addr_is_v4(server);
    *port = 0;
    int fd = open_bound(v4, tcp, port);
    uint16_t beside = *port ^ 1;
    if (fd < 0 || even == (*port % 2 == 0) || beside == 0)
        return fd;
    int other = open_bound(v4, tcp, &beside);
    if (other < 0)
        return fd;
    close(fd);
    *port = beside;
    return other;
}

bool locate_socket_set_ttl(int fd, struct addr server, unsigned ttl)
{
    int value = ttl ? (int)ttl : -1;
    return addr_is_v4(server) ? set(fd, IPPROTO_IP, IP_TTL, value) : set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, value);
}

int locate_socket_connect(int fd, struct addr server, uint16_t port)
{
    union place place;
    socklen_t length = place_set(&place, server, port);
    return connect(fd, &place.any, length) == 0 || errno == EINPROGRESS ? 0 : errno;
}

int locate_socket_failed(int fd)
{
    int error = 0;
    socklen_t length = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

static struct addr addr_of(const union place *place)
{
    if (place->any.sa_family == AF_INET)
        return addr_v4((const uint8_t *)&place->v4.sin_addr);
    if (place->any.sa_family == AF_INET6)
        return addr_v6((const uint8_t *)&place->v6.sin6_addr);
    return (struct addr){{0, 0}};
}

bool locate_socket_is_own(int fd, struct addr addr)
{
    union place place = {.any = {.sa_family = AF_UNSPEC}};
    socklen_t length = sizeof place;
    return getsockname(fd, &place.any, &length) == 0 && addr_same(addr_of(&place), addr);
}

/* The sender's address lies behind the error. */
static bool read_error(const struct cmsghdr *control, struct locate_icmp *icmp)
{
    struct sock_extended_err error;
    union place place = {.any = {.sa_family = AF_UNSPEC}};
    size_t length = control->cmsg_len - CMSG_LEN(0);
    if (length < sizeof error)
        return false;
    memcpy(&error, CMSG_DATA(control), sizeof error);
    if (error.ee_origin != SO_EE_ORIGIN_ICMP && error.ee_origin != SO_EE_ORIGIN_ICMP6)
        return false;
    length -= sizeof error;
    memcpy(&place, CMSG_DATA(control) + sizeof error, length < sizeof place ? length : sizeof place);
    *icmp = (struct locate_icmp){addr_of(&place), error.ee_type, error.ee_code};
    return true;
}

/* False when the message tells of no ICMP error. */
static bool read_control(struct msghdr *message, struct locate_icmp *icmp)
{
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
        bool v4 = at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_RECVERR;
        bool v6 = at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_RECVERR;
        if ((v4 || v6) && read_error(at, icmp))
            return true;
    }
    return false;
}

bool locate_socket_icmp(int fd, struct locate_icmp *icmp)
{
    for (;;) {
        _Alignas(struct cmsghdr) uint8_t control[CONTROL_BYTES];
        struct msghdr message = {.msg_control = control, .msg_controllen = sizeof control};
        if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
            return false;
        if (read_control(&message, icmp))
            return true;
    }
}

bool locate_socket_is_open(int fd)
{
    struct tcp_info info = {.tcpi_state = 0};
    socklen_t length = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
        return false;
    return info.tcpi_state == TCP_ESTABLISHED || info.tcpi_state == TCP_CLOSE_WAIT;
}

void locate_socket_close(int fd, struct addr server, bool tcp)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (tcp) {
        locate_socket_set_ttl(fd, server, 0);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    close(fd);
}

bool locate_icmp_is_exceeded(const struct locate_icmp *icmp, bool v4)
{
    return v4 ? icmp->type == ICMP_TIME_EXCEEDED && icmp->code == ICMP_EXC_TTL
              : icmp->type == ICMP6_TIME_EXCEEDED && icmp->code == ICMP6_TIME_EXCEED_TRANSIT;
}

bool locate_icmp_is_host(const struct locate_icmp *icmp, bool v4)
{
    return v4 ? icmp->type == ICMP_DEST_UNREACH && icmp->code == ICMP_HOST_UNREACH
              : icmp->type == ICMP6_DST_UNREACH && icmp->code == ICMP6_DST_UNREACH_ADDR;
}

bool locate_icmp_is_size(const struct locate_icmp *icmp, bool v4)
{
    return v4 ? icmp->type == ICMP_DEST_UNREACH && icmp->code == ICMP_FRAG_NEEDED : icmp->type == ICMP6_PACKET_TOO_BIG;
}
