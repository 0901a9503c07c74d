/* tcp53: who rejects DNS over TCP, the server or something in between? main(), the commands and their options. */
#include "capture/source.h"
#include "dissect/analysis.h"
#include "report/report.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

enum exit_status { EXIT_ANSWERED = 0, EXIT_REJECTED = 1, EXIT_TROUBLE = 2, EXIT_NOTHING = 3 };

enum { ADDRESSES_MOST = ANALYSIS_CLIENTS };

struct options {
    struct analysis_options analysis;
    struct render_options render;
    renderer *render_with;
    const char *output; /* NULL: standard output */
    const char *colour;
    struct addr servers[ADDRESSES_MOST];
    size_t server_count;
    bool nagios;
};

static const struct {
    const char *name;
    renderer *render;
} formats[] = {{"text", render_text}, {"json", render_json}};

static bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static bool complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("tcp53: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
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
    return complain("--format: \"%s\" is not a format; text and json are", name);
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
    if (*count == ADDRESSES_MOST)
        return complain("%s: at most %d addresses", option, ADDRESSES_MOST);
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

static const struct {
    const char *name, *argument;
    char letter;
    bool (*take)(struct options *options, const char *argument);
    const char *help;
} option_table[] = {
    {"format", "text|json", 0, take_format, "how to report (default: text)"},
    {"json", NULL, 'j', take_json, "the same as --format json"},
    {"output", "FILE", 'o', take_output, "write the report there, whole or not at all"},
    {"port", "N", 0, take_port, "a port that DNS servers listen on (default: 53; may repeat)"},
    {"server", "ADDR", 0, take_server, "judge only this server (may repeat)"},
    {"client", "ADDR", 0, take_client, "judge only this client's queries (may repeat)"},
    {"quiet", NULL, 'q', take_quiet, "one line a server"},
    {"verbose", NULL, 'v', take_verbose, "every kept flow's timeline"},
    {"color", "WHEN", 0, take_colour, "auto, always or never (default: auto; NO_COLOR is honoured)"},
    {"nagios", NULL, 0, take_nagios, "one line and exit status as monitoring plugins give them"},
};

enum { OPTION_COUNT = sizeof option_table / sizeof *option_table, LONG_FIRST = 256 };

static void print_options(FILE *out)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char left[48];
        snprintf(left, sizeof left, "%s%s%s", option_table[i].name, option_table[i].argument ? " " : "",
                 option_table[i].argument ? option_table[i].argument : "");
        fprintf(out, "  %c%c%c --%-20s %s\n", option_table[i].letter ? '-' : ' ',
                option_table[i].letter ? option_table[i].letter : ' ', option_table[i].letter ? ',' : ' ', left,
                option_table[i].help);
    }
}

/* Reads the options of a judging command; leaves optind at the first operand. */
static bool read_options(int argc, char **argv, struct options *options)
{
    struct option longs[OPTION_COUNT + 1] = {{0}};
    char shorts[OPTION_COUNT * 2 + 1] = "", *end = shorts;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        longs[i] = (struct option){option_table[i].name, option_table[i].argument ? required_argument : no_argument,
                                   NULL, LONG_FIRST + (int)i};
        if (option_table[i].letter) {
            *end++ = option_table[i].letter;
            if (option_table[i].argument)
                *end++ = ':';
        }
    }
    int found;
    while ((found = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        size_t i = 0;
        while (i < OPTION_COUNT && found != LONG_FIRST + (int)i && found != option_table[i].letter)
            i++;
        if (i == OPTION_COUNT)
            return false; /* getopt has said why */
        if (!option_table[i].take(options, optarg))
            return false;
    }
    const char *no_colour = getenv("NO_COLOR");
    const char *when = options->colour ? options->colour : "auto";
    bool terminal = !options->output && isatty(STDOUT_FILENO) && !(no_colour && *no_colour);
    options->render.colour = strcmp(when, "always") == 0 || (strcmp(when, "auto") == 0 && terminal);
    return true;
}

static bool write_file(const struct report *report, const struct options *options)
{
    char *draft = NULL;
    if (asprintf(&draft, "%s.XXXXXX", options->output) < 0)
        return complain("out of memory");
    int descriptor = mkstemp(draft);
    FILE *out = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    bool fine = out && fchmod(descriptor, 0644) == 0 && options->render_with(report, &options->render, out);
    fine = out && fclose(out) == 0 && fine;
    fine = fine && rename(draft, options->output) == 0;
    if (!fine) {
        complain("%s: %s", options->output, errno ? strerror(errno) : "cannot be written");
        if (descriptor >= 0)
            unlink(draft);
    }
    free(draft);
    return fine;
}

static bool write_report(const struct report *report, const struct options *options)
{
    if (options->output)
        return write_file(report, options);
    if (options->render_with(report, &options->render, stdout) && fflush(stdout) == 0)
        return true;
    return errno == EPIPE || complain("standard output: %s", strerror(errno));
}

