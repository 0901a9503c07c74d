/* What the kernel's filter lets pass: built frames of each form and link type, and every frame of the samples. */
#include "capture/passes.h"

#include "dissect/tunnel.h"
#include "tests/unit/wire.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

enum { SNAPLEN = 262144, INSTRUCTIONS_MOST = 4096 /* BPF_MAXINSNS of linux/bpf_common.h */ };

static struct bpf_program program_of(int link_type, const uint16_t *ports, unsigned count)
{
    struct bpf_program program;
    char *expression = passes_expression(link_type, ports, count);
    pcap_t *pcap = pcap_open_dead(link_type, SNAPLEN);
    cr_assert(expression && pcap);
    cr_assert_eq(pcap_compile(pcap, &program, expression, 1, PCAP_NETMASK_UNKNOWN), 0, "link type %d: %s: %s",
                 link_type, pcap_geterr(pcap), expression);
    pcap_close(pcap);
    free(expression);
    return program;
}

static bool passes(const struct bpf_program *program, const void *bytes, size_t length)
{
    const struct pcap_pkthdr header = {.caplen = (bpf_u_int32)length, .len = (bpf_u_int32)length};
    return pcap_offline_filter(program, &header, bytes) != 0;
}

Test(passes, compiles_for_each_link_type)
{
    static const int link_types[] = {DLT_EN10MB,     DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW,
                                     DLT_PPP,        DLT_NULL,      DLT_LOOP,       DLT_PPP_SERIAL,
                                     DLT_IEEE802_11, DLT_C_HDLC,    DLT_IPV4,       DLT_IEEE802_11_RADIO,
                                     DLT_PPP_ETHER};
    static const uint16_t ports[] = {53, 853, 5353, 8853, 1053, 2053, 3053, 65535};
    for (size_t i = 0; i < sizeof link_types / sizeof *link_types; i++)
        for (unsigned count = 0; count <= 8; count++) {
            struct bpf_program program = program_of(link_types[i], ports, count);
            cr_expect_lt(program.bf_len, INSTRUCTIONS_MOST, "link type %d, %u ports", link_types[i], count);
            pcap_freecode(&program);
        }
}

/* Where an IP header may stand. */
#define MACS "020000000001 020000000002"
static const struct place {
    const char *name;
    int link_type;
    const char *header;
} places[] = {
    {"Ethernet", DLT_EN10MB, MACS "E"},
    {"one 802.1Q tag", DLT_EN10MB, MACS "8100 0064 E"},
    {"one 802.1ad tag", DLT_EN10MB, MACS "88a8 0064 E"},
    {"802.1ad outside, 802.1Q inside", DLT_EN10MB, MACS "88a8 0064 8100 00c8 E"},
    {"two 802.1Q tags", DLT_EN10MB, MACS "8100 0064 8100 00c8 E"},
    {"old double tag", DLT_EN10MB, MACS "9100 0064 8100 00c8 E"},
    {"PPPoE", DLT_EN10MB, MACS "8864 11 00 0001 S P"},
    {"PPPoE in a tag", DLT_EN10MB, MACS "8100 0007 8864 11 00 0001 S P"},
    {"cooked", DLT_LINUX_SLL, "0000 0001 0006 020000000002 0000 E"},
    {"cooked 2", DLT_LINUX_SLL2, "E 0000 00000002 0001 00 06 020000000002 0000"},
    {"raw", DLT_RAW, ""},
    {"PPP", DLT_PPP, "ff03 P"},
    {"PPP in HDLC", DLT_PPP_SERIAL, "ff03 P"},
};
enum { PLACES = sizeof places / sizeof *places };

