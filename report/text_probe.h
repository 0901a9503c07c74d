/* The part of the text report that is about what a probe did. */
#ifndef TCP53_REPORT_TEXT_PROBE_H
#define TCP53_REPORT_TEXT_PROBE_H

#include "report/page.h"
#include "report/probed.h"

/* What was asked and answered, and how the servers compare; nothing when it was no probe. */
void text_probe(struct page *page, const struct report *report);
/* A server's path, drawn hop by hop. */
void text_path(struct page *page, const struct report *report, const struct probed_server *server);

#endif
