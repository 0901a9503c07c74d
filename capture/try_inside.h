/* A try as try.c, which begins and ends it, and try_talk.c, which asks and hears, have it. */
#ifndef TCP53_CAPTURE_TRY_INSIDE_H
#define TCP53_CAPTURE_TRY_INSIDE_H

#include "capture/try.h"

enum try_state { TRY_CONNECTING, TRY_WAITING, TRY_OVER };

struct
try {
    struct try_plan plan;
    const struct try_observer *observer;
    struct attempt attempt;
    struct query queries[2]; /* the same with two IDs: answers may come in any order (RFC 7766, 6.2.1.1) */
    enum try_state state;
    int descriptor;
    int64_t end_ns;  /* when it is given up */
    int64_t more_ns; /* when more is to be sent; 0: nothing is */
    size_t got;
    uint8_t bytes[TRY_MESSAGE];
};

static inline bool try_is_udp(const struct try *try)
{
    return attempt_test_is_udp(try->plan.test);
}

void try_note(struct try *try, enum flow_event event, size_t length);
/* Ends it so, and closes its socket. */
void try_finish(struct try *try, enum attempt_status status);
/* Ends it by an errno, of the socket or of a call: an ICMP error, a RST, or this host. */
void try_fail(struct try *try, int error);

/* Sends the query, or both at once, or the beginning of one; `more_ns` is when the rest is due. */
void try_ask(struct try *try, int64_t now_ns);
/* The rest of the query, or the next query over the connection that was kept. */
void try_ask_more(struct try *try, int64_t now_ns);
/* Reads all that is there. */
void try_read(struct try *try, int64_t now_ns);
/* Notes a message that has begun and is not whole. */
void try_note_part(struct try *try);
/* What became of the queries' packets, of which the socket knows no times. */
void try_note_sent(struct try *try);

#endif
