/* Fuzzes the readers of saved captures: whatever a file holds, its frames lie within bounds and its counts agree. */
#include "capture/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FRAME_MOST = 256 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t read_bytes;

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_frame(const struct frame *frame)
{
    check(frame->captured <= frame->declared && frame->captured <= FRAME_MOST);
    check(frame->ref.number > 0 && frame->ref.input == 0);
    check(frame->time_ns <= INT64_MAX / 2 && frame->time_ns >= INT64_MIN / 2);
    check(frame->direction <= LINK_OVERHEARD);
    char name[INPUT_LINK_NAME];
    check(*input_link_name(frame->link_type, name) != '\0');
    for (uint32_t i = 0; i < frame->captured; i++)
        read_bytes = frame->data[i]; /* so that a sanitizer sees each of them */
}

static void check_input(const struct input *input, uint64_t frames)
{
    check(input->frames == frames && input->selected == frames);
    check(input->records == input->frames + input->skipped);
    check(input->backward <= frames && input->cut <= frames);
    check(input->link_type_count <= INPUT_LINK_TYPES);
    check(frames == 0 || input->first_ns <= input->last_ns);
    check(input->format && memchr(input->trouble.text, '\0', sizeof input->trouble.text));
    check(!input->truncated || *input->trouble.text);
}

static void read_file(const char *path)
{
    struct failure failure;
    struct frame frame;
    uint8_t notes[UINT8_MAX + 1] = {0};
    uint64_t frames = 0;
    size_t count;
    struct source *source = source_open(&path, 1, NULL, &failure);
    if (!source)
        return;
    for (; source_next(source, &frame); frames++) {
        check_frame(&frame);
        notes[frame.note] = 1;
    }
    for (int i = 1; i <= UINT8_MAX; i++)
        check(!notes[i] || source_note(source, (uint8_t)i) != NULL);
    const struct input *inputs = source_inputs(source, &count);
    check(count == 1 && source_late(source) <= frames);
    check_input(inputs, frames);
    source_close(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int file = memfd_create("input", MFD_CLOEXEC);
    if (file < 0)
        return 0;
    snprintf(path, sizeof path, "/dev/fd/%d", file);
    if (write(file, data, size) == (ssize_t)size)
        read_file(path);
    close(file);
    return 0;
}
