/*
 * How it works. Each way is walked in sweeps: one packet for each TTL, from a source port of its own, a batch of TTLs at
 * one time and the next batch when all of that have their reply or their time is up, until somebody answered who is at the
 * way's end. Sweeps are repeated, from other ports, until two in a row say the same; later ones need not go far beyond
 * what the ones before found. Routers send a few ICMP errors in a row and then about one a second (Linux, icmp(7)): so
 * a sweep begins a second after the last one at the earliest, a router that was heard twice is left alone, and an error
 * that is missing says nothing until it was missing in every sweep, of which there is one more for that.
 *
 * Who chooses by source port, be it one of several routes or whom to reject, often goes by its lowest bit: each TTL has
 * even and odd ones in turn.
 *
 * UDP goes first, as how far the server is tells the others where to stop; SYNs follow when UDP's first batch is over, and
 * queries when some SYN was accepted.
 */
#include "capture/locate.h"

#include "capture/locate_shot.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MS_NS INT64_C(1000000)

enum { SWEEPS_LEAST = 3, SWEEPS_SILENT = 4, BEYOND = 2, REPLIES_ENOUGH = 2 };

static const int64_t between_sweeps_ns = 1000 * MS_NS;

/* One way, as far as it was walked. */
struct walk {
    bool sweeping, over;
    bool settled;             /* the last sweeps agreed */
    bool unclear;             /* its errors cannot be told apart: nothing of it is kept */
    unsigned next;            /* TTL */
    unsigned out;             /* packets without a reply so far */
    unsigned end, end_before; /* least TTL with an end in this sweep and in the one before; 0: none */
    unsigned silent_before;   /* path_silent_from() after the sweep before */
    unsigned swept;
    bool counted; /* something of this sweep counts */
    int64_t begin_ns;
};

struct locate {
    struct shot_target target;
    bool ask, done;
    unsigned sent;
    struct walk walks[PATH_WAYS];
    struct shot shots[LOCATE_SOCKETS];
    struct path path;
};

static const unsigned batches[] = {[PATH_UDP] = LOCATE_BATCH, [PATH_SYN] = LOCATE_BATCH, [PATH_QUERY] = LOCATE_QUERIES};
static_assert(sizeof batches / sizeof *batches == PATH_WAYS, "each way has its batch");

struct locate *locate_new(const struct locate_options *options, struct failure *failure)
{
    struct locate *locate = calloc(1, sizeof *locate);
    if (!locate) {
        failure_set(failure, "out of memory");
        return NULL;
    }
    locate->target = (struct shot_target){
        .server = options->server,
        .port = options->port,
        .query = options->query,
        .timeout_ns = options->timeout_ns > 0 ? options->timeout_ns : LOCATE_TIMEOUT_MS * MS_NS,
        .bound = options->port_bound,
        .context = options->context,
    };
    locate->ask = options->ask;
    locate->path.server = options->server;
    locate->path.port = options->port;
    for (size_t i = 0; i < LOCATE_SOCKETS; i++)
        locate->shots[i].fd = -1;
    return locate;
}

void locate_free(struct locate *locate)
{
    for (size_t i = 0; locate && i < LOCATE_SOCKETS; i++)
        shot_end(&locate->shots[i], &locate->target);
    free(locate);
}

const struct path *locate_path(const struct locate *locate)
{
    return &locate->path;
}

unsigned locate_sent(const struct locate *locate)
{
    return locate->sent;
}

size_t locate_descriptors(const struct locate *locate, struct pollfd *list, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < LOCATE_SOCKETS && count < room; i++)
        if (locate->shots[i].fd >= 0)
            list[count++] = (struct pollfd){.fd = locate->shots[i].fd, .events = shot_events(&locate->shots[i])};
    return count;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* The TTL at which the server answers over UDP; for the query also how far a SYN has to go. 0: not known. */
static unsigned server_ttl(const struct path *path, enum path_way way)
{
    unsigned udp = path_first(path, PATH_UDP, PATH_BIT(PATH_ANSWERED));
    unsigned syn = way == PATH_QUERY ? path_first(path, PATH_SYN, PATH_BIT(PATH_ACCEPTED)) : 0;
    return udp > syn ? udp : syn;
}

