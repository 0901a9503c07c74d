/* The part of the text report that is about one server. */
#ifndef TCP53_REPORT_SECTION_H
#define TCP53_REPORT_SECTION_H

#include "report/page.h"

/* `verbose`: the timelines of all flows that were kept, not only of one; all lost lookups. False without memory. */
bool section_write(struct page *page, const struct report *report, const struct report_server *server, bool verbose);

#endif
