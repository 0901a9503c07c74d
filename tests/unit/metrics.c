/* The metrics file: every line of it as Prometheus reads it, the worst servers and no more, and stable. */
#include "report/metrics.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

TestSuite(metrics, .timeout = 20);

enum { MANY = 100 };

static const struct metrics_interface interfaces[] = {
    {"eth0", 1000, 64000, 3}, {"a\"b\\c\nd\xff", 5, 500, 0}, {"eth0", 7, 7, 7}, /* named twice: shown once */
};

static struct state server_at(uint8_t last, enum report_outcome outcome, uint64_t rejected)
{
    struct state server = {
        .address = addr_v4((const uint8_t[]){192, 0, 2, last}),
        .port = 53,
        .attempts = {[OUTCOME_ANSWERED] = 10, [OUTCOME_REJECTED] = rejected},
        .now.outcome = outcome,
        .now.culprit = outcome == REPORT_REJECTED ? CULPRIT_INTERMEDIARY : CULPRIT_NONE,
        .now.confidence = outcome == REPORT_REJECTED ? CONFIDENCE_PROVEN : CONFIDENCE_NONE,
        .changed_ns = outcome == REPORT_REJECTED ? INT64_C(1795944605000000007) : 0,
    };
    return server;
}

static struct metrics example(const struct state *servers, size_t count)
{
    return (struct metrics){
        .started_ns = INT64_C(1795944600500000000),
        .now_ns = INT64_C(1795948200000000000),
        .last_frame_ns = INT64_C(1795948199999999999),
        .interfaces = interfaces,
        .interface_count = sizeof interfaces / sizeof *interfaces,
        .servers = servers,
        .server_count = count,
        .servers_left_out = 5,
        .attempts = {1, 2, 3, 4, UINT64_MAX},
        .changes = 6,
        .evidence_frames = 7,
        .evidence_lost = 8,
        .lines_suppressed = 9,
        .lines_lost = 10,
        .commands_run = 11,
        .commands_skipped = 12,
        .counters = {.frames = 13, .flows.evicted = 14},
    };
}

/* The file; the caller frees it. */
static char *render(const struct metrics *metrics)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cr_assert_not_null(out);
    cr_assert(metrics_render(metrics, out));
    fclose(out);
    return text;
}

static size_t times(const char *text, const char *wanted)
{
    size_t count = 0;
    for (const char *at = strstr(text, wanted); at; at = strstr(at + 1, wanted))
        count++;
    return count;
}

static void expect_lines(const char *text, const char *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cr_expect_eq(times(text, lines[i]), 1, "%s in\n%s", lines[i], text);
}

