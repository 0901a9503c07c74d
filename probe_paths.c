#include "probe_paths.h"

/* The handshake works, and something after it does not: then the query's way is of interest. */
static bool fails_after_handshake(const struct probe *probe, struct addr server)
{
    size_t count;
    const struct attempt *attempts = probe_attempts(probe, &count);
    for (size_t i = 0; i < count; i++)
        if (addr_same(attempts[i].server, server) && !attempt_test_is_udp(attempts[i].test) && attempts[i].asked > 0 &&
            attempts[i].status != ATTEMPT_ANSWERED)
            return true;
    return false;
}

bool probe_paths_begin(struct probe_paths *paths, const struct probe *probe, struct failure *failure)
{
    const struct probe_options *options = probe_options_of(probe);
    for (size_t i = 0; i < options->server_count; i++) {
        const struct locate_options walk = {.server = options->servers[i],
                                            .port = options->port,
                                            .query = probe_query(probe),
                                            .ask = fails_after_handshake(probe, options->servers[i])};
        paths->walks[i] = locate_new(&walk, failure);
        if (!paths->walks[i])
            return false;
        paths->count++;
    }
    return true;
}

void probe_paths_end(struct probe_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        locate_free(paths->walks[i]);
    paths->count = 0;
}

/* The next walks that are not over, a few at a time: routers limit the ICMP errors that they send to one host. */
static size_t next_walks(const struct probe_paths *paths, size_t list[PROBE_PATHS_ACTIVE])
{
    size_t count = 0;
    for (size_t i = 0; i < paths->count && count < PROBE_PATHS_ACTIVE; i++)
        if (!paths->over[i])
            list[count++] = i;
    return count;
}

size_t probe_paths_descriptors(const struct probe_paths *paths, struct pollfd *list, size_t room)
{
    size_t walks[PROBE_PATHS_ACTIVE], active = next_walks(paths, walks), count = 0;
    for (size_t i = 0; i < active; i++)
        count += locate_descriptors(paths->walks[walks[i]], list + count, room - count);
    return count;
}

int64_t probe_paths_due_ns(const struct probe_paths *paths)
{
    size_t walks[PROBE_PATHS_ACTIVE], active = next_walks(paths, walks);
    int64_t due_ns = INT64_MAX;
    for (size_t i = 0; i < active; i++)
        if (locate_due_ns(paths->walks[walks[i]]) < due_ns)
            due_ns = locate_due_ns(paths->walks[walks[i]]);
    return due_ns;
}

bool probe_paths_step(struct probe_paths *paths, const struct pollfd *list, size_t count, int64_t now_ns)
{
    (void)list; /* each looks at all of its sockets */
    (void)count;
    size_t walks[PROBE_PATHS_ACTIVE], active = next_walks(paths, walks);
    for (size_t i = 0; i < active; i++)
        paths->over[walks[i]] = !locate_step(paths->walks[walks[i]], now_ns);
    return next_walks(paths, walks) > 0;
}

size_t probe_paths_list(const struct probe_paths *paths, struct path list[PROBE_SERVERS])
{
    for (size_t i = 0; i < paths->count; i++)
        list[i] = *locate_path(paths->walks[i]);
    return paths->count;
}
