/* Two captures of one road: what each story leaves in them, and what the pair says of the flow. */
#include "dissect/pair.h"

#include "dissect/analysis.h"
#include "tests/unit/wire.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <ctype.h>
#include <stdio.h>

enum { FRAMES = 64, ROUTERS = 2, STEP_MS = 50, DELAY_MS = 4, PAUSE_MS = 1000 };
#define MS INT64_C(1000000)
#define BEGIN_NS (INT64_C(1790000000) * 1000 * MS)

/* What differs between the two places, besides TTLs. */
struct road {
    int64_t offset_ms;     /* the server side's clock less the client side's */
    uint32_t client_shift; /* a firewall adds this to the client's sequence numbers */
    uint16_t nat_port;     /* a translator's port, 0: none */
};

struct side {
    struct trail *trail;
    struct analysis *analysis;
    struct frame frames[FRAMES];
    struct wire wires[FRAMES];
    unsigned count;
};

static struct side sides[PAIR_SIDES];
static struct road road;
static int64_t now_ms;
static uint32_t client_seq, server_seq;
static uint16_t dns_id;

static void put(int side, const struct wire_packet *packet)
{
    struct side *at = &sides[side];
    cr_assert_lt(at->count, FRAMES);
    wire_ethernet(&at->wires[at->count], packet);
    struct frame *frame = &at->frames[at->count];
    *frame = wire_frame(&at->wires[at->count], LINK_ETHERNET);
    bool from_server = packet->source_port == DNS_PORT;
    int64_t late = (side == PAIR_SERVER) == from_server ? 0 : DELAY_MS;
    frame->time_ns = BEGIN_NS + (now_ms + late + (side == PAIR_SERVER ? road.offset_ms : 0)) * MS;
    frame->ref = (struct frame_ref){.number = at->count + 1, .input = (unsigned)side & 1};
    at->count++;
}

/* Puts the packet into both captures, or only into the one where `where` says it is: '!' the client's, '?' the server's. */
static void send(struct wire_packet packet, char where)
{
    bool from_server = packet.source_port == DNS_PORT;
    for (int side = 0; side < PAIR_SIDES; side++) {
        struct wire_packet seen = packet;
        bool far = (side == PAIR_SERVER) != from_server;
        seen.ttl = far ? 64 - ROUTERS : 64;
        if (side == PAIR_SERVER && road.nat_port != 0)
            *(from_server ? &seen.target_port : &seen.source_port) = road.nat_port;
        if (side == PAIR_SERVER && packet.protocol != PROTOCOL_UDP)
            *(from_server ? &seen.ack : &seen.seq) += road.client_shift;
        if (where != (side == PAIR_CLIENT ? '?' : '!'))
            put(side, &seen);
    }
    now_ms += STEP_MS;
}

static struct wire_packet packet_of(bool from_server)
{
    struct addr client = wire_addr("192.0.2.10"), server = wire_addr("198.51.100.53");
    return (struct wire_packet){.source = from_server ? server : client,
                                .target = from_server ? client : server,
                                .source_port = from_server ? DNS_PORT : 40000,
                                .target_port = from_server ? 40000 : DNS_PORT};
}

static void send_datagram(bool from_server, char where)
{
    struct wire message = {.length = 0};
    struct wire_packet packet = packet_of(from_server);
    if (from_server)
        wire_answer(&message, dns_id, "example.com", DNS_TYPE_MX, false, DNS_NOERROR);
    else
        wire_query(&message, dns_id, "example.com", DNS_TYPE_MX);
    packet.protocol = PROTOCOL_UDP;
    packet.payload = message.bytes;
    packet.payload_bytes = message.length;
    send(packet, where);
}

/* Sends a segment; what was sent before and not counted is sent again, so that "S S" is one SYN twice. */
static void send_segment(char letter, char where)
{
    static const struct {
        char letter;
        uint8_t flags;
        bool counts; /* the sequence number goes on */
    } letters[] = {
        {'S', TCP_SYN, false},          {'A', TCP_ACK, false}, {'Q', TCP_ACK | TCP_PSH, false},
        {'F', TCP_FIN | TCP_ACK, true}, {'R', TCP_RST, false}, {'H', TCP_SYN | TCP_ACK, true},
    };
    bool from_server = islower(letter);
    struct wire_packet packet = packet_of(from_server);
    struct wire message = {.length = 0}, prefixed = {.length = 0};
    size_t i = 0;
    while (letters[i].letter != toupper(letter))
        i++;
    packet.flags = letters[i].flags;
    packet.seq = from_server ? server_seq : client_seq + (letter != 'S');
    packet.ack = packet.flags & TCP_ACK ? (from_server ? client_seq + 1 : server_seq) : 0;
    if (letter == 'r' && server_seq == 9000)
        packet.flags |= TCP_ACK, packet.seq = 0, packet.ack = client_seq + 1;
    if (letter == 'Q' || letter == 'q') {
        if (from_server)
            wire_answer(&message, dns_id, "example.com", DNS_TYPE_MX, false, DNS_NOERROR);
        else
            wire_query(&message, dns_id, "example.com", DNS_TYPE_MX);
        wire_prefixed(&prefixed, &message);
        packet.payload = prefixed.bytes;
        packet.payload_bytes = prefixed.length;
    }
    if (letter == 'a')
        packet.ack += 31; /* the query's bytes */
    send(packet, where);
    if (letters[i].counts)
        *(from_server ? &server_seq : &client_seq) += 1;
}