/* The highest TTL that the way is worth, by what is known so far. */
static unsigned limit_of(const struct locate *locate, enum path_way way)
{
    const struct path *path = &locate->path;
    unsigned server = server_ttl(path, way), end = path_first(path, way, PATH_ENDS);
    unsigned silent = path_silent_from(path, way), heard = silent > 0 ? silent - 1 : path->most[way];
    bool first = locate->walks[way].swept == 0;
    if (way == PATH_QUERY && server > 0)
        return least(end > 0 ? end + 1 : server, server);
    if (end > 0)
        return least(end + BEYOND, PATH_HOPS);
    if (server > 0 && heard >= server) /* farther, as long as a router says so: somebody sends TCP elsewhere */
        return least(heard + BEYOND, PATH_HOPS);
    if (server > 0)
        return least(first ? server + BEYOND : server, PATH_HOPS);
    return silent > 0 && !first ? least(silent + BEYOND, PATH_HOPS) : PATH_HOPS;
}

/* Before what decides, a router that was heard twice need not be asked again. */
static bool is_known(const struct locate *locate, enum path_way way, unsigned ttl)
{
    const struct path_step *step = &locate->path.steps[way][ttl];
    unsigned end = path_first(&locate->path, way, PATH_ENDS), silent = path_silent_from(&locate->path, way);
    unsigned decides = end > 0 ? end : silent;
    return ttl < decides && path_tries(step) >= REPLIES_ENOUGH + (unsigned)step->count[PATH_SILENT];
}

static struct shot *free_shot(struct locate *locate)
{
    for (size_t i = 0; i < LOCATE_SOCKETS; i++)
        if (locate->shots[i].fd < 0)
            return &locate->shots[i];
    return NULL;
}

static void fire_batch(struct locate *locate, enum path_way way, unsigned limit, int64_t now_ns)
{
    struct walk *walk = &locate->walks[way];
    while (walk->out < batches[way] && walk->next <= limit) {
        unsigned ttl = walk->next++;
        struct shot *shot = is_known(locate, way, ttl) ? NULL : free_shot(locate);
        if (!shot)
            continue;
        enum socket_parity parity = (ttl + walk->swept) % 2 == 0 ? SOCKET_EVEN : SOCKET_ODD;
        bool sent = shot_fire(shot, &locate->target, way, ttl, parity, now_ns);
        locate->sent += sent;
        walk->out += sent;
    }
}

/* Goes on with a sweep; false when it is over: at its limit, or beyond a TTL with an end by one. */
static bool sweep_on(struct locate *locate, enum path_way way, int64_t now_ns)
{
    struct walk *walk = &locate->walks[way];
    while (walk->out == 0) {
        unsigned limit = limit_of(locate, way);
        if (walk->next > limit || (walk->end > 0 && walk->next > walk->end + 1))
            return false;
        fire_batch(locate, way, limit, now_ns);
    }
    return true;
}

static void forget(struct path *path, enum path_way way)
{
    path->most[way] = path->sweeps[way] = 0;
    memset(path->steps[way], 0, sizeof path->steps[way]);
}

static void end_sweep(struct locate *locate, enum path_way way, int64_t now_ns)
{
    struct walk *walk = &locate->walks[way];
    unsigned silent = path_silent_from(&locate->path, way);
    bool same = walk->end == walk->end_before && (walk->end > 0 || silent == walk->silent_before);
    walk->sweeping = false;
    walk->swept++;
    locate->path.sweeps[way] = (uint8_t)(locate->path.sweeps[way] + walk->counted);
    walk->settled = same && walk->swept >= (walk->end > 0 ? SWEEPS_LEAST : SWEEPS_SILENT);
    walk->over = walk->settled || walk->swept == PATH_PORTS || walk->unclear;
    walk->end_before = walk->end;
    walk->silent_before = silent;
    if (walk->begin_ns + between_sweeps_ns > now_ns)
        walk->begin_ns += between_sweeps_ns;
    else
        walk->begin_ns = now_ns;
    if (walk->unclear)
        forget(&locate->path, way);
}

