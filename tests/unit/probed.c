/* The report of a probe: what its rules make of a path, and what its renderers show. */
#include "report/report.h"

#include "tests/unit/probing.h"
#include "tests/unit/wire.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVER "10.2.124.134"
#define OTHER "10.2.124.133"

static struct probing probing;
static struct path path;

static void begin(void)
{
    probing_begin(&probing);
}

static void end(void)
{
    probing_end(&probing);
}

TestSuite(probed, .init = begin, .fini = end);

/* UDP is answered from 60 (four routers), TCP ends so. */
static void ends(enum attempt_status status, uint8_t ttl)
{
    probing_tries(&probing, 3, SERVER, ATTEMPT_UDP, ATTEMPT_ANSWERED, 60);
    probing_tries(&probing, 3, SERVER, ATTEMPT_TCP, status, ttl);
    probing_tries(&probing, 2, SERVER, ATTEMPT_UDP, ATTEMPT_ANSWERED, 60);
}

static void walked(const char *udp, const char *syn, const char *query)
{
    path = probing_path(SERVER, udp, syn, query);
    probing.probe.paths = &path;
    probing.probe.path_count = 1;
}

static void expect(enum culprit culprit, enum confidence confidence)
{
    const struct report_server *server = probing_server(&probing, SERVER);
    cr_expect_eq(server->judgement.culprit, culprit, "%s: %s", culprit_name(server->judgement.culprit),
                 server->explanation);
    cr_expect_eq(server->judgement.confidence, confidence, "%s: %s", confidence_name(server->judgement.confidence),
                 server->explanation);
}

static bool found(const char *rule)
{
    return probing_found(&probing, SERVER, rule);
}

Test(probed, a_reset_that_begins_before_the_server_is_proven)
{
    ends(ATTEMPT_REFUSED, 0);
    walked("eeeeD", "eeRRR", "");
    expect(CULPRIT_INTERMEDIARY, CONFIDENCE_PROVEN);
    cr_expect(found("located-before-server"));
    const struct report_server *server = probing_server(&probing, SERVER);
    cr_expect_str_eq(server->headline,
                     "A device at hop 2 (198.18.0.2) or hop 3 (198.18.0.3), not 10.2.124.134, rejects "
                     "TCP queries to it.");
}

Test(probed, the_ttl_of_the_reset_tells_which_hop)
{
    ends(ATTEMPT_REFUSED, 63);
    walked("eeeeD", "eeRRR", "");
    expect(CULPRIT_INTERMEDIARY, CONFIDENCE_PROVEN);
    const struct report *report = probing_report(&probing);
    cr_assert_eq(report->intermediary_count, 1);
    cr_expect(addr_same(report->intermediaries[0].address, wire_addr("198.18.0.2")));
    cr_expect_eq(report->intermediaries[0].hops, 1);
}

Test(probed, where_udp_is_answered_nobody_is_accused)
{
    ends(ATTEMPT_REFUSED, 0);
    walked("eeeeD", "eeeeR", "");
    expect(CULPRIT_UNDETERMINED, CONFIDENCE_NONE);
    cr_expect(found("located-at-server"));
}

Test(probed, the_ttl_of_the_reset_tells_the_last_router_from_the_server)
{
    ends(ATTEMPT_REFUSED, 61);
    walked("eeeeD", "eeeeR", "");
    cr_expect(found("located-at-last-router"));
    cr_expect_eq(probing_server(&probing, SERVER)->judgement.culprit, CULPRIT_INTERMEDIARY);
}

Test(probed, the_ttl_of_the_reset_is_the_server_s)
{
    ends(ATTEMPT_REFUSED, 60);
    walked("eeeeD", "eeeeR", "");
    cr_expect_not(found("located-at-last-router"));
    cr_expect_eq(probing_server(&probing, SERVER)->judgement.culprit, CULPRIT_SERVER);
}

Test(probed, by_another_route_nobody_is_accused)
{
    ends(ATTEMPT_REFUSED, 0);
    walked("eeEEeeD", "eeeR", "");
    expect(CULPRIT_UNDETERMINED, CONFIDENCE_NONE);
    cr_expect(found("path-differs"));
}

Test(probed, by_routers_that_do_not_say_who_they_are_it_is_not_proven)
{
    ends(ATTEMPT_REFUSED, 0);
    walked("ennnD", "nR", "");
    cr_expect(found("located-before-server-likely"));
    cr_expect_not(found("located-before-server"));
}

Test(probed, a_shorter_route_for_tcp_is_no_box)
{
    ends(ATTEMPT_CLOSED, 61);
    walked("eeeeeD", "ennAAA", "ennFF");
    cr_expect(found("located-nearer-than-udp"));
    cr_expect_neq(probing_server(&probing, SERVER)->judgement.culprit, CULPRIT_INTERMEDIARY);
}

