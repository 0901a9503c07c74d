/*
 * How a flow ended. The timeline is asked in the order of what decides: what this host's own filter did, whether an
 * answer came, the server's RST, its FIN, an ICMP error, the client's own leaving, and at last silence, which counts
 * only when the capture covers enough of it.
 */
#include "dissect/flow.h"

#include <assert.h>
#include <stddef.h>

struct cause {
    enum mechanism mechanism;
    enum flow_event decisive;
};

static bool saw(const struct flow *flow, enum flow_event event)
{
    return flow->record.at[event] != FLOW_UNSEEN;
}

/* True when `a` happened, and before `b` or without it. */
static bool came_first(const struct flow *flow, enum flow_event a, enum flow_event b)
{
    return flow->record.at[a] != FLOW_UNSEEN && flow->record.at[a] < flow->record.at[b];
}

static int64_t time_of(const struct flow *flow, enum flow_event event)
{
    return flow_saw(&flow->record, event)->time_ns;
}

/*
 * A RST before the SYN-ACK answers a stray packet of an earlier connection (RFC 9293, 3.5.1); one that another packet
 * of the client contradicts was not its own.
 */
static bool client_reset_before(const struct flow *flow, enum flow_event event)
{
    bool stray = came_first(flow, FLOW_CLIENT_RST, FLOW_SYNACK) && saw(flow, FLOW_SYNACK);
    return came_first(flow, FLOW_CLIENT_RST, event) && !stray && !(flow->signs & SIGN_CLIENT_FORGED);
}

static bool client_left_before(const struct flow *flow, enum flow_event event)
{
    return came_first(flow, FLOW_CLIENT_FIN, event) || client_reset_before(flow, event);
}

static bool is_local(const struct flow *flow, struct cause *cause)
{
    if (flow->signs & SIGN_CLIENT_REFUSES) {
        *cause = (struct cause){MECHANISM_LOCAL_FILTER, FLOW_CLIENT_RST};
        return true;
    }
    if ((flow->signs & SIGN_LOOPBACK) && !addr_same(flow->record.client, flow->record.server)) {
        *cause = (struct cause){MECHANISM_LOCAL_FILTER, FLOW_SERVER_RST};
        return true;
    }
    /* that a host cannot be reached its own kernel says as well, of a neighbour that does not answer */
    if (saw(flow, FLOW_ICMP) && addr_same(flow->record.icmp_source, flow->record.client) &&
        icmp_mechanism(flow->record.icmp_family, flow->record.icmp_type, flow->record.icmp_code) !=
            MECHANISM_ICMP_HOST) {
        *cause = (struct cause){MECHANISM_LOCAL_FILTER, FLOW_ICMP};
        return true;
    }
    return false;
}

/* The client began a query and did not send all of it, though nothing of it is missing from the capture. */
static bool asked_in_part(const struct flow *flow)
{
    return flow->whole_queries == 0 && flow->record.server_port == DNS_PORT && stream_is_partial(&flow->queries) &&
           !flow->queries.opaque && !flow->queries.gap;
}

/* The connection is older than what was captured of it: how long it had been idle, nobody knows. */
static bool began_unseen(const struct flow *flow)
{
    return !flow->client_side.has_isn && !saw(flow, FLOW_SYNACK);
}

/*
 * The client acknowledges a SYN-ACK, or resets it (a SYN of its own it would only let go), but the capture holds not one
 * packet of the server: it sees one direction only.
 */
static bool missed_server(const struct flow *flow)
{
    bool replies = flow->client_side.has_acked || saw(flow, FLOW_CLIENT_RST);
    return replies && !flow->server_side.has_packet && !saw(flow, FLOW_ICMP);
}

/* The client acknowledges more of the server's bytes than the capture holds: it lost packets, not the network. */
static bool capture_lost_data(const struct flow *flow)
{
    return flow->answers.begun && flow->client_side.has_acked && flow->record.count[FLOW_SYNACK] > 0 &&
           seq_before(flow->answers.next + 1, flow->client_side.acked);
}