static struct report_input describe(const struct source_input *input)
{
    struct report_input out = {.path = input->path,
                               .format = input->format,
                               .link_type_count = input->link_type_count,
                               .frames = input->frames,
                               .bytes = input->bytes,
                               .first_ns = input->first_ns,
                               .last_ns = input->last_ns,
                               .snaplen = input->snaplen,
                               .truncated = input->truncated,
                               .trouble = *input->trouble.text ? input->trouble.text : NULL,
                               .kernel_dropped = -1};
    for (unsigned i = 0; i < input->link_type_count; i++)
        out.link_types[i] = source_link_name(input->link_types[i]);
    return out;
}

/* Says what went wrong with the inputs; false when anything did. */
static bool complain_of_inputs(const struct source_input *inputs, size_t count)
{
    bool fine = true;
    for (size_t i = 0; i < count; i++)
        if (*inputs[i].trouble.text)
            fine = complain("%s", inputs[i].trouble.text);
    return fine;
}

static int nagios_status(int status, const struct report *report)
{
    static const int statuses[] = {[EXIT_ANSWERED] = 0, [EXIT_REJECTED] = 2, [EXIT_TROUBLE] = 3, [EXIT_NOTHING] = 3};
    bool rejected = report->server_count > 0 && report->servers[0].outcome == REPORT_REJECTED;
    return status == EXIT_REJECTED && !rejected ? 1 : statuses[status];
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Judges what the analysis saw and prints it; returns the exit status. */
static int conclude(const struct source *source, const struct analysis *analysis, const struct options *options)
{
    size_t count;
    const struct source_input *inputs = source_inputs(source, &count);
    struct report_input *described = calloc(count, sizeof *described);
    struct report *report = NULL;
    int status = EXIT_TROUBLE;
    if (!described)
        goto out;
    for (size_t i = 0; i < count; i++)
        described[i] = describe(&inputs[i]);
    struct report_source from = {.command = "read",
                                 .inputs = described,
                                 .input_count = count,
                                 .pcap_version = source_library_version(),
                                 .generated_ns = now_ns(),
                                 .servers = options->servers,
                                 .server_count = options->server_count};
    report = report_build(analysis, &from);
    if (!report)
        goto out;
    bool fine = complain_of_inputs(inputs, count);
    fine = write_report(report, options) && fine;
    status = fine ? report->exit_status : EXIT_TROUBLE;
    if (options->nagios)
        status = nagios_status(status, report);
out:
    if (!report)
        complain("out of memory");
    report_free(report);
    free(described);
    return status;
}

static int command_read(int argc, char **argv)
{
    struct options options = {.render_with = render_text};
    struct failure failure = {""};
    if (!read_options(argc, argv, &options))
        return EXIT_TROUBLE;
    if (optind == argc) {
        complain("read: no capture named; `tcp53 read FILE...`, - for standard input");
        return EXIT_TROUBLE;
    }
    int status = EXIT_TROUBLE;
    struct analysis *analysis = analysis_new(&options.analysis);
    struct source *source = source_open((const char *const *)argv + optind, (size_t)(argc - optind), &failure);
    if (!source || !analysis) {
        complain("%s", source ? "out of memory" : failure.text);
        goto out;
    }
    struct frame frame;
    while (source_next(source, &frame))
        analysis_feed(analysis, &frame);
    analysis_finish(analysis);
    status = conclude(source, analysis, &options);
out:
    source_close(source);
    analysis_free(analysis);
    return status;
}

static int command_explain(int argc, char **argv)
{
    if (argc > 2) {
        complain("explain: one code at a time");
        return EXIT_TROUBLE;
    }
    if (explain(argc == 2 ? argv[1] : NULL, stdout))
        return fflush(stdout) == 0 ? 0 : EXIT_TROUBLE;
    complain("explain: \"%s\" is no code of a rule, mechanism or verdict; `tcp53 explain` lists them", argv[1]);
    return EXIT_TROUBLE;
}

static const struct {
    const char *word;
    int (*run)(int argc, char **argv);
    const char *usage, *help;
} commands[] = {
    {"read", command_read, "read [options] FILE...",
     "judge saved captures ('-': standard input; a directory: those in it)"},
    {"explain", command_explain, "explain [CODE]", "what a mechanism, a rule or a verdict means"},
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void print_help(FILE *out)
{
    fputs("tcp53 concludes from packets who rejects DNS queries over TCP: the DNS server or something in between.\n\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  tcp53 %-26s %s\n", commands[i].usage, commands[i].help);
    fputs("\nOptions of read:\n", out);
    print_options(out);
    fputs("\nExit status: 0 every server asked over TCP answers; 1 some are rejected, unanswered or mixed; 2 trouble;\n"
          "3 nothing to conclude. With --nagios: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.\n",
          out);
}

static void print_version(FILE *out)
{
    fprintf(out, "tcp53 %s\nlibpcap %s\nldns %s\njson-c %s\n", TCP53_VERSION, source_library_version(),
            dns_library_version(), json_c_version());
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        bool help = strcmp(argv[i], "--help") == 0, version = strcmp(argv[i], "--version") == 0;
        if (help || version) {
            (help ? print_help : print_version)(stdout);
            return fflush(stdout) == 0 ? 0 : EXIT_TROUBLE;
        }
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(word, commands[i].word) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (*word)
        complain("\"%s\" is not a command", word);
    print_help(stderr);
    return EXIT_TROUBLE;
}
