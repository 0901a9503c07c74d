/* What a capture lacks and what was assumed about it: what limits the verdicts, and what the reader has to know. */
#ifndef TCP53_REPORT_WEAKNESS_H
#define TCP53_REPORT_WEAKNESS_H

#include "report/report.h"

/* True when packets may be missing from the captures, so that what is not in them was perhaps not absent. */
bool weakness_loses_packets(const struct report_source *source, const struct analysis_counters *counters);
/* True when so many packets are out of order of time that what came before what is not known. */
bool weakness_is_disordered(const struct report_source *source);
/* Fills in report.weaknesses, report.remarks and report.truncated. */
void weakness_collect(struct report *report);
void weakness_release(struct report *report);

#endif
