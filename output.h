/* Where a report goes: standard output, or a file that is written whole or not at all. */
#ifndef TCP53_OUTPUT_H
#define TCP53_OUTPUT_H

#include "options.h"

/* Writes a file by rename(2), readable to all. False when it has said what is wrong. */
bool output_file(const char *path, bool (*write)(const void *what, FILE *out), const void *what);
/* Writes the report as the options have it; false when it has said what is wrong. A reader that left is no trouble. */
bool output_report(const struct report *report, const struct options *options);

#endif
