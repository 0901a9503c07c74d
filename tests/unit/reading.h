/* Saved captures of a test's folder, read. */
#ifndef TCP53_TESTS_READING_H
#define TCP53_TESTS_READING_H

#include "capture/source.h"
#include "tests/unit/draft.h"

/* Opens files of the folder as one trace, or as options say; `two` may be NULL. */
struct source *reading_of(const char *one, const char *two);
struct source *reading_with(const char *const *names, size_t count, const struct source_options *options);
/* The next frame, which there must be. */
struct frame reading_frame(struct source *source);
/* Reads to the end, which stays the end; how many frames. */
uint64_t reading_all(struct source *source);

const struct input *reading_input(const struct source *source, size_t index);
bool reading_says(const struct input *input, const char *words);

#endif
