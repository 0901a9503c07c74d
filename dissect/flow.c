/*
 * The flow table. A flow is its two ends and the client's initial sequence number: a SYN with another one is another
 * flow. Slots are found through a table of chains by hash; fold.c tells how they are freed.
 */
#include "dissect/flow_inside.h"

#include "dissect/table.h"

#include <stddef.h>
#include <string.h>

enum { EXPECTED_MOST = 4 };

struct flows *flows_new(struct facts *facts, struct exchanges *exchanges, const struct pair *pair,
                        const struct analysis_observer *observer)
{
    struct flows *flows = table_new(sizeof *flows);
    if (!flows)
        return NULL;
    flows->facts = facts;
    flows->exchanges = exchanges;
    flows->pair = pair;
    flows->observer = observer;
    flows->pool = stream_pool_new();
    if (!flows->pool) {
        table_free(flows, sizeof *flows);
        return NULL;
    }
    for (uint32_t i = 0; i < FLOWS_CHAINS; i++)
        flows->chains[i] = FLOWS_NOWHERE;
    for (uint32_t i = 0; i < FLOW_TABLE; i++) {
        flows->next[i] = i + 1 < FLOW_TABLE ? i + 1 : FLOWS_NOWHERE;
        flows->deadline[i] = FLOWS_FREE;
    }
    return flows;
}

void flows_free(struct flows *flows)
{
    if (flows)
        stream_pool_free(flows->pool);
    table_free(flows, sizeof *flows);
}

struct flow_counters flows_counters(const struct flows *flows)
{
    struct flow_counters counters = flows->counters;
    counters.streams_lost = stream_pool_refused(flows->pool);
    return counters;
}

/* One multiplication a word, mixed once: this runs for every packet. */
static uint32_t hash_of(const struct flow_key *key)
{
    uint64_t ports = (uint64_t)key->client_port << 16 | key->server_port;
    uint64_t hash = key->client.word[1] * 0x9e3779b97f4a7c15ULL ^ key->server.word[1] * 0xc2b2ae3d27d4eb4fULL;
    hash += (key->client.word[0] ^ key->server.word[0] * 3) * 0x165667b19e3779f9ULL;
    return (uint32_t)hash_mix(hash ^ ports * 0x27d4eb2f165667c5ULL);
}

struct flow_key flow_key_of(const struct packet *packet, bool from_server)
{
    struct flow_key key = {packet->source, packet->target, packet->source_port, packet->target_port, 0};
    if (from_server)
        key = (struct flow_key){packet->target, packet->source, packet->target_port, packet->source_port, 0};
    key.hash = hash_of(&key);
    return key;
}

bool flow_key_same(const struct flow_key *a, const struct flow_key *b)
{
    return a->hash == b->hash && a->client_port == b->client_port && a->server_port == b->server_port &&
           addr_same(a->client, b->client) && addr_same(a->server, b->server);
}

static bool has_key(const struct flow *flow, const struct flow_key *key)
{
    return flow->record.client_port == key->client_port && flow->record.server_port == key->server_port &&
           addr_same(flow->record.client, key->client) && addr_same(flow->record.server, key->server);
}

static uint32_t find(const struct flows *flows, const struct flow_key *key)
{
    uint32_t slot = flows->chains[key->hash % FLOWS_CHAINS];
    while (slot != FLOWS_NOWHERE && !(flows->hashes[slot] == key->hash && has_key(&flows->slots[slot], key)))
        slot = flows->next[slot];
    return slot;
}

bool flows_has(const struct flows *flows, const struct flow_key *key)
{
    return find(flows, key) != FLOWS_NOWHERE;
}

void flows_prefetch_place(const struct flows *flows, const struct flow_key *key)
{
    __builtin_prefetch(&flows->chains[key->hash % FLOWS_CHAINS]);
}

/* The parts of a flow that every packet touches. */
void flows_prefetch(const struct flows *flows, const struct flow_key *key)
{
    uint32_t slot = flows->chains[key->hash % FLOWS_CHAINS];
    if (slot == FLOWS_NOWHERE)
        slot = flows->free_first;
    if (slot == FLOWS_NOWHERE)
        return;
    const struct flow *flow = &flows->slots[slot];
    __builtin_prefetch(flow);
    __builtin_prefetch((const char *)flow + 64);
    for (size_t at = offsetof(struct flow, server); at < offsetof(struct flow, questions); at += 64)
        __builtin_prefetch((const char *)flow + at);
}

