#include "clock.h"

#include "dissect/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SECOND_NS = 1000000000, ZONE_TEXT = 64 };

static char zone_set[ZONE_TEXT];

/* Reads up to `most` digits and steps over them; at least one must be there. */
static bool read_digits(const char **text, int most, long *number)
{
    const char *at = *text;
    for (*number = 0; at - *text < most && *at >= '0' && *at <= '9'; at++)
        *number = *number * 10 + (*at - '0');
    bool any = at > *text;
    *text = at;
    return any;
}

/* "+01:00", "+0100", "-5": seconds to the east of Greenwich. */
static bool read_offset(const char *text, long *seconds)
{
    bool west = *text == '-';
    long hours, minutes = 0;
    if (*text != '+' && *text != '-')
        return false;
    text++;
    if (!read_digits(&text, 2, &hours))
        return false;
    if (*text) {
        text += *text == ':';
        if (!read_digits(&text, 2, &minutes))
            return false;
    }
    if (*text || hours > 14 || minutes > 59)
        return false;
    *seconds = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

/* Reads ".25", if there is such a thing, and steps over it. */
static bool read_fraction(const char **text, int64_t *fraction_ns)
{
    int64_t unit = SECOND_NS;
    *fraction_ns = 0;
    if (**text != '.')
        return true;
    const char *first = ++*text;
    for (; **text >= '0' && **text <= '9'; ++*text) {
        unit /= 10;
        *fraction_ns += unit * (**text - '0');
    }
    return *text > first;
}

static bool read_seconds(const char *text, int64_t *time_ns)
{
    char *end;
    int64_t fraction_ns;
    long long seconds = strtoll(text, &end, 10);
    const char *rest = end;
    if (end == text || seconds < 0 || seconds > INT32_MAX * 2LL || !read_fraction(&rest, &fraction_ns) || *rest)
        return false;
    *time_ns = frame_time_ns(seconds, fraction_ns);
    return true;
}

/* February has no 30th; timegm() and mktime() would make it one of March. */
static bool is_day(const struct tm *parts)
{
    struct tm day = {.tm_year = parts->tm_year, .tm_mon = parts->tm_mon, .tm_mday = parts->tm_mday};
    timegm(&day);
    return day.tm_mon == parts->tm_mon;
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
    int64_t fraction_ns;
    if (!rest || !read_fraction(&rest, &fraction_ns) || !is_day(&parts))
        return false;
    long offset = 0;
    bool utc = strcmp(rest, "Z") == 0 || strcmp(rest, "z") == 0;
    if (*rest && !utc && !read_offset(rest, &offset))
        return false;
    *time_ns = frame_time_ns(*rest ? timegm(&parts) - offset : mktime(&parts), fraction_ns);
    return true;
}

/* The directory holds lists of zones and directories of them as well; files of a zone begin as RFC 8536 has it. */
static bool is_zone_file(const char *zone)
{
    static const char magic[4] = {'T', 'Z', 'i', 'f'};
    char path[256], first[sizeof magic];
    const char *directory = getenv("TZDIR");
    int length =
        snprintf(path, sizeof path, "%s/%s", directory && *directory ? directory : "/usr/share/zoneinfo", zone);
    if (length >= (int)sizeof path || *zone == '/' || strstr(zone, ".."))
        return false;
    FILE *file = fopen(path, "rb");
    bool fine = file && fread(first, sizeof first, 1, file) == 1 && memcmp(first, magic, sizeof magic) == 0;
    if (file)
        fclose(file);
    return fine;
}

bool clock_set_zone(const char *zone)
{
    char posix[ZONE_TEXT];
    long offset;
    if (strlen(zone) >= sizeof zone_set)
        return false;
    if (read_offset(zone, &offset)) /* POSIX counts to the west; a name is letters, digits and signs, three or more */
        snprintf(posix, sizeof posix, "<UTC>%s%ld:%02ld", offset > 0 ? "-" : "+", labs(offset) / 3600,
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

static int64_t time_of(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_day_ns(void)
{
    return time_of(CLOCK_REALTIME);
}

int64_t clock_steady_ns(void)
{
    return time_of(CLOCK_MONOTONIC);
}
