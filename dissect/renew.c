/*
 * How it works: a capture that goes on for weeks is judged by windows. What a window counted is forgotten when it ends;
 * what measures a server (its distance, its delays, where it was captured) lives on and ages. Within a window a server
 * that has begun to fail, or works again, is judged by what it did since then: when several flows in a row ended unlike
 * nearly all before them, the counts of those before are put aside. A server does not work again while only other
 * questions than those that failed are answered, where the query itself may be what it is about.
 */
#include "dissect/facts_inside.h"

enum {
    TURN_FLOWS = 3,  /* in a row: one may be lost, two seldom are */
    TURN_SHARE = 10, /* a server of whose flows more than one in so many ended otherwise was in no clear state before */
};

/* A server that was not asked over TCP for so long is one that was never asked, when the window ends. */
#define FORGET_NS (FLOW_SECOND_NS * 3600 * 6)

static void copy_lost(struct facts *to, const struct facts *from)
{
    memcpy(to->lost, from->lost, from->lost_used * sizeof *from->lost);
    memcpy(to->lost_next, from->lost_next, from->lost_used * sizeof *from->lost_next);
    memcpy(to->lost_first, from->lost_first, sizeof from->lost_first);
    to->lost_used = from->lost_used;
}

void facts_copy(struct facts *to, const struct facts *from)
{
    memcpy(to->server_tags, from->server_tags, sizeof from->server_tags);
    memcpy(to->client_tags, from->client_tags, sizeof from->client_tags);
    memcpy(to->host_tags, from->host_tags, sizeof from->host_tags);
    for (uint32_t i = 0; i < FACTS_SERVERS; i++)
        if (from->server_tags[i])
            to->servers[i] = from->servers[i];
    for (uint32_t i = 0; i < FACTS_CLIENTS; i++)
        if (from->client_tags[i])
            to->clients[i] = from->clients[i];
    for (uint32_t i = 0; i < FACTS_HOSTS; i++)
        if (from->host_tags[i])
            to->hosts[i] = from->hosts[i];
    memcpy(to->tcp, from->tcp, from->tcp_used * sizeof *from->tcp);
    to->tcp_used = from->tcp_used;
    memcpy(to->exemplars, from->exemplars, from->exemplars_used * sizeof *from->exemplars);
    to->exemplars_used = from->exemplars_used;
    copy_lost(to, from);
    memcpy(to->rcodes, from->rcodes, sizeof from->rcodes);
    to->counter = from->counter;
    to->refused = from->refused;
    to->turns = from->turns;
}

void facts_watch_turns(struct facts *facts)
{
    facts->turns = true;
}

static void renew_server(struct server *server)
{
    server->udp_queries = server->udp_answers = server->udp_truncated = 0;
    server->udp_refused = server->udp_unreachable = server->udp_incoming = server->udp_contested = 0;
    if (server->mac == FACTS_MAC_VARIES)
        server->mac = 0;
    for (int i = 0; i < REFERENCES; i++)
        ttl_set_age(&server->references[i]);
    ttl_set_age(&server->client_ttl);
    delays_age(&server->udp_rtt);
}

static void renew_tcp(struct tcp_facts *tcp)
{
    tcp->attempts = tcp->shared_counter = tcp->own_counter = tcp->refused_count = 0;
    memset(tcp->outcomes, 0, sizeof tcp->outcomes);
    memset(tcp->earlier, 0, sizeof tcp->earlier);
    tcp->endings.count = tcp->endings.merged = 0;
    tcp->first_failure_ns = tcp->last_failure_ns = 0;
    tcp->run.flows = 0;
    ttl_set_age(&tcp->client_ttl);
    delays_age(&tcp->handshake);
}

