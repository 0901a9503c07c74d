#include "report/page.h"

#include <assert.h>
#include <ctype.h>

enum { ESCAPED = 4, COMMAND_INDENT = 4 };

static bool is_plain(char c)
{
    return c >= ' ' && c <= '~';
}

static size_t columns(const char *text, size_t length)
{
    size_t width = 0;
    for (size_t i = 0; i < length; i++)
        width += is_plain(text[i]) ? 1 : ESCAPED;
    return width;
}

static void write_clean(FILE *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (is_plain(text[i]))
            putc(text[i], out);
        else
            fprintf(out, "\\x%02x", (unsigned)(unsigned char)text[i]);
}

size_t page_clean(struct page *page, const char *text)
{
    write_clean(page->out, text, strlen(text));
    return columns(text, strlen(text));
}

/* Writes the words of one line of text from column `at` on; breaks before a word that would not fit. */
static void write_words(FILE *out, size_t indent, size_t at, const char *text, size_t length)
{
    bool first = true;
    while (length > 0) {
        size_t word = 0;
        while (word < length && text[word] != ' ')
            word++;
        size_t width = columns(text, word);
        if (!first && at + 1 + width > PAGE_WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first && word > 0) {
            putc(' ', out);
            at++;
        }
        write_clean(out, text, word);
        at += width;
        first = false;
        size_t step = word < length ? word + 1 : word;
        text += step;
        length -= step;
    }
    putc('\n', out);
}

static void write_command(FILE *out, size_t indent, const char *text, size_t length)
{
    fprintf(out, "%*s", (int)(indent + COMMAND_INDENT), "");
    write_clean(out, text, length);
    putc('\n', out);
}

void page_paragraph(struct page *page, size_t indent, const char *lead, const char *text)
{
    for (const char *next = text; next; lead = "") {
        size_t length = strcspn(next, "\n"), width = strlen(lead);
        if (*next == '\t') {
            write_command(page->out, indent, next + 1, length - 1);
        } else if (length > 0) {
            fprintf(page->out, "%s%*s", lead, width < indent ? (int)(indent - width) : 0, "");
            write_words(page->out, indent, width < indent ? indent : width, next, length);
        }
        next = next[length] ? next + length + 1 : NULL;
    }
}

void page_heading(struct page *page, const char *heading)
{
    fprintf(page->out, "\n%s\n", heading);
}

/* Terminal colours (ECMA-48 8.3.117). */
static const char *const outcome_colours[] = {
    [REPORT_NONE] = "",          [REPORT_ANSWERED] = "\x1b[32m",     [REPORT_ABORTED] = "\x1b[36m",
    [REPORT_MIXED] = "\x1b[33m", [REPORT_UNANSWERED] = "\x1b[1;33m", [REPORT_REJECTED] = "\x1b[1;31m",
};
static_assert(sizeof outcome_colours / sizeof *outcome_colours == REPORT_OUTCOMES, "each outcome has its colour");

void page_verdict(struct page *page, enum report_outcome outcome, const struct judgement *judgement)
{
    bool coloured = page->colour && *outcome_colours[outcome];
    if (coloured)
        fputs(outcome_colours[outcome], page->out);
    for (const char *letter = report_outcome_name(outcome); *letter; letter++)
        putc(toupper((unsigned char)*letter), page->out);
    if (judgement->culprit != CULPRIT_NONE)
        fprintf(page->out, ", culprit: %s", culprit_name(judgement->culprit));
    if (judgement->confidence != CONFIDENCE_NONE)
        fprintf(page->out, " (%s)", confidence_name(judgement->confidence));
    if (coloured)
        fputs("\x1b[0m", page->out);
}
