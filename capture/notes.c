#include "capture/notes.h"

#include <stdio.h>
#include <string.h>

uint8_t notes_add(struct notes *notes, const char *text)
{
    char cut[NOTES_TEXT];
    snprintf(cut, sizeof cut, "%s", text);
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