/* Closes the gaps that forgotten servers leave among the facts of TCP. */
static void forget_idle(struct facts *facts, int64_t now_ns)
{
    static uint32_t owners[FACTS_TCP_SERVERS];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < FACTS_SERVERS; i++)
        if (facts->server_tags[i] && facts->servers[i].tcp != FACTS_NONE)
            owners[facts->servers[i].tcp] = i;
    for (uint32_t i = 0; i < facts->tcp_used; i++) {
        struct server *owner = &facts->servers[owners[i]];
        if (now_ns - facts->tcp[i].last_ns > FORGET_NS) {
            owner->tcp = FACTS_NONE;
            continue;
        }
        owner->tcp = kept;
        if (kept != i)
            facts->tcp[kept] = facts->tcp[i];
        kept++;
    }
    memset(&facts->tcp[kept], 0, (facts->tcp_used - kept) * sizeof *facts->tcp);
    facts->tcp_used = kept;
}

void facts_renew(struct facts *facts, int64_t now_ns)
{
    forget_idle(facts, now_ns);
    for (uint32_t i = 0; i < FACTS_SERVERS; i++)
        if (facts->server_tags[i])
            renew_server(&facts->servers[i]);
    for (uint32_t i = 0; i < FACTS_HOSTS; i++)
        if (facts->host_tags[i])
            ttl_set_age(&facts->hosts[i].ttl);
    for (uint32_t i = 0; i < facts->tcp_used; i++)
        renew_tcp(&facts->tcp[i]);
    memset(facts->client_tags, 0, sizeof facts->client_tags);
    memset(facts->lost_first, 0, sizeof facts->lost_first);
    facts->exemplars_used = facts->lost_used = 0;
}

void facts_touch(struct facts *facts, uint32_t server, int64_t now_ns)
{
    struct tcp_facts *tcp = facts_tcp(facts, server);
    facts->servers[server].last_ns = now_ns;
    if (tcp)
        tcp->last_ns = now_ns;
}

void facts_shift(struct facts *facts, int64_t step_ns)
{
    for (uint32_t i = 0; i < FACTS_SERVERS; i++) {
        struct server *server = &facts->servers[i];
        if (facts->server_tags[i] == 0)
            continue;
        frame_time_shift(&server->first_ns, step_ns);
        frame_time_shift(&server->last_ns, step_ns);
        frame_time_shift(&server->last_udp_query_ns, step_ns);
        frame_time_shift(&server->last_udp_answer_ns, step_ns);
        frame_time_shift(&server->last_udp_unreachable_ns, step_ns);
    }
    for (uint32_t i = 0; i < facts->tcp_used; i++) {
        struct tcp_facts *tcp = &facts->tcp[i];
        frame_time_shift(&tcp->first_failure_ns, step_ns);
        frame_time_shift(&tcp->last_failure_ns, step_ns);
        frame_time_shift(&tcp->last_ns, step_ns);
        frame_time_shift(&tcp->run.began_ns, step_ns);
        frame_time_shift(&tcp->run.latest_ns, step_ns);
        frame_time_shift(&tcp->turned_ns, step_ns);
    }
}

/* Clients are told apart by the server's endings, which have become others. */
static void forget_clients(struct facts *facts, uint32_t server)
{
    for (uint32_t i = 0; i < FACTS_CLIENTS; i++)
        if (facts->client_tags[i] && facts->clients[i].server == server)
            facts->client_tags[i] = 0;
}

/* Leaves the flows of the run; the others have been earlier. */
static void turn(struct tcp_facts *tcp)
{
    struct ending_list *endings = &tcp->endings;
    uint32_t kept = 0;
    for (int i = 0; i < FLOW_OUTCOMES; i++)
        tcp->earlier[i] += tcp->outcomes[i];
    memset(tcp->outcomes, 0, sizeof tcp->outcomes);
    tcp->attempts = 0;
    for (uint32_t i = 0; i < endings->count; i++) {
        struct ending *ending = &endings->rows[i];
        ending->count = ending->run;
        if (ending->count == 0)
            continue;
        tcp->outcomes[ending->end.outcome] += ending->count;
        tcp->earlier[ending->end.outcome] -= ending->count;
        tcp->attempts += ending->count;
        endings->keys[kept] = endings->keys[i];
        endings->rows[kept++] = *ending;
    }
    endings->count = kept;
    tcp->turned_ns = tcp->run.began_ns;
    if (tcp->run.failed)
        tcp->first_failure_ns = tcp->run.began_ns;
    else
        tcp->first_failure_ns = tcp->last_failure_ns = 0;
}

