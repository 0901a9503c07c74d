#include "report/compared.h"

#include "report/words.h"

#include <stdlib.h>

enum { SERVERS_SHOWN = 8 };

static const char *const sides[PAIR_SIDES] = {[PAIR_CLIENT] = "Client", [PAIR_SERVER] = "Server"};

/* Which of the two named captures was taken at this side. */
static unsigned operand_of(const struct report *report, int side)
{
    return report->source.swapped ? 1 - (unsigned)side : (unsigned)side;
}

static void write_inputs(struct page *page, const struct report *report, int side)
{
    fprintf(page->out, "  %s side  ", sides[side]);
    const char *separator = "";
    for (size_t i = 0; i < report->source.input_count; i++) {
        if (report->source.inputs[i].operand != operand_of(report, side))
            continue;
        fputs(separator, page->out);
        page_clean(page, report->source.inputs[i].path);
        separator = ", ";
    }
    putc('\n', page->out);
}

static void write_clock(struct page *page, const struct pair_clock *clock)
{
    double offset = (double)clock->offset_ns / 1e6, error = (double)clock->error_ns / 1e6;
    if (!clock->known)
        return;
    fprintf(page->out, "  Clocks       the server side's is %.3f ms %s, give or take %.3f ms%s\n",
            offset < 0 ? -offset : offset, offset < 0 ? "behind" : "ahead", error,
            clock->steady ? "" : " (they drift, or one was set)");
}

static void write_server(struct page *page, const struct report *report, const struct report_server *server)
{
    const struct pair_server *both = pair_server(report->source.pair, server->facts->address);
    char name[ADDR_TEXT];
    if (!both)
        return;
    fprintf(page->out, "  %s: of the client's packets %u arrived and %u did not; of the server's %u and %u\n",
            addr_text(both->address, name), both->matched[0], both->alone[0], both->matched[1], both->alone[1]);
    if (both->hops[0] >= 0 || both->hops[1] >= 0)
        fprintf(page->out, "    between the captures %d hop%s\n", both->hops[both->hops[1] >= 0],
                words_plural((uint64_t)both->hops[both->hops[1] >= 0]));
}

void compared_text(struct page *page, const struct report *report)
{
    if (!report->source.pair)
        return;
    struct pair_summary summary = pair_summary(report->source.pair);
    page_heading(page, "The two captures");
    for (int side = 0; side < PAIR_SIDES; side++)
        write_inputs(page, report, side);
    fprintf(page->out, "  In both      %u TCP flow%s with %u packets, %u datagram%s%s%s\n", summary.flows,
            words_plural(summary.flows), summary.packets, summary.datagrams, words_plural(summary.datagrams),
            summary.translated ? "; addresses or ports are translated between them" : "",
            summary.rewritten ? "; sequence numbers are rewritten between them" : "");
    write_clock(page, &summary.clock);
    for (size_t i = 0; i < report->server_count && i < SERVERS_SHOWN; i++)
        write_server(page, report, &report->servers[i]);
}

static struct json_object *server_json(struct writer *writer, const struct pair_server *server)
{
    static const char *const hops[2] = {"hops_to_server", "hops_to_client"};
    static const char *const matched[2] = {"arrived_at_server", "arrived_at_client"};
    static const char *const alone[2] = {"lost_to_server", "lost_to_client"};
    struct json_object *object = json_object_new_object();
    writer_address(writer, object, "address", server->address);
    writer_number(writer, object, "flows_arrived", server->flows);
    writer_number(writer, object, "flows_lost", server->flows_lost);
    for (int way = 0; way < 2; way++) {
        writer_number(writer, object, matched[way], server->matched[way]);
        writer_number(writer, object, alone[way], server->alone[way]);
        if (server->hops[way] >= 0)
            writer_number(writer, object, hops[way], (uint64_t)server->hops[way]);
        else
            writer_null(writer, object, hops[way]);
    }
    return object;
}

static struct json_object *inputs_json(struct writer *writer, int side)
{
    const struct report_source *source = &writer->report->source;
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < source->input_count; i++)
        if (source->inputs[i].operand == operand_of(writer->report, side))
            writer_append(writer, list, json_object_new_int64((int64_t)i));
    return list;
}

