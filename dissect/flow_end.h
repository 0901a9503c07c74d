/* How a flow can end: what became of it, by which mechanism, with what signs. What flows and the facts have in common. */
#ifndef TCP53_DISSECT_FLOW_END_H
#define TCP53_DISSECT_FLOW_END_H

#include "dissect/addr.h"

#include <stdbool.h>
#include <stdint.h>

/* What speaks for one side or another within a single flow; report/rules*.c give each its weight and source. */
enum flow_sign {
    SIGN_AFTER_RST = 1u << 0,         /* the server goes on after "its" RST */
    SIGN_SEQ_CHANGE = 1u << 1,        /* consecutive RSTs whose sequence numbers run ahead */
    SIGN_ACK_CHANGE = 1u << 2,        /* consecutive RSTs whose ACK covers what the client never sent */
    SIGN_REPEATED = 1u << 3,          /* several RSTs for one packet of the client */
    SIGN_BAD_ACK = 1u << 4,           /* a RST that does not acknowledge the SYN it answers */
    SIGN_IN_STATE = 1u << 5,          /* timestamps, IP-ID and window of the RST continue those of the connection */
    SIGN_TIMESTAMP_JUMP = 1u << 6,    /* a RST whose timestamps do not fit the connection's */
    SIGN_ID_ECHO = 1u << 7,           /* the RST's IP-ID is that of the client's packet */
    SIGN_WINDOW_ECHO = 1u << 8,       /* the RST's window is that of the client's packet */
    SIGN_TOS_DROPPED = 1u << 9,       /* the SYN was marked, the RST is not */
    SIGN_TOS_COPIED = 1u << 10,       /* the RST bears the mark of the SYN */
    SIGN_TOS_LOWDELAY = 1u << 11,     /* the RST bears TOS 0x10, the SYN does not */
    SIGN_LABEL_ZERO = 1u << 12,       /* IPv6: the RST has no flow label */
    SIGN_LABEL_SET = 1u << 13,        /* IPv6: the RST has one */
    SIGN_AFTER_FIN = 1u << 14,        /* the RST follows the server's FIN */
    SIGN_CLIENT_REFUSES = 1u << 15,   /* the client resets the SYN-ACK and sends the same SYN again */
    SIGN_SYNACK_IGNORED = 1u << 16,   /* the client sends its SYN again although the SYN-ACK was captured */
    SIGN_LOOPBACK = 1u << 17,         /* the RST was seen on a loopback device, its SYN nowhere */
    SIGN_DATA_LOST = 1u << 18,        /* the server had sent data that never came by */
    SIGN_NOTHING_SENT = 1u << 19,     /* the server's later packets show that it had sent no data */
    SIGN_SYNACK_NO_WINDOW = 1u << 20, /* a SYN-ACK with window 0 */
    SIGN_RST_PAYLOAD = 1u << 21,      /* the RST carries text */
    SIGN_CLIENT_FORGED = 1u << 22, /* a RST "of the client" at another TTL than the client's own packets, which go on */
    SIGN_SIMPLE_SYN = 1u << 23,    /* a SYN with no option but its MSS: a scanner's */
    SIGN_SLOW = 1u << 24,          /* the RST came 1.5 s or more after the packet it answers */
    SIGN_BIG_ANSWER = 1u << 25,    /* UDP had said TC=1: the answer is too big for one packet */
    SIGN_ACK_IGNORED = 1u << 26,   /* the server sends its SYN-ACK again although the client's ACK was captured */
    SIGN_FORWARDED = 1u << 27,     /* the same RST came in toward another address just before: NAT on this host */
};

/* What became of a flow. */
enum flow_outcome {
    OUTCOME_ANSWERED,
    OUTCOME_REJECTED,
    OUTCOME_UNANSWERED,
    OUTCOME_ABORTED,
    OUTCOME_INCOMPLETE, /* the capture does not cover enough of it */
    FLOW_OUTCOMES
};

/* How it came to that. The names, which are stable, are in mechanism_name(). */
enum mechanism {
    MECHANISM_NONE,
    MECHANISM_ANSWERED,
    MECHANISM_SYN_RESET,
    MECHANISM_SYN_UNANSWERED,
    MECHANISM_ICMP_ADMIN,
    MECHANISM_ICMP_PORT,
    MECHANISM_ICMP_PROTOCOL,
    MECHANISM_ICMP_HOST,
    MECHANISM_RESET_AFTER_HANDSHAKE,
    MECHANISM_RESET_AFTER_QUERY,
    MECHANISM_CLOSED,
    MECHANISM_PARTIAL_ANSWER,
    MECHANISM_QUERY_UNANSWERED,
    MECHANISM_QUERY_UNACKED,
    MECHANISM_ERROR_RCODE,
    MECHANISM_FORGED_RESET,
    MECHANISM_TCP_PROXY,
    MECHANISM_SYN_PROXY,
    MECHANISM_LOCAL_FILTER,
    MECHANISM_SYNACK_IGNORED,
    MECHANISM_CLIENT_ABORTED,
    MECHANISM_NOT_DNS,
    MECHANISM_INCOMPLETE,
    MECHANISM_REJECTED_OTHERWISE, /* rejections of more kinds than are kept apart */
    MECHANISMS
};

/* How a flow ended: what endings are told apart by. */
struct flow_end {
    uint8_t mechanism; /* enum mechanism */
    uint8_t outcome;   /* enum flow_outcome */
    uint8_t ttl;       /* of the decisive packet; 0 when there is none */
    uint8_t synack_ttl;
    uint8_t ack_ttl; /* of the server's first packet after the query that is not the decisive one; 0 when none */
    uint8_t icmp_type, icmp_code;
    uint32_t signs;
    uint32_t crossings; /* enum crossing: what a second capture says of it; 0 without one */
    struct addr icmp_source;
};

/* Turned down, or met by silence. */
static inline bool flow_outcome_is_failure(enum flow_outcome outcome)
{
    return outcome == OUTCOME_REJECTED || outcome == OUTCOME_UNANSWERED;
}

/* Stable words: "syn-reset", "answered". A table tied to the enum. */
const char *mechanism_name(enum mechanism mechanism);

/* What an ICMP error says, MECHANISM_NONE for those that reject nothing (time exceeded, packet too big). */
enum mechanism icmp_mechanism(uint8_t family, uint8_t type, uint8_t code);
/* Whether it is an answer, a rejection, silence, or none of these. */
enum flow_outcome mechanism_outcome(enum mechanism mechanism);

#endif
