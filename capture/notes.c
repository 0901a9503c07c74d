#include "capture/notes.h"

#include <stdio.h>
#include <string.h>

/* Takes the part of a character off the end (RFC 3629: all of its bytes but the first are 10xxxxxx). */
static void cut_between_characters(char *text, size_t length)
{
    size_t first = length;
    while (first > 0 && first > length - 3 && ((uint8_t)text[first - 1] & 0xc0) == 0x80)
        first--;
    uint8_t lead = first > 0 ? (uint8_t)text[first - 1] : 0;
    size_t wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (wanted > 1 && length - first + 1 < wanted)
        text[first - 1] = '\0';
}

uint8_t notes_add(struct notes *notes, const char *text)
{
    char cut[NOTES_TEXT];
    if (snprintf(cut, sizeof cut, "%s", text) >= (int)sizeof cut)
        cut_between_characters(cut, sizeof cut - 1);
    if (!*cut)
        return 0;
    for (size_t i = 0; i < notes->count; i++)
        if (strcmp(notes->texts[i], cut) == 0)
            return (uint8_t)(i + 1);
    if (notes->count == NOTES_MOST)
        return NOTES_FULL;
    memcpy(notes->texts[notes->count++], cut, sizeof cut);
    return (uint8_t)notes->count;
}

const char *notes_text(const struct notes *notes, uint8_t number)
{
    if (number == NOTES_FULL)
        return "more notes than are kept";
    return number > 0 && number <= notes->count ? notes->texts[number - 1] : NULL;
}
