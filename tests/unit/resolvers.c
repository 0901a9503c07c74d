/* The nameservers of a resolv.conf, and the interface of addresses that any host has. (Routes: tests/live/run.) */
#include "capture/resolved.h"

#include "tests/unit/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void write_text(char *path, const char *text)
{
    int descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    cr_assert_eq(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    close(descriptor);
}

Test(resolvers, addresses_of_the_host_itself)
{
    char name[IFNAMSIZ] = "";
    if (!resolvers_interface(wire_addr("127.0.0.1"), name))
        cr_skip_test("the loopback is down");
    cr_expect_str_eq(name, "lo");
    cr_expect(resolvers_interface(wire_addr("127.0.0.53"), name));
    cr_expect_str_eq(name, "lo");
    cr_expect_not(resolvers_interface(wire_addr("255.255.255.255"), name), "a broadcast leads nowhere");
}

/* The servers as "ADDRESS[%LINK]", and where from or why none, with FILE for the file's name. */
static void ask_text(const char *text, char *servers, char *words)
{
    char path[] = "/tmp/tcp53-resolv.XXXXXX", from[200] = "", address[ADDR_TEXT];
    struct resolver_server list[RESOLVERS_MOST];
    struct failure failure = {""};
    write_text(path, text);
    size_t count = resolvers_servers(path, list, RESOLVERS_MOST, from, sizeof from, &failure);
    unlink(path);
    *servers = '\0';
    for (size_t i = 0; i < count; i++)
        sprintf(servers + strlen(servers), "%s%s%s%s", i ? " " : "", addr_text(list[i].address, address),
                list[i].link ? "%" : "", list[i].link ? list[i].link_name : "");
    const char *said = count ? from : failure.text, *at = strstr(said, path);
    cr_assert_not_null(at, "%s", said);
    sprintf(words, "%.*sFILE%s", (int)(at - said), said, at + strlen(path));
}

Test(resolvers, which_servers_are_asked)
{
    static const struct {
        const char *text, *servers, *words;
    } rows[] = {
        {"nameserver 192.0.2.1\n", "192.0.2.1", "FILE"},
        {"nameserver 192.0.2.1\nnameserver 2001:db8::1\nnameserver 192.0.2.1\n", "192.0.2.1 2001:db8::1", "FILE"},
        {"nameserver\t192.0.2.1\n; nameserver 192.0.2.2\nnameserver 2001:db8::1\n", "192.0.2.1 2001:db8::1", "FILE"},
        {"nameserver 192.0.2.9 # ours\noptions edns0 trust-ad\nsearch .\nnameserver 192.0.2.10", "192.0.2.9 192.0.2.10",
         "FILE"},
        {"nameserver fe80::1%lo\n\tnameserver\tfe80::2%1\n", "fe80::1%lo fe80::2%lo", "FILE"},
        {"nameserver fe80::1%no-such-link\nnameserver fe80::2\n", "fe80::1 fe80::2", "FILE"},
        {"nameserver fe80::1%999999999999999999999999999999999999999999\n", "fe80::1", "FILE"},
        {"nameserver 127.0.0.53\nnameserver 192.0.2.1\n", "127.0.0.53 192.0.2.1",
         "FILE; nothing tells which servers are behind 127.0.0.53"},
        {"search example.org\n", "", "FILE names no DNS server"},
        {"# nothing\nsearch example.org\n", "", "FILE names no DNS server"},
        {"", "", "FILE names no DNS server"},
        {"search example.org\nnameserver ns.example.org\n", "", "FILE: line 2 is not understood, see resolv.conf(5)"},
    };
    setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
    if (access(RESOLVED_FILE, F_OK) == 0)
        cr_skip_test("systemd-resolved is here");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char servers[400], words[400];
        ask_text(rows[i].text, servers, words);
        cr_expect_str_eq(servers, rows[i].servers, "row %zu", i);
        cr_expect_str_eq(words, rows[i].words, "row %zu", i);
    }
}

Test(resolvers, why_there_are_none)
{
    static const struct {
        const char *path, *words;
    } rows[] = {
        {"/nonexistent/resolv.conf", "/nonexistent/resolv.conf: No such file or directory"},
        {"/tmp", "/tmp: Is a directory"},
        {"/dev/null", "/dev/null names no DNS server"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct resolver_server list[1];
        struct failure failure = {""};
        char from[80];
        cr_expect_eq(resolvers_servers(rows[i].path, list, 1, from, sizeof from, &failure), 0);
        cr_expect_str_eq(failure.text, rows[i].words);
    }
}

Test(resolvers, no_more_than_there_is_room_for)
{
    char path[] = "/tmp/tcp53-resolv.XXXXXX", from[80];
    struct resolver_server list[2] = {{.port = 1}, {.port = 1}};
    struct failure failure = {""};
    write_text(path, "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n");
    cr_expect_eq(resolvers_servers(path, list, 1, from, sizeof from, &failure), 1);
    unlink(path);
    cr_expect(addr_same(list[0].address, wire_addr("192.0.2.1")));
    cr_expect_eq(list[1].port, 1, "as it was");
}
