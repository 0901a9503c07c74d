/* What packets with growing TTLs met: the TTL that decides, and where nothing is decided. */
#include "dissect/path.h"

#include "tests/unit/wire.h"

#include <criterion/criterion.h>

/* A way written down, one letter for each TTL: what came back. A space is a TTL that was not tried. */
static void put(struct path *path, enum path_way way, const char *letters)
{
    static const char known[] = "-eIRCSA"; /* in the order of enum path_reply */
    for (unsigned ttl = 1; ttl <= strlen(letters); ttl++) {
        const char *found = strchr(known, letters[ttl - 1]);
        if (found)
            path->steps[way][ttl].count[found - known]++;
    }
    if (strlen(letters) > path->most[way])
        path->most[way] = (uint8_t)strlen(letters);
}

static struct path walked(const char *udp, const char *syn)
{
    struct path path = {.port = 53};
    put(&path, PATH_UDP, udp);
    put(&path, PATH_SYN, syn);
    return path;
}

Test(path, names)
{
    cr_expect_str_eq(path_way_name(PATH_UDP), "udp");
    cr_expect_str_eq(path_way_name(PATH_SYN), "syn");
    cr_expect_str_eq(path_way_name(PATH_QUERY), "query");
    cr_expect_str_eq(path_reply_name(PATH_SILENT), "silence");
    cr_expect_str_eq(path_reply_name(PATH_EXCEEDED), "time-exceeded");
    cr_expect_str_eq(path_reply_name(PATH_RESET), "reset");
    cr_expect_str_eq(path_reply_name(PATH_ANSWERED), "answered");
}

Test(path, a_way_that_was_not_walked_says_nothing)
{
    struct path path = walked("", "");
    cr_expect_eq(path_first(&path, PATH_QUERY, PATH_ENDS), 0);
    cr_expect_eq(path_silent_from(&path, PATH_QUERY), 0);
    cr_expect_eq(path_tries(&path.steps[PATH_QUERY][1]), 0);
    cr_expect(addr_is_none(path_hop(&path, 1)));
}

Test(path, the_least_ttl_with_a_reply)
{
    struct path path = walked("eeeAAA", "eeRRRR");
    cr_expect_eq(path_first(&path, PATH_UDP, PATH_ENDS), 4);
    cr_expect_eq(path_first(&path, PATH_SYN, PATH_ENDS), 3);
    cr_expect_eq(path_first(&path, PATH_SYN, PATH_BIT(PATH_RESET)), 3);
    cr_expect_eq(path_first(&path, PATH_SYN, PATH_BIT(PATH_ACCEPTED)), 0);
    cr_expect_eq(path_first(&path, PATH_SYN, PATH_BIT(PATH_EXCEEDED)), 1);
}

Test(path, time_exceeded_and_silence_are_no_ends)
{
    struct path path = walked("e-e-", "----");
    cr_expect_eq(path_first(&path, PATH_UDP, PATH_ENDS), 0);
    cr_expect_eq(path_first(&path, PATH_SYN, PATH_ENDS), 0);
}

Test(path, once_in_many_sweeps_is_enough)
{
    struct path path = walked("eeeA", "eeeS");
    put(&path, PATH_SYN, "eeeS");
    put(&path, PATH_SYN, "eRRR");
    cr_expect_eq(path_first(&path, PATH_SYN, PATH_BIT(PATH_RESET)), 2);
    cr_expect_eq(path_first(&path, PATH_SYN, PATH_BIT(PATH_ACCEPTED)), 4);
    cr_expect_eq(path_tries(&path.steps[PATH_SYN][2]), 3);
}

Test(path, silence_to_the_end)
{
    struct path path = walked("eeeA", "ee----");
    cr_expect_eq(path_silent_from(&path, PATH_SYN), 3);
    cr_expect_eq(path_silent_from(&path, PATH_UDP), 0);
}

Test(path, silence_in_the_middle_is_a_router_that_says_nothing)
{
    struct path path = walked("e--A", "e--e-");
    cr_expect_eq(path_silent_from(&path, PATH_UDP), 0);
    cr_expect_eq(path_silent_from(&path, PATH_SYN), 5);
}

Test(path, silence_is_silence_at_every_try)
{
    struct path path = walked("eeeA", "e---");
    put(&path, PATH_SYN, "eee-");
    cr_expect_eq(path_silent_from(&path, PATH_SYN), 4);
    put(&path, PATH_SYN, "---S");
    cr_expect_eq(path_silent_from(&path, PATH_SYN), 0);
}

Test(path, silence_from_the_first_packet_on)
{
    struct path path = walked("eeeA", "----");
    cr_expect_eq(path_silent_from(&path, PATH_SYN), 1);
}

Test(path, what_was_not_tried_was_not_silent)
{
    struct path path = walked("eeeA", "ee -");
    cr_expect_eq(path_silent_from(&path, PATH_SYN), 4);
    path = walked("eeeA", "ee  ");
    cr_expect_eq(path_silent_from(&path, PATH_SYN), 0);
}

Test(path, every_ttl_has_room)
{
    struct path path = walked("eeeeeeeeeeeeeeeeeeeeeeeeeeeeeA", "------------------------------");
    cr_expect_eq(path_first(&path, PATH_UDP, PATH_ENDS), PATH_HOPS);
    cr_expect_eq(path_silent_from(&path, PATH_SYN), 1);
    cr_expect(addr_is_none(path_hop(&path, PATH_HOPS)));
    cr_expect(addr_is_none(path_hop(&path, PATH_HOPS + 1)));
}

Test(path, a_hop_is_who_says_that_time_was_exceeded)
{
    struct path path = walked("e-eA", "eeIS");
    path.steps[PATH_UDP][1].from = wire_addr("192.0.2.1");
    path.steps[PATH_SYN][2].from = wire_addr("192.0.2.2");
    path.steps[PATH_SYN][3].from = wire_addr("192.0.2.2");
    cr_expect(addr_same(path_hop(&path, 1), wire_addr("192.0.2.1")));
    cr_expect(addr_same(path_hop(&path, 2), wire_addr("192.0.2.2")));
    cr_expect(addr_is_none(path_hop(&path, 3)), "another ICMP error's sender may be nearer");
    path.steps[PATH_UDP][3].from = wire_addr("192.0.2.3");
    cr_expect(addr_same(path_hop(&path, 3), wire_addr("192.0.2.3")));
}
