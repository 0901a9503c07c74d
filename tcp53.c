/* tcp53: who rejects DNS over TCP, the server or something in between? main(), the commands and their options. */
#include "capture/interrupt.h"
#include "capture/reader.h"
#include "clock.h"
#include "compare.h"
#include "inputs.h"
#include "options.h"
#include "output.h"
#include "probe_run.h"
#include "progress.h"
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

enum exit_status { EXIT_ANSWERED = 0, EXIT_REJECTED = 1, EXIT_TROUBLE = 2, EXIT_NOTHING = 3 };

/* Says what went wrong with the inputs; false when anything did. */
static bool complain_of_inputs(const struct input *inputs, size_t count)
{
    bool fine = true;
    for (size_t i = 0; i < count; i++)
        if (*inputs[i].trouble.text)
            fine = complain("%s", inputs[i].trouble.text);
    return fine;
}

/* Judges what was seen and prints it; returns the exit status. */
static int conclude(const struct source *source, const struct analysis *analysis, struct report_source *from,
                    const struct options *options)
{
    size_t count;
    const struct input *inputs = source_inputs(source, &count);
    struct report *report = NULL;
    int status = EXIT_TROUBLE;
    if (!inputs_describe(source, from))
        goto out;
    from->generated_ns = clock_day_ns();
    from->servers = options->servers;
    from->server_count = options->server_count;
    from->selection = *options->selection ? options->selection : NULL;
    report = report_build(analysis_facts(analysis), analysis_counters(analysis), from);
    if (!report)
        goto out;
    bool fine = complain_of_inputs(inputs, count);
    fine = output_report(report, options) && fine;
    status = fine ? report->exit_status : EXIT_TROUBLE;
    if (options->nagios)
        status = report_nagios_status(status, report->server_count ? report->servers[0].outcome : REPORT_NONE);
out:
    if (!report)
        complain("out of memory");
    report_free(report);
    inputs_release(from);
    return status;
}

static void handle_interrupt(int signal)
{
    (void)signal;
    interrupt_raise();
}

/*
 * The first SIGINT ends the reading, in whose thread it arrives, so that what was read is judged; a second one kills.
 * Where it is ignored, as a shell has it for what runs in the background, it stays so.
 */
static struct sigaction interrupt_before;

static void catch_interrupt(void)
{
    sigset_t interrupt;
    if (sigaction(SIGINT, NULL, &interrupt_before) != 0 || interrupt_before.sa_handler == SIG_IGN)
        return;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    sigprocmask(SIG_BLOCK, &interrupt, NULL);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = handle_interrupt, .sa_flags = (int)SA_RESETHAND}, NULL);
}

static void release_interrupt(void)
{
    sigset_t interrupt, pending;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    if (!interrupt_is_raised() && sigpending(&pending) == 0 && sigismember(&pending, SIGINT))
        signal(SIGINT, SIG_IGN); /* it came when all was read: forgotten, and the report is printed */
    sigaction(SIGINT, &interrupt_before, NULL);
    sigprocmask(SIG_UNBLOCK, &interrupt, NULL);
}

static void read_all(struct source *source, struct analysis *analysis)
{
    struct progress *progress = progress_start(source);
    struct frame frame;
    while (source_next(source, &frame))
        analysis_feed(analysis, &frame);
    analysis_finish(analysis);
    progress_end(progress);
}

/* One reading of the captures, and what was seen in it. */
struct pass {
    struct source *source;
    struct analysis *analysis;
};

static void pass_end(struct pass *pass)
{
    source_close(pass->source);
    analysis_free(pass->analysis);
    *pass = (struct pass){NULL, NULL};
}

static bool pass_make(struct pass *pass, const char *const *paths, size_t count, const struct options *options,
                      bool by_runs)
{
    struct failure failure = {"out of memory"};
    struct source_options selection = options->source;
    selection.by_runs = by_runs;
    pass->analysis = analysis_new(&options->analysis);
    pass->source = pass->analysis ? source_open(paths, count, &selection, &failure) : NULL;
    if (!pass->source)
        return complain("%s", failure.text);
    read_all(pass->source, pass->analysis);
    return true;
}

/* Reads captures; again, by runs of time, when that is what puts their frames in order. */
static bool read_captures(struct pass *pass, const char *const *paths, size_t count, const struct options *options)
{
    if (!pass_make(pass, paths, count, options, false))
        return false;
    if (!source_may_order(pass->source))
        return true;
    struct pass ordered = {NULL, NULL};
    bool whole = pass_make(&ordered, paths, count, options, true) && !interrupt_is_raised();
    pass_end(whole ? pass : &ordered); /* one that was broken off is worth less than the first */
    if (whole)
        *pass = ordered;
    return true;
}

