/*
 * The report as one JSON object; report/report.schema.json describes it. Keys stand in the order of the
 * contract, those that it does not name at the end of their object.
 */
#include "dissect/community.h"
#include "report/compared.h"
#include "report/distance.h"
#include "report/report.h"
#include "report/timeline.h"
#include "report/words.h"
#include "report/writer.h"

static struct json_object *tool_of(struct writer *writer)
{
    struct json_object *tool = json_object_new_object(), *libraries = json_object_new_object();
    writer_text(writer, tool, "name", "tcp53");
    writer_text(writer, tool, "version", TCP53_VERSION);
    writer_text(writer, libraries, "libpcap", writer->report->source.pcap_version);
    writer_text(writer, libraries, "ldns", dns_library_version());
    writer_text(writer, libraries, "json-c", json_c_version());
    writer_text_or_null(writer, libraries, "libwiretap", writer->report->source.wiretap_version);
    writer_put(writer, tool, "libraries", libraries);
    return tool;
}

static struct json_object *input_of(struct writer *writer, const struct report_input *input)
{
    struct json_object *object = json_object_new_object(), *links = json_object_new_array();
    writer_text(writer, object, "path", input->path);
    writer_text(writer, object, "format", input->format);
    for (unsigned i = 0; i < input->link_type_count; i++)
        writer_append(writer, links, writer_string(input->link_types[i]));
    writer_put(writer, object, "link_types", links);
    writer_number(writer, object, "frames", input->frames);
    writer_number(writer, object, "bytes", input->bytes);
    writer_time_or_null(writer, object, "first", input->first_ns);
    writer_time_or_null(writer, object, "last", input->last_ns);
    writer_number(writer, object, "snaplen", input->snaplen);
    writer_flag(writer, object, "truncated", input->truncated);
    if (input->kernel_dropped >= 0)
        writer_number(writer, object, "kernel_dropped", (uint64_t)input->kernel_dropped);
    else
        writer_null(writer, object, "kernel_dropped");
    writer_text_or_null(writer, object, "sha256", input->sha256);
    writer_text_or_null(writer, object, "trouble", input->trouble);
    writer_text_or_null(writer, object, "compression", input->compression);
    writer_text_or_null(writer, object, "time_zone_assumed", input->time_zone);
    writer_number(writer, object, "selected", input->selected);
    writer_number(writer, object, "skipped", input->skipped);
    writer_number(writer, object, "cut", input->cut);
    writer_number(writer, object, "out_of_order", input->backward);
    return object;
}

static struct json_object *source_of(struct writer *writer)
{
    const struct report_source *source = &writer->report->source;
    struct json_object *object = json_object_new_object(), *inputs = json_object_new_array();
    writer_text(writer, object, "command", source->command);
    for (size_t i = 0; i < source->input_count; i++)
        writer_append(writer, inputs, input_of(writer, &source->inputs[i]));
    writer_put(writer, object, "inputs", inputs);
    writer_text_or_null(writer, object, "selection", source->selection);
    writer_flag(writer, object, "interrupted", source->interrupted);
    writer_number(writer, object, "late", source->late);
    return object;
}

/* A server that was never asked over TCP has nothing to say for the whole. */
static const char *headline_of(const struct report_server *worst)
{
    bool seen = worst && (worst->outcome != REPORT_NONE || worst->incomplete > 0);
    return seen ? worst->headline : "No DNS query over TCP was seen.";
}

static struct json_object *overall_of(struct writer *writer)
{
    const struct report *report = writer->report;
    const struct report_server *worst = report->server_count > 0 ? &report->servers[0] : NULL;
    struct json_object *object = json_object_new_object();
    writer_text(writer, object, "outcome", report_outcome_name(worst ? worst->outcome : REPORT_NONE));
    writer_text(writer, object, "culprit", culprit_name(worst ? worst->judgement.culprit : CULPRIT_NONE));
    writer_text(writer, object, "confidence", confidence_name(worst ? worst->judgement.confidence : CONFIDENCE_NONE));
    writer_text(writer, object, "headline", headline_of(worst));
    writer_number(writer, object, "exit_status", (uint64_t)report->exit_status);
    return object;
}

static void put_distance(struct writer *writer, struct json_object *object, struct distance distance)
{
    if (distance.samples == 0) {
        writer_null(writer, object, "distance");
        return;
    }
    struct json_object *value = json_object_new_object();
    writer_number(writer, value, "hops", distance.hops);
    writer_number(writer, value, "ttl", distance.ttl);
    writer_number(writer, value, "samples", distance.samples);
    writer_number(writer, value, "spread", distance.spread);
    writer_put(writer, object, "distance", value);
}

