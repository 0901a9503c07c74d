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

/* What is said where TCP ends: of the very hop that makes it end, or of the first packet that it ends for. */
static const struct {
    const char *does, *begins;
} ends[] = {
    [PATH_SILENT] = {"drops TCP", "is silent"},      [PATH_EXCEEDED] = {"ends TCP", "ends"},
    [PATH_ICMP] = {"rejects TCP", "is rejected"},    [PATH_RESET] = {"resets TCP", "is reset"},
    [PATH_CLOSED] = {"closes TCP", "is closed"},     [PATH_ACCEPTED] = {"accepts TCP", "is accepted"},
    [PATH_ANSWERED] = {"refuses TCP", "is refused"},
};
static_assert(sizeof ends / sizeof *ends == PATH_REPLIES, "each reply has its words");

static bool is_marked(const struct located *at, unsigned ttl, unsigned server)
{
    return ttl == server || (at->known && ttl == (at->box ? at->box : at->ttl));
}

static void write_mark(struct page *page, const struct located *at, unsigned ttl, unsigned server)
{
    if (ttl == server)
        fputs(at->known && at->ttl == ttl ? "  the server" : "  the server, as UDP shows", page->out);
    if (!at->known || ttl != (at->box ? at->box : at->ttl))
        return;
    if (at->box)
        fprintf(page->out, "  <- %s", ends[at->reply].does);
    else
        fprintf(page->out, "  <- TCP %s from here on: by this hop%s", ends[at->reply].begins,
                ttl > 1 ? ", or the one before as it forwards" : ", or this very host");
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

static bool is_walked(const struct path *path, int way)
{
    return path->most[way] > 0;
}

static void write_row(struct page *page, const struct path *path, const struct located *at, unsigned ttl,
                      unsigned server)
{
    char address[CELL], cells[CELL];
    fprintf(page->out, "  %3u  %-*s", ttl, ADDRESS_WIDTH, hop_address(path, ttl, server, address));
    int room = 0; /* what a cell leaves of its width is written when something follows */
    for (int way = 0; way < PATH_WAYS; way++) {
        if (!is_walked(path, way))
            continue;
        int length = fprintf(page->out, "%*s %s", room, "", cell(&path->steps[way][ttl], cells)) - room - 1;
        room = length < CELL_WIDTH ? CELL_WIDTH - length : 0;
    }
    if (is_marked(at, ttl, server))
        fprintf(page->out, "%*s", room, "");
    write_mark(page, at, ttl, server);
    putc('\n', page->out);
}

static void write_head(struct page *page, const struct path *path)
{
    static const char *const heads[] = {[PATH_UDP] = "UDP", [PATH_SYN] = "SYN", [PATH_QUERY] = "query over TCP"};
    static_assert(sizeof heads / sizeof *heads == PATH_WAYS, "each way has its head");
    fprintf(page->out, "  hop  %-*s", ADDRESS_WIDTH, "address");
    int room = 0;
    for (int way = 0; way < PATH_WAYS; way++) {
        if (!is_walked(path, way))
            continue;
        fprintf(page->out, "%*s %s", room, "", heads[way]);
        room = CELL_WIDTH - (int)strlen(heads[way]);
    }
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
    write_head(page, path);
    for (unsigned ttl = 1; ttl <= last; ttl++)
        write_row(page, path, &at, ttl, hop);
    if (!path->stable)
        fputs("  It was not the same each time: routes differ by source port (ECMP), or packets were lost.\n",
              page->out);
}
