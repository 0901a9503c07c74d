/* The words of a verdict, as tables: the first row that fits is said. */
#include "report/statement.h"

#include "report/seen.h"

#include "report/phrase.h"
#include "report/words.h"

#include <stdio.h>
#include <stdlib.h>

enum { ANY = -1, OTHERWISE = -2 }; /* OTHERWISE: any mechanism for which no row before has said something */

struct row {
    int outcome, culprit, mechanism; /* ANY fits all */
    const char *text;
};

static bool fits(const struct row *row, const struct report_server *server)
{
    return (row->outcome == ANY || row->outcome == (int)server->outcome) &&
           (row->culprit == ANY || row->culprit == (int)server->judgement.culprit) &&
           (row->mechanism == ANY || row->mechanism == OTHERWISE || row->mechanism == (int)server->judgement.mechanism);
}

#define SERVER CULPRIT_SERVER
#define BOX CULPRIT_INTERMEDIARY
#define LOCAL CULPRIT_LOCAL
#define UNKNOWN CULPRIT_UNDETERMINED
#define M(name) MECHANISM_##name

static const struct row headlines[] = {
    {REPORT_ANSWERED, ANY, ANY, "{server} answers DNS queries over TCP"},
    {REPORT_ABORTED, ANY, M(NOT_DNS),
     "Clients of {server} sent something else than DNS over TCP; nothing to blame on it"},
    {REPORT_ABORTED, ANY, ANY,
     "Clients connected to {server} over TCP and went away before an answer could come; nobody rejected them"},
    {ANY, LOCAL, ANY, "This client's own packet filter, not the network, rejects TCP queries to {server}"},
    {ANY, BOX, M(ICMP_ADMIN), "A firewall, {icmp_source}, forbids TCP queries to {server}; the server does not"},
    {ANY, BOX, M(ICMP_PORT), "A firewall, {icmp_source}, rejects TCP queries to {server}; the server does not"},
    {ANY, BOX, M(ICMP_PROTOCOL), "A firewall, {icmp_source}, rejects TCP queries to {server}; the server does not"},
    {ANY, BOX, M(ICMP_HOST), "A firewall, {icmp_source}, rejects TCP queries to {server}; the server does not"},
    {ANY, BOX, M(TCP_PROXY),
     "A proxy, {synack_hops} away, takes the TCP queries meant for {server} and fails them; the server never sees "
     "them"},
    {ANY, BOX, M(FORGED_RESET),
     "A device {between} forges resets of connections to {server}, which itself accepts them"},
    {ANY, BOX, M(QUERY_UNACKED),
     "A device {between} lets connections to {server} begin and then drops the DNS query itself"},
    {ANY, BOX, M(QUERY_UNANSWERED), "{server} answers over TCP, but the answer is lost on the way"},
    {ANY, BOX, M(PARTIAL_ANSWER), "{server} answers over TCP, but part of the answer is lost on the way"},
    {ANY, BOX, M(SYN_UNANSWERED), "A device {between} drops TCP connections to {server}; the server does not"},
    {ANY, BOX, ANY, "A device {end_place}, not {server}, rejects TCP queries to it"},
    {ANY, SERVER, M(SYN_RESET), "{server} itself refuses DNS over TCP: its host resets connections to port {port}"},
    {ANY, SERVER, M(SYN_PROXY),
     "{server} itself refuses DNS over TCP; a SYN proxy before it only makes it look as if it accepted"},
    {ANY, SERVER, M(SYN_UNANSWERED), "{server}'s own host drops TCP queries: they reach it and nothing comes back"},
    {ANY, SERVER, M(ICMP_ADMIN), "A packet filter on {server} itself forbids TCP queries"},
    {ANY, SERVER, M(ICMP_PORT), "A packet filter on {server} itself rejects TCP queries"},
    {ANY, SERVER, M(QUERY_UNANSWERED),
     "{server} takes TCP queries and never answers them: its DNS software is exhausted or stuck"},
    {ANY, SERVER, M(QUERY_UNACKED), "{server}'s own host drops TCP queries after the handshake"},
    {ANY, SERVER, M(ERROR_RCODE), "{server} answers {rcode} over TCP to questions that it answers over UDP"},
    {ANY, SERVER, M(CLOSED), "{server}'s own DNS software closes TCP connections without an answer"},
    {ANY, SERVER, M(PARTIAL_ANSWER), "{server}'s own DNS software breaks off in the middle of TCP answers"},
    {ANY, SERVER, ANY, "{server}'s own DNS software resets TCP connections without an answer"},
    {REPORT_MIXED, UNKNOWN, ANY, "Some TCP queries to {server} fail and some succeed; {what_was_seen} not tell why"},
    {ANY, UNKNOWN, M(SYN_RESET), "TCP queries to {server} are reset; {what_was_seen} not tell by whom"},
    {ANY, UNKNOWN, M(SYN_UNANSWERED), "TCP queries to {server} meet silence; {what_was_seen} not tell who drops them"},
    {ANY, UNKNOWN, M(QUERY_UNANSWERED),
     "TCP queries to {server} are accepted and not answered; {what_was_seen} not tell why"},
    {REPORT_UNANSWERED, UNKNOWN, M(ICMP_HOST), "{server} is unreachable altogether, over UDP too: not a matter of TCP"},
    {ANY, UNKNOWN, ANY, "TCP queries to {server} fail; {what_was_seen} not tell because of whom"},
};

