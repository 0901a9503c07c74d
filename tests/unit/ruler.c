/* Hop distances: initial TTLs, the ruler, and how a packet stands against it. */
#include "report/ruler.h"

#include "report/distance.h"
#include "tests/unit/wire.h"

#include <criterion/criterion.h>

static const struct frame_ref frame = {.number = 1};

Test(ruler, initial_ttls)
{
    static const struct {
        uint8_t ttl;
        unsigned initial, hops;
    } rows[] = {
        {64, 64, 0},   {63, 64, 1},   {33, 64, 31},   {32, 32, 0},     {1, 32, 31},   {0, 32, 32},
        {65, 128, 63}, {128, 128, 0}, {117, 128, 11}, {129, 255, 126}, {255, 255, 0}, {254, 255, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_eq(ttl_initial(rows[i].ttl), rows[i].initial, "TTL %u", rows[i].ttl);
        cr_expect_eq(ttl_hops(rows[i].ttl), rows[i].hops, "TTL %u", rows[i].ttl);
    }
}

static void see(struct server *server, enum reference kind, uint8_t ttl, unsigned times)
{
    while (times-- > 0)
        ttl_set_add(&server->references[kind], ttl, frame);
}

static struct ruler ruler_for(const struct server *server)
{
    struct facts *facts = facts_new();
    struct ruler ruler = ruler_of(facts, server);
    facts_free(facts);
    return ruler;
}

Test(ruler, without_an_answer_there_is_none)
{
    struct server server = {.port = 53};
    see(&server, REFERENCE_SYNACK, 64, 5); /* whoever sent those */
    struct ruler ruler = ruler_for(&server);
    cr_assert_eq(ruler.kind, RULER_NONE);
    cr_assert_eq(ruler_read(&ruler, &server, 64).relation, RELATION_UNKNOWN);
}

Test(ruler, answers_of_both_transports_make_one)
{
    struct server server = {.port = 53};
    see(&server, REFERENCE_UDP_ANSWER, 62, 4);
    see(&server, REFERENCE_TCP_ANSWER, 62, 3);
    struct ruler ruler = ruler_for(&server);
    cr_assert_eq(ruler.kind, RULER_DNS_ANSWERS);
    cr_assert_eq(ruler.samples, 7);
    cr_assert_eq(ruler.usual, 62);
    cr_assert(ruler.constant);
    cr_assert_not(ruler.split);
    cr_assert_eq(ruler.nearest, 2);
    cr_assert_eq(ruler.farthest, 2);
}

Test(ruler, two_machines_behind_one_address)
{
    struct server server = {.port = 53};
    see(&server, REFERENCE_UDP_ANSWER, 62, 4);
    see(&server, REFERENCE_TCP_ANSWER, 64, 3);
    struct ruler ruler = ruler_for(&server);
    cr_assert(ruler.split);
    cr_assert_not(ruler.constant);
    cr_assert_eq(ruler_read(&ruler, &server, 64).relation, RELATION_AMONG, "UDP never came from there");
    cr_assert_eq(ruler_read(&ruler, &server, 62).relation, RELATION_SAME);
}

Test(ruler, other_traffic_when_there_is_nothing_better)
{
    struct facts *facts = facts_new();
    struct packet packet = {.source = wire_addr("198.51.100.53"), .ttl = 61};
    struct server server = {.address = packet.source};
    facts_other_packet(facts, &packet);
    struct ruler ruler = ruler_of(facts, &server);
    cr_assert_eq(ruler.kind, RULER_OTHER_TRAFFIC);
    cr_assert_eq(ruler.usual, 61);
    see(&server, REFERENCE_UDP_ANSWER, 62, 1);
    cr_assert_eq(ruler_of(facts, &server).kind, RULER_DNS_ANSWERS);
    facts_free(facts);
}

Test(ruler, how_a_packet_stands_against_a_constant_ruler)
{
    static const struct {
        uint8_t ttl;
        enum relation relation;
        unsigned gap;
    } rows[] = {
        {58, RELATION_SAME, 0},       {59, RELATION_NEARER, 1},   {64, RELATION_NEARER, 6},
        {57, RELATION_FARTHER, 1},    {40, RELATION_FARTHER, 18}, {122, RELATION_SAME_HOPS, 0},
        {249, RELATION_SAME_HOPS, 0}, {128, RELATION_NEARER, 6},  {255, RELATION_NEARER, 6},
        {120, RELATION_FARTHER, 2},   {0, RELATION_UNKNOWN, 0},
    };
    struct server server = {.port = 53};
    see(&server, REFERENCE_UDP_ANSWER, 58, 5);
    struct ruler ruler = ruler_for(&server);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reading reading = ruler_read(&ruler, &server, rows[i].ttl);
        cr_expect_eq(reading.relation, rows[i].relation, "TTL %u", rows[i].ttl);
        cr_expect_eq(reading.gap, rows[i].gap, "TTL %u", rows[i].ttl);
    }
}

Test(ruler, an_implausible_distance_is_far_not_near)
{
    struct server server = {.port = 53};
    see(&server, REFERENCE_UDP_ANSWER, 58, 5);
    struct ruler ruler = ruler_for(&server);
    cr_assert_eq(ruler_read(&ruler, &server, 70).relation, RELATION_FARTHER, "58 hops from 128: nobody is there");
    cr_assert_eq(ruler_read(&ruler, &server, 200).relation, RELATION_FARTHER);
}

