/* What systemd-resolved tells over D-Bus, by a bus of the test's own: a socket, and a thread that speaks for both. */
#include "capture/resolved.h"

#include "tests/unit/wire.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

TestSuite(resolved, .timeout = 20);

struct told {
    int32_t link;
    const char *address;
    uint16_t port;
};

enum { MOST = 4 };

/* What the service has; its older versions know no property whose name ends in Ex. */
struct service {
    bool is_old, hangs_up;
    struct told servers[MOST], fallback[MOST]; /* up to one without an address */
    int listener;
};

static int append_server(sd_bus_message *reply, const struct told *told, bool is_new)
{
    uint8_t bytes[16];
    bool is_v4 = inet_pton(AF_INET, told->address, bytes) == 1;
    cr_assert(is_v4 || inet_pton(AF_INET6, told->address, bytes) == 1);
    sd_bus_message_open_container(reply, 'r', is_new ? "iiayqs" : "iiay");
    sd_bus_message_append(reply, "ii", told->link, is_v4 ? AF_INET : AF_INET6);
    sd_bus_message_append_array(reply, 'y', bytes, is_v4 ? 4 : 16);
    if (is_new)
        sd_bus_message_append(reply, "qs", told->port, "dns.example");
    return sd_bus_message_close_container(reply);
}

static int answer_get(sd_bus_message *call, const struct service *service)
{
    const char *interface, *property;
    sd_bus_message *reply;
    sd_bus_message_read(call, "ss", &interface, &property);
    bool is_new = strstr(property, "Ex") != NULL;
    const struct told *told = strncmp(property, "Fallback", 8) == 0 ? service->fallback : service->servers;
    if (strcmp(interface, "org.freedesktop.resolve1.Manager") != 0 || (is_new && service->is_old))
        return sd_bus_reply_method_errorf(call, "org.freedesktop.DBus.Error.UnknownProperty", "no %s", property);
    sd_bus_message_new_method_return(call, &reply);
    sd_bus_message_open_container(reply, 'v', is_new ? "a(iiayqs)" : "a(iiay)");
    sd_bus_message_open_container(reply, 'a', is_new ? "(iiayqs)" : "(iiay)");
    for (size_t i = 0; i < MOST && told[i].address; i++)
        append_server(reply, &told[i], is_new);
    sd_bus_message_close_container(reply);
    sd_bus_message_close_container(reply);
    int sent = sd_bus_send(NULL, reply, NULL);
    sd_bus_message_unref(reply);
    return sent;
}

static int answer(sd_bus_message *call, void *context, sd_bus_error *error)
{
    (void)error;
    if (sd_bus_message_is_method_call(call, "org.freedesktop.DBus", "Hello"))
        return sd_bus_reply_method_return(call, "s", ":1.1");
    if (sd_bus_message_is_method_call(call, "org.freedesktop.DBus.Properties", "Get"))
        return answer_get(call, context);
    return 0;
}

static void *serve(void *context)
{
    struct service *service = context;
    sd_bus *bus;
    sd_id128_t id = {.bytes = {1}};
    int connection = accept(service->listener, NULL, NULL);
    if (service->hangs_up) {
        close(connection);
        return NULL;
    }
    sd_bus_new(&bus);
    sd_bus_set_fd(bus, connection, connection);
    sd_bus_set_server(bus, 1, id);
    sd_bus_start(bus);
    sd_bus_add_filter(bus, NULL, answer, service);
    for (int done = 0; done >= 0;)
        if ((done = sd_bus_process(bus, NULL)) == 0)
            done = sd_bus_wait(bus, UINT64_MAX);
    sd_bus_close_unref(bus);
    return NULL;
}

static char directory[] = "/tmp/tcp53-bus.XXXXXX";
static struct sockaddr_un place = {.sun_family = AF_UNIX};

/* Listens where the system's bus is looked for. */
static int listen_as_bus(void)
{
    char address[200];
    cr_assert_not_null(mkdtemp(directory));
    snprintf(place.sun_path, sizeof place.sun_path, "%s/bus", directory);
    snprintf(address, sizeof address, "unix:path=%s", place.sun_path);
    setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(listener, (const struct sockaddr *)&place, sizeof place), 0);
    cr_assert_eq(listen(listener, 1), 0);
    return listener;
}

