#include "capture/source.h"

#include "capture/ahead.h"
#include "capture/interrupt.h"
#include "capture/merge.h"
#include "capture/select.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    INPUTS_MOST = 0xffff,  /* a frame_ref has 16 bits for its input */
    PROGRESS_EVERY = 4096, /* frames */
};

/* An interruption ends the reading, and stays known; what was copied of a pipe until then is read all the same. */
struct source {
    struct input *inputs;
    char **names;
    size_t count, room;
    unsigned operand; /* of the inputs that are added now */
    struct source_options options;
    size_t next;                 /* the first input that is not being read */
    uint64_t read;               /* frames */
    uint64_t bytes_before, size; /* bytes of the files that were read; of all */
    bool once;                   /* an input can be read once only */
    atomic_uint_least64_t position;
    struct notes notes;
    struct select *select;
    struct merge *merge;
    struct ahead *ahead;
};

static bool add_input(struct source *source, char *name, struct failure *failure)
{
    if (!name || source->count == INPUTS_MOST)
        goto full;
    if (source->count == source->room) {
        size_t room = source->room ? source->room * 2 : 8;
        struct input *inputs = realloc(source->inputs, room * sizeof *inputs);
        if (!inputs)
            goto full;
        source->inputs = inputs;
        char **names = realloc(source->names, room * sizeof *names);
        if (!names)
            goto full;
        source->names = names;
        source->room = room;
    }
    source->names[source->count] = name;
    source->inputs[source->count++] =
        (struct input){.operand = source->operand, .path = name, .format = "unknown", .kernel_dropped = -1};
    return true;
full:
    free(name);
    return failure_set(failure, name ? "more than %d files" : "out of memory", INPUTS_MOST);
}

static bool add_directory(struct source *source, const char *path, struct failure *failure)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, versionsort);
    if (count < 0)
        return failure_set(failure, "%s: %s", path, strerror(errno));
    size_t before = source->count;
    bool fine = true;
    for (int i = 0; i < count; i++) {
        char *name = NULL;
        if (fine && asprintf(&name, "%s/%s", path, entries[i]->d_name) < 0)
            name = NULL;
        struct stat status;
        bool capture = name && stat(name, &status) == 0 && S_ISREG(status.st_mode) && file_is_capture(name);
        if (capture)
            fine = add_input(source, name, failure);
        else
            free(name);
        free(entries[i]);
    }
    free(entries);
    if (fine && source->count == before)
        return failure_set(failure, "%s: no capture in this directory", path);
    return fine;
}

static bool add_path(struct source *source, const char *path, struct failure *failure)
{
    struct stat status;
    if (strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return add_directory(source, path, failure);
    return add_input(source, strdup(path), failure);
}

/* The inputs that are one trace: all, or those of the next operand. */
static bool begin_trace(struct source *source)
{
    size_t end = source->next;
    while (end < source->count &&
           (!source->options.apart || source->inputs[end].operand == source->inputs[source->next].operand))
        end++;
    if (end > source->next)
        source->merge = merge_new(source->inputs, source->next, end, source->options.by_runs, &source->notes);
    source->next = end;
    return source->merge != NULL;
}

static void end_trace(struct source *source)
{
    source->bytes_before += merge_position(source->merge);
    merge_free(source->merge);
    source->merge = NULL;
    if (source->select)
        select_begin(source->select);
}

static bool take(struct source *source, struct frame *frame)
{
    if (++source->read % PROGRESS_EVERY == 0)
        atomic_store_explicit(&source->position, source->bytes_before + merge_position(source->merge),
                              memory_order_relaxed);
    if (source->select && !select_takes(source->select, frame))
        return false;
    struct input *input = &source->inputs[frame->ref.input];
    frame->trace = source->options.apart ? input->operand & 0xff : 0;
    input->selected++;
    return true;
}

/* Runs in the thread that reads ahead; the signal that ends the reading interrupts it there, waiting for a pipe. */
static bool read_next(void *context, struct frame *frame)
{
    struct source *source = context;
    while (!interrupt_is_pending()) {
        if (!source->merge && !begin_trace(source))
            return false;
        if ((source->select && select_is_done(source->select)) || !merge_next(source->merge, frame))
            end_trace(source);
        else if (take(source, frame))
            return true;
    }
    return false;
}

static void begin_thread(void)
{
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    pthread_sigmask(SIG_UNBLOCK, &interrupt, NULL);
}

static bool add_paths(struct source *source, const char *const *paths, size_t count, struct failure *failure)
{
    for (size_t i = 0; i < count; i++) {
        source->operand = (unsigned)i;
        if (!add_path(source, paths[i], failure))
            return false;
    }
    for (size_t i = 0; i < source->count; i++) {
        source->once |= file_is_once(source->inputs[i].path);
        source->size += file_size(source->inputs[i].path);
    }
    return true;
}

/* Without options that choose frames there is nothing to ask of each. */
static bool begin_selecting(struct source *source, const struct source_options *options, struct failure *failure)
{
    if (!options)
        return true;
    source->options = *options;
    if (source->options.to_ns == 0)
        source->options.to_ns = INT64_MAX;
    if (options->from_ns == 0 && options->to_ns == 0 && !options->filter && options->count == 0)
        return true;
    if (options->from_ns == 0)
        source->options.from_ns = INT64_MIN;
    source->select = select_new(&source->options, failure);
    return source->select != NULL;
}

struct source *source_open(const char *const *paths, size_t count, const struct source_options *options,
                           struct failure *failure)
{
    struct source *source = calloc(1, sizeof *source);
    if (!source) {
        failure_set(failure, "out of memory");
        return NULL;
    }
    if (begin_selecting(source, options, failure) && add_paths(source, paths, count, failure)) {
        source->ahead = ahead_new(begin_thread, read_next, source);
        if (source->ahead)
            return source;
        failure_set(failure, "no thread to read with: %s", strerror(errno));
    }
    source_close(source);
    return NULL;
}

void source_close(struct source *source)
{
    if (!source)
        return;
    ahead_free(source->ahead);
    merge_free(source->merge);
    select_free(source->select);
    for (size_t i = 0; i < source->count; i++)
        free(source->names[i]);
    free(source->names);
    free(source->inputs);
    free(source);
}

bool source_next(struct source *source, struct frame *frame)
{
    return ahead_next(source->ahead, frame);
}

const struct input *source_inputs(const struct source *source, size_t *count)
{
    *count = source->count;
    return source->inputs;
}

uint64_t source_late(const struct source *source)
{
    return ahead_late(source->ahead);
}

bool source_may_order(const struct source *source)
{
    return source_late(source) > 0 && !source->once && !source->options.by_runs && source->options.count == 0 &&
           !interrupt_is_raised();
}

const char *source_note(const struct source *source, uint8_t note)
{
    return notes_text(&source->notes, note);
}

struct source_progress source_progress(const struct source *source)
{
    uint64_t position = atomic_load_explicit(&source->position, memory_order_relaxed);
    return (struct source_progress){position, source->once ? 0 : source->size};
}