#define EXPECT_LINES(text, ...)                                                                                        \
    expect_lines(text, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

Test(metrics, each_number_where_it_belongs)
{
    struct state servers[] = {server_at(7, REPORT_REJECTED, 4), server_at(6, REPORT_ANSWERED, 0)};
    servers[0].port = 5353;
    struct metrics metrics = example(servers, 2);
    char *text = render(&metrics);
    EXPECT_LINES(
        text, "\ntcp53_start_time_seconds 1795944600.500000000\n",
        "\ntcp53_written_timestamp_seconds 1795948200.000000000\n",
        "\ntcp53_last_frame_timestamp_seconds 1795948199.999999999\n",
        "\ntcp53_interface_frames_total{interface=\"eth0\"} 1000\n",
        "\ntcp53_interface_bytes_total{interface=\"eth0\"} 64000\n",
        "\ntcp53_interface_dropped_frames_total{interface=\"eth0\"} 3\n",
        "\ntcp53_attempts_total{outcome=\"answered\"} 1\n", "\ntcp53_attempts_total{outcome=\"rejected\"} 2\n",
        "\ntcp53_attempts_total{outcome=\"unanswered\"} 3\n", "\ntcp53_attempts_total{outcome=\"client-aborted\"} 4\n",
        "\ntcp53_attempts_total{outcome=\"incomplete\"} 18446744073709551615\n",
        "\ntcp53_servers{outcome=\"rejected\"} 1\n", "\ntcp53_servers{outcome=\"answered\"} 1\n",
        "\ntcp53_servers{outcome=\"mixed\"} 0\n", "\ntcp53_servers_left_out 5\n",
        "\ntcp53_server_attempts_total{server=\"192.0.2.7\",port=\"5353\",outcome=\"rejected\"} 4\n",
        "\ntcp53_server_attempts_total{server=\"192.0.2.6\",port=\"53\",outcome=\"answered\"} 10\n",
        "\ntcp53_verdict{server=\"192.0.2.7\",port=\"5353\",outcome=\"rejected\",culprit=\"intermediary\"} 1\n",
        "\ntcp53_verdict{server=\"192.0.2.6\",port=\"53\",outcome=\"answered\",culprit=\"none\"} 1\n",
        "\ntcp53_verdict_confidence{server=\"192.0.2.7\",port=\"5353\"} 3\n",
        "\ntcp53_verdict_confidence{server=\"192.0.2.6\",port=\"53\"} 0\n",
        "\ntcp53_verdict_changed_timestamp_seconds{server=\"192.0.2.7\",port=\"5353\"} 1795944605.000000007\n",
        "\ntcp53_verdict_changes_total 6\n", "\ntcp53_evidence_frames_total 7\n",
        "\ntcp53_evidence_lost_frames_total 8\n", "\ntcp53_log_lines_suppressed_total 9\n",
        "\ntcp53_log_lines_lost_total 10\n", "\ntcp53_commands_total 11\n", "\ntcp53_commands_skipped_total 12\n",
        "\ntcp53_analysis_events_total{event=\"frames\"} 13\n",
        "\ntcp53_analysis_events_total{event=\"evicted\"} 14\n");
    cr_expect_eq(times(text, "\ntcp53_verdict{"), 2);
    cr_expect_eq(times(text, "\ntcp53_verdict_changed_timestamp_seconds{"), 1, "no time, no sample");
    free(text);
}

Test(metrics, label_values_are_escaped)
{
    struct metrics metrics = example(NULL, 0);
    char *text = render(&metrics);
    EXPECT_LINES(text, "\ntcp53_interface_frames_total{interface=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\"} 5\n");
    free(text);
}

Test(metrics, nothing_seen_yet)
{
    struct metrics metrics = {.started_ns = 1, .now_ns = 1};
    char *text = render(&metrics);
    EXPECT_LINES(text, "\ntcp53_start_time_seconds 0.000000001\n", "\ntcp53_servers_left_out 0\n");
    cr_expect_eq(times(text, "\ntcp53_last_frame_timestamp_seconds "), 0);
    free(text);
}

Test(metrics, the_worst_servers_by_address)
{
    struct state servers[MANY];
    for (uint8_t i = 0; i < MANY; i++) /* those from 50 on fail, the later the more */
        servers[i] = server_at(i, i < 50 ? REPORT_ANSWERED : REPORT_REJECTED, i < 50 ? 0 : i);
    servers[60].now.outcome = REPORT_NONE; /* only ever asked over UDP */
    memset(servers[60].attempts, 0, sizeof servers[60].attempts);
    struct metrics metrics = example(servers, MANY);
    char *text = render(&metrics);
    cr_expect_eq(times(text, "\ntcp53_verdict{"), METRICS_SERVERS);
    EXPECT_LINES(text, "\ntcp53_servers_left_out 40\n", "\ntcp53_verdict{server=\"192.0.2.50\",",
                 "\ntcp53_verdict{server=\"192.0.2.99\",", "\ntcp53_verdict{server=\"192.0.2.0\",",
                 "\ntcp53_verdict{server=\"192.0.2.14\",");
    cr_expect_null(strstr(text, "server=\"192.0.2.15\""), "the healthy give way first");
    cr_expect_null(strstr(text, "server=\"192.0.2.60\""), "never asked over TCP");
    cr_expect_lt(strstr(text, "verdict{server=\"192.0.2.14\""), strstr(text, "verdict{server=\"192.0.2.50\""));
    for (uint8_t i = 0; i < MANY; i++)
        if (i != 60)
            servers[i] = server_at(i, REPORT_REJECTED, i);
    char *failing = render(&metrics);
    EXPECT_LINES(failing, "\ntcp53_verdict{server=\"192.0.2.99\",", "\ntcp53_verdict{server=\"192.0.2.35\",");
    cr_expect_null(strstr(failing, "server=\"192.0.2.34\""), "fewer failures");
    free(failing);
    free(text);
}

Test(metrics, the_same_in_whatever_order_they_come)
{
    struct state servers[MANY], backward[MANY];
    for (uint8_t i = 0; i < MANY; i++) {
        servers[i] = server_at(i, i % 3 ? REPORT_ANSWERED : REPORT_REJECTED, i % 3 ? 0 : i % 5);
        backward[MANY - 1 - i] = servers[i];
    }
    struct metrics one = example(servers, MANY), other = example(backward, MANY);
    char *text = render(&one), *again = render(&other);
    cr_expect_str_eq(text, again);
    free(again);
    free(text);
}

/* The grammar, line by line. */

static bool fits(const char *pattern, const char *line, regmatch_t *parts)
{
    regex_t regex;
    cr_assert_eq(regcomp(&regex, pattern, REG_EXTENDED), 0);
    bool fit = regexec(&regex, line, 4, parts, 0) == 0;
    regfree(&regex);
    return fit;
}

static void copy_part(const char *line, regmatch_t part, char *to, size_t size)
{
    snprintf(to, size, "%.*s", (int)(part.rm_eo - part.rm_so), line + part.rm_so);
}

/* Families stand together, each behind its HELP and TYPE; no sample comes twice; counters end in _total, others do not. */
Test(metrics, the_grammar_of_every_line)
{
    struct state servers[] = {server_at(7, REPORT_REJECTED, 4), server_at(6, REPORT_ANSWERED, 0)};
    struct metrics metrics = example(servers, 2);
    char *text = render(&metrics), *rest = NULL;
    char helped[128] = "", family[128] = "", type[16] = "", name[128], *seen[512];
    size_t samples = 0;
    cr_assert_eq(text[strlen(text) - 1], '\n');
    char *copy = strdup(text);
    for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        regmatch_t parts[4];
        if (fits("^# HELP (tcp53_[a-z0-9_]+) [A-Z].*\\.$", line, parts)) {
            copy_part(line, parts[1], helped, sizeof helped);
        } else if (fits("^# TYPE (tcp53_[a-z0-9_]+) (gauge|counter)$", line, parts)) {
            copy_part(line, parts[1], family, sizeof family);
            copy_part(line, parts[2], type, sizeof type);
            cr_expect_str_eq(family, helped);
            cr_expect_eq(times(text, line), 1, "%s", line);
            bool total = strlen(family) > 6 && strcmp(family + strlen(family) - 6, "_total") == 0;
            cr_expect_eq(total, strcmp(type, "counter") == 0, "%s", family);
        } else if (fits("^(tcp53_[a-z0-9_]+)((\\{[a-z]+=\"([^\"\\]|\\\\[\\n\"])*\"(,[a-z]+=\"([^\"\\]|\\\\[\\n\"])*\")*"
                        "\\})?) "
                        "[0-9]+(\\.[0-9]{9})?$",
                        line, parts)) {
            copy_part(line, parts[1], name, sizeof name);
            cr_expect_str_eq(name, family);
            line[parts[2].rm_eo] = '\0';
            for (size_t i = 0; i < samples; i++)
                cr_expect_str_neq(seen[i], line);
            cr_assert_lt(samples, 512);
            seen[samples++] = line;
        } else {
            cr_expect_fail("not in the grammar: %s", line);
        }
    }
    cr_expect_gt(samples, 70, "%zu", samples);
    free(copy);
    free(text);
}

/* Prometheus' own reader and lint, where it is installed. */
Test(metrics, promtool_finds_nothing)
{
    if (system("command -v promtool >/dev/null 2>&1") != 0)
        cr_skip("no promtool here");
    struct state servers[] = {server_at(7, REPORT_REJECTED, 4), server_at(6, REPORT_ANSWERED, 0)};
    struct metrics metrics = example(servers, 2);
    FILE *promtool = popen("promtool check metrics 2>&1", "w");
    cr_assert_not_null(promtool);
    cr_expect(metrics_render(&metrics, promtool));
    int status = pclose(promtool);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "promtool: status %x", (unsigned)status);
}

Test(metrics, a_full_disk)
{
    struct metrics metrics = example(NULL, 0);
    FILE *full = fopen("/dev/full", "w");
    cr_assert_not_null(full);
    cr_expect_not(metrics_render(&metrics, full));
    fclose(full);
}