/* A complete answer that found its client: not after a RST that ended the client's side. */
static bool was_answered(const struct flow *flow)
{
    bool foreign = flow->record.server_port != DNS_PORT && flow->whole_queries == 0; /* judged by its TCP alone */
    bool unread = (flow->answers.opaque || foreign) && flow->answers.begun && flow->record.count[FLOW_ANSWER_PART] > 0;
    if (flow->whole_answers == 0 && !unread)
        return false;
    enum flow_event answer = flow->whole_answers ? FLOW_ANSWER : FLOW_ANSWER_PART;
    if (came_first(flow, FLOW_SERVER_RST, answer) && flow->record.count[FLOW_CLIENT_AFTER_RST] == 0 &&
        (flow->signs & SIGN_AFTER_RST))
        return false;
    return !client_reset_before(flow, answer);
}

/*
 * The capture holds no byte of the server's data, so that nobody knows whether they were a whole answer; and the client
 * did not do what it does with one: it waited on, or the server reset the connection first.
 */
static bool perhaps_in_part(const struct flow *flow, int64_t now_ns)
{
    const struct sighting *part = flow_saw(&flow->record, FLOW_ANSWER_PART);
    if (!part || !flow->answers.opaque || flow->whole_answers > 0 || flow->record.server_port != DNS_PORT ||
        flow->record.count[FLOW_QUERY] > 1)
        return false;
    int64_t until_ns = now_ns;
    if (saw(flow, FLOW_CLIENT_FIN))
        until_ns = time_of(flow, FLOW_CLIENT_FIN);
    else if (saw(flow, FLOW_CLIENT_RST))
        until_ns = time_of(flow, FLOW_CLIENT_RST);
    bool reset = saw(flow, FLOW_SERVER_RST) && !client_left_before(flow, FLOW_SERVER_RST);
    return reset || until_ns - part->time_ns >= FLOW_PATIENCE_NS;
}

/* After answers: a further query that was reset at once, on a connection that was not idle. */
static bool later_query_reset(const struct flow *flow)
{
    const struct sighting *rst = flow_saw(&flow->record, FLOW_SERVER_RST);
    const struct sighting *answer = flow_saw(&flow->record, FLOW_ANSWER);
    if (!rst || !answer || flow->whole_answers >= flow->whole_queries || client_left_before(flow, FLOW_SERVER_RST) ||
        saw(flow, FLOW_SERVER_FIN))
        return false;
    return flow->query_ns > answer->time_ns && rst->time_ns >= flow->query_ns &&
           rst->time_ns - flow->query_ns < FLOW_SILENCE_NS && flow->query_ns - answer->time_ns < FLOW_IDLE_CLOSE_NS;
}

/*
 * How long to wait for a packet of the server that tells of a packet of the client: a round trip took so long when the
 * handshake was made; else so long that nobody is impatient.
 */
static int64_t patience_ns(const struct flow *flow)
{
    const int64_t unsteadiness_ns = FLOW_SECOND_NS / 20;
    const struct sighting *syn = flow_saw(&flow->record, FLOW_SYN), *synack = flow_saw(&flow->record, FLOW_SYNACK);
    bool known = syn && synack && !saw(flow, FLOW_SYN_AGAIN);
    return known ? 2 * (synack->time_ns - syn->time_ns) + unsteadiness_ns : FLOW_PATIENCE_NS;
}

/*
 * The server closes (FIN, or RST with an ACK) without acknowledging the query, or all of it, although it should long have
 * come: what it closes is an idle connection. A query is sent again 200 ms later than its acknowledgement was due (RFC
 * 6298, 2; Linux's least).
 */
static bool never_heard(const struct flow *flow, enum flow_event end)
{
    const struct sighting *close = flow_saw(&flow->record, end);
    return close && saw(flow, FLOW_QUERY) && (close->flags & TCP_ACK) && seq_before(close->ack, flow->queries.next) &&
           (came_first(flow, FLOW_QUERY_AGAIN, end) || close->time_ns - flow->query_ns > patience_ns(flow));
}

static enum mechanism answered_mechanism(const struct flow *flow)
{
    if (later_query_reset(flow))
        return MECHANISM_RESET_AFTER_QUERY;
    bool all_refused = flow->whole_answers > 0 && flow->refused_answers == flow->whole_answers;
    return all_refused ? MECHANISM_ERROR_RCODE : MECHANISM_ANSWERED;
}