/*
 * S SYN, H SYN-ACK, A ACK, Q query or answer, F FIN, R RST: capitals of the client, small letters of the server; u a
 * query over UDP and its answer. Behind a letter: '!' only at the client's side, '?' only at the server's. ',' a second
 * goes by.
 */
static void tell(const char *story)
{
    for (; *story; story++) {
        char where = story[1] == '!' || story[1] == '?' ? story[1] : ' ';
        if (*story == ' ' || *story == '!' || *story == '?')
            continue;
        if (*story == ',')
            now_ms += PAUSE_MS;
        else if (*story == 'u') {
            dns_id++;
            send_datagram(false, where);
            send_datagram(true, where);
        } else {
            send_segment(*story, where);
        }
    }
}

static void walk(int side, const struct pair *pair)
{
    struct analysis_options options = {.trail = pair ? NULL : sides[side].trail, .pair = pair};
    analysis_free(sides[side].analysis);
    sides[side].analysis = analysis_new(&options);
    cr_assert(sides[side].analysis);
    for (unsigned i = 0; i < sides[side].count; i++)
        analysis_feed(sides[side].analysis, &sides[side].frames[i]);
    analysis_finish(sides[side].analysis);
}

static struct pair *captured(const char *story, struct road how)
{
    memset(sides, 0, sizeof sides);
    road = how;
    now_ms = 0;
    client_seq = 5000;
    server_seq = 9000;
    dns_id = 1;
    tell(story);
    for (int side = 0; side < PAIR_SIDES; side++) {
        sides[side].trail = trail_new();
        cr_assert(sides[side].trail);
        walk(side, NULL);
    }
    struct pair *pair = pair_new(sides[PAIR_CLIENT].trail, sides[PAIR_SERVER].trail);
    cr_assert(pair);
    walk(PAIR_CLIENT, pair);
    return pair;
}

static void forget(struct pair *pair)
{
    pair_free(pair);
    for (int side = 0; side < PAIR_SIDES; side++) {
        analysis_free(sides[side].analysis);
        trail_free(sides[side].trail);
    }
}

static const struct {
    uint32_t bit;
    const char *word;
} words[] = {
    {CROSSING_COVERED, "covered"},
    {CROSSING_ARRIVED, "arrived"},
    {CROSSING_LOST, "lost"},
    {CROSSING_QUERY_ARRIVED, "query-arrived"},
    {CROSSING_QUERY_LOST, "query-lost"},
    {CROSSING_END_PASSED, "end-passed"},
    {CROSSING_END_MADE, "end-made"},
    {CROSSING_SYNACK_MADE, "synack-made"},
    {CROSSING_REPLY_LOST, "reply-lost"},
    {CROSSING_SILENT, "silent"},
    {CROSSING_CLIENT_MADE, "client-made"},
    {CROSSING_RELAYED, "relayed"},
    {CROSSING_RELAY_FAILED, "relay-failed"},
};

static const char *crossings_of(const char *story, struct road how)
{
    static char text[256];
    struct pair *pair = captured(story, how);
    const struct facts *facts = analysis_facts(sides[PAIR_CLIENT].analysis);
    const struct server *server = facts_server_seen(facts, wire_addr("198.51.100.53"), DNS_PORT);
    const struct tcp_facts *tcp = server ? facts_tcp_seen(facts, server) : NULL;
    cr_assert(tcp && tcp->endings.count > 0, "no flow in \"%s\"", story);
    uint32_t bits = tcp->endings.rows[0].end.crossings;
    *text = '\0';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (bits & words[i].bit)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", *text ? " " : "", words[i].word);
    forget(pair);
    return text;
}

struct situation {
    char what[72], story[40], crossings[64];
    struct road road;
};

