/* One saved capture, read by libpcap. */
#ifndef TCP53_CAPTURE_FILE_H
#define TCP53_CAPTURE_FILE_H

#include "capture/source.h"

struct file;

/* Opens `input->path` and fills in format, link type and snapshot length; NULL and `input->trouble` when it cannot. */
struct file *file_open(struct source_input *input);
void file_close(struct file *file);
/* The next frame (without its ref); false at the end. Notes counts, times and trouble in `input`. */
bool file_next(struct file *file, struct source_input *input, struct frame *frame);
/* True when the first bytes of a file are those of a capture that libpcap reads. */
bool file_is_capture(const char *path);

#endif
