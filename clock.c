#include "clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SECOND_NS = 1000000000, ZONE_TEXT = 64 };

static char zone_set[ZONE_TEXT];

/* "+01:00", "+0100", "-05", "Z": seconds to the east of Greenwich. */
static bool read_offset(const char *text, long *seconds)
{
    struct tm parts = {0};
    const char *end = strchr("+-Z", *text) ? strptime(text, "%z", &parts) : NULL;
    *seconds = parts.tm_gmtoff;
    return end && *end == '\0';
}

/* Reads ".25" and steps over it. */
static int64_t read_fraction(const char **text)
{
    int64_t unit = SECOND_NS, sum = 0;
    if (**text != '.')
        return 0;
    for (++*text; **text >= '0' && **text <= '9'; ++*text) {
        unit /= 10;
        sum += unit * (**text - '0');
    }
    return sum;
}

static bool read_seconds(const char *text, int64_t *time_ns)
{
    char *end;
    long long seconds = strtoll(text, &end, 10);
    const char *rest = end;
    if (end == text || seconds < 0 || seconds > INT32_MAX * 2LL)
        return false;
    *time_ns = seconds * SECOND_NS + read_fraction(&rest);
    return *rest == '\0';
}

bool clock_read(const char *text, int64_t *time_ns)
{
    struct tm parts = {.tm_isdst = -1};
    const char *rest = strptime(text, "%Y-%m-%d", &parts);
    if (!rest)
        return read_seconds(text, time_ns);
    if (*rest == 'T' || *rest == 't' || *rest == ' ') {
        const char *hours = rest + 1;
        rest = strptime(hours, "%H:%M:%S", &parts);
        if (!rest)
            rest = strptime(hours, "%H:%M", &parts);
    }
    if (!rest)
        return false;
    int64_t fraction = read_fraction(&rest);
    long offset = 0;
    if (*rest && !read_offset(rest, &offset))
        return false;
    time_t seconds = *rest ? timegm(&parts) - offset : mktime(&parts);
    *time_ns = seconds * SECOND_NS + fraction;
    return true;
}

static bool is_zone_file(const char *zone)
{
    char path[256];
    const char *directory = getenv("TZDIR");
    int length =
        snprintf(path, sizeof path, "%s/%s", directory && *directory ? directory : "/usr/share/zoneinfo", zone);
    return length < (int)sizeof path && *zone != '/' && !strstr(zone, "..") && access(path, R_OK) == 0;
}

bool clock_set_zone(const char *zone)
{
    char posix[ZONE_TEXT];
    long offset;
    if (strlen(zone) >= sizeof zone_set)
        return false;
    if (*zone && read_offset(zone, &offset)) /* POSIX counts to the west */
        snprintf(posix, sizeof posix, "<%s>%s%ld:%02ld", zone, offset > 0 ? "-" : "+", labs(offset) / 3600,
                 labs(offset) / 60 % 60);
    else if (strcmp(zone, "UTC") == 0 || (*zone && is_zone_file(zone)))
        snprintf(posix, sizeof posix, "%s", strcmp(zone, "UTC") == 0 ? "UTC0" : zone);
    else
        return false;
    snprintf(zone_set, sizeof zone_set, "%s", zone);
    return setenv("TZ", posix, 1) == 0 && (tzset(), true);
}

const char *clock_zone(void)
{
    static char text[ZONE_TEXT];
    if (*zone_set)
        return zone_set;
    time_t now = time(NULL);
    struct tm parts;
    if (!localtime_r(&now, &parts) || strftime(text, sizeof text, "this machine's zone, %Z", &parts) == 0)
        return "this machine's zone";
    return text;
}
