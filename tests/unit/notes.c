/* What captures say of frames in words, each text once, as many as a frame's 8 bits can tell apart. */
#include "capture/notes.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct notes notes; /* each test has a process of its own */

Test(notes, each_text_once)
{
    cr_expect_eq(notes_add(&notes, "one"), 1);
    cr_expect_eq(notes_add(&notes, "two"), 2);
    cr_expect_eq(notes_add(&notes, "one"), 1);
    cr_expect_eq(notes_add(&notes, "On"), 3);
    cr_expect_eq(notes_add(&notes, ""), 0, "nothing is no note");
    cr_expect_eq(notes.count, 3);
    cr_expect_str_eq(notes_text(&notes, 2), "two");
    cr_expect_null(notes_text(&notes, 0));
    cr_expect_null(notes_text(&notes, 4));
}

Test(notes, more_than_can_be_kept)
{
    char text[32];
    for (int i = 1; i <= 300; i++) {
        snprintf(text, sizeof text, "note %d", i);
        cr_expect_eq(notes_add(&notes, text), i <= NOTES_MOST ? i : NOTES_FULL, "%s", text);
    }
    cr_expect_eq(notes.count, NOTES_MOST);
    cr_expect_eq(notes_add(&notes, "note 1"), 1, "known ones are found as before");
    cr_expect_eq(notes_add(&notes, "note 254"), 254);
    cr_expect_eq(notes_add(&notes, ""), 0);
    cr_expect_str_eq(notes_text(&notes, 254), "note 254");
    cr_expect_not_null(notes_text(&notes, NOTES_FULL));
    cr_expect_eq(notes_add(&notes, notes_text(&notes, NOTES_FULL)), NOTES_FULL);
}

Test(notes, long_ones_are_cut)
{
    char text[1000];
    for (size_t length = NOTES_TEXT - 2; length <= NOTES_TEXT + 2; length++) {
        memset(text, 'a', sizeof text);
        text[length] = '\0';
        uint8_t number = notes_add(&notes, text);
        size_t kept = strlen(notes_text(&notes, number));
        cr_expect_eq(kept, length < NOTES_TEXT ? length : NOTES_TEXT - 1);
        cr_expect_eq(number, length < NOTES_TEXT ? length - NOTES_TEXT + 3 : 2, "what is equal up to there is one");
    }
}

/* A cut does not leave half a character (RFC 3629). */
Test(notes, cut_between_characters)
{
    static const char *const characters[] = {"\u00fc", "\u20ac", "\U0001f512"};
    for (size_t i = 0; i < sizeof characters / sizeof *characters; i++) {
        size_t bytes = strlen(characters[i]);
        for (size_t before = 0; before < 4; before++) {
            char text[2 * NOTES_TEXT] = "";
            memset(text, 'a', before);
            while (strlen(text) < NOTES_TEXT + 10)
                strcat(text, characters[i]);
            const char *kept = notes_text(&notes, notes_add(&notes, text));
            cr_expect_eq((strlen(kept) - before) % bytes, 0, "%zu bytes each, %zu before: %s", bytes, before, kept);
            cr_expect_gt(strlen(kept), NOTES_TEXT - 6);
        }
    }
}
