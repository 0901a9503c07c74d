/*
 * Evidence: the latest frames of each server at hand, in memory of fixed size. When a flow fails, its frames and those of
 * its server's UDP and answered flows go to a writer.
 */
#ifndef TCP53_CAPTURE_KEEP_H
#define TCP53_CAPTURE_KEEP_H

#include "dissect/flow.h"

enum {
    KEEP_BYTES = 32 << 20, /* for frames */
    KEEP_SNAPLEN = 2048,   /* bytes kept of a frame */
    KEEP_SERVERS = 1024,
    KEEP_FLOWS = 16384,
    KEEP_FLOW_FIRST = 24, /* frames of a flow: its first and its latest */
    KEEP_FLOW_LATEST = 16,
    KEEP_EXCHANGE = 16,      /* UDP frames of a server before a flow of it began; so many since */
    KEEP_ANSWERED = 10,      /* flows of a server that were answered, so that one that answers at times is seen to */
    KEEP_FAILED = 8,         /* and that failed */
    KEEP_FRAMES_AFTER = 16,  /* UDP frames of a server that are written after its flow failed */
    KEEP_UDP_ENOUGH = 3,     /* UDP answers show how far away a server is; with fewer, its answered flows are needed */
    KEEP_FLOWS_AFTER = 2,    /* answered flows, likewise */
    KEEP_WRITTEN = 64,       /* failed flows of a server that are written within a minute: the first ones prove it */
    KEEP_REFUSED = 8,        /* of these, such as were answered with an error: UDP may give the same */
    KEEP_WRITTEN_ALL = 1024, /* of all servers */
};

#define KEEP_AFTER_NS (30 * FLOW_SECOND_NS)   /* UDP frames are written so long after a failure */
#define KEEP_WINDOW_NS (60 * FLOW_SECOND_NS)  /* the minute of KEEP_WRITTEN */
#define KEEP_MIXED_NS (300 * FLOW_SECOND_NS)  /* a server that answers within this of a failure does both */
#define KEEP_WITNESS_NS (2 * FLOW_SILENCE_NS) /* a capture that goes on so long shows that silence was silence */

enum keep_kind { KEEP_TCP, KEEP_UDP };

/* What a frame is. An ICMP error is of the kind and has the key that it quotes, and is the server's. */
struct keep_about {
    struct flow_key key;
    enum keep_kind kind;
    bool from_server;
    bool begins;  /* the client's SYN */
    uint32_t isn; /* its sequence number */
    bool foreign; /* an ICMP error that the client's own host did not write: it begins no flow */
};

/* Writes a frame; the number of the file, from 1, that it is in now, 0 when that could not be. */
typedef unsigned keep_writer(void *context, const struct frame *frame);

struct keep;

/* `bytes` 0: KEEP_BYTES; `writer` may be NULL: nothing is written, but all is at hand. NULL without memory. */
struct keep *keep_new(size_t bytes, keep_writer *writer, void *context);
void keep_free(struct keep *keep);

/* What a packet of the server ports, or an ICMP error about one, is, as an analysis_observer is told of it. */
struct keep_about keep_about_of(const struct flow_key *key, const struct packet *packet, bool from_server);
/* Every frame captured, before its keep_frame(): how far the capture reaches. No byte of it is kept. */
void keep_clock(struct keep *keep, const struct frame *frame);
/* A frame to be kept. */
void keep_frame(struct keep *keep, const struct frame *frame, const struct keep_about *about);
/*
 * A flow is judged. Rejected and unanswered ones are written, and those answered with an error; other answered ones stay
 * for a while; of the rest nothing stays. The next flow on the same ports may have begun.
 */
void keep_flow_over(struct keep *keep, const struct flow_record *record, const struct flow_end *end);
/*
 * A flow under way has failed by what was seen so far, so it is written now: it may take minutes to end, and the program
 * may not live as long. May be called again and again.
 */
void keep_flow_failing(struct keep *keep, const struct flow_record *record, enum flow_outcome outcome);
/* The clock was set: moves all times. */
void keep_shift(struct keep *keep, int64_t step_ns);
/* Files below this number are gone: what was in them will be written with the next failure. */
void keep_files_gone(struct keep *keep, unsigned first);

/* Who takes frames; both get the context. */
struct keep_each {
    void *context;
    bool (*take)(void *context, const struct frame *frame);
    /* When the server's present state began: flows from before then are left out, unless they show its distance; NULL. */
    int64_t (*since)(void *context, struct addr server, uint16_t port);
};

/*
 * All frames at hand, in order of time, each once, up to the first that `take` refuses: then false. The last one may be
 * an empty one, of the latest frame captured: how far the capture reaches.
 */
bool keep_each(struct keep *keep, const struct keep_each *each);

/*
 * A part of them: when more are at hand than `most`, those of one server, and those of the servers seen latest until it
 * is as many.
 */
struct keep_part {
    struct addr server;
    uint16_t port;
    uint32_t most;
};

/* The same of a part; NULL: of all. */
bool keep_each_of(struct keep *keep, const struct keep_each *each, const struct keep_part *part);
/* In no order, without the empty one: much faster. */
bool keep_each_unordered(struct keep *keep, const struct keep_each *each, const struct keep_part *part);

struct keep_counters {
    uint64_t frames;          /* that came */
    uint64_t written;         /* handed to the writer, which took them */
    uint64_t lost;            /* which it could not take */
    uint64_t dropped;         /* given up of flows under way: for lack of room, or from the middle of a long one */
    uint64_t flows_dropped;   /* flows given up before they were judged */
    uint64_t flows_unwritten; /* failed flows beyond KEEP_WRITTEN */
};
struct keep_counters keep_counters(const struct keep *keep);

#endif
