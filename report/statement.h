/* The sentences of a server's verdict: headline, explanation, what speaks against it, and what to do next. */
#ifndef TCP53_REPORT_STATEMENT_H
#define TCP53_REPORT_STATEMENT_H

#include "report/verdict.h"

/* What the words are about; `verdict` is that of the ending that stands for the server, NULL when none failed. */
struct statement_case {
    const struct report_server *server;
    const struct verdict *verdict;
    unsigned causes;            /* sides that are each to blame for a part */
    const struct addr *healthy; /* another server of the capture that answers over TCP, or NULL */
};

/* Each is newly allocated; NULL without memory. statement_against() is empty when nothing speaks against it. */
char *statement_headline(const struct statement_case *c);
char *statement_explanation(const struct statement_case *c);
char *statement_against(const struct statement_case *c);
/* Fills in up to REPORT_ADVICE lines; returns how many. Lines that begin with a tab are commands to copy. */
unsigned statement_advice(const struct statement_case *c, char *advice[REPORT_ADVICE]);

#endif
