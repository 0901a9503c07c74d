/* Writes TCP packets by hand, IPv4 and IPv6.
 *
 *   inject rst IFACE [OPTION=VALUE...]   on the path: sees what passes on IFACE, lets it pass, and adds forged resets
 *   inject syn SOURCE SERVER PORT        one bare SYN from PORT to the server's port 53; the kernel,
 *                                        which knows no such connection, resets the SYN-ACK
 *
 * The options of rst, what goes without saying first (a number alone is ttl=NUMBER):
 *   on=syn | synack | query    what draws resets; query: the first segment with payload to port 53
 *   to=client | server | both
 *   ttl=NUMBER (64)            of the resets; the hop limit in IPv6
 *      | copy                  the TTL with which this router sends on the packets of the one in whose name the reset
 *                              is: learnt from whatever of it passed on IFACE before, UDP too, but for resets.
 *                              Before anything passed nothing is forged.
 *      | mirror                the TTL of the packet that drew the reset, as it is seen on IFACE
 *   count=N (1)  gap=USEC (0)  so many resets, so far from each other
 *   delay=USEC (0)             before the first
 *   stride=N (0) | N,N,...     what the sequence number grows by from reset to reset; or, as a list, the offset of each
 *   seq=right | outside        outside: a gigabyte beyond, no receive window reaches there
 *   ack=right | wrong | none   none: without the ACK flag
 *   echo=no | yes              IP ID (there is none in IPv6) and window of the packet that drew the reset
 *   tsopt=no | jump            jump: a timestamp option whose value is far off
 *   flow=all | every-second | even | odd
 *                              every-second: the first connection, the third, ...; even, odd: by the client's port
 *   name=NAME                  for on=query: segments with a question for this name or one below it, first or not
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

enum { DNS = 53, TTL = 64, FIN = 0x01, SYN = 0x02, RST = 0x04, ACK = 0x10 };
enum { IP4 = 20, IP6 = 40, TCP = 20, STAMPS = 12, SEEN_MAX = 2048 };

/* ---------------------------------------------------------------- segments */

struct address {
    int six;
    unsigned char bytes[16]; /* the first 4 for IPv4 */
};

/* A TCP segment, read or to be written. All numbers are in host order. */
struct segment {
    struct address from, to;
    unsigned ttl, id, flags, window;
    unsigned source, dest;
    uint32_t seq, ack;
    int stamped, outgoing;
    uint32_t stamp, echoed;
    const unsigned char *payload;
    size_t length;
};

static unsigned get16(const unsigned char *b)
{
    return (unsigned)b[0] << 8 | b[1];
}

static uint32_t get32(const unsigned char *b)
{
    return (uint32_t)get16(b) << 16 | get16(b + 2);
}

static void put16(unsigned char *b, unsigned value)
{
    b[0] = (unsigned char)(value >> 8);
    b[1] = (unsigned char)value;
}

static void put32(unsigned char *b, uint32_t value)
{
    put16(b, value >> 16);
    put16(b + 2, value & 0xffff);
}

static size_t address_size(int six)
{
    return six ? 16 : 4;
}

static int same_address(const struct address *a, const struct address *b)
{
    return a->six == b->six && memcmp(a->bytes, b->bytes, address_size(a->six)) == 0;
}

static void read_stamps(const unsigned char *at, const unsigned char *end, struct segment *s)
{
    while (at < end && *at != 0) {
        size_t size = *at == 1 ? 1 : at + 1 < end ? at[1] : 0;
        if (size == 0 || size > (size_t)(end - at))
            return;
        if (*at == 8 && size == 10) {
            s->stamped = 1;
            s->stamp = get32(at + 2);
            s->echoed = get32(at + 6);
        }
        at += size;
    }
}

static int read_tcp(const unsigned char *tcp, size_t size, struct segment *s)
{
    size_t header = size < TCP ? 0 : (size_t)(tcp[12] >> 4) * 4;
    if (header < TCP || header > size)
        return 0;
    s->source = get16(tcp);
    s->dest = get16(tcp + 2);
    s->seq = get32(tcp + 4);
    s->ack = get32(tcp + 8);
    s->flags = tcp[13];
    s->window = get16(tcp + 14);
    read_stamps(tcp + TCP, tcp + header, s);
    s->payload = tcp + header;
    s->length = size - header;
    return 1;
}