/* Packets, by their IPv4 or IPv6 header's protocol and what matters behind it. */
static const struct row {
    const char *name;
    bool v6;
    uint8_t protocol;
    uint16_t from, to; /* ports */
    uint8_t icmp_type;
    uint16_t fragment; /* the field of the IPv4 header */
    uint8_t option_bytes;
    bool wanted;
} rows[] = {
    {"TCP to 53", false, 6, 40000, 53, 0, 0, 0, true},
    {"TCP from 53", false, 6, 53, 40000, 0, 0, 0, true},
    {"TCP to 80", false, 6, 40000, 80, 0, 0, 0, false},
    {"TCP from 53 and 53's other byte", false, 6, 0x3500, 0x3500, 0, 0, 0, false},
    {"UDP to 53", false, 17, 40000, 53, 0, 0, 0, true},
    {"UDP from 53", false, 17, 53, 40000, 0, 0, 0, true},
    {"UDP to 123", false, 17, 123, 123, 0, 0, 0, false},
    {"TCP to 53, not to be fragmented", false, 6, 40000, 53, 0, 0x4000, 0, true},
    {"TCP to 80, not to be fragmented", false, 6, 40000, 80, 0, 0x4000, 0, false},
    {"TCP to 53 behind IP options", false, 6, 40000, 53, 0, 0, 12, true},
    {"TCP from 53 behind all IP options", false, 6, 53, 40000, 0, 0, 40, true},
    {"TCP to 80 behind IP options", false, 6, 40000, 80, 0, 0, 12, false},
    {"ESP", false, 50, 0, 53, 0, 0, 0, false},
    {"echo request", false, 1, 0, 0, 8, 0, 0, false},
    {"echo reply", false, 1, 0, 0, 0, 0, 0, false},
    {"unreachable", false, 1, 0, 0, 3, 0, 0, true},
    {"source quench", false, 1, 0, 0, 4, 0, 0, true},
    {"redirect", false, 1, 0, 0, 5, 0, 0, true},
    {"time exceeded", false, 1, 0, 0, 11, 0, 0, true},
    {"parameter problem", false, 1, 0, 0, 12, 0, 0, true},
    {"unreachable behind IP options", false, 1, 0, 0, 3, 0, 8, true},
    {"timestamp request", false, 1, 0, 0, 13, 0, 0, false},
    {"first fragment to 53", false, 17, 40000, 53, 0, 0x2000, 0, true},
    {"first fragment to 80", false, 17, 40000, 80, 0, 0x2000, 0, false},
    {"a later fragment of UDP", false, 17, 1, 1, 0, 0x2001, 0, true},
    {"the last fragment of TCP", false, 6, 1, 1, 0, 0x1fff, 0, true},
    {"a later fragment of ICMP", false, 1, 0, 0, 8, 0x00b9, 0, true},
    {"a later fragment of ESP", false, 50, 1, 1, 0, 0x2001, 0, false},
    {"TCP to 53 in IPv6", true, 6, 40000, 53, 0, 0, 0, true},
    {"TCP from 53 in IPv6", true, 6, 53, 40000, 0, 0, 0, true},
    {"TCP to 80 in IPv6", true, 6, 40000, 80, 0, 0, 0, false},
    {"UDP to 53 in IPv6", true, 17, 40000, 53, 0, 0, 0, true},
    {"UDP to 123 in IPv6", true, 17, 123, 123, 0, 0, 0, false},
    {"unreachable in IPv6", true, 58, 0, 0, 1, 0, 0, true},
    {"too big", true, 58, 0, 0, 2, 0, 0, true},
    {"any error", true, 58, 0, 0, 127, 0, 0, true},
    {"echo request in IPv6", true, 58, 0, 0, 128, 0, 0, false},
    {"neighbour solicitation", true, 58, 0, 0, 135, 0, 0, false},
    {"hop-by-hop options", true, 0, 0, 0, 0, 0, 0, true},
    {"a routing header", true, 43, 0, 0, 0, 0, 0, true},
    {"a fragment header", true, 44, 0, 0, 0, 0, 0, true},
    {"an authentication header", true, 51, 0, 0, 0, 0, 0, true},
    {"destination options", true, 60, 0, 0, 0, 0, 0, true},
    {"mobility", true, 135, 0, 0, 0, 0, 0, true},
    {"HIP", true, 139, 0, 0, 0, 0, 0, true},
    {"Shim6", true, 140, 0, 0, 0, 0, 0, true},
    {"ESP in IPv6", true, 50, 0, 53, 0, 0, 0, false},
    {"no next header", true, 59, 0, 53, 0, 0, 0, false},
};

/* IP options are written by nobody else: no-operations (RFC 791) behind the first 20 bytes. */
static void add_options(struct wire *wire, size_t ip_at, size_t count)
{
    uint8_t *ip = wire->bytes + ip_at;
    memmove(ip + 20 + count, ip + 20, wire->length - ip_at - 20);
    memset(ip + 20, 1, count);
    ip[0] = (uint8_t)(0x45 + count / 4);
    wire->length += count;
}

static void compose(struct wire *wire, const struct place *place, const struct row *row)
{
    static const uint8_t payload[32] = {6}; /* a small extension header, or nothing in particular */
    const struct wire_packet packet = {
        .source = wire_addr(row->v6 ? "2001:db8::1" : "192.0.2.1"),
        .target = wire_addr(row->v6 ? "2001:db8::2" : "198.51.100.53"),
        .source_port = row->from,
        .target_port = row->to,
        .protocol = row->protocol,
        .icmp_type = row->icmp_type,
        .payload = payload,
        .payload_bytes = sizeof payload,
    };
    struct wire bare = {.length = 0};
    wire_packet(&bare, &packet);
    wire->length = 0;
    wire_behind(wire, place->header, &packet);
    size_t ip_at = wire->length - bare.length;
    if (row->v6) {
        wire->bytes[ip_at + 6] = row->protocol; /* 0 is none to wire_packet() */
        return;
    }
    wire->bytes[ip_at + 6] = (uint8_t)(row->fragment >> 8);
    wire->bytes[ip_at + 7] = (uint8_t)row->fragment;
    if (row->option_bytes)
        add_options(wire, ip_at, row->option_bytes);
}

/* Each form in each place, by the filter for those ports. */
static void expect_rows(const uint16_t *ports, unsigned port_count, const struct row *list, size_t count)
{
    static struct wire wire;
    for (size_t i = 0; i < PLACES; i++) {
        struct bpf_program program = program_of(places[i].link_type, ports, port_count);
        for (size_t k = 0; k < count; k++) {
            compose(&wire, &places[i], &list[k]);
            cr_expect_eq(passes(&program, wire.bytes, wire.length), list[k].wanted, "%s: %s", places[i].name,
                         list[k].name);
        }
        pcap_freecode(&program);
    }
}

