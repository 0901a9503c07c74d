#include "tests/unit/scene.h"

#include <assert.h>
#include <criterion/criterion.h>
#include <stdio.h>

enum { STEP_MS = 5, MS_NS = 1000000, PORT_FIRST = 40000, WINDOW = 64240 };

static void begin(struct scene *scene, const struct analysis_options *options)
{
    *scene = (struct scene){.analysis = analysis_new(options),
                            .time_ns = INT64_C(1700000000000000000),
                            .client = wire_addr("192.0.2.10"),
                            .server = wire_addr("198.51.100.53"),
                            .client_port = PORT_FIRST,
                            .server_port = 53,
                            .client_ttl = 64,
                            .server_ttl = 62,
                            .client_seq = 1000,
                            .server_seq = 500000};
    cr_assert_not_null(scene->analysis);
}

void scene_begin(struct scene *scene)
{
    static const struct analysis_options options = {.live = false};
    begin(scene, &options);
}

void scene_watch(struct scene *scene)
{
    static const struct analysis_options options = {.live = true};
    begin(scene, &options);
}

void scene_end(struct scene *scene)
{
    report_free(scene->report);
    analysis_free(scene->analysis);
}

void scene_wait(struct scene *scene, int64_t ms)
{
    scene->time_ns += ms * MS_NS;
}

void scene_connect(struct scene *scene)
{
    scene->client_port++;
    scene->client_seq += 100000;
    scene->server_seq += 7000000;
}

struct wire_packet scene_client(const struct scene *scene, uint8_t flags)
{
    return (struct wire_packet){.source = scene->client,
                                .target = scene->server,
                                .source_port = scene->client_port,
                                .target_port = scene->server_port,
                                .ttl = scene->client_ttl,
                                .flags = flags,
                                .seq = scene->client_seq,
                                .ack = flags & TCP_ACK ? scene->server_seq : 0,
                                .window = WINDOW};
}

struct wire_packet scene_server(const struct scene *scene, uint8_t flags)
{
    return (struct wire_packet){.source = scene->server,
                                .target = scene->client,
                                .source_port = scene->server_port,
                                .target_port = scene->client_port,
                                .ttl = scene->server_ttl,
                                .flags = flags,
                                .seq = scene->server_seq,
                                .ack = flags & TCP_ACK ? scene->client_seq : 0,
                                .window = flags & TCP_RST ? 0 : WINDOW - 1};
}

void scene_send(struct scene *scene, const struct wire_packet *packet)
{
    struct wire wire = {.length = 0};
    struct wire_packet numbered = *packet;
    if (scene->ip_id && !numbered.ip_id)
        numbered.ip_id = scene->ip_id++;
    wire_ethernet(&wire, &numbered);
    struct frame frame = wire_frame(&wire, LINK_ETHERNET);
    frame.time_ns = scene->time_ns;
    frame.ref.number = ++scene->frames & 0xffffffffffff;
    analysis_feed(scene->analysis, &frame);
    scene_wait(scene, STEP_MS);
}

void scene_pass(struct scene *scene, int64_t ms)
{
    scene_wait(scene, ms);
    struct wire_packet other = scene_client(scene, TCP_ACK);
    other.source_port = other.target_port = 443;
    scene_send(scene, &other);
}

static uint32_t length_of(uint8_t flags, const struct wire *payload)
{
    return (uint32_t)(payload ? payload->length : 0) + ((flags & TCP_SYN) != 0) + ((flags & TCP_FIN) != 0);
}

static void put_payload(struct wire_packet *packet, const struct wire *payload)
{
    packet->payload = payload ? payload->bytes : NULL;
    packet->payload_bytes = payload ? payload->length : 0;
}

/* MSS and SACK: a SYN without options would be a scanner's. */
static void put_syn_options(struct wire_packet *packet)
{
    static const uint8_t options[] = {2, 4, 0x05, 0xb4, 4, 2, 1, 1};
    if (packet->flags & TCP_SYN) {
        packet->options = options;
        packet->option_bytes = sizeof options;
    }
}

void scene_client_sends(struct scene *scene, uint8_t flags, const struct wire *payload)
{
    struct wire_packet packet = scene_client(scene, flags);
    put_payload(&packet, payload);
    put_syn_options(&packet);
    scene_send(scene, &packet);
    scene->client_seq += length_of(flags, payload);
}

void scene_server_sends(struct scene *scene, uint8_t flags, const struct wire *payload)
{
    struct wire_packet packet = scene_server(scene, flags);
    put_payload(&packet, payload);
    put_syn_options(&packet);
    scene_send(scene, &packet);
    scene->server_seq += length_of(flags, payload);
}

void scene_handshake(struct scene *scene)
{
    scene_client_sends(scene, TCP_SYN, NULL);
    scene_server_sends(scene, TCP_SYN | TCP_ACK, NULL);
    scene_client_sends(scene, TCP_ACK, NULL);
}

void scene_asks(struct scene *scene, uint16_t id)
{
    struct wire message = {.length = 0}, payload = {.length = 0};
    wire_query(&message, id, SCENE_NAME, DNS_TYPE_MX);
    wire_prefixed(&payload, &message);
    scene_client_sends(scene, TCP_ACK | TCP_PSH, &payload);
}

void scene_answers(struct scene *scene, uint16_t id, unsigned rcode)
{
    struct wire message = {.length = 0}, payload = {.length = 0};
    wire_answer(&message, id, SCENE_NAME, DNS_TYPE_MX, false, rcode);
    wire_prefixed(&payload, &message);
    scene_server_sends(scene, TCP_ACK | TCP_PSH, &payload);
}