static const char *const not_asked = "{server} was not asked over TCP in this capture";
static const char *const too_little = "The capture covers too little of the TCP attempts to {server} to judge them";

/* A case for servers of which no flow failed: only the server's own words can be filled in. */
static char *say(const char *text, const struct statement_case *c)
{
    static const struct ending no_ending = {.exemplar = FACTS_NONE};
    static const struct flow_record no_flow = {.decisive = FLOW_UNSEEN};
    static const struct tcp_facts no_tcp = {0};
    static const struct crowd no_crowd = {0};
    const struct rule_case plain = {.server = c->server->facts,
                                    .tcp = &no_tcp,
                                    .ending = &no_ending,
                                    .flow = &no_flow,
                                    .crowd = &no_crowd,
                                    .ruler = c->server->ruler};
    return phrase(text, c->verdict ? &c->verdict->rule_case : &plain);
}

static const char *first_row(const struct row *rows, size_t count, const struct report_server *server)
{
    for (size_t i = 0; i < count; i++)
        if (fits(&rows[i], server))
            return rows[i].text;
    return NULL;
}

char *statement_headline(const struct statement_case *c)
{
    const struct report_server *server = c->server;
    const char *text = first_row(headlines, sizeof headlines / sizeof *headlines, server);
    if (server->outcome == REPORT_NONE || !text)
        text = server->incomplete ? too_little : not_asked;
    char *plain = say(text, c), *whole = NULL;
    bool likely = server->judgement.confidence == CONFIDENCE_INDICATED;
    const char *after = server->outcome == REPORT_MIXED && server->judgement.culprit != UNKNOWN
                            ? " (some of the queries; others are answered)"
                            : "";
    if (plain && likely && plain[0] == 'A' && plain[1] == ' ')
        plain[0] = 'a';
    if (plain && asprintf(&whole, "%s%s%s.", likely ? "Most likely " : "", plain, after) < 0)
        whole = NULL;
    free(plain);
    return whole;
}

static bool blames(const struct rule *rule, enum culprit culprit)
{
    return rule->blames == culprit;
}

/* The sentences of the rules that blame one side (or, with `other`, any other), one after the other. */
static void write_findings(FILE *out, const struct statement_case *c, enum culprit culprit, bool other)
{
    for (int strength = STRENGTHS - 1; strength >= 0; strength--) {
        for (unsigned i = 0; i < c->verdict->finding_count; i++) {
            const struct rule *rule = c->verdict->findings[i];
            bool wanted = other ? !blames(rule, culprit) && !blames(rule, CULPRIT_NONE) : blames(rule, culprit);
            if ((int)rule->strength != strength || !wanted)
                continue;
            char *sentence = rules_sentence(rule, &c->verdict->rule_case);
            fprintf(out, "%s%s", ftell(out) ? " " : "", sentence ? sentence : "");
            free(sentence);
        }
    }
}

static void write_counts(FILE *out, const struct report_server *server)
{
    static const struct {
        size_t at;
        const char *word;
    } counts[] = {
        {offsetof(struct report_server, rejected), "rejected"},
        {offsetof(struct report_server, unanswered), "met by silence"},
        {offsetof(struct report_server, answered), "answered"},
        {offsetof(struct report_server, aborted), "given up by the client"},
    };
    uint32_t all = server->answered + server->rejected + server->unanswered + server->aborted;
    fprintf(out, "Of %u TCP attempt%s", all, all == 1 ? "" : "s");
    const char *separator = " ";
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        uint32_t count;
        memcpy(&count, (const char *)server + counts[i].at, sizeof count);
        if (count == 0)
            continue;
        fprintf(out, "%s%u %s %s", separator, count, count == 1 ? "was" : "were", counts[i].word);
        separator = ", ";
    }
    fputs(". ", out);
    if (facts_turned(server->tcp)) {
        char since[WORDS_TIME];
        fprintf(out, "All since %.19sZ: it has turned then. ", words_time(server->tcp->turned_ns, since));
    }
}

