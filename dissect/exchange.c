/*
 * How it works: a question waits in a set-associative table until its answer, or a newer question, takes the place.
 * TC=1 answers wait in a second one, by client and server, for the TCP flow that follows.
 */
#include "dissect/exchange.h"

#include "dissect/facts.h"
#include "dissect/flow.h"
#include "dissect/table.h"
#include "dissect/ways.h"

#include <string.h>

enum { CLIENTS_MEASURED = 64 }; /* questions of a server whose TTL is noted */

struct pending {
    uint64_t key;
    int64_t time_ns; /* 0: free */
    uint32_t question;
    bool answered;
    uint8_t ttl; /* of the answer */
};

struct truncated {
    struct addr client;
    uint32_t server;
    int64_t time_ns;
    struct dns_question question;
};

struct exchanges {
    struct facts *facts;
    struct pending pending[EXCHANGE_PENDING];
    uint32_t truncated_tags[EXCHANGE_TRUNCATED]; /* 0: free or handed out */
    struct truncated truncated[EXCHANGE_TRUNCATED];
    struct exchange_counters counters;
};

struct exchanges *exchanges_new(struct facts *facts)
{
    struct exchanges *exchanges = table_new(sizeof *exchanges);
    if (exchanges)
        exchanges->facts = facts;
    return exchanges;
}

void exchanges_free(struct exchanges *exchanges)
{
    table_free(exchanges, sizeof *exchanges);
}

void exchanges_shift(struct exchanges *exchanges, int64_t step_ns)
{
    for (size_t i = 0; i < EXCHANGE_PENDING; i++)
        frame_time_shift(&exchanges->pending[i].time_ns, step_ns);
    for (size_t i = 0; i < EXCHANGE_TRUNCATED; i++)
        if (exchanges->truncated_tags[i])
            exchanges->truncated[i].time_ns += step_ns;
}

struct exchange_counters exchanges_counters(const struct exchanges *exchanges)
{
    return exchanges->counters;
}

/* The exchange's own entry; else a free one or the oldest of its set, with `*found` false. */
static struct pending *find_pending(struct exchanges *exchanges, uint64_t key, bool *found)
{
    struct pending *set = &exchanges->pending[key % (EXCHANGE_PENDING / EXCHANGE_PENDING_WAYS) * EXCHANGE_PENDING_WAYS];
    struct pending *oldest = set;
    for (int i = 0; i < EXCHANGE_PENDING_WAYS; i++) {
        if (set[i].key == key && set[i].time_ns) {
            *found = true;
            return &set[i];
        }
        if (set[i].time_ns < oldest->time_ns)
            oldest = &set[i];
    }
    *found = false;
    return oldest;
}

static uint64_t key_of(struct addr client, uint16_t client_port, uint32_t server, uint16_t id)
{
    return addr_hash(client, (uint64_t)client_port << 48 | (uint64_t)id << 32 | server);
}

static void take_question(struct exchanges *exchanges, const struct packet *packet, uint32_t index,
                          const struct dns_message *message)
{
    bool found;
    struct pending *slot =
        find_pending(exchanges, key_of(packet->source, packet->source_port, index, message->id), &found);
    if (found && !slot->answered && slot->question == message->question &&
        packet->time_ns - slot->time_ns <= FLOW_DUPLICATE_NS)
        return; /* a second copy */
    if (!found && slot->time_ns && !slot->answered)
        exchanges->counters.evicted++;
    exchanges->counters.questions++;
    struct server *server = facts_server_at(exchanges->facts, index);
    if (server->udp_queries++ < CLIENTS_MEASURED) {
        ttl_set_add(&server->client_ttl, packet->ttl, packet->ref);
        point_note(&server->point, packet->source, packet->ttl, packet->ref);
    }
    server->last_udp_query_ns = packet->time_ns;
    *slot = (struct pending){.key = key_of(packet->source, packet->source_port, index, message->id),
                             .time_ns = packet->time_ns,
                             .question = message->question};
}

static void remember_truncated(struct exchanges *exchanges, const struct packet *packet, uint32_t index,
                               const struct dns_message *message)
{
    uint64_t hash = addr_hash(packet->target, index);
    uint32_t set = ways_set(hash, EXCHANGE_TRUNCATED, EXCHANGE_TRUNCATED_WAYS);
    uint32_t place = set;
    for (uint32_t i = set; i < set + EXCHANGE_TRUNCATED_WAYS; i++) {
        const struct truncated *known = &exchanges->truncated[i];
        if (exchanges->truncated_tags[i] == 0 ||
            (exchanges->truncated_tags[i] == ways_tag(hash) && known->question.hash == message->question)) {
            place = i;
            break;
        }
        if (known->time_ns < exchanges->truncated[place].time_ns)
            place = i;
    }
    exchanges->truncated_tags[place] = ways_tag(hash);
    struct truncated *slot = &exchanges->truncated[place];
    slot->client = packet->target;
    slot->server = index;
    slot->time_ns = packet->time_ns;
    slot->question.hash = message->question;
    slot->question.qtype = message->qtype;
    slot->question.qname_length = message->qname_length;
    if (message->has_question)
        memcpy(slot->question.qname, message->qname, message->qname_length);
}

