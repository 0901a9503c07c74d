/*
 * How it works: properties of its manager are asked for, one after the other, until one names servers. All calls share one
 * deadline, so each is made without waiting and the bus is driven here: sd_bus_call() would wait for a bus that takes the
 * connection and then says nothing.
 */
#include "capture/resolved.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <time.h>

#define PATIENCE_US UINT64_C(2000000)

/* The newer ones have a port and the name for TLS as well. */
static const struct property {
    const char *name, *type; /* of one server */
} properties[] = {
    {"DNSEx", "iiayqs"},
    {"DNS", "iiay"},
    {"FallbackDNSEx", "iiayqs"},
    {"FallbackDNS", "iiay"},
};

struct inquiry {
    const struct property *property;
    struct resolver_server *list;
    size_t room, count;
    bool answered;
};

bool resolved_is_stub(struct addr address)
{
    static const uint8_t stubs[][4] = {{127, 0, 0, 53}, {127, 0, 0, 54}};
    return addr_same(address, addr_v4(stubs[0])) || addr_same(address, addr_v4(stubs[1]));
}

static bool take_address(struct resolver_server *server, int family, const void *bytes, size_t size)
{
    if (family == AF_INET && size == sizeof(struct in_addr))
        server->address = addr_v4(bytes);
    else if (family == AF_INET6 && size == sizeof(struct in6_addr))
        server->address = addr_v6(bytes);
    else
        return false;
    return true;
}

/* One server, inside its structure. */
static bool read_server(sd_bus_message *reply, struct inquiry *inquiry)
{
    struct resolver_server server = {.port = 0};
    int32_t link, family;
    const void *bytes;
    size_t size;
    const char *name;
    if (sd_bus_message_read(reply, "ii", &link, &family) <= 0 ||
        sd_bus_message_read_array(reply, 'y', &bytes, &size) < 0 ||
        (inquiry->property->type[4] && sd_bus_message_read(reply, "qs", &server.port, &name) <= 0))
        return false;
    server.link = link > 0 ? (unsigned)link : 0;
    if (server.link && !if_indextoname(server.link, server.link_name))
        return true; /* the link has just gone */
    if (inquiry->count < inquiry->room && take_address(&server, family, bytes, size))
        inquiry->list[inquiry->count++] = server;
    return true;
}

/* The value: a variant that holds an array of structures. */
static void read_servers(sd_bus_message *reply, struct inquiry *inquiry)
{
    const char *type = inquiry->property->type;
    char list[16];
    snprintf(list, sizeof list, "a(%s)", type);
    if (sd_bus_message_enter_container(reply, SD_BUS_TYPE_VARIANT, list) <= 0 ||
        sd_bus_message_enter_container(reply, SD_BUS_TYPE_ARRAY, list + 1) <= 0)
        return;
    while (sd_bus_message_enter_container(reply, SD_BUS_TYPE_STRUCT, type) > 0)
        if (!read_server(reply, inquiry) || sd_bus_message_exit_container(reply) < 0)
            return;
}

static int take_reply(sd_bus_message *reply, void *context, sd_bus_error *error)
{
    (void)error;
    struct inquiry *inquiry = context;
    inquiry->answered = true;
    if (!sd_bus_message_is_method_error(reply, NULL))
        read_servers(reply, inquiry);
    return 1;
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* False when there is nobody, or no more time. */
static bool wait_for_reply(sd_bus *bus, const struct inquiry *inquiry, uint64_t deadline_us)
{
    while (!inquiry->answered) {
        int done = sd_bus_process(bus, NULL);
        uint64_t now = now_us();
        if (done < 0 || now >= deadline_us)
            return false;
        if (done == 0 && sd_bus_wait(bus, deadline_us - now) < 0)
            return false;
    }
    return true;
}

static bool ask(sd_bus *bus, struct inquiry *inquiry, uint64_t deadline_us)
{
    sd_bus_message *call = NULL;
    inquiry->answered = false;
    bool fine = sd_bus_message_new_method_call(bus, &call, "org.freedesktop.resolve1", "/org/freedesktop/resolve1",
                                               "org.freedesktop.DBus.Properties", "Get") >= 0 &&
                sd_bus_message_set_auto_start(call, 0) >= 0 &&
                sd_bus_message_append(call, "ss", "org.freedesktop.resolve1.Manager", inquiry->property->name) >= 0 &&
                sd_bus_call_async(bus, NULL, call, take_reply, inquiry, PATIENCE_US) >= 0;
    sd_bus_message_unref(call);
    return fine && wait_for_reply(bus, inquiry, deadline_us);
}

size_t resolved_servers(struct resolver_server *list, size_t room)
{
    struct inquiry inquiry = {.list = list, .room = room};
    uint64_t deadline_us = now_us() + PATIENCE_US;
    sd_bus *bus = NULL;
    bool goes_on = sd_bus_open_system(&bus) >= 0;
    for (size_t i = 0; goes_on && inquiry.count == 0 && i < sizeof properties / sizeof *properties; i++) {
        inquiry.property = &properties[i];
        goes_on = ask(bus, &inquiry, deadline_us);
    }
    sd_bus_close_unref(bus);
    return inquiry.count;
}
