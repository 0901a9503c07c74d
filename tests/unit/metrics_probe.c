/* A probe's metrics: what was asked in each sample, each number where it belongs, and nothing that Prometheus refuses. */
#include "report/metrics.h"

#include "tests/unit/wire.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

TestSuite(metrics_probe, .timeout = 20);

enum { MS = 1000000, MANY = METRICS_SERVERS + 6 };

#define BEGAN_NS INT64_C(1795944600500000000)

static struct attempt attempt_at(const char *server, uint16_t port, enum attempt_test test, enum attempt_status status,
                                 int64_t took_ns)
{
    return (struct attempt){
        .test = test,
        .status = status,
        .server = wire_addr(server),
        .server_port = port,
        .event_count = 2,
        .events = {{BEGAN_NS, 40, FLOW_QUERY}, {BEGAN_NS + took_ns, 90, FLOW_ANSWER}},
    };
}

/* A report of attempts, and of servers as they were judged. */
struct example {
    struct server facts[2];
    struct report_server servers[2];
    struct report_probe probe;
    struct report report;
};

static void example_of(struct example *example, const struct attempt *attempts, size_t count)
{
    *example = (struct example){
        .facts = {{.address = wire_addr("192.0.2.7"), .port = 53}, {.address = wire_addr("2001:db8::7"), .port = 5353}},
        .servers = {{.outcome = REPORT_REJECTED,
                     .judgement = {.culprit = CULPRIT_INTERMEDIARY, .confidence = CONFIDENCE_PROVEN}},
                    {.outcome = REPORT_ANSWERED}},
        .probe = {.qname = "a\"b.example", .qtype = "MX", .attempts = attempts, .attempt_count = count},
        .report = {.server_count = 2, .source = {.command = "probe", .generated_ns = BEGAN_NS}},
    };
    for (size_t i = 0; i < 2; i++)
        example->servers[i].facts = &example->facts[i];
    example->report.servers = example->servers;
    example->report.source.probe = &example->probe;
}

/* The file; the caller frees it. */
static char *write_text(const struct attempt *attempts, size_t count)
{
    struct example example;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cr_assert_not_null(out);
    example_of(&example, attempts, count);
    cr_assert(metrics_write_probe(&example.report, out));
    fclose(out);
    return text;
}

/* Two servers: one is silent over UDP at first and rejects over TCP, the other answers. */
static size_t fill(struct attempt *list)
{
    const struct attempt all[] = {
        attempt_at("192.0.2.7", 53, ATTEMPT_UDP, ATTEMPT_SILENT, 0),
        attempt_at("2001:db8::7", 5353, ATTEMPT_UDP, ATTEMPT_TC, 4 * MS),
        attempt_at("192.0.2.7", 53, ATTEMPT_UDP, ATTEMPT_ANSWERED, 9 * MS),
        attempt_at("192.0.2.7", 53, ATTEMPT_UDP_EDNS, ATTEMPT_ANSWERED, 7 * MS),
        attempt_at("192.0.2.7", 53, ATTEMPT_UDP_EDNS, ATTEMPT_ANSWERED, 8 * MS),
        attempt_at("192.0.2.7", 53, ATTEMPT_TCP, ATTEMPT_REFUSED, MS),
        attempt_at("192.0.2.7", 53, ATTEMPT_TCP, ATTEMPT_RESET, MS),
        attempt_at("192.0.2.7", 443, ATTEMPT_OTHER_PORT, ATTEMPT_ANSWERED, MS),
        attempt_at("2001:db8::7", 5353, ATTEMPT_TCP, ATTEMPT_ANSWERED, 1500 * (int64_t)MS),
        attempt_at("2001:db8::7", 5353, ATTEMPT_TRUNCATED, ATTEMPT_ANSWERED, 2 * MS),
        attempt_at("2001:db8::7", 5353, ATTEMPT_REUSED, ATTEMPT_ANSWERED, 6 * MS),
        attempt_at("2001:db8::7", 5353, ATTEMPT_REUSED, ATTEMPT_RCODE, 6 * MS),
    };
    memcpy(list, all, sizeof all);
    return sizeof all / sizeof *all;
}

static size_t times(const char *text, const char *wanted)
{
    size_t count = 0;
    for (const char *at = strstr(text, wanted); at; at = strstr(at + 1, wanted))
        count++;
    return count;
}

#define ASKED "name=\"a\\\"b.example\",type=\"MX\""
#define ONE "{server=\"192.0.2.7\",port=\"53\"," ASKED
#define OTHER "{server=\"2001:db8::7\",port=\"5353\"," ASKED

