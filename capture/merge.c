/*
 * How it works: the time of each file's first frame gives the order in which files are opened; of those that are open
 * the one whose next frame is earliest goes on. Files of a ring follow each other, so that one is open at a time;
 * captures of several interfaces are open together.
 */
#include "capture/merge.h"

#include "capture/interrupt.h"

#include <stdlib.h>
#include <string.h>

enum {
    OPEN_MOST = 32, /* at a time; frames of more files of the same minute come too late */
    RUNS_MOST = 32, /* of one file; one with more was shuffled rather than put together */
};

#define RUN_STEP_NS INT64_C(1000000000) /* time that goes back further begins another run */

/* A part of a file in which time goes forward: the whole of it, unless it is read by runs. */
struct run {
    size_t input;
    int64_t first_ns;
    uint64_t before; /* frames of the file before it */
    uint64_t frames; /* UINT64_MAX: to the end of the file */
};

struct slot {
    struct file *file;
    const struct run *run;
    uint64_t read;
    struct input copy; /* what a part of the file fills in, as the whole was looked through already */
    struct frame head; /* its next frame */
};

struct merge {
    struct input *inputs;
    struct notes *notes;
    bool by_runs;
    struct run *runs; /* in the order in which they are opened */
    size_t run_count, next_run;
    struct slot slots[OPEN_MOST];
    size_t open;
    size_t current; /* the slot whose head was handed out, or OPEN_MOST */
    uint64_t closed_bytes;
};

static int run_order(const void *a, const void *b)
{
    const struct run *x = a, *y = b;
    if (x->first_ns != y->first_ns)
        return x->first_ns < y->first_ns ? -1 : 1;
    if (x->input != y->input)
        return x->input < y->input ? -1 : 1;
    return x->before < y->before ? -1 : x->before > y->before;
}

/* When a file begins; what cannot be read, or not twice (standard input, although it be a file), comes first. */
static int64_t first_time(const char *path)
{
    static struct notes unused;
    struct input trial = {.path = path};
    struct frame frame;
    if (strcmp(path, "-") == 0 || file_size(path) == 0)
        return INT64_MIN;
    struct file *file = file_open(&trial, &unused);
    int64_t time_ns = file && file_next(file, &trial, &frame) ? frame.time_ns : INT64_MIN;
    file_close(file);
    return time_ns;
}

/* Looks through a file and lists its runs; one for the whole when there are too many. */
static size_t list_runs(struct input *input, size_t index, struct run *runs, struct notes *notes)
{
    struct frame frame;
    size_t count = 0;
    int64_t latest_ns = 0;
    uint64_t frames = 0;
    struct file *file = file_open(input, notes);
    while (file && !interrupt_is_pending() && file_next(file, input, &frame)) {
        if (count == 0 || (count <= RUNS_MOST && frame.time_ns < latest_ns - RUN_STEP_NS)) {
            if (count < RUNS_MOST)
                runs[count] = (struct run){index, frame.time_ns, frames, UINT64_MAX};
            if (count > 0)
                runs[count - 1].frames = frames - runs[count - 1].before;
            count++;
            latest_ns = frame.time_ns;
        }
        latest_ns = frame.time_ns > latest_ns ? frame.time_ns : latest_ns;
        frames++;
    }
    file_close(file);
    if (count > RUNS_MOST) {
        count = 1;
        runs[0].frames = UINT64_MAX;
    }
    return count;
}

static bool list_all(struct merge *merge, size_t first, size_t end)
{
    merge->runs = calloc((end - first) * (merge->by_runs ? RUNS_MOST : 1), sizeof *merge->runs);
    for (size_t i = first; merge->runs && i < end; i++) {
        struct run *next = &merge->runs[merge->run_count];
        if (merge->by_runs) {
            merge->run_count += list_runs(&merge->inputs[i], i, next, merge->notes);
        } else {
            *next = (struct run){i, end - first > 1 ? first_time(merge->inputs[i].path) : 0, 0, UINT64_MAX};
            merge->run_count++;
        }
    }
    return merge->runs != NULL;
}

struct merge *merge_new(struct input *inputs, size_t first, size_t end, bool by_runs, struct notes *notes)
{
    struct merge *merge = calloc(1, sizeof *merge);
    if (!merge)
        return NULL;
    merge->inputs = inputs;
    merge->notes = notes;
    merge->by_runs = by_runs;
    merge->current = OPEN_MOST;
    if (!list_all(merge, first, end)) {
        free(merge);
        return NULL;
    }
    qsort(merge->runs, merge->run_count, sizeof *merge->runs, run_order);
    return merge;
}

void merge_free(struct merge *merge)
{
    if (!merge)
        return;
    for (size_t i = 0; i < merge->open; i++)
        file_close(merge->slots[i].file);
    free(merge->runs);
    free(merge);
}

static bool read_frame(struct merge *merge, struct slot *slot, struct frame *frame)
{
    struct input *input = merge->by_runs ? &slot->copy : &merge->inputs[slot->run->input];
    return file_next(slot->file, input, frame);
}

/* What went wrong with a part of a file went wrong with the file. */
static void keep_trouble(struct merge *merge, const struct slot *slot)
{
    struct input *input = &merge->inputs[slot->run->input];
    if (merge->by_runs && *slot->copy.trouble.text && !*input->trouble.text)
        input->trouble = slot->copy.trouble;
}

/* Reads the next frame of a slot; at the end of its run the last slot takes its place. */
static bool advance(struct merge *merge, size_t index)
{
    struct slot *slot = &merge->slots[index];
    if (slot->read < slot->run->frames && read_frame(merge, slot, &slot->head)) {
        slot->read++;
        slot->head.ref.input = slot->run->input & 0xffff;
        return true;
    }
    merge->closed_bytes += file_position(slot->file);
    file_close(slot->file);
    keep_trouble(merge, slot);
    *slot = merge->slots[--merge->open];
    return false;
}

/* Opens the file of a run at its first frame. */
static void open_run(struct merge *merge, const struct run *run)
{
    struct slot *slot = &merge->slots[merge->open];
    *slot = (struct slot){.run = run, .copy = {.path = merge->inputs[run->input].path}};
    slot->file = file_open(merge->by_runs ? &slot->copy : &merge->inputs[run->input], merge->notes);
    if (!slot->file) {
        keep_trouble(merge, slot);
        return;
    }
    merge->open++;
    struct frame passed;
    bool more = true;
    for (uint64_t i = 0; i < run->before && more; i++)
        more = read_frame(merge, slot, &passed);
    advance(merge, merge->open - 1);
}

static bool earlier(const struct slot *a, const struct slot *b)
{
    if (a->head.time_ns != b->head.time_ns)
        return a->head.time_ns < b->head.time_ns;
    if (a->run->input != b->run->input)
        return a->run->input < b->run->input;
    return a->run->before < b->run->before;
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
    while (merge->next_run < merge->run_count && merge->open < OPEN_MOST && !interrupt_is_raised()) {
        const struct run *run = &merge->runs[merge->next_run];
        if (merge->open > 0 && run->first_ns > merge->slots[earliest(merge)].head.time_ns)
            return;
        merge->next_run++;
        open_run(merge, run);
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
