/* The packets of a probe as a pcap file, to which its report's frame numbers refer: `tcp53 probe -w FILE`. */
#ifndef TCP53_PROBE_SAVE_H
#define TCP53_PROBE_SAVE_H

#include "capture/input.h"
#include "dissect/frame.h"

struct probe_save;

/* NULL without memory. The frames are kept in memory until the end: a probe's are bounded in number. */
struct probe_save *probe_save_new(const char *path);
void probe_save_free(struct probe_save *save);
/* Keeps a frame; its place in the file, from 1, or 0 when it cannot be in there: one of another link type than the first. */
uint64_t probe_save_frame(struct probe_save *save, const struct frame *frame);
/* The file as an input of the report. */
struct input probe_save_input(const struct probe_save *save);
/* Writes the file, whole or not at all; false when it has said what is wrong. */
bool probe_save_write(struct probe_save *save);

#endif