static int command_read(int argc, char **argv)
{
    struct options options = {.render_with = render_text};
    struct report_source from = {.command = "read"};
    if (!options_read(argc, argv, OPTIONS_READ, &options))
        return EXIT_TROUBLE;
    if (optind == argc) {
        complain("read: no capture named; `tcp53 read FILE...`, - for standard input");
        return EXIT_TROUBLE;
    }
    int status = EXIT_TROUBLE;
    struct pass pass = {NULL, NULL};
    catch_interrupt();
    bool read = read_captures(&pass, (const char *const *)argv + optind, (size_t)(argc - optind), &options);
    release_interrupt();
    if (read)
        status = conclude(pass.source, pass.analysis, &from, &options);
    pass_end(&pass);
    return status;
}

static int command_compare(int argc, char **argv)
{
    struct options options = {.render_with = render_text};
    struct comparison comparison = {0};
    struct failure failure = {""};
    if (!options_read(argc, argv, OPTIONS_COMPARE, &options))
        return EXIT_TROUBLE;
    if (argc - optind != PAIR_SIDES) {
        complain("compare: two captures of the same traffic are wanted, `tcp53 compare CLIENT-SIDE SERVER-SIDE`");
        return EXIT_TROUBLE;
    }
    int status = EXIT_TROUBLE;
    if (comparison_make(&comparison, (const char *const *)argv + optind, &options.source, &options.analysis,
                        &failure)) {
        struct report_source from = {.command = "compare",
                                     .pair = comparison.pair,
                                     .server_side = comparison.sides[PAIR_SERVER],
                                     .swapped = comparison.swapped};
        status = conclude(comparison.source, comparison.sides[PAIR_CLIENT], &from, &options);
    } else {
        complain("%s", failure.text);
    }
    comparison_end(&comparison);
    return status;
}

static int command_watch(int argc, char **argv)
{
    struct options options = {.render_with = render_text};
    if (!options_read(argc, argv, OPTIONS_WATCH, &options))
        return EXIT_TROUBLE;
    if (optind < argc) {
        complain("watch: \"%s\" is no option; interfaces are named by -i, and a filter by --filter", argv[optind]);
        return EXIT_TROUBLE;
    }
    return watch_run(&options);
}

static int command_probe(int argc, char **argv)
{
    struct options options = {.render_with = render_text};
    if (!options_read(argc, argv, OPTIONS_PROBE, &options))
        return EXIT_TROUBLE;
    if (optind == argc) {
        complain("probe: no name to ask for; `tcp53 probe NAME [SERVER...]`, a domain that gets mail, for one");
        return EXIT_TROUBLE;
    }
    return probe_run(&options, argv[optind], (const char *const *)argv + optind + 1, (size_t)(argc - optind - 1));
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
    {"compare", command_compare, "compare [options] CLIENT-SIDE SERVER-SIDE",
     "judge two captures of the same traffic, taken at two places"},
    {"watch", command_watch, "watch [options] [-i IFACE]...", "judge live traffic until stopped"},
    {"probe", command_probe, "probe [options] NAME [SERVER...]",
     "ask DNS servers over UDP and TCP, and judge what happens"},
    {"explain", command_explain, "explain [CODE]", "what a mechanism, a rule or a verdict means"},
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void print_help(FILE *out)
{
    fputs("tcp53 concludes from packets who rejects DNS queries over TCP: the DNS server or something in between.\n\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  tcp53 %-42s %s\n", commands[i].usage, commands[i].help);
    options_print(out);
    fputs("\nExit status: 0 every server asked over TCP answers; 1 some are rejected, unanswered or mixed; 2 trouble;\n"
          "3 nothing to conclude. With --nagios: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.\n",
          out);
}

static void print_version(FILE *out)
{
    const char *wiretap = wiretap_version();
    fprintf(out, "tcp53 %s\nlibpcap %s\nldns %s\njson-c %s\nlibwiretap %s\n", TCP53_VERSION, libpcap_version(),
            dns_library_version(), json_c_version(),
            wiretap ? wiretap
                    : "none: compressed captures, Network Monitor's, snoop's and all others but pcap and pcapng with "
                      "interfaces of one kind cannot be read");
}

/*
 * Nothing that is opened later becomes standard output or error, or lines would go into it: into a capture socket, for
 * one. What is missing can only be read, so that writing there still fails.
 */
static void fill_standard(void)
{
    int descriptor;
    do
        descriptor = open("/dev/null", O_RDONLY);
    while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    if (descriptor >= 0)
        close(descriptor);
}

int main(int argc, char **argv)
{
    fill_standard();
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
