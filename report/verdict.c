/*
 * How it works: for each ending every rule is asked. Of the rules that hold, each group counts once for each side, by
 * its weightiest (all signs of distance are one observation). Weights are logarithms of likelihood ratios and add up;
 * what speaks for the other side is subtracted. One conclusive rule decides; two that name different sides decide
 * nothing, and weak signs alone never do. A server's verdict is then what most of its failed flows came to, unless
 * different sides are to blame for a good part each.
 */
#include "report/verdict.h"

#include "report/seen.h"

#include <math.h>

/*
 * ln of the likelihood ratio: weak 2.5, strong 20, conclusive 150. `make lab` prints the ratio of each rule over its 893
 * cases, of which many are traps: weak rules 2.7 to 13; strong ones 20 to 480, but for same-distance 9, tcp-ends-nearer 11
 * and query-never-acknowledged 4.5, which have a weak one against them where the lab found them wrong; conclusive ones were
 * never wrong. nmap's database (initial TTL of SYN-ACK and RST of one host unlike in 2.0 %) gives 23 for another class.
 */
static const double weights[STRENGTHS] = {[STRENGTH_WEAK] = 0.9, [STRENGTH_STRONG] = 3.0, [STRENGTH_CONCLUSIVE] = 5.0};

static const double margin_least = 2.0; /* below: undetermined */
static const double margin_strong = 3.0;
enum { SAMPLES_STRONG = 3, SMALL_SHARE = 10, DOMINANT_SHARE = 9 };

static bool failed(enum report_outcome outcome)
{
    return outcome == REPORT_REJECTED || outcome == REPORT_UNANSWERED;
}

static const enum report_outcome flow_outcomes[FLOW_OUTCOMES] = {
    [OUTCOME_ANSWERED] = REPORT_ANSWERED,     [OUTCOME_REJECTED] = REPORT_REJECTED,
    [OUTCOME_UNANSWERED] = REPORT_UNANSWERED, [OUTCOME_ABORTED] = REPORT_ABORTED,
    [OUTCOME_INCOMPLETE] = REPORT_NONE,
};

/* True when UDP answered, without an error, at least half of the questions that TCP refused. */
static bool refused_over_tcp_only(const struct facts *facts, const struct server *server, const struct tcp_facts *tcp)
{
    uint32_t index = (uint32_t)(server - facts_server_at(facts, 0));
    uint32_t only_tcp = 0, all = 0;
    for (uint32_t i = 0; i < tcp->refused_count; i++)
        all += tcp->refused[i].count;
    bool nothing_else = tcp->outcomes[OUTCOME_ANSWERED] == all && all >= SAMPLES_STRONG;
    for (uint32_t i = 0; i < tcp->refused_count; i++) {
        uint8_t rcode;
        if (tcp->refused[i].question == FLOW_QUESTION_UNKNOWN) {
            bool fine_over_udp = server->udp_answers >= SAMPLES_STRONG && server->udp_refused == 0;
            only_tcp += fine_over_udp && nothing_else ? tcp->refused[i].count : 0;
            continue;
        }
        bool asked = facts_udp_rcode_of(facts, index, tcp->refused[i].question, &rcode);
        /* a resolver's SERVFAIL may be its upstream's, for once */
        asked &= tcp->refused[i].rcode != DNS_SERVFAIL || tcp->refused[i].count >= SAMPLES_STRONG || nothing_else;
        only_tcp += asked && !dns_rcode_is_refusal(rcode) ? tcp->refused[i].count : 0;
    }
    return only_tcp > 0 && only_tcp * 2 >= all;
}

/*
 * It answered after TCP had begun to fail; or shortly before, and was not asked in vain since, which does not count against
 * a router that says the host is gone.
 */
static bool udp_is_alive(const struct server *server, const struct tcp_facts *tcp, enum mechanism mechanism)
{
    bool in_vain = server->last_udp_query_ns > server->last_udp_answer_ns ||
                   server->last_udp_unreachable_ns > server->last_udp_answer_ns;
    bool before = server->last_udp_answer_ns + 60 * FLOW_SECOND_NS >= tcp->first_failure_ns && !in_vain &&
                  mechanism != MECHANISM_ICMP_HOST;
    return tcp->outcomes[OUTCOME_ANSWERED] > 0 ||
           (server->udp_answers > 0 && (server->last_udp_answer_ns >= tcp->first_failure_ns || before));
}

