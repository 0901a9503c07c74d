/* What two captures have in common, as renderers show it. */
#ifndef TCP53_REPORT_COMPARED_H
#define TCP53_REPORT_COMPARED_H

#include "report/page.h"
#include "report/timeline.h"
#include "report/writer.h"

/* The part of the text report that is about both captures; nothing when there is one only. */
void compared_text(struct page *page, const struct report *report);
/* The same as an object; only for a report of two captures. */
struct json_object *compared_json(struct writer *writer);

/* What the server side's capture has of this packet of the client's: "frame 12 there", or that it is not there. */
void compared_note(char *note, size_t size, const struct report *report, const struct sighting *sighting);
/* Adds a sentence for each thing that keeps two captures from telling more, and returns how many, at most `most`. */
unsigned compared_weaknesses(const struct report *report, char **sentences, unsigned most);

#endif