/* What an IP header tells; where the transport begins and ends. The size of the packet may count the link's padding. */
static int read_ip(const unsigned char *ip, size_t size, struct segment *s, size_t *begin, size_t *end)
{
    int six = size >= IP4 && ip[0] >> 4 == 6;
    if (size < (six ? IP6 : IP4) || (!six && ip[0] >> 4 != 4))
        return 0;
    *begin = six ? IP6 : (size_t)(ip[0] & 15) * 4;
    *end = six ? IP6 + get16(ip + 4) : get16(ip + 2);
    s->from.six = s->to.six = six;
    memcpy(s->from.bytes, ip + (six ? 8 : 12), address_size(six));
    memcpy(s->to.bytes, ip + (six ? 24 : 16), address_size(six));
    s->ttl = six ? ip[7] : ip[8];
    s->id = six ? 0 : get16(ip + 4);
    return *end <= size && *begin <= *end;
}

static int is_tcp(const unsigned char *ip, int six)
{
    return (six ? ip[6] : ip[9]) == IPPROTO_TCP && (six || (get16(ip + 6) & 0x1fff) == 0);
}

static unsigned checksum(const unsigned char *ip, size_t begin, size_t end)
{
    size_t addresses = begin == IP6 ? 8 : 12; /* where they begin; the transport follows them */
    uint32_t sum = IPPROTO_TCP + (uint32_t)(end - begin);
    for (size_t i = addresses; i < end; i += 2)
        sum += get16(ip + i);
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

static size_t write_ip(unsigned char *ip, const struct segment *s, size_t transport)
{
    int six = s->from.six;
    ip[0] = six ? 0x60 : 0x45;
    put16(ip + (six ? 4 : 2), (unsigned)(six ? transport : IP4 + transport));
    ip[six ? 6 : 9] = IPPROTO_TCP;
    ip[six ? 7 : 8] = (unsigned char)s->ttl;
    if (!six)
        put16(ip + 4, s->id); /* the kernel replaces 0, and writes the header's checksum */
    memcpy(ip + (six ? 8 : 12), s->from.bytes, address_size(six));
    memcpy(ip + (six ? 24 : 16), s->to.bytes, address_size(six));
    return six ? IP6 : IP4;
}

static void write_tcp(unsigned char *tcp, const struct segment *s, size_t size)
{
    put16(tcp, s->source);
    put16(tcp + 2, s->dest);
    put32(tcp + 4, s->seq);
    put32(tcp + 8, s->ack);
    tcp[12] = (unsigned char)(size / 4 << 4);
    tcp[13] = (unsigned char)s->flags;
    put16(tcp + 14, s->window);
    if (s->stamped) {
        memcpy(tcp + TCP, "\1\1\10\12", 4);
        put32(tcp + TCP + 4, s->stamp);
        put32(tcp + TCP + 8, s->echoed);
    }
}

static void send_segment(const struct segment *s)
{
    static int raw[2] = {-1, -1};
    int six = s->from.six;
    size_t size = TCP + (s->stamped ? STAMPS : 0);
    unsigned char packet[IP6 + TCP + STAMPS] = {0};
    struct sockaddr_in to4 = {.sin_family = AF_INET};
    struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
    struct sockaddr *to = six ? (struct sockaddr *)&to6 : (struct sockaddr *)&to4;

    memcpy(six ? (void *)&to6.sin6_addr : (void *)&to4.sin_addr, s->to.bytes, address_size(six));
    size_t begin = write_ip(packet, s, size);
    write_tcp(packet + begin, s, size);
    put16(packet + begin + 16, checksum(packet, begin, begin + size));
    if (raw[six] < 0)
        raw[six] = socket(six ? AF_INET6 : AF_INET, SOCK_RAW, IPPROTO_RAW);
    if (raw[six] < 0 || sendto(raw[six], packet, begin + size, 0, to, six ? sizeof to6 : sizeof to4) < 0)
        perror("inject: raw socket");
}

/* ---------------------------------------------------------------- the options of rst */

enum { ON_SYN, ON_SYNACK, ON_QUERY };
enum { TO_CLIENT, TO_SERVER, TO_BOTH };
enum { TTL_COPY = -1, TTL_MIRROR = -2 };
enum { RIGHT, WRONG, NONE };
enum { FLOW_ALL, FLOW_EVERY_SECOND, FLOW_EVEN, FLOW_ODD };
enum { OFFSETS = 16, NAME_MAX_WIRE = 255 };
enum { FAR = 0x40000000, WRONG_BY = 1000 };

static int on = ON_SYN, to = TO_CLIENT, ttl = TTL, count = 1, gap, delay, seq = RIGHT, ack = RIGHT, echo, tsopt, flow;
static int offsets[OFFSETS], offset_count;
static unsigned char name[NAME_MAX_WIRE];
static size_t name_size;

static int take_number(const char *text, int *value)
{
    char *end;
    long number = strtol(text, &end, 10);
    *value = (int)number;
    return end != text && *end == '\0' && number >= 0 && number <= INT32_MAX;
}

static int take_stride(const char *text)
{
    char *end = (char *)(uintptr_t)text;
    for (offset_count = 0; offset_count < OFFSETS; text = end + 1) {
        offsets[offset_count++] = (int)strtol(text, &end, 10);
        if (end == text || *end != ',')
            break;
    }
    if (offset_count > 1)
        count = offset_count;
    return *end == '\0';
}

static int take_name(const char *text)
{
    while (*text != '\0') {
        size_t label = strcspn(text, ".");
        if (label == 0 || label > 63 || name_size + 1 + label >= sizeof name)
            return 0;
        name[name_size++] = (unsigned char)label;
        memcpy(name + name_size, text, label);
        name_size += label;
        text += label + (text[label] == '.');
    }
    name_size++; /* the root's label, which is 0 */
    return 1;
}

static int take_ttl(const char *text)
{
    ttl = strcmp(text, "copy") == 0 ? TTL_COPY : TTL_MIRROR;
    return ttl == TTL_COPY || strcmp(text, "mirror") == 0 || take_number(text, &ttl);
}

/* The value is the place among the words, or any number when there are none. */
static const struct option {
    const char *name;
    int *value;
    const char *words[5];
    int (*take)(const char *text);
} options[] = {
    {.name = "on", .value = &on, .words = {"syn", "synack", "query"}},
    {.name = "to", .value = &to, .words = {"client", "server", "both"}},
    {.name = "seq", .value = &seq, .words = {"right", "outside"}},
    {.name = "ack", .value = &ack, .words = {"right", "wrong", "none"}},
    {.name = "echo", .value = &echo, .words = {"no", "yes"}},
    {.name = "tsopt", .value = &tsopt, .words = {"no", "jump"}},
    {.name = "flow", .value = &flow, .words = {"all", "every-second", "even", "odd"}},
    {.name = "count", .value = &count},
    {.name = "gap", .value = &gap},
    {.name = "delay", .value = &delay},
    {.name = "ttl", .take = take_ttl},
    {.name = "stride", .take = take_stride},
    {.name = "name", .take = take_name},
};

static int take_value(const struct option *o, const char *text)
{
    if (o->take != NULL)
        return o->take(text);
    for (int i = 0; o->words[i] != NULL; i++) {
        if (strcmp(o->words[i], text) == 0) {
            *o->value = i;
            return 1;
        }
    }
    return o->words[0] == NULL && take_number(text, o->value);
}

static int take_option(const char *text)
{
    size_t length = strcspn(text, "=");
    if (text[length] == '\0')
        return take_number(text, &ttl);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (strlen(options[i].name) == length && memcmp(options[i].name, text, length) == 0)
            return take_value(&options[i], text + length + 1);
    return 0;
}

/* ---------------------------------------------------------------- what has passed before */

enum { MEMORY = 256 };

static struct {
    struct address who;
    unsigned ttl;
} hosts[MEMORY];
static unsigned host_count;

static struct {
    struct address client, server;
    unsigned port;
    uint32_t isn;
    unsigned number;
} flows[MEMORY];
static unsigned flow_count;

/* Which TTL the packets of a host leave with; 0: none has passed yet. */
static unsigned *ttl_of(const struct address *who)
{
    static unsigned nothing;
    for (unsigned i = 0; i < host_count && i < MEMORY; i++)
        if (same_address(&hosts[i].who, who))
            return &hosts[i].ttl;
    nothing = 0;
    return &nothing;
}

/* What arrives here loses 1 by being sent on. */
static void learn_ttl(const struct segment *s)
{
    unsigned *known = ttl_of(&s->from);
    if (*known == 0) {
        hosts[host_count % MEMORY].who = s->from;
        known = &hosts[host_count++ % MEMORY].ttl;
    }
    *known = s->outgoing ? s->ttl : s->ttl - 1;
}

/* The newest flow of these ends, or -1. */
static int find_flow(const struct address *client, unsigned port, const struct address *server)
{
    for (unsigned i = flow_count; i > 0 && flow_count - i < MEMORY; i--) {
        unsigned at = (i - 1) % MEMORY;
        if (flows[at].port == port && same_address(&flows[at].client, client) &&
            same_address(&flows[at].server, server))
            return (int)at;
    }
    return -1;
}

static void learn_flow(const struct segment *syn)
{
    int known = find_flow(&syn->from, syn->source, &syn->to);
    if (known >= 0 && flows[known].isn == syn->seq)
        return;
    unsigned at = flow_count % MEMORY;
    flows[at].client = syn->from;
    flows[at].server = syn->to;
    flows[at].port = syn->source;
    flows[at].isn = syn->seq;
    flows[at].number = flow_count++;
}

/* ---------------------------------------------------------------- resets */

static int is_syn(const struct segment *s)
{
    return s->dest == DNS && (s->flags & (SYN | ACK | RST)) == SYN;
}

static int is_synack(const struct segment *s)
{
    return s->source == DNS && (s->flags & (SYN | ACK | RST)) == (SYN | ACK);
}

static int has_name(const struct segment *s)
{
    for (size_t i = 0; i + name_size <= s->length; i++) {
        size_t same = 0;
        while (same < name_size && tolower(s->payload[i + same]) == tolower(name[same]))
            same++;
        if (same == name_size)
            return 1;
    }
    return 0;
}

static int is_query(const struct segment *s)
{
    if (s->dest != DNS || s->length == 0 || (s->flags & (SYN | RST)) != 0)
        return 0;
    if (name_size > 0)
        return has_name(s);
    int known = find_flow(&s->from, s->source, &s->to);
    return known < 0 || flows[known].isn + 1 == s->seq;
}

static int flow_meant(const struct segment *s)
{
    int answer = s->source == DNS;
    unsigned port = answer ? s->dest : s->source;
    int known = answer ? find_flow(&s->to, port, &s->from) : find_flow(&s->from, port, &s->to);
    switch (flow) {
    case FLOW_EVERY_SECOND:
        return known < 0 || flows[known].number % 2 == 0;
    case FLOW_EVEN:
        return port % 2 == 0;
    case FLOW_ODD:
        return port % 2 == 1;
    default:
        return 1;
    }
}

/* The reset in the name of the one whom the packet is for: what its own would be. */
static struct segment back(const struct segment *s)
{
    return (struct segment){
        .from = s->to,
        .to = s->from,
        .source = s->dest,
        .dest = s->source,
        .flags = RST | ACK,
        .seq = (s->flags & ACK) != 0 ? s->ack : 0,
        .ack = s->seq + (uint32_t)s->length + ((s->flags & SYN) != 0),
        .stamp = s->echoed,
        .echoed = s->stamp,
    };
}

/* The reset in the name of the one who wrote the packet: its next segment. After a SYN no ACK can be right. */
static struct segment onward(const struct segment *s)
{
    return (struct segment){
        .from = s->from,
        .to = s->to,
        .source = s->source,
        .dest = s->dest,
        .flags = RST | (s->flags & ACK),
        .seq = s->seq + (uint32_t)s->length + ((s->flags & SYN) != 0),
        .ack = s->ack,
        .stamp = s->stamp,
        .echoed = s->echoed,
    };
}

static int reset_ttl(const struct segment *cause, const struct segment *reset)
{
    if (ttl == TTL_MIRROR)
        return (int)cause->ttl;
    return ttl == TTL_COPY ? (int)*ttl_of(&reset->from) : ttl;
}

static void distort(const struct segment *cause, struct segment *reset)
{
    if (seq == WRONG)
        reset->seq += FAR;
    if (ack == WRONG)
        reset->ack += WRONG_BY;
    if (ack == NONE)
        reset->flags &= ~(unsigned)ACK;
    if ((reset->flags & ACK) == 0)
        reset->ack = 0;
    if (echo) {
        reset->id = cause->id;
        reset->window = cause->window;
    }
    reset->stamped = tsopt;
    reset->stamp += FAR;
}

static void rest(int usec)
{
    struct timespec t = {.tv_sec = usec / 1000000, .tv_nsec = usec % 1000000 * 1000L};
    if (usec > 0)
        nanosleep(&t, NULL);
}

static uint32_t offset_of(int number)
{
    if (offset_count > 1)
        return (uint32_t)offsets[number < offset_count ? number : offset_count - 1];
    return (uint32_t)(offset_count * offsets[0] * number);
}

static void forge(const struct segment *cause)
{
    int answer = cause->source == DNS;
    const int sides[2] = {answer ? TO_SERVER : TO_CLIENT, answer ? TO_CLIENT : TO_SERVER};
    struct segment resets[2] = {back(cause), onward(cause)};
    rest(delay);
    for (int number = 0; number < count; number++) {
        rest(number > 0 ? gap : 0);
        for (int i = 0; i < 2; i++) {
            struct segment reset = resets[i];
            if (to != sides[i] && to != TO_BOTH)
                continue;
            distort(cause, &reset);
            reset.seq += offset_of(number);
            reset.ttl = (unsigned)reset_ttl(cause, &reset);
            if (reset.ttl != 0)
                send_segment(&reset);
            else
                fprintf(stderr, "inject: no packet has shown the TTL to copy\n");
        }
    }
}

static void look_at(const unsigned char *ip, size_t size, int outgoing)
{
    static int (*const causes[])(const struct segment *) = {
        [ON_SYN] = is_syn, [ON_SYNACK] = is_synack, [ON_QUERY] = is_query};
    struct segment s = {.outgoing = outgoing};
    size_t begin, end;
    if (!read_ip(ip, size, &s, &begin, &end))
        return;
    int tcp = is_tcp(ip, s.from.six) && read_tcp(ip + begin, end - begin, &s);
    if (!tcp || (s.flags & RST) == 0) /* those this program writes pass here, too */
        learn_ttl(&s);
    if (!tcp)
        return;
    if (is_syn(&s))
        learn_flow(&s);
    if (causes[on](&s) && flow_meant(&s))
        forge(&s);
}

static int reset_all(const char *interface)
{
    int tap = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
    struct sockaddr_ll where = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(interface)};
    if (tap < 0 || where.sll_ifindex == 0 || bind(tap, (struct sockaddr *)&where, sizeof where) != 0) {
        perror("inject: packet socket");
        return 1;
    }
    for (;;) {
        static unsigned char seen[SEEN_MAX];
        struct sockaddr_ll who;
        socklen_t size = sizeof who;
        ssize_t n = recvfrom(tap, seen, sizeof seen, 0, (struct sockaddr *)&who, &size);
        if (n > 0 && (who.sll_protocol == htons(ETH_P_IP) || who.sll_protocol == htons(ETH_P_IPV6)))
            look_at(seen, (size_t)n, who.sll_pkttype == PACKET_OUTGOING);
    }
}

