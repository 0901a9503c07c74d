#include "report/phrase_path.h"

#include "report/seen.h"

#include "report/located.h"

#include <assert.h>

static void write_address(FILE *out, struct addr address)
{
    char text[ADDR_TEXT];
    fputs(addr_text(address, text), out);
}

static struct located located(const struct rule_case *c)
{
    return located_of(c->path, &c->ending->end, c->flow);
}

bool phrase_is_located(const struct rule_case *c)
{
    struct located at = located(c);
    return located_before_server(c->path, &at);
}

/* "hop 2 (198.18.0.2)" */
static void write_hop(FILE *out, const struct path *path, unsigned hop)
{
    struct addr address = path && hop > 0 && hop <= PATH_HOPS ? path_hop(path, hop) : (struct addr){{0, 0}};
    fprintf(out, "hop %u", hop);
    if (addr_is_none(address))
        return;
    fputs(" (", out);
    write_address(out, address);
    putc(')', out);
}

/* The hop that makes what ends the connections, or the two between which it may be. */
static void write_box(FILE *out, const struct path *path, const struct located *at)
{
    if (at->box > 0 || at->ttl < 2) {
        write_hop(out, path, at->box ? at->box : at->ttl);
        return;
    }
    write_hop(out, path, at->ttl - 1);
    fputs(" or ", out);
    write_hop(out, path, at->ttl);
}

void phrase_path_way(FILE *out, const struct rule_case *c)
{
    fputs(located(c).way == PATH_QUERY ? "query over TCP" : "SYN", out);
}

void phrase_path_ttl(FILE *out, const struct rule_case *c)
{
    fprintf(out, "hop %u", located(c).ttl);
}

void phrase_path_reach(FILE *out, const struct rule_case *c)
{
    write_hop(out, c->path, located(c).ttl);
}

void phrase_path_before(FILE *out, const struct rule_case *c)
{
    unsigned ttl = located(c).ttl;
    write_hop(out, c->path, ttl > 0 ? ttl - 1 : 0);
}

void phrase_path_alive(FILE *out, const struct rule_case *c)
{
    write_hop(out, c->path, located(c).alive);
}

void phrase_path_reply(FILE *out, const struct rule_case *c)
{
    static const char *const replies[] = {
        [PATH_SILENT] = "met silence",    [PATH_EXCEEDED] = "ended there", [PATH_ICMP] = "got an ICMP error",
        [PATH_RESET] = "was reset",       [PATH_CLOSED] = "was closed",    [PATH_ACCEPTED] = "was accepted",
        [PATH_ANSWERED] = "was answered",
    };
    static_assert(sizeof replies / sizeof *replies == PATH_REPLIES, "each reply has its words");
    fputs(replies[located(c).reply], out);
}

void phrase_path_server(FILE *out, const struct rule_case *c)
{
    struct located at = located(c), handshake = located_handshake(c->path);
    if (located_within(&at))
        fprintf(out, "hop %u", at.accepted);
    else if (handshake.server > 0)
        fprintf(out, "hop %u", handshake.server);
    else
        fprintf(out, "farther than hop %u", handshake.server_least > 0 ? handshake.server_least - 1 : 0);
}

void phrase_path_box(FILE *out, const struct rule_case *c)
{
    struct located at = located(c), both = at;
    both.box = seen_icmp(c) ? at.box : 0;
    write_box(out, c->path, &both);
    if (at.ttl < 2 || both.box > 0)
        return;
    if (at.box > 0)
        fprintf(out, ", by its TTL hop %u", at.box); /* who forges packets chooses that */
    else
        fputs(", or something between these", out);
}

void phrase_handshake_reach(FILE *out, const struct rule_case *c)
{
    write_hop(out, c->path, located_handshake(c->path).ttl);
}

/* Where the box is, as far as its packets or a path tell. */
void phrase_between(FILE *out, const struct rule_case *c)
{
    struct located at = located(c);
    if (!phrase_is_located(c)) {
        fputs("between", out);
        return;
    }
    fputs("at ", out);
    write_box(out, c->path, &at);
}
