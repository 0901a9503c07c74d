/* Points in time as users write them, and the zones that they name. */
#include "clock.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND INT64_C(1000000000)

enum { ABOUT_NOW = 1795512600 }; /* 2026-11-24T09:30:00Z */

TestSuite(clock, .init = tzset);

static void expect_seconds(const char *zone, const char *text, int64_t seconds, int64_t fraction)
{
    int64_t time_ns = -1;
    cr_expect(clock_set_zone(zone), "%s", zone);
    cr_expect(clock_read(text, &time_ns), "%s", text);
    cr_expect_eq(time_ns, seconds * SECOND + fraction, "%s in %s: %lld ns, %lld s off", text, zone, (long long)time_ns,
                 (long long)(time_ns / SECOND - seconds));
}

Test(clock, times_that_name_their_zone)
{
    static const struct {
        const char *text;
        int64_t seconds, fraction;
    } rows[] = {
        {"2026-11-24T09:30:00Z", ABOUT_NOW, 0},
        {"2026-11-24t09:30:00z", ABOUT_NOW, 0},
        {"2026-11-24 09:30:00Z", ABOUT_NOW, 0},
        {"2026-11-24 10:30:00+01:00", ABOUT_NOW, 0},
        {"2026-11-24T10:30:00+0100", ABOUT_NOW, 0},
        {"2026-11-24T10:30:00+1", ABOUT_NOW, 0},
        {"2026-11-24T10:30:00+01", ABOUT_NOW, 0},
        {"2026-11-24T04:30:00-05:00", ABOUT_NOW, 0},
        {"2026-11-24T15:00:00+05:30", ABOUT_NOW, 0},
        {"2026-11-24T09:00:00-00:30", ABOUT_NOW, 0},
        {"2026-11-23T23:30:00-10:00", ABOUT_NOW, 0},
        {"2026-11-24T09:30:00.5Z", ABOUT_NOW, 500000000},
        {"2026-11-24T09:30:00.000000001Z", ABOUT_NOW, 1},
        {"2026-11-24T09:30:00.0000000019Z", ABOUT_NOW, 1}, /* what is finer is left out */
        {"2026-11-24T10:30:00.25+01:00", ABOUT_NOW, 250000000},
        {"2026-11-24Z", 1795478400, 0},
        {"1970-01-01T00:00:00Z", 0, 0},
        {"1969-12-31T23:59:59Z", -1, 0},
        {"2016-12-31T23:59:60Z", 1483228800, 0}, /* a leap second */
        {"2024-02-29T00:00:00Z", 1709164800, 0},
        {"2038-01-19T03:14:08Z", INT64_C(2147483648), 0},
        {"2106-02-07T06:28:16Z", INT64_C(4294967296), 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        expect_seconds("UTC", rows[i].text, rows[i].seconds, rows[i].fraction);
        expect_seconds("Pacific/Auckland", rows[i].text, rows[i].seconds, rows[i].fraction);
    }
}

Test(clock, seconds_since_1970)
{
    static const struct {
        const char *text;
        int64_t seconds, fraction;
    } rows[] = {
        {"0", 0, 0},
        {"1795512600", ABOUT_NOW, 0},
        {"1795512600.25", ABOUT_NOW, 250000000},
        {"2147483648", INT64_C(2147483648), 0},
        {"4294967294.999999999", INT64_C(4294967294), 999999999},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_seconds("America/New_York", rows[i].text, rows[i].seconds, rows[i].fraction);
}

Test(clock, times_of_a_zone)
{
    static const struct {
        const char *zone, *text;
        int64_t seconds;
    } rows[] = {
        {"UTC", "2026-11-24T09:30:00", ABOUT_NOW},
        {"Europe/Vienna", "2026-11-24 10:30:00", ABOUT_NOW},
        {"Europe/Vienna", "2026-11-24", 1795474800},
        {"America/New_York", "2026-11-24 04:30:00", ABOUT_NOW},
        {"+01:00", "2026-11-24 10:30:00", ABOUT_NOW},
        {"+0100", "2026-11-24 10:30:00", ABOUT_NOW},
        {"+1", "2026-11-24 10:30:00", ABOUT_NOW},
        {"-5", "2026-11-24 04:30:00", ABOUT_NOW},
        {"-05:00", "2026-11-24 04:30:00", ABOUT_NOW},
        {"+05:45", "2026-11-24 15:15:00", ABOUT_NOW},
        {"-00:30", "2026-11-24 09:00:00", ABOUT_NOW},
        {"+14:00", "2026-11-24 23:30:00", ABOUT_NOW},
        {"+00:00", "2026-11-24 09:30:00", ABOUT_NOW},
        /* summer time, and the hour that comes twice or never (either reading will do) */
        {"Europe/Vienna", "2026-07-01 12:00:00", 1782900000},
        {"Europe/Vienna", "2026-10-25 01:59:59", 1792886399},
        {"Europe/Vienna", "2026-10-25 03:00:00", 1792893600},
        {"+01:00", "2026-07-01 12:00:00", 1782903600}, /* an offset has none */
        {"UTC", "2026-07-01 12:00:00", 1782907200},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_seconds(rows[i].zone, rows[i].text, rows[i].seconds, 0);
}

Test(clock, an_hour_that_there_is_twice_or_not_at_all)
{
    int64_t time_ns;
    cr_assert(clock_set_zone("Europe/Vienna"));
    cr_assert(clock_read("2026-10-25 02:30:00", &time_ns));
    cr_expect(time_ns == 1792888200 * SECOND || time_ns == 1792891800 * SECOND, "%lld", (long long)time_ns);
    cr_assert(clock_read("2026-03-29 02:30:00", &time_ns));
    cr_expect(time_ns == 1774744200 * SECOND || time_ns == 1774747800 * SECOND, "%lld", (long long)time_ns);
}

/* As the times of frames are: later ones stay where deadlines can be added to them. */
Test(clock, beyond_what_can_be_counted)
{
    static const char *const texts[] = {"2262-04-12T00:00:00Z", "2500-01-01", "9999-12-31T23:59:59.999999999Z"};
    int64_t before;
    cr_assert(clock_set_zone("UTC"));
    cr_assert(clock_read("2106-02-07T06:28:16Z", &before));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t time_ns = -1;
        cr_assert(clock_read(texts[i], &time_ns), "%s", texts[i]);
        cr_expect_gt(time_ns, before, "%s became %lld", texts[i], (long long)time_ns);
        cr_expect_leq(time_ns, INT64_MAX / 2);
    }
    cr_assert(clock_read("0001-01-01T00:00:00Z", &before));
    cr_expect_lt(before, 0);
}

Test(clock, nonsense)
{
    static const char *const texts[] = {
        "",
        "now",
        "yesterday",
        "-1",
        "1700000000 s",
        "1700000000.",
        "1700000000.x",
        "99999999999",
        "99999999999999999999999",
        "2026-11",
        "2026-13-01",
        "2026-00-10",
        "2026-11-31",
        "2026-02-29",
        "2026-11-00",
        "24.11.2026",
        "11/24/2026",
        "2026-11-24T",
        "2026-11-24 9",
        "2026-11-24T25:00:00Z",
        "2026-11-24T09:60:00Z",
        "2026-11-24T09:30:00.Z",
        "2026-11-24T09:30:00,5Z",
        "2026-11-24T09:30:00ZZ",
        "2026-11-24T09:30:00Zulu",
        "2026-11-24T09:30:00+",
        "2026-11-24T09:30:00+15:00",
        "2026-11-24T09:30:00+01:60",
        "2026-11-24T09:30:00+01:",
        "2026-11-24T09:30:00+-1",
        "2026-11-24T09:30:00+ 1",
        "2026-11-24T09:30:00+01000",
        "2026-11-24T09:30:00 Europe/Vienna",
    };
    cr_assert(clock_set_zone("UTC"));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t time_ns = -1;
        cr_expect_not(clock_read(texts[i], &time_ns), "\"%s\" was taken for %lld", texts[i], (long long)time_ns);
    }
}

Test(clock, zones_that_are_none)
{
    char far[5000];
    memset(far, 'A', sizeof far - 1);
    far[sizeof far - 1] = '\0';
    const char *const zones[] = {
        "",
        far,
        "Nowhere/At_All",
        "../../../etc/passwd",
        "Europe/../UTC",
        "/usr/share/zoneinfo/UTC",
        "Europe",
        "zone.tab",
        "tzdata.zi",
        ":Europe/Vienna",
        "CET-1CEST",
        "+15",
        "+01:00:00",
        "+-1",
        "+ 1",
        "--5",
        "+",
        "5",
        "+1:",
        "\n",
    };
    int64_t before, after;
    cr_assert(clock_set_zone("Europe/Vienna"));
    cr_assert(clock_read("2026-11-24", &before));
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
        cr_expect_not(clock_set_zone(zones[i]), "\"%.40s\"", zones[i]);
    cr_assert(clock_read("2026-11-24", &after));
    cr_expect_eq(before, after, "a zone that is refused changes nothing");
    cr_expect_str_eq(clock_zone(), "Europe/Vienna");
}

Test(clock, says_which_zone)
{
    setenv("TZ", "Asia/Tokyo", 1);
    tzset();
    cr_expect_str_eq(clock_zone(), "this machine's zone, JST");
    cr_assert(clock_set_zone("+01:00"));
    cr_expect_str_eq(clock_zone(), "+01:00");
    cr_assert(clock_set_zone("UTC"));
    cr_expect_str_eq(clock_zone(), "UTC");
}