/* Whether a way's first sweep has what it needs from the other ways'. */
static bool may_begin(const struct locate *locate, enum path_way way)
{
    const struct walk *udp = &locate->walks[PATH_UDP];
    switch (way) {
    case PATH_SYN:
        return udp->swept > 0 || udp->next > LOCATE_BATCH + 1;
    case PATH_QUERY:
        return locate->walks[PATH_SYN].swept > 0 && path_first(&locate->path, PATH_SYN, PATH_BIT(PATH_ACCEPTED)) > 0;
    default:
        return true;
    }
}

static void begin_sweep(struct walk *walk, int64_t now_ns)
{
    walk->sweeping = true;
    walk->counted = false;
    walk->next = 1;
    walk->end = 0;
    walk->begin_ns = now_ns;
}

static void walk_on(struct locate *locate, enum path_way way, int64_t now_ns)
{
    struct walk *walk = &locate->walks[way];
    if (way == PATH_QUERY && (!locate->ask || (locate->walks[PATH_SYN].over && !may_begin(locate, way))))
        walk->over = walk->settled = true;
    if (!walk->sweeping && !walk->over && now_ns >= walk->begin_ns && may_begin(locate, way))
        begin_sweep(walk, now_ns);
    if (walk->sweeping && !sweep_on(locate, way, now_ns))
        end_sweep(locate, way, now_ns);
}

static void note_sender(struct path_step *step, struct addr from)
{
    step->several |= !addr_is_none(from) && !addr_is_none(step->from) && !addr_same(from, step->from);
    if (addr_is_none(step->from))
        step->from = from;
}

static void note(struct locate *locate, const struct shot *shot)
{
    struct path *path = &locate->path;
    struct walk *walk = &locate->walks[shot->way];
    struct path_step *step = &path->steps[shot->way][shot->ttl];
    unsigned server = server_ttl(path, shot->way);
    walk->out--;
    if (!shot->counts)
        return;
    walk->counted = true;
    step->count[shot->reply]++;
    if (shot->ttl > path->most[shot->way])
        path->most[shot->way] = shot->ttl;
    note_sender(step, shot->icmp.source);
    if (shot->reply == PATH_ICMP) {
        step->icmp_type = shot->icmp.type;
        step->icmp_code = shot->icmp.code;
    }
    if ((PATH_ENDS & PATH_BIT(shot->reply)) && (walk->end == 0 || shot->ttl < walk->end))
        walk->end = shot->ttl;
    /* no time exceeded where the server is: it is host unreachable or prohibited, and so may the others have been */
    walk->unclear |= shot->by_errno && shot->reply == PATH_EXCEEDED && server > 0 && shot->ttl >= server;
}

static bool all_over(struct locate *locate)
{
    bool over = true, settled = true;
    for (unsigned way = 0; way < PATH_WAYS; way++) {
        over &= locate->walks[way].over;
        settled &= locate->walks[way].settled;
    }
    locate->path.stable = over && settled;
    return over;
}

bool locate_step(struct locate *locate, int64_t now_ns)
{
    for (size_t i = 0; i < LOCATE_SOCKETS; i++)
        if (locate->shots[i].fd >= 0 && shot_look(&locate->shots[i], &locate->target, now_ns))
            note(locate, &locate->shots[i]);
    for (unsigned way = 0; way < PATH_WAYS; way++)
        walk_on(locate, way, now_ns);
    locate->done = all_over(locate);
    return !locate->done;
}

int64_t locate_due_ns(const struct locate *locate)
{
    int64_t due_ns = INT64_MAX;
    for (size_t i = 0; i < LOCATE_SOCKETS; i++)
        if (locate->shots[i].fd >= 0 && locate->shots[i].due_ns < due_ns)
            due_ns = locate->shots[i].due_ns;
    for (unsigned way = 0; way < PATH_WAYS; way++) {
        const struct walk *walk = &locate->walks[way];
        if (!walk->sweeping && !walk->over && walk->begin_ns < due_ns && may_begin(locate, way))
            due_ns = walk->begin_ns;
    }
    return due_ns;
}
