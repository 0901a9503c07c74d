#include "report/timeline.h"

#include "report/compared.h"
#include "report/phrase.h"
#include "report/words.h"

#include <stdarg.h>

/* Adds to a text of parts, behind a separator if there is something already; what does not fit is cut. */
__attribute__((format(printf, 4, 5))) static void add(char *text, size_t size, const char *separator,
                                                      const char *format, ...)
{
    size_t length = strlen(text);
    if (length > 0 && length + strlen(separator) < size) {
        memcpy(text + length, separator, strlen(separator) + 1);
        length += strlen(separator);
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, size - length, format, arguments);
    va_end(arguments);
}

/* What no packet was seen of has the number 0. */
static bool same_frame(struct frame_ref a, struct frame_ref b)
{
    return a.number != 0 && a.number == b.number && a.input == b.input;
}

static bool is_decisive(const struct flow_record *record, const struct sighting *sighting)
{
    if (record->decisive >= record->timeline_count)
        return false;
    const struct sighting *decisive = &record->timeline[record->decisive];
    return sighting == decisive || same_frame(decisive->ref, sighting->ref);
}

/* ICMP errors and what comes in the server's name are measured; the client's packets have no ruler. */
static void note_distance(struct timeline_line *line, const struct report_server *server, bool decisive)
{
    struct reading reading = ruler_read(&server->ruler, server->facts, line->ttl);
    const char *plural = words_plural(reading.gap);
    switch (reading.relation) {
    case RELATION_NEARER:
        add(line->note, sizeof line->note, "; ", "%u hop%s nearer than the server", reading.gap, plural);
        break;
    case RELATION_FARTHER:
        add(line->note, sizeof line->note, "; ", "%u hop%s farther than the server", reading.gap, plural);
        break;
    case RELATION_SAME:
        if (decisive)
            add(line->note, sizeof line->note, "; ", "as far as the server");
        break;
    case RELATION_SAME_HOPS:
        add(line->note, sizeof line->note, "; ", "as far as the server, by another initial TTL");
        break;
    case RELATION_AMONG:
    case RELATION_UNKNOWN:
        break;
    }
}

static void note_other_side(struct timeline_line *line, const struct report *report, const struct sighting *sighting)
{
    char note[TIMELINE_NOTE];
    compared_note(note, sizeof note, report, sighting);
    if (*note)
        add(line->note, sizeof line->note, "; ", "%s", note);
}

/* Says of the last sighting that is kept of an event how many more there were. */
static void note_more(struct timeline_line *line, const struct flow_record *record, unsigned index)
{
    unsigned event = record->timeline[index].event, kept = 0;
    for (unsigned i = 0; i < record->timeline_count; i++) {
        if (record->timeline[i].event != event)
            continue;
        if (i > index)
            return;
        kept++;
    }
    unsigned count = record->count[event];
    if (count > kept)
        add(line->note, sizeof line->note, "; ", "and %u%s more", count - kept, count == UINT8_MAX ? " or" : "");
}

static void line_begin(struct timeline_line *line, const struct flow_record *record, const struct sighting *sighting)
{
    bool icmp = sighting->event == FLOW_ICMP;
    *line = (struct timeline_line){
        .ref = sighting->ref,
        .time_ns = sighting->time_ns,
        .from = icmp                    ? "icmp"
                : sighting->from_server ? "server"
                                        : "client",
        .ttl = sighting->ttl,
        .hops = sighting->ttl || sighting->ref.number ? ttl_hops(sighting->ttl) : 0,
    };
    if (icmp) {
        char source[ADDR_TEXT];
        add(line->note, sizeof line->note, "; ", "from %s: %s", addr_text(record->icmp_source, source),
            icmp_words(record->icmp_family, record->icmp_type, record->icmp_code));
    } else if (sighting->length > 0) {
        add(line->note, sizeof line->note, "; ", "%u byte%s", sighting->length, words_plural(sighting->length));
    }
}