/* ---------------------------------------------------------------- the commands */

static int take_address(const char *text, struct address *a)
{
    a->six = strchr(text, ':') != NULL;
    return inet_pton(a->six ? AF_INET6 : AF_INET, text, a->bytes) == 1;
}

static int send_syn(char **words)
{
    struct segment syn = {.ttl = TTL, .dest = DNS, .flags = SYN, .window = 1024};
    int port;
    if (!take_address(words[0], &syn.from) || !take_address(words[1], &syn.to) || syn.from.six != syn.to.six ||
        !take_number(words[2], &port))
        return 2;
    syn.source = (unsigned)port;
    syn.seq = 0x53000000U + syn.source;
    send_segment(&syn);
    return 0;
}

static int send_resets(int words, char **word)
{
    for (int i = 1; i < words; i++) {
        if (!take_option(word[i])) {
            fprintf(stderr, "inject: %s?\n", word[i]);
            return 2;
        }
    }
    /* Before all else on a busy machine: a forger is quick. Where that is not allowed, without. */
    sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
    return reset_all(word[0]);
}

int main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "rst") == 0)
        return send_resets(argc - 2, argv + 2);
    if (argc == 5 && strcmp(argv[1], "syn") == 0)
        return send_syn(argv + 2);
    fprintf(stderr, "usage: inject rst IFACE [OPTION=VALUE...] | inject syn SOURCE SERVER PORT\n");
    return 2;
}
