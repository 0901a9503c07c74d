/*
 * One TCP segment of a flow. Nothing here is a state machine: each segment is named (which event), noted once in the
 * timeline, and its numbers become the side's latest. What it means is asked later, of the timeline as a whole.
 */
#include "dissect/facts.h"
#include "dissect/flow.h"
#include "dissect/point.h"

#include <string.h>

enum { QUERY_MOST = 2048 };

/* How many sightings of each event the timeline takes; the rest is only counted. */
static const uint8_t notes_most[FLOW_EVENTS] = {
    [FLOW_SYN] = 1,
    [FLOW_SYN_AGAIN] = 3,
    [FLOW_SYNACK] = 1,
    [FLOW_SYNACK_AGAIN] = 1,
    [FLOW_ACK] = 1,
    [FLOW_QUERY] = 1,
    [FLOW_QUERY_AGAIN] = 2,
    [FLOW_QUERY_ACKED] = 1,
    [FLOW_ANSWER_PART] = 1,
    [FLOW_ANSWER] = 1,
    [FLOW_SERVER_FIN] = 1,
    [FLOW_SERVER_RST] = 1,
    [FLOW_SERVER_RST_AGAIN] = 2,
    [FLOW_SERVER_AFTER_RST] = 1,
    [FLOW_CLIENT_FIN] = 1,
    [FLOW_CLIENT_RST] = 1,
    [FLOW_CLIENT_AFTER_RST] = 1,
    [FLOW_ICMP] = 1,
    [FLOW_SERVER_LATER] = 1,
};

void flow_note(struct flow *flow, enum flow_event event, const struct packet *packet, bool from_server,
               const struct tcp_options *options)
{
    struct flow_record *record = &flow->record;
    if (record->count[event] < UINT8_MAX)
        record->count[event]++;
    if (record->count[event] > notes_most[event] || record->timeline_count == FLOW_TIMELINE)
        return;
    if (record->at[event] == FLOW_UNSEEN)
        record->at[event] = record->timeline_count;
    record->timeline[record->timeline_count++] = (struct sighting){
        .time_ns = packet->time_ns,
        .ref = packet->ref,
        .mac = packet->source_mac & 0xffffffffffffULL,
        .from_server = from_server,
        .dont_fragment = packet->dont_fragment,
        .has_timestamps = options->has_timestamps,
        .loopback = packet->loopback,
        .direction = packet->direction & 3u,
        .event = (uint8_t)event,
        .seq = packet->seq,
        .ack = packet->ack,
        .tsval = options->tsval,
        .tsecr = options->tsecr,
        .flow_label = packet->flow_label,
        .length = packet->payload_declared,
        .window = packet->window,
        .ip_id = packet->ip_id,
        .ttl = packet->ttl,
        .tos = packet->tos,
        .flags = packet->flags,
        .note = packet->note,
    };
}

/*
 * Devices such as `any`, bridges and mirror ports show a packet twice, the second time perhaps a router later. TCP
 * itself repeats nothing so soon: the least retransmission timeout in use is 200 ms.
 */
static bool is_copy(const struct flow_side *side, const struct packet *packet)
{
    return side->has_packet && packet->time_ns - side->time_ns <= FLOW_DUPLICATE_NS && side->last_seq == packet->seq &&
           side->last_ack == packet->ack && side->last_flags == packet->flags &&
           side->last_length == packet->payload_declared && side->ip_id == packet->ip_id &&
           (side->copy_ttl == packet->ttl || side->copy_ttl == packet->ttl + 1);
}

static void remember(struct flow_side *side, const struct packet *packet, const struct tcp_options *options)
{
    uint32_t end =
        packet->seq + packet->payload_declared + ((packet->flags & TCP_SYN) != 0) + ((packet->flags & TCP_FIN) != 0);
    if (!(packet->flags & TCP_RST)) {
        if (!side->has_next || seq_before(side->next, end))
            side->next = end;
        side->has_next = true;
        if ((packet->flags & TCP_ACK) && (!side->has_acked || seq_before(side->acked, packet->ack))) {
            side->acked = packet->ack;
            side->has_acked = true;
        }
        if (options->has_timestamps) {
            side->tsval = options->tsval;
            side->has_timestamps = true;
        }
        side->window = packet->window;
        side->tos = packet->tos;
    }
    side->ttl = side->copy_ttl = packet->ttl;
    side->ip_id = packet->ip_id;
    side->last_seq = packet->seq;
    side->last_ack = packet->ack;
    side->last_flags = packet->flags;
    side->last_length = packet->payload_declared;
    side->time_ns = packet->time_ns;
    side->has_packet = true;
}

