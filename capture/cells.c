/*
 * How it works: cells that were never used lie behind a mark, so that a quiet server touches a few pages only; a cell
 * that is given up is the first to be used again.
 */
#include "capture/cells.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

/* A further cell of a frame. */
struct cell_rest {
    uint32_t more;
    uint8_t bytes[CELL_BYTES - CELL_LINK];
};

static_assert(sizeof(struct cell) == CELL_BYTES && offsetof(struct cell, bytes) == CELL_HEAD, "its head has its size");
static_assert(sizeof(struct cell_rest) == CELL_BYTES, "all cells have one size");

union any_cell {
    struct cell head;
    struct cell_rest rest;
};

struct cells {
    size_t size;
    uint32_t count, used; /* cells; the first one is none, those from `used` on were never used */
    uint32_t free, free_count;
    uint64_t serial;
    uint8_t whole[CELLS_SNAPLEN]; /* a frame of several cells in one piece */
    union any_cell at[];
};

/* Not in large pages, as the analysis has its tables: most of this is never touched. */
struct cells *cells_new(size_t bytes)
{
    uint32_t count = (uint32_t)(bytes / CELL_BYTES);
    size_t size = sizeof(struct cells) + (count + 1ul) * CELL_BYTES;
    struct cells *cells = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (cells == MAP_FAILED)
        return NULL;
    cells->size = size;
    cells->count = count + 1;
    cells->used = 1;
    return cells;
}

void cells_free(struct cells *cells)
{
    if (cells)
        munmap(cells, cells->size);
}

uint32_t cells_count(const struct cells *cells)
{
    return cells->count - 1;
}

uint32_t cells_in_use(const struct cells *cells)
{
    return cells->used - 1 - cells->free_count;
}

static uint32_t bytes_kept(uint32_t captured)
{
    return captured < CELLS_SNAPLEN ? captured : CELLS_SNAPLEN;
}

bool cells_have(const struct cells *cells, uint32_t captured)
{
    enum { FIRST = CELL_BYTES - CELL_HEAD, REST = CELL_BYTES - CELL_LINK };
    uint32_t bytes = bytes_kept(captured);
    uint32_t wanted = bytes <= FIRST ? 1 : 1 + (bytes - FIRST + REST - 1) / REST;
    return cells->free_count + (cells->count - cells->used) >= wanted;
}

static uint32_t take(struct cells *cells)
{
    if (cells->free_count == 0)
        return cells->used++;
    uint32_t index = cells->free;
    cells->free = cells->at[index].rest.more;
    cells->free_count--;
    return index;
}

static void give_up(struct cells *cells, uint32_t index)
{
    while (index != CELLS_NONE) {
        uint32_t more = cells->at[index].rest.more;
        cells->at[index].rest.more = cells->free;
        cells->free = index;
        cells->free_count++;
        index = more;
    }
}

static uint32_t least(size_t room, uint32_t left)
{
    return left < room ? left : (uint32_t)room;
}

uint32_t cells_put(struct cells *cells, const struct frame *frame)
{
    uint32_t index = take(cells);
    struct cell *head = &cells->at[index].head;
    head->next = CELLS_NONE;
    head->file = 0;
    head->serial = ++cells->serial;
    head->frame = *frame;
    head->frame.captured = bytes_kept(frame->captured);
    uint32_t done = least(sizeof head->bytes, head->frame.captured);
    if (done > 0)
        memcpy(head->bytes, frame->data, done);
    uint32_t *link = &head->more;
    while (done < head->frame.captured) {
        *link = take(cells);
        struct cell_rest *rest = &cells->at[*link].rest;
        uint32_t part = least(sizeof rest->bytes, head->frame.captured - done);
        memcpy(rest->bytes, frame->data + done, part);
        done += part;
        link = &rest->more;
    }
    *link = CELLS_NONE;
    return index;
}

struct cell *cells_at(struct cells *cells, uint32_t index)
{
    return &cells->at[index].head;
}

struct frame cells_frame(struct cells *cells, uint32_t index)
{
    const struct cell *head = &cells->at[index].head;
    struct frame frame = head->frame;
    frame.data = head->bytes;
    if (frame.captured <= sizeof head->bytes)
        return frame;
    uint32_t done = sizeof head->bytes;
    memcpy(cells->whole, head->bytes, done);
    for (uint32_t more = head->more; done < frame.captured; more = cells->at[more].rest.more) {
        const struct cell_rest *rest = &cells->at[more].rest;
        uint32_t part = least(sizeof rest->bytes, frame.captured - done);
        memcpy(cells->whole + done, rest->bytes, part);
        done += part;
    }
    frame.data = cells->whole;
    return frame;
}

void pile_add(struct pile *pile, struct cells *cells, uint32_t index)
{
    if (pile->count++ == 0)
        pile->first = index;
    else
        cells_at(cells, pile->last)->next = index;
    pile->last = index;
}

uint32_t pile_trim(struct pile *pile, struct cells *cells, uint32_t most)
{
    uint32_t dropped = 0;
    for (; pile->count > most; dropped++) {
        uint32_t oldest = pile->first;
        pile->first = cells_at(cells, oldest)->next;
        pile->count--;
        give_up(cells, oldest);
    }
    return dropped;
}

void pile_join(struct pile *pile, struct pile *later, struct cells *cells)
{
    if (pile->count == 0)
        pile->first = later->first;
    else
        cells_at(cells, pile->last)->next = later->first;
    if (later->count > 0)
        pile->last = later->last;
    pile->count += later->count;
    *later = (struct pile){0, 0, 0};
}
