#include "report/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const char *words_time(int64_t time_ns, char *text)
{
    int64_t second = time_ns / FLOW_SECOND_NS, rest = time_ns % FLOW_SECOND_NS;
    if (rest < 0) {
        rest += FLOW_SECOND_NS;
        second--;
    }
    time_t seconds = (time_t)second;
    struct tm utc = {0};
    gmtime_r(&seconds, &utc);
    size_t length = strftime(text, WORDS_TIME, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + length, WORDS_TIME - length, ".%09dZ", (int)rest);
    return text;
}

const char *words_endpoint(struct addr address, uint16_t port, char *text)
{
    char ip[ADDR_TEXT];
    bool v4 = addr_is_v4(address);
    snprintf(text, WORDS_ENDPOINT, v4 ? "%s:%u" : "[%s]:%u", addr_text(address, ip), (unsigned)port);
    return text;
}

/* Bytes of the UTF-8 character at `at` (RFC 3629, 4), 0 when there is none. A NUL ends every reading early. */
static size_t utf8_length(const unsigned char *at)
{
    static const struct {
        unsigned char first_least, first_most, second_least, second_most;
        size_t length;
    } forms[] = {
        {0x20, 0x7e, 0, 0, 1},       {0xc2, 0xc2, 0xa0, 0xbf, 2}, {0xc3, 0xdf, 0x80, 0xbf, 2},
        {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
        {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
        {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (at[0] < forms[i].first_least || at[0] > forms[i].first_most)
            continue;
        if (forms[i].length > 1 && (at[1] < forms[i].second_least || at[1] > forms[i].second_most))
            return 0;
        for (size_t j = 2; j < forms[i].length; j++)
            if (at[j] < 0x80 || at[j] > 0xbf)
                return 0;
        return forms[i].length;
    }
    return 0;
}

char *words_utf8(const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd";
    char *copy = malloc(strlen(text) * 3 + 1), *to = copy;
    if (!copy)
        return NULL;
    for (const char *from = text; *from;) {
        bool keep = *from == '\n' || *from == '\t';
        size_t length = keep ? 1 : utf8_length((const unsigned char *)from);
        memcpy(to, length ? from : replacement, length ? length : 3);
        to += length ? length : 3;
        from += length ? length : 1;
    }
    *to = '\0';
    return copy;
}

char *words_format(const char *pattern, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, pattern);
    if (vasprintf(&text, pattern, arguments) < 0)
        text = NULL;
    va_end(arguments);
    return text;
}

const char *words_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

#define AT(field) offsetof(struct analysis_counters, field)

/* Without a warning: what is no loss, and what the report's weaknesses tell already. */
static const struct words_counter table[] = {
    {"frames", NULL, AT(frames)},
    {"decoded", NULL, AT(statuses[PACKET_OK])},
    {"truncated", "frames were cut too short by the capture to be read (take it with a larger snapshot length)",
     AT(statuses[PACKET_SHORT])},
    {"malformed", NULL, AT(statuses[PACKET_BAD])},
    {"fragments", NULL, AT(statuses[PACKET_FRAGMENT])},
    {"datagrams_reassembled", NULL, AT(fragments.reassembled)},
    {"fragments_overlapping", "fragmented packets were refused, because their fragments contradict one another",
     AT(fragments.overlapping)},
    {"fragments_incomplete",
     "fragmented packets are not whole in the capture: a filter by port takes first fragments only. This takes the "
     "rest:\n"
     "\ttcpdump -n -i any -w tcp53.pcap 'port 53 or icmp or icmp6 or ip[6:2] & 0x1fff != 0 or ip6 proto 44'",
     AT(fragments.incomplete)},
    {"fragments_evicted", "of them were given up early, because too many were incomplete at a time",
     AT(fragments.evicted)},
    {"foreign", NULL, AT(statuses[PACKET_FOREIGN])},
    {"unknown_link_type", "frames have a link type that is not supported", AT(statuses[PACKET_LINK_UNKNOWN])},
    {"tcp", NULL, AT(tcp)},
    {"udp", NULL, AT(udp)},
    {"icmp", NULL, AT(icmp)},
    {"from_servers", NULL, AT(from_servers)},
    {"cut", NULL, AT(cut)},
    {"icmp_cut", NULL, AT(icmp_cut)},
    {"merged", NULL, AT(merged)},
    {"tunnelled", NULL, AT(tunnelled_packets)},
    {"flows", NULL, AT(flows.flows)},
    {"gaps", NULL, AT(flows.gaps)},
    {"evicted", NULL, AT(flows.evicted)},
    {"copies", NULL, AT(flows.copies)},
    {"strays", "TCP packets belong to flows whose beginning was not captured", AT(flows.strays)},
    {"icmp_unmatched", NULL, AT(flows.icmp_unmatched)},
    {"streams_lost", NULL, AT(flows.streams_lost)},
    {"udp_questions", NULL, AT(exchanges.questions)},
    {"udp_answers", NULL, AT(exchanges.answers)},
    {"udp_unpaired", NULL, AT(exchanges.unpaired)},
    {"udp_malformed", "UDP packets of the DNS port are not DNS", AT(exchanges.malformed)},
    {"udp_evicted", "UDP questions were forgotten, because too many were under way at a time", AT(exchanges.evicted)},
    {"servers_untracked", NULL, AT(refused.servers)},
    {"servers_evicted", "servers were forgotten for lack of room", AT(refused.servers_evicted)},
    {"clients_untracked", "times a client was left out for lack of room", AT(refused.clients)},
    {"lost_lookups_untracked", "lost lookups are not listed for lack of room", AT(refused.lost_lookups)},
    {"exemplars_untracked", "times no timeline was kept for lack of room", AT(refused.exemplars)},
};

#undef AT

size_t words_counters(const struct words_counter **counters)
{
    *counters = table;
    return sizeof table / sizeof *table;
}

uint64_t words_counter(const struct analysis_counters *counters, const struct words_counter *counter)
{
    uint64_t value;
    memcpy(&value, (const char *)counters + counter->offset, sizeof value);
    return value;
}