static bool partly_answered(const struct flow *flow)
{
    return flow->record.count[FLOW_ANSWER_PART] > 0 && stream_is_partial(&flow->answers);
}

/* Servers wait for the rest of a query as long as for anything, but for Knot: 0.5 s (tcp-io-timeout). */
static const int64_t part_patience_ns = 2 * FLOW_SECOND_NS / 5;

/* When the server had the whole handshake, as seen from here. */
static int64_t begun_ns(const struct flow *flow, const struct sighting *synack)
{
    const struct sighting *ack = flow_saw(&flow->record, FLOW_ACK);
    return ack ? ack->time_ns : synack->time_ns;
}

/* The server ended a connection over which nothing (or not all of a query) was asked for a while: an idle one. */
static bool was_idle(const struct flow *flow, enum flow_event end)
{
    const struct sighting *synack = flow_saw(&flow->record, FLOW_SYNACK);
    if (!saw(flow, FLOW_QUERY)) /* unbound with many connections closes idle ones after 0.2 s */
        return synack && time_of(flow, end) - begun_ns(flow, synack) > patience_ns(flow);
    return asked_in_part(flow) && time_of(flow, end) - flow->query_ns >= part_patience_ns;
}

static struct cause server_reset(const struct flow *flow)
{
    enum mechanism mechanism = MECHANISM_RESET_AFTER_QUERY;
    if (flow->signs & (SIGN_AFTER_RST | SIGN_SEQ_CHANGE | SIGN_ACK_CHANGE))
        mechanism = MECHANISM_FORGED_RESET;
    else if (!came_first(flow, FLOW_SYNACK, FLOW_SERVER_RST) && !came_first(flow, FLOW_QUERY, FLOW_SERVER_RST))
        mechanism = MECHANISM_SYN_RESET;
    else if (was_idle(flow, FLOW_SERVER_RST))
        mechanism = MECHANISM_CLIENT_ABORTED;
    else if (partly_answered(flow))
        mechanism = MECHANISM_PARTIAL_ANSWER;
    else if (came_first(flow, FLOW_SERVER_FIN, FLOW_SERVER_RST))
        mechanism = MECHANISM_CLOSED;
    else if (!came_first(flow, FLOW_QUERY, FLOW_SERVER_RST))
        mechanism = MECHANISM_RESET_AFTER_HANDSHAKE;
    return (struct cause){mechanism, FLOW_SERVER_RST};
}

static struct cause server_close(const struct flow *flow)
{
    enum mechanism mechanism = was_idle(flow, FLOW_SERVER_FIN) ? MECHANISM_CLIENT_ABORTED
                               : partly_answered(flow)         ? MECHANISM_PARTIAL_ANSWER
                                                               : MECHANISM_CLOSED;
    return (struct cause){mechanism, FLOW_SERVER_FIN};
}

/* An ICMP error decides when the server said nothing new after it: established connections survive it (RFC 5927). */
static bool icmp_decides(const struct flow *flow)
{
    return saw(flow, FLOW_ICMP) && (!saw(flow, FLOW_SYNACK) || came_first(flow, FLOW_SYNACK, FLOW_ICMP));
}

static struct cause query_silence(const struct flow *flow, int64_t waited_ns, bool patient)
{
    bool in_part = flow->record.count[FLOW_QUERY_AGAIN] > 0 && flow->server_side.has_acked &&
                   seq_before(flow->server_side.acked, flow->queries.next);
    bool acked = saw(flow, FLOW_QUERY_ACKED) && !in_part;
    if (!saw(flow, FLOW_SYNACK) && !acked) /* one direction is missing from the capture */
        return (struct cause){MECHANISM_INCOMPLETE, FLOW_QUERY};
    unsigned again = flow->record.count[FLOW_QUERY_AGAIN];
    if (flow->record.count[FLOW_ANSWER_PART] > 0 && patient)
        return (struct cause){MECHANISM_PARTIAL_ANSWER, FLOW_ANSWER_PART};
    if (acked && patient)
        return (struct cause){MECHANISM_QUERY_UNANSWERED, FLOW_QUERY_ACKED};
    if (!acked && ((again >= 2 && waited_ns >= FLOW_AGAIN_NS) || (again >= 1 && waited_ns >= FLOW_PATIENCE_NS)))
        return (struct cause){MECHANISM_QUERY_UNACKED, FLOW_QUERY};
    return (struct cause){MECHANISM_INCOMPLETE, FLOW_QUERY};
}