static void note_source(struct server *server, const struct packet *packet)
{
    ttl_set_add(&server->references[REFERENCE_UDP_ANSWER], packet->ttl, packet->ref);
    server->last_udp_answer_ns = packet->time_ns;
    if (server->mac == 0)
        server->mac = packet->source_mac;
    else if (server->mac != packet->source_mac)
        server->mac = FACTS_MAC_VARIES;
}

static void take_answer(struct exchanges *exchanges, const struct packet *packet, uint32_t index,
                        const struct dns_message *message)
{
    struct server *server = facts_server_at(exchanges->facts, index);
    bool found;
    struct pending *slot =
        find_pending(exchanges, key_of(packet->target, packet->target_port, index, message->id), &found);
    if (found && slot->answered && (slot->ttl == packet->ttl || slot->ttl == packet->ttl + 1)) {
        slot->ttl = packet->ttl;
        return; /* a second copy, or a third, each a router later */
    }
    note_source(server, packet);
    if (found && slot->answered) { /* a second sender: one of the two is not the server */
        server->udp_contested++;
        return;
    }
    facts_ip_id(exchanges->facts, index, packet, true);
    server->udp_answers++;
    server->udp_incoming += packet->direction == LINK_INCOMING;
    exchanges->counters.answers++;
    bool refusal = dns_rcode_is_refusal(message->rcode);
    server->udp_refused += refusal;
    server->udp_truncated += message->truncated;
    uint32_t question = message->has_question || !found ? message->question : slot->question;
    facts_udp_rcode(exchanges->facts, index, question, message->rcode);
    if (message->truncated)
        remember_truncated(exchanges, packet, index, message);
    else if (!refusal)
        facts_question_answered(exchanges->facts, question);
    if (!found) {
        exchanges->counters.unpaired++;
        return;
    }
    slot->answered = true;
    slot->ttl = packet->ttl;
    delays_add(&server->udp_rtt, packet->time_ns - slot->time_ns);
}

void exchanges_packet(struct exchanges *exchanges, const struct packet *packet, bool from_server)
{
    struct dns_message message;
    bool parsed = dns_parse(&message, packet->payload);
    bool cut = packet->payload.left < packet->payload_declared;
    if (!parsed && !(cut && packet->payload.left >= DNS_HEADER)) {
        exchanges->counters.malformed++;
        return;
    }
    if (message.response != from_server)
        return;
    uint32_t index = from_server ? facts_server(exchanges->facts, packet->source, packet->source_port, packet->time_ns)
                                 : facts_server(exchanges->facts, packet->target, packet->target_port, packet->time_ns);
    if (index == FACTS_NONE)
        return;
    if (from_server)
        take_answer(exchanges, packet, index, &message);
    else
        take_question(exchanges, packet, index, &message);
}

void exchanges_icmp(struct exchanges *exchanges, const struct packet *packet)
{
    uint32_t index = facts_server(exchanges->facts, packet->quote.target, packet->quote.target_port, packet->time_ns);
    if (index != FACTS_NONE) {
        struct server *server = facts_server_at(exchanges->facts, index);
        server->udp_unreachable++;
        server->last_udp_unreachable_ns = packet->time_ns;
    }
}

unsigned exchanges_truncated(struct exchanges *exchanges, struct addr client, uint32_t server, int64_t now_ns,
                             struct dns_question *questions, unsigned most)
{
    uint64_t hash = addr_hash(client, server);
    uint32_t set = ways_set(hash, EXCHANGE_TRUNCATED, EXCHANGE_TRUNCATED_WAYS);
    unsigned count = 0;
    for (uint32_t i = set; i < set + EXCHANGE_TRUNCATED_WAYS && count < most; i++) {
        const struct truncated *known = &exchanges->truncated[i];
        if (exchanges->truncated_tags[i] == ways_tag(hash) && known->server == server &&
            addr_same(known->client, client) && now_ns - known->time_ns <= EXCHANGE_FOLLOW_NS) {
            questions[count++] = known->question;
            exchanges->truncated_tags[i] = 0;
        }
    }
    return count;
}
