/* One server's part of the JSON report. */
#include "report/json_server.h"

#include "dissect/community.h"
#include "report/distance.h"
#include "report/timeline.h"

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

static struct json_object *udp_of(struct writer *writer, const struct server *facts)
{
    struct json_object *object = json_object_new_object();
    writer_number(writer, object, "queries", facts->udp_queries);
    writer_number(writer, object, "answers", facts->udp_answers);
    writer_number(writer, object, "truncated", facts->udp_truncated);
    put_distance(writer, object, distance_of(&facts->references[REFERENCE_UDP_ANSWER]));
    writer_delays(writer, object, "rtt_ms", &facts->udp_rtt);
    writer_number(writer, object, "refused", facts->udp_refused);
    writer_number(writer, object, "unreachable", facts->udp_unreachable);
    return object;
}

/* What the server did before it turned; only a watch tells. */
static struct json_object *earlier_of(struct writer *writer, const struct tcp_facts *tcp)
{
    struct json_object *object = json_object_new_object();
    writer_time(writer, object, "until", tcp->turned_ns);
    writer_number(writer, object, "answered", tcp->earlier[OUTCOME_ANSWERED]);
    writer_number(writer, object, "rejected", tcp->earlier[OUTCOME_REJECTED]);
    writer_number(writer, object, "unanswered", tcp->earlier[OUTCOME_UNANSWERED]);
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
    writer_delays(writer, object, "rtt_ms", tcp ? &tcp->handshake : &no_delays);
    writer_number(writer, object, "incomplete", server->incomplete);
    writer_time_or_null(writer, object, "first_failure", tcp ? tcp->first_failure_ns : 0);
    writer_time_or_null(writer, object, "last_failure", tcp ? tcp->last_failure_ns : 0);
    if (tcp && facts_turned(tcp))
        writer_put(writer, object, "earlier", earlier_of(writer, tcp));
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

struct json_object *json_server_evidence(struct writer *writer, const struct report_evidence *evidence)
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
    writer_known(writer, object, "frame", line->ref.number, line->ref.number != 0);
    writer_number(writer, object, "input", line->ref.input);
    writer_time(writer, object, "time", line->time_ns);
    writer_text(writer, object, "from", line->from);
    writer_text(writer, object, "what", line->what);
    bool seen = line->ref.number != 0 || line->ttl != 0;
    writer_known(writer, object, "ttl", line->ttl, seen);
    writer_known(writer, object, "hops", line->hops, seen);
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
        writer_append(writer, evidence, json_server_evidence(writer, &server->evidence[i]));
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

struct json_object *json_server(struct writer *writer, const struct report_server *server)
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
