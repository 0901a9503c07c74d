/* Packets cut into fragments, and what comes of them. */
#ifndef TCP53_TESTS_PIECES_H
#define TCP53_TESTS_PIECES_H

#include "dissect/fragment.h"
#include "tests/unit/wire.h"

/*
 * What part of the IP payload a fragment carries. As text: "96+64", 64 bytes from 96 on, with more to come, and then
 * ".": it is the last; "!": its bytes are other ones (but for UDP's length); "-9": the capture cut its last nine bytes.
 * "~31" before it: it comes 31 s after the one before. Fragments of a list are separated by spaces.
 */
struct piece {
    unsigned offset, length;
    bool last, other;
    unsigned uncaptured, wait_s;
};

enum { PIECE_OTHER_BITS = 0x55 }; /* in which other bytes differ */

/* Reads the first piece of a list and returns the rest; NULL when there is none. */
const char *piece_next(const char *list, struct piece *piece);
/* Appends a piece of a raw packet: an IPv4 fragment, or an IPv6 one behind a Fragment header. */
void piece_append(struct wire *wire, const struct wire *packet, uint32_t id, const struct piece *piece);
/* A raw packet of the server's port 53 to the client's port 40000; its payload counts up to 250, again and again. */
struct wire piece_packet(int family, uint8_t protocol, size_t payload_bytes);
/* Puts eight bytes behind the IPv6 header: an extension of that kind. */
void piece_extend(struct wire *wire, uint8_t kind, const uint8_t header[8]);

/* A bench for fragments_take(): frames come 1 ms apart, and what comes out is written down. */
struct bench {
    struct fragments *fragments;
    int64_t time_ns;
    uint64_t frames;
    unsigned out;         /* packets that came out, */
    unsigned whole;       /* those with all that their sender declared, */
    unsigned alone;       /* first pieces read after their rest had been waited for */
    struct packet packet; /* the latest of them, */
    uint8_t bytes[65536]; /* and its payload */
};

void bench_begin(struct bench *bench);
void bench_end(struct bench *bench);
/* Feeds a frame as an analysis does: what is overdue first, then the packet. Returns what became of it. */
enum packet_status bench_frame(struct bench *bench, const struct wire *wire, size_t uncaptured);
/* Feeds a list of pieces. */
void bench_pieces(struct bench *bench, const struct wire *packet, uint32_t id, const char *list);
/* The capture is over. */
struct fragment_counters bench_finish(struct bench *bench);
/* Fails the test unless what came out last has the payload of piece_packet(), in pieces with or without other bytes. */
void bench_expect_bytes(const struct bench *bench, const char *name, size_t count);

#endif
