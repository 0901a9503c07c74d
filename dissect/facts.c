/*
 * How it works: every table has its size for life. Servers, clients and hosts live in set-associative tables, so that
 * a lookup touches one set and eviction is the choice of the least worthy in it. A flow that is over leaves nothing
 * but its ending: a row of numbers that many flows share, and for the first of them its timeline.
 */
#include "dissect/facts_inside.h"

#include "dissect/table.h"
#include "dissect/ways.h"

#include <stdlib.h>

struct facts *facts_new(void)
{
    return table_new(sizeof(struct facts));
}

void facts_free(struct facts *facts)
{
    table_free(facts, sizeof *facts);
}

struct server *facts_server_at(const struct facts *facts, uint32_t index)
{
    return (struct server *)&facts->servers[index];
}

/* A free place in the set, else the server that was only asked over UDP and is idle longest, else none. */
static uint32_t place_for_server(struct facts *facts, uint32_t set)
{
    uint32_t place = FACTS_NONE;
    for (uint32_t i = set; i < set + FACTS_SERVER_WAYS; i++) {
        if (facts->server_tags[i] == 0)
            return i;
        const struct server *server = &facts->servers[i];
        if (server->tcp == FACTS_NONE && (place == FACTS_NONE || server->last_ns < facts->servers[place].last_ns))
            place = i;
    }
    if (place != FACTS_NONE)
        facts->refused.servers_evicted++;
    else
        facts->refused.servers++;
    return place;
}

static uint32_t find_server(const struct facts *facts, struct addr address, uint16_t port, uint64_t hash)
{
    uint32_t tag = ways_tag(hash), set = ways_set(hash, FACTS_SERVERS, FACTS_SERVER_WAYS);
    for (uint32_t i = set; i < set + FACTS_SERVER_WAYS; i++) {
        const struct server *server = &facts->servers[i];
        if (facts->server_tags[i] == tag && server->port == port && addr_same(server->address, address))
            return i;
    }
    return FACTS_NONE;
}

const struct server *facts_server_seen(const struct facts *facts, struct addr address, uint16_t port)
{
    uint32_t found = find_server(facts, address, port, addr_hash(address, port));
    return found == FACTS_NONE ? NULL : &facts->servers[found];
}

uint32_t facts_server(struct facts *facts, struct addr address, uint16_t port, int64_t now_ns)
{
    uint64_t hash = addr_hash(address, port);
    uint32_t found = find_server(facts, address, port, hash);
    if (found != FACTS_NONE) {
        facts->servers[found].last_ns = now_ns;
        return found;
    }
    uint32_t place = place_for_server(facts, ways_set(hash, FACTS_SERVERS, FACTS_SERVER_WAYS));
    if (place == FACTS_NONE)
        return FACTS_NONE;
    facts->server_tags[place] = ways_tag(hash);
    facts->servers[place] =
        (struct server){.address = address, .port = port, .tcp = FACTS_NONE, .first_ns = now_ns, .last_ns = now_ns};
    return place;
}

struct tcp_facts *facts_tcp(struct facts *facts, uint32_t server)
{
    struct server *at = &facts->servers[server];
    if (at->tcp == FACTS_NONE) {
        if (facts->tcp_used == FACTS_TCP_SERVERS) {
            facts->refused.servers++;
            return NULL;
        }
        at->tcp = facts->tcp_used++;
    }
    return &facts->tcp[at->tcp];
}

const struct tcp_facts *facts_tcp_seen(const struct facts *facts, const struct server *server)
{
    return server->tcp == FACTS_NONE ? NULL : &facts->tcp[server->tcp];
}

const struct flow_record *facts_exemplar(const struct facts *facts, uint32_t index)
{
    return index == FACTS_NONE ? NULL : &facts->exemplars[index];
}

static uint32_t keep_exemplar(struct facts *facts, const struct flow_record *record)
{
    if (facts->exemplars_used == FACTS_EXEMPLARS) {
        facts->refused.exemplars++;
        return FACTS_NONE;
    }
    facts->exemplars[facts->exemplars_used] = *record;
    return facts->exemplars_used++;
}