static void put_milliseconds(struct writer *writer, struct json_object *object, const char *key, bool known,
                             int64_t time_ns)
{
    char text[32];
    snprintf(text, sizeof text, "%.3f", (double)time_ns / 1e6);
    if (known)
        writer_put(writer, object, key, json_object_new_double_s((double)time_ns / 1e6, text));
    else
        writer_null(writer, object, key);
}

struct json_object *compared_json(struct writer *writer)
{
    const struct report *report = writer->report;
    struct pair_summary summary = pair_summary(report->source.pair);
    struct json_object *object = json_object_new_object(), *servers = json_object_new_array();
    writer_put(writer, object, "client_side", inputs_json(writer, PAIR_CLIENT));
    writer_put(writer, object, "server_side", inputs_json(writer, PAIR_SERVER));
    writer_flag(writer, object, "swapped", report->source.swapped);
    writer_number(writer, object, "flows", summary.flows);
    writer_number(writer, object, "packets", summary.packets);
    writer_number(writer, object, "datagrams", summary.datagrams);
    writer_flag(writer, object, "translated", summary.translated);
    writer_flag(writer, object, "rewritten", summary.rewritten);
    put_milliseconds(writer, object, "clock_offset_ms", summary.clock.known, summary.clock.offset_ns);
    put_milliseconds(writer, object, "clock_error_ms", summary.clock.known, summary.clock.error_ns);
    writer_flag(writer, object, "clock_steady", summary.clock.steady);
    for (size_t i = 0; i < report->server_count; i++) {
        const struct pair_server *server = pair_server(report->source.pair, report->servers[i].facts->address);
        if (server)
            writer_append(writer, servers, server_json(writer, server));
    }
    writer_put(writer, object, "servers", servers);
    return object;
}

void compared_note(char *note, size_t size, const struct report *report, const struct sighting *sighting)
{
    const struct pair *pair = report->source.pair;
    bool weighty =
        sighting->length > 0 || (sighting->flags & (TCP_SYN | TCP_FIN | TCP_RST)) || sighting->event == FLOW_ICMP;
    const struct step *twin = pair_twin(pair, sighting->ref);
    if (twin)
        snprintf(note, size, "server side: frame %llu, TTL %u", (unsigned long long)twin->ref.number, twin->ttl);
    else if (weighty && pair_covers(pair, PAIR_CLIENT, sighting->time_ns))
        snprintf(note, size, "NOT at the server side");
    else
        *note = '\0';
}

/* Flows that failed while the other capture was not running, or saw nothing of their server. */
static bool is_uncovered(const struct report *report)
{
    for (size_t i = 0; i < report->server_count; i++) {
        const struct ending *ending = report->servers[i].ending;
        if (ending && !(ending->end.crossings & CROSSING_COVERED))
            return true;
    }
    return false;
}

unsigned compared_weaknesses(const struct report *report, char **sentences, unsigned most)
{
    struct pair_summary summary = pair_summary(report->source.pair);
    const struct {
        bool holds;
        const char *text;
    } rows[] = {
        {report->source.swapped,
         "The captures were named in the other order: TTLs fall from the second to the first, so that "
         "the second was taken as the client side's"},
        {!summary.clock.known, "The two captures have no packet in common, so that neither says anything of the other"},
        {summary.clock.known && is_uncovered(report),
         "The server side's capture was not running while connections failed, or has none of that server's packets: "
         "there it says nothing of them"},
        {summary.lossy, "The client side's capture lost packets of the client's own, which the server side's has: what "
                        "is missing in it proves nothing"},
        {summary.left_out > 0,
         "A capture has packets that cannot be compared, cut before their ports and numbers or too "
         "many (--client lessens them), so that what is missing in it proves nothing"},
        {!summary.holds_tcp[PAIR_SERVER], "The server side's capture holds nothing but DNS over UDP: its filter may "
                                          "have left TCP out"},
    };
    unsigned count = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && count < most; i++)
        if (rows[i].holds && (sentences[count] = strdup(rows[i].text)))
            count++;
    return count;
}