static void put_delays(struct writer *writer, struct json_object *object, const struct delays *delays)
{
    if (delays->count == 0) {
        writer_null(writer, object, "rtt_ms");
        return;
    }
    struct json_object *value = json_object_new_object();
    writer_milliseconds(writer, value, "min", delays->least_us);
    writer_milliseconds(writer, value, "median", delays_median_us(delays));
    writer_put(writer, object, "rtt_ms", value);
}

static struct json_object *udp_of(struct writer *writer, const struct server *facts)
{
    struct json_object *object = json_object_new_object();
    writer_number(writer, object, "queries", facts->udp_queries);
    writer_number(writer, object, "answers", facts->udp_answers);
    writer_number(writer, object, "truncated", facts->udp_truncated);
    put_distance(writer, object, distance_of(&facts->references[REFERENCE_UDP_ANSWER]));
    put_delays(writer, object, &facts->udp_rtt);
    writer_number(writer, object, "refused", facts->udp_refused);
    writer_number(writer, object, "unreachable", facts->udp_unreachable);
    return object;
}

static struct json_object *tcp_of(struct writer *writer, const struct report_server *server)
{
    static const struct delays no_delays = {0};
    const struct tcp_facts *tcp = server->tcp;
    struct json_object *object = json_object_new_object();
    writer_number(writer, object, "attempts",
                  (uint64_t)server->answered + server->rejected + server->unanswered + server->aborted);
    writer_number(writer, object, "answered", server->answered);
    writer_number(writer, object, "rejected", server->rejected);
    writer_number(writer, object, "unanswered", server->unanswered);
    writer_number(writer, object, "client_aborted", server->aborted);
    put_distance(writer, object, distance_tcp(server->facts));
    put_delays(writer, object, tcp ? &tcp->handshake : &no_delays);
    writer_number(writer, object, "incomplete", server->incomplete);
    writer_time_or_null(writer, object, "first_failure", tcp ? tcp->first_failure_ns : 0);
    writer_time_or_null(writer, object, "last_failure", tcp ? tcp->last_failure_ns : 0);
    return object;
}

static struct json_object *client_of(struct writer *writer, const struct report_client *client)
{
    struct json_object *object = json_object_new_object();
    writer_address(writer, object, "address", client->address);
    writer_text(writer, object, "outcome", report_outcome_name(client->outcome));
    writer_text(writer, object, "culprit", culprit_name(client->culprit));
    writer_number(writer, object, "attempts", client->attempts);
    return object;
}

static struct json_object *lost_of(struct writer *writer, const struct report_lost *lost)
{
    struct json_object *object = json_object_new_object();
    writer_text(writer, object, "qname", lost->qname);
    writer_text(writer, object, "qtype", lost->qtype);
    writer_flag(writer, object, "truncated_udp", lost->truncated_udp);
    writer_number(writer, object, "attempts", lost->attempts);
    return object;
}

static struct json_object *evidence_of(struct writer *writer, const struct report_evidence *evidence)
{
    struct json_object *object = json_object_new_object(), *frames = json_object_new_array();
    writer_text(writer, object, "rule", evidence->rule->id);
    writer_text(writer, object, "blames", culprit_name(evidence->rule->blames));
    writer_text(writer, object, "strength", strength_name(evidence->rule->strength));
    writer_text(writer, object, "text", evidence->text);
    for (unsigned i = 0; i < evidence->frame_count; i++) {
        struct json_object *frame = json_object_new_object();
        writer_number(writer, frame, "input", evidence->frames[i].input);
        writer_number(writer, frame, "number", evidence->frames[i].number);
        writer_append(writer, frames, frame);
    }
    writer_put(writer, object, "frames", frames);
    writer_text_or_null(writer, object, "wireshark_filter", evidence->filter);
    writer_text(writer, object, "group", rule_group_name(evidence->rule->group));
    return object;
}

static struct json_object *line_of(struct writer *writer, const struct timeline_line *line)
{
    struct json_object *object = json_object_new_object();
    writer_number(writer, object, "frame", line->ref.number);
    writer_number(writer, object, "input", line->ref.input);
    writer_time(writer, object, "time", line->time_ns);
    writer_text(writer, object, "from", line->from);
    writer_text(writer, object, "what", line->what);
    writer_number(writer, object, "ttl", line->ttl);
    writer_number(writer, object, "hops", line->hops);
    writer_text(writer, object, "note", line->note);
    return object;
}