static void add_references(struct server *server, struct tcp_facts *tcp, const struct flow_record *record)
{
    const struct sighting *syn = flow_saw(record, FLOW_SYN);
    const struct sighting *query = flow_saw(record, FLOW_QUERY);
    const struct sighting *synack = flow_saw(record, FLOW_SYNACK);
    const struct sighting *ack = flow_saw(record, FLOW_ACK);
    const struct sighting *answer = flow_saw(record, FLOW_ANSWER);
    const struct sighting *client = syn ? syn : query;
    if (client) {
        ttl_set_add(&tcp->client_ttl, client->ttl, client->ref);
        point_note(&tcp->point, record->client, client->ttl, client->ref);
        tcp->from_client_out += client->direction == LINK_OUTGOING;
        tcp->from_client_in += client->direction == LINK_INCOMING;
    }
    if (synack && synack->ttl > 0) /* 0: a socket was told of it, a packet was not seen */
        ttl_set_add(&server->references[REFERENCE_SYNACK], synack->ttl, synack->ref);
    if (answer && answer->ttl > 0)
        ttl_set_add(&server->references[REFERENCE_TCP_ANSWER], answer->ttl, answer->ref);
    if (syn && synack && record->count[FLOW_SYN_AGAIN] == 0)
        delays_add(&tcp->handshake, synack->time_ns - syn->time_ns);
    if (synack && ack && record->at[FLOW_ACK] > record->at[FLOW_SYNACK]) {
        int64_t us = (ack->time_ns - synack->time_ns) / 1000;
        uint32_t reply = us < 1 ? 1 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
        if (tcp->least_reply_us == 0 || reply < tcp->least_reply_us)
            tcp->least_reply_us = reply;
    }
}

/* Failures are what clients are told apart by: one that had none makes room for one that has. */
static bool never_failed(const struct client *client)
{
    return client->outcomes[OUTCOME_REJECTED] + client->outcomes[OUTCOME_UNANSWERED] == 0;
}

static struct client *find_client(struct facts *facts, struct addr address, uint32_t server, bool failed)
{
    uint64_t hash = addr_hash(address, server);
    uint32_t tag = ways_tag(hash), set = ways_set(hash, FACTS_CLIENTS, FACTS_CLIENT_WAYS);
    uint32_t place = FACTS_NONE;
    for (uint32_t i = set; i < set + FACTS_CLIENT_WAYS; i++) {
        struct client *client = &facts->clients[i];
        if (facts->client_tags[i] == tag && client->server == server && addr_same(client->address, address))
            return client;
        if (facts->client_tags[i] == 0 || (failed && place == FACTS_NONE && never_failed(client)))
            place = i;
    }
    if (place == FACTS_NONE || facts->client_tags[place] != 0)
        facts->refused.clients++;
    if (place == FACTS_NONE)
        return NULL;
    facts->client_tags[place] = tag;
    facts->clients[place] = (struct client){.address = address, .server = server};
    return &facts->clients[place];
}

static struct lost_lookup *find_lost(struct facts *facts, uint32_t question, uint32_t server)
{
    for (uint16_t at = facts->lost_first[question % FACTS_LOST]; at; at = facts->lost_next[at - 1])
        if (facts->lost[at - 1].question.hash == question && facts->lost[at - 1].server == server)
            return &facts->lost[at - 1];
    return NULL;
}

static void add_lost(struct facts *facts, const struct flow *flow, const struct flow_question *question)
{
    struct lost_lookup *lost = find_lost(facts, question->hash, flow->server);
    if (!lost) {
        if (facts->lost_used == FACTS_LOST) {
            facts->refused.lost_lookups++;
            return;
        }
        lost = &facts->lost[facts->lost_used];
        facts->lost_next[facts->lost_used++] = facts->lost_first[question->hash % FACTS_LOST];
        facts->lost_first[question->hash % FACTS_LOST] = (uint16_t)facts->lost_used;
        *lost = (struct lost_lookup){.server = flow->server, .first = flow->record.timeline[0].ref};
        lost->question.hash = question->hash;
        lost->question.qtype = question->qtype;
        lost->question.qname_length = question->name_length;
        memcpy(lost->question.qname, flow->names + question->name_at, question->name_length);
    }
    lost->attempts++;
    lost->answered = false;
    lost->truncated_udp |= flow->after_truncated;
}