Test(probed, queries_come_by_the_routers_that_syns_tell)
{
    ends(ATTEMPT_CLOSED, 0);
    walked("eeEEeD", "eeeAAA", "nnnFFF");
    expect(CULPRIT_UNDETERMINED, CONFIDENCE_NONE);
    cr_expect(found("path-differs"));
}

Test(probed, a_query_that_ends_before_what_accepted_is_proven_whatever_udp_does)
{
    ends(ATTEMPT_RESET, 0);
    walked("eEEED", "eeeeA", "nnRR");
    expect(CULPRIT_INTERMEDIARY, CONFIDENCE_PROVEN);
}

Test(probed, a_query_that_is_dropped_before_what_accepted)
{
    ends(ATTEMPT_STUCK, 0);
    walked("eEEED", "eeeeA", "nnsss");
    cr_expect(found("located-silence-before-server") || probing_server(&probing, SERVER)->outcome == REPORT_NONE);
}

Test(probed, an_unstable_path_proves_nothing)
{
    ends(ATTEMPT_REFUSED, 0);
    walked("eeeeD", "eeRRR", "");
    path.stable = false;
    expect(CULPRIT_UNDETERMINED, CONFIDENCE_NONE);
    cr_expect(found("path-unstable"));
    cr_expect_not(found("located-before-server"));
}

Test(probed, at_the_first_hop_it_may_be_this_host)
{
    ends(ATTEMPT_REFUSED, 0);
    walked("eeeeD", "RRRRR", "");
    expect(CULPRIT_UNDETERMINED, CONFIDENCE_NONE);
    cr_expect(found("located-at-first-hop"));
}

Test(probed, tcp_that_goes_farther_than_udp_accuses_nobody)
{
    ends(ATTEMPT_REFUSED, 0);
    walked("eD", "eeeeR", "");
    expect(CULPRIT_UNDETERMINED, CONFIDENCE_NONE);
    cr_expect(found("located-beyond-udp"));
}

Test(probed, silence_before_the_server)
{
    ends(ATTEMPT_SILENT, 0);
    walked("eeeeD", "eesssss", "");
    expect(CULPRIT_INTERMEDIARY, CONFIDENCE_PROVEN);
    cr_expect(found("located-silence-before-server"));
}

Test(probed, silence_among_routers_that_are_silent_anyway)
{
    ends(ATTEMPT_SILENT, 0);
    walked("eessD", "eesssss", "");
    expect(CULPRIT_UNDETERMINED, CONFIDENCE_NONE);
}

Test(probed, silence_at_the_server_accuses_nobody)
{
    ends(ATTEMPT_SILENT, 0);
    walked("eeeeD", "eeeesss", "");
    expect(CULPRIT_UNDETERMINED, CONFIDENCE_NONE);
    cr_expect(found("located-silence-at-server"));
}

Test(probed, silence_from_the_first_hop_on_may_be_this_host)
{
    ends(ATTEMPT_SILENT, 0);
    walked("eeeeD", "sssssss", "");
    expect(CULPRIT_UNDETERMINED, CONFIDENCE_NONE);
    cr_expect(found("located-at-first-hop"));
}

Test(probed, a_query_that_is_reset_on_the_way)
{
    ends(ATTEMPT_RESET, 0);
    walked("eeeeD", "eeeeA", "eeRRR");
    expect(CULPRIT_INTERMEDIARY, CONFIDENCE_PROVEN);
    cr_expect(found("located-before-server"));
}

Test(probed, a_reset_that_the_query_did_not_bring_about_is_not_located)
{
    ends(ATTEMPT_RESET, 0);
    walked("eeeeD", "eAAAA", "RRRRR"); /* a SYN proxy, and a server that refuses */
    expect(CULPRIT_UNDETERMINED, CONFIDENCE_NONE);
    cr_expect(found("located-handshake-elsewhere"));
}

Test(probed, a_proxy_that_closes)
{
    ends(ATTEMPT_CLOSED, 0);
    walked("eeeeD", "eAAAA", "eFFFF");
    expect(CULPRIT_INTERMEDIARY, CONFIDENCE_PROVEN);
}

Test(probed, a_refusal_in_dns_is_located_as_well)
{
    ends(ATTEMPT_RCODE, 0);
    walked("eeeeD", "eAAAA", "eDDDD");
    expect(CULPRIT_INTERMEDIARY, CONFIDENCE_PROVEN);
    cr_expect_not(found("refused-over-tcp"));
}

