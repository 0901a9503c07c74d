/* The options of all commands that judge. */
#ifndef TCP53_OPTIONS_H
#define TCP53_OPTIONS_H

#include "capture/live.h"
#include "capture/source.h"
#include "dissect/analysis.h"
#include "report/report.h"

enum { OPTIONS_ADDRESSES = ANALYSIS_CLIENTS, OPTIONS_INTERFACES = LIVE_MOST };

/* Which commands an option is for. */
enum options_command { OPTIONS_READ = 1, OPTIONS_COMPARE = 2, OPTIONS_WATCH = 4, OPTIONS_PROBE = 8 };

/* What only a live capture has. Numbers: 0 is not given. */
struct options_watch {
    const char *interfaces[OPTIONS_INTERFACES];
    size_t interface_count;
    uint32_t buffer_kib, snaplen;
    bool not_promiscuous;
    const char *user;                    /* -Z */
    const char *evidence;                /* directory of the ring */
    uint32_t file_megabytes, file_count; /* of the ring; a megabyte is 10^6 bytes, as tcpdump has it */
    const char *tickets, *metrics;       /* directory, file */
    const char *command;                 /* --exec */
    uint32_t interval_s, duration_s;
    bool syslog;
};

/* What only a probe has. Numbers: 0 is not given. */
struct options_probe {
    const char *type, *resolv_conf, *other_name, *save;
    uint32_t tries, timeout_s, other_port;
    bool locate, marked, no_capture;
};

struct options {
    struct source_options source;
    const char *from, *to; /* as given, since the zone may be named after them */
    char selection[9216];  /* the options that chose frames, as given */
    struct analysis_options analysis;
    struct render_options render;
    renderer *render_with;
    const char *output; /* NULL: standard output */
    const char *colour;
    struct addr servers[OPTIONS_ADDRESSES];
    size_t server_count;
    bool nagios;
    struct options_watch watch;
    struct options_probe probe;
};

/* Reads a judging command's options; leaves optind at the first operand. False when it has said what is wrong. */
bool options_read(int argc, char **argv, enum options_command command, struct options *options);
/* The table, a line an option. */
void options_print(FILE *out);
/* Says something on standard error; always false. */
bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
