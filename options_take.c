#include "options_take.h"

#include "capture/probe.h"

#include <errno.h>
#include <stdlib.h>

bool options_take_number(const char *option, const char *what, const char *text, uint64_t most, uint64_t *number)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < 1 || (uint64_t)value > most)
        return complain("%s: \"%s\" is not a number of %s", option, text, what);
    *number = (uint64_t)value;
    return true;
}

bool options_take_interface(struct options *options, const char *name)
{
    struct options_watch *watch = &options->watch;
    if (watch->interface_count == OPTIONS_INTERFACES)
        return complain("-i: at most %d interfaces", OPTIONS_INTERFACES);
    watch->interfaces[watch->interface_count++] = name;
    return true;
}

static bool options_take_small(const char *option, const char *what, const char *text, uint32_t most, uint32_t *number)
{
    uint64_t value = 0;
    if (!options_take_number(option, what, text, most, &value))
        return false;
    *number = (uint32_t)value;
    return true;
}

bool options_take_buffer(struct options *options, const char *text)
{
    return options_take_small("-B", "KiB (up to 2097151)", text, INT32_MAX / 1024, &options->watch.buffer_kib);
}

bool options_take_snaplen(struct options *options, const char *text)
{
    return options_take_small("-s", "bytes (up to 262144)", text, 262144, &options->watch.snaplen);
}

bool options_take_file_size(struct options *options, const char *text)
{
    return options_take_small("-C", "millions of bytes", text, 1000000, &options->watch.file_megabytes);
}

bool options_take_file_count(struct options *options, const char *text)
{
    return options_take_small("-W", "files (up to 100000)", text, 100000, &options->watch.file_count);
}

bool options_take_interval(struct options *options, const char *text)
{
    return options_take_small("--interval", "seconds", text, 31536000, &options->watch.interval_s);
}

bool options_take_duration(struct options *options, const char *text)
{
    return options_take_small("--duration", "seconds", text, INT32_MAX, &options->watch.duration_s);
}

/* Options that are a word, for watch. */
#define TAKE_WORD(name, field)                                                                                         \
    bool options_take_##name(struct options *options, const char *word)                                                \
    {                                                                                                                  \
        options->watch.field = word;                                                                                   \
        return true;                                                                                                   \
    }

TAKE_WORD(user, user)
TAKE_WORD(evidence, evidence)
TAKE_WORD(tickets, tickets)
TAKE_WORD(metrics, metrics)
TAKE_WORD(command, command)

bool options_take_syslog(struct options *options, const char *unused)
{
    (void)unused;
    options->watch.syslog = true;
    return true;
}

bool options_take_no_promiscuous(struct options *options, const char *unused)
{
    (void)unused;
    options->watch.not_promiscuous = true;
    return true;
}

/* Options of probe that are a word, and those that are a switch. */
#define TAKE_PROBE_WORD(name)                                                                                          \
    bool options_take_##name(struct options *options, const char *word)                                                \
    {                                                                                                                  \
        options->probe.name = word;                                                                                    \
        return true;                                                                                                   \
    }
#define TAKE_PROBE_SWITCH(name)                                                                                        \
    bool options_take_##name(struct options *options, const char *unused)                                              \
    {                                                                                                                  \
        (void)unused;                                                                                                  \
        options->probe.name = true;                                                                                    \
        return true;                                                                                                   \
    }

TAKE_PROBE_WORD(type)
TAKE_PROBE_WORD(resolv_conf)
TAKE_PROBE_WORD(other_name)
TAKE_PROBE_WORD(save)
TAKE_PROBE_SWITCH(locate)
TAKE_PROBE_SWITCH(marked)
TAKE_PROBE_SWITCH(no_capture)

bool options_take_tries(struct options *options, const char *text)
{
    return options_take_small("--tries", "attempts (up to 20)", text, PROBE_TRIES, &options->probe.tries);
}

bool options_take_timeout(struct options *options, const char *text)
{
    return options_take_small("--timeout", "seconds (up to 60)", text, 60, &options->probe.timeout_s);
}

bool options_take_other_port(struct options *options, const char *text)
{
    return options_take_small("--other-port", "a port (1 to 65535)", text, UINT16_MAX, &options->probe.other_port);
}
