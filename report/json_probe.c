#include "report/json_probe.h"

#include "dissect/answer.h"
#include "report/phrase.h"
#include "report/probed.h"

#include <stdlib.h>

static struct json_object *statuses_of(struct writer *writer, const struct probed_test *test)
{
    struct json_object *object = json_object_new_object();
    for (int i = 0; i < ATTEMPT_STATUSES; i++)
        if (test->statuses[i] > 0)
            writer_number(writer, object, attempt_status_name((enum attempt_status)i), test->statuses[i]);
    return object;
}

static void put_icmp(struct writer *writer, struct json_object *object, const struct attempt *attempt)
{
    if (!attempt || attempt->icmp.family == 0) {
        writer_null(writer, object, "icmp");
        return;
    }
    struct json_object *value = json_object_new_object();
    writer_address(writer, value, "source", attempt->icmp.source);
    writer_number(writer, value, "type", attempt->icmp.type);
    writer_number(writer, value, "code", attempt->icmp.code);
    writer_text(writer, value, "text", icmp_words(attempt->icmp.family, attempt->icmp.type, attempt->icmp.code));
    writer_put(writer, object, "icmp", value);
}

static struct json_object *test_of(struct writer *writer, enum attempt_test which, const struct probed_test *test)
{
    struct json_object *object = json_object_new_object();
    const struct attempt *failed = test->failed;
    writer_text(writer, object, "test", attempt_test_name(which));
    writer_number(writer, object, "tries", test->tries);
    writer_number(writer, object, "answered", probed_answered(test));
    writer_put(writer, object, "statuses", statuses_of(writer, test));
    writer_delays(writer, object, "rtt_ms", &test->rtt);
    writer_known(writer, object, "bytes", test->last->answer_bytes, test->last->answer_bytes > 0);
    writer_known(writer, object, "ttl", test->last->ttl, test->last->ttl > 0);
    writer_text_or_null(writer, object, "error", failed && failed->error ? strerrorname_np(failed->error) : NULL);
    put_icmp(writer, object, failed);
    return object;
}

static struct json_object *tests_of(struct writer *writer, const struct probed_server *server)
{
    struct json_object *list = json_object_new_array();
    for (int i = 0; i < ATTEMPT_TESTS; i++)
        if (server->tests[i].tries > 0)
            writer_append(writer, list, test_of(writer, (enum attempt_test)i, &server->tests[i]));
    return list;
}

/* The lines of the answer and its rcode; an answer that is none that can be read has neither. */
static void put_answer(struct writer *writer, struct json_object *object, const struct report_answer *from)
{
    struct answer answer = {.count = 0};
    struct json_object *lines = json_object_new_array();
    bool read = from && answer_read(&answer, from->bytes, from->length);
    for (unsigned i = 0; read && i < answer.count; i++)
        writer_append(writer, lines, writer_string(answer.lines[i]));
    writer_put(writer, object, "answer", lines);
    writer_number(writer, object, "answer_left_out", read ? answer.left_out : 0);
    writer_text_or_null(writer, object, "rcode", read ? dns_rcode_name(answer.rcode) : NULL);
    answer_free(&answer);
}

/* How often each reply came to one way at one hop; null: not tried. */
static void put_step(struct writer *writer, struct json_object *object, const char *key, const struct path_step *step)
{
    if (path_tries(step) == 0) {
        writer_null(writer, object, key);
        return;
    }
    struct json_object *counts = json_object_new_object();
    for (int i = 0; i < PATH_REPLIES; i++)
        if (step->count[i] > 0)
            writer_number(writer, counts, path_reply_name((enum path_reply)i), step->count[i]);
    writer_put(writer, object, key, counts);
}

