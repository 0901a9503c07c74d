/* A clock that is set: what is at hand, and what is waited for, moves with it. */
#include "capture/keep_inside.h"

static void shift_pile(struct cells *cells, const struct pile *pile, int64_t step_ns)
{
    uint32_t index = pile->first;
    for (uint32_t i = 0; i < pile->count; i++, index = cells_at(cells, index)->next)
        cells_at(cells, index)->frame.time_ns += step_ns;
}

static void shift_flow(struct cells *cells, struct kept_flow *flow, int64_t step_ns)
{
    frame_time_shift(&flow->first_ns, step_ns);
    shift_pile(cells, &flow->first, step_ns);
    shift_pile(cells, &flow->latest, step_ns);
}

static void shift_server(struct cells *cells, struct kept_server *server, int64_t step_ns)
{
    frame_time_shift(&server->earlier_ns, step_ns);
    frame_time_shift(&server->after_ns, step_ns);
    frame_time_shift(&server->window_ns, step_ns);
    shift_pile(cells, &server->earlier, step_ns);
    shift_pile(cells, &server->latest, step_ns);
}

void keep_shift(struct keep *keep, int64_t step_ns)
{
    struct kept *kept = keep->kept;
    struct kept_line *flows[] = {&kept->under_way, &kept->over}, *servers[] = {&kept->idle, &kept->busy};
    frame_time_shift(&keep->now_ns, step_ns);
    frame_time_shift(&keep->window_ns, step_ns);
    for (unsigned i = 0; i < keep->link_count; i++) {
        frame_time_shift(&keep->links[i].latest.time_ns, step_ns);
        frame_time_shift(&keep->links[i].written_ns, step_ns);
        frame_time_shift(&keep->links[i].witness_ns, step_ns);
    }
    for (int line = 0; line < 2; line++) {
        for (uint32_t i = flows[line]->first; i != KEPT_NONE; i = kept_after(flows[line], i))
            shift_flow(kept->cells, &kept->flows[i], step_ns);
        for (uint32_t i = servers[line]->first; i != KEPT_NONE; i = kept_after(servers[line], i))
            shift_server(kept->cells, &kept->servers[i], step_ns);
    }
}