Test(probed, a_refusal_of_the_server_itself)
{
    ends(ATTEMPT_RCODE, 0);
    walked("eeeeD", "eeeeA", "eeeeD");
    cr_expect_eq(probing_server(&probing, SERVER)->judgement.culprit, CULPRIT_SERVER);
    cr_expect(found("located-answer-at-server"));
}

Test(probed, a_refusal_in_dns_without_a_path_or_packets_accuses_nobody)
{
    ends(ATTEMPT_RCODE, 0);
    expect(CULPRIT_UNDETERMINED, CONFIDENCE_NONE);
    cr_expect(found("refused-over-tcp-unmeasured"));
}

Test(probed, only_the_name_that_is_asked_fails)
{
    ends(ATTEMPT_RESET, 0);
    probing_tries(&probing, 2, SERVER, ATTEMPT_OTHER_NAME, ATTEMPT_ANSWERED, 0);
    cr_expect(found("asked-name-only"));
}

Test(probed, the_server_s_address_at_a_hop_before_is_no_box)
{
    ends(ATTEMPT_REFUSED, 0);
    walked("eeeeD", "eeeRR", ""); /* a balancer that has the server's address hands UDP on */
    path.steps[PATH_UDP][4].from = wire_addr(SERVER);
    expect(CULPRIT_UNDETERMINED, CONFIDENCE_NONE);
    cr_expect(found("located-at-server"));
}

Test(probed, a_server_that_is_known_to_be_farther_only)
{
    probing_tries(&probing, 3, SERVER, ATTEMPT_UDP, ATTEMPT_SILENT, 0);
    probing_tries(&probing, 3, SERVER, ATTEMPT_TCP, ATTEMPT_REFUSED, 0);
    walked("eeeess", "eeRRR", "");
    expect(CULPRIT_INTERMEDIARY, CONFIDENCE_PROVEN);
    const struct report_server *server = probing_server(&probing, SERVER);
    cr_expect_not_null(strstr(server->explanation, "the server is farther than hop 4"), "%s", server->explanation);
}

Test(probed, an_icmp_error_names_its_hop)
{
    probing_tries(&probing, 3, SERVER, ATTEMPT_UDP, ATTEMPT_ANSWERED, 60);
    for (int i = 0; i < 3; i++) {
        struct attempt attempt = *probing_try(&probing, SERVER, ATTEMPT_TCP, ATTEMPT_LOCAL_ERROR, 0);
        probing.probe.attempt_count--;
        attempt.status = ATTEMPT_ICMP;
        attempt.event_count = 0;
        attempt_note(&attempt, FLOW_SYN, probing.time_ns, 0);
        attempt_note(&attempt, FLOW_ICMP, probing.time_ns + 1000000, 0);
        attempt.ended_ns = probing.time_ns + 1000000;
        attempt.icmp.source = wire_addr("198.18.0.2");
        attempt.icmp.family = 4;
        attempt.icmp.type = 3;
        attempt.icmp.code = 10;
        probing.attempts[probing.probe.attempt_count++] = attempt;
        attempt_tell(&attempt, probing.facts);
    }
    walked("eeeeD", "eeIII", "");
    expect(CULPRIT_INTERMEDIARY, CONFIDENCE_PROVEN);
    const struct report *report = probing_report(&probing);
    cr_assert_eq(report->intermediary_count, 1);
    cr_expect(addr_same(report->intermediaries[0].address, wire_addr("198.18.0.2")));
    cr_expect_eq(report->intermediaries[0].hops, 1);
}

Test(probed, a_proxy_whose_handshake_and_reset_come_from_the_same_place)
{
    probing_tries(&probing, 3, SERVER, ATTEMPT_UDP, ATTEMPT_ANSWERED, 60);
    for (int i = 0; i < 3; i++) {
        struct attempt attempt = *probing_try(&probing, SERVER, ATTEMPT_TCP, ATTEMPT_LOCAL_ERROR, 62);
        probing.probe.attempt_count--;
        attempt.status = ATTEMPT_RESET;
        attempt.synack_ttl = 62;
        attempt_note(&attempt, FLOW_SYN, probing.time_ns, 0);
        attempt_note(&attempt, FLOW_SYNACK, probing.time_ns + 1000000, 0);
        attempt_note(&attempt, FLOW_QUERY, probing.time_ns + 1000000, 31);
        attempt_note(&attempt, FLOW_SERVER_RST, probing.time_ns + 2000000, 0);
        attempt.ended_ns = probing.time_ns + 2000000;
        probing.attempts[probing.probe.attempt_count++] = attempt;
        attempt_tell(&attempt, probing.facts);
    }
    walked("eeeeD", "eeAAA", "RRRRR");
    cr_expect(found("located-handshake-before-server"));
    cr_expect_eq(probing_server(&probing, SERVER)->judgement.culprit, CULPRIT_INTERMEDIARY);
}

