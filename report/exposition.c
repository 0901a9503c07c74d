#include "report/exposition.h"

#include "dissect/flow.h"
#include "report/words.h"

#include <inttypes.h>
#include <stdlib.h>

const struct exposition_label *exposition_label_server(struct exposition_server *to, struct addr address, uint16_t port)
{
    addr_text(address, to->address);
    snprintf(to->port, sizeof to->port, "%u", (unsigned)port);
    to->labels[0] = (struct exposition_label){"server", to->address};
    to->labels[1] = (struct exposition_label){"port", to->port};
    return to->labels;
}

void exposition_begin(struct exposition *out, const struct exposition_family *family)
{
    static const char *const types[] = {[EXPOSITION_GAUGE] = "gauge", [EXPOSITION_COUNTER] = "counter"};
    fprintf(out->file, "# HELP tcp53_%s %s\n# TYPE tcp53_%s %s\n", family->name, family->help, family->name,
            types[family->type]);
}

/* In a label's value the backslash, the quotation mark and the line feed are escaped; all else is UTF-8 as it is. */
static void write_value(struct exposition *out, const char *value)
{
    char *clean = words_utf8(value);
    out->failed |= clean == NULL;
    for (const char *at = clean; at && *at; at++) {
        if (*at == '\\' || *at == '"' || *at == '\n')
            putc('\\', out->file);
        putc(*at == '\n' ? 'n' : *at, out->file);
    }
    free(clean);
}

/* A sample but for its number: the family's name and the labels. */
static void write_labels(struct exposition *out, const struct exposition_family *family,
                         const struct exposition_label *labels)
{
    fprintf(out->file, "tcp53_%s", family->name);
    for (size_t i = 0; labels && labels[i].name; i++) {
        fprintf(out->file, "%c%s=\"", i ? ',' : '{', labels[i].name);
        write_value(out, labels[i].value);
        putc('"', out->file);
    }
    fputs(labels ? "} " : " ", out->file);
}

void exposition_count(struct exposition *out, const struct exposition_family *family,
                      const struct exposition_label *labels, uint64_t count)
{
    write_labels(out, family, labels);
    fprintf(out->file, "%" PRIu64 "\n", count);
}

void exposition_time(struct exposition *out, const struct exposition_family *family,
                     const struct exposition_label *labels, int64_t time_ns)
{
    if (time_ns <= 0)
        return;
    write_labels(out, family, labels);
    fprintf(out->file, "%" PRId64 ".%09d\n", time_ns / FLOW_SECOND_NS, (int)(time_ns % FLOW_SECOND_NS));
}

bool exposition_end(const struct exposition *out)
{
    return !out->failed && fflush(out->file) == 0 && !ferror(out->file);
}
