/*
 * How it works: frames come before their flow is judged, so all are kept for a while (kept.c says which). A flow that
 * fails is written with what its server's UDP and its answered flows left in memory, in order of time, each frame once;
 * then follow UDP frames and answered flows as they come. Silence is proven by time that passes: behind a flow that met
 * it an empty frame is written, the head of one that was captured later, unless a whole one is there.
 */
#include "capture/keep_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

static_assert((int)KEEP_SNAPLEN == (int)CELLS_SNAPLEN, "one limit");

struct keep *keep_new(size_t bytes, keep_writer *writer, void *context)
{
    struct keep *keep = calloc(1, sizeof *keep);
    if (!keep)
        return NULL;
    keep->writer = writer;
    keep->context = context;
    keep->first_file = 1;
    keep->kept = kept_new(bytes ? bytes : KEEP_BYTES);
    if (keep->kept) {
        keep->batch_size = cells_count(keep->kept->cells) + 1;
        keep->batch = mmap(NULL, keep->batch_size * sizeof *keep->batch, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    if (keep->kept && keep->batch != MAP_FAILED)
        return keep;
    keep->batch = NULL;
    keep_free(keep);
    return NULL;
}

void keep_free(struct keep *keep)
{
    if (!keep)
        return;
    if (keep->batch)
        munmap(keep->batch, keep->batch_size * sizeof *keep->batch);
    kept_free(keep->kept);
    free(keep);
}

struct keep_about keep_about_of(const struct flow_key *key, const struct packet *packet, bool from_server)
{
    bool error = packet->protocol != PROTOCOL_TCP && packet->protocol != PROTOCOL_UDP;
    uint8_t protocol = error ? packet->quote.protocol : packet->protocol;
    bool begins = packet->protocol == PROTOCOL_TCP && !from_server && (packet->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
    return (struct keep_about){.key = *key,
                               .kind = protocol == PROTOCOL_TCP ? KEEP_TCP : KEEP_UDP,
                               .from_server = from_server,
                               .begins = begins,
                               .foreign = error && !addr_same(packet->source, key->client),
                               .isn = begins ? packet->seq : 0};
}

static void write_frame(struct keep *keep, const struct frame *frame, struct cell *cell)
{
    struct keep_link *link = keep_link(keep, frame->link_type);
    unsigned file = keep->writer(keep->context, frame);
    *(file > 0 ? &keep->counters.written : &keep->counters.lost) += 1;
    if (file > 0 && frame->time_ns > link->written_ns)
        link->written_ns = frame->time_ns;
    if (cell)
        cell->file = file;
}

void keep_clock(struct keep *keep, const struct frame *frame)
{
    struct keep_link *link = keep_link(keep, frame->link_type);
    keep->now_ns = frame->time_ns > keep->now_ns ? frame->time_ns : keep->now_ns;
    if (frame->time_ns < link->latest.time_ns)
        return;
    link->latest = *frame;
    link->latest.captured = 0;
    link->latest.data = NULL;
    if (link->witness_ns == 0 || frame->time_ns < link->witness_ns)
        return;
    link->witness_ns = 0;
    write_frame(keep, &link->latest, NULL);
}

/* batches */

static void write_batch(struct keep *keep)
{
    keep_put_in_order(keep);
    for (uint32_t i = 0; i < keep->batch_count; i++) {
        struct frame frame = cells_frame(keep->kept->cells, keep->batch[i].index);
        write_frame(keep, &frame, cells_at(keep->kept->cells, keep->batch[i].index));
    }
    keep->batch_count = 0;
}

/* frames */

/* The server's answer to a SYN may stand before it (flow.c, is_answered_early). */
static bool is_early(const struct kept_flow *flow, int64_t now_ns)
{
    return !flow->has_isn && flow->server_first && now_ns - flow->first_ns <= FLOW_EARLY_NS;
}

/* The flow of a frame, a new one if need be. */
static struct kept_flow *flow_for(struct keep *keep, const struct keep_about *about, int64_t time_ns)
{
    struct kept *kept = keep->kept;
    uint32_t index = kept_flow_find(kept, &about->key);
    struct kept_flow *flow = &kept->flows[index];
    if (about->begins && index != KEPT_NONE && !(flow->has_isn && flow->isn == about->isn) && !is_early(flow, time_ns))
        index = KEPT_NONE;
    if (index == KEPT_NONE) {
        uint32_t server = kept_server(kept, about->key.server, about->key.server_port);
        index = kept_flow_begin(kept, &about->key, server, time_ns);
        flow = &kept->flows[index];
        flow->server_first = about->from_server;
    }
    if (about->begins) {
        flow->isn = about->isn;
        flow->has_isn = true;
    }
    return flow;
}

static void keep_segment(struct keep *keep, const struct frame *frame, const struct keep_about *about)
{
    struct cells *cells = keep->kept->cells;
    if (about->foreign && kept_flow_find(keep->kept, &about->key) == KEPT_NONE)
        return;
    struct kept_flow *flow = flow_for(keep, about, frame->time_ns);
    bool first = flow->first.count < KEEP_FLOW_FIRST;
    pile_add(first ? &flow->first : &flow->latest, cells, cells_put(cells, frame));
    keep->kept->dropped += pile_trim(&flow->latest, cells, KEEP_FLOW_LATEST);
}

static void keep_datagram(struct keep *keep, const struct frame *frame, const struct keep_about *about)
{
    struct cells *cells = keep->kept->cells;
    struct kept_server *server =
        &keep->kept->servers[kept_server(keep->kept, about->key.server, about->key.server_port)];
    server->udp_answers += about->from_server;
    uint32_t index = cells_put(cells, frame);
    pile_add(&server->latest, cells, index);
    pile_trim(&server->latest, cells, KEEP_EXCHANGE);
    if (server->frames_after == 0 || frame->time_ns > server->after_ns)
        return;
    server->frames_after--;
    write_frame(keep, frame, cells_at(cells, index));
}

void keep_frame(struct keep *keep, const struct frame *frame, const struct keep_about *about)
{
    struct frame cut = *frame;
    cut.captured = frame->captured < KEEP_SNAPLEN ? frame->captured : KEEP_SNAPLEN;
    keep->counters.frames++;
    if (!kept_make_room(keep->kept, cut.captured))
        keep->kept->dropped++;
    else if (about->kind == KEEP_TCP)
        keep_segment(keep, &cut, about);
    else
        keep_datagram(keep, &cut, about);
}

/* flows that are over */

/* The flow that a record is of, the oldest of several. */
static uint32_t flow_of(const struct keep *keep, const struct flow_record *record)
{
    const struct kept *kept = keep->kept;
    const struct flow_key key = flow_key_recorded(record);
    const struct sighting *syn = flow_saw(record, FLOW_SYN);
    uint32_t found = KEPT_NONE;
    for (uint32_t i = kept->flow_chains[key.hash % KEEP_FLOWS]; i != KEPT_NONE; i = kept->flows[i].chain) {
        const struct kept_flow *flow = &kept->flows[i];
        bool same = syn ? flow->has_isn && flow->isn == syn->seq : !flow->has_isn;
        if (same && !flow->over && flow_key_same(&flow->key, &key))
            found = i;
    }
    return found;
}

/* Counts a flow that is to be written; false when there were too many of them within the minute. */
static bool is_allowed(struct keep *keep, struct kept_server *server, bool refused)
{
    if (keep->now_ns - keep->window_ns >= KEEP_WINDOW_NS) {
        keep->window_ns = keep->now_ns;
        keep->in_window = 0;
    }
    if (keep->now_ns - server->window_ns >= KEEP_WINDOW_NS) {
        server->window_ns = keep->now_ns;
        server->written = server->refused = 0;
    }
    bool allowed = server->written < KEEP_WRITTEN && keep->in_window < KEEP_WRITTEN_ALL &&
                   !(refused && server->refused >= KEEP_REFUSED);
    server->written += allowed;
    server->refused += allowed && refused;
    keep->in_window += allowed;
    keep->counters.flows_unwritten += !allowed;
    return allowed;
}

/* Sees to it that what is written shows that the capture went on after the flow's last frame. */
static void write_witness(struct keep *keep, const struct kept_flow *flow)
{
    const struct pile *pile = flow->latest.count > 0 ? &flow->latest : &flow->first;
    if (pile->count == 0)
        return;
    const struct frame *last = &cells_at(keep->kept->cells, pile->last)->frame;
    const int64_t wanted_ns = last->time_ns + KEEP_WITNESS_NS;
    struct keep_link *link = keep_link(keep, last->link_type);
    if (link->latest.time_ns > link->written_ns && link->written_ns < wanted_ns)
        write_frame(keep, &link->latest, NULL);
    if (link->written_ns < wanted_ns)
        link->witness_ns = wanted_ns;
}

/*
 * Answered flows show how far away the server is, where its UDP does not, and that it fails only now and then. Those from
 * before it began to fail would make a server seem so that answered, and now does not.
 */
static bool is_telling(const struct keep *keep, const struct kept_server *server, uint32_t answered)
{
    const struct kept_flow *flows = keep->kept->flows;
    bool telling = server->udp_answers < KEEP_UDP_ENOUGH;
    for (unsigned i = 0; i < server->failed_count; i++) {
        int64_t since_ns = flows[answered].first_ns - flows[server->failed[i]].first_ns;
        telling |= since_ns > 0 && since_ns <= KEEP_MIXED_NS;
    }
    return telling;
}

static void write_failed(struct keep *keep, const struct kept_flow *flow, struct kept_server *server, bool silent)
{
    keep_gather(keep, &server->earlier, true);
    keep_gather(keep, &server->latest, true);
    for (unsigned i = 0; i < server->answered_count; i++)
        if (is_telling(keep, server, server->answered[i]))
            keep_gather_flow(keep, server->answered[i], true);
    keep_gather_flow(keep, (uint32_t)(flow - keep->kept->flows), true);
    write_batch(keep);
    if (silent)
        write_witness(keep, flow);
    if (keep->now_ns > server->after_ns) {
        server->after_ns = keep->now_ns + KEEP_AFTER_NS;
        server->frames_after = KEEP_FRAMES_AFTER;
    }
    server->flows_after = KEEP_FLOWS_AFTER;
}

static void write_answered(struct keep *keep, uint32_t index, struct kept_server *server)
{
    server->flows_after--;
    keep_gather_flow(keep, index, true);
    write_batch(keep);
}

void keep_flow_over(struct keep *keep, const struct flow_record *record, const struct flow_end *end)
{
    bool refused = end->mechanism == MECHANISM_ERROR_RCODE;
    bool answered = end->outcome == OUTCOME_ANSWERED && !refused;
    bool failed = flow_outcome_is_failure(end->outcome) || refused;
    uint32_t index = flow_of(keep, record);
    if (index == KEPT_NONE)
        return;
    if (!answered && !failed) {
        kept_flow_drop(keep->kept, index);
        return;
    }
    struct kept_flow *flow = &keep->kept->flows[index];
    struct kept_server *server = &keep->kept->servers[flow->server];
    kept_flow_over(keep->kept, index, answered);
    if (failed && keep->writer && (flow->failing ? !flow->refused : is_allowed(keep, server, refused)))
        write_failed(keep, flow, server, end->outcome == OUTCOME_UNANSWERED);
    else if (answered && server->flows_after > 0 && server->udp_answers < KEEP_UDP_ENOUGH)
        write_answered(keep, index, server);
}

void keep_flow_failing(struct keep *keep, const struct flow_record *record, enum flow_outcome outcome)
{
    uint32_t index = keep->writer ? flow_of(keep, record) : KEPT_NONE;
    struct kept_flow *flow = &keep->kept->flows[index];
    if (index == KEPT_NONE || flow->failing)
        return;
    struct kept_server *server = &keep->kept->servers[flow->server];
    flow->failing = true;
    flow->refused = !is_allowed(keep, server, false);
    if (!flow->refused)
        write_failed(keep, flow, server, outcome == OUTCOME_UNANSWERED);
}

void keep_files_gone(struct keep *keep, unsigned first)
{
    keep->first_file = first;
}

struct keep_counters keep_counters(const struct keep *keep)
{
    struct keep_counters counters = keep->counters;
    counters.dropped = keep->kept->dropped;
    counters.flows_dropped = keep->kept->flows_dropped;
    return counters;
}
