/* What a probe did, as an object. */
#ifndef TCP53_REPORT_JSON_PROBE_H
#define TCP53_REPORT_JSON_PROBE_H

#include "report/writer.h"

/* Only for the report of a probe. */
struct json_object *json_probe(struct writer *writer);

#endif
