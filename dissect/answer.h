/* A DNS answer in the lines that nslookup shows for it. */
#ifndef TCP53_DISSECT_ANSWER_H
#define TCP53_DISSECT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ANSWER_LINES = 64, ANSWER_LINE = 1100 };

/*
 * "microsoft.com MX preference = 10, mail exchanger = mail1.microsoft.com",
 * "mail1.microsoft.com internet address = 131.107.3.125", "mail1.microsoft.com AAAA IPv6 address = 2001:db8::25"; other
 * types in presentation format. First the answer, then the addresses of the additional section.
 */
struct answer {
    unsigned count, left_out;
    unsigned own; /* of the lines, the first ones, those of the answer itself */
    char *lines[ANSWER_LINES];
    uint8_t rcode;
};

/* Reads a whole message, by ldns; false when it is none. answer_free() in either case. */
bool answer_read(struct answer *answer, const uint8_t *bytes, size_t length);
void answer_free(struct answer *answer);

#endif
