#include "capture/sockets.h"

#include <assert.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/sockios.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Fills in a socket address; returns its length. */
static socklen_t to_storage(struct addr address, uint16_t port, struct sockaddr_storage *storage)
{
    memset(storage, 0, sizeof *storage);
    const uint8_t *bytes = (const uint8_t *)address.word;
    if (addr_is_v4(address)) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&v4.sin_addr, bytes + sizeof address.word - sizeof v4.sin_addr, sizeof v4.sin_addr);
        memcpy(storage, &v4, sizeof v4);
        return sizeof v4;
    }
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&v6.sin6_addr, bytes, sizeof v6.sin6_addr);
    memcpy(storage, &v6, sizeof v6);
    return sizeof v6;
}

/* False for an address of another family. */
static bool from_storage(const struct sockaddr_storage *storage, struct addr *address, uint16_t *port)
{
    if (storage->ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, storage, sizeof v4);
        *address = addr_v4((const uint8_t *)&v4.sin_addr);
        *port = ntohs(v4.sin_port);
        return true;
    }
    if (storage->ss_family != AF_INET6)
        return false;
    struct sockaddr_in6 v6;
    memcpy(&v6, storage, sizeof v6);
    *address = addr_v6(v6.sin6_addr.s6_addr);
    *port = ntohs(v6.sin6_port);
    return true;
}

/* An option that both families have, by its two levels and names. */
struct both {
    int v4, v6;
};

static bool set(int descriptor, struct addr address, struct both name, int value)
{
    bool v4 = addr_is_v4(address);
    return setsockopt(descriptor, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? name.v4 : name.v6, &value, sizeof value) == 0;
}

bool socket_set_ttl(int descriptor, struct addr address, int ttl)
{
    return set(descriptor, address, (struct both){IP_TTL, IPV6_UNICAST_HOPS}, ttl);
}

bool socket_set_least_ttl(int descriptor, struct addr address, int ttl)
{
    enum { MINHOPCOUNT = 73 }; /* IPV6_MINHOPCOUNT of linux/in6.h, which netinet/in.h does not go with */
    return set(descriptor, address, (struct both){IP_MINTTL, MINHOPCOUNT}, ttl);
}

bool socket_set_tos(int descriptor, struct addr address, int tos)
{
    return set(descriptor, address, (struct both){IP_TOS, IPV6_TCLASS}, tos);
}

bool socket_set_told(int descriptor, struct addr address, bool told)
{
    return set(descriptor, address, (struct both){IP_RECVERR, IPV6_RECVERR}, told);
}

uint8_t socket_ttl(int descriptor, struct addr address)
{
    bool v4 = addr_is_v4(address);
    int ttl = 0;
    socklen_t size = sizeof ttl;
    if (getsockopt(descriptor, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TTL : IPV6_UNICAST_HOPS, &ttl, &size) != 0)
        return 0;
    return ttl > 0 && ttl <= UINT8_MAX ? (uint8_t)ttl : 0;
}

bool socket_own_address(int descriptor, struct addr *address, uint16_t *port)
{
    struct sockaddr_storage storage = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof storage;
    return getsockname(descriptor, (struct sockaddr *)&storage, &size) == 0 && from_storage(&storage, address, port);
}

/* To that port; 0: one that is free. */
static bool bind_port(int descriptor, bool v4, uint16_t *port)
{
    static const uint8_t zero[4];
    struct sockaddr_storage any;
    struct addr own;
    socklen_t size = to_storage(v4 ? addr_v4(zero) : (struct addr){{0, 0}}, *port, &any);
    return bind(descriptor, (const struct sockaddr *)&any, size) == 0 && socket_own_address(descriptor, &own, port);
}