static void expect_truncated(struct flows *flows, struct flow *flow)
{
    struct dns_question questions[EXPECTED_MOST];
    unsigned count = exchanges_truncated(flows->exchanges, flow->record.client, flow->server, flow->first_ns, questions,
                                         EXPECTED_MOST);
    for (unsigned i = 0; i < count; i++)
        flow_expect(flow, 0, &questions[i]);
    flow->expected = flow->after_truncated = count > 0;
}

static uint32_t begin(struct flows *flows, const struct flow_key *key, const struct packet *packet)
{
    uint32_t server = facts_server(flows->facts, key->server, key->server_port, packet->time_ns);
    if (server == FACTS_NONE || !facts_tcp(flows->facts, server))
        return FLOWS_NOWHERE;
    if (flows->free_first == FLOWS_NOWHERE)
        flows_evict(flows, packet->time_ns);
    uint32_t slot = flows->free_first;
    flows->free_first = flows->next[slot];
    flows->hashes[slot] = key->hash;
    flows->next[slot] = flows->chains[key->hash % FLOWS_CHAINS];
    flows->chains[key->hash % FLOWS_CHAINS] = slot;
    struct flow *flow = &flows->slots[slot];
    /* names and timeline are written before they are read: clearing them would cost more than the rest */
    memset(&flow->server, 0, offsetof(struct flow, questions) - offsetof(struct flow, server));
    memset(&flow->record, 0, offsetof(struct flow_record, timeline));
    memset(flow->record.at, FLOW_UNSEEN, sizeof flow->record.at);
    flow->record.client = key->client;
    flow->record.server = key->server;
    flow->record.client_port = key->client_port;
    flow->record.server_port = key->server_port;
    flow->server = server;
    flow->first_ns = packet->time_ns;
    stream_init(&flow->queries);
    stream_init(&flow->answers);
    flows->counters.flows++;
    return slot;
}

/*
 * The server's packet that answers this very SYN stands before it: several queues of a network card, mirror ports and
 * taps whose clocks differ by little.
 */
static bool is_answered_early(const struct flow *flow, const struct packet *packet)
{
    const struct sighting *first = &flow->record.timeline[0];
    return !flow->client_side.has_packet && flow->record.timeline_count > 0 && first->from_server &&
           (first->flags & TCP_ACK) && (first->flags & (TCP_SYN | TCP_RST)) && first->ack == packet->seq + 1 &&
           packet->time_ns - first->time_ns <= FLOW_EARLY_NS;
}

/* A SYN with another initial sequence number begins another connection on the same ports (RFC 9293, 3.4.1). */
static bool is_reused(const struct flow *flow, const struct packet *packet, bool from_server)
{
    if (from_server || (packet->flags & (TCP_SYN | TCP_ACK)) != TCP_SYN || is_answered_early(flow, packet))
        return false;
    return !flow->client_side.has_isn || flow->client_side.isn != packet->seq;
}

static void touch(struct flows *flows, uint32_t slot, int64_t now_ns)
{
    struct flow *flow = &flows->slots[slot];
    bool opening = flow->record.at[FLOW_SYNACK] == FLOW_UNSEEN && flow->record.at[FLOW_QUERY] == FLOW_UNSEEN;
    flow->last_ns = now_ns;
    flows->deadline[slot] = now_ns + (flow_is_closed(&flow->record) ? FLOW_LINGER_NS
                                      : opening                     ? FLOW_OPENING_NS
                                                                    : FLOW_IDLE_NS);
}

/*
 * A host that translates addresses shows a RST twice, on its way in and on its way out, in two flows: it did not make it.
 * Remembers the RST for that.
 */
static bool is_forwarded(struct flows *flows, const struct flow_key *key, const struct packet *packet)
{
    bool forwarded = false;
    for (unsigned i = 0; i < FLOWS_RESETS; i++) {
        const struct reset *other = &flows->resets[i];
        forwarded |= other->seq == packet->seq && other->ack == packet->ack &&
                     (other->ttl == packet->ttl || other->ttl == packet->ttl + 1) &&
                     packet->time_ns - other->time_ns <= FLOW_DUPLICATE_NS && addr_same(other->server, key->server) &&
                     !addr_same(other->client, key->client);
    }
    flows->resets[flows->next_reset++ % FLOWS_RESETS] =
        (struct reset){key->server, key->client, packet->time_ns, packet->seq, packet->ack, packet->ttl};
    return forwarded;
}