static void send_udp(struct scene *scene, struct wire_packet packet, const struct wire *message)
{
    packet.protocol = PROTOCOL_UDP;
    put_payload(&packet, message);
    scene_send(scene, &packet);
}

void scene_udp_query(struct scene *scene, uint16_t id)
{
    struct wire message = {.length = 0};
    wire_query(&message, id, SCENE_NAME, DNS_TYPE_MX);
    send_udp(scene, scene_client(scene, 0), &message);
}

void scene_udp_answer(struct scene *scene, uint16_t id, bool truncated, unsigned rcode)
{
    struct wire message = {.length = 0};
    wire_answer(&message, id, SCENE_NAME, DNS_TYPE_MX, truncated, rcode);
    send_udp(scene, scene_server(scene, 0), &message);
}

void scene_udp(struct scene *scene, uint16_t id)
{
    scene_udp_query(scene, id);
    scene_udp_answer(scene, id, false, DNS_NOERROR);
}

void scene_icmp(struct scene *scene, const char *source, uint8_t ttl, uint8_t type, uint8_t code)
{
    struct wire quote = {.length = 0};
    struct wire_packet syn = scene_client(scene, TCP_SYN);
    syn.seq--; /* the SYN has been sent */
    wire_packet(&quote, &syn);
    struct wire_packet error = {.source = wire_addr(source),
                                .target = scene->client,
                                .ttl = ttl,
                                .protocol = addr_is_v4(scene->client) ? PROTOCOL_ICMP : PROTOCOL_ICMPV6,
                                .icmp_type = type,
                                .icmp_code = code};
    put_payload(&error, &quote);
    scene_send(scene, &error);
}

void scene_finish(struct scene *scene)
{
    if (!scene->finished)
        analysis_finish(scene->analysis);
    scene->finished = true;
}

const struct server *scene_facts(struct scene *scene)
{
    scene_finish(scene);
    const struct facts *facts = analysis_facts(scene->analysis);
    for (uint32_t i = facts_next_server(facts, 0); i != FACTS_NONE; i = facts_next_server(facts, i + 1))
        if (addr_same(facts_server_at(facts, i)->address, scene->server))
            return facts_server_at(facts, i);
    cr_assert_fail("the server is not known");
    return NULL;
}

const struct tcp_facts *scene_tcp(struct scene *scene)
{
    const struct server *server = scene_facts(scene);
    const struct tcp_facts *tcp = facts_tcp_seen(analysis_facts(scene->analysis), server);
    cr_assert_not_null(tcp, "the server was not asked over TCP");
    return tcp;
}

const struct ending *scene_ending(struct scene *scene)
{
    const struct tcp_facts *tcp = scene_tcp(scene);
    cr_assert_eq(tcp->endings.count, 1, "%u kinds of end, not one", tcp->endings.count);
    return &tcp->endings.rows[0];
}

const struct flow_record *scene_flow(struct scene *scene)
{
    return facts_exemplar(analysis_facts(scene->analysis), scene_ending(scene)->exemplar);
}

const char *scene_outcome(struct scene *scene)
{
    static char text[64];
    static const char *const names[] = {
        [OUTCOME_ANSWERED] = "answered", [OUTCOME_REJECTED] = "rejected",     [OUTCOME_UNANSWERED] = "unanswered",
        [OUTCOME_ABORTED] = "aborted",   [OUTCOME_INCOMPLETE] = "incomplete",
    };
    static_assert(sizeof names / sizeof *names == FLOW_OUTCOMES, "each outcome has its name");
    const struct flow_end *end = &scene_ending(scene)->end;
    snprintf(text, sizeof text, "%s %s", names[end->outcome], mechanism_name(end->mechanism));
    return text;
}

void scene_expect(struct scene *scene, const char *outcome)
{
    cr_assert_str_eq(scene_outcome(scene), outcome, "\"%s\", not \"%s\"", scene_outcome(scene), outcome);
}

bool scene_sign(struct scene *scene, uint32_t signs)
{
    return (scene_ending(scene)->end.signs & signs) != 0;
}

const struct report_server *scene_report(struct scene *scene)
{
    const struct server *server = scene_facts(scene);
    static const struct report_source source = {.command = "test", .pcap_version = "none"};
    if (!scene->report)
        scene->report = report_build(analysis_facts(scene->analysis), analysis_counters(scene->analysis), &source);
    cr_assert_not_null(scene->report);
    for (size_t i = 0; i < scene->report->server_count; i++)
        if (scene->report->servers[i].facts == server)
            return &scene->report->servers[i];
    cr_assert_fail("the report does not show the server");
    return NULL;
}

const char *scene_verdict(struct scene *scene)
{
    static char text[96];
    const struct report_server *server = scene_report(scene);
    snprintf(text, sizeof text, "%s %s %s %s", report_outcome_name(server->outcome),
             culprit_name(server->judgement.culprit), mechanism_name(server->judgement.mechanism),
             confidence_name(server->judgement.confidence));
    return text;
}

void scene_is_reset(struct scene *scene, uint8_t ttl)
{
    scene_connect(scene);
    scene_client_sends(scene, TCP_SYN, NULL);
    struct wire_packet rst = scene_server(scene, TCP_RST | TCP_ACK);
    rst.seq = 0;
    rst.ttl = ttl;
    scene_send(scene, &rst);
}

void scene_is_answered(struct scene *scene)
{
    scene_connect(scene);
    scene_handshake(scene);
    scene_asks(scene, 1);
    scene_answers(scene, 1, DNS_NOERROR);
    scene_client_sends(scene, TCP_FIN | TCP_ACK, NULL);
    scene_server_sends(scene, TCP_FIN | TCP_ACK, NULL);
}
