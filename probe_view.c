#include "probe_view.h"

#include "capture/privs.h"
#include "capture/resolvers.h"
#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---------------------------------------------------------------- beginning */

struct interfaces {
    char names[LIVE_MOST][IFNAMSIZ];
    const char *list[LIVE_MOST];
    size_t count;
};

static void add_interface(struct interfaces *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->names[i], name) == 0)
            return;
    if (all->count == LIVE_MOST)
        return;
    snprintf(all->names[all->count], IFNAMSIZ, "%s", name);
    all->list[all->count] = all->names[all->count];
    all->count++;
}

/* Toward each server; and the loopback device: a RST of this host's own filter passes there only. */
static void find_interfaces(struct interfaces *all, const struct addr *servers, size_t count)
{
    char name[IFNAMSIZ];
    struct addr loopback;
    for (size_t i = 0; i < count; i++)
        if (resolvers_interface(servers[i], name))
            add_interface(all, name);
    if (all->count > 0 && addr_read("127.0.0.1", &loopback) && resolvers_interface(loopback, name))
        add_interface(all, name);
}

static bool open_live(struct probe_view *view, const struct options *options, const struct addr *servers, size_t count,
                      struct failure *failure)
{
    enum { BUFFER_KIB = 2048 };
    const uint16_t ports[] = {options->analysis.port_count ? options->analysis.ports[0] : DNS_PORT,
                              (uint16_t)options->probe.other_port};
    struct interfaces all = {.count = 0};
    find_interfaces(&all, servers, count);
    bool named = options->watch.interface_count > 0;
    const struct live_options live = {.interfaces = named ? options->watch.interfaces : all.list,
                                      .interface_count = named ? options->watch.interface_count : all.count,
                                      .ports = ports,
                                      .port_count = ports[1] ? 2 : 1,
                                      .buffer_kib = BUFFER_KIB};
    if (!named && all.count == 0)
        return failure_set(failure, "no interface leads to the servers");
    view->live = live_open(&live, failure);
    return view->live != NULL;
}

/* Sockets of one's own need no rights. Files of somebody else's directories, that root was told to write, do. */
static bool drop_rights(const struct options *options, struct failure *failure)
{
    struct privs privs = {0};
    if (geteuid() == 0 && (options->output || options->watch.metrics || options->probe.save))
        return true;
    privs_stay(&privs);
    return privs_drop(&privs, failure);
}

bool probe_view_open(struct probe_view *view, const struct options *options, const struct addr *servers, size_t count)
{
    struct failure failure = {""};
    struct analysis_options analysis = options->analysis;
    view->analysis = analysis_new(&analysis);
    if (!view->analysis)
        return complain("out of memory");
    if (options->probe.save) {
        view->save = probe_save_new(options->probe.save);
        if (!view->save)
            return complain("out of memory");
    }
    if (options->probe.no_capture)
        failure_set(&view->obstacle, "--no-capture");
    else if (!open_live(view, options, servers, count, &view->obstacle) && options->watch.interface_count > 0)
        return complain("%s", view->obstacle.text);
    return drop_rights(options, &failure) || complain("%s", failure.text);
}

void probe_view_close(struct probe_view *view)
{
    live_close(view->live);
    analysis_free(view->analysis);
    probe_save_free(view->save);
    view->save = NULL;
    view->live = NULL;
    view->analysis = NULL;
}

/* ---------------------------------------------------------------- its own packets */

void probe_view_port(struct probe_view *view, bool tcp, uint16_t port)
{
    view->ports[tcp][port / 8] |= (uint8_t)(1u << port % 8);
}

static bool is_own_port(const struct probe_view *view, unsigned protocol, uint16_t port)
{
    return (protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP) &&
           (view->ports[protocol == PROTOCOL_TCP][port / 8] & 1u << port % 8);
}

/* A fragment, or what cannot be read, may be. */
static bool is_own(const struct probe_view *view, const struct frame *frame)
{
    struct packet packet;
    if (packet_parse(&packet, frame) != PACKET_OK)
        return true;
    if (packet.protocol == PROTOCOL_TCP || packet.protocol == PROTOCOL_UDP)
        return is_own_port(view, packet.protocol, packet.source_port) ||
               is_own_port(view, packet.protocol, packet.target_port);
    return packet_is_icmp_error(&packet) && is_own_port(view, packet.quote.protocol, packet.quote.source_port);
}

/* Reports name a frame by its place in the file; the interfaces' own come behind that. */
static void refer_to_saved(struct probe_view *view, struct frame *frame)
{
    uint64_t place = probe_save_frame(view->save, frame);
    if (place)
        frame->ref = (struct frame_ref){.number = place & 0xffffffffffff, .input = 0};
    else
        frame->ref.input++;
}

size_t probe_view_inputs(const struct probe_view *view, struct input *inputs)
{
    size_t count = 0, first = view->save != NULL;
    const struct input *all = view->live ? live_inputs(view->live, &count) : NULL;
    if (first)
        inputs[0] = probe_save_input(view->save);
    for (size_t i = 0; i < count; i++) {
        inputs[first + i] = all[i];
        inputs[first + i].selected = view->selected[i];
    }
    return first + count;
}

void probe_view_take(struct probe_view *view)
{
    enum { AT_ONCE = 4096 };
    struct frame frame;
    for (int i = 0; view->live && i < AT_ONCE && live_next(view->live, &frame); i++) {
        if (!is_own(view, &frame))
            continue;
        view->selected[frame.ref.input]++;
        if (view->save)
            refer_to_saved(view, &frame);
        analysis_feed(view->analysis, &frame);
    }
}

/* Over this transport the capture saw the server asked. */
static bool was_seen(const struct probe_view *view, const struct attempt *attempt)
{
    const struct facts *facts = analysis_facts(view->analysis);
    const struct server *server = facts_server_seen(facts, attempt->server, attempt->server_port);
    if (!server || attempt_test_is_udp(attempt->test))
        return server && server->udp_queries > 0;
    const struct tcp_facts *tcp = facts_tcp_seen(facts, server);
    return tcp && tcp->attempts > 0;
}

/* What this host's own filter keeps back, or what leaves by another interface, is known by its sockets alone. */
static void tell_unseen(struct probe_view *view, const struct attempt *attempts, size_t count)
{
    bool *unseen = calloc(count, sizeof *unseen);
    for (size_t i = 0; unseen && i < count; i++)
        unseen[i] = !was_seen(view, &attempts[i]);
    for (size_t i = 0; unseen && i < count; i++)
        if (unseen[i])
            analysis_tell(view->analysis, &attempts[i]);
    free(unseen);
}

void probe_view_finish(struct probe_view *view, const struct attempt *attempts, size_t count)
{
    analysis_pass_time(view->analysis, clock_day_ns());
    analysis_finish(view->analysis);
    struct analysis_counters counters = analysis_counters(view->analysis);
    if (count == 0)
        return;
    if (counters.tcp + counters.udp + counters.icmp == 0 && !*view->obstacle.text)
        failure_set(&view->obstacle, "the capture saw none of the probe's packets");
    tell_unseen(view, attempts, count);
}
