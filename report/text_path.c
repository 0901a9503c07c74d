/* A walked path as a table: who answered what at which hop. */
#include "report/text_probe.h"
#include "report/words.h"

#include <assert.h>

enum { CELL = 64, ADDRESS_WIDTH = 20, CELL_WIDTH = 16 };

static const char *const replies[] = {
    [PATH_SILENT] = "silent", [PATH_EXCEEDED] = "exceeded", [PATH_ICMP] = "ICMP error", [PATH_RESET] = "RST",
    [PATH_CLOSED] = "FIN",    [PATH_ACCEPTED] = "SYN-ACK",  [PATH_ANSWERED] = "answer",
};
static_assert(sizeof replies / sizeof *replies == PATH_REPLIES, "each reply has its word");

/* What came back, silence only when nothing else did; "-" when it was not tried. */
static const char *cell(const struct path_step *step, char *text)
{
    snprintf(text, CELL, "%s", path_tries(step) == 0 ? "-" : step->count[PATH_SILENT] > 0 ? replies[PATH_SILENT] : "");
    for (int i = PATH_SILENT + 1, kinds = 0; i < PATH_REPLIES; i++) {
        if (step->count[i] == 0)
            continue;
        size_t length = kinds++ ? strlen(text) : 0;
        snprintf(text + length, CELL - length, "%s%s", length ? "+" : "", replies[i]);
    }
    return text;
}

static const char *hop_address(const struct path *path, unsigned ttl, unsigned server, char *text)
{
    struct addr address = ttl == server ? path->server : path_hop(path, ttl);
    bool several = false;
    for (int way = 0; way < PATH_WAYS; way++)
        several |= path->steps[way][ttl].several;
    char one[ADDR_TEXT];
    snprintf(text, CELL, "%s%s", addr_is_none(address) ? "?" : addr_text(address, one),
             several && ttl != server ? ", ..." : "");
    return text;
}

static void write_mark(struct page *page, const struct located *at, unsigned ttl, unsigned server)
{
    static const char *const marks[] = {
        [PATH_SILENT] = "is silent from here on",    [PATH_EXCEEDED] = "ends here",
        [PATH_ICMP] = "is rejected from here on",    [PATH_RESET] = "is reset from here on",
        [PATH_CLOSED] = "is closed from here on",    [PATH_ACCEPTED] = "is accepted from here on",
        [PATH_ANSWERED] = "is refused from here on",
    };
    static_assert(sizeof marks / sizeof *marks == PATH_REPLIES, "each reply has its mark");
    bool begins = at->known && ttl == at->ttl;
    if (ttl == server)
        fputs(begins ? "  the server" : "  the server, as UDP shows", page->out);
    if (begins)
        fprintf(page->out, "  <- TCP %s", marks[at->reply]);
}

/* The last hop worth a row: behind it there is only silence, or the same as at the server. */
static unsigned last_row(const struct path *path, const struct located *at, unsigned server)
{
    unsigned last = server > at->ttl ? server : at->ttl;
    for (unsigned ttl = 1; ttl <= PATH_HOPS && server == 0; ttl++)
        for (int way = 0; way < PATH_WAYS; way++)
            if (path_tries(&path->steps[way][ttl]) > path->steps[way][ttl].count[PATH_SILENT])
                last = ttl > last ? ttl : last;
    return last;
}

static void write_row(struct page *page, const struct path *path, const struct located *at, unsigned ttl,
                      unsigned server)
{
    char address[CELL], cells[PATH_WAYS][CELL];
    fprintf(page->out, "  %3u  %-*s", ttl, ADDRESS_WIDTH, hop_address(path, ttl, server, address));
    bool marked = ttl == server || (at->known && ttl == at->ttl);
    for (int way = 0; way < PATH_WAYS; way++)
        fprintf(page->out, " %-*s", marked || way + 1 < PATH_WAYS ? CELL_WIDTH : 0,
                cell(&path->steps[way][ttl], cells[way]));
    write_mark(page, at, ttl, server);
    putc('\n', page->out);
}

void text_path(struct page *page, const struct report *report, const struct probed_server *server)
{
    const struct path *path = server->path;
    struct located at = probed_located(report, server);
    unsigned hop = path_first(path, PATH_UDP, PATH_BIT(PATH_ANSWERED)), last = last_row(path, &at, hop);
    char name[WORDS_ENDPOINT];
    fprintf(page->out, "\nThe path to %s, by packets with growing TTLs\n",
            words_endpoint(server->address, server->port, name));
    fprintf(page->out, "  hop  %-*s %-*s %-*s %s\n", ADDRESS_WIDTH, "address", CELL_WIDTH, "UDP", CELL_WIDTH, "SYN",
            "query over TCP");
    for (unsigned ttl = 1; ttl <= last; ttl++)
        write_row(page, path, &at, ttl, hop);
    if (!path->stable)
        fputs("  It was not the same each time: routes differ by source port (ECMP), or packets were lost.\n",
              page->out);
}