/* A SYN proxy opens the window when it has reached the server: until then the client cannot ask. */
static bool window_stayed_shut(const struct flow *flow, int64_t until_ns)
{
    const struct sighting *synack = flow_saw(&flow->record, FLOW_SYNACK);
    return synack && (flow->signs & SIGN_SYNACK_NO_WINDOW) && flow->server_side.window == 0 &&
           until_ns - synack->time_ns >= FLOW_PATIENCE_NS;
}

static struct cause client_left(const struct flow *flow)
{
    enum flow_event leaving = came_first(flow, FLOW_CLIENT_FIN, FLOW_CLIENT_RST) ? FLOW_CLIENT_FIN : FLOW_CLIENT_RST;
    int64_t waited = time_of(flow, leaving) - flow->query_ns;
    if (!saw(flow, FLOW_QUERY) && window_stayed_shut(flow, time_of(flow, leaving)))
        return (struct cause){MECHANISM_QUERY_UNANSWERED, FLOW_SYNACK};
    if (saw(flow, FLOW_QUERY) && time_of(flow, leaving) == flow->first_ns) /* a capture without times */
        return (struct cause){MECHANISM_INCOMPLETE, FLOW_QUERY};
    if (!saw(flow, FLOW_QUERY) || asked_in_part(flow) || waited < FLOW_PATIENCE_NS)
        return (struct cause){MECHANISM_CLIENT_ABORTED, leaving};
    return query_silence(flow, waited, true);
}

static struct cause silence(const struct flow *flow, int64_t now_ns)
{
    if (saw(flow, FLOW_QUERY)) {
        int64_t waited = now_ns - flow->query_ns;
        if (asked_in_part(flow))
            return (struct cause){MECHANISM_CLIENT_ABORTED, FLOW_QUERY};
        return query_silence(flow, waited, waited >= FLOW_SILENCE_NS);
    }
    if (!saw(flow, FLOW_SYN))
        return (struct cause){MECHANISM_NONE, FLOW_SYN};
    int64_t waited = now_ns - flow->first_ns;
    if (flow->signs & SIGN_SYNACK_IGNORED)
        return (struct cause){MECHANISM_SYNACK_IGNORED, FLOW_SYNACK};
    if (window_stayed_shut(flow, now_ns))
        return (struct cause){MECHANISM_QUERY_UNANSWERED, FLOW_SYNACK};
    if (saw(flow, FLOW_SYNACK) || saw(flow, FLOW_ACK))
        return (struct cause){waited >= FLOW_SILENCE_NS ? MECHANISM_CLIENT_ABORTED : MECHANISM_INCOMPLETE, FLOW_SYN};
    if (flow->client_side.has_acked) /* it answers a SYN-ACK that was not captured */
        return (struct cause){MECHANISM_INCOMPLETE, FLOW_SYN};
    bool counts = (flow->record.count[FLOW_SYN_AGAIN] > 0 && waited >= FLOW_PATIENCE_NS) || waited >= FLOW_SILENCE_NS ||
                  (flow->replaced && waited >= FLOW_PATIENCE_NS);
    return (struct cause){counts ? MECHANISM_SYN_UNANSWERED : MECHANISM_INCOMPLETE, FLOW_SYN};
}

