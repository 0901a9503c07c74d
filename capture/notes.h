/* What captures say of single frames in words (comments, names of processes), each text kept once. */
#ifndef TCP53_CAPTURE_NOTES_H
#define TCP53_CAPTURE_NOTES_H

#include <stddef.h>
#include <stdint.h>

enum {
    NOTES_MOST = 254, /* texts; a frame has 8 bits for its own, 0 is none */
    NOTES_FULL = 255, /* stands for all texts beyond them */
    NOTES_TEXT = 160, /* bytes of a text; the rest is cut */
};

struct notes {
    size_t count;
    char texts[NOTES_MOST][NOTES_TEXT];
};

/* The number of a text, 1 to 255. Empty texts are 0. */
uint8_t notes_add(struct notes *notes, const char *text);
/* The text of such a number; NULL for 0. */
const char *notes_text(const struct notes *notes, uint8_t number);

#endif