/* Why nothing can be concluded: the first that is true of the case. */
static const char *why_undetermined(const struct statement_case *c)
{
    const struct rule_case *r = &c->verdict->rule_case;
    bool by_packet = r->ending->end.ttl != 0;
    bool turned_down = r->ending->end.outcome == OUTCOME_REJECTED;
    if (c->verdict->contested)
        return "The packets contradict one another: each side is blamed by a sign that should be proof.";
    if (c->causes > 1)
        return "Different flows point to different sides, and neither outweighs the other.";
    if (r->ending->end.mechanism == MECHANISM_REJECTED_OTHERWISE)
        return "The connections were rejected in more different ways than can be told apart.";
    if (seen_only_told(r) && r->ending->end.icmp_type != 0 && addr_is_none(r->ending->end.icmp_source))
        return "An ICMP error ended the connections. Of one that was open the socket is not told whose it was, nor all "
               "that "
               "it said: a capture shows both.";
    if (r->ending->end.mechanism == MECHANISM_ICMP_HOST)
        return "{icmp_source} reports that there is no way to the server, and it does not answer over UDP either.";
    if (!by_packet && turned_down && r->crowd->probe)
        return "This host was told that the connections are turned down, but not from how far away: no packet of it "
               "was seen.";
    if (!by_packet && r->udp_alive)
        return "The server's host is alive, as its other answers show. Silence looks the same from here whether a "
               "device on the way drops the packets, the server's own firewall does, or its accept queue is full.";
    if (!by_packet)
        return "Nothing else came from the server either: it may be down, or the way to it; that is "
               "not a matter of TCP.";
    if (seen_perhaps_own(r) && r->end.relation == RELATION_NEARER)
        return "It is not the server, which is farther away; but no packets were captured, and what a socket is told "
               "does not show whether the first router or this host itself ends the connections.";
    if (r->ruler.kind == RULER_NONE)
        return "The packet that ends the connections came with TTL {end_ttl} ({end_hops}), but no answer of the "
               "server, "
               "over UDP or otherwise, shows how far away it is. Any device on the way can send such a packet in its "
               "name.";
    if (r->end.relation == RELATION_FARTHER)
        return "The packet that ends the connections seems to come from farther away (TTL {end_ttl}) than the server's "
               "{ref_kind} (TTL {ref_ttl}): a device that copies TTLs, another route, or a forwarder for UDP; the "
               "distance proves nothing.";
    if (r->end.relation == RELATION_AMONG)
        return "The server's own answers come from several distances, so the distance of the packet that ends the "
               "connections (TTL {end_ttl}) proves nothing.";
    return "The signs are too weak, or speak for both sides.";
}

