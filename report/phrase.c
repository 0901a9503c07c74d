#include "report/phrase.h"

#include "report/phrase_path.h"
#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_address(FILE *out, struct addr address)
{
    char text[ADDR_TEXT];
    fputs(addr_text(address, text), out);
}

static void write_hops(FILE *out, unsigned hops)
{
    fprintf(out, "%u hop%s", hops, hops == 1 ? "" : "s");
}

static void write_ms(FILE *out, uint32_t us)
{
    fprintf(out, "%.*f ms", us < 10000 ? 2 : 0, us / 1000.0);
}

static void word_server(FILE *out, const struct rule_case *c)
{
    write_address(out, c->server->address);
}

static void word_port(FILE *out, const struct rule_case *c)
{
    fprintf(out, "%u", c->server->port);
}

static void word_client(FILE *out, const struct rule_case *c)
{
    write_address(out, c->flow->client);
}

static void word_alike(FILE *out, const struct rule_case *c)
{
    fprintf(out, "%u", c->alike);
}

static void word_end_ttl(FILE *out, const struct rule_case *c)
{
    fprintf(out, "%u", c->ending->end.ttl);
}

static void word_end_hops(FILE *out, const struct rule_case *c)
{
    write_hops(out, ttl_hops(c->ending->end.ttl));
}

static void word_end_place(FILE *out, const struct rule_case *c)
{
    unsigned hops = ttl_hops(c->ending->end.ttl);
    if (phrase_is_located(c))
        phrase_between(out, c);
    else if (c->ending->end.ttl == 0 || (c->end.relation != RELATION_NEARER && c->end.relation != RELATION_UNKNOWN))
        fputs("between", out); /* a TTL that is the server's own, or farther, tells nothing of the place */
    else if (hops == 0)
        fputs("on the capture's own link (the first router or firewall)", out);
    else
        fprintf(out, "%u hop%s from the capture", hops, hops == 1 ? "" : "s");
}

static void word_synack_ttl(FILE *out, const struct rule_case *c)
{
    fprintf(out, "%u", c->ending->end.synack_ttl);
}

static void word_synack_hops(FILE *out, const struct rule_case *c)
{
    if (c->ending->end.synack_ttl)
        write_hops(out, ttl_hops(c->ending->end.synack_ttl));
    else
        fputs("an unknown number of hops", out);
}

static void word_ack_ttl(FILE *out, const struct rule_case *c)
{
    fprintf(out, "%u", c->ending->end.ack_ttl);
}

static void word_ref_ttl(FILE *out, const struct rule_case *c)
{
    fprintf(out, "%u", c->ruler.usual);
}

static void word_ref_hops(FILE *out, const struct rule_case *c)
{
    write_hops(out, ttl_hops(c->ruler.usual));
}

static void word_ref_samples(FILE *out, const struct rule_case *c)
{
    fprintf(out, "%u", c->ruler.samples);
}

static void word_ref_kind(FILE *out, const struct rule_case *c)
{
    fputs(c->ruler.kind == RULER_DNS_ANSWERS ? "DNS answers" : "other traffic", out);
}

static void word_icmp_source(FILE *out, const struct rule_case *c)
{
    write_address(out, c->ending->end.icmp_source);
}

static void word_icmp_name(FILE *out, const struct rule_case *c)
{
    fputs(icmp_words(c->flow->icmp_family, c->ending->end.icmp_type, c->ending->end.icmp_code), out);
}

static void word_delay(FILE *out, const struct rule_case *c)
{
    write_ms(out, c->ending->least_us);
    if (c->ending->most_us > c->ending->least_us) {
        fputs(" to ", out);
        write_ms(out, c->ending->most_us);
    }
    fputs(" after the earliest packet that it can answer", out);
}

static void word_floor(FILE *out, const struct rule_case *c)
{
    write_ms(out, c->tcp->handshake.count ? c->tcp->handshake.least_us : c->server->udp_rtt.least_us);
}

static void word_rcode(FILE *out, const struct rule_case *c)
{
    fputs(c->tcp->refused_count ? dns_rcode_name(c->tcp->refused[0].rcode) : "an error", out);
}

static void word_far_ttl(FILE *out, const struct rule_case *c)
{
    fprintf(out, "%u", c->far_ttl);
}

/* Where on the way between two captures a packet was made; nothing when its TTL may be a copy of the server's. */
static void word_pair_place(FILE *out, const struct rule_case *c)
{
    const struct pair_server *server = c->both;
    unsigned hops = ttl_hops(c->ending->end.ttl);
    if (!server || c->ending->end.ttl == 0 || server->hops[1] <= 0 || (int)hops >= server->hops[1])
        return;
    fputs(", ", out);
    write_hops(out, hops);
    fputs(" from the client's side on a way of ", out);
    write_hops(out, (unsigned)server->hops[1]);
}

