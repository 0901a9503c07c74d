#include "tests/unit/reading.h"

#include <criterion/criterion.h>
#include <string.h>

struct source *reading_with(const char *const *names, size_t count, const struct source_options *options)
{
    enum { MOST = 60 };
    const char *paths[MOST];
    struct failure failure = {""};
    cr_assert_leq(count, MOST);
    for (size_t i = 0; i < count; i++)
        paths[i] = draft_path(names[i]);
    struct source *source = source_open(paths, count, options, &failure);
    cr_assert_not_null(source, "%s", failure.text);
    return source;
}

struct source *reading_of(const char *one, const char *two)
{
    return reading_with((const char *const[]){one, two}, two ? 2 : 1, NULL);
}

struct frame reading_frame(struct source *source)
{
    struct frame frame;
    cr_assert(source_next(source, &frame), "a frame more");
    return frame;
}

uint64_t reading_all(struct source *source)
{
    struct frame frame;
    uint64_t frames = 0;
    while (source_next(source, &frame))
        frames++;
    cr_assert_not(source_next(source, &frame), "the end stays the end");
    return frames;
}

const struct input *reading_input(const struct source *source, size_t index)
{
    size_t count;
    const struct input *inputs = source_inputs(source, &count);
    cr_assert_gt(count, index);
    return &inputs[index];
}

bool reading_says(const struct input *input, const char *words)
{
    return strstr(input->trouble.text, words) != NULL;
}
