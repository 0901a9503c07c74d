#include "report/evidence.h"

#include "report/located.h"
#include "report/phrase.h"
#include "report/words.h"

#include <stdlib.h>

static void add_frame(struct report_evidence *evidence, struct frame_ref ref)
{
    for (unsigned i = 0; i < evidence->frame_count; i++)
        if (evidence->frames[i].number == ref.number && evidence->frames[i].input == ref.input)
            return;
    if (ref.number != 0 && evidence->frame_count < REPORT_FRAMES)
        evidence->frames[evidence->frame_count++] = ref;
}

static void add_sighting(struct report_evidence *evidence, const struct flow_record *flow, enum flow_event event)
{
    const struct sighting *sighting = flow_saw(flow, event);
    if (sighting)
        add_frame(evidence, sighting->ref);
}

/* The frames that show a finding: the decisive ones, and what they are held against. */
static void add_frames(struct report_evidence *evidence, const struct verdict *verdict)
{
    const struct rule_case *c = &verdict->rule_case;
    for (int i = 0; i < FACTS_FRAMES; i++)
        add_frame(evidence, c->ending->frames[i]);
    if (evidence->rule->group == GROUP_PAIR) {
        struct frame_ref others[FACTS_FRAMES];
        unsigned count = pair_frames(c->crowd->pair, c->flow, others, FACTS_FRAMES);
        for (unsigned i = 0; i < count; i++)
            add_frame(evidence, others[i]);
    }
    static const enum flow_event sequence[] = {FLOW_SERVER_AFTER_RST, FLOW_SERVER_RST_AGAIN, FLOW_CLIENT_AFTER_RST,
                                               FLOW_SERVER_LATER};
    if (evidence->rule->group == GROUP_SEQUENCE)
        for (size_t i = 0; i < sizeof sequence / sizeof *sequence; i++)
            add_sighting(evidence, c->flow, sequence[i]);
    if (evidence->rule->group == GROUP_PAYLOAD)
        add_sighting(evidence, c->flow, FLOW_QUERY_AGAIN);
    if (evidence->rule->group == GROUP_VANTAGE)
        add_sighting(evidence, c->flow, FLOW_SYN_AGAIN);
    if (evidence->rule->group == GROUP_DISTANCE) {
        if (c->ending->end.synack_ttl)
            add_sighting(evidence, c->flow, FLOW_SYNACK);
        add_frame(evidence, c->ruler.frame);
    }
}

/* What of a server's traffic shows a finding of each group, as a Wireshark display filter behind "addr == server". */
static const char *const group_filters[RULE_GROUPS] = {
    [GROUP_DISTANCE] = "(tcp.srcport == %u || udp.srcport == %u)",
    [GROUP_FORM] = "tcp.port == %u && (tcp.flags.syn == 1 || tcp.flags.reset == 1)",
    [GROUP_IP_ID] = "(tcp.srcport == %u || udp.srcport == %u)",
    [GROUP_TIMING] = "(tcp.port == %u || udp.port == %u)",
    [GROUP_PATTERN] = "(tcp.srcport == %u || udp.srcport == %u)",
};

/* Packets with limited TTLs are in no capture, and without the right to capture none are. */
static bool is_captured(const struct rule *rule, const struct rule_case *c)
{
    return rule->group != GROUP_PATH && !(c->crowd->probe && c->crowd->probe->obstacle);
}

static char *filter_of(const struct rule *rule, const struct rule_case *c)
{
    char text[ADDR_TEXT], port[80];
    if (!is_captured(rule, c))
        return NULL;
    const char *ip = addr_is_v4(c->server->address) ? "ip" : "ipv6";
    if (!addr_is_none(c->ending->end.icmp_source))
        return words_format("%s.src == %s && %s.type == %u", ip, addr_text(c->ending->end.icmp_source, text),
                            addr_is_v4(c->server->address) ? "icmp" : "icmpv6", c->ending->end.icmp_type);
    const char *server = addr_text(c->server->address, text);
    if (!group_filters[rule->group]) /* the rest shows within one connection */
        return words_format("%s.addr == %s && tcp.port == %u && tcp.port == %u", ip, server, c->server->port,
                            c->flow->client_port);
    snprintf(port, sizeof port, group_filters[rule->group], c->server->port, c->server->port);
    return words_format("%s.addr == %s && %s", ip, server, port);
}

