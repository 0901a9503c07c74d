/*
 * How it works: the kernel is asked for its route. (The address of a socket that is connected there would not tell: it
 * may belong to another interface, as where the host's address is that of the loopback.)
 */
#include "capture/resolvers.h"

#include "dissect/cursor.h"

#include <ldns/ldns.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Documentation addresses (RFC 5737, RFC 3849): routed like any address of the Internet. */
static const char *const world[] = {"192.0.2.1", "2001:db8::1"};

static bool read_address(const ldns_rdf *data, struct addr *address)
{
    size_t size = ldns_rdf_size(data);
    if (ldns_rdf_get_type(data) == LDNS_RDF_TYPE_A && size == sizeof(struct in_addr))
        *address = addr_v4(ldns_rdf_data(data));
    else if (ldns_rdf_get_type(data) == LDNS_RDF_TYPE_AAAA && size == sizeof(struct in6_addr))
        *address = addr_v6(ldns_rdf_data(data));
    else
        return false;
    return true;
}

size_t resolvers_read(const char *path, struct addr *list, size_t room)
{
    ldns_resolver *resolver = NULL;
    size_t count = 0;
    if (ldns_resolver_new_frm_file(&resolver, path) != LDNS_STATUS_OK)
        return 0;
    ldns_rdf *const *servers = ldns_resolver_nameservers(resolver);
    for (size_t i = 0; i < ldns_resolver_nameserver_count(resolver) && count < room; i++)
        count += read_address(servers[i], &list[count]);
    ldns_resolver_deep_free(resolver);
    return count;
}

struct route_request {
    struct nlmsghdr header;
    struct rtmsg route;
    struct rtattr attribute;
    uint8_t address[sizeof(struct in6_addr)];
};

/* rtnetlink(7) */
static struct route_request request_of(struct addr address)
{
    bool is_v4 = addr_is_v4(address);
    unsigned bytes = is_v4 ? sizeof(struct in_addr) : sizeof(struct in6_addr);
    struct route_request request = {
        .header = {.nlmsg_len = (unsigned)offsetof(struct route_request, address) + bytes,
                   .nlmsg_type = RTM_GETROUTE,
                   .nlmsg_flags = NLM_F_REQUEST},
        .route = {.rtm_family = is_v4 ? AF_INET : AF_INET6, .rtm_dst_len = (uint8_t)(bytes * 8)},
        .attribute = {.rta_len = (unsigned short)(RTA_LENGTH(0) + bytes), .rta_type = RTA_DST},
    };
    memcpy(request.address, (const uint8_t *)address.word + sizeof address.word - bytes, bytes);
    return request;
}

/* The interface's index among a route's attributes, which are padded to four bytes; 0: it has none. */
static unsigned read_index(struct cursor rest)
{
    unsigned index = 0;
    struct rtattr attribute;
    for (const uint8_t *at = cursor_take(&rest, sizeof attribute); at; at = cursor_take(&rest, sizeof attribute)) {
        memcpy(&attribute, at, sizeof attribute);
        if (attribute.rta_len < sizeof attribute)
            break;
        const uint8_t *value = cursor_take(&rest, RTA_ALIGN(attribute.rta_len) - sizeof attribute);
        if (value && attribute.rta_type == RTA_OIF && attribute.rta_len == sizeof attribute + sizeof index)
            memcpy(&index, value, sizeof index);
    }
    return index;
}

/* The interface's index of the kernel's reply; 0: there is no way. */
static unsigned read_reply(const struct nlmsghdr *header, size_t length)
{
    enum { LOOPBACK = 1 }; /* in each network namespace: LOOPBACK_IFINDEX of the kernel's net/flow.h */
    if (!NLMSG_OK(header, length) || header->nlmsg_type != RTM_NEWROUTE)
        return 0;
    const struct rtmsg *route = NLMSG_DATA(header);
    if (route->rtm_type == RTN_UNICAST)
        return read_index(cursor_of((const uint8_t *)RTM_RTA(route), RTM_PAYLOAD(header)));
    return route->rtm_type == RTN_LOCAL ? LOOPBACK : 0;
}

bool resolvers_interface(struct addr address, char name[IFNAMSIZ])
{
    union {
        struct nlmsghdr header;
        uint8_t bytes[4096];
    } reply;
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (descriptor < 0)
        return false;
    const struct route_request request = request_of(address);
    ssize_t got = send(descriptor, &request, request.header.nlmsg_len, 0);
    if (got > 0)
        got = recv(descriptor, reply.bytes, sizeof reply.bytes, 0);
    close(descriptor);
    unsigned index = got > 0 ? read_reply(&reply.header, (size_t)got) : 0;
    return index > 0 && if_indextoname(index, name);
}

/* What is not known yet is put at the end, as far as there is room. */
static size_t add_name(char (*names)[IFNAMSIZ], size_t count, size_t room, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return count;
    if (count == room)
        return count;
    memcpy(names[count], name, IFNAMSIZ);
    return count + 1;
}

size_t resolvers_interfaces(const char *path, char (*names)[IFNAMSIZ], size_t room)
{
    struct addr servers[RESOLVERS_MOST], address;
    char name[IFNAMSIZ], loopback[IFNAMSIZ] = "";
    size_t count = 0, known = resolvers_read(path, servers, RESOLVERS_MOST);
    bool elsewhere = known == 0;
    if (addr_read("127.0.0.1", &address))
        resolvers_interface(address, loopback);
    for (size_t i = 0; i < known; i++) {
        bool found = resolvers_interface(servers[i], name);
        if (found)
            count = add_name(names, count, room, name);
        elsewhere |= !found || strcmp(name, loopback) == 0;
    }
    for (size_t i = 0; elsewhere && i < sizeof world / sizeof *world; i++)
        if (addr_read(world[i], &address) && resolvers_interface(address, name))
            count = add_name(names, count, room, name);
    return count;
}