static void word_pair_forged_place(FILE *out, const struct rule_case *c)
{
    const struct pair_server *server = c->both;
    uint8_t ttl = server ? pair_forged_ttl(c->crowd->pair, c->flow) : 0;
    if (ttl == 0 || server->hops[0] <= 0 || (int)ttl_hops(ttl) >= server->hops[0])
        return;
    fputs(", ", out);
    write_hops(out, ttl_hops(ttl));
    fputs(" from the server's side on a way of ", out);
    write_hops(out, (unsigned)server->hops[0]);
}

static void word_edge_networks(FILE *out, const struct rule_case *c)
{
    fprintf(out, "%u", c->crowd->edge_networks);
}

static void word_what_was_seen(FILE *out, const struct rule_case *c)
{
    bool packets = !c->crowd->probe || !c->crowd->probe->obstacle;
    fputs(packets ? "these packets do" : "what the sockets were told does", out);
}

/* A name to ask for in a command that is copied into a shell: one with nothing in it that a shell would take for its own. */
static bool is_plain_name(const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    return *name && *name != '-' && strspn(name, plain) == strlen(name);
}

/* The command that finds the hop, for the name that was asked. */
static void word_locate(FILE *out, const struct rule_case *c)
{
    const struct report_probe *probe = c->crowd->probe;
    bool known = probe && is_plain_name(probe->qname) && is_plain_name(probe->qtype);
    fputs("tcp53 probe --locate", out);
    if (c->server->port != DNS_PORT)
        fprintf(out, " --port %u", c->server->port);
    if (known && strcasecmp(probe->qtype, "MX") != 0)
        fprintf(out, " -t %s", probe->qtype);
    fprintf(out, " %s ", known ? probe->qname : "example.com");
    write_address(out, c->server->address);
}

static const struct {
    const char *name;
    void (*write)(FILE *out, const struct rule_case *c);
} words[] = {
    {"server", word_server},
    {"port", word_port},
    {"client", word_client},
    {"alike", word_alike},
    {"end_place", word_end_place},
    {"end_ttl", word_end_ttl},
    {"end_hops", word_end_hops},
    {"synack_ttl", word_synack_ttl},
    {"synack_hops", word_synack_hops},
    {"ack_ttl", word_ack_ttl},
    {"ref_ttl", word_ref_ttl},
    {"ref_hops", word_ref_hops},
    {"ref_samples", word_ref_samples},
    {"ref_kind", word_ref_kind},
    {"icmp_source", word_icmp_source},
    {"icmp_name", word_icmp_name},
    {"delay", word_delay},
    {"floor", word_floor},
    {"rcode", word_rcode},
    {"edge_networks", word_edge_networks},
    {"far_ttl", word_far_ttl},
    {"pair_place", word_pair_place},
    {"pair_forged_place", word_pair_forged_place},
    {"what_was_seen", word_what_was_seen},
    {"locate", word_locate},
    {"between", phrase_between},
    {"path_way", phrase_path_way},
    {"path_ttl", phrase_path_ttl},
    {"path_reach", phrase_path_reach},
    {"path_before", phrase_path_before},
    {"path_alive", phrase_path_alive},
    {"path_reply", phrase_path_reply},
    {"path_server", phrase_path_server},
    {"path_box", phrase_path_box},
    {"handshake_reach", phrase_handshake_reach},
};

static void write_word(FILE *out, const char *name, size_t length, const struct rule_case *rule_case)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i].name) == length && strncmp(words[i].name, name, length) == 0) {
            words[i].write(out, rule_case);
            return;
        }
    }
    fprintf(out, "{%.*s}", (int)length, name);
}

char *phrase(const char *template, const struct rule_case *rule_case)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    while (*template) {
        size_t plain = strcspn(template, "{");
        fwrite(template, 1, plain, out);
        template += plain;
        if (*template == '{') {
            size_t length = strcspn(template + 1, "}");
            write_word(out, template + 1, length, rule_case);
            template += 1 + length + (template[1 + length] == '}');
        }
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static const struct {
    uint8_t family, type, code;
    const char *words;
} icmp_table[] = {
    {4, 3, 0, "network unreachable"},
    {4, 3, 1, "host unreachable"},
    {4, 3, 2, "protocol unreachable"},
    {4, 3, 3, "port unreachable"},
    {4, 3, 9, "network administratively prohibited"},
    {4, 3, 10, "host administratively prohibited"},
    {4, 3, 13, "communication administratively prohibited"},
    {6, 1, 0, "no route to destination"},
    {6, 1, 1, "administratively prohibited"},
    {6, 1, 2, "beyond the scope of the source address"},
    {6, 1, 3, "address unreachable"},
    {6, 1, 4, "port unreachable"},
    {6, 1, 5, "source address failed policy"},
    {6, 1, 6, "reject route"},
};

const char *icmp_words(unsigned family, unsigned type, unsigned code)
{
    for (size_t i = 0; i < sizeof icmp_table / sizeof *icmp_table; i++)
        if (icmp_table[i].family == family && icmp_table[i].type == type && icmp_table[i].code == code)
            return icmp_table[i].words;
    return "destination unreachable";
}
