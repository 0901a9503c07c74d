/*
 * How it works: the time of each file's first frame gives the order in which files are opened; of those that are open
 * the one whose next frame is earliest goes on. Files of a ring follow each other, so that one is open at a time;
 * captures of several interfaces are open together.
 */
#include "capture/merge.h"

#include <stdlib.h>
#include <string.h>

enum { OPEN_MOST = 32 }; /* at a time; more files than that of the same minute are read one after the other */

struct slot {
    struct file *file;
    size_t input;
    struct frame head; /* its next frame */
};

struct turn {
    size_t input;
    int64_t first_ns;
};

struct merge {
    struct source_input *inputs;
    struct notes *notes;
    struct turn *turns; /* inputs in the order in which they are opened */
    size_t turn_count, next_turn;
    struct slot slots[OPEN_MOST];
    size_t open;
    size_t current; /* the slot whose head was handed out, or OPEN_MOST */
    uint64_t closed_bytes;
};

static int turn_order(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;
    if (x->first_ns != y->first_ns)
        return x->first_ns < y->first_ns ? -1 : 1;
    return x->input < y->input ? -1 : 1;
}

/* When a file begins; what cannot be read, or not twice (standard input, although it be a file), comes first. */
static int64_t first_time(const char *path)
{
    static struct notes unused;
    struct source_input trial = {.path = path};
    struct frame frame;
    if (strcmp(path, "-") == 0 || file_size(path) == 0)
        return INT64_MIN;
    struct file *file = file_open(&trial, &unused);
    int64_t time_ns = file && file_next(file, &trial, &frame) ? frame.time_ns : INT64_MIN;
    file_close(file);
    return time_ns;
}

struct merge *merge_new(struct source_input *inputs, size_t first, size_t end, struct notes *notes)
{
    struct merge *merge = calloc(1, sizeof *merge);
    if (!merge)
        return NULL;
    merge->inputs = inputs;
    merge->notes = notes;
    merge->turn_count = end - first;
    merge->current = OPEN_MOST;
    merge->turns = calloc(merge->turn_count, sizeof *merge->turns);
    if (!merge->turns) {
        free(merge);
        return NULL;
    }
    for (size_t i = 0; i < merge->turn_count; i++) {
        size_t input = first + i;
        merge->turns[i] = (struct turn){input, merge->turn_count > 1 ? first_time(inputs[input].path) : 0};
    }
    qsort(merge->turns, merge->turn_count, sizeof *merge->turns, turn_order);
    return merge;
}

void merge_free(struct merge *merge)
{
    if (!merge)
        return;
    for (size_t i = 0; i < merge->open; i++)
        file_close(merge->slots[i].file);
    free(merge->turns);
    free(merge);
}

/* Reads the next frame of a slot; at the end of its file the last slot takes its place. */
static bool advance(struct merge *merge, size_t index)
{
    struct slot *slot = &merge->slots[index];
    if (file_next(slot->file, &merge->inputs[slot->input], &slot->head)) {
        slot->head.ref.input = slot->input & 0xffff;
        return true;
    }
    merge->closed_bytes += file_position(slot->file);
    file_close(slot->file);
    *slot = merge->slots[--merge->open];
    return false;
}

static bool earlier(const struct slot *a, const struct slot *b)
{
    if (a->head.time_ns != b->head.time_ns)
        return a->head.time_ns < b->head.time_ns;
    return a->input < b->input;
}

static size_t earliest(const struct merge *merge)
{
    size_t found = 0;
    for (size_t i = 1; i < merge->open; i++)
        if (earlier(&merge->slots[i], &merge->slots[found]))
            found = i;
    return found;
}

/* Opens the files that begin before the earliest frame at hand; none any more once the user has ended the reading. */
static void open_due(struct merge *merge)
{
    while (merge->next_turn < merge->turn_count && merge->open < OPEN_MOST && !source_interrupted()) {
        const struct turn *turn = &merge->turns[merge->next_turn];
        if (merge->open > 0 && turn->first_ns > merge->slots[earliest(merge)].head.time_ns)
            return;
        merge->next_turn++;
        struct file *file = file_open(&merge->inputs[turn->input], merge->notes);
        if (!file)
            continue;
        merge->slots[merge->open++] = (struct slot){.file = file, .input = turn->input};
        advance(merge, merge->open - 1);
    }
}

bool merge_next(struct merge *merge, struct frame *frame)
{
    if (merge->current < OPEN_MOST)
        advance(merge, merge->current);
    merge->current = OPEN_MOST;
    open_due(merge);
    if (merge->open == 0)
        return false;
    merge->current = earliest(merge);
    *frame = merge->slots[merge->current].head;
    return true;
}

uint64_t merge_position(const struct merge *merge)
{
    uint64_t sum = merge->closed_bytes;
    for (size_t i = 0; i < merge->open; i++)
        sum += file_position(merge->slots[i].file);
    return sum;
}