static enum report_outcome ending_outcome(const struct rule_case *c)
{
    const struct flow_end *end = &c->ending->end;
    if (end->mechanism == MECHANISM_ERROR_RCODE)
        return refused_over_tcp_only(c->facts, c->server, c->tcp) ? REPORT_REJECTED : REPORT_ANSWERED;
    if (end->mechanism == MECHANISM_ICMP_HOST && !c->udp_alive)
        return REPORT_UNANSWERED; /* unreachable altogether: no refusal of TCP */
    return flow_outcomes[end->outcome];
}

/* How many flows of this server were ended by a packet with that TTL, and whether all were. */
static void count_alike(struct rule_case *c)
{
    c->constant = true;
    for (uint32_t i = 0; i < c->tcp->endings.count; i++) {
        const struct ending *other = &c->tcp->endings.rows[i];
        if (!failed(flow_outcomes[other->end.outcome]) || other->end.ttl == 0)
            continue;
        if (other->end.ttl == c->ending->end.ttl) {
            c->alike += other->count;
            c->forged_alike |= (other->end.signs & (SIGN_AFTER_RST | SIGN_SEQ_CHANGE | SIGN_ACK_CHANGE)) != 0;
        } else
            c->constant = false;
    }
}

/* Where the second capture was taken, and the decisive packet in it. */
static void look_at_other_side(struct rule_case *c)
{
    struct flow_key ends = {.server = c->server->address, .server_port = c->server->port};
    if (!c->crowd->pair)
        return;
    c->both = pair_server(c->crowd->pair, c->server->address);
    pair_other_ends(c->crowd->pair, c->flow, &ends);
    const struct server *there = facts_server_seen(c->crowd->other_side, ends.server, ends.server_port);
    const struct tcp_facts *tcp = there ? facts_tcp_seen(c->crowd->other_side, there) : NULL;
    if (tcp)
        c->far = ruler_vantage(there, tcp);
    const struct sighting *last = c->flow->decisive == FLOW_UNSEEN ? NULL : &c->flow->timeline[c->flow->decisive];
    const struct step *twin = last && last->from_server ? pair_twin(c->crowd->pair, last->ref) : NULL;
    c->far_ttl = twin ? twin->ttl : 0;
}

static const struct path *find_path(const struct server *server, const struct crowd *crowd)
{
    for (size_t i = 0; crowd->probe && i < crowd->probe->path_count; i++) {
        const struct path *path = &crowd->probe->paths[i];
        if (addr_same(path->server, server->address) && path->port == server->port)
            return path;
    }
    return NULL;
}

static struct rule_case case_of(const struct facts *facts, const struct server *server, uint32_t index,
                                const struct crowd *crowd)
{
    static const struct flow_record unknown = {.decisive = FLOW_UNSEEN};
    const struct tcp_facts *tcp = facts_tcp_seen(facts, server);
    struct rule_case c = {
        .facts = facts, .server = server, .tcp = tcp, .ending = &tcp->endings.rows[index], .crowd = crowd};
    c.flow = facts_exemplar(facts, c.ending->exemplar);
    if (!c.flow)
        c.flow = &unknown;
    c.vantage = crowd->probe ? ruler_vantage_probed(server, tcp) : ruler_vantage(server, tcp);
    c.ruler = ruler_of(facts, server);
    c.end = ruler_read(&c.ruler, server, c.ending->end.ttl);
    c.synack = ruler_read(&c.ruler, server, c.ending->end.synack_ttl);
    c.ack = ruler_read(&c.ruler, server, c.ending->end.ack_ttl);
    c.udp_alive = udp_is_alive(server, tcp, c.ending->end.mechanism);
    c.path = find_path(server, crowd);
    look_at_other_side(&c);
    count_alike(&c);
    return c;
}

struct tally {
    double weight[CULPRITS];
    bool conclusive[CULPRITS], strong[CULPRITS];
};

/* A second capture proves it: then what one capture by itself suggests has nothing to say. */
static bool proven_by_pair(const struct verdict *verdict)
{
    for (unsigned i = 0; i < verdict->finding_count; i++)
        if (verdict->findings[i]->group == GROUP_PAIR && verdict->findings[i]->strength == STRENGTH_CONCLUSIVE)
            return true;
    return false;
}