static struct json_object *flow_of(struct writer *writer, const struct report_server *server, unsigned index)
{
    const struct flow_record *record = server->flows[index];
    struct community_end client = {record->client, record->client_port}, end = {record->server, record->server_port};
    char id[COMMUNITY_TEXT];
    struct timeline timeline;
    timeline_of(&timeline, record, server->flow_stages[index], server, writer->report);
    struct json_object *object = json_object_new_object(), *lines = json_object_new_array();
    writer_address(writer, object, "client", record->client);
    writer_number(writer, object, "client_port", record->client_port);
    writer_address(writer, object, "server", record->server);
    writer_number(writer, object, "port", record->server_port);
    writer_text(writer, object, "stage", timeline.stage);
    writer_text(writer, object, "history", timeline.history);
    writer_text(writer, object, "community_id", community_id(client, end, id));
    for (unsigned i = 0; i < timeline.count; i++)
        writer_append(writer, lines, line_of(writer, &timeline.lines[i]));
    writer_put(writer, object, "timeline", lines);
    writer_text(writer, object, "mechanism", mechanism_name(server->flow_stages[index]));
    return object;
}

static void put_lists(struct writer *writer, struct json_object *object, const struct report_server *server)
{
    struct json_object *clients = json_object_new_array(), *lost = json_object_new_array();
    struct json_object *evidence = json_object_new_array(), *flows = json_object_new_array();
    for (unsigned i = 0; i < server->client_count; i++)
        writer_append(writer, clients, client_of(writer, &server->clients[i]));
    for (unsigned i = 0; i < server->lost_count; i++)
        writer_append(writer, lost, lost_of(writer, &server->lost[i]));
    for (unsigned i = 0; i < server->evidence_count; i++)
        writer_append(writer, evidence, evidence_of(writer, &server->evidence[i]));
    for (unsigned i = 0; i < server->flow_count; i++)
        writer_append(writer, flows, flow_of(writer, server, i));
    writer_put(writer, object, "clients", clients);
    writer_put(writer, object, "lookups_lost", lost);
    writer_put(writer, object, "evidence", evidence);
    writer_put(writer, object, "flows", flows);
}

static struct json_object *against_of(struct writer *writer, const char *against)
{
    struct json_object *list = json_object_new_array();
    if (against && *against)
        writer_append(writer, list, writer_string(against));
    return list;
}

static struct json_object *server_of(struct writer *writer, const struct report_server *server)
{
    struct json_object *object = json_object_new_object(), *advice = json_object_new_array();
    writer_address(writer, object, "address", server->facts->address);
    writer_number(writer, object, "port", server->facts->port);
    writer_text(writer, object, "outcome", report_outcome_name(server->outcome));
    writer_text(writer, object, "culprit", culprit_name(server->judgement.culprit));
    writer_text(writer, object, "confidence", confidence_name(server->judgement.confidence));
    writer_text(writer, object, "mechanism", mechanism_name(server->judgement.mechanism));
    writer_text(writer, object, "headline", server->headline);
    writer_text(writer, object, "explanation", server->explanation);
    writer_put(writer, object, "against", against_of(writer, server->against));
    for (unsigned i = 0; i < server->advice_count; i++)
        writer_append(writer, advice, writer_string(server->advice[i] + (*server->advice[i] == '\t')));
    writer_put(writer, object, "advice", advice);
    writer_put(writer, object, "udp", udp_of(writer, server->facts));
    writer_put(writer, object, "tcp", tcp_of(writer, server));
    put_lists(writer, object, server);
    writer_text(writer, object, "vantage", vantage_name(server->vantage));
    writer_flag(writer, object, "mail_affected", server->mail_affected);
    return object;
}

/* The evidence of the box's servers that blames something between. */
static struct json_object *box_evidence(struct writer *writer, const struct report_intermediary *box)
{
    struct json_object *list = json_object_new_array();
    for (unsigned i = 0; i < box->server_count; i++) {
        const struct report_server *server = &writer->report->servers[box->servers[i]];
        for (unsigned j = 0; j < server->evidence_count; j++)
            if (server->evidence[j].rule->blames == CULPRIT_INTERMEDIARY)
                writer_append(writer, list, evidence_of(writer, &server->evidence[j]));
    }
    return list;
}

/* Its hops may be known without a packet of that distance at hand. */
static void put_place(struct writer *writer, struct json_object *object, const struct report_intermediary *box)
{
    if (box->hops == REPORT_HOPS_UNKNOWN) {
        writer_null(writer, object, "distance");
        return;
    }
    struct distance distance = distance_intermediary(writer->report, box);
    struct json_object *place = json_object_new_object();
    writer_number(writer, place, "hops", distance.hops);
    if (distance.ttl)
        writer_number(writer, place, "ttl", distance.ttl);
    else
        writer_null(writer, place, "ttl");
    writer_number(writer, place, "samples", distance.samples);
    writer_number(writer, place, "spread", distance.spread);
    writer_put(writer, object, "distance", place);
}