void flow_expect(struct flow *flow, uint16_t id, const struct dns_question *question)
{
    if (flow->question_count == FLOW_QUESTIONS)
        return;
    struct flow_question *slot = &flow->questions[flow->question_count++];
    *slot = (struct flow_question){.hash = question->hash, .id = id, .qtype = question->qtype};
    if (flow->names_used + question->qname_length > FLOW_NAMES)
        return;
    slot->name_at = flow->names_used;
    slot->name_length = question->qname_length;
    memcpy(flow->names + flow->names_used, question->qname, question->qname_length);
    flow->names_used = (uint16_t)(flow->names_used + question->qname_length);
}

struct sink {
    struct flow *flow;
    struct facts *facts;
};

static void forget_answered(struct flow *flow)
{
    for (uint8_t i = 0; i < flow->question_count; i++)
        if (!flow->questions[i].done)
            return;
    flow->question_count = 0;
    flow->names_used = 0;
}

/* The capture holds less of the message than could be kept of it. */
static bool is_cut(const struct stream_message *raw)
{
    return raw->bytes.left < raw->length && raw->bytes.left < STREAM_HEAD;
}

static void take_query(void *context, const struct stream_message *raw)
{
    struct flow *flow = ((struct sink *)context)->flow;
    struct dns_message message;
    if (flow->whole_queries == UINT16_MAX)
        return;
    if (is_cut(raw)) {
        flow->whole_queries++;
        return;
    }
    if (!dns_parse(&message, raw->bytes) || message.response) {
        flow->not_dns |= flow->whole_queries == 0 && flow->record.server_port == DNS_PORT;
        return;
    }
    if (flow->expected) { /* the question that UDP had announced is asked now, under its own ID */
        flow->question_count = 0;
        flow->names_used = 0;
        flow->expected = false;
    }
    flow->whole_queries++;
    struct dns_question question = {
        .hash = message.question, .qtype = message.qtype, .qname_length = message.qname_length};
    if (message.has_question)
        memcpy(question.qname, message.qname, message.qname_length);
    forget_answered(flow);
    flow_expect(flow, message.id, &question);
}

static void take_answer(void *context, const struct stream_message *raw)
{
    struct sink *sink = context;
    struct flow *flow = sink->flow;
    struct dns_message message;
    bool cut = is_cut(raw), whole = dns_parse(&message, raw->bytes);
    if (!whole && !cut)
        return;
    if (!message.response && !cut)
        return;
    if (flow->whole_answers == UINT16_MAX)
        return;
    flow->whole_answers++;
    bool refusal = dns_rcode_is_refusal(message.rcode);
    if (refusal) {
        flow->refused_answers++;
        flow->rcode = message.rcode;
    }
    for (uint8_t i = 0; i < flow->question_count; i++) {
        struct flow_question *question = &flow->questions[i];
        if (question->done || question->id != message.id ||
            (message.has_question && question->hash != message.question))
            continue;
        question->done = !refusal;
        if (!refusal)
            facts_question_answered(sink->facts, question->hash);
        return;
    }
    if (refusal && flow->question_count == 0) /* the query was not captured, or cut; the answer may tell it */
        flow_expect(flow, message.id, &(struct dns_question){.hash = whole ? message.question : FLOW_QUESTION_UNKNOWN});
}

static void client_syn(struct flow *flow, const struct packet *packet, const struct tcp_options *options)
{
    const struct sighting *synack = flow_saw(&flow->record, FLOW_SYNACK);
    bool again = flow->client_side.has_isn;
    flow->syn_since_rst = true;
    if (again && synack && flow->record.at[FLOW_QUERY] == FLOW_UNSEEN) {
        bool later = packet->time_ns - synack->time_ns > FLOW_SECOND_NS / 2;
        const struct sighting *rst = flow_saw(&flow->record, FLOW_CLIENT_RST);
        /* a scanner writes its SYN itself, at a TTL of its own choice, and its kernel resets the SYN-ACK */
        bool stack =
            options->sack_permitted || options->has_timestamps || options->has_window_scale || packet->options_cut;
        if (later && rst && rst->ttl == packet->ttl && stack)
            flow->signs |= SIGN_CLIENT_REFUSES;
        else if (later && !rst && flow->record.at[FLOW_ACK] == FLOW_UNSEEN)
            flow->signs |= SIGN_SYNACK_IGNORED;
    }
    if (!again) {
        flow->client_side.isn = packet->seq;
        flow->client_side.has_isn = true;
        stream_begin(&flow->queries, packet->seq + 1);
        if (!options->sack_permitted && !options->has_timestamps && !options->has_window_scale && !packet->options_cut)
            flow->signs |= SIGN_SIMPLE_SYN;
    }
    flow_note(flow, again ? FLOW_SYN_AGAIN : FLOW_SYN, packet, false, options);
}

