/* Options of those commands that are live, taken one by one: from their argument, which is NULL where there is none. */
#ifndef TCP53_OPTIONS_TAKE_H
#define TCP53_OPTIONS_TAKE_H

#include "options.h"

/* A whole number from 1 to `most`; false when it has said that the text is none of `what`. */
bool options_take_number(const char *option, const char *what, const char *text, uint64_t most, uint64_t *number);

/* False when they have said what is wrong. */
bool options_take_interface(struct options *options, const char *name);
bool options_take_buffer(struct options *options, const char *text);
bool options_take_snaplen(struct options *options, const char *text);
bool options_take_file_size(struct options *options, const char *text);
bool options_take_file_count(struct options *options, const char *text);
bool options_take_interval(struct options *options, const char *text);
bool options_take_duration(struct options *options, const char *text);
bool options_take_syslog(struct options *options, const char *unused);
bool options_take_no_promiscuous(struct options *options, const char *unused);
bool options_take_tries(struct options *options, const char *text);
bool options_take_timeout(struct options *options, const char *text);
bool options_take_other_port(struct options *options, const char *text);
bool options_take_user(struct options *options, const char *word);
bool options_take_evidence(struct options *options, const char *word);
bool options_take_tickets(struct options *options, const char *word);
bool options_take_metrics(struct options *options, const char *word);
bool options_take_command(struct options *options, const char *word);
bool options_take_type(struct options *options, const char *word);
bool options_take_resolv_conf(struct options *options, const char *word);
bool options_take_other_name(struct options *options, const char *word);
bool options_take_save(struct options *options, const char *word);
bool options_take_locate(struct options *options, const char *unused);
bool options_take_marked(struct options *options, const char *unused);
bool options_take_no_capture(struct options *options, const char *unused);

#endif
