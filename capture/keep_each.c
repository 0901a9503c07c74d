/* Frames at hand: put in order of time, and handed out. */
#include "capture/keep_inside.h"

#include <stdlib.h>

struct keep_link *keep_link(struct keep *keep, int link_type)
{
    for (unsigned i = 0; i < keep->link_count; i++)
        if (keep->links[i].latest.link_type == link_type)
            return &keep->links[i];
    if (keep->link_count < KEEP_LINKS)
        keep->link_count++;
    struct keep_link *link = &keep->links[keep->link_count - 1];
    *link = (struct keep_link){{.link_type = link_type, .time_ns = INT64_MIN}, INT64_MIN, 0};
    return link;
}

void keep_gather(struct keep *keep, const struct pile *pile, bool unwritten)
{
    struct cells *cells = keep->kept->cells;
    uint32_t index = pile->first;
    for (uint32_t i = 0; i < pile->count; i++) {
        const struct cell *cell = cells_at(cells, index);
        if (!unwritten || cell->file < keep->first_file)
            keep->batch[keep->batch_count++] = (struct keep_turn){cell->frame.time_ns, cell->serial, index};
        index = cell->next;
    }
}

void keep_gather_flow(struct keep *keep, uint32_t index, bool unwritten)
{
    keep_gather(keep, &keep->kept->flows[index].first, unwritten);
    keep_gather(keep, &keep->kept->flows[index].latest, unwritten);
}

static int order_turns(const void *a, const void *b)
{
    const struct keep_turn *x = a, *y = b;
    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    return x->serial < y->serial ? -1 : x->serial > y->serial;
}

void keep_put_in_order(struct keep *keep)
{
    qsort(keep->batch, keep->batch_count, sizeof *keep->batch, order_turns);
}

static bool is_present(const struct keep *keep, uint32_t index, const struct keep_each *each)
{
    const struct kept_flow *flow = &keep->kept->flows[index];
    const struct kept_server *server = &keep->kept->servers[flow->server];
    return !each->since || server->udp_answers < KEEP_UDP_ENOUGH ||
           flow->first_ns >= each->since(each->context, flow->key.server, flow->key.server_port);
}

static void gather_all(struct keep *keep, const struct keep_each *each)
{
    const struct kept *kept = keep->kept;
    const struct kept_line *flows[] = {&kept->under_way, &kept->over}, *servers[] = {&kept->idle, &kept->busy};
    for (int line = 0; line < 2; line++) {
        for (uint32_t i = flows[line]->first; i != KEPT_NONE; i = kept_after(flows[line], i))
            if (is_present(keep, i, each))
                keep_gather_flow(keep, i, false);
        for (uint32_t i = servers[line]->first; i != KEPT_NONE; i = kept_after(servers[line], i)) {
            keep_gather(keep, &kept->servers[i].earlier, false);
            keep_gather(keep, &kept->servers[i].latest, false);
        }
    }
}

static bool hand_out(struct keep *keep, const struct keep_each *each, struct frame *last)
{
    bool fine = true;
    for (uint32_t i = 0; i < keep->batch_count && fine; i++) {
        *last = cells_frame(keep->kept->cells, keep->batch[i].index);
        fine = each->take(each->context, last);
    }
    return fine;
}

/* Of a server all but its flows under way, which nothing but a walk over those of all servers would find. */
static void gather_server(struct keep *keep, uint32_t index, const struct keep_each *each)
{
    const struct kept_server *server = &keep->kept->servers[index];
    keep_gather(keep, &server->earlier, false);
    keep_gather(keep, &server->latest, false);
    for (unsigned i = 0; i < server->answered_count; i++)
        if (is_present(keep, server->answered[i], each))
            keep_gather_flow(keep, server->answered[i], false);
    for (unsigned i = 0; i < server->failed_count; i++)
        if (is_present(keep, server->failed[i], each))
            keep_gather_flow(keep, server->failed[i], false);
}

static void gather_under_way(struct keep *keep, uint32_t server, const struct keep_each *each)
{
    const struct kept_line *line = &keep->kept->under_way;
    for (uint32_t i = line->first; i != KEPT_NONE; i = kept_after(line, i))
        if (keep->kept->flows[i].server == server && is_present(keep, i, each))
            keep_gather_flow(keep, i, false);
}

/* The server first, then the others from the latest one back until it is enough. */
static void gather_part(struct keep *keep, const struct keep_each *each, const struct keep_part *part)
{
    const struct kept *kept = keep->kept;
    const struct kept_line *lines[] = {&kept->busy, &kept->idle};
    uint32_t own = kept_server_find(kept, part->server, part->port);
    if (own != KEPT_NONE) {
        gather_server(keep, own, each);
        gather_under_way(keep, own, each);
    }
    for (int line = 0; line < 2; line++)
        for (uint32_t i = lines[line]->last; i != KEPT_NONE && keep->batch_count < part->most;
             i = lines[line]->links[i].before)
            if (i != own)
                gather_server(keep, i, each);
}

static void gather_wanted(struct keep *keep, const struct keep_each *each, const struct keep_part *part)
{
    if (part && cells_in_use(keep->kept->cells) > part->most)
        gather_part(keep, each, part);
    else
        gather_all(keep, each);
}

bool keep_each_unordered(struct keep *keep, const struct keep_each *each, const struct keep_part *part)
{
    struct frame last;
    gather_wanted(keep, each, part);
    bool fine = hand_out(keep, each, &last);
    keep->batch_count = 0;
    return fine;
}

bool keep_each(struct keep *keep, const struct keep_each *each)
{
    return keep_each_of(keep, each, NULL);
}

bool keep_each_of(struct keep *keep, const struct keep_each *each, const struct keep_part *part)
{
    struct frame last = {.time_ns = INT64_MIN};
    gather_wanted(keep, each, part);
    keep_put_in_order(keep);
    bool fine = hand_out(keep, each, &last);
    if (fine && keep->batch_count > 0) {
        const struct frame *latest = &keep_link(keep, last.link_type)->latest;
        fine = latest->time_ns <= last.time_ns || each->take(each->context, latest);
    }
    keep->batch_count = 0;
    return fine;
}
