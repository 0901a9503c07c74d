/* A page of plain text: wrapped, ASCII only, with colours only where asked for. */
#ifndef TCP53_REPORT_PAGE_H
#define TCP53_REPORT_PAGE_H

#include "report/report.h"

enum { PAGE_WIDTH = 96 };

struct page {
    FILE *out;
    bool colour;
};

/* Text of any origin: whatever is not printable ASCII is written as \xNN. Returns the columns it takes. */
size_t page_clean(struct page *page, const char *text);
/*
 * A paragraph: the first line begins with `lead` (which may be empty), all are indented. Lines of the text that begin
 * with a tab are commands: they are not wrapped, and stand four columns deeper, so that they can be copied.
 */
void page_paragraph(struct page *page, size_t indent, const char *lead, const char *text);
/* The heading of a list, on its own line, with an empty line before. */
void page_heading(struct page *page, const char *heading);
/* "REJECTED, culprit: intermediary (proven)", in the colour of the outcome. */
void page_verdict(struct page *page, enum report_outcome outcome, const struct judgement *judgement);

#endif
