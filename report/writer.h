/* Building JSON objects with json-c so that nothing is lost unnoticed. */
#ifndef TCP53_REPORT_WRITER_H
#define TCP53_REPORT_WRITER_H

#include "report/report.h"

#include <json-c/json.h>

/* Carried through all builders: whatever could not be made or added sets the flag, and then nothing may be printed. */
struct writer {
    const struct report *report;
    bool failed;
};

/*
 * Adds `value` to the object, which owns it from then on; NULL is a value that could not be made. Keys are literals:
 * they are not copied.
 */
void writer_put(struct writer *writer, struct json_object *object, const char *key, struct json_object *value);
void writer_null(struct writer *writer, struct json_object *object, const char *key);
void writer_append(struct writer *writer, struct json_object *array, struct json_object *value);
/* A string of any origin; NULL stands for an empty one. Returns NULL without memory. */
struct json_object *writer_string(const char *text);
void writer_text(struct writer *writer, struct json_object *object, const char *key, const char *text);
void writer_text_or_null(struct writer *writer, struct json_object *object, const char *key, const char *text);
void writer_number(struct writer *writer, struct json_object *object, const char *key, uint64_t number);
/* Null when it is not known. */
void writer_known(struct writer *writer, struct json_object *object, const char *key, uint64_t number, bool known);
void writer_flag(struct writer *writer, struct json_object *object, const char *key, bool flag);
void writer_time(struct writer *writer, struct json_object *object, const char *key, int64_t time_ns);
/* For times where 0 means that there is none. */
void writer_time_or_null(struct writer *writer, struct json_object *object, const char *key, int64_t time_ns);
/* An address that is none is null. */
void writer_address(struct writer *writer, struct json_object *object, const char *key, struct addr address);
/* Microseconds as milliseconds with three digits behind the point. */
void writer_milliseconds(struct writer *writer, struct json_object *object, const char *key, uint32_t micro);
/* Their least and their median, in milliseconds; null when there are none. */
void writer_delays(struct writer *writer, struct json_object *object, const char *key, const struct delays *delays);

#endif