static struct json_object *intermediary_of(struct writer *writer, const struct report_intermediary *box)
{
    struct json_object *object = json_object_new_object(), *servers = json_object_new_array();
    writer_address(writer, object, "address", box->address);
    put_place(writer, object, box);
    for (unsigned i = 0; i < box->server_count; i++) {
        const struct server *facts = writer->report->servers[box->servers[i]].facts;
        struct json_object *server = json_object_new_object();
        writer_address(writer, server, "address", facts->address);
        writer_number(writer, server, "port", facts->port);
        writer_append(writer, servers, server);
    }
    writer_put(writer, object, "servers", servers);
    writer_put(writer, object, "evidence", box_evidence(writer, box));
    return object;
}

static struct json_object *counters_of(struct writer *writer)
{
    const struct words_counter *counters;
    size_t count = words_counters(&counters);
    struct json_object *object = json_object_new_object();
    for (size_t i = 0; i < count; i++)
        writer_number(writer, object, counters[i].name, words_counter(&writer->report->counters, &counters[i]));
    writer_number(writer, object, "servers_left_out", writer->report->servers_left_out);
    return object;
}

static struct json_object *version_of(struct writer *writer)
{
    (void)writer;
    return json_object_new_string(REPORT_SCHEMA_VERSION);
}

static struct json_object *generated_of(struct writer *writer)
{
    char text[WORDS_TIME];
    return json_object_new_string(words_time(writer->report->source.generated_ns, text));
}

static struct json_object *vantage_of(struct writer *writer)
{
    return json_object_new_string(vantage_name(writer->report->vantage));
}

static struct json_object *intermediaries_of(struct writer *writer)
{
    struct json_object *list = json_object_new_array();
    for (unsigned i = 0; i < writer->report->intermediary_count; i++)
        writer_append(writer, list, intermediary_of(writer, &writer->report->intermediaries[i]));
    return list;
}

static struct json_object *sentences_of(struct writer *writer, char *const *sentences, unsigned count)
{
    struct json_object *list = json_object_new_array();
    for (unsigned i = 0; i < count; i++)
        writer_append(writer, list, writer_string(sentences[i]));
    return list;
}

static struct json_object *weaknesses_of(struct writer *writer)
{
    return sentences_of(writer, writer->report->weaknesses, writer->report->weakness_count);
}

static struct json_object *remarks_of(struct writer *writer)
{
    return sentences_of(writer, writer->report->remarks, writer->report->remark_count);
}

/* Writes a value as it stands within others: its lines but the first are moved to the right. Frees it. */
static void write_value(struct writer *writer, FILE *out, struct json_object *value, int indent)
{
    int style = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
    const char *text = value && !writer->failed ? json_object_to_json_string_ext(value, style) : NULL;
    writer->failed |= text == NULL;
    while (text && *text) {
        size_t line = strcspn(text, "\n");
        fwrite(text, 1, line, out);
        text += line;
        if (*text == '\n')
            fprintf(out, "%c%*s", *text++, indent, "");
    }
    json_object_put(value);
}

/* One server at a time: a thousand of them in memory at once would cost more than the whole analysis. */
static void write_servers(struct writer *writer, FILE *out)
{
    fputs("[", out);
    for (size_t i = 0; i < writer->report->server_count; i++) {
        fputs(i ? ",\n    " : "\n    ", out);
        write_value(writer, out, server_of(writer, &writer->report->servers[i]), 4);
    }
    fputs(writer->report->server_count ? "\n  ]" : "]", out);
}

/* The report's members in the order of the contract; without a maker: the servers. */
static const struct {
    const char *key;
    struct json_object *(*make)(struct writer *writer);
} members[] = {
    {"schema_version", version_of},
    {"tool", tool_of},
    {"generated", generated_of},
    {"source", source_of},
    {"vantage", vantage_of},
    {"verdict", overall_of},
    {"servers", NULL},
    {"intermediaries", intermediaries_of},
    {"counters", counters_of},
    {"weaknesses", weaknesses_of},
    {"remarks", remarks_of},
    {"comparison", compared_json}, /* the last: left out for a single capture */
};

bool render_json(const struct report *report, const struct render_options *options, FILE *out)
{
    (void)options; /* the whole report, always: a program picks for itself */
    struct writer writer = {.report = report};
    fputs("{", out);
    size_t count = sizeof members / sizeof *members - (report->source.pair == NULL);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s\n  \"%s\": ", i ? "," : "", members[i].key);
        if (members[i].make)
            write_value(&writer, out, members[i].make(&writer), 2);
        else
            write_servers(&writer, out);
    }
    fputs("\n}\n", out);
    return !writer.failed && fflush(out) == 0 && !ferror(out);
}