static void end_bus(int listener)
{
    close(listener);
    unlink(place.sun_path);
    rmdir(directory);
}

/* The servers as "ADDRESS PORT LINK-NAME, ...". */
static void ask(struct service *service, size_t room, char *text)
{
    struct resolver_server list[MOST];
    char address[ADDR_TEXT];
    pthread_t thread;
    service->listener = listen_as_bus();
    cr_assert_eq(pthread_create(&thread, NULL, serve, service), 0);
    size_t count = resolved_servers(list, room);
    pthread_join(thread, NULL);
    end_bus(service->listener);
    *text = '\0';
    for (size_t i = 0; i < count; i++)
        sprintf(text + strlen(text), "%s%s %u %s", i ? ", " : "", addr_text(list[i].address, address),
                (unsigned)list[i].port, list[i].link ? list[i].link_name : "-");
}

/* 1 is the loopback; 999999 a link that has gone. */
static const struct told some[MOST] = {{0, "192.0.2.53", 0}, {1, "2001:db8::53", 5353}, {999999, "192.0.2.54", 0}};

static struct service service_of(bool is_old, const struct told *servers, const struct told *fallback)
{
    struct service service = {.is_old = is_old};
    if (servers)
        memcpy(service.servers, servers, sizeof service.servers);
    if (fallback)
        memcpy(service.fallback, fallback, sizeof service.fallback);
    return service;
}

Test(resolved, with_their_ports_and_links)
{
    struct service service = service_of(false, some, NULL);
    char text[400];
    ask(&service, MOST, text);
    cr_expect_str_eq(text, "192.0.2.53 0 -, 2001:db8::53 5353 lo");
}

Test(resolved, an_older_version)
{
    struct service service = service_of(true, some, NULL);
    char text[400];
    ask(&service, MOST, text);
    cr_expect_str_eq(text, "192.0.2.53 0 -, 2001:db8::53 0 lo");
}

Test(resolved, those_it_falls_back_to)
{
    for (int is_old = 0; is_old < 2; is_old++) {
        struct service service = service_of(is_old, NULL, (const struct told[MOST]){{0, "2001:db8::54", 0}});
        char text[400];
        strcpy(directory, "/tmp/tcp53-bus.XXXXXX");
        ask(&service, MOST, text);
        cr_expect_str_eq(text, "2001:db8::54 0 -");
    }
}

Test(resolved, no_servers)
{
    struct service service = service_of(false, NULL, NULL);
    char text[400];
    ask(&service, MOST, text);
    cr_expect_str_eq(text, "");
}

Test(resolved, no_more_than_there_is_room_for)
{
    struct service service = service_of(false, some, NULL);
    char text[400];
    ask(&service, 1, text);
    cr_expect_str_eq(text, "192.0.2.53 0 -");
}

Test(resolved, a_bus_that_hangs_up)
{
    struct service service = {.hangs_up = true};
    char text[400];
    ask(&service, MOST, text);
    cr_expect_str_eq(text, "");
}

Test(resolved, no_bus)
{
    struct resolver_server list[MOST];
    setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
    cr_expect_eq(resolved_servers(list, MOST), 0);
}

Test(resolved, a_bus_that_says_nothing)
{
    struct resolver_server list[MOST];
    struct timespec begin, end;
    int listener = listen_as_bus();
    clock_gettime(CLOCK_MONOTONIC, &begin);
    cr_expect_eq(resolved_servers(list, MOST), 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    cr_expect_leq(end.tv_sec - begin.tv_sec, 3);
    end_bus(listener);
}

Test(resolved, the_stub)
{
    cr_expect(resolved_is_stub(wire_addr("127.0.0.53")));
    cr_expect(resolved_is_stub(wire_addr("127.0.0.54")));
    cr_expect_not(resolved_is_stub(wire_addr("127.0.0.1")));
    cr_expect_not(resolved_is_stub(wire_addr("::1")));
}