static int open_bound(struct addr address, int type, uint16_t *port)
{
    bool v4 = addr_is_v4(address);
    int descriptor = socket(v4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    bool fine = socket_set_told(descriptor, address, true);
    if (type == SOCK_DGRAM)
        fine = fine && set(descriptor, address, (struct both){IP_RECVTTL, IPV6_RECVHOPLIMIT}, 1);
    if (fine && bind_port(descriptor, v4, port))
        return descriptor;
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

int socket_open(struct addr address, int type, enum socket_parity parity, uint16_t *port)
{
    *port = 0;
    int descriptor = open_bound(address, type, port);
    uint16_t beside = *port ^ 1;
    if (descriptor < 0 || (parity == SOCKET_EVEN) == (*port % 2 == 0) || beside == 0)
        return descriptor;
    int other = open_bound(address, type, &beside);
    if (other < 0)
        return descriptor;
    close(descriptor);
    *port = beside;
    return other;
}

int socket_connect(int descriptor, struct addr address, uint16_t port)
{
    struct sockaddr_storage storage;
    socklen_t size = to_storage(address, port, &storage);
    return connect(descriptor, (const struct sockaddr *)&storage, size) == 0 || errno == EINPROGRESS ? 0 : errno;
}

int socket_failed(int descriptor)
{
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

/* ---------------------------------------------------------------- what the kernel tells */

static void read_extended(const struct cmsghdr *header, struct socket_error *error)
{
    struct {
        struct sock_extended_err what;
        struct sockaddr_storage offender;
    } extended = {0};
    uint16_t port;
    size_t size = header->cmsg_len - CMSG_LEN(0);
    memcpy(&extended, CMSG_DATA(header), size < sizeof extended ? size : sizeof extended);
    *error = (struct socket_error){
        .error = (int)extended.what.ee_errno, .type = extended.what.ee_type, .code = extended.what.ee_code};
    if (extended.what.ee_origin == SO_EE_ORIGIN_ICMP)
        error->family = 4;
    else if (extended.what.ee_origin == SO_EE_ORIGIN_ICMP6)
        error->family = 6;
    if (error->family)
        from_storage(&extended.offender, &error->source, &port);
}

static bool next_error(int descriptor, struct socket_error *error)
{
    uint8_t quoted[64];
    _Alignas(struct cmsghdr) uint8_t control[512];
    struct iovec part = {quoted, sizeof quoted};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(descriptor, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
        return false;
    *error = (struct socket_error){0};
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header))
        if ((header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR) ||
            (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_RECVERR))
            read_extended(header, error);
    return true;
}

bool socket_error_is(const struct socket_error *error, enum socket_icmp icmp)
{
    enum { ANY_CODE = 256 };
    static const struct {
        unsigned v4_type, v4_code, v6_type, v6_code;
    } rows[] = {
        [SOCKET_TIME_EXCEEDED] = {ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_TRANSIT},
        [SOCKET_HOST_UNREACHABLE] = {ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR},
        [SOCKET_TOO_BIG] = {ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, ICMP6_PACKET_TOO_BIG, ANY_CODE},
    };
    static_assert(sizeof rows / sizeof *rows == SOCKET_ICMP, "each has its row");
    unsigned type = error->family == 4 ? rows[icmp].v4_type : rows[icmp].v6_type;
    unsigned code = error->family == 4 ? rows[icmp].v4_code : rows[icmp].v6_code;
    return error->family != 0 && error->type == type && (code == ANY_CODE || error->code == code);
}

bool socket_icmp_of(int error, bool v4, struct socket_error *icmp)
{
    static const struct {
        int error;
        uint8_t v4_type, v4_code, v6_type, v6_code;
    } errors[] = {
        {ECONNREFUSED, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT},
        {ENOPROTOOPT, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 0, 0},
        {EACCES, 0, 0, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN},
        {ENETUNREACH, ICMP_DEST_UNREACH, ICMP_NET_UNREACH, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE},
        {EHOSTUNREACH, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR},
    };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        *icmp = (struct socket_error){.error = error,
                                      .family = v4 ? 4 : 6,
                                      .type = v4 ? errors[i].v4_type : errors[i].v6_type,
                                      .code = v4 ? errors[i].v4_code : errors[i].v6_code};
        if (errors[i].error == error && icmp->type != 0)
            return true;
    }
    return false;
}

bool socket_next_icmp(int descriptor, struct socket_error *error)
{
    while (next_error(descriptor, error))
        if (error->family)
            return true;
    return false;
}

bool socket_is_open(int descriptor)
{
    struct tcp_info info = {.tcpi_state = 0};
    socklen_t size = sizeof info;
    return getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
           (info.tcpi_state == TCP_ESTABLISHED || info.tcpi_state == TCP_CLOSE_WAIT);
}

ssize_t socket_receive(int descriptor, uint8_t *bytes, size_t room, uint8_t *ttl)
{
    _Alignas(struct cmsghdr) uint8_t control[128];
    struct iovec part = {bytes, room};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(descriptor, &message, MSG_DONTWAIT);
    *ttl = 0;
    if (got < 0)
        return got;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        int value = 0;
        if ((header->cmsg_level != IPPROTO_IP || header->cmsg_type != IP_TTL) &&
            (header->cmsg_level != IPPROTO_IPV6 || header->cmsg_type != IPV6_HOPLIMIT))
            continue;
        memcpy(&value, CMSG_DATA(header), sizeof value);
        *ttl = (uint8_t)value;
    }
    return got;
}

unsigned socket_unsent(int descriptor)
{
    int unsent = 0;
    return ioctl(descriptor, SIOCOUTQNSD, &unsent) == 0 && unsent > 0 ? (unsigned)unsent : 0;
}

unsigned socket_sent_again(int descriptor)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    return getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_total_retrans : 0;
}

bool socket_all_acknowledged(int descriptor)
{
    int waiting = 0;
    return ioctl(descriptor, SIOCOUTQ, &waiting) == 0 && waiting == 0;
}

void socket_abort(int descriptor)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(descriptor);
}