static struct tally tally_of(const struct verdict *verdict)
{
    double best[RULE_GROUPS][CULPRITS] = {{0}};
    struct tally tally = {{0}, {false}, {false}};
    bool pair_only = proven_by_pair(verdict);
    for (unsigned i = 0; i < verdict->finding_count; i++) {
        const struct rule *rule = verdict->findings[i];
        if (pair_only && rule->group != GROUP_PAIR)
            continue;
        best[rule->group][rule->blames] = fmax(best[rule->group][rule->blames], weights[rule->strength]);
        tally.conclusive[rule->blames] |= rule->strength == STRENGTH_CONCLUSIVE;
        tally.strong[rule->blames] |= rule->strength != STRENGTH_WEAK;
    }
    for (int group = 0; group < RULE_GROUPS; group++)
        for (int culprit = 0; culprit < CULPRITS; culprit++)
            tally.weight[culprit] += best[group][culprit];
    return tally;
}

static const enum culprit sides[] = {CULPRIT_SERVER, CULPRIT_INTERMEDIARY, CULPRIT_LOCAL};
enum { SIDES = sizeof sides / sizeof *sides };

static enum culprit heaviest(const struct tally *tally, double *margin)
{
    enum culprit first = sides[0];
    double all = 0;
    for (int i = 0; i < SIDES; i++) {
        all += tally->weight[sides[i]];
        if (tally->weight[sides[i]] > tally->weight[first])
            first = sides[i];
    }
    *margin = 2 * tally->weight[first] - all;
    return first;
}

static bool enough_samples(const struct rule_case *c)
{
    uint32_t flows = c->ending->end.ttl ? c->alike : c->ending->count;
    return flows >= SAMPLES_STRONG && c->ruler.samples >= SAMPLES_STRONG;
}

/* Mechanisms that consist in a packet that was not seen. */
static bool rests_on_absence(enum mechanism mechanism)
{
    return mechanism == MECHANISM_SYN_UNANSWERED || mechanism == MECHANISM_QUERY_UNANSWERED ||
           mechanism == MECHANISM_QUERY_UNACKED || mechanism == MECHANISM_SYNACK_IGNORED ||
           mechanism == MECHANISM_CLOSED;
}

/* Mechanisms by which a connection never opens. */
static bool ends_the_opening(enum mechanism mechanism)
{
    return mechanism == MECHANISM_SYN_RESET || mechanism == MECHANISM_SYN_UNANSWERED ||
           mechanism == MECHANISM_ICMP_ADMIN || mechanism == MECHANISM_ICMP_PORT ||
           mechanism == MECHANISM_ICMP_PROTOCOL || mechanism == MECHANISM_ICMP_HOST;
}

static bool holds(const struct verdict *verdict, const char *id)
{
    for (unsigned i = 0; i < verdict->finding_count; i++)
        if (strcmp(verdict->findings[i]->id, id) == 0)
            return true;
    return false;
}

/*
 * Two captures, and the client's lacks packets that are in the other: what opened may have gone on unseen, and is not
 * judged. A capture that lacks packets makes what rests on packets not seen one step less sure, the least sure not at
 * all.
 */
static struct judgement doubted(struct judgement judgement, const struct verdict *verdict)
{
    bool unsure = seen_only_told(&verdict->rule_case) || holds(verdict, "located-odd-initial-ttl");
    if (unsure && judgement.confidence == CONFIDENCE_STRONG)
        judgement.confidence = CONFIDENCE_INDICATED;
    if (verdict->rule_case.crowd->disordered)
        return (struct judgement){CULPRIT_UNDETERMINED, CONFIDENCE_NONE, judgement.mechanism};
    if (verdict->rule_case.crowd->pair && pair_summary(verdict->rule_case.crowd->pair).lossy &&
        !ends_the_opening(judgement.mechanism))
        return (struct judgement){CULPRIT_UNDETERMINED, CONFIDENCE_NONE, judgement.mechanism};
    if (!verdict->rule_case.crowd->loses_packets ||
        !(rests_on_absence(judgement.mechanism) || proven_by_pair(verdict)) || judgement.confidence == CONFIDENCE_NONE)
        return judgement;
    judgement.confidence--;
    if (judgement.confidence == CONFIDENCE_NONE)
        judgement.culprit = CULPRIT_UNDETERMINED;
    return judgement;
}

