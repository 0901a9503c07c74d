/* The options of all commands that judge. */
#ifndef TCP53_OPTIONS_H
#define TCP53_OPTIONS_H

#include "capture/source.h"
#include "dissect/analysis.h"
#include "report/report.h"

enum { OPTIONS_ADDRESSES = ANALYSIS_CLIENTS };

struct options {
    struct source_options source;
    const char *from, *to; /* as given, since the zone may be named after them */
    char selection[9216];  /* the options that chose frames, as given */
    struct analysis_options analysis;
    struct render_options render;
    renderer *render_with;
    const char *output; /* NULL: standard output */
    const char *colour;
    struct addr servers[OPTIONS_ADDRESSES];
    size_t server_count;
    bool nagios;
};

/* Reads the options of a judging command; leaves optind at the first operand. False when it has said what is wrong. */
bool options_read(int argc, char **argv, struct options *options);
/* The table, a line an option. */
void options_print(FILE *out);
/* Says something on standard error; always false. */
bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