static void add_lost_lookups(struct facts *facts, const struct flow *flow, enum flow_outcome outcome)
{
    if (outcome != OUTCOME_REJECTED && outcome != OUTCOME_UNANSWERED)
        return;
    for (uint8_t i = 0; i < flow->question_count; i++)
        if (!flow->questions[i].done && flow->questions[i].name_length > 0)
            add_lost(facts, flow, &flow->questions[i]);
}

static void add_refused(struct tcp_facts *tcp, const struct flow *flow)
{
    for (uint8_t i = 0; i < flow->question_count; i++) {
        const struct flow_question *question = &flow->questions[i];
        struct refused_question *slot = tcp->refused;
        while (slot < tcp->refused + tcp->refused_count && slot->question != question->hash)
            slot++;
        if (slot == tcp->refused + FACTS_REFUSED)
            continue;
        if (slot == tcp->refused + tcp->refused_count) {
            tcp->refused_count++;
            slot->question = question->hash;
        }
        slot->rcode = flow->rcode;
        slot->count++;
    }
}

void facts_flow(struct facts *facts, const struct flow *flow, const struct flow_end *end)
{
    struct server *server = &facts->servers[flow->server];
    struct tcp_facts *tcp = facts_tcp(facts, flow->server);
    if (!tcp)
        return;
    add_references(server, tcp, &flow->record);
    tcp->last_ns = flow->last_ns;
    if (facts->turns && flow->first_ns < tcp->turned_ns) {
        tcp->earlier[end->outcome]++;
        return;
    }
    tcp->outcomes[end->outcome]++;
    if (end->mechanism == MECHANISM_ERROR_RCODE)
        add_refused(tcp, flow);
    struct ending *ending = endings_find(&tcp->endings, end);
    if (ending->count == 0)
        ending->exemplar = keep_exemplar(facts, &flow->record);
    endings_add(ending, &flow->record);
    bool failed = flow_outcome_is_failure(end->outcome);
    struct client *client = find_client(facts, flow->record.client, flow->server, failed);
    if (client) {
        client->attempts++;
        client->outcomes[end->outcome]++;
        client->endings |= 1u << (ending - tcp->endings.rows);
    }
    if (end->outcome != OUTCOME_INCOMPLETE)
        tcp->attempts++;
    if (failed) {
        if (tcp->first_failure_ns == 0 || flow->first_ns < tcp->first_failure_ns)
            tcp->first_failure_ns = flow->first_ns;
        if (flow->last_ns > tcp->last_failure_ns)
            tcp->last_failure_ns = flow->last_ns;
    }
    add_lost_lookups(facts, flow, end->outcome);
    if (facts->turns)
        facts_turn(facts, flow->server, ending, flow, end->outcome);
}

void facts_other_packet(struct facts *facts, const struct packet *packet)
{
    uint64_t hash = addr_hash(packet->source, 0);
    uint32_t tag = ways_tag(hash), set = ways_set(hash, FACTS_HOSTS, FACTS_HOST_WAYS);
    uint32_t place = FACTS_NONE;
    for (uint32_t i = set; i < set + FACTS_HOST_WAYS && place == FACTS_NONE; i++)
        if (facts->host_tags[i] == 0 ||
            (facts->host_tags[i] == tag && addr_same(facts->hosts[i].address, packet->source)))
            place = i;
    if (place == FACTS_NONE) { /* the one seen least makes room */
        place = set;
        for (uint32_t i = set; i < set + FACTS_HOST_WAYS; i++)
            if (facts->hosts[i].ttl.seen[0].count < facts->hosts[place].ttl.seen[0].count)
                place = i;
        facts->host_tags[place] = 0;
    }
    if (facts->host_tags[place] == 0) {
        facts->host_tags[place] = tag;
        facts->hosts[place] = (struct host){.address = packet->source};
    }
    ttl_set_add(&facts->hosts[place].ttl, packet->ttl, packet->ref);
}