static struct judgement weigh(struct verdict *verdict)
{
    struct judgement judgement = {CULPRIT_UNDETERMINED, CONFIDENCE_NONE, verdict->rule_case.ending->end.mechanism};
    struct tally tally = tally_of(verdict);
    double margin;
    enum culprit first = heaviest(&tally, &margin);
    unsigned conclusive = 0;
    for (int i = 0; i < SIDES; i++) {
        conclusive += tally.conclusive[sides[i]];
        if (tally.conclusive[sides[i]])
            first = sides[i];
    }
    verdict->contested = conclusive > 1;
    if (conclusive > 1 || (conclusive == 0 && (!tally.strong[first] || margin < margin_least)))
        return judgement;
    judgement.culprit = first;
    bool opposed = false;
    for (int i = 0; i < SIDES; i++)
        opposed |= sides[i] != first && tally.strong[sides[i]];
    if (conclusive == 1)
        judgement.confidence = opposed ? CONFIDENCE_INDICATED : CONFIDENCE_PROVEN;
    else if (margin >= margin_strong && !opposed && enough_samples(&verdict->rule_case))
        judgement.confidence = CONFIDENCE_STRONG;
    else
        judgement.confidence = CONFIDENCE_INDICATED;
    return judgement;
}

/* Mechanisms that only show when the packets are compared with the server's distance. */
static const struct {
    const char *rule;
    enum culprit culprit;
    enum mechanism mechanism;
} refinements[] = {
    {"tcp-ends-nearer", CULPRIT_INTERMEDIARY, MECHANISM_TCP_PROXY},
    {"syn-proxy", CULPRIT_SERVER, MECHANISM_SYN_PROXY},
    {"synack-ignored", CULPRIT_LOCAL, MECHANISM_LOCAL_FILTER},
    {"icmp-from-own-host", CULPRIT_LOCAL, MECHANISM_LOCAL_FILTER},
    {"pair-handshake-made-between", CULPRIT_INTERMEDIARY, MECHANISM_TCP_PROXY},
    {"pair-client-forged", CULPRIT_INTERMEDIARY, MECHANISM_FORGED_RESET},
    {"pair-relay-refused", CULPRIT_SERVER, MECHANISM_SYN_RESET},
};

static void refine(struct verdict *verdict)
{
    for (size_t i = 0; i < sizeof refinements / sizeof *refinements; i++)
        if (verdict->judgement.culprit == refinements[i].culprit && holds(verdict, refinements[i].rule))
            verdict->judgement.mechanism = refinements[i].mechanism;
}

struct verdict verdict_of(const struct facts *facts, const struct server *server, uint32_t index,
                          const struct crowd *crowd)
{
    struct verdict verdict = {.rule_case = case_of(facts, server, index, crowd)};
    verdict.outcome = ending_outcome(&verdict.rule_case);
    verdict.judgement.mechanism = verdict.rule_case.ending->end.mechanism;
    if (!failed(verdict.outcome))
        return verdict;
    const struct rule *rule;
    for (size_t i = 0; (rule = rules_at(i)) && verdict.finding_count < VERDICT_FINDINGS; i++)
        if (rule->holds(&verdict.rule_case))
            verdict.findings[verdict.finding_count++] = rule;
    verdict.judgement = doubted(weigh(&verdict), &verdict);
    refine(&verdict);
    return verdict;
}

/* Failed flows by the side that is to blame for them. */
struct shares {
    uint32_t flows[CULPRITS];
    uint32_t all;
    uint32_t best[CULPRITS]; /* the ending with most flows */
};

static enum culprit decide(const struct shares *shares, unsigned *causes)
{
    enum culprit first = CULPRIT_UNDETERMINED;
    *causes = 0;
    for (int i = 0; i < SIDES; i++) {
        uint32_t flows = shares->flows[sides[i]];
        if (flows == 0 || (uint64_t)flows * SMALL_SHARE < shares->all)
            continue;
        ++*causes;
        if (first == CULPRIT_UNDETERMINED || flows > shares->flows[first])
            first = sides[i];
    }
    if (*causes > 1 && (uint64_t)shares->flows[first] * 10 < (uint64_t)shares->all * DOMINANT_SHARE)
        return CULPRIT_UNDETERMINED;
    return first;
}