Test(metrics_probe, each_number_where_it_belongs)
{
    static const char *const lines[] = {
        "\ntcp53_last_run_timestamp_seconds{" ASKED "} 1795944600.500000000\n",
        "\ntcp53_probe_success" ONE ",transport=\"udp\"} 1\n",
        "\ntcp53_probe_success" ONE ",transport=\"tcp\"} 0\n",
        "\ntcp53_probe_success" OTHER ",transport=\"udp\"} 1\n",
        "\ntcp53_probe_success" OTHER ",transport=\"tcp\"} 1\n",
        "\ntcp53_probe_duration_seconds" ONE ",transport=\"udp\"} 0.008000000\n",
        "\ntcp53_probe_duration_seconds" OTHER ",transport=\"udp\"} 0.004000000\n",
        "\ntcp53_probe_duration_seconds" OTHER ",transport=\"tcp\"} 0.002000000\n",
        "\ntcp53_probe_tries" ONE ",test=\"udp\"} 2\n",
        "\ntcp53_probe_answered" ONE ",test=\"udp\"} 1\n",
        "\ntcp53_probe_tries" ONE ",test=\"tcp\"} 2\n",
        "\ntcp53_probe_answered" ONE ",test=\"tcp\"} 0\n",
        "\ntcp53_probe_tries" ONE ",test=\"other-port\"} 1\n",
        "\ntcp53_probe_answered" ONE ",test=\"other-port\"} 1\n",
        "\ntcp53_probe_tries" OTHER ",test=\"reused\"} 2\n",
        "\ntcp53_probe_answered" OTHER ",test=\"reused\"} 1\n",
        "\ntcp53_verdict" ONE ",outcome=\"rejected\",culprit=\"intermediary\"} 1\n",
        "\ntcp53_verdict" OTHER ",outcome=\"answered\",culprit=\"none\"} 1\n",
        "\ntcp53_verdict_confidence" ONE "} 3\n",
        "\ntcp53_verdict_confidence" OTHER "} 0\n",
        "\ntcp53_probe_servers_left_out{" ASKED "} 0\n",
    };
    struct attempt list[16];
    char *text = write_text(list, fill(list));
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        cr_expect_eq(times(text, lines[i]), 1, "%s in\n%s", lines[i], text);
    cr_expect_eq(times(text, "\ntcp53_probe_success{"), 4);
    cr_expect_eq(times(text, "\ntcp53_probe_duration_seconds{"), 3, "no answer, no time");
    cr_expect_eq(times(text, "\ntcp53_verdict{"), 2);
    free(text);
}

Test(metrics_probe, a_server_of_which_nothing_was_seen)
{
    struct attempt list[] = {attempt_at("198.51.100.9", 53, ATTEMPT_TCP, ATTEMPT_LOCAL_ERROR, 0)};
    char *text = write_text(list, 1);
    cr_expect_not_null(
        strstr(text, "tcp53_probe_success{server=\"198.51.100.9\",port=\"53\"," ASKED ",transport=\"tcp\"} 0\n"));
    cr_expect_not_null(strstr(text, ",outcome=\"none\",culprit=\"none\"} 1\n"));
    cr_expect_null(strstr(text, "transport=\"udp\""), "it was not tried");
    cr_expect_null(strstr(text, "192.0.2.7"), "not asked");
    free(text);
}

Test(metrics_probe, more_servers_than_are_shown)
{
    struct attempt list[2 * MANY];
    for (unsigned i = 0; i < 2 * MANY; i++) {
        char address[ADDR_TEXT];
        snprintf(address, sizeof address, "198.51.100.%u", i % MANY);
        list[i] = attempt_at(address, 53, i < MANY ? ATTEMPT_UDP : ATTEMPT_TCP, ATTEMPT_ANSWERED, MS);
    }
    char *text = write_text(list, 2 * MANY);
    cr_expect_eq(times(text, "\ntcp53_verdict{"), METRICS_SERVERS);
    cr_expect_not_null(strstr(text, "\ntcp53_probe_servers_left_out{" ASKED "} 6\n"));
    free(text);
}

Test(metrics_probe, no_attempt)
{
    char *text = write_text(NULL, 0);
    cr_expect_not_null(strstr(text, "\ntcp53_probe_servers_left_out{" ASKED "} 0\n"));
    cr_expect_eq(times(text, "server=\""), 0);
    free(text);
}

/* Prometheus' own reader and lint, where it is installed. */
Test(metrics_probe, promtool_finds_nothing)
{
    if (system("command -v promtool >/dev/null 2>&1") != 0)
        cr_skip("no promtool here");
    struct attempt list[16];
    struct example example;
    example_of(&example, list, fill(list));
    FILE *promtool = popen("promtool check metrics 2>&1", "w");
    cr_assert_not_null(promtool);
    cr_expect(metrics_write_probe(&example.report, promtool));
    int status = pclose(promtool);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "promtool: status %x", (unsigned)status);
}

Test(metrics_probe, a_full_disk)
{
    struct example example;
    FILE *full = fopen("/dev/full", "w");
    cr_assert_not_null(full);
    example_of(&example, NULL, 0);
    cr_expect_not(metrics_write_probe(&example.report, full));
    fclose(full);
}
