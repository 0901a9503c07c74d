/* One server's part of the JSON report. */
#ifndef TCP53_REPORT_JSON_SERVER_H
#define TCP53_REPORT_JSON_SERVER_H

#include "report/words.h"
#include "report/writer.h"

struct json_object *json_server(struct writer *writer, const struct report_server *server);
struct json_object *json_server_evidence(struct writer *writer, const struct report_evidence *evidence);

#endif