static void client_data(struct flow *flow, const struct packet *packet, const struct tcp_options *options,
                        struct stream_pool *pool, struct facts *facts)
{
    struct sink sink = {flow, facts};
    uint32_t seq = packet->seq + ((packet->flags & TCP_SYN) != 0);
    if (!flow->queries.begun || flow->record.at[FLOW_QUERY] == FLOW_UNSEEN)
        flow->query_seq = seq;
    bool early = flow->queries.begun && seq_before(flow->queries.next, seq);
    uint32_t fresh =
        stream_feed(&flow->queries, pool, seq, packet->payload, packet->payload_declared, take_query, &sink);
    /* TLS, HTTP and other strangers announce what no query is long; few queries are longer than an UPDATE with a key */
    bool announced = flow->queries.prefix == 2 && !flow->queries.opaque;
    bool strange = announced && (flow->queries.length > QUERY_MOST || flow->queries.length < DNS_HEADER);
    flow->not_dns |= strange && flow->whole_queries == 0 && flow->record.server_port == DNS_PORT;
    if (fresh > 0 || early) {
        flow->query_ns = packet->time_ns;
        flow_note(flow, FLOW_QUERY, packet, false, options);
    } else if (packet->payload_declared > 1) { /* one old byte is a keep-alive (RFC 1122, 4.2.3.6) */
        flow_note(flow, FLOW_QUERY_AGAIN, packet, false, options);
    }
}

static void client_segment(struct flow *flow, const struct packet *packet, const struct tcp_options *options,
                           struct stream_pool *pool, struct facts *facts)
{
    struct flow_record *record = &flow->record;
    const struct sighting *own_rst = flow_saw(record, FLOW_CLIENT_RST);
    const struct sighting *ack = flow_saw(record, FLOW_ACK);
    if (flow->client_since_rst < UINT16_MAX)
        flow->client_since_rst++;
    if (packet->flags & TCP_RST) {
        flow_note(flow, FLOW_CLIENT_RST, packet, false, options);
        return;
    }
    if (packet->flags & TCP_SYN)
        client_syn(flow, packet, options);
    else if (own_rst || record->count[FLOW_SERVER_RST] > 0)
        flow_note(flow, FLOW_CLIENT_AFTER_RST, packet, false, options);
    if (own_rst && ack && own_rst->ttl != ack->ttl && packet->ttl == ack->ttl && !point_is_initial_ttl(ack->ttl) &&
        record->count[FLOW_SERVER_RST] == 0 && record->count[FLOW_SERVER_FIN] == 0)
        flow->signs |= SIGN_CLIENT_FORGED;
    if (record->count[FLOW_SYNACK] > 0 && !ack && !(packet->flags & TCP_SYN))
        flow_note(flow, FLOW_ACK, packet, false, options);
    if (packet->payload_declared > 0)
        client_data(flow, packet, options, pool, facts);
    if (packet->flags & TCP_FIN)
        flow_note(flow, FLOW_CLIENT_FIN, packet, false, options);
}

/* NDSS 2009 "Detecting Forged TCP Reset Packets", 2.0 s: an endpoint that has sent a RST has no connection to go on with. */
static bool contradicts_rst(const struct flow *flow, const struct packet *packet)
{
    const struct sighting *rst = flow_saw(&flow->record, FLOW_SERVER_RST);
    if (!rst || flow->syn_since_rst || packet->time_ns - rst->time_ns > 2 * FLOW_SECOND_NS)
        return false;
    bool later = packet->time_ns - rst->time_ns > FLOW_SECOND_NS / 10; /* not merely out of order */
    if (packet->flags & TCP_SYN) {
        bool first = flow->record.count[FLOW_SYNACK] == 0;
        /* a RST that knows the number behind this SYN-ACK was sent after it, by its sender */
        return (first || later) && rst->seq != packet->seq + 1;
    }
    if (packet->payload_declared > 0)
        return rst->seq != 0 && !seq_before(packet->seq, rst->seq) && flow->answers.begun &&
               !seq_before(packet->seq, flow->answers.next);
    return later && (rst->flags & TCP_ACK) && seq_before(rst->ack, packet->ack);
}