static struct cause judge(const struct flow *flow, int64_t now_ns)
{
    struct cause cause;
    if (is_local(flow, &cause))
        return cause;
    if (perhaps_in_part(flow, now_ns))
        return (struct cause){MECHANISM_INCOMPLETE, FLOW_ANSWER_PART};
    if (was_answered(flow)) {
        enum mechanism mechanism = answered_mechanism(flow);
        return (struct cause){mechanism, mechanism == MECHANISM_RESET_AFTER_QUERY ? FLOW_SERVER_RST : FLOW_ANSWER};
    }
    if (!flow->client_side.has_isn && flow->whole_queries == 0)
        return (struct cause){MECHANISM_NONE, FLOW_SYN};
    if (flow->not_dns)
        return (struct cause){MECHANISM_NOT_DNS, FLOW_QUERY};
    if (began_unseen(flow) || missed_server(flow))
        return (struct cause){MECHANISM_INCOMPLETE, FLOW_QUERY};
    if (capture_lost_data(flow))
        return (struct cause){MECHANISM_INCOMPLETE, FLOW_QUERY};
    if (flow->signs & SIGN_CLIENT_FORGED)
        return (struct cause){MECHANISM_FORGED_RESET, FLOW_CLIENT_RST};
    bool rst =
        saw(flow, FLOW_SERVER_RST) && !client_left_before(flow, FLOW_SERVER_RST) && !never_heard(flow, FLOW_SERVER_RST);
    bool fin = saw(flow, FLOW_SERVER_FIN) && !client_left_before(flow, FLOW_SERVER_FIN);
    /* a RST that does not acknowledge the SYN ends nothing: its client goes on (RFC 9293, 3.10.7.3) */
    if (rst && (flow->signs & SIGN_BAD_ACK) && flow->record.count[FLOW_SYN_AGAIN] > 0 && !saw(flow, FLOW_SYNACK))
        return (struct cause){MECHANISM_SYN_RESET, FLOW_SERVER_RST};
    if (rst)
        return server_reset(flow);
    if (fin && !never_heard(flow, FLOW_SERVER_FIN))
        return server_close(flow);
    bool unheard = never_heard(flow, FLOW_SERVER_FIN) || never_heard(flow, FLOW_SERVER_RST);
    if (unheard && !icmp_decides(flow) && !asked_in_part(flow))
        return (struct cause){MECHANISM_QUERY_UNACKED, FLOW_QUERY};
    if (icmp_decides(flow))
        return (struct cause){icmp_mechanism(flow->record.icmp_family, flow->record.icmp_type, flow->record.icmp_code),
                              FLOW_ICMP};
    if (fin)
        return query_silence(flow, time_of(flow, FLOW_SERVER_FIN) - flow->query_ns, true);
    if (saw(flow, FLOW_CLIENT_FIN) || saw(flow, FLOW_CLIENT_RST))
        return client_left(flow);
    return silence(flow, now_ns);
}

static uint32_t closing_signs(const struct flow *flow)
{
    uint32_t signs = flow->signs;
    if (flow->answers.begun && flow->server_side.has_next && !flow->answers.opaque) {
        uint32_t fin = saw(flow, FLOW_SERVER_FIN);
        if (seq_before(flow->answers.next, flow->server_side.next - fin))
            signs |= SIGN_DATA_LOST;
    }
    if (flow->reset_copies > 0 && flow->copies == 0)
        signs |= SIGN_REPEATED;
    if (flow->after_truncated)
        signs |= SIGN_BIG_ANSWER;
    return signs;
}

/* The server's bare ACK of the query. */
static uint8_t ack_ttl(const struct flow_record *record)
{
    const struct sighting *acked = flow_saw(record, FLOW_QUERY_ACKED);
    return acked ? acked->ttl : 0;
}

struct flow_end flow_end_of(struct flow *flow, int64_t now_ns)
{
    struct flow_record *record = &flow->record;
    struct cause cause = judge(flow, now_ns);
    struct flow_end end = {.mechanism = (uint8_t)cause.mechanism,
                           .outcome = (uint8_t)mechanism_outcome(cause.mechanism)};
    record->decisive = record->at[cause.decisive];
    bool from_packet = record->decisive != FLOW_UNSEEN && record->timeline[record->decisive].from_server;
    const struct sighting *synack = flow_saw(record, FLOW_SYNACK);
    end.ttl = from_packet || cause.decisive == FLOW_ICMP ? record->timeline[record->decisive].ttl : 0;
    end.synack_ttl = synack ? synack->ttl : 0;
    end.ack_ttl = ack_ttl(record);
    end.signs = closing_signs(flow);
    if (cause.decisive == FLOW_ICMP) {
        end.icmp_source = record->icmp_source;
        end.icmp_type = record->icmp_type;
        end.icmp_code = record->icmp_code;
    }
    return end;
}
