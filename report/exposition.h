/* Prometheus' text format, version 0.0.4: families of samples. */
#ifndef TCP53_REPORT_EXPOSITION_H
#define TCP53_REPORT_EXPOSITION_H

#include "dissect/addr.h"

#include <stdio.h>

enum { EXPOSITION_LABELS = 6, EXPOSITION_PORT = 8 };

enum exposition_type { EXPOSITION_GAUGE, EXPOSITION_COUNTER };

struct exposition {
    FILE *file;
    bool failed;
};

/* Names as in "Metric and label naming": base units, and _total behind what only grows. */
struct exposition_family {
    const char *name; /* without tcp53_ */
    enum exposition_type type;
    const char *help;
};

/* Those that a watch and a probe share: a family has one HELP, in however many files it is. */
#define EXPOSITION_VERDICT                                                                                             \
    {                                                                                                                  \
        "verdict", EXPOSITION_GAUGE, "The verdict that holds: always 1."                                               \
    }
#define EXPOSITION_CONFIDENCE                                                                                          \
    {                                                                                                                  \
        "verdict_confidence", EXPOSITION_GAUGE,                                                                        \
            "How sure the verdict is: 0 blames nobody, 1 indicated, 2 strong, 3 proven."                               \
    }

/* One without a name ends a list. */
struct exposition_label {
    const char *name, *value;
};

/* The labels of a server, and room for more behind those two. */
struct exposition_server {
    struct exposition_label labels[EXPOSITION_LABELS + 1];
    char address[ADDR_TEXT], port[EXPOSITION_PORT];
};

/* Fills in server="192.0.2.1",port="53"; returns the list. */
const struct exposition_label *exposition_label_server(struct exposition_server *to, struct addr address,
                                                       uint16_t port);

/* HELP and TYPE; the family's samples are to follow. */
void exposition_begin(struct exposition *out, const struct exposition_family *family);
/* One sample. `labels` may be NULL. */
void exposition_count(struct exposition *out, const struct exposition_family *family,
                      const struct exposition_label *labels, uint64_t count);
/* The same of nanoseconds, in seconds; nothing for none or less. */
void exposition_time(struct exposition *out, const struct exposition_family *family,
                     const struct exposition_label *labels, int64_t time_ns);
/* False when the file took less than everything or there was no memory. */
bool exposition_end(const struct exposition *out);

#endif
