#include "dissect/path.h"

#include <assert.h>

static const char *const way_names[] = {
    [PATH_UDP] = "udp",
    [PATH_SYN] = "syn",
    [PATH_QUERY] = "query",
};
static_assert(sizeof way_names / sizeof *way_names == PATH_WAYS, "each way has a name");

static const char *const reply_names[] = {
    [PATH_SILENT] = "silence", [PATH_EXCEEDED] = "time-exceeded", [PATH_ICMP] = "icmp",         [PATH_RESET] = "reset",
    [PATH_CLOSED] = "closed",  [PATH_ACCEPTED] = "accepted",      [PATH_ANSWERED] = "answered",
};
static_assert(sizeof reply_names / sizeof *reply_names == PATH_REPLIES, "each reply has a name");

const char *path_way_name(enum path_way way)
{
    return way_names[way];
}

const char *path_reply_name(enum path_reply reply)
{
    return reply_names[reply];
}

/* How often one of these replies came. */
static unsigned count_of(const struct path_step *step, unsigned replies)
{
    unsigned count = 0;
    for (unsigned reply = 0; reply < PATH_REPLIES; reply++)
        count += (replies & PATH_BIT(reply)) ? step->count[reply] : 0;
    return count;
}

unsigned path_tries(const struct path_step *step)
{
    return count_of(step, PATH_BIT(PATH_REPLIES) - 1);
}

unsigned path_first(const struct path *path, enum path_way way, unsigned replies)
{
    for (unsigned ttl = 1; ttl <= path->most[way]; ttl++)
        if (count_of(&path->steps[way][ttl], replies) > 0)
            return ttl;
    return 0;
}

unsigned path_silent_from(const struct path *path, enum path_way way)
{
    unsigned from = 0;
    for (unsigned ttl = path->most[way]; ttl > 0; ttl--) {
        const struct path_step *step = &path->steps[way][ttl];
        unsigned tries = path_tries(step);
        if (tries > step->count[PATH_SILENT])
            break;
        from = tries > 0 ? ttl : from;
    }
    return from;
}

/* Who sent this step's time exceeded; of other errors the sender may be nearer. */
static struct addr router_of(const struct path_step *step)
{
    bool known = step->count[PATH_EXCEEDED] > 0 && step->count[PATH_ICMP] == 0;
    return known ? step->from : (struct addr){{0, 0}};
}

struct addr path_hop(const struct path *path, unsigned ttl)
{
    struct addr router = {{0, 0}};
    for (unsigned way = 0; way < PATH_WAYS && ttl <= PATH_HOPS && addr_is_none(router); way++)
        router = router_of(&path->steps[way][ttl]);
    return router;
}