/*
 * Some lost SYNs among many answers are loss; RSTs are limited in rate by many hosts, so a few among silence, or some
 * silence among them, are still one rejection.
 */
static enum report_outcome outcome_of(const struct server_verdict *v)
{
    uint64_t bad = (uint64_t)v->rejected + v->unanswered;
    if (v->answered > 0) {
        bool stray = (uint64_t)v->rejected * 100 < v->answered && bad * 20 < v->answered;
        return bad == 0 || stray ? REPORT_ANSWERED : REPORT_MIXED;
    }
    if (v->rejected > 0 && (uint64_t)v->rejected * SMALL_SHARE >= v->unanswered)
        return REPORT_REJECTED;
    return v->unanswered ? REPORT_UNANSWERED : v->aborted ? REPORT_ABORTED : REPORT_NONE;
}

static void count_flows(struct server_verdict *v, enum report_outcome outcome, uint32_t flows)
{
    uint32_t *const counts[REPORT_OUTCOMES] = {
        [REPORT_ANSWERED] = &v->answered, [REPORT_REJECTED] = &v->rejected, [REPORT_UNANSWERED] = &v->unanswered,
        [REPORT_ABORTED] = &v->aborted,   [REPORT_NONE] = &v->incomplete,   [REPORT_MIXED] = &v->incomplete};
    *counts[outcome] += flows;
}

static struct judgement judgement_without_failure(enum report_outcome outcome)
{
    static const enum mechanism mechanisms[REPORT_OUTCOMES] = {[REPORT_ANSWERED] = MECHANISM_ANSWERED,
                                                               [REPORT_ABORTED] = MECHANISM_CLIENT_ABORTED,
                                                               [REPORT_NONE] = MECHANISM_NONE};
    return (struct judgement){CULPRIT_NONE, CONFIDENCE_NONE, mechanisms[outcome]};
}

struct server_verdict verdict_server(const struct facts *facts, const struct server *server, uint32_t mask,
                                     const struct crowd *crowd)
{
    const struct tcp_facts *tcp = facts_tcp_seen(facts, server);
    struct server_verdict v = {.decisive = FACTS_NONE};
    struct judgement judgements[FACTS_ENDINGS];
    uint32_t strangers = 0;
    struct shares shares = {.best = {FACTS_NONE, FACTS_NONE, FACTS_NONE, FACTS_NONE, FACTS_NONE}};
    for (uint32_t i = 0; tcp && i < tcp->endings.count; i++) {
        if (!(mask & 1u << i))
            continue;
        struct verdict verdict = verdict_of(facts, server, i, crowd);
        uint32_t flows = tcp->endings.rows[i].count;
        count_flows(&v, verdict.outcome, flows);
        strangers += tcp->endings.rows[i].end.mechanism == MECHANISM_NOT_DNS ? flows : 0;
        if (!failed(verdict.outcome))
            continue;
        judgements[i] = verdict.judgement;
        enum culprit culprit = verdict.judgement.culprit;
        shares.flows[culprit] += flows;
        shares.all += flows;
        if (shares.best[culprit] == FACTS_NONE || flows > tcp->endings.rows[shares.best[culprit]].count)
            shares.best[culprit] = i;
    }
    v.outcome = outcome_of(&v);
    v.judgement = judgement_without_failure(v.outcome);
    if (v.outcome == REPORT_ABORTED && strangers * 2 > v.aborted)
        v.judgement.mechanism = MECHANISM_NOT_DNS;
    if (v.outcome != REPORT_MIXED && !failed(v.outcome))
        return v;
    enum culprit culprit = decide(&shares, &v.causes);
    v.decisive = shares.best[culprit];
    for (int i = 0; i < CULPRITS && v.decisive == FACTS_NONE; i++)
        v.decisive = shares.best[i];
    v.judgement = judgements[v.decisive];
    if (v.judgement.culprit != culprit)
        v.judgement = (struct judgement){culprit, CONFIDENCE_NONE, v.judgement.mechanism};
    return v;
}
