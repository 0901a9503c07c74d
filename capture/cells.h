/* Copies of frames in memory of fixed size: cells of one size, of which a long frame takes several. */
#ifndef TCP53_CAPTURE_CELLS_H
#define TCP53_CAPTURE_CELLS_H

#include "dissect/frame.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    CELLS_NONE = 0,       /* no frame */
    CELLS_SNAPLEN = 2048, /* bytes kept of a frame */
    CELL_BYTES = 256,     /* a SYN, a question and most answers fit into one */
    CELL_HEAD = 64,       /* bytes of the first cell that its frame's bytes do not get */
    CELL_LINK = 4,        /* the same of each further cell */
};

/* The first cell of a frame. */
struct cell {
    uint32_t more; /* the next cell of the frame; of a free one: the next free */
    uint32_t next; /* the next frame of the pile */
    uint32_t file; /* number of the file that it was written to; 0: none */
    uint64_t serial;
    struct frame frame; /* `data` is not used */
    uint8_t bytes[CELL_BYTES - CELL_HEAD];
};

struct cells;

/* NULL without memory; a page of it is taken when it is first used. */
struct cells *cells_new(size_t bytes);
void cells_free(struct cells *cells);
/* Frames that there can be at most. */
uint32_t cells_count(const struct cells *cells);
/* Cells in use; frames are fewer. */
uint32_t cells_in_use(const struct cells *cells);
/* True when a frame of so many bytes finds room. */
bool cells_have(const struct cells *cells, uint32_t captured);
/* A copy of the frame, up to CELLS_SNAPLEN bytes; cells_have() has been asked. */
uint32_t cells_put(struct cells *cells, const struct frame *frame);
struct cell *cells_at(struct cells *cells, uint32_t index);
/* The frame again; its bytes stay valid until the next call. */
struct frame cells_frame(struct cells *cells, uint32_t index);

/* Frames in the order in which they came; all zero: none. */
struct pile {
    uint32_t first, last, count;
};

void pile_add(struct pile *pile, struct cells *cells, uint32_t index);
/* Gives up the oldest frames until there are no more than `most`; returns how many those were. */
uint32_t pile_trim(struct pile *pile, struct cells *cells, uint32_t most);
/* Puts `later` behind the pile and leaves it empty. */
void pile_join(struct pile *pile, struct pile *later, struct cells *cells);

#endif