const struct host *facts_host(const struct facts *facts, struct addr address)
{
    uint32_t set = ways_set(addr_hash(address, 0), FACTS_HOSTS, FACTS_HOST_WAYS);
    for (uint32_t i = set; i < set + FACTS_HOST_WAYS; i++)
        if (facts->host_tags[i] && addr_same(facts->hosts[i].address, address))
            return &facts->hosts[i];
    return NULL;
}

/*
 * evidence: a NAT engine that ends TCP itself writes the packets of many far addresses out of one counter. A step of
 * 1 to 4 between packets of different addresses with the same TTL is counted; chance gives one in 16384.
 */
void facts_ip_id(struct facts *facts, uint32_t server, const struct packet *packet, bool udp)
{
    struct counter_memory *last = &facts->counter;
    if (packet->family != 4 || packet->ip_id == 0) {
        last->valid = false;
        return;
    }
    bool near = last->valid && last->ttl == packet->ttl && (uint16_t)(packet->ip_id - last->ip_id - 1) < 4;
    struct tcp_facts *tcp = udp || !near ? NULL : facts_tcp(facts, server);
    /* ns1 and ns2 may be two addresses of one host, so neighbours do not count */
    if (tcp && !addr_same_region(facts->servers[last->server].address, facts->servers[server].address))
        tcp->shared_counter++;
    struct server *at = &facts->servers[server];
    if (udp)
        at->udp_id = packet->ip_id;
    else if (at->udp_id && (uint16_t)(packet->ip_id - at->udp_id - 1) < 4) {
        struct tcp_facts *own = facts_tcp(facts, server);
        if (own)
            own->own_counter++;
    }
    *last = (struct counter_memory){.server = server, .ip_id = packet->ip_id, .ttl = packet->ttl, .valid = true};
}

static uint32_t rcode_tag(uint32_t server, uint32_t question)
{
    uint32_t tag = (uint32_t)hash_mix((uint64_t)server << 32 | question);
    return tag ? tag : 1;
}

void facts_udp_rcode(struct facts *facts, uint32_t server, uint32_t question, uint8_t rcode)
{
    uint32_t tag = rcode_tag(server, question);
    facts->rcodes[tag % FACTS_RCODES] = (struct rcode_memory){tag, rcode};
}

bool facts_udp_rcode_of(const struct facts *facts, uint32_t server, uint32_t question, uint8_t *rcode)
{
    uint32_t tag = rcode_tag(server, question);
    const struct rcode_memory *memory = &facts->rcodes[tag % FACTS_RCODES];
    *rcode = memory->rcode;
    return memory->tag == tag;
}

void facts_question_answered(struct facts *facts, uint32_t question)
{
    for (uint16_t at = facts->lost_first[question % FACTS_LOST]; at; at = facts->lost_next[at - 1])
        if (facts->lost[at - 1].question.hash == question)
            facts->lost[at - 1].answered = true;
}

uint32_t facts_next_server(const struct facts *facts, uint32_t from)
{
    while (from < FACTS_SERVERS && facts->server_tags[from] == 0)
        from++;
    return from < FACTS_SERVERS ? from : FACTS_NONE;
}

const struct client *facts_next_client(const struct facts *facts, uint32_t server, uint32_t *position)
{
    while (*position < FACTS_CLIENTS) {
        uint32_t place = (*position)++;
        if (facts->client_tags[place] != 0 && facts->clients[place].server == server)
            return &facts->clients[place];
    }
    return NULL;
}

const struct lost_lookup *facts_lost(const struct facts *facts, uint32_t *count)
{
    *count = facts->lost_used;
    return facts->lost;
}

struct facts_refused facts_refused(const struct facts *facts)
{
    return facts->refused;
}