void flows_packet(struct flows *flows, const struct flow_key *key, const struct packet *packet, bool from_server)
{
    uint32_t slot = find(flows, key);
    if (slot != FLOWS_NOWHERE && is_reused(&flows->slots[slot], packet, from_server)) {
        flows->slots[slot].replaced = true;
        flows_fold(flows, slot, packet->time_ns);
        slot = FLOWS_NOWHERE;
    }
    bool began = slot == FLOWS_NOWHERE;
    if (began) {
        slot = begin(flows, key, packet);
        if (slot == FLOWS_NOWHERE)
            return;
    }
    struct flow *flow = &flows->slots[slot];
    if (began && !from_server)
        expect_truncated(flows, flow);
    if (from_server && (packet->flags & (TCP_RST | TCP_SYN)))
        facts_ip_id(flows->facts, flow->server, packet, false);
    if (from_server && (packet->flags & TCP_RST) && is_forwarded(flows, key, packet))
        flow->signs |= SIGN_FORWARDED;
    flow_segment(flow, packet, from_server, flows->pool, flows->facts);
    touch(flows, slot, packet->time_ns);
}

static bool quotes_what_was_sent(const struct flow *flow, const struct packet_quote *quote)
{
    if (!quote->has_seq || !flow->client_side.has_isn)
        return quote->has_seq || quote->cut;
    return !seq_before(quote->seq, flow->client_side.isn) && !seq_before(flow->client_side.next, quote->seq);
}

/* A capture's second copy, as is_copy() of TCP packets. */
static bool is_icmp_copy(struct flow *flow, const struct packet *packet)
{
    bool copy = flow->record.count[FLOW_ICMP] > 0 && packet->ip_id == flow->icmp_id && packet->ttl <= flow->icmp_ttl &&
                packet->ttl + 1 >= flow->icmp_ttl && packet->time_ns - flow->icmp_ns <= FLOW_DUPLICATE_NS;
    flow->icmp_id = packet->ip_id;
    flow->icmp_ttl = packet->ttl;
    flow->icmp_ns = packet->time_ns;
    return copy;
}

static void note_icmp(struct flow *flow, const struct packet *packet)
{
    static const struct tcp_options none = {0};
    if (is_icmp_copy(flow, packet)) {
        flow->copies++;
        return;
    }
    if (flow->record.count[FLOW_ICMP] == 0) {
        flow->record.icmp_source = packet->source;
        flow->record.icmp_type = packet->icmp_type;
        flow->record.icmp_code = packet->icmp_code;
        flow->record.icmp_family = packet->family;
    }
    flow_note(flow, FLOW_ICMP, packet, true, &none);
}

struct flow_key flow_key_quoted(const struct packet *packet)
{
    const struct packet_quote *quote = &packet->quote;
    struct flow_key key = {quote->source, quote->target, quote->source_port, quote->target_port, 0};
    key.hash = hash_of(&key);
    return key;
}

struct flow_key flow_key_recorded(const struct flow_record *record)
{
    struct flow_key key = {record->client, record->server, record->client_port, record->server_port, 0};
    key.hash = hash_of(&key);
    return key;
}

void flows_icmp(struct flows *flows, const struct packet *packet)
{
    const struct packet_quote *quote = &packet->quote;
    struct flow_key key = flow_key_quoted(packet);
    uint32_t slot = find(flows, &key);
    bool own = addr_same(packet->source, quote->source);
    if (slot == FLOWS_NOWHERE && own && quote->has_seq) { /* this host's own filter: its SYN never reached the device */
        slot = begin(flows, &key, packet);
        if (slot != FLOWS_NOWHERE) {
            flows->slots[slot].client_side.isn = flows->slots[slot].client_side.next = quote->seq;
            flows->slots[slot].client_side.has_isn = true;
        }
    }
    if (slot == FLOWS_NOWHERE || !quotes_what_was_sent(&flows->slots[slot], quote) ||
        icmp_mechanism(packet->family, packet->icmp_type, packet->icmp_code) == MECHANISM_NONE) {
        flows->counters.icmp_unmatched++;
        return;
    }
    note_icmp(&flows->slots[slot], packet);
    touch(flows, slot, packet->time_ns);
}