/* Mechanisms by which a query fails because of what it asks for, or how big the answer is; others may be answered. */
static bool may_depend_on_query(uint8_t mechanism)
{
    return mechanism == MECHANISM_RESET_AFTER_QUERY || mechanism == MECHANISM_CLOSED ||
           mechanism == MECHANISM_PARTIAL_ANSWER || mechanism == MECHANISM_QUERY_UNANSWERED ||
           mechanism == MECHANISM_QUERY_UNACKED || mechanism == MECHANISM_FORGED_RESET;
}

/* The run may be of other questions than those that failed, some of which nobody has answered so far. */
static bool asks_otherwise(const struct facts *facts, uint32_t server, const struct tcp_facts *tcp)
{
    bool depends = false;
    for (uint32_t i = 0; i < tcp->endings.count; i++)
        depends |= flow_outcome_is_failure(tcp->endings.rows[i].end.outcome) &&
                   may_depend_on_query(tcp->endings.rows[i].end.mechanism);
    for (uint32_t i = 0; depends && i < facts->lost_used; i++)
        if (facts->lost[i].server == server && !facts->lost[i].answered)
            return true;
    return false;
}

/*
 * Nearly all of the flows before the run ended otherwise than those in it, and nearly none of those that began while it
 * lasted: failures take long to end, so that a server which loses some packets has unbroken rows of answers.
 */
static bool is_turning(const struct tcp_facts *tcp)
{
    uint32_t failed = tcp->outcomes[OUTCOME_REJECTED] + tcp->outcomes[OUTCOME_UNANSWERED];
    uint32_t answered = tcp->outcomes[OUTCOME_ANSWERED];
    uint32_t alike = (tcp->run.failed ? failed : answered) - tcp->run.flows;
    uint32_t unlike = (tcp->run.failed ? answered : failed) - tcp->run.against;
    return tcp->run.flows >= TURN_FLOWS && unlike > 0 && (uint64_t)alike * TURN_SHARE <= unlike &&
           (uint64_t)tcp->run.against * TURN_SHARE <= tcp->run.flows;
}

static void begin_run(struct tcp_facts *tcp, bool failed, int64_t now_ns)
{
    tcp->run.failed = failed;
    tcp->run.flows = tcp->run.against = 0;
    tcp->run.began_ns = tcp->run.latest_ns = now_ns;
    for (uint32_t i = 0; i < tcp->endings.count; i++)
        tcp->endings.rows[i].run = 0;
}

/* Counts a flow for the run, or against it. */
static void count_for_run(struct tcp_facts *tcp, struct ending *ending, int64_t first_ns, bool failed)
{
    bool unlike = tcp->run.flows > 0 && tcp->run.failed != failed;
    if (unlike && first_ns < tcp->run.began_ns)
        return; /* it was under way before, and took longer to end */
    if (unlike && first_ns < tcp->run.latest_ns)
        tcp->run.against++;
    else if (unlike || tcp->run.flows == 0)
        begin_run(tcp, failed, first_ns);
    tcp->run.flows += tcp->run.failed == failed;
    if (first_ns > tcp->run.latest_ns)
        tcp->run.latest_ns = first_ns;
    ending->run++;
}

void facts_turn(struct facts *facts, uint32_t server, struct ending *ending, const struct flow *flow,
                enum flow_outcome outcome)
{
    struct tcp_facts *tcp = &facts->tcp[facts->servers[server].tcp];
    if (!flow_outcome_is_failure(outcome) && outcome != OUTCOME_ANSWERED)
        return;
    count_for_run(tcp, ending, flow->first_ns, flow_outcome_is_failure(outcome));
    if (!is_turning(tcp) || (!tcp->run.failed && asks_otherwise(facts, server, tcp)))
        return;
    turn(tcp);
    forget_clients(facts, server);
}
