/* Which frames are judged: by time, by a filter expression, by number. */
#include "capture/select.h"
#include "tests/unit/reading.h"
#include "tests/unit/wire.h"

#include <criterion/criterion.h>
#include <string.h>

enum { LINK_WLAN = 105, LINK_INFINIBAND = 247, LINK_UNHEARD_OF = 4711 };

static struct select *select_of(const char *filter)
{
    struct source_options options = {.from_ns = INT64_MIN, .to_ns = INT64_MAX, .filter = filter};
    struct failure failure = {""};
    struct select *select = select_new(&options, &failure);
    cr_assert_not_null(select, "%s", failure.text);
    return select;
}

Test(select, times_are_inclusive)
{
    static const struct {
        int64_t from, to, time;
        bool wanted;
    } rows[] = {
        {10, 20, 9, false},
        {10, 20, 10, true},
        {10, 20, 15, true},
        {10, 20, 20, true},
        {10, 20, 21, false},
        {10, 10, 10, true},
        {20, 10, 15, false},
        {-5, 5, -5, true},
        {-5, 5, -6, false},
        {10, INT64_MAX, INT64_MAX / 2, true},
        {INT64_MIN, 5, INT64_MIN / 2, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct failure failure;
        struct source_options options = {.from_ns = rows[i].from, .to_ns = rows[i].to};
        struct select *select = select_new(&options, &failure);
        struct frame frame = {.time_ns = rows[i].time};
        cr_expect_eq(select_takes(select, &frame), rows[i].wanted, "row %zu", i);
        select_free(select);
    }
}

/* A SYN to port 53 behind the header of each link type. */
static struct frame frame_of(struct wire *wire, int link_type)
{
    static const struct {
        int link_type;
        uint8_t bytes, header[20];
    } rows[] = {
        {LINK_ETHERNET, 14, {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}},
        {LINK_NULL, 4, {2, 0, 0, 0}},
        {LINK_LOOP, 4, {0, 0, 0, 2}},
        {LINK_LINUX_SLL, 16, {0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0}},
        {LINK_LINUX_SLL2, 20, {8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0}},
    };
    const struct wire_packet packet = {.source = wire_addr("192.0.2.1"),
                                       .target = wire_addr("198.51.100.53"),
                                       .source_port = 40000,
                                       .target_port = 53,
                                       .flags = 2};
    wire->length = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].link_type == link_type)
            wire_bytes(wire, rows[i].header, rows[i].bytes);
    wire_packet(wire, &packet);
    return wire_frame(wire, link_type);
}

Test(select, an_expression_means_the_same_on_each_kind_of_link)
{
    static const int link_types[] = {LINK_ETHERNET, LINK_RAW,  LINK_RAW_DLT,   LINK_IPV4,
                                     LINK_NULL,     LINK_LOOP, LINK_LINUX_SLL, LINK_LINUX_SLL2};
    static const struct {
        const char *filter;
        bool wanted;
    } rows[] = {
        {"tcp port 53", true},
        {"host 192.0.2.1", true},
        {"tcp[tcpflags] & tcp-syn != 0", true},
        {"udp port 53", false},
        {"tcp port 54", false},
        {"not host 192.0.2.1", false},
        {"", true},
        {"dst host 198.51.100.53", true},
        {"ip6", false},
        {"less 1000", true},
    };
    static struct wire wire;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct select *select = select_of(rows[i].filter);
        for (size_t link = 0; link < sizeof link_types / sizeof *link_types; link++) {
            struct frame frame = frame_of(&wire, link_types[link]);
            cr_expect_eq(select_takes(select, &frame), rows[i].wanted, "\"%s\" on link type %d", rows[i].filter,
                         link_types[link]);
        }
        select_free(select);
    }
}

/* An expression that cannot be said of a kind of frame lets none of them pass, and others as before. */
Test(select, an_expression_that_means_nothing_there)
{
    static struct wire wire;
    struct select *select = select_of("ether host 02:00:00:00:00:01");
    for (int round = 0; round < 3; round++) {
        struct frame raw = frame_of(&wire, LINK_RAW);
        cr_expect_not(select_takes(select, &raw));
        struct frame unheard_of = frame_of(&wire, LINK_UNHEARD_OF);
        cr_expect_not(select_takes(select, &unheard_of));
        struct frame negative = frame_of(&wire, -1);
        cr_expect_not(select_takes(select, &negative));
        struct frame ethernet = frame_of(&wire, LINK_ETHERNET);
        cr_expect(select_takes(select, &ethernet));
    }
    select_free(select);
}

Test(select, more_link_types_than_programs)
{
    static const int link_types[] = {LINK_ETHERNET,  LINK_RAW,        LINK_RAW_DLT,    LINK_IPV4,
                                     LINK_IPV6,      LINK_NULL,       LINK_LOOP,       LINK_WLAN,
                                     LINK_LINUX_SLL, LINK_LINUX_SLL2, LINK_INFINIBAND, LINK_UNHEARD_OF};
    static struct wire wire;
    struct select *select = select_of("tcp port 53");
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < sizeof link_types / sizeof *link_types; i++) {
            bool knows = link_types[i] != LINK_WLAN && link_types[i] != LINK_INFINIBAND &&
                         link_types[i] != LINK_UNHEARD_OF && link_types[i] != LINK_IPV6;
            struct frame frame = frame_of(&wire, link_types[i]);
            cr_expect_eq(select_takes(select, &frame), knows, "round %d, link type %d", round, link_types[i]);
        }
    select_free(select);
}

