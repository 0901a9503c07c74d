#include "watch_evidence.h"

#include "capture/digest.h"
#include "capture/keep.h"
#include "capture/ring.h"
#include "clock.h"
#include "watch_ticket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MEGABYTE = 1000000, NOWHERE = CLERK_PLACES };

static const char ring_name[] = "tcp53";

struct evidence {
    const struct options *options;
    struct clerk *clerk;
    struct keep *keep;
    struct ring *ring; /* NULL: tickets only */
    const struct frame *frame;
    unsigned ring_place, ticket_place;
    int directory;   /* the ring's, until it has been looked through */
    unsigned serial; /* of tickets */
    char tickets[EVIDENCE_TICKETS][TICKET_NAME];
    unsigned ticket_count;
    struct change left[EVIDENCE_TICKETS]; /* a ring of changes without their folders; the headlines are its own */
    unsigned left_first, left_count;
    int why, told;    /* errno of what could not be written last, and of what was told; 0: all was */
    int64_t spent_ns; /* on folders, since the last evidence_tickets_left() */
};

static unsigned add_place(struct clerk_options *clerk, const char *directory)
{
    if (!directory)
        return NOWHERE;
    clerk->directories[clerk->directory_count] = directory;
    return (unsigned)clerk->directory_count++;
}

struct evidence *evidence_new(const struct options *options, struct clerk_options *clerk)
{
    struct evidence *evidence = calloc(1, sizeof *evidence);
    if (!evidence)
        return NULL;
    evidence->options = options;
    evidence->ring_place = add_place(clerk, options->watch.evidence);
    evidence->ticket_place = add_place(clerk, options->watch.tickets);
    clerk->mend = options->watch.evidence ? ring_mend : NULL;
    clerk->mend_place = evidence->ring_place;
    evidence->directory = -1;
    return evidence;
}

bool evidence_open(struct evidence *evidence, struct clerk *clerk, struct failure *failure)
{
    const char *directory = evidence->options->watch.evidence;
    char warm[DIGEST_TEXT];
    digest_sha256("", 0, warm); /* it opens a file the first time, which will not be possible later */
    evidence->clerk = clerk;
    if (directory)
        evidence->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return !directory || evidence->directory >= 0 ||
           failure_set(failure, "%s: cannot be looked through: %s", directory, strerror(errno));
}

/* The change that waits longest for its folder. */
static struct change take_left(struct evidence *evidence)
{
    evidence->left_count--;
    return evidence->left[evidence->left_first++ % EVIDENCE_TICKETS];
}

void evidence_free(struct evidence *evidence)
{
    if (!evidence)
        return;
    while (evidence->left_count > 0)
        free((char *)take_left(evidence).headline);
    if (evidence->directory >= 0)
        close(evidence->directory);
    ring_free(evidence->ring);
    keep_free(evidence->keep);
    free(evidence);
}

static int create_file(void *context, const char *name)
{
    struct evidence *evidence = context;
    return clerk_create(evidence->clerk, evidence->ring_place, name);
}

static bool remove_file(void *context, const char *name)
{
    struct evidence *evidence = context;
    return clerk_remove(evidence->clerk, evidence->ring_place, name);
}

static unsigned write_to_ring(void *context, const struct frame *frame)
{
    struct evidence *evidence = context;
    unsigned file = ring_write(evidence->ring, frame);
    if (file > 0)
        evidence->why = 0;
    else if (errno != EAGAIN) /* which means that it was not even tried */
        evidence->why = errno;
    keep_files_gone(evidence->keep, ring_counters(evidence->ring).oldest);
    return file;
}

bool evidence_begin(struct evidence *evidence, struct failure *failure)
{
    const struct options_watch *watch = &evidence->options->watch;
    unsigned first = 0;
    if (watch->evidence) {
        first = ring_next_number(evidence->directory, ring_name, watch->file_count);
        close(evidence->directory);
        evidence->directory = -1;
        if (first == 0)
            return failure_set(failure, "%s: cannot be looked through: %s", watch->evidence, strerror(errno));
    }
    struct ring_options ring = {.name = ring_name,
                                .bytes = (uint64_t)watch->file_megabytes * MEGABYTE,
                                .files = watch->file_count,
                                .first = first,
                                .create = create_file,
                                .remove = remove_file,
                                .context = evidence};
    if (watch->evidence)
        evidence->ring = ring_new(&ring);
    evidence->keep = keep_new(0, evidence->ring ? write_to_ring : NULL, evidence);
    bool fine = evidence->keep && (evidence->ring || !watch->evidence);
    return fine || failure_set(failure, "out of memory");
}