static struct json_object *hop_of(struct writer *writer, const struct path *path, unsigned ttl)
{
    struct json_object *object = json_object_new_object();
    bool several = false;
    writer_number(writer, object, "hop", ttl);
    writer_address(writer, object, "address", path_hop(path, ttl));
    for (int way = 0; way < PATH_WAYS; way++) {
        put_step(writer, object, path_way_name((enum path_way)way), &path->steps[way][ttl]);
        several |= path->steps[way][ttl].several;
    }
    writer_flag(writer, object, "several", several);
    return object;
}

static struct json_object *begins_of(struct writer *writer, const struct path *path, const struct located *at)
{
    struct json_object *object = json_object_new_object();
    writer_text(writer, object, "way", path_way_name(at->way));
    writer_text(writer, object, "reply", path_reply_name(at->reply));
    writer_number(writer, object, "ttl", at->ttl);
    writer_known(writer, object, "box", at->box, at->box > 0);
    writer_address(writer, object, "box_address", located_address(path, at));
    return object;
}

static struct json_object *path_of(struct writer *writer, const struct probed_server *server)
{
    const struct path *path = server->path;
    struct located at = probed_located(writer->report, server);
    struct json_object *object = json_object_new_object(), *hops = json_object_new_array();
    unsigned most = 0, hop = path_first(path, PATH_UDP, PATH_BIT(PATH_ANSWERED));
    for (int way = 0; way < PATH_WAYS; way++)
        most = path->most[way] > most ? path->most[way] : most;
    for (unsigned ttl = 1; ttl <= most && ttl <= PATH_HOPS; ttl++)
        writer_append(writer, hops, hop_of(writer, path, ttl));
    writer_flag(writer, object, "stable", path->stable);
    writer_put(writer, object, "hops", hops);
    if (at.known)
        writer_put(writer, object, "begins", begins_of(writer, path, &at));
    else
        writer_null(writer, object, "begins");
    writer_known(writer, object, "server_hop", hop, hop > 0);
    return object;
}

static struct json_object *server_of(struct writer *writer, const struct probed_server *server)
{
    struct json_object *object = json_object_new_object();
    writer_address(writer, object, "address", server->address);
    writer_number(writer, object, "port", server->port);
    writer_flag(writer, object, "udp", probed_answers_udp(server));
    writer_flag(writer, object, "tcp", probed_answers_tcp(server));
    writer_put(writer, object, "tests", tests_of(writer, server));
    put_answer(writer, object, server->answer);
    if (server->path)
        writer_put(writer, object, "path", path_of(writer, server));
    else
        writer_null(writer, object, "path");
    return object;
}

static void put_servers(struct writer *writer, struct json_object *object, const struct probed_server *servers,
                        unsigned count)
{
    struct json_object *list = json_object_new_array(), *recommended = json_object_new_array();
    char text[ADDR_TEXT];
    for (unsigned i = 0; i < count; i++) {
        writer_append(writer, list, server_of(writer, &servers[i]));
        if (probed_answers_tcp(&servers[i]))
            writer_append(writer, recommended, writer_string(addr_text(servers[i].address, text)));
    }
    writer_put(writer, object, "servers", list);
    writer_put(writer, object, "recommended", recommended);
}

struct json_object *json_probe(struct writer *writer)
{
    const struct report_probe *probe = writer->report->source.probe;
    struct json_object *object = json_object_new_object();
    struct probed_server *servers = calloc(PROBED_SERVERS, sizeof *servers);
    writer->failed |= !servers;
    writer_text(writer, object, "name", probe->qname);
    writer_text(writer, object, "type", probe->qtype);
    writer_text_or_null(writer, object, "other_name", probe->other_name);
    writer_known(writer, object, "other_port", probe->other_port, probe->other_port > 0);
    writer_flag(writer, object, "captured", !probe->obstacle);
    writer_text_or_null(writer, object, "obstacle", probe->obstacle);
    writer_text_or_null(writer, object, "servers_from", probe->servers_from);
    put_servers(writer, object, servers, servers ? probed_servers(writer->report, servers) : 0);
    free(servers);
    return object;
}