static void add_evidence(struct report_server *server, const struct verdict *verdict, const struct rule *rule)
{
    if (server->evidence_count == REPORT_EVIDENCE)
        return;
    struct report_evidence *evidence = &server->evidence[server->evidence_count++];
    *evidence = (struct report_evidence){.rule = rule};
    evidence->text = rules_sentence(rule, &verdict->rule_case);
    evidence->filter = filter_of(rule, &verdict->rule_case);
    if (is_captured(rule, &verdict->rule_case))
        add_frames(evidence, verdict);
}

void evidence_collect(struct report_server *server, const struct verdict *verdict)
{
    for (int strength = STRENGTHS - 1; strength >= 0; strength--)
        for (unsigned i = 0; i < verdict->finding_count; i++)
            if ((int)verdict->findings[i]->strength == strength)
                add_evidence(server, verdict, verdict->findings[i]);
}

void evidence_release(struct report_server *server)
{
    for (unsigned i = 0; i < server->evidence_count; i++) {
        free(server->evidence[i].text);
        free(server->evidence[i].filter);
    }
    for (unsigned i = 0; i < server->lost_count; i++) {
        free(server->lost[i].qname);
        free(server->lost[i].qtype);
    }
    for (unsigned i = 0; i < server->advice_count; i++)
        free(server->advice[i]);
    free(server->headline);
    free(server->explanation);
    free(server->against);
}

static struct report_intermediary *find_box(struct report *report, struct addr address, unsigned hops)
{
    enum { BOXES = sizeof report->intermediaries / sizeof *report->intermediaries };
    for (unsigned i = 0; i < report->intermediary_count; i++)
        if (addr_same(report->intermediaries[i].address, address) && report->intermediaries[i].hops == hops)
            return &report->intermediaries[i];
    if (report->intermediary_count == BOXES)
        return NULL;
    report->intermediaries[report->intermediary_count] = (struct report_intermediary){.address = address, .hops = hops};
    return &report->intermediaries[report->intermediary_count++];
}

static const struct path *path_to(const struct report *report, const struct server *server)
{
    const struct report_probe *probe = report->source.probe;
    for (size_t i = 0; probe && i < probe->path_count; i++)
        if (addr_same(probe->paths[i].server, server->address) && probe->paths[i].port == server->port)
            return &probe->paths[i];
    return NULL;
}

/* Where a walked path shows the box: its hop and, where that one alone can be it, the address. */
static bool find_on_path(const struct report *report, const struct report_server *server, struct addr *address,
                         unsigned *hops)
{
    const struct path *path = path_to(report, server->facts);
    struct located at = located_of(path, &server->ending->end, facts_exemplar(report->facts, server->ending->exemplar));
    if (!located_before_server(path, &at) || at.box == 0)
        return false;
    if (addr_is_none(*address))
        *address = located_address(path, &at);
    *hops = at.box - 1;
    return true;
}

void evidence_intermediaries(struct report *report)
{
    for (size_t i = 0; i < report->server_count; i++) {
        const struct report_server *server = &report->servers[i];
        if (server->judgement.culprit != CULPRIT_INTERMEDIARY || !server->ending)
            continue;
        const struct flow_end *end = &server->ending->end;
        struct addr address = end->icmp_source;
        if (addr_same(address, server->facts->address))
            address = (struct addr){{0, 0}};
        uint8_t ttl = end->ttl ? end->ttl : server->judgement.mechanism == MECHANISM_TCP_PROXY ? end->synack_ttl : 0;
        if (ruler_read(&server->ruler, server->facts, ttl).relation != RELATION_NEARER && addr_is_none(address))
            ttl = 0; /* a TTL that is the server's own, or farther, tells nothing of the box's place */
        unsigned hops = ttl ? ttl_hops(ttl) : REPORT_HOPS_UNKNOWN;
        find_on_path(report, server, &address, &hops);
        struct report_intermediary *box = find_box(report, address, hops);
        if (box && box->server_count < sizeof box->servers / sizeof *box->servers)
            box->servers[box->server_count++] = (uint32_t)i;
    }
}