char *statement_explanation(const struct statement_case *c)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    if (c->server->tcp && c->server->outcome != REPORT_NONE)
        write_counts(out, c->server);
    if (c->verdict && c->server->judgement.culprit != UNKNOWN) {
        write_findings(out, c, c->server->judgement.culprit, false);
    } else if (c->verdict) {
        char *why = say(why_undetermined(c), c);
        fputs(why ? why : "", out);
        free(why);
        write_findings(out, c, CULPRIT_NONE, false);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

char *statement_against(const struct statement_case *c)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    if (c->verdict && c->server->judgement.culprit != UNKNOWN)
        write_findings(out, c, c->server->judgement.culprit, true);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* Commands stand behind a line break and a tab. */
static const struct row advices[] = {
    {ANY, LOCAL, ANY,
     "Look for a rule that rejects TCP port {port} on {client}:\n\tnft list ruleset; iptables-save; ip6tables-save"},
    {ANY, SERVER, M(SYN_RESET),
     "On {server}, see whether anything listens on TCP port {port}, and what the firewall there does with it:\n"
     "\tss -ltn 'sport = :{port}'; nft list ruleset; iptables-save"},
    {ANY, SERVER, M(SYN_RESET),
     "Its administrator must make it listen on TCP (unbound `do-tcp: yes`, BIND without `-T notcp`) or open the port "
     "in its firewall: RFC 7766 requires DNS servers to support TCP"},
    {ANY, SERVER, M(SYN_PROXY), "On {server}, see whether anything listens on TCP:\n\tss -ltn 'sport = :{port}'"},
    {ANY, SERVER, M(SYN_UNANSWERED),
     "On {server}, look at its firewall and at its accept queue:\n"
     "\tnft list ruleset; iptables-save; ss -ltn 'sport = :{port}'; nstat -az TcpExtListenDrops"},
    {ANY, SERVER, M(QUERY_UNANSWERED),
     "On {server}, count its TCP connections and raise the limit of its DNS software (BIND tcp-clients, NSD tcp-count, "
     "Knot tcp-max-clients, PowerDNS max-tcp-connections, unbound incoming-num-tcp):\n\tss -tn 'sport = :{port}' | wc "
     "-l"},
    {ANY, SERVER, M(ICMP_ADMIN), "On {server}, look for the rule that rejects TCP:\n\tnft list ruleset; iptables-save"},
    {ANY, SERVER, M(ICMP_PORT), "On {server}, look for the rule that rejects TCP:\n\tnft list ruleset; iptables-save"},
    {ANY, SERVER, OTHERWISE,
     "On {server}, look at the access lists and connection limits of its DNS software and at its log; {client} must be "
     "allowed to ask over TCP"},
    {ANY, BOX, M(PARTIAL_ANSWER),
     "Find the link that loses big packets:\n\tping -M do -s 1472 {server}; tracepath -n {server}"},
    {ANY, BOX, M(QUERY_UNANSWERED),
     "Find the link that loses big packets:\n\tping -M do -s 1472 {server}; tracepath -n {server}"},
    {ANY, BOX, ANY,
     "Give this report to whoever runs the firewalls between {client} and {server}: network operators must allow DNS "
     "over TCP (RFC 9210, 3)"},
    {ANY, BOX, ANY, "See at which hop TCP ends, against UDP; on {client}:\n\t{locate}"},
    {ANY, UNKNOWN, M(SYN_UNANSWERED), "See after which hop TCP falls silent, against UDP; on {client}:\n\t{locate}"},
    {ANY, UNKNOWN, OTHERWISE,
     "Ask over UDP and TCP beside one another, so that the distances can be compared, and see at which hop TCP ends; "
     "on {client}:\n\t{locate}"},
};

/* What decides where these packets do not tell: a second capture, or better ones. */
static const char *const capture_again[] = {
    "Capture on {server} at the same time, and let `tcp53 compare` judge both; what arrives at one end and never left "
    "the other was made, or lost, between:\n"
    "\ttcpdump -n -i any -w server-side.pcap 'host {client} and port {port}'",
    "Capture at both ends again, on {server} itself: begin before the attempts, end after them, put UDP queries before "
    "and after, and filter by address only:\n"
    "\ttcpdump -n -i any -w server-side.pcap 'host {client}'",
};

static bool add_advice(char *advice[REPORT_ADVICE], unsigned *count, char *text)
{
    if (text && *count < REPORT_ADVICE)
        advice[(*count)++] = text;
    else
        free(text);
    return *count < REPORT_ADVICE;
}

static const char *const see_packets =
    "Let the probe see its packets, whose TTLs tell more: as root, or once and for all users with\n"
    "\tsetcap cap_net_raw+ep \"$(command -v tcp53)\"";

/* A walked path has told what there is to tell of hops. */
static bool is_done(const struct row *row, const struct rule_case *rule_case)
{
    return rule_case->path && strstr(row->text, "{locate}");
}

static char *use_another(const struct statement_case *c)
{
    char other[ADDR_TEXT];
    bool probed = c->verdict->rule_case.crowd->probe != NULL;
    return words_format("Until then use %s, which answers over TCP%s", addr_text(*c->healthy, other),
                        probed ? "" : " in this capture");
}

unsigned statement_advice(const struct statement_case *c, char *advice[REPORT_ADVICE])
{
    unsigned count = 0;
    if (!c->verdict)
        return 0;
    const struct rule_case *rule_case = &c->verdict->rule_case;
    if (c->healthy)
        add_advice(advice, &count, use_another(c));
    unsigned said_before = count;
    for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
        if (fits(&advices[i], c->server) && !(advices[i].mechanism == OTHERWISE && count > said_before) &&
            !is_done(&advices[i], rule_case) && !add_advice(advice, &count, say(advices[i].text, c)))
            break;
    if (c->server->judgement.culprit == UNKNOWN && rule_case->crowd->probe && rule_case->crowd->probe->obstacle)
        add_advice(advice, &count, words_format("%s", see_packets));
    if (c->server->judgement.culprit == UNKNOWN)
        add_advice(advice, &count, say(capture_again[c->verdict->rule_case.crowd->pair != NULL], c));
    return count;
}
