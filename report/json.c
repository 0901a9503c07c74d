/*
 * The report as one JSON object; report/report.schema.json describes it. Keys stand in the order of the
 * contract, those that it does not name at the end of their object.
 */
#include "report/compared.h"
#include "report/distance.h"
#include "report/json_probe.h"
#include "report/json_server.h"
#include "report/words.h"

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

/* The evidence of the box's servers that blames something between. */
static struct json_object *box_evidence(struct writer *writer, const struct report_intermediary *box)
{
    struct json_object *list = json_object_new_array();
    for (unsigned i = 0; i < box->server_count; i++) {
        const struct report_server *server = &writer->report->servers[box->servers[i]];
        for (unsigned j = 0; j < server->evidence_count; j++)
            if (server->evidence[j].rule->blames == CULPRIT_INTERMEDIARY)
                writer_append(writer, list, json_server_evidence(writer, &server->evidence[j]));
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

/* How the object is laid out: over lines for people, or in one for what reads JSON lines. */
struct layout {
    int style;
    const char *begin, *key, *colon; /* what stands before the members, a key, a value */
    const char *first, *item, *end;  /* before the first and a further server, and behind the last one */
    const char *close;
};

static const struct layout over_lines = {
    .style = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE,
    .begin = "{\n  ",
    .key = ",\n  ",
    .colon = ": ",
    .first = "\n    ",
    .item = ",\n    ",
    .end = "\n  ",
    .close = "\n}\n",
};

static const struct layout in_one_line = {
    .style = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
    .begin = "{\"type\":\"report\",",
    .key = ",",
    .colon = ":",
    .first = "",
    .item = ",",
    .end = "",
    .close = "}\n",
};

/* Writes a value as it stands within others: its lines but the first are moved to the right. Frees it. */
static void write_value(struct writer *writer, const struct layout *layout, FILE *out, struct json_object *value,
                        int indent)
{
    const char *text = value && !writer->failed ? json_object_to_json_string_ext(value, layout->style) : NULL;
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
static void write_servers(struct writer *writer, const struct layout *layout, FILE *out)
{
    const struct report *report = writer->report;
    fputs("[", out);
    for (size_t i = 0; i < report->server_count; i++) {
        fputs(i ? layout->item : layout->first, out);
        write_value(writer, layout, out, json_server(writer, &report->servers[i]), 4);
    }
    fprintf(out, "%s]", report->server_count ? layout->end : "");
}

static bool is_comparison(const struct report_source *source)
{
    return source->pair != NULL;
}

static bool is_probe(const struct report_source *source)
{
    return source->probe != NULL;
}

/* The report's members in the order of the contract; without a maker: the servers. */
static const struct {
    const char *key;
    struct json_object *(*make)(struct writer *writer);
    bool (*applies)(const struct report_source *source); /* NULL: always */
} members[] = {
    {"schema_version", version_of, NULL},
    {"tool", tool_of, NULL},
    {"generated", generated_of, NULL},
    {"source", source_of, NULL},
    {"vantage", vantage_of, NULL},
    {"verdict", overall_of, NULL},
    {"servers", NULL, NULL},
    {"intermediaries", intermediaries_of, NULL},
    {"counters", counters_of, NULL},
    {"weaknesses", weaknesses_of, NULL},
    {"remarks", remarks_of, NULL},
    {"comparison", compared_json, is_comparison},
    {"probe", json_probe, is_probe},
};

/* The whole report, always: a program picks for itself. */
static bool write_report(const struct report *report, const struct layout *layout, FILE *out)
{
    struct writer writer = {.report = report};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (members[i].applies && !members[i].applies(&report->source))
            continue;
        fprintf(out, "%s\"%s\"%s", i ? layout->key : layout->begin, members[i].key, layout->colon);
        if (members[i].make)
            write_value(&writer, layout, out, members[i].make(&writer), 2);
        else
            write_servers(&writer, layout, out);
    }
    fputs(layout->close, out);
    return !writer.failed && fflush(out) == 0 && !ferror(out);
}

bool render_json(const struct report *report, const struct render_options *options, FILE *out)
{
    (void)options;
    return write_report(report, &over_lines, out);
}

bool render_jsonl(const struct report *report, const struct render_options *options, FILE *out)
{
    (void)options;
    return write_report(report, &in_one_line, out);
}
