/* The proof beside a verdict: sentences with frames and filters, the boxes found, and what the capture lacks. */
#ifndef TCP53_REPORT_EVIDENCE_H
#define TCP53_REPORT_EVIDENCE_H

#include "report/verdict.h"

/* Fills in `server->evidence` from the rules that hold, the weightiest first. */
void evidence_collect(struct report_server *server, const struct verdict *verdict);
/* Frees all that belongs to a server of a report. */
void evidence_release(struct report_server *server);
/* Lists the boxes that rejected, from the verdicts on the servers. */
void evidence_intermediaries(struct report *report);

#endif