Test(ruler, a_ruler_with_several_ttls)
{
    struct server server = {.port = 53};
    see(&server, REFERENCE_UDP_ANSWER, 55, 5);
    see(&server, REFERENCE_UDP_ANSWER, 59, 9);
    struct ruler ruler = ruler_for(&server);
    cr_assert_not(ruler.constant);
    cr_assert_eq(ruler.usual, 59);
    cr_assert_eq(ruler.nearest, 5);
    cr_assert_eq(ruler.farthest, 9);
    cr_assert_eq(ruler_read(&ruler, &server, 57).relation, RELATION_AMONG);
    cr_assert_eq(ruler_read(&ruler, &server, 60).relation, RELATION_NEARER);
    cr_assert_eq(ruler_read(&ruler, &server, 60).gap, 1, "against the nearest of them");
    cr_assert_eq(ruler_read(&ruler, &server, 54).gap, 1, "against the farthest");
}

Test(ruler, more_ttls_than_are_kept_are_not_constant)
{
    struct server server = {.port = 53};
    for (unsigned i = 0; i < FACTS_TTLS + 1; i++)
        see(&server, REFERENCE_UDP_ANSWER, (uint8_t)(50 + i), 1);
    cr_assert_not(ruler_for(&server).constant);
}

/* where the capture was taken */

static const struct vantage_row {
    const char *name;
    uint8_t client_ttl, server_ttl;
    uint32_t out, in;
    int64_t handshake_ms, reply_ms;
    enum vantage vantage;
} vantages[] = {
    {"nothing seen", 0, 0, 0, 0, 0, 0, VANTAGE_UNKNOWN},
    {"the client's packets are untouched", 64, 62, 0, 0, 20, 1, VANTAGE_CLIENT},
    {"the server's packets are untouched", 62, 64, 0, 0, 1, 20, VANTAGE_SERVER},
    {"neither is", 63, 63, 0, 0, 10, 10, VANTAGE_PATH},
    {"a cooked capture saw them leave", 63, 62, 3, 0, 0, 0, VANTAGE_CLIENT},
    {"a cooked capture saw them arrive", 63, 64, 0, 3, 0, 0, VANTAGE_SERVER},
    {"a cooked capture on a router", 63, 63, 0, 3, 0, 0, VANTAGE_PATH},
    {"both on one link, the client answers at once", 64, 64, 0, 0, 10, 1, VANTAGE_CLIENT},
    {"both on one link, the server answers at once", 64, 64, 0, 0, 1, 10, VANTAGE_SERVER},
    {"both on one link, both at once", 64, 64, 0, 0, 1, 1, VANTAGE_UNKNOWN},
};

Test(ruler, vantage)
{
    for (size_t i = 0; i < sizeof vantages / sizeof *vantages; i++) {
        const struct vantage_row *row = &vantages[i];
        struct server server = {.port = 53};
        struct tcp_facts tcp = {
            .from_client_out = row->out, .from_client_in = row->in, .least_reply_us = (uint32_t)row->reply_ms * 1000};
        if (row->client_ttl)
            ttl_set_add(&tcp.client_ttl, row->client_ttl, frame);
        if (row->server_ttl)
            see(&server, REFERENCE_UDP_ANSWER, row->server_ttl, 2);
        if (row->handshake_ms)
            delays_add(&tcp.handshake, row->handshake_ms * 1000000);
        cr_expect_eq(ruler_vantage(&server, &tcp), row->vantage, "%s: %s", row->name,
                     vantage_name(ruler_vantage(&server, &tcp)));
    }
}

Test(ruler, syns_of_a_proxy_beside_the_server)
{
    struct server server = {.port = 53};
    struct tcp_facts tcp = {.attempts = 3};
    ttl_set_add(&tcp.client_ttl, 64, frame); /* the proxy's own */
    ttl_set_add(&server.client_ttl, 61, frame);
    see(&server, REFERENCE_UDP_ANSWER, 64, 3);
    cr_assert_eq(ruler_vantage(&server, &tcp), VANTAGE_SERVER);
}

Test(ruler, a_router_where_the_answers_come_in)
{
    struct server server = {.port = 53, .udp_incoming = 3};
    struct tcp_facts tcp = {.from_client_in = 3};
    ttl_set_add(&tcp.client_ttl, 62, frame);
    see(&server, REFERENCE_UDP_ANSWER, 64, 3);
    cr_assert_eq(ruler_vantage(&server, &tcp), VANTAGE_PATH);
}

Test(ruler, each_vantage_has_its_word)
{
    for (int i = 0; i < VANTAGES; i++)
        cr_expect_not_null(vantage_name((enum vantage)i));
}

Test(ruler, distance_of_a_set)
{
    struct ttl_set set = {.other = 2};
    ttl_set_add(&set, 60, frame);
    ttl_set_add(&set, 62, frame);
    ttl_set_add(&set, 62, frame);
    struct distance distance = distance_of(&set);
    cr_assert_eq(distance.hops, 2);
    cr_assert_eq(distance.ttl, 62);
    cr_assert_eq(distance.spread, 2);
    cr_assert_eq(distance.samples, 5);
    cr_assert_eq(distance_of(&(struct ttl_set){.other = 0}).samples, 0);
}