static void server_synack(struct flow *flow, const struct packet *packet, const struct tcp_options *options)
{
    bool again = flow->record.count[FLOW_SYNACK] > 0 && flow->server_side.isn == packet->seq;
    if (!again) {
        flow->server_side.isn = packet->seq;
        flow->server_side.has_isn = true;
        if (flow->whole_answers == 0)
            stream_begin(&flow->answers, packet->seq + 1);
    }
    if (packet->window == 0)
        flow->signs |= SIGN_SYNACK_NO_WINDOW;
    if (again && flow->record.at[FLOW_ACK] != FLOW_UNSEEN)
        flow->signs |= SIGN_ACK_IGNORED;
    flow_note(flow, again ? FLOW_SYNACK_AGAIN : FLOW_SYNACK, packet, true, options);
}

static void server_data(struct flow *flow, const struct packet *packet, const struct tcp_options *options,
                        struct stream_pool *pool, struct facts *facts)
{
    struct sink sink = {flow, facts};
    uint16_t before = flow->whole_answers;
    uint32_t seq = packet->seq + ((packet->flags & TCP_SYN) != 0);
    stream_feed(&flow->answers, pool, seq, packet->payload, packet->payload_declared, take_answer, &sink);
    flow_note(flow, flow->whole_answers > before ? FLOW_ANSWER : FLOW_ANSWER_PART, packet, true, options);
}

/* What a late packet of the server tells of the data it had sent: its sequence number is where it stands. */
static void server_position(struct flow *flow, const struct packet *packet, const struct tcp_options *options)
{
    bool after_fin = flow->record.at[FLOW_CLIENT_FIN] != FLOW_UNSEEN;
    bool late = flow->query_ns > 0 && packet->time_ns - flow->query_ns >= FLOW_PATIENCE_NS;
    if (!flow->answers.begun || !(after_fin || late))
        return;
    if (flow->server_side.has_isn && packet->seq == flow->server_side.isn + 1 && packet->payload_declared == 0 &&
        flow->record.at[FLOW_QUERY] != FLOW_UNSEEN && !seq_before(packet->ack, flow->queries.next))
        flow->signs |= SIGN_NOTHING_SENT;
    if (after_fin)
        flow_note(flow, FLOW_SERVER_LATER, packet, true, options);
}

static void server_segment(struct flow *flow, const struct packet *packet, const struct tcp_options *options,
                           struct stream_pool *pool, struct facts *facts)
{
    struct flow_record *record = &flow->record;
    if (packet->flags & TCP_RST) {
        flow_reset_signs(flow, packet, options);
        flow_note(flow, record->count[FLOW_SERVER_RST] > 0 ? FLOW_SERVER_RST_AGAIN : FLOW_SERVER_RST, packet, true,
                  options);
        flow->client_since_rst = 0;
        flow->syn_since_rst = false;
        return;
    }
    if (contradicts_rst(flow, packet)) {
        flow->signs |= SIGN_AFTER_RST;
        flow_note(flow, FLOW_SERVER_AFTER_RST, packet, true, options);
    }
    if (packet->flags & TCP_SYN)
        server_synack(flow, packet, options);
    else
        server_position(flow, packet, options);
    bool bare = packet->payload_declared == 0 && !(packet->flags & (TCP_FIN | TCP_SYN));
    /* all of it: a box may let a length prefix through and drop the message behind it */
    if (bare && record->count[FLOW_QUERY] > 0 && seq_before(flow->query_seq, packet->ack) &&
        !seq_before(packet->ack, flow->queries.next))
        flow_note(flow, FLOW_QUERY_ACKED, packet, true, options);
    if (packet->payload_declared > 0)
        server_data(flow, packet, options, pool, facts);
    if (packet->flags & TCP_FIN)
        flow_note(flow, FLOW_SERVER_FIN, packet, true, options);
}

void flow_segment(struct flow *flow, const struct packet *packet, bool from_server, struct stream_pool *pool,
                  struct facts *facts)
{
    struct flow_side *side = from_server ? &flow->server_side : &flow->client_side;
    if (is_copy(side, packet)) {
        side->copy_ttl = packet->ttl;
        if (packet->flags & TCP_RST)
            flow->reset_copies++;
        else
            flow->copies++;
        return;
    }
    const struct flow_side *peer = from_server ? &flow->client_side : &flow->server_side;
    flow->gap |= peer->has_next && (packet->flags & (TCP_ACK | TCP_RST | TCP_SYN)) == TCP_ACK &&
                 seq_before(peer->next, packet->ack);
    struct tcp_options options = {0};
    if (packet->options.left > 0)
        options = packet_tcp_options(packet);
    if (from_server)
        server_segment(flow, packet, &options, pool, facts);
    else
        client_segment(flow, packet, &options, pool, facts);
    remember(side, packet, &options);
}
