/* Why something of the environment failed, in a sentence for the user. Only tcp53.c prints it. */
#ifndef TCP53_CAPTURE_FAILURE_H
#define TCP53_CAPTURE_FAILURE_H

struct failure {
    char text[512];
};

/* Fills in the sentence; always returns false, so that a caller can return it. */
__attribute__((format(printf, 2, 3))) _Bool failure_set(struct failure *failure, const char *format, ...);

#endif
