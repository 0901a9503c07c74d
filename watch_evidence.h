/* The packets that prove what a watch tells: a ring of capture files, and a folder for each change. */
#ifndef TCP53_WATCH_EVIDENCE_H
#define TCP53_WATCH_EVIDENCE_H

#include "capture/clerk.h"
#include "options.h"
#include "report/change.h"

struct evidence;

/* Names the directories that the clerk has to open. NULL without memory. The options must outlive it. */
struct evidence *evidence_new(const struct options *options, struct clerk_options *clerk);
void evidence_free(struct evidence *evidence);
/* Once the clerk has them, and made those that were missing. */
bool evidence_open(struct evidence *evidence, struct clerk *clerk, struct failure *failure);
/* As the user who owns the files: looks for what an earlier watch left, and mends it. */
bool evidence_begin(struct evidence *evidence, struct failure *failure);

/* A frame that is about to be analysed (NULL: it was), then what it is, if it is kept. */
void evidence_frame(struct evidence *evidence, const struct frame *frame);
void evidence_packet(struct evidence *evidence, const struct flow_key *key, const struct packet *packet,
                     bool from_server);
/* How a flow ended; `over` false: it is under way, and has failed by what was seen so far. */
void evidence_flow(struct evidence *evidence, const struct flow_record *record, const struct flow_end *end, bool over);

/*
 * A folder for a change: evidence.pcap with the frames at hand (where there are very many: the server's and some of the
 * others'), report.json and report.txt, which are what `tcp53 read` says of that file. The newest EVIDENCE_TICKETS of
 * this watch stay. False, with errno, when it could not be made. When many servers change at once, most of the folders
 * are left for later: frames come in meanwhile.
 */
bool evidence_ticket(struct evidence *evidence, const struct change *change, const struct facts *facts);
/* Makes folders that were left for later, `all` of them or as many as take no long time. */
bool evidence_tickets_left(struct evidence *evidence, const struct facts *facts, bool all);
/* Once each time when the ring cannot be written any more, or again: a sentence. */
bool evidence_news(struct evidence *evidence, char *text, size_t size);
/* The clock was set: moves all times. */
void evidence_shift(struct evidence *evidence, int64_t step_ns);
/* Goes on in a new file. */
void evidence_reopen(struct evidence *evidence);
/* Frames written to the ring, and frames that should have been. */
void evidence_counts(const struct evidence *evidence, uint64_t *written, uint64_t *lost);

/* Folders are made for so long at a time; the kernel's buffer holds 0.25 s of 300,000 frames a second. */
#define EVIDENCE_TICKETS_NS INT64_C(40000000)
#define EVIDENCE_LAST_NS INT64_C(5000000000) /* the same at the end, for all that wait */

enum { EVIDENCE_TICKETS = 100 };

#endif
