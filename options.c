#include "options_take.h"

#include "clock.h"
#include "report/words.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    renderer *render;
} formats[] = {{"text", render_text}, {"json", render_json}, {"jsonl", render_jsonl}};

bool complain(const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    char *clean = text ? words_utf8(text) : NULL; /* names of files may hold what a terminal obeys */
    fprintf(stderr, "tcp53: %s\n", clean ? clean : "out of memory");
    free(clean);
    free(text);
    return false;
}

static bool take_format(struct options *options, const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(name, formats[i].name) == 0) {
            options->render_with = formats[i].render;
            return true;
        }
    }
    return complain("--format: \"%s\" is not a format; text, json and jsonl are", name);
}

static bool take_json(struct options *options, const char *unused)
{
    (void)unused;
    return take_format(options, "json");
}

static bool take_output(struct options *options, const char *path)
{
    options->output = path;
    return true;
}

static bool take_port(struct options *options, const char *text)
{
    char *end;
    errno = 0;
    long port = strtol(text, &end, 10);
    if (errno || end == text || *end || port < 1 || port > UINT16_MAX)
        return complain("--port: \"%s\" is not a port number (1 to 65535)", text);
    if (options->analysis.port_count == ANALYSIS_PORTS)
        return complain("--port: at most %d ports", ANALYSIS_PORTS);
    options->analysis.ports[options->analysis.port_count++] = (uint16_t)port;
    return true;
}

static bool take_address(const char *option, const char *text, struct addr *list, size_t *count)
{
    if (*count == OPTIONS_ADDRESSES)
        return complain("%s: at most %d addresses", option, OPTIONS_ADDRESSES);
    if (!addr_read(text, &list[*count]))
        return complain("%s: \"%s\" is not an IP address (names are never resolved)", option, text);
    ++*count;
    return true;
}

static bool take_server(struct options *options, const char *text)
{
    return take_address("--server", text, options->servers, &options->server_count);
}

static bool take_client(struct options *options, const char *text)
{
    return take_address("--client", text, options->analysis.clients, &options->analysis.client_count);
}

/* Notes an option that chooses frames, for the report. */
static void note_selection(struct options *options, const char *option, const char *argument)
{
    size_t length = strlen(options->selection);
    snprintf(options->selection + length, sizeof options->selection - length, "%s%s '%s'", length ? " " : "", option,
             argument);
}

static bool take_from(struct options *options, const char *text)
{
    options->from = text;
    note_selection(options, "--from", text);
    return true;
}

static bool take_to(struct options *options, const char *text)
{
    options->to = text;
    note_selection(options, "--to", text);
    return true;
}

static bool take_filter(struct options *options, const char *expression)
{
    if (options->source.filter)
        return complain("--filter: one expression at a time; join them by \"and\" or \"or\"");
    options->source.filter = expression;
    note_selection(options, "--filter", expression);
    return true;
}

static bool take_filter_file(struct options *options, const char *path)
{
    static char expression[8192];
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(expression, 1, sizeof expression, file) : 0;
    bool whole = file && !ferror(file) && length < sizeof expression;
    if (file)
        fclose(file);
    if (!whole)
        return complain("-F: %s: %s", path, length == sizeof expression ? "too long" : strerror(errno));
    expression[length] = '\0';
    return take_filter(options, expression);
}

static bool take_count(struct options *options, const char *text)
{
    if (!options_take_number("-c", "frames", text, INT64_MAX, &options->source.count))
        return false;
    note_selection(options, "-c", text);
    return true;
}

static bool take_time_zone(struct options *options, const char *zone)
{
    (void)options;
    return clock_set_zone(zone) ||
           complain("--time-zone: \"%s\" is not known here; \"UTC\", \"Europe/Vienna\" and \"+01:00\" are such", zone);
}

static bool read_time(const char *option, const char *text, int64_t *time_ns)
{
    return !text || clock_read(text, time_ns) ||
           complain("%s: \"%s\" is no time; \"2026-11-24T09:30:00Z\", \"2026-11-24 10:30:00+01:00\" and seconds since "
                    "1970 are",
                    option, text);
}

static bool take_quiet(struct options *options, const char *unused)
{
    (void)unused;
    options->render.quiet = true;
    return true;
}

static bool take_verbose(struct options *options, const char *unused)
{
    (void)unused;
    options->render.verbose = true;
    return true;
}

