/* Walks the path to a server, and tells what it met: for tests/live/paths.
 *
 *   locate [-q] [-p] ADDRESS
 *     -q   the query over TCP as well     -p   the local ports
 *
 * One line for each way and TTL: "syn 3 reset=3", with the ICMP error and who sent it, where there was one.
 */
#include "capture/locate.h"

#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void fail(const char *text)
{
    fprintf(stderr, "locate: %s\n", text);
    exit(1);
}

static void make_query(struct query *query)
{
    const char *wrong;
    if (!query_make(query, "example.test", "MX", 0x5335, 0, &wrong))
        fail("the query is none");
}

static void tell_port(void *context, bool tcp, uint16_t port)
{
    fprintf(context, "port %s %u\n", tcp ? "tcp" : "udp", port);
}

static void tell_step(const struct path *path, enum path_way way, unsigned ttl)
{
    const struct path_step *step = &path->steps[way][ttl];
    char text[ADDR_TEXT];
    printf("%s %u", path_way_name(way), ttl);
    for (unsigned reply = 0; reply < PATH_REPLIES; reply++)
        if (step->count[reply] > 0)
            printf(" %s=%u", path_reply_name(reply), step->count[reply]);
    if (step->count[PATH_ICMP] > 0)
        printf(" error=%u/%u", step->icmp_type, step->icmp_code);
    if (!addr_is_none(step->from))
        printf(" from=%s", addr_text(step->from, text));
    printf("%s\n", step->several ? " several" : "");
}

static void tell(const struct locate *locate, int64_t took_ns)
{
    const struct path *path = locate_path(locate);
    for (unsigned way = 0; way < PATH_WAYS; way++) {
        for (unsigned ttl = 1; ttl <= path->most[way]; ttl++)
            tell_step(path, way, ttl);
        printf("%s sweeps=%u ends=%u silent=%u\n", path_way_name(way), path->sweeps[way],
               path_first(path, way, PATH_ENDS), path_silent_from(path, way));
    }
    printf("stable=%d sent=%u ms=%d\n", path->stable, locate_sent(locate), (int)(took_ns / 1000000));
}

static void walk(struct locate *locate)
{
    while (locate_step(locate, clock_steady_ns())) {
        struct pollfd list[LOCATE_SOCKETS];
        nfds_t count = locate_descriptors(locate, list, LOCATE_SOCKETS);
        int64_t left_ms = (locate_due_ns(locate) - clock_steady_ns()) / 1000000 + 1;
        poll(list, count, left_ms < 0 ? 0 : (int)left_ms);
    }
}

int main(int argc, char **argv)
{
    struct query query;
    struct locate_options options = {.port = DNS_PORT, .query = &query, .context = stdout};
    struct failure failure;
    for (int option; (option = getopt(argc, argv, "pq")) != -1;) {
        options.ask |= option == 'q';
        options.port_bound = option == 'p' ? tell_port : options.port_bound;
    }
    if (optind + 1 != argc || !addr_read(argv[optind], &options.server))
        fail("an address is wanted");
    make_query(&query);
    struct locate *locate = locate_new(&options, &failure);
    if (!locate)
        fail(failure.text);
    int64_t begin_ns = clock_steady_ns();
    walk(locate);
    tell(locate, clock_steady_ns() - begin_ns);
    locate_free(locate);
    return 0;
}
