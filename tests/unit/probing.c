#include "tests/unit/probing.h"

#include "tests/unit/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { TIMES = 3 };

void probing_begin(struct probing *probing)
{
    *probing = (struct probing){.facts = facts_new(), .time_ns = 1700000000 * FLOW_SECOND_NS};
    cr_assert_not_null(probing->facts);
    probing->probe = (struct report_probe){.qname = "microsoft.com",
                                           .qtype = "MX",
                                           .obstacle = "this user may not capture packets",
                                           .servers_from = "/etc/resolv.conf",
                                           .attempts = probing->attempts};
}

void probing_end(struct probing *probing)
{
    report_free(probing->report);
    facts_free(probing->facts);
}

/* What a socket is told on the way to each end. */
static void note_events(struct attempt *attempt, int64_t now_ns)
{
    static const struct {
        enum attempt_status status;
        bool opened;
        int event; /* -1: none */
    } rows[] = {
        {ATTEMPT_ANSWERED, true, FLOW_ANSWER},
        {ATTEMPT_RCODE, true, FLOW_ANSWER},
        {ATTEMPT_TC, true, FLOW_ANSWER},
        {ATTEMPT_REFUSED, false, FLOW_SERVER_RST},
        {ATTEMPT_RESET, true, FLOW_SERVER_RST},
        {ATTEMPT_CLOSED, true, FLOW_SERVER_FIN},
        {ATTEMPT_ICMP, false, FLOW_ICMP},
        {ATTEMPT_SILENT, false, -1},
        {ATTEMPT_STUCK, true, -1},
    };
    const int64_t ms = FLOW_SECOND_NS / 1000;
    bool udp = attempt_test_is_udp(attempt->test);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].status != attempt->status)
            continue;
        if (!udp)
            attempt_note(attempt, FLOW_SYN, now_ns, 0);
        if (!udp && rows[i].opened)
            attempt_note(attempt, FLOW_SYNACK, now_ns + 10 * ms, 0);
        if (udp || rows[i].opened)
            attempt_note(attempt, FLOW_QUERY, now_ns + 10 * ms, 31);
        if (rows[i].event >= 0)
            attempt_note(attempt, (enum flow_event)rows[i].event, now_ns + 20 * ms, attempt->answer_bytes);
    }
}

struct attempt *probing_try(struct probing *probing, const char *server, enum attempt_test test,
                            enum attempt_status status, uint8_t ttl)
{
    static const uint8_t name[] = "\x09microsoft\x03"
                                  "com";
    struct attempt *attempt = &probing->attempts[probing->probe.attempt_count++];
    bool answered = status == ATTEMPT_ANSWERED || status == ATTEMPT_RCODE || status == ATTEMPT_TC;
    bool unheard = status == ATTEMPT_SILENT || status == ATTEMPT_STUCK;
    *attempt = (struct attempt){.test = test,
                                .status = status,
                                .client = wire_addr("192.0.2.10"),
                                .server = wire_addr(server),
                                .client_port = (uint16_t)(40000 + probing->probe.attempt_count),
                                .server_port = 53,
                                .question = {.hash = 7, .qtype = DNS_TYPE_MX, .qname_length = sizeof name},
                                .asked = 1,
                                .answered = answered,
                                .rcode = status == ATTEMPT_RCODE ? DNS_REFUSED : DNS_NOERROR,
                                .own_ttl = 64,
                                .ttl = ttl,
                                .answer_bytes = answered ? 231 : 0};
    memcpy(attempt->question.qname, name, sizeof name);
    note_events(attempt, probing->time_ns);
    attempt->ended_ns = probing->time_ns + (unheard ? 6 : 1) * FLOW_SECOND_NS;
    probing->time_ns += 10 * FLOW_SECOND_NS;
    attempt_tell(attempt, probing->facts);
    return attempt;
}

void probing_tries(struct probing *probing, unsigned count, const char *server, enum attempt_test test,
                   enum attempt_status status, uint8_t ttl)
{
    for (unsigned i = 0; i < count; i++)
        probing_try(probing, server, test, status, ttl);
}

const struct report *probing_report(struct probing *probing)
{
    struct report_source source = {
        .command = "probe", .generated_ns = probing->time_ns, .pcap_version = "1", .probe = &probing->probe};
    if (!probing->report)
        probing->report = report_build(probing->facts, (struct analysis_counters){0}, &source);
    cr_assert_not_null(probing->report);
    return probing->report;
}

const struct report_server *probing_server(struct probing *probing, const char *server)
{
    const struct report *report = probing_report(probing);
    for (size_t i = 0; i < report->server_count; i++)
        if (addr_same(report->servers[i].facts->address, wire_addr(server)))
            return &report->servers[i];
    cr_assert_fail("%s is not in the report", server);
    return NULL;
}

bool probing_found(struct probing *probing, const char *server, const char *rule)
{
    const struct report_server *judged = probing_server(probing, server);
    for (unsigned i = 0; i < judged->evidence_count; i++)
        if (strcmp(judged->evidence[i].rule->id, rule) == 0)
            return true;
    return false;
}

static enum path_reply reply_of(char letter)
{
    static const char letters[] = "seIRFAD";
    const char *at = strchr(letters, letter == 'E' || letter == 'n' ? 'e' : letter);
    cr_assert(at && *at, "'%c' is no reply", letter);
    return (enum path_reply)(at - letters);
}

void probing_walk(struct path *path, enum path_way way, const char *replies)
{
    char address[32];
    path->sweeps[way] = TIMES;
    for (uint8_t ttl = 1; replies[ttl - 1]; ttl++) {
        char letter = replies[ttl - 1];
        struct path_step *step = &path->steps[way][ttl];
        path->most[way] = ttl;
        if (letter == '-')
            continue;
        step->count[reply_of(letter)] = TIMES;
        snprintf(address, sizeof address, "198.18.%d.%u", letter == 'E', ttl);
        if (letter == 'e' || letter == 'E')
            step->from = wire_addr(address);
    }
}

struct path probing_path(const char *server, const char *udp, const char *syn, const char *query)
{
    struct path path = {.server = wire_addr(server), .port = 53, .stable = true};
    probing_walk(&path, PATH_UDP, udp);
    probing_walk(&path, PATH_SYN, syn);
    probing_walk(&path, PATH_QUERY, query);
    return path;
}
