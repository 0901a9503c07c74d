/* What the codes of a report mean: rules out of the table that decides, and vocabularies tied to their enums. */
#include "report/page.h"

#include <assert.h>

static const char *const mechanisms[] = {
    [MECHANISM_NONE] = "Nothing happened that could be named.",
    [MECHANISM_ANSWERED] = "The queries over TCP got complete answers.",
    [MECHANISM_SYN_RESET] =
        "The connection attempt (SYN) was answered with a RST: a closed port, or a firewall that rejects.",
    [MECHANISM_SYN_UNANSWERED] = "The connection attempt (SYN), sent again and again, met silence: something drops it.",
    [MECHANISM_ICMP_ADMIN] =
        "An ICMP error says that the connection is administratively prohibited: a firewall's own words.",
    [MECHANISM_ICMP_PORT] =
        "An ICMP error says \"port unreachable\" for TCP: a firewall, since a TCP stack would send a RST.",
    [MECHANISM_ICMP_PROTOCOL] = "An ICMP error says that the host does not take TCP at all.",
    [MECHANISM_ICMP_HOST] = "An ICMP error says that the host or its network cannot be reached.",
    [MECHANISM_RESET_AFTER_HANDSHAKE] =
        "The connection was accepted and then reset before the client had sent its query.",
    [MECHANISM_RESET_AFTER_QUERY] = "The connection was accepted and then reset when the query came.",
    [MECHANISM_CLOSED] = "The server's side closed the connection (FIN) without an answer.",
    [MECHANISM_PARTIAL_ANSWER] = "A part of the answer came, and then the connection broke off or fell silent.",
    [MECHANISM_QUERY_UNANSWERED] = "The query was acknowledged, but no answer ever came.",
    [MECHANISM_QUERY_UNACKED] =
        "The connection was accepted, but the query was never acknowledged: it seems to be dropped.",
    [MECHANISM_ERROR_RCODE] =
        "The DNS software itself refuses over TCP (REFUSED, SERVFAIL, ...) what it answers over UDP.",
    [MECHANISM_FORGED_RESET] = "A RST contradicts what its supposed sender does: something else wrote it.",
    [MECHANISM_TCP_PROXY] =
        "TCP connections to the server end at another machine, nearer than the server, which turns them down.",
    [MECHANISM_SYN_PROXY] = "A box answers the handshake for the server; the server behind it then refuses.",
    [MECHANISM_LOCAL_FILTER] = "A packet filter on the client's own host turns the connection down.",
    [MECHANISM_SYNACK_IGNORED] = "The server's SYN-ACK was captured, but the client goes on as if it had not come.",
    [MECHANISM_CLIENT_ABORTED] = "The client went away by itself before an answer could come.",
    [MECHANISM_NOT_DNS] = "What was sent over the connection is not DNS.",
    [MECHANISM_INCOMPLETE] = "The capture holds too little of the connection to say how it ended.",
    [MECHANISM_REJECTED_OTHERWISE] = "Rejected in more different ways than are kept apart for one server.",
};
static_assert(sizeof mechanisms / sizeof *mechanisms == MECHANISMS, "each mechanism has its meaning");

static const char *const outcomes[] = {
    [REPORT_NONE] = "The server was not asked over TCP.",
    [REPORT_ANSWERED] =
        "Queries over TCP got complete DNS answers; a RST or FIN that follows an answer is only a close.",
    [REPORT_ABORTED] =
        "The clients themselves went away: a half-open scan, connect and close, a reset before an answer could come.",
    [REPORT_MIXED] = "Some connections were answered, others rejected or unanswered, beyond stray loss.",
    [REPORT_UNANSWERED] = "Connection attempts or queries met silence.",
    [REPORT_REJECTED] =
        ("Connection attempts or queries were turned down: RST, ICMP error, close without answer, cut answer, "
         "or an error over TCP where UDP gives none."),
};
static_assert(sizeof outcomes / sizeof *outcomes == REPORT_OUTCOMES, "each outcome has its meaning");

static const char *const culprits[] = {
    [CULPRIT_NONE] = "Nobody: nothing was rejected.",
    [CULPRIT_UNDETERMINED] =
        "An honest reader of these packets cannot tell; the advice names the capture or test that would.",
    [CULPRIT_SERVER] = "The server's host: a closed port, its own firewall, or its DNS software.",
    [CULPRIT_INTERMEDIARY] = "Something between: a firewall, proxy, NAT, load balancer or inspection box.",
    [CULPRIT_LOCAL] = "The packet filter of the client's own host.",
};
static_assert(sizeof culprits / sizeof *culprits == CULPRITS, "each culprit has its meaning");