static const struct situation situations[] = {
    {"all is well", "u ShAQq F f u", "covered arrived query-arrived", {0}},
    {"the server's host refuses", "u S r u", "covered arrived end-passed", {0}},
    {"a box refuses", "u S! r! u", "covered lost end-made", {0}},
    {"a box drops", "u S!,S!,,S!, u", "covered lost", {0}},
    {"the server drops", "u S,S,,S, u", "covered arrived silent", {0}},
    {"an injector resets a connection that the server takes", "u S r! h R u", "covered arrived end-made", {0}},
    {"the SYN-ACK is lost", "u Sh? ,Sh? ,,Sh? , u", "covered arrived reply-lost", {0}},
    {"the query is lost", "u ShA Q!,Q!,,Q!, u", "covered arrived query-lost", {0}},
    {"the server takes the query and is silent", "u ShAQa,,,,,,F a u", "covered arrived query-arrived silent", {0}},
    {"the answer is lost", "u ShAQa q?,,,,,,F u", "covered arrived query-arrived reply-lost", {0}},
    {"the server closes without an answer", "u ShAQ f F u", "covered arrived query-arrived end-passed", {0}},
    {"a proxy takes the connection and closes it", "u S!h!A!Q! f! F! u", "covered lost end-made synack-made", {0}},
    {"resets are forged to both ends",
     "u ShAQ r! R? u",
     "covered arrived query-arrived end-made silent client-made",
     {0}},
    {"the server side's capture ends too early", "u S!,S!,,S!, u!", "", {0}},
    {"it begins too late", "u! S!,S!,,S!, u", "", {0}},
    {"it has nothing of this server", "S! r! ", "", {0}},
    {"its clock is hours ahead", "u S! r! u", "covered lost end-made", {.offset_ms = 7200000}},
    {"its clock is a day behind", "u S,S,,S, u", "covered arrived silent", {.offset_ms = -86400000}},
    {"a translator stands between", "u S r u", "covered arrived end-passed", {.nat_port = 1024}},
    {"a translator, and a box before it", "u S! r! u", "covered lost end-made", {.nat_port = 1024}},
    {"a firewall writes other sequence numbers",
     "u ShAQ f F u",
     "covered arrived query-arrived end-passed",
     {.client_shift = 77777}},
};

/* Parameters of Criterion live in memory that it shares with the tests. */
ParameterizedTestParameters(pair, crossings)
{
    return cr_make_param_array(const struct situation, (struct situation *)situations,
                               sizeof situations / sizeof *situations);
}

ParameterizedTest(const struct situation *situation, pair, crossings)
{
    const char *found = crossings_of(situation->story, situation->road);
    cr_assert_str_eq(found, situation->crossings, "%s: \"%s\", not \"%s\"", situation->what, found,
                     situation->crossings);
}

Test(pair, clock)
{
    struct pair *pair = captured("u S r u", (struct road){.offset_ms = 1234});
    struct pair_clock clock = pair_summary(pair).clock;
    cr_expect(clock.known && clock.steady);
    cr_expect_eq(clock.offset_ns, 1234 * MS);
    cr_expect_eq(clock.error_ns, DELAY_MS * MS);
    forget(pair);
}

Test(pair, clock_that_was_set)
{
    memset(sides, 0, sizeof sides);
    now_ms = 0;
    road = (struct road){.offset_ms = 0};
    tell("u");
    road.offset_ms = 2000;
    tell("u");
    for (int side = 0; side < PAIR_SIDES; side++) {
        sides[side].trail = trail_new();
        walk(side, NULL);
    }
    struct pair *pair = pair_new(sides[PAIR_CLIENT].trail, sides[PAIR_SERVER].trail);
    cr_expect_not(pair_summary(pair).clock.steady);
    cr_expect_geq(pair_summary(pair).clock.error_ns, 990 * MS);
    forget(pair);
}

Test(pair, routers_between)
{
    struct pair *pair = captured("u S r u", (struct road){.offset_ms = 0});
    const struct pair_server *server = pair_server(pair, wire_addr("198.51.100.53"));
    cr_assert(server);
    cr_expect_eq(server->hops[0], ROUTERS);
    cr_expect_eq(server->hops[1], ROUTERS);
    cr_expect_eq(server->matched[0], 3);
    cr_expect_eq(server->matched[1], 3);
    cr_expect_not(pair_summary(pair).swapped);
    forget(pair);
}

Test(pair, named_in_the_other_order)
{
    struct pair *pair = captured("u S r u", (struct road){.offset_ms = 0});
    struct pair *other = pair_new(sides[PAIR_SERVER].trail, sides[PAIR_CLIENT].trail);
    cr_expect(pair_summary(other).swapped);
    pair_free(other);
    forget(pair);
}

Test(pair, translated)
{
    struct pair *pair = captured("u S r u", (struct road){.nat_port = 1024});
    cr_expect(pair_summary(pair).translated);
    cr_expect_eq(pair_summary(pair).flows, 1);
    cr_expect_eq(pair_summary(pair).datagrams, 4);
    forget(pair);
}
