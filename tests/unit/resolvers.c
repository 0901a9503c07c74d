/* The nameservers of a resolv.conf, and the interface of addresses that any host has. (Routes: tests/live/run.) */
#include "capture/resolvers.h"

#include "tests/unit/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

static size_t read_text(const char *text, struct addr *list, size_t room)
{
    char path[] = "/tmp/tcp53-resolv.XXXXXX";
    int descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    cr_assert_eq(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    close(descriptor);
    size_t count = resolvers_read(path, list, room);
    unlink(path);
    return count;
}

Test(resolvers, what_a_file_says)
{
    static const struct {
        const char *text, *wanted; /* separated by blanks */
    } rows[] = {
        {"", ""},
        {"# nothing\nsearch example.org\n", ""},
        {"nameserver 192.0.2.1\n", "192.0.2.1"},
        {"nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n", "127.0.0.53"},
        {"nameserver\t192.0.2.1\nnameserver 2001:db8::1\n; nameserver 192.0.2.2\n", "192.0.2.1 2001:db8::1"},
        {"nameserver fe80::1%eth0\nnameserver 192.0.2.9", "fe80::1 192.0.2.9"},
        {"nameserver 192.0.2.9 # ours\nnameserver 192.0.2.10\n", "192.0.2.9 192.0.2.10"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct addr list[RESOLVERS_MOST];
        char got[200] = "", text[ADDR_TEXT];
        size_t count = read_text(rows[i].text, list, RESOLVERS_MOST);
        for (size_t k = 0; k < count; k++)
            sprintf(got + strlen(got), "%s%s", k ? " " : "", addr_text(list[k], text));
        cr_expect_str_eq(got, rows[i].wanted, "row %zu", i);
    }
}

Test(resolvers, no_more_than_there_is_room_for)
{
    struct addr list[2] = {{{0, 0}}, {{0, 0}}};
    cr_expect_eq(read_text("nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n", list, 1), 1);
    cr_expect(addr_same(list[0], wire_addr("192.0.2.1")));
    cr_expect(addr_is_none(list[1]));
}

Test(resolvers, no_file)
{
    struct addr list[RESOLVERS_MOST];
    cr_expect_eq(resolvers_read("/nonexistent", list, RESOLVERS_MOST), 0);
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
