/* Sentences with the numbers of a case filled in. */
#ifndef TCP53_REPORT_PHRASE_H
#define TCP53_REPORT_PHRASE_H

struct rule_case;

/*
 * Replaces words in braces ({server}, {end_hops}, ...: the table is in phrase.c) by their values in this case. Newly
 * allocated; NULL without memory.
 */
char *phrase(const char *template, const struct rule_case *rule_case);
/* What an ICMP error is called: "administratively prohibited". */
const char *icmp_words(unsigned family, unsigned type, unsigned code);

#endif
