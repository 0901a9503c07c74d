/*
 * How it works: a flow is under way until it is judged, then it is one of its server's latest few, or gone. When memory
 * for a frame or a flow is short, the flow that is over longest goes first, then the idle server used least lately with
 * its UDP, then the flow that began first.
 */
#include "capture/kept.h"

#include <string.h>
#include <sys/mman.h>

struct kept *kept_new(size_t bytes)
{
    struct kept *kept = mmap(NULL, sizeof *kept, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (kept == MAP_FAILED)
        return NULL;
    kept->cells = cells_new(bytes);
    if (!kept->cells) {
        kept_free(kept);
        return NULL;
    }
    kept->under_way.links = kept->over.links = kept->flow_links;
    kept->idle.links = kept->busy.links = kept->server_links;
    return kept;
}

void kept_free(struct kept *kept)
{
    if (!kept)
        return;
    cells_free(kept->cells);
    munmap(kept, sizeof *kept);
}

static void line_add(struct kept_line *line, uint32_t index)
{
    line->links[index] = (struct kept_link){line->last, 0};
    *(line->last ? &line->links[line->last].after : &line->first) = index;
    line->last = index;
}

static void line_remove(struct kept_line *line, uint32_t index)
{
    struct kept_link link = line->links[index];
    *(link.before ? &line->links[link.before].after : &line->first) = link.after;
    *(link.after ? &line->links[link.after].before : &line->last) = link.before;
}

static void unchain_flow(struct kept *kept, uint32_t index)
{
    uint32_t *link = &kept->flow_chains[kept->flows[index].key.hash % KEEP_FLOWS];
    while (*link != index)
        link = &kept->flows[*link].chain;
    *link = kept->flows[index].chain;
}

static bool leave_out(uint32_t *list, uint8_t *count, uint32_t index)
{
    for (unsigned i = 0; i < *count; i++)
        if (list[i] == index) {
            memmove(&list[i], &list[i + 1], (--*count - i) * sizeof *list);
            return true;
        }
    return false;
}

/* One flow of the server less is under way. */
static void end_one(struct kept *kept, uint32_t index)
{
    if (--kept->servers[index].open > 0)
        return;
    line_remove(&kept->busy, index);
    line_add(&kept->idle, index);
}

void kept_flow_drop(struct kept *kept, uint32_t index)
{
    struct kept_flow *flow = &kept->flows[index];
    struct kept_server *server = &kept->servers[flow->server];
    line_remove(flow->over ? &kept->over : &kept->under_way, index);
    if (!flow->over)
        end_one(kept, flow->server);
    else if (!leave_out(server->answered, &server->answered_count, index))
        leave_out(server->failed, &server->failed_count, index);
    pile_trim(&flow->first, kept->cells, 0);
    pile_trim(&flow->latest, kept->cells, 0);
    unchain_flow(kept, index);
    flow->chain = kept->free_flow;
    kept->free_flow = index;
}

static void lose_flow(struct kept *kept, uint32_t index)
{
    kept->flows_dropped++;
    kept->dropped += kept->flows[index].first.count + kept->flows[index].latest.count;
    kept_flow_drop(kept, index);
}

static void drop_flows_of(struct kept *kept, uint32_t server)
{
    uint32_t next;
    for (uint32_t i = kept->under_way.first; kept->servers[server].open > 0 && i != KEPT_NONE; i = next) {
        next = kept_after(&kept->under_way, i);
        if (kept->flows[i].server == server)
            lose_flow(kept, i);
    }
}

static void drop_server(struct kept *kept, uint32_t index)
{
    struct kept_server *server = &kept->servers[index];
    drop_flows_of(kept, index);
    while (server->answered_count > 0)
        kept_flow_drop(kept, server->answered[0]);
    while (server->failed_count > 0)
        kept_flow_drop(kept, server->failed[0]);
    pile_trim(&server->earlier, kept->cells, 0);
    pile_trim(&server->latest, kept->cells, 0);
    line_remove(&kept->idle, index);
    uint32_t *link = &kept->server_chains[addr_hash(server->address, server->port) % KEEP_SERVERS];
    while (*link != index)
        link = &kept->servers[*link].chain;
    *link = server->chain;
    server->chain = kept->free_server;
    kept->free_server = index;
}

bool kept_make_room(struct kept *kept, uint32_t captured)
{
    while (!cells_have(kept->cells, captured)) {
        if (kept->over.first != KEPT_NONE)
            kept_flow_drop(kept, kept->over.first);
        else if (kept->idle.first != KEPT_NONE)
            drop_server(kept, kept->idle.first);
        else if (kept->under_way.first != KEPT_NONE)
            lose_flow(kept, kept->under_way.first);
        else
            return false;
    }
    return true;
}

static void touch_server(struct kept *kept, uint32_t index)
{
    struct kept_line *line = kept->servers[index].open > 0 ? &kept->busy : &kept->idle;
    line_remove(line, index);
    line_add(line, index);
}

static uint32_t new_server(struct kept *kept)
{
    if (kept->free_server == KEPT_NONE && kept->servers_used < KEEP_SERVERS)
        return ++kept->servers_used;
    if (kept->free_server == KEPT_NONE)
        drop_server(kept, kept->idle.first != KEPT_NONE ? kept->idle.first : kept->busy.first);
    uint32_t index = kept->free_server;
    kept->free_server = kept->servers[index].chain;
    return index;
}

uint32_t kept_server_find(const struct kept *kept, struct addr address, uint16_t port)
{
    uint32_t index = kept->server_chains[addr_hash(address, port) % KEEP_SERVERS];
    while (index != KEPT_NONE &&
           !(kept->servers[index].port == port && addr_same(kept->servers[index].address, address)))
        index = kept->servers[index].chain;
    return index;
}

uint32_t kept_server(struct kept *kept, struct addr address, uint16_t port)
{
    uint32_t place = (uint32_t)(addr_hash(address, port) % KEEP_SERVERS);
    uint32_t index = kept_server_find(kept, address, port);
    if (index != KEPT_NONE) {
        touch_server(kept, index);
        return index;
    }
    index = new_server(kept);
    kept->servers[index] = (struct kept_server){.address = address, .port = port, .chain = kept->server_chains[place]};
    kept->server_chains[place] = index;
    line_add(&kept->idle, index);
    return index;
}

uint32_t kept_flow_find(const struct kept *kept, const struct flow_key *key)
{
    uint32_t index = kept->flow_chains[key->hash % KEEP_FLOWS];
    while (index != KEPT_NONE && (kept->flows[index].over || !flow_key_same(&kept->flows[index].key, key)))
        index = kept->flows[index].chain;
    return index;
}

static uint32_t new_flow(struct kept *kept)
{
    if (kept->free_flow == KEPT_NONE && kept->flows_used < KEEP_FLOWS)
        return ++kept->flows_used;
    if (kept->free_flow == KEPT_NONE && kept->over.first != KEPT_NONE)
        kept_flow_drop(kept, kept->over.first);
    else if (kept->free_flow == KEPT_NONE)
        lose_flow(kept, kept->under_way.first);
    uint32_t index = kept->free_flow;
    kept->free_flow = kept->flows[index].chain;
    return index;
}

/* What UDP came before this flow, so that a long wait does not push it out. */
static void set_apart(struct kept *kept, struct kept_server *server, int64_t now_ns)
{
    if (server->open > 0 && now_ns - server->earlier_ns < KEEP_AFTER_NS)
        return;
    pile_join(&server->earlier, &server->latest, kept->cells);
    pile_trim(&server->earlier, kept->cells, KEEP_EXCHANGE);
    server->earlier_ns = now_ns;
}

uint32_t kept_flow_begin(struct kept *kept, const struct flow_key *key, uint32_t server, int64_t now_ns)
{
    uint32_t index = new_flow(kept);
    uint32_t *chain = &kept->flow_chains[key->hash % KEEP_FLOWS];
    kept->flows[index] = (struct kept_flow){.key = *key, .first_ns = now_ns, .server = server, .chain = *chain};
    *chain = index;
    line_add(&kept->under_way, index);
    set_apart(kept, &kept->servers[server], now_ns);
    if (kept->servers[server].open++ == 0) {
        line_remove(&kept->idle, server);
        line_add(&kept->busy, server);
    }
    return index;
}

void kept_flow_over(struct kept *kept, uint32_t index, bool answered)
{
    struct kept_flow *flow = &kept->flows[index];
    struct kept_server *server = &kept->servers[flow->server];
    uint32_t *list = answered ? server->answered : server->failed;
    uint8_t *count = answered ? &server->answered_count : &server->failed_count;
    if (*count == (answered ? KEEP_ANSWERED : KEEP_FAILED))
        kept_flow_drop(kept, list[0]);
    list[(*count)++] = index;
    line_remove(&kept->under_way, index);
    line_add(&kept->over, index);
    flow->over = true;
    end_one(kept, flow->server);
}
