/* Captures written byte by byte into a folder of the test's own. */
#ifndef TCP53_TESTS_DRAFT_H
#define TCP53_TESTS_DRAFT_H

#include "dissect/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { DRAFT_SECONDS = 1700000000 }; /* 2023-11-14T22:13:20Z, when all frames are but for their fraction */
#define DRAFT_NS (DRAFT_SECONDS * INT64_C(1000000000))

enum draft_unit { DRAFT_MICRO, DRAFT_NANO };

/* A file as it is written: numbers in either byte order. */
struct draft {
    FILE *out;
    bool big;
    long block; /* where the pcapng block that is being written begins */
};

/* A folder, and the end of it with all that is in it; for a suite's .init and .fini. */
void draft_begin(void);
void draft_end(void);
const char *draft_folder(void);
/* The path of a file in it; good for some calls more. */
const char *draft_path(const char *name);

struct draft draft_open(const char *name, bool big);
void draft_close(struct draft *draft);
void draft_put(struct draft *draft, uint64_t value, int bytes);
void draft_bytes(struct draft *draft, const void *bytes, size_t count);
/* A whole file of those bytes. */
void draft_save(const char *name, const void *bytes, size_t count);
/* Appends a file of the folder to another of it, `from` on, up to, not including, `to`. */
void draft_part(const char *whole, const char *part, size_t from, size_t to);
size_t draft_size(const char *name);

/* pcap: the header, then frames that count up from 0. */
struct draft draft_pcap(const char *name, bool big, enum draft_unit unit, uint32_t link_type);
void draft_frame(struct draft *draft, uint32_t fraction, uint32_t captured, uint32_t declared);
/* A file of so many frames of 60 bytes, the first at 1000 units, each a unit later; and of frames at those times. */
void draft_frames(const char *name, bool big, enum draft_unit unit, uint32_t frames);
void draft_times(const char *name, const unsigned *fractions, size_t count);

/* pcapng: a section; interfaces; any block, whose length is filled in at its end. */
struct draft draft_pcapng(const char *name, bool big);
void draft_interface(struct draft *draft, uint32_t link_type);
void draft_block(struct draft *draft, uint32_t type);
void draft_option(struct draft *draft, uint32_t code, const void *bytes, size_t count);
void draft_block_end(struct draft *draft);
/* A packet of 20 bytes that had 90; its block stays open for options. `time` in microseconds. */
void draft_packet(struct draft *draft, uint32_t interface, uint64_t time);

#endif