Test(passes, each_form_in_each_place)
{
    expect_rows(NULL, 0, rows, sizeof rows / sizeof *rows);
}

Test(passes, ports_that_are_asked_for)
{
    static const uint16_t ports[] = {853, 5353};
    static const struct row others[] = {
        {"TCP to 853", false, 6, 40000, 853, 0, 0, 0, true},
        {"UDP from 5353 in IPv6", true, 17, 5353, 40000, 0, 0, 0, true},
        {"TCP to 53", false, 6, 40000, 53, 0, 0, 0, false},
        {"TCP to 53 in IPv6", true, 6, 40000, 53, 0, 0, 0, false},
        {"unreachable", false, 1, 0, 0, 3, 0, 0, true},
    };
    expect_rows(ports, 2, others, sizeof others / sizeof *others);
}

Test(passes, what_is_not_ip)
{
    static const struct place strangers[] = {
        {"ARP", DLT_EN10MB, MACS "0806"},
        {"ARP in a tag", DLT_EN10MB, MACS "8100 0064 0806"},
        {"LLDP", DLT_EN10MB, MACS "88cc"},
        {"three tags", DLT_EN10MB, MACS "8100 0001 8100 0002 8100 0003 E"},
        {"PPPoE discovery", DLT_EN10MB, MACS "8863 11 09 0000 S P"},
        {"PPPoE, link control", DLT_EN10MB, MACS "8864 11 00 0001 S c021"},
        {"ARP, cooked", DLT_LINUX_SLL, "0000 0001 0006 020000000002 0000 0806"},
        {"ARP, cooked 2", DLT_LINUX_SLL2, "0806 0000 00000002 0001 00 06 020000000002 0000"},
    };
    static struct wire wire;
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        struct bpf_program program = program_of(strangers[i].link_type, NULL, 0);
        compose(&wire, &strangers[i], &rows[0]);
        cr_expect_not(passes(&program, wire.bytes, wire.length), "%s", strangers[i].name);
        pcap_freecode(&program);
    }
}

/* Behind a cooked header a tag passes as it is, whatever it holds. */
Test(passes, a_tag_on_a_cooked_device)
{
    static const struct place cooked[] = {
        {"802.1Q", DLT_LINUX_SLL, "0000 0001 0006 020000000002 0000 8100 0064 E"},
        {"802.1ad", DLT_LINUX_SLL, "0000 0001 0006 020000000002 0000 88a8 0064 E"},
        {"802.1Q, cooked 2", DLT_LINUX_SLL2, "8100 0000 00000002 0001 00 06 020000000002 0000 0064 E"},
    };
    static struct wire wire;
    for (size_t i = 0; i < sizeof cooked / sizeof *cooked; i++) {
        struct bpf_program program = program_of(cooked[i].link_type, NULL, 0);
        compose(&wire, &cooked[i], &rows[0]);
        cr_expect(passes(&program, wire.bytes, wire.length), "%s", cooked[i].name);
        pcap_freecode(&program);
    }
}

/* Frames that the parser finds to be of DNS, in a tunnel that the filter looks into or none. */
static bool is_wanted(const struct frame *frame)
{
    struct packet packet;
    enum packet_status status = packet_parse(&packet, frame);
    if (status != PACKET_OK || packet.tunnels & ~(1u << TUNNEL_PPPOE))
        return false;
    if (packet.protocol == PROTOCOL_TCP || packet.protocol == PROTOCOL_UDP)
        return packet.source_port == 53 || packet.target_port == 53;
    return packet_is_icmp_error(&packet);
}

static uint64_t check_sample(const char *path)
{
    char why[PCAP_ERRBUF_SIZE];
    pcap_t *pcap = pcap_open_offline(path, why);
    cr_assert_not_null(pcap, "%s", why);
    int link_type = pcap_datalink(pcap);
    struct bpf_program program = program_of(link_type, NULL, 0);
    struct pcap_pkthdr *header;
    const uint8_t *bytes;
    uint64_t wanted = 0;
    for (unsigned number = 1; pcap_next_ex(pcap, &header, &bytes) == 1; number++) {
        const struct frame frame = {
            .data = bytes, .captured = header->caplen, .declared = header->len, .link_type = link_type};
        if (!is_wanted(&frame))
            continue;
        wanted++;
        cr_expect(pcap_offline_filter(&program, header, bytes), "%s: frame %u", path, number);
    }
    pcap_freecode(&program);
    pcap_close(pcap);
    return wanted;
}

Test(passes, every_dns_frame_of_the_samples)
{
    glob_t found;
    cr_assert_eq(glob("samples/*.pcap", 0, NULL, &found), 0);
    uint64_t wanted = 0;
    for (size_t i = 0; i < found.gl_pathc; i++)
        wanted += check_sample(found.gl_pathv[i]);
    globfree(&found);
    cr_expect_gt(wanted, 1000);
}