static bool take_colour(struct options *options, const char *when)
{
    options->colour = when;
    if (strcmp(when, "auto") == 0 || strcmp(when, "always") == 0 || strcmp(when, "never") == 0)
        return true;
    return complain("--color: \"%s\" is none of auto, always, never", when);
}

static bool take_nagios(struct options *options, const char *unused)
{
    (void)unused;
    options->nagios = true;
    options->render_with = render_nagios;
    return true;
}

static bool take_numeric(struct options *options, const char *unused)
{
    (void)options;
    (void)unused;
    return true;
}

enum {
    SAVED = OPTIONS_READ | OPTIONS_COMPARE,
    LIVE = OPTIONS_WATCH,
    SEEN = SAVED | LIVE,
    PROBE = OPTIONS_PROBE,
    SENT = LIVE | PROBE,
    ALL = SEEN | PROBE
};

static const struct {
    const char *name, *argument;
    char letter;
    unsigned commands; /* enum options_command */
    bool (*take)(struct options *options, const char *argument);
    const char *help;
} option_table[] = {
    {"format", "text|json|jsonl", 0, ALL, take_format, "how to report (default: text)"},
    {"json", NULL, 'j', ALL, take_json, "the same as --format json"},
    {"output", "FILE", 'o', ALL, take_output, "write the report there, whole or not at all"},
    {"port", "N", 0, ALL, take_port, "a port that DNS servers listen on (default: 53; may repeat)"},
    {"server", "ADDR", 0, SEEN, take_server, "judge only this server (may repeat)"},
    {"client", "ADDR", 0, SEEN, take_client, "judge only this client's queries (may repeat)"},
    {"filter", "BPF", 0, SEEN, take_filter, "judge only frames that pass this expression of tcpdump's"},
    {"filter-file", "FILE", 'F', SEEN, take_filter_file, "the same, the expression is in the file"},
    {"count", "N", 'c', SEEN, take_count, "stop after N frames"},
    {"numeric", NULL, 'n', ALL, take_numeric, "names are never resolved; accepted for tcpdump's sake"},
    {"quiet", NULL, 'q', ALL, take_quiet, "one line a server"},
    {"verbose", NULL, 'v', ALL, take_verbose, "every kept flow's timeline"},
    {"color", "WHEN", 0, ALL, take_colour, "auto, always or never (default: auto; NO_COLOR is honoured)"},
    {"nagios", NULL, 0, ALL, take_nagios, "one line and exit status as monitoring plugins give them"},
    {"from", "TIME", 0, SAVED, take_from, "judge only frames from then on (2026-11-24T09:30:00Z)"},
    {"to", "TIME", 0, SAVED, take_to, "judge only frames up to then"},
    {"time-zone", "ZONE", 0, SAVED, take_time_zone, "of times that name none (default: this machine's)"},
    {"interface", "IFACE", 'i', SENT, options_take_interface,
     "where to capture (may repeat; any; default: toward the DNS servers)"},
    {"interval", "S", 0, LIVE, options_take_interval, "report and begin anew every S seconds (default: 300)"},
    {"duration", "S", 0, LIVE, options_take_duration, "stop after S seconds"},
    {"evidence", "DIR", 'w', LIVE, options_take_evidence,
     "keep the packets of failed lookups there, in a ring of pcap files"},
    {"file-size", "MB", 'C', LIVE, options_take_file_size, "size of such a file in millions of bytes (default: 10)"},
    {"file-count", "N", 'W', LIVE, options_take_file_count, "how many such files (default: 10)"},
    {"ticket", "DIR", 0, LIVE, options_take_tickets,
     "a folder for each change of a verdict: report.json, report.txt, pcap"},
    {"exec", "CMD", 0, LIVE, options_take_command, "run that on a change, the report on its standard input (no shell)"},
    {"syslog", NULL, 0, LIVE, options_take_syslog, "send changes to syslog as well"},
    {"metrics", "FILE", 0, SENT, options_take_metrics,
     "write counters for Prometheus' node exporter (textfile collector)"},
    {"user", "USER", 'Z', LIVE, options_take_user, "drop to that user (default: tcp53, if there is one)"},
    {"buffer-size", "KIB", 'B', LIVE, options_take_buffer,
     "the kernel's capture buffer of each interface (default: 16384)"},
    {"snapshot-length", "N", 's', LIVE, options_take_snaplen, "bytes of each frame (default: 262144)"},
    {"type", "TYPE", 't', PROBE, options_take_type, "what to ask for (default: MX)"},
    {"tries", "N", 0, PROBE, options_take_tries, "attempts of each kind at each server (default: 3)"},
    {"timeout", "S", 0, PROBE, options_take_timeout,
     "seconds to wait for an answer (default: 5; silence shows after 5)"},
    {"resolv-conf", "FILE", 0, PROBE, options_take_resolv_conf,
     "ask the servers listed there (default: those of the system)"},
    {"write", "FILE", 'w', PROBE, options_take_save, "save the probe's packets there (pcap), for a ticket"},
    {"locate", NULL, 0, PROBE, options_take_locate, "find the hop where TCP ends, by packets with growing TTLs"},
    {"mark", NULL, 0, PROBE, options_take_marked,
     "SYNs with a TOS as well: who rejects them shows by what it does with that"},
    {"other-name", "NAME", 0, PROBE, options_take_other_name, "ask for a harmless name as well, over TCP"},
    {"other-port", "N", 0, PROBE, options_take_other_port, "connect to another port of the servers as well"},
    {"no-capture", NULL, 0, PROBE, options_take_no_capture,
     "judge by what the sockets are told, without capturing packets"},
    {"no-promiscuous-mode", NULL, 'p', LIVE, options_take_no_promiscuous, "capture only what is meant for this host"},
};

