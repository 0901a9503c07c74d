/* Addresses of both families: text, networks, links, order. */
#include "dissect/addr.h"

#include "tests/unit/wire.h"

#include <criterion/criterion.h>

static const char *text_of(struct addr addr)
{
    static char text[ADDR_TEXT];
    return addr_text(addr, text);
}

Test(addr, text_goes_there_and_back)
{
    static const char *const texts[] = {"192.0.2.10", "0.0.0.0", "255.255.255.255", "2001:db8::53",
                                        "::1",        "fe80::1", "ff02::1:ff00:53", "2001:db8:0:1:2:3:4:5"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_expect_str_eq(text_of(wire_addr(texts[i])), texts[i]);
}

Test(addr, the_longest_text_fits)
{
    cr_assert_str_eq(text_of(wire_addr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe")),
                     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe");
}

Test(addr, what_is_no_address)
{
    static const char *const texts[] = {
        "",           "example.com",  "192.0.2",           "192.0.2.256", "192.0.2.1/24",
        " 192.0.2.1", "2001:db8:::1", "1:2:3:4:5:6:7:8:9", "::g"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct addr addr;
        cr_expect_not(addr_read(texts[i], &addr), "\"%s\" was read", texts[i]);
    }
}

Test(addr, a_mapped_address_is_the_ipv4_one)
{
    cr_assert(addr_same(wire_addr("::ffff:192.0.2.10"), wire_addr("192.0.2.10")));
    cr_assert(addr_is_v4(wire_addr("::ffff:192.0.2.10")));
    cr_assert_not(addr_is_v4(wire_addr("::192.0.2.10")));
}

Test(addr, none_is_no_address_of_either_family)
{
    struct addr none = {{0, 0}};
    cr_assert(addr_is_none(none));
    cr_assert_not(addr_is_none(wire_addr("0.0.0.0")));
    cr_assert_not(addr_is_none(wire_addr("::1")));
}

Test(addr, loopback)
{
    cr_assert(addr_is_loopback(wire_addr("127.0.0.1")));
    cr_assert(addr_is_loopback(wire_addr("127.255.3.4")));
    cr_assert(addr_is_loopback(wire_addr("::1")));
    cr_assert_not(addr_is_loopback(wire_addr("128.0.0.1")));
    cr_assert_not(addr_is_loopback(wire_addr("::2")));
}

static const struct {
    const char *a, *b;
    bool region, link;
} pairs[] = {
    {"192.0.2.1", "192.0.2.254", true, true},
    {"192.0.2.1", "192.0.3.1", true, false},
    {"192.0.2.1", "192.1.2.1", false, false},
    {"10.0.0.1", "10.255.0.1", false, true},
    {"127.0.0.1", "127.0.0.53", true, true},
    {"10.0.0.1", "11.0.0.1", false, false},
    {"172.16.0.1", "172.31.255.1", false, true},
    {"172.31.0.1", "172.32.0.1", false, false},
    {"192.168.0.1", "192.168.200.1", true, true},
    {"192.168.0.1", "10.0.0.1", false, false},
    {"169.254.1.1", "169.254.2.2", true, true},
    {"2001:db8:1:1::1", "2001:db8:1:1::2", true, true},
    {"2001:db8:1:1::1", "2001:db8:1:2::2", true, false},
    {"2001:db8:1::1", "2001:db8:2::1", true, false},
    {"2001:db8::1", "2001:db9::1", false, false},
    {"fe80::1", "fe80:0:0:1::1", true, true},
    {"fd00:1::1", "fdff:2::1", false, true},
    {"fe80::1", "fd00::1", false, false},
    {"192.0.2.1", "::192.0.2.1", false, false},
};

Test(addr, regions_and_links)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct addr a = wire_addr(pairs[i].a), b = wire_addr(pairs[i].b);
        cr_expect_eq(addr_same_region(a, b), pairs[i].region, "region of %s and %s", pairs[i].a, pairs[i].b);
        cr_expect_eq(addr_may_share_link(a, b), pairs[i].link, "link of %s and %s", pairs[i].a, pairs[i].b);
        cr_expect_eq(addr_same_region(b, a), pairs[i].region);
        cr_expect_eq(addr_may_share_link(b, a), pairs[i].link);
    }
}

Test(addr, private_blocks)
{
    static const char *const inside[] = {"10.1.2.3",  "172.16.0.1", "192.168.255.1", "169.254.9.9",
                                         "127.0.0.1", "fd12::1",    "fe80::1"};
    static const char *const outside[] = {"9.255.255.255", "11.0.0.0",    "172.15.0.1", "172.32.0.1", "192.167.0.1",
                                          "128.0.0.1",     "2001:db8::1", "fec0::1",    "fe00::1"};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        cr_expect(addr_is_private(wire_addr(inside[i])), "%s", inside[i]);
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        cr_expect_not(addr_is_private(wire_addr(outside[i])), "%s", outside[i]);
}

Test(addr, order_is_by_value)
{
    struct addr low = wire_addr("192.0.2.9"), high = wire_addr("192.0.2.10");
    cr_assert_lt(addr_order(low, high), 0);
    cr_assert_gt(addr_order(high, low), 0);
    cr_assert_eq(addr_order(low, low), 0);
    cr_assert_lt(addr_order(high, wire_addr("2001:db8::1")), 0, "IPv4 comes before global IPv6");
}

Test(addr, hashes_tell_seeds_and_neighbours_apart)
{
    struct addr one = wire_addr("192.0.2.1"), two = wire_addr("192.0.2.2");
    cr_assert_neq(addr_hash(one, 0), addr_hash(two, 0));
    cr_assert_neq(addr_hash(one, 0), addr_hash(one, 1));
    cr_assert_eq(addr_hash(one, 7), addr_hash(wire_addr("192.0.2.1"), 7));
}

Test(addr, link_local)
{
    cr_expect(addr_is_link_local(wire_addr("fe80::1")));
    cr_expect(addr_is_link_local(wire_addr("febf::1")));
    cr_expect_not(addr_is_link_local(wire_addr("fec0::1")));
    cr_expect_not(addr_is_link_local(wire_addr("169.254.0.1")), "needs no interface in a socket's address");
}
