#include "capture/source.h"

#include "capture/ahead.h"
#include "capture/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { INPUTS_MOST = 0xffff }; /* a frame_ref has 16 bits for its input */

struct source {
    struct source_input *inputs;
    char **names;
    size_t count, room;
    unsigned operand; /* of the inputs that are added now */
    size_t current;
    struct file *file;
    struct ahead *ahead;
};

static bool add_input(struct source *source, char *name, struct failure *failure)
{
    if (!name || source->count == INPUTS_MOST)
        goto full;
    if (source->count == source->room) {
        size_t room = source->room ? source->room * 2 : 8;
        struct source_input *inputs = realloc(source->inputs, room * sizeof *inputs);
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
        (struct source_input){.operand = source->operand, .path = name, .format = "unknown"};
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
        return failure_set(failure, "%s: no pcap or pcapng capture in this directory", path);
    return fine;
}

static bool add_path(struct source *source, const char *path, struct failure *failure)
{
    struct stat status;
    if (strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return add_directory(source, path, failure);
    return add_input(source, strdup(path), failure);
}

/* Runs in the thread that reads ahead. */
static bool read_next(void *context, struct frame *frame)
{
    struct source *source = context;
    while (source->current < source->count) {
        struct source_input *input = &source->inputs[source->current];
        if (!source->file)
            source->file = file_open(input);
        if (source->file && file_next(source->file, input, frame)) {
            frame->ref =
                (struct frame_ref){.number = input->frames & 0xffffffffffff, .input = source->current & INPUTS_MOST};
            return true;
        }
        file_close(source->file);
        source->file = NULL;
        source->current++;
    }
    return false;
}

struct source *source_open(const char *const *paths, size_t count, struct failure *failure)
{
    struct source *source = calloc(1, sizeof *source);
    if (!source) {
        failure_set(failure, "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        source->operand = (unsigned)i;
        if (!add_path(source, paths[i], failure)) {
            source_close(source);
            return NULL;
        }
    }
    source->ahead = ahead_new(read_next, source);
    if (!source->ahead) {
        failure_set(failure, "no thread to read with: %s", strerror(errno));
        source_close(source);
        return NULL;
    }
    return source;
}

void source_close(struct source *source)
{
    if (!source)
        return;
    ahead_free(source->ahead);
    file_close(source->file);
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

const struct source_input *source_inputs(const struct source *source, size_t *count)
{
    *count = source->count;
    return source->inputs;
}