enum { OPTION_COUNT = sizeof option_table / sizeof *option_table, LONG_FIRST = 256 };

static void print_those(FILE *out, unsigned commands, const char *heading)
{
    fprintf(out, "\n%s:\n", heading);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char left[64];
        if (option_table[i].commands != commands)
            continue;
        snprintf(left, sizeof left, "%s%s%s", option_table[i].name, option_table[i].argument ? " " : "",
                 option_table[i].argument ? option_table[i].argument : "");
        fprintf(out, "  %c%c%c --%-24s %s\n", option_table[i].letter ? '-' : ' ',
                option_table[i].letter ? option_table[i].letter : ' ', option_table[i].letter ? ',' : ' ', left,
                option_table[i].help);
    }
}

void options_print(FILE *out)
{
    print_those(out, ALL, "Options of read, compare, watch and probe");
    print_those(out, SEEN, "Options of read, compare and watch");
    print_those(out, SAVED, "Options of read and compare");
    print_those(out, SENT, "Options of watch and probe");
    print_those(out, LIVE, "Options of watch");
    print_those(out, PROBE, "Options of probe");
}

bool options_read(int argc, char **argv, enum options_command command, struct options *options)
{
    struct option longs[OPTION_COUNT + 1] = {{0}};
    char shorts[OPTION_COUNT * 2 + 1] = "", *end = shorts;
    for (size_t i = 0, count = 0; i < OPTION_COUNT; i++) {
        if (!(option_table[i].commands & command))
            continue;
        longs[count++] =
            (struct option){option_table[i].name, option_table[i].argument ? required_argument : no_argument, NULL,
                            LONG_FIRST + (int)i};
        if (option_table[i].letter) {
            *end++ = option_table[i].letter;
            if (option_table[i].argument)
                *end++ = ':';
        }
    }
    int found;
    while ((found = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        size_t i = 0;
        while (i < OPTION_COUNT && !(option_table[i].commands & command &&
                                     (found == LONG_FIRST + (int)i || found == option_table[i].letter)))
            i++;
        if (i == OPTION_COUNT)
            return false; /* getopt has said why */
        if (!option_table[i].take(options, optarg))
            return false;
    }
    if (!read_time("--from", options->from, &options->source.from_ns) ||
        !read_time("--to", options->to, &options->source.to_ns))
        return false;
    if (options->to && options->source.to_ns <= 0)
        options->source.to_ns = 1; /* 0 would be no end */
    const char *no_colour = getenv("NO_COLOR");
    const char *when = options->colour ? options->colour : "auto";
    bool terminal = !options->output && isatty(STDOUT_FILENO) && !(no_colour && *no_colour);
    options->render.colour = strcmp(when, "always") == 0 || (strcmp(when, "auto") == 0 && terminal);
    return true;
}
