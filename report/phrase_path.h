/* Words of a phrase that are about a walked path. */
#ifndef TCP53_REPORT_PHRASE_PATH_H
#define TCP53_REPORT_PHRASE_PATH_H

#include "report/rules.h"

#include <stdio.h>

/* A path tells where the box is. */
bool phrase_is_located(const struct rule_case *c);
/* Each writes its word. */
void phrase_path_way(FILE *out, const struct rule_case *c);
void phrase_path_ttl(FILE *out, const struct rule_case *c);
void phrase_path_reach(FILE *out, const struct rule_case *c);
void phrase_path_before(FILE *out, const struct rule_case *c);
void phrase_path_alive(FILE *out, const struct rule_case *c);
void phrase_path_reply(FILE *out, const struct rule_case *c);
void phrase_path_server(FILE *out, const struct rule_case *c);
void phrase_path_box(FILE *out, const struct rule_case *c);
void phrase_handshake_reach(FILE *out, const struct rule_case *c);
void phrase_between(FILE *out, const struct rule_case *c);

#endif
