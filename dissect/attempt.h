/*
 * One attempt of a probe at a server, as its socket was told of it. Where no packets can be captured this feeds the same
 * facts as they would, with less in them.
 */
#ifndef TCP53_DISSECT_ATTEMPT_H
#define TCP53_DISSECT_ATTEMPT_H

#include "dissect/flow.h"

/* What is tried. The words are in attempt_test_name(), and what each is for in report/explain.c. */
enum attempt_test {
    ATTEMPT_UDP,        /* a question without EDNS (RFC 1035): the answer may have 512 bytes */
    ATTEMPT_UDP_EDNS,   /* with EDNS (RFC 6891) and a buffer of ATTEMPT_EDNS_BYTES */
    ATTEMPT_TCP,        /* one query, as `nslookup` with `set vc` puts it */
    ATTEMPT_TRUNCATED,  /* the same, because UDP answered with TC=1 */
    ATTEMPT_PIPELINED,  /* two queries in one connection, sent together (RFC 7766, 6.2.1.1) */
    ATTEMPT_REUSED,     /* a second query when the first was answered, over the connection that was kept (6.2.1) */
    ATTEMPT_SPLIT,      /* the query in two segments: its length, then the message (RFC 7766, 8) */
    ATTEMPT_MARKED,     /* over TCP, with ATTEMPT_TOS in the SYN */
    ATTEMPT_OTHER_NAME, /* over TCP, the question for a harmless name */
    ATTEMPT_OTHER_PORT, /* a connection to another port of the server, nothing is asked */
    ATTEMPT_TESTS
};

enum {
    ATTEMPT_EDNS_BYTES = 1232, /* DNS flag day 2020: what passes without fragments nearly everywhere */
    ATTEMPT_TOS = 0x48,        /* AF21: neither 0 nor what packet filters write */
    ATTEMPT_EVENTS = 16,
};

/* How it ended. */
enum attempt_status {
    ATTEMPT_ANSWERED,    /* all that was asked; for another port: the handshake was made */
    ATTEMPT_TC,          /* a UDP answer with TC=1 */
    ATTEMPT_RCODE,       /* answered with FORMERR, SERVFAIL, NOTIMP or REFUSED */
    ATTEMPT_REFUSED,     /* a RST in answer to the SYN (ECONNREFUSED) */
    ATTEMPT_RESET,       /* a RST later on (ECONNRESET, EPIPE) */
    ATTEMPT_CLOSED,      /* end of file before a whole answer */
    ATTEMPT_ICMP,        /* an ICMP error, `icmp` says which */
    ATTEMPT_SILENT,      /* nothing came back within the time: of UDP or of the SYN */
    ATTEMPT_STUCK,       /* the handshake was made, and then nothing (more) came within the time */
    ATTEMPT_NOT_DNS,     /* what came is no answer to the question */
    ATTEMPT_LOCAL_ERROR, /* this host could not even send it, `error` says why */
    ATTEMPT_STATUSES
};

/* What the socket saw, and when. Only events that it is told of. */
struct attempt_event {
    int64_t time_ns; /* since 1970-01-01 UTC */
    uint32_t length; /* bytes of payload */
    uint8_t event;   /* enum flow_event; over UDP FLOW_QUERY and FLOW_ANSWER */
};

struct attempt {
    enum attempt_test test;
    enum attempt_status status;
    struct addr client, server;
    uint16_t client_port, server_port;
    struct dns_question question;
    uint8_t asked, answered; /* queries sent, whole answers to them */
    uint8_t rcode;           /* of the last answer */
    uint8_t own_ttl;         /* with which its packets left */
    uint8_t ttl;        /* UDP: of the answer. TCP: of the packet that ended it, where it could be measured; else 0 */
    uint8_t synack_ttl; /* TCP: where it could be measured; else 0 */
    bool unheard;       /* TCP: not all that it sent was acknowledged */
    bool unsent;        /* TCP: the query never left, since the window that the SYN-ACK opened stayed shut */
    int error;          /* errno that the socket gave, 0: none */
    uint32_t answer_bytes; /* of the last answer */
    struct {
        struct addr source;         /* none: not told */
        uint8_t family, type, code; /* family 0: there was none */
    } icmp;
    int64_t ended_ns;  /* when it was over, or given up */
    int64_t paused_ns; /* how long it waited of its own accord, before it sent more */
    unsigned event_count;
    struct attempt_event events[ATTEMPT_EVENTS];
};

/* Stable words: "udp-edns", "refused". */
const char *attempt_test_name(enum attempt_test test);
const char *attempt_status_name(enum attempt_status status);
static inline bool attempt_test_is_udp(enum attempt_test test)
{
    return test == ATTEMPT_UDP || test == ATTEMPT_UDP_EDNS;
}
/* Whether the server was asked over TCP, or was to be. */
static inline bool attempt_is_query_over_tcp(const struct attempt *attempt)
{
    return !attempt_test_is_udp(attempt->test) && attempt->test != ATTEMPT_OTHER_PORT;
}
/* Whether a packet ended it after the handshake: a RST, a FIN, an answer that refuses. */
static inline bool attempt_was_ended(const struct attempt *attempt)
{
    return attempt->status == ATTEMPT_RESET || attempt->status == ATTEMPT_CLOSED || attempt->status == ATTEMPT_RCODE;
}
/* From the first thing sent to the last thing that came, its own pauses left out, nanoseconds; 0 when nothing came. */
int64_t attempt_duration_ns(const struct attempt *attempt);

/* Notes that something happened; what finds no room is left out. */
void attempt_note(struct attempt *attempt, enum flow_event event, int64_t time_ns, uint32_t length);

/*
 * Puts a finished attempt into the facts as a flow, or as a question and its answer, of which no packet was seen: their
 * frames have the number 0. Attempts at ports that are not the server's (ATTEMPT_OTHER_PORT) are left out.
 */
void attempt_tell(const struct attempt *attempt, struct facts *facts);

#endif
