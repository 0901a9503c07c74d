/* One saved capture, read by whichever library can. */
#ifndef TCP53_CAPTURE_FILE_H
#define TCP53_CAPTURE_FILE_H

#include "capture/notes.h"
#include "capture/input.h"
#include "dissect/frame.h"

struct file;

/*
 * Opens `input->path` and fills in what is known of it; NULL and `input->trouble` when it cannot.
 * Comments and names of processes go to `notes`.
 */
struct file *file_open(struct input *input, struct notes *notes);
void file_close(struct file *file);
/* The next frame, with its number; false at the end. Notes counts, times and trouble in `input`. */
bool file_next(struct file *file, struct input *input, struct frame *frame);
/* Bytes of the file read so far. */
uint64_t file_position(const struct file *file);
/* True when the file is a capture that can be read. */
bool file_is_capture(const char *path);
/* True of standard input, whatever it is, and of pipes, sockets and terminals: they can be read once only. */
bool file_is_once(const char *path);
/* Its size in bytes; 0 for a pipe, and for what cannot be opened. */
uint64_t file_size(const char *path);

#endif