Test(select, frames_cut_short)
{
    static struct wire wire;
    struct select *select = select_of("tcp port 53");
    struct frame frame = frame_of(&wire, LINK_ETHERNET);
    for (uint32_t captured = 0; captured < 38; captured++) {
        frame.captured = captured;
        cr_expect_not(select_takes(select, &frame), "%u bytes", captured);
    }
    frame.captured = 38;
    cr_expect(select_takes(select, &frame), "both ports are there");
    select_free(select);
}

Test(select, no_expression)
{
    static const char *const filters[] = {
        "tcp port", "port fifty-three thousand", "tcp &&", "host 1.2.3.4.5", "(tcp", "port 99999", "-"};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        struct source_options options = {.filter = filters[i]};
        struct failure failure = {""};
        cr_expect_null(select_new(&options, &failure), "%s", filters[i]);
        cr_expect_not_null(strstr(failure.text, "--filter: "), "%s: \"%s\"", filters[i], failure.text);
        cr_expect_gt(strlen(failure.text), strlen("--filter: "));
    }
}

Test(select, counts)
{
    struct source_options options = {.from_ns = 5, .to_ns = 100, .count = 2};
    struct failure failure;
    struct select *select = select_new(&options, &failure);
    struct frame early = {.time_ns = 1}, due = {.time_ns = 7};
    cr_expect_not(select_is_done(select));
    cr_expect_not(select_takes(select, &early), "what is not wanted does not count");
    cr_expect(select_takes(select, &due));
    cr_expect_not(select_is_done(select));
    cr_expect(select_takes(select, &due));
    cr_expect(select_is_done(select));
    select_begin(select);
    cr_expect_not(select_is_done(select), "another trace");
    select_free(select);
    select_free(NULL);
}

/* The same by way of files. */

TestSuite(selection, .init = draft_begin, .fini = draft_end);

Test(selection, of_files)
{
    static const struct {
        const char *situation;
        struct source_options options;
        unsigned first, second; /* frames of the first file, of the second */
    } rows[] = {
        {"all", {.count = 0}, 4, 4},
        {"from", {.from_ns = DRAFT_NS + 5000}, 2, 2},
        {"to", {.to_ns = DRAFT_NS + 5000}, 3, 2},
        {"from and to", {.from_ns = DRAFT_NS + 3000, .to_ns = DRAFT_NS + 4000}, 1, 1},
        {"none", {.from_ns = DRAFT_NS + 9000}, 0, 0},
        {"count", {.count = 3}, 2, 1},
        {"count of each", {.count = 3, .apart = true}, 3, 3},
        {"count from", {.from_ns = DRAFT_NS + 4000, .count = 1}, 0, 1},
        {"more than there are", {.count = 100}, 4, 4},
        {"filter", {.filter = "ether[0] = 0"}, 4, 4},
        {"filter that none passes", {.filter = "ether[0] = 1"}, 0, 0},
        {"all at once",
         {.from_ns = DRAFT_NS + 2000, .to_ns = DRAFT_NS + 7000, .filter = "greater 60", .count = 5},
         2,
         3},
    };
    static const char *const names[] = {"odd", "even"};
    draft_times("odd", (const unsigned[]){1, 3, 5, 7}, 4);
    draft_times("even", (const unsigned[]){2, 4, 6, 8}, 4);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct source *source = reading_with(names, 2, &rows[i].options);
        cr_expect_eq(reading_all(source), rows[i].first + rows[i].second, "%s", rows[i].situation);
        cr_expect_eq(reading_input(source, 0)->selected, rows[i].first, "%s", rows[i].situation);
        cr_expect_eq(reading_input(source, 1)->selected, rows[i].second, "%s", rows[i].situation);
        source_close(source);
    }
}

/* Frames keep the numbers that they have in the file. */
Test(selection, numbers_are_those_of_the_file)
{
    static const struct source_options options = {.from_ns = DRAFT_NS + 5000};
    static const char *const names[] = {"a"};
    draft_times("a", (const unsigned[]){1, 3, 5, 7}, 4);
    struct source *source = reading_with(names, 1, &options);
    cr_expect_eq(reading_frame(source).ref.number, 3);
    cr_expect_eq(reading_frame(source).ref.number, 4);
    cr_expect_eq(reading_all(source), 0);
    cr_expect_eq(reading_input(source, 0)->frames, 4);
    source_close(source);
}

Test(selection, a_wrong_expression_opens_nothing)
{
    static const struct source_options options = {.filter = "tcp port"};
    const char *const paths[] = {draft_path("a")};
    struct failure failure = {""};
    cr_expect_null(source_open(paths, 1, &options, &failure));
    cr_expect_not_null(strstr(failure.text, "--filter"));
}
