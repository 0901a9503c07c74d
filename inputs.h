/* What the report says of where its frames came from: those two layers do not know one another. */
#ifndef TCP53_INPUTS_H
#define TCP53_INPUTS_H

#include "capture/source.h"
#include "report/report.h"

/* Lists inputs for the report, and the libraries that read them; false without memory. inputs_release() frees the list. */
bool inputs_list(const struct input *inputs, size_t count, struct report_source *from);
/*
 * Fills in what the source knows once it is read: its inputs, its notes, the libraries' versions. False without memory.
 * The source must outlive the report; inputs_release() frees the rest.
 */
bool inputs_describe(const struct source *source, struct report_source *from);
void inputs_release(struct report_source *from);

#endif
