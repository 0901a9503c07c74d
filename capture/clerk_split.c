#include "capture/clerk.h"

#include <stdlib.h>
#include <string.h>

/* Copies a word without its quotes; *from stands behind it then. NULL: a quote is not closed. */
static char *copy_word(const char **from, char *to)
{
    char quote = '\0';
    for (; **from && (quote || !strchr(" \t\n", **from)); ++*from) {
        char letter = **from;
        if (letter == quote)
            quote = '\0';
        else if (!quote && (letter == '\'' || letter == '"'))
            quote = letter;
        else
            *to++ = letter;
    }
    *to++ = '\0';
    return quote ? NULL : to;
}

/* One block: the list, then the text; a word and its blank are two letters at least, and become two at most. */
char **clerk_split(const char *command)
{
    size_t length = strlen(command), count = 0;
    char **words = calloc(1, (length / 2 + 2) * sizeof *words + length + 1);
    char *to = words ? (char *)(words + length / 2 + 2) : NULL;
    while (to && *(command += strspn(command, " \t\n"))) {
        words[count++] = to;
        to = copy_word(&command, to);
    }
    if (to && count > 0)
        return words;
    free(words);
    return NULL;
}