static const char *const confidences[] = {
    [CONFIDENCE_NONE] = "No culprit is named, so there is nothing to be confident about.",
    [CONFIDENCE_INDICATED] = "The signs point there, but they are few or contested: ask, do not accuse.",
    [CONFIDENCE_STRONG] = "Several packets agree and nothing of weight speaks against it.",
    [CONFIDENCE_PROVEN] = "At least one conclusive sign, and nothing of weight against it.",
};
static_assert(sizeof confidences / sizeof *confidences == CONFIDENCES, "each confidence has its meaning");

static const char *const strengths[] = {
    [STRENGTH_WEAK] = "A hint: never enough by itself, not even together with other hints.",
    [STRENGTH_STRONG] = "Decides when little speaks against it.",
    [STRENGTH_CONCLUSIVE] = "Decides alone, unless another conclusive rule names somebody else.",
};
static_assert(sizeof strengths / sizeof *strengths == STRENGTHS, "each strength has its meaning");

static const char *const vantages[] = {
    [VANTAGE_UNKNOWN] = "The packets do not show where the capture was taken.",
    [VANTAGE_CLIENT] = "The capture was taken on the client's host.",
    [VANTAGE_SERVER] = "The capture was taken on the server's host.",
    [VANTAGE_PATH] = "The capture was taken somewhere between client and server.",
};
static_assert(sizeof vantages / sizeof *vantages == VANTAGES, "each vantage has its meaning");

static const char *const tests[] = {
    [ATTEMPT_UDP] =
        "A question over UDP without EDNS. That the server answers it shows that it is alive and how far away it is, "
        "against which TCP is held; TC=1 means that the answer did not fit and TCP is needed.",
    [ATTEMPT_UDP_EDNS] =
        "The same with EDNS and a buffer of 1232 bytes. Answered only without EDNS: something on the way drops what it "
        "does not know, or big packets.",
    [ATTEMPT_TCP] = "One query over TCP, as nslookup with `set vc` puts it. That it fails while UDP is answered is "
                    "what all this is "
                    "about.",
    [ATTEMPT_TRUNCATED] =
        "The same question over TCP because UDP answered with TC=1, as mail servers and resolvers do it. Only this one "
        "fails: big answers are lost on the way.",
    [ATTEMPT_PIPELINED] =
        "Two queries in one connection, sent together. Only one is answered: DNS software, or a proxy, that does not "
        "take several (RFC 7766, 6.2.1.1, wants them answered).",
    [ATTEMPT_REUSED] =
        "A second query when the first was answered, over the connection that was kept. Closed: the server does not "
        "keep connections, which it may; silence or a reset: a box that takes one query a connection.",
    [ATTEMPT_SPLIT] =
        "The query in two segments, its length first. Answered, while whole queries are reset: something reads single "
        "packets, as boxes do. Not answered, while whole ones are: DNS software that expects all of it at once "
        "(RFC 7766, 8).",
    [ATTEMPT_MARKED] =
        "A query whose SYN is marked with TOS 0x48. The TOS of a RST tells who wrote it: a copied one is the server's "
        "own stack, 0 a netfilter, 0x10 a pf. Seen only where packets are captured.",
    [ATTEMPT_OTHER_NAME] =
        "The question for a harmless name over TCP. Answered, while the asked one fails: something reads names.",
    [ATTEMPT_OTHER_PORT] =
        "A connection to another port of the server. Answered (or refused from the server's own distance): the way is "
        "open for TCP, and what rejects is about the DNS port; failing alike: TCP to this host is rejected as a whole.",
};
static_assert(sizeof tests / sizeof *tests == ATTEMPT_TESTS, "each test has its purpose");

static const char *const statuses[] = {
    [ATTEMPT_ANSWERED] = "All that was asked was answered; of another port: the connection was accepted.",
    [ATTEMPT_TC] = "The answer over UDP says TC=1: the rest has to be asked for over TCP.",
    [ATTEMPT_RCODE] = "Answered with an error: FORMERR, SERVFAIL, NOTIMP or REFUSED.",
    [ATTEMPT_REFUSED] = "A RST came for the SYN: a closed port, or a firewall that rejects (ECONNREFUSED).",
    [ATTEMPT_RESET] = "A RST came after the connection had been accepted (ECONNRESET).",
    [ATTEMPT_CLOSED] = "The other side closed the connection before a whole answer.",
    [ATTEMPT_ICMP] = "An ICMP error came.",
    [ATTEMPT_SILENT] = "Nothing came within the time.",
    [ATTEMPT_STUCK] = "The connection was accepted, and then nothing more came within the time.",
    [ATTEMPT_NOT_DNS] = "What came is no answer to the question.",
    [ATTEMPT_LOCAL_ERROR] = "This host could not even send it.",
};
static_assert(sizeof statuses / sizeof *statuses == ATTEMPT_STATUSES, "each status has its meaning");

