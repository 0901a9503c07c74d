/*
 * How it works: the same is said once for each place where an IP header may stand. Directly behind the link's own header
 * `ip` and `ip6` know where that is, for any link type; on Ethernet, tags and PPPoE move it to places that are counted
 * from the beginning of the frame. The words `vlan` and `pppoes` would not do: each moves the offsets of all that follows
 * it, so that the two exclude one another, and on a live capture `vlan` asks the kernel for the tag that it took out of
 * the frame. Without them one expression serves a live frame, which lacks its outer tag, and a saved one.
 */
#include "capture/passes.h"

#include "dissect/frame.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct ports {
    const uint16_t *list;
    unsigned count;
};

/* A place: what tells that it is one, that the header there is of either version, and how to name its bytes. */
#define TAG(at) "(ether[" at ":2] = 0x8100 or ether[" at ":2] = 0x88a8 or ether[" at ":2] = 0x9100)"
#define SESSION(at, kind) "ether[" at ":2] = 0x8864 and ether[" kind ":2] = 0x1100" /* RFC 2516 */
#define ETHERTYPES(at) "ether[" at ":2] = 0x0800", "ether[" at ":2] = 0x86dd"
#define PPP_PROTOCOLS(at) "ether[" at ":2] = 0x0021", "ether[" at ":2] = 0x0057"
static const struct place {
    const char *condition, *is_ipv4, *is_ipv6, *ipv4, *ipv6;
    unsigned at;
} direct = {NULL, "ip", "ip6", "ip", "ip6", 0},
  places[] = {
      {TAG("12"), ETHERTYPES("16"), "ether", "ether", 18},
      {TAG("12") " and " TAG("16"), ETHERTYPES("20"), "ether", "ether", 22},
      {SESSION("12", "14"), PPP_PROTOCOLS("20"), "ether", "ether", 22},
      {TAG("12") " and " SESSION("16", "18"), PPP_PROTOCOLS("24"), "ether", "ether", 26},
};
#undef TAG
#undef SESSION
#undef ETHERTYPES
#undef PPP_PROTOCOLS

/* RFC 792; 4 is deprecated by RFC 6633, yet sent. */
static const unsigned icmp_errors[] = {3, 4, 5, 11, 12};
/* https://www.iana.org/assignments/ipv6-parameters: what may stand before a transport header, or before a part of it. */
static const unsigned extensions[] = {0, 43, 44, 51, 60, 135, 139, 140};
enum { TCP = 6, UDP = 17, ICMP = 1, ICMPV6 = 58, ICMPV6_INFORMATION = 128 /* RFC 4443 2.1 */ };

/* "(BYTE = 3 or BYTE = 4)" */
static void write_one_of(FILE *out, const char *byte, const unsigned *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%s = %u", i ? " or " : "(", byte, values[i]);
    fprintf(out, ")");
}

/* A port of either side; `header` and `start` name the beginning of the transport header. */
static void write_ports(FILE *out, const char *header, const char *start, const struct ports *ports)
{
    for (unsigned i = 0; i < ports->count; i++)
        fprintf(out, "%s%s[%s:2] = %" PRIu16 " or %s[%s + 2:2] = %" PRIu16, i ? " or " : "(", header, start,
                ports->list[i], header, start, ports->list[i]);
    fprintf(out, ")");
}

/* Of later fragments the ports are not known; those of the protocols in question are all wanted. */
static void write_ipv4(FILE *out, const struct place *place, const struct ports *ports)
{
    char protocol[16], start[48], icmp_type[64];
    snprintf(protocol, sizeof protocol, "%s[%u]", place->ipv4, place->at + 9);
    snprintf(start, sizeof start, "%u + ((%s[%u] & 15) << 2)", place->at, place->ipv4, place->at);
    snprintf(icmp_type, sizeof icmp_type, "%s[%s]", place->ipv4, start);
    fprintf(out, "(%s and (((%s = %d or %s = %d) and (%s[%u:2] & 0x1fff != 0 or ", place->is_ipv4, protocol, TCP,
            protocol, UDP, place->ipv4, place->at + 6);
    write_ports(out, place->ipv4, start, ports);
    fprintf(out, ")) or (%s = %d and (%s[%u:2] & 0x1fff != 0 or ", protocol, ICMP, place->ipv4, place->at + 6);
    write_one_of(out, icmp_type, icmp_errors, sizeof icmp_errors / sizeof *icmp_errors);
    fprintf(out, "))))");
}

/* Where ports are behind an extension header there is no telling; all of these are wanted. */
static void write_ipv6(FILE *out, const struct place *place, const struct ports *ports)
{
    char next[16], start[16];
    snprintf(next, sizeof next, "%s[%u]", place->ipv6, place->at + 6);
    snprintf(start, sizeof start, "%u", place->at + 40);
    fprintf(out, "(%s and (((%s = %d or %s = %d) and ", place->is_ipv6, next, TCP, next, UDP);
    write_ports(out, place->ipv6, start, ports);
    fprintf(out, ") or (%s = %d and %s[%s] < %d) or ", next, ICMPV6, place->ipv6, start, ICMPV6_INFORMATION);
    write_one_of(out, next, extensions, sizeof extensions / sizeof *extensions);
    fprintf(out, "))");
}

static void write_place(FILE *out, const struct place *place, const struct ports *ports)
{
    if (place->condition)
        fprintf(out, " or (%s and ", place->condition);
    fprintf(out, "(");
    write_ipv4(out, place, ports);
    fprintf(out, " or ");
    write_ipv6(out, place, ports);
    fprintf(out, place->condition ? "))" : ")");
}

char *passes_expression(int link_type, const uint16_t *ports, unsigned count)
{
    static const uint16_t dns[] = {53};
    const struct ports wanted = {count > 0 ? ports : dns, count > 0 ? count : 1};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    write_place(out, &direct, &wanted);
    for (size_t i = 0; link_type == LINK_ETHERNET && i < sizeof places / sizeof *places; i++)
        write_place(out, &places[i], &wanted);
    if (link_type == LINK_LINUX_SLL || link_type == LINK_LINUX_SLL2) /* what is behind the tag cannot be said there */
        fprintf(out, " or ether proto 0x8100 or ether proto 0x88a8");
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
