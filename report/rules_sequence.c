/* Rules on sequence numbers: what contradicts what, and what was sent. Each row stands with its function. */
#include "report/seen.h"

static bool rst_contradicted(const struct rule_case *c)
{
    return seen_sign(c, SIGN_AFTER_RST);
}

static bool rst_seq_change(const struct rule_case *c)
{
    return seen_sign(c, SIGN_SEQ_CHANGE);
}

static bool rst_ack_change(const struct rule_case *c)
{
    return seen_sign(c, SIGN_ACK_CHANGE);
}

static bool client_forged(const struct rule_case *c)
{
    return seen_sign(c, SIGN_CLIENT_FORGED);
}

static bool nothing_sent(const struct rule_case *c)
{
    return seen_mechanism(c, MECHANISM_QUERY_UNANSWERED) && seen_sign(c, SIGN_NOTHING_SENT) &&
           !seen_sign(c, SIGN_DATA_LOST) && c->synack.relation == RELATION_SAME;
}

static bool data_lost(const struct rule_case *c)
{
    return (seen_mechanism(c, MECHANISM_QUERY_UNANSWERED) || seen_mechanism(c, MECHANISM_PARTIAL_ANSWER)) &&
           seen_sign(c, SIGN_DATA_LOST) && c->vantage != VANTAGE_SERVER;
}

static const struct rule rows[] = {
    {"rst-contradicted", BOX, CONCLUSIVE, GROUP_SEQUENCE, rst_contradicted,
     "The server went on with the connection after the RST that bears its name: the RST was forged.",
     "An endpoint that has sent a RST has no connection left: a SYN-ACK or new data after it, within 2 s and with no "
     "new SYN between, comes from the real server, so the RST came from something else.",
     "Weaver, Sommer, Paxson, NDSS 2009 (RST_SEQ_DATA); RFC 9293 3.10.7; [lab]"},
    {"rst-sequence-runs-ahead", BOX, CONCLUSIVE, GROUP_SEQUENCE, rst_seq_change,
     "Several RSTs came with growing sequence numbers, beyond anything sent: an injector guessing ahead.",
     "A real RST stands at the sender's next sequence number. An injector that must win a race sends several that "
     "guess how far the connection will be.",
     "NDSS 2009 (RST_SEQ_CHANGE) with the guards of S. Khattak's implementation"},
    {"rst-ack-changes", BOX, CONCLUSIVE, GROUP_SEQUENCE, rst_ack_change,
     "RSTs one after the other acknowledge data that the client never sent.",
     "The acknowledgement number of a real host cannot move without new data from its peer.",
     "NDSS 2009 (RST_ACK_CHANGE)"},
    {"client-rst-forged", BOX, CONCLUSIVE, GROUP_SEQUENCE, client_forged,
     "A RST in the client's name came from another distance than the client, which went on with the connection.",
     "Reset injectors send to both ends. Seen from the server's side, the RST bears the client's address but not its "
     "TTL, and the client's own packets follow.",
     "NDSS 2009; Clayton, Murdoch, Watson 2006"},
    {"nothing-sent", SERVER, STRONG, GROUP_SEQUENCE, nothing_sent,
     "The server's later packets still stand at the first sequence number: it never sent a byte of an answer.",
     "Had an answer been sent and lost on the way, the server's sequence number would have moved on.",
     "RFC 9293 3.4; [lab]"},
    {"answer-lost", BOX, STRONG, GROUP_SEQUENCE, data_lost,
     "The server's sequence numbers show that it had sent data which never arrived here.",
     "A later packet of the server that stands beyond the data seen proves that it did answer; what lies between lost "
     "the full-sized packets (a path-MTU black hole) or filtered them.",
     "RFC 9293 3.4; RFC 2923 2.1"},
};

const struct rule_set rules_sequence = {rows, sizeof rows / sizeof *rows};
