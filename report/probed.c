#include "report/probed.h"

static struct probed_server *find(struct probed_server *list, unsigned count, const struct attempt *attempt)
{
    bool other_port = attempt->test == ATTEMPT_OTHER_PORT;
    for (unsigned i = 0; i < count; i++)
        if (addr_same(list[i].address, attempt->server) && (other_port || list[i].port == attempt->server_port))
            return &list[i];
    return NULL;
}

static void count(struct probed_test *test, const struct attempt *attempt)
{
    test->tries++;
    test->statuses[attempt->status]++;
    test->last = attempt;
    if (attempt->status == ATTEMPT_ANSWERED || attempt->status == ATTEMPT_TC)
        delays_add(&test->rtt, attempt_duration_ns(attempt));
    else
        test->failed = attempt;
}

static const struct report_server *judged(const struct report *report, const struct probed_server *server)
{
    for (size_t i = 0; i < report->server_count; i++)
        if (addr_same(report->servers[i].facts->address, server->address) &&
            report->servers[i].facts->port == server->port)
            return &report->servers[i];
    return NULL;
}

static void complete(struct probed_server *server, const struct report *report)
{
    const struct report_probe *probe = report->source.probe;
    server->judged = judged(report, server);
    for (size_t i = 0; i < probe->answer_count && !server->answer; i++)
        if (addr_same(probe->answers[i].server, server->address) && probe->answers[i].port == server->port)
            server->answer = &probe->answers[i];
    for (size_t i = 0; i < probe->path_count && !server->path; i++)
        if (addr_same(probe->paths[i].server, server->address) && probe->paths[i].port == server->port)
            server->path = &probe->paths[i];
}

unsigned probed_servers(const struct report *report, struct probed_server *list)
{
    const struct report_probe *probe = report->source.probe;
    unsigned servers = 0;
    for (size_t i = 0; probe && i < probe->attempt_count; i++) {
        const struct attempt *attempt = &probe->attempts[i];
        if (attempt->test == ATTEMPT_OTHER_PORT || servers == PROBED_SERVERS || find(list, servers, attempt))
            continue;
        list[servers] = (struct probed_server){.address = attempt->server, .port = attempt->server_port};
        complete(&list[servers++], report);
    }
    for (size_t i = 0; probe && i < probe->attempt_count; i++) {
        struct probed_server *server = find(list, servers, &probe->attempts[i]);
        if (server)
            count(&server->tests[probe->attempts[i].test], &probe->attempts[i]);
    }
    return servers;
}

unsigned probed_answered(const struct probed_test *test)
{
    return test->statuses[ATTEMPT_ANSWERED] + test->statuses[ATTEMPT_TC];
}

enum attempt_status probed_failure(const struct probed_test *test)
{
    enum attempt_status most = ATTEMPT_ANSWERED;
    for (int i = 0; i < ATTEMPT_STATUSES; i++) {
        bool failed = i != ATTEMPT_ANSWERED && i != ATTEMPT_TC && test->statuses[i] > 0;
        if (failed && (most == ATTEMPT_ANSWERED || test->statuses[i] > test->statuses[most]))
            most = (enum attempt_status)i;
    }
    return most;
}

bool probed_answers_udp(const struct probed_server *server)
{
    return probed_answered(&server->tests[ATTEMPT_UDP]) + probed_answered(&server->tests[ATTEMPT_UDP_EDNS]) > 0;
}

bool probed_answers_tcp(const struct probed_server *server)
{
    const struct probed_test *test = &server->tests[ATTEMPT_TCP];
    bool fine = !server->judged || server->judged->outcome == REPORT_ANSWERED;
    return fine && test->tries > 0 && test->statuses[ATTEMPT_ANSWERED] == test->tries;
}

bool probed_answer_is_tcp(const struct probed_server *server)
{
    for (int i = 0; i < ATTEMPT_TESTS; i++)
        if (!attempt_test_is_udp((enum attempt_test)i) && i != ATTEMPT_OTHER_NAME && i != ATTEMPT_OTHER_PORT &&
            server->tests[i].statuses[ATTEMPT_ANSWERED] > 0)
            return true;
    return false;
}

struct located probed_located(const struct report *report, const struct probed_server *server)
{
    const struct ending *ending = server->judged ? server->judged->ending : NULL;
    if (!ending)
        return (struct located){.known = false};
    return located_of(server->path, &ending->end, facts_exemplar(report->facts, ending->exemplar));
}