/* The flags of a packet; of one that only a socket was told of, those that such an event takes. */
static uint8_t flags_of(const struct sighting *sighting)
{
    static const uint8_t flags[FLOW_EVENTS] = {
        [FLOW_SYN] = TCP_SYN,        [FLOW_SYN_AGAIN] = TCP_SYN,  [FLOW_SYNACK] = TCP_SYN | TCP_ACK,
        [FLOW_SERVER_FIN] = TCP_FIN, [FLOW_SERVER_RST] = TCP_RST, [FLOW_SERVER_RST_AGAIN] = TCP_RST,
        [FLOW_CLIENT_FIN] = TCP_FIN, [FLOW_CLIENT_RST] = TCP_RST,
    };
    return sighting->flags || sighting->ref.number ? sighting->flags : flags[sighting->event];
}

static void add_letters(char *history, const struct sighting *sighting)
{
    static const struct {
        uint8_t flags, expected;
        char client, server;
    } letters[] = {
        {TCP_SYN | TCP_ACK, TCP_SYN | TCP_ACK, 'H', 'h'},
        {TCP_SYN | TCP_ACK, TCP_SYN, 'S', 's'},
        {TCP_FIN, TCP_FIN, 'F', 'f'},
        {TCP_RST, TCP_RST, 'R', 'r'},
    };
    size_t start = strlen(history), length = start;
    bool server = sighting->from_server;
    uint8_t flags = flags_of(sighting);
    if (sighting->event == FLOW_ICMP) {
        history[length++] = 'I';
    } else {
        if (sighting->length > 0 && !(flags & TCP_RST))
            history[length++] = server ? 'd' : 'D';
        for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
            if ((flags & letters[i].flags) == letters[i].expected)
                history[length++] = server ? letters[i].server : letters[i].client;
        if (length == start)
            history[length++] = server ? 'a' : 'A';
    }
    history[length] = '\0';
}

/* True when the event had happened by the time of the decisive packet, or ever when there is none. */
static bool reached(const struct flow_record *record, enum flow_event event)
{
    return record->at[event] != FLOW_UNSEEN && record->at[event] <= record->decisive;
}

static const char *stage_of(const struct flow_record *record, enum mechanism ended)
{
    bool by_server = record->decisive < record->timeline_count && record->timeline[record->decisive].from_server &&
                     record->timeline[record->decisive].event != FLOW_SYNACK;
    if (ended == MECHANISM_ANSWERED || ended == MECHANISM_ERROR_RCODE)
        return "answered";
    if (reached(record, FLOW_ANSWER_PART) && !reached(record, FLOW_ANSWER))
        return "after partial answer";
    if (reached(record, FLOW_QUERY))
        return "after query";
    if (reached(record, FLOW_SYNACK) && (reached(record, FLOW_ACK) || by_server))
        return "after handshake";
    return "before handshake";
}

void timeline_of(struct timeline *timeline, const struct flow_record *record, enum mechanism ended,
                 const struct report_server *server, const struct report *report)
{
    *timeline = (struct timeline){.stage = stage_of(record, ended)};
    struct timeline_line *line = NULL;
    for (unsigned i = 0; i < record->timeline_count; i++) {
        const struct sighting *sighting = &record->timeline[i];
        bool fresh = !line || !same_frame(line->ref, sighting->ref);
        bool end = i + 1 == record->timeline_count || !same_frame(sighting->ref, record->timeline[i + 1].ref);
        if (fresh) {
            line = &timeline->lines[timeline->count++];
            line_begin(line, record, sighting);
            add_letters(timeline->history, sighting);
        }
        add(line->what, sizeof line->what, ", ", "%s", flow_event_name((enum flow_event)sighting->event));
        note_more(line, record, i);
        if (end && sighting->from_server)
            note_distance(line, server, is_decisive(record, sighting));
        if (end && report->source.pair)
            note_other_side(line, report, sighting);
        if (end && sighting->note && report->source.note_of)
            add(line->note, sizeof line->note, "; ", "%s",
                report->source.note_of(report->source.notes, sighting->note));
    }
}