static const char *name_of_test(unsigned i)
{
    return attempt_test_name((enum attempt_test)i);
}

static const char *name_of_status(unsigned i)
{
    return attempt_status_name((enum attempt_status)i);
}

static const char *name_of_mechanism(unsigned i)
{
    return mechanism_name((enum mechanism)i);
}

static const char *name_of_outcome(unsigned i)
{
    return report_outcome_name((enum report_outcome)i);
}

static const char *name_of_culprit(unsigned i)
{
    return culprit_name((enum culprit)i);
}

static const char *name_of_confidence(unsigned i)
{
    return confidence_name((enum confidence)i);
}

static const char *name_of_strength(unsigned i)
{
    return strength_name((enum strength)i);
}

static const char *name_of_vantage(unsigned i)
{
    return vantage_name((enum vantage)i);
}

static const struct vocabulary {
    const char *kind, *heading;
    unsigned count;
    const char *(*name)(unsigned i);
    const char *const *meanings;
} vocabularies[] = {
    {"mechanism", "Mechanisms: how connections ended", MECHANISMS, name_of_mechanism, mechanisms},
    {"outcome", "Outcomes: what became of queries over TCP", REPORT_OUTCOMES, name_of_outcome, outcomes},
    {"culprit", "Culprits: who made it so", CULPRITS, name_of_culprit, culprits},
    {"confidence", "Confidence in the culprit", CONFIDENCES, name_of_confidence, confidences},
    {"strength", "Strengths of rules", STRENGTHS, name_of_strength, strengths},
    {"vantage", "Vantages: where a capture was taken", VANTAGES, name_of_vantage, vantages},
    {"test", "Tests of a probe: what each is for", ATTEMPT_TESTS, name_of_test, tests},
    {"status", "Statuses: how a try of a probe ended", ATTEMPT_STATUSES, name_of_status, statuses},
};

enum { VOCABULARIES = sizeof vocabularies / sizeof *vocabularies, MEANING_INDENT = 6 };

/* A rule that names nobody tells something of the rejection, not who made it. */
static const char *blamed(const struct rule *rule)
{
    return rule->blames > CULPRIT_UNDETERMINED ? culprit_name(rule->blames) : "nobody";
}

static void write_rule(struct page *page, const struct rule *rule)
{
    fprintf(page->out, "  %s: a %s rule of the group \"%s\", blames %s\n", rule->id, strength_name(rule->strength),
            rule_group_name(rule->group), blamed(rule));
    page_paragraph(page, MEANING_INDENT, "", rule->sentence);
    page_paragraph(page, MEANING_INDENT, "", rule->meaning);
    page_paragraph(page, MEANING_INDENT + 8, "      Source: ", rule->source);
}

static void write_word(struct page *page, const struct vocabulary *vocabulary, unsigned i, bool with_kind)
{
    fprintf(page->out, "  %s%s%s\n", vocabulary->name(i), with_kind ? ": " : "", with_kind ? vocabulary->kind : "");
    page_paragraph(page, MEANING_INDENT, "", vocabulary->meanings[i]);
}

static void write_rules(struct page *page)
{
    const struct rule *rule;
    for (int group = 0; group < RULE_GROUPS; group++) {
        fprintf(page->out, "%sRules about %s\n", group ? "\n" : "", rule_group_name((enum rule_group)group));
        for (size_t i = 0; (rule = rules_at(i)); i++)
            if ((int)rule->group == group)
                write_rule(page, rule);
    }
}

static void write_all(struct page *page)
{
    write_rules(page);
    fputs("\n  [lab] stands for real servers and firewalls in network namespaces: tests/lab.\n", page->out);
    for (int i = 0; i < VOCABULARIES; i++) {
        page_heading(page, vocabularies[i].heading);
        for (unsigned k = 0; k < vocabularies[i].count; k++)
            write_word(page, &vocabularies[i], k, false);
    }
}

/* A word may be of several kinds: "answered" is an outcome and a mechanism. */
static bool write_code(struct page *page, const char *code)
{
    const struct rule *rule;
    bool found = false;
    for (size_t i = 0; (rule = rules_at(i)); i++) {
        if (strcmp(rule->id, code) != 0)
            continue;
        write_rule(page, rule);
        found = true;
    }
    for (int i = 0; i < VOCABULARIES; i++) {
        for (unsigned k = 0; k < vocabularies[i].count; k++) {
            if (strcmp(vocabularies[i].name(k), code) != 0)
                continue;
            write_word(page, &vocabularies[i], k, true);
            found = true;
        }
    }
    return found;
}

bool explain(const char *code, FILE *out)
{
    struct page page = {.out = out};
    if (code)
        return write_code(&page, code) && fflush(out) == 0 && !ferror(out);
    write_all(&page);
    return fflush(out) == 0 && !ferror(out);
}
