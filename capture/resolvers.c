/*
 * How it works: the kernel is asked for its route. (The address of a socket that is connected there would not tell: it
 * may belong to another interface, as where the host's address is that of the loopback.)
 */
#include "capture/resolvers.h"

#include "capture/resolved.h"
#include "dissect/cursor.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Documentation addresses (RFC 5737, RFC 3849): routed like any address of the Internet. */
static const char *const world[] = {"192.0.2.1", "2001:db8::1"};

static const char system_file[] = "/etc/resolv.conf";

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

/* "eth0" or its number, as a scope is written (RFC 4007, 11.2); 0: there is none. */
static unsigned scope_index(const char *scope, char name[IFNAMSIZ])
{
    unsigned index = if_nametoindex(scope);
    if (index == 0)
        index = (unsigned)strtoul(scope, NULL, 10);
    return index > 0 && if_indextoname(index, name) ? index : 0;
}

/*
 * The interface that a link-local address is asked through: ldns leaves it out of "fe80::1%eth0". The first line that names
 * the address counts.
 */
static void read_scope(FILE *file, struct resolver_server *server)
{
    char line[256], address[ADDR_TEXT], scope[IFNAMSIZ];
    struct addr named;
    rewind(file);
    while (!server->link && fgets(line, sizeof line, file))
        if (sscanf(line, " nameserver %45[0-9a-fA-F:.]%%%15s", address, scope) == 2 && addr_read(address, &named) &&
            addr_same(named, server->address))
            server->link = scope_index(scope, server->link_name);
}

/* Puts a server at the end, unless it is there already or there is no room. */
static size_t add_server(struct resolver_server *list, size_t count, size_t room, const struct resolver_server *server)
{
    for (size_t i = 0; i < count; i++)
        if (addr_same(list[i].address, server->address) && list[i].port == server->port)
            return count;
    if (count == room)
        return count;
    list[count] = *server;
    return count + 1;
}

static size_t read_list(FILE *file, const ldns_resolver *resolver, struct resolver_server *list, size_t room)
{
    size_t count = 0;
    ldns_rdf *const *servers = ldns_resolver_nameservers(resolver);
    for (size_t i = 0; i < ldns_resolver_nameserver_count(resolver); i++) {
        struct resolver_server server = {.port = 0};
        if (!read_address(servers[i], &server.address))
            continue;
        if (addr_is_link_local(server.address))
            read_scope(file, &server);
        count = add_server(list, count, room, &server);
    }
    return count;
}

/* The servers that a file names, each once; 0 and the reason when it names none. */
static size_t read_file(const char *path, struct resolver_server *list, size_t room, struct failure *failure)
{
    ldns_resolver *resolver = NULL;
    size_t count = 0;
    int line = 0;
    FILE *file = fopen(path, "re");
    ldns_status status = file ? ldns_resolver_new_frm_fp_l(&resolver, file, &line) : LDNS_STATUS_FILE_ERR;
    if (!file || ferror(file))
        failure_set(failure, "%s: %s", path, strerror(errno));
    else if (status != LDNS_STATUS_OK)
        failure_set(failure, "%s: line %d is not understood, see resolv.conf(5)", path, line);
    else if ((count = read_list(file, resolver, list, room)) == 0)
        failure_set(failure, "%s names no DNS server", path);
    ldns_resolver_deep_free(resolver);
    if (file)
        fclose(file);
    return count;
}

/* Puts the servers that systemd-resolved forwards to at the end; the words say who told of them, NULL: nobody. */
static size_t add_forwarders(struct resolver_server *list, size_t count, size_t room, const char **teller)
{
    struct resolver_server forwarders[RESOLVERS_MOST];
    struct failure failure = {""};
    *teller = "systemd-resolved";
    size_t found = resolved_servers(forwarders, RESOLVERS_MOST);
    if (found == 0) {
        *teller = RESOLVED_FILE;
        found = read_file(RESOLVED_FILE, forwarders, RESOLVERS_MOST, &failure);
    }
    if (found == 0)
        *teller = NULL;
    for (size_t i = 0; i < found; i++)
        if (!resolved_is_stub(forwarders[i].address))
            count = add_server(list, count, room, &forwarders[i]);
    return count;
}

size_t resolvers_servers(const char *path, struct resolver_server *list, size_t room, char *from, size_t from_size,
                         struct failure *failure)
{
    struct resolver_server named[RESOLVERS_MOST];
    const char *file = path ? path : system_file, *teller;
    char stub[ADDR_TEXT];
    size_t known = read_file(file, named, RESOLVERS_MOST, failure), count = 0;
    snprintf(from, from_size, "%s", file);
    for (size_t i = 0; i < known; i++) {
        bool is_stub = resolved_is_stub(named[i].address);
        size_t before = count;
        if (is_stub)
            count = add_forwarders(list, count, room, &teller);
        if (!is_stub || !teller)
            count = add_server(list, count, room, &named[i]);
        addr_text(named[i].address, stub);
        if (is_stub && teller)
            snprintf(from, from_size, "%s, behind %s of %s", teller, stub, file);
        else if (is_stub && count > before)
            snprintf(from, from_size, "%s; nothing tells which servers are behind %s", file, stub);
    }
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

static bool toward(const struct resolver_server *server, char name[IFNAMSIZ])
{
    if (!server->link)
        return resolvers_interface(server->address, name);
    memcpy(name, server->link_name, IFNAMSIZ);
    return true;
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

enum { NAMED_AND_BEHIND = 2 * RESOLVERS_MOST };

/* The servers of a file and those behind a stub among them; whether those are known. */
static size_t find_all(const char *path, struct resolver_server list[NAMED_AND_BEHIND], bool *behind_known)
{
    struct failure failure = {""};
    const char *teller = NULL;
    size_t named = read_file(path ? path : system_file, list, RESOLVERS_MOST, &failure), count = named;
    for (size_t i = 0; i < named && !teller; i++)
        if (resolved_is_stub(list[i].address))
            count = add_forwarders(list, count, NAMED_AND_BEHIND, &teller);
    *behind_known = teller != NULL;
    return count;
}

size_t resolvers_interfaces(const char *path, char (*names)[IFNAMSIZ], size_t room)
{
    struct resolver_server servers[NAMED_AND_BEHIND];
    char name[IFNAMSIZ], loopback[IFNAMSIZ] = "";
    bool behind_known;
    size_t count = 0, known = find_all(path, servers, &behind_known);
    bool elsewhere = known == 0;
    resolvers_interface(addr_v4((const uint8_t[]){127, 0, 0, 1}), loopback);
    for (size_t i = 0; i < known; i++) {
        bool asks_known = behind_known && resolved_is_stub(servers[i].address);
        bool found = toward(&servers[i], name);
        if (found)
            count = add_name(names, count, room, name);
        elsewhere |= !found || (strcmp(name, loopback) == 0 && !asks_known);
    }
    struct addr address;
    for (size_t i = 0; elsewhere && i < sizeof world / sizeof *world; i++)
        if (addr_read(world[i], &address) && resolvers_interface(address, name))
            count = add_name(names, count, room, name);
    return count;
}