/* ---------------------------------------------------------------- renderers */

static char *rendered(renderer *render, bool verbose)
{
    static const struct render_options plain = {.verbose = false}, whole = {.verbose = true};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cr_assert(out && render(probing_report(&probing), verbose ? &whole : &plain, out));
    fclose(out);
    const char *keep = getenv("PROBED_OUT");
    FILE *copy = keep ? fopen(keep, "a") : NULL;
    if (copy) {
        fputs(text, copy);
        fclose(copy);
    }
    return text;
}

/* The table of the two servers, as the manual procedure fills it in. */
static void two_servers(void)
{
    static const uint8_t answer[] = "\x12\x34\x81\x80\0\1\0\1\0\0\0\1\x09microsoft\x03"
                                    "com\0\0\x0f\0\1"
                                    "\xc0\x0c\0\x0f\0\1\0\0\x0e\x10\0\x0a\0\x0a\x05mail1\xc0\x0c"
                                    "\xc0\x2d\0\1\0\1\0\0\x0e\x10\0\4\x83\x6b\x03\x7d";
    static struct report_answer answers[1];
    answers[0] = (struct report_answer){wire_addr(OTHER), 53, answer, sizeof answer - 1};
    ends(ATTEMPT_REFUSED, 0);
    probing_tries(&probing, 3, OTHER, ATTEMPT_UDP, ATTEMPT_TC, 60);
    probing_tries(&probing, 3, OTHER, ATTEMPT_TCP, ATTEMPT_ANSWERED, 60);
    probing.probe.answers = answers;
    probing.probe.answer_count = 1;
    walked("eeeeD", "eeRRR", "");
}

Test(probed, the_text_shows_the_table_the_answer_the_path_and_the_remedy)
{
    static const char *const lines[] = {
        "Asked: microsoft.com MX, of 2 servers from /etc/resolv.conf\n",
        "  tcp         0 of 3 answered, refused (a RST for the SYN) 3x\n",
        "  udp         3 of 3 answered, 231 bytes, 10.0 ms, truncated (TC=1) 3x\n",
        "The answer (over TCP from 10.2.124.133):\n"
        "  microsoft.com MX preference = 10, mail exchanger = mail1.microsoft.com\n"
        "  mail1.microsoft.com internet address = 131.107.3.125\n",
        "  10.2.124.134:53          UDP yes  TCP no       refused (a RST for the SYN), by something between\n",
        "  10.2.124.133:53          UDP yes  TCP yes      use it\n",
        "  10.2.124.133 answers over TCP: use it.\n",
        "  <- TCP is reset from here on: by this hop, or the one before as it forwards\n",
        "No packets were seen\n",
    };
    two_servers();
    char *text = rendered(render_text, true);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        cr_expect_not_null(strstr(text, lines[i]), "%s is not in\n%s", lines[i], text);
    cr_expect_null(strstr(text, "frame 0"));
    cr_expect_null(strstr(text, "Wireshark"));
    free(text);
}

Test(probed, when_all_fail_the_text_says_so)
{
    ends(ATTEMPT_SILENT, 0);
    char *text = rendered(render_text, false);
    cr_expect_not_null(strstr(text, "None of the servers answers over TCP"));
    free(text);
}

static struct json_object *at(struct json_object *object, const char *pointer)
{
    struct json_object *found_there = NULL;
    cr_assert_eq(json_pointer_get(object, pointer, &found_there), 0, "%s", pointer);
    return found_there;
}

Test(probed, json_has_the_same)
{
    two_servers();
    char *text = rendered(render_json, true);
    struct json_object *report = json_tokener_parse(text);
    cr_assert_not_null(report);
    cr_expect_str_eq(json_object_get_string(at(report, "/source/command")), "probe");
    cr_expect_str_eq(json_object_get_string(at(report, "/probe/recommended/0")), OTHER);
    cr_expect_eq(json_object_get_int(at(report, "/probe/servers/0/tests/1/statuses/refused")), 3);
    cr_expect_eq(json_object_get_int(at(report, "/probe/servers/0/path/server_hop")), 5);
    cr_expect_eq(json_object_get_int(at(report, "/probe/servers/0/path/begins/ttl")), 3);
    cr_expect_str_eq(json_object_get_string(at(report, "/probe/servers/1/answer/1")),
                     "mail1.microsoft.com internet address = 131.107.3.125");
    cr_expect_null(at(report, "/servers/0/flows/0/timeline/0/frame"));
    json_object_put(report);
    free(text);
}