void evidence_frame(struct evidence *evidence, const struct frame *frame)
{
    evidence->frame = frame;
    if (frame)
        keep_clock(evidence->keep, frame);
}

void evidence_packet(struct evidence *evidence, const struct flow_key *key, const struct packet *packet,
                     bool from_server)
{
    const struct frame *frame = evidence->frame;
    if (!frame || packet->ref.number != frame->ref.number || packet->ref.input != frame->ref.input)
        return; /* a first piece that was waited with: its frame is gone */
    struct keep_about about = keep_about_of(key, packet, from_server);
    keep_frame(evidence->keep, frame, &about);
}

void evidence_flow(struct evidence *evidence, const struct flow_record *record, const struct flow_end *end, bool over)
{
    if (over)
        keep_flow_over(evidence->keep, record, end);
    else
        keep_flow_failing(evidence->keep, record, end->outcome);
}

static void remove_ticket(struct evidence *evidence, const char *ticket)
{
    static const char *const files[] = {TICKET_PCAP, TICKET_JSON, TICKET_TEXT};
    char name[TICKET_NAME + TICKET_FILE];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(name, sizeof name, "%s/%s", ticket, files[i]);
        clerk_remove(evidence->clerk, evidence->ticket_place, name);
    }
    clerk_remove(evidence->clerk, evidence->ticket_place, ticket);
}

static bool make_ticket(struct evidence *evidence, const struct change *change, const struct facts *facts)
{
    char *name = evidence->tickets[evidence->ticket_count % EVIDENCE_TICKETS];
    if (*name)
        remove_ticket(evidence, name);
    *name = '\0';
    struct ticket ticket = {.clerk = evidence->clerk,
                            .place = evidence->ticket_place,
                            .keep = evidence->keep,
                            .facts = facts,
                            .options = evidence->options,
                            .serial = ++evidence->serial};
    char draft[TICKET_NAME];
    if (!ticket_write(&ticket, change, name, draft)) {
        int why = errno;
        remove_ticket(evidence, draft);
        *name = '\0';
        errno = why;
        return false;
    }
    evidence->ticket_count++;
    return true;
}

/* As many wait as stay in the end; the oldest makes room. */
static bool leave(struct evidence *evidence, const struct change *change)
{
    char *headline = strdup(change->headline ? change->headline : "");
    if (!headline)
        return false;
    if (evidence->left_count == EVIDENCE_TICKETS)
        free((char *)take_left(evidence).headline);
    struct change *place = &evidence->left[(evidence->left_first + evidence->left_count++) % EVIDENCE_TICKETS];
    *place = *change;
    place->headline = headline;
    return true;
}

bool evidence_ticket(struct evidence *evidence, const struct change *change, const struct facts *facts)
{
    if (evidence->left_count > 0 || evidence->spent_ns >= EVIDENCE_TICKETS_NS)
        return leave(evidence, change);
    int64_t began_ns = clock_steady_ns();
    bool made = make_ticket(evidence, change, facts);
    int why = errno;
    evidence->spent_ns += clock_steady_ns() - began_ns;
    errno = why;
    return made;
}

bool evidence_tickets_left(struct evidence *evidence, const struct facts *facts, bool all)
{
    int why = 0;
    int64_t most_ns = all ? EVIDENCE_LAST_NS : EVIDENCE_TICKETS_NS;
    while (evidence->left_count > 0 && evidence->spent_ns < most_ns) {
        int64_t began_ns = clock_steady_ns();
        struct change change = take_left(evidence);
        if (!make_ticket(evidence, &change, facts))
            why = errno;
        free((char *)change.headline);
        evidence->spent_ns += clock_steady_ns() - began_ns;
    }
    evidence->spent_ns = 0;
    errno = why;
    return why == 0;
}

bool evidence_news(struct evidence *evidence, char *text, size_t size)
{
    bool changed = (evidence->why == 0) != (evidence->told == 0);
    if (changed && evidence->why)
        snprintf(text, size, "%s: %s; packets of failed lookups are lost until it can be written",
                 evidence->options->watch.evidence, strerror(evidence->why));
    else if (changed)
        snprintf(text, size, "%s: evidence is written again", evidence->options->watch.evidence);
    evidence->told = evidence->why;
    return changed;
}

void evidence_shift(struct evidence *evidence, int64_t step_ns)
{
    keep_shift(evidence->keep, step_ns);
}

void evidence_reopen(struct evidence *evidence)
{
    if (evidence->ring)
        ring_reopen(evidence->ring);
}

void evidence_counts(const struct evidence *evidence, uint64_t *written, uint64_t *lost)
{
    struct keep_counters counters = keep_counters(evidence->keep);
    *written = counters.written;
    *lost = counters.lost + counters.flows_unwritten;
}
