/* The rule table: what a packet trace can prove, whom it blames, how strongly, and on what that rests. */
#ifndef TCP53_REPORT_RULES_H
#define TCP53_REPORT_RULES_H

#include "dissect/facts.h"
#include "dissect/pair.h"
#include "dissect/path.h"
#include "report/ruler.h"

#include <stddef.h>

enum culprit { CULPRIT_NONE, CULPRIT_UNDETERMINED, CULPRIT_SERVER, CULPRIT_INTERMEDIARY, CULPRIT_LOCAL, CULPRITS };

enum strength { STRENGTH_WEAK, STRENGTH_STRONG, STRENGTH_CONCLUSIVE, STRENGTHS };

/* Rules of one group rest on the same observation: only the weightiest of them counts. */
enum rule_group {
    GROUP_DISTANCE,
    GROUP_SEQUENCE,
    GROUP_FORM,
    GROUP_IP_ID,
    GROUP_TIMING,
    GROUP_ICMP,
    GROUP_PAYLOAD,
    GROUP_VANTAGE,
    GROUP_PATTERN,
    GROUP_PATH, /* packets with limited TTLs */
    GROUP_PAIR, /* a second capture: what it proves outweighs all that one capture shows */
    RULE_GROUPS
};

struct report_probe;

/* What is common to all servers of a report: the pattern that only shows across them, a second capture, or a probe. */
struct crowd {
    const struct report_probe *probe; /* NULL: it was none */
    const struct pair *pair;          /* this capture against one of the server's side; NULL: there is none */
    const struct facts *other_side;   /* what that one's packets say by themselves */
    bool disordered;                  /* packets are not in the order in which they were seen */
    bool loses_packets;               /* a capture lacks packets that were there */
    uint32_t edge_networks; /* networks whose servers all fail by a RST or ICMP error of the same small distance */
    uint8_t edge_ttl;
    uint32_t posing_networks; /* networks whose servers answer UDP and reset TCP from one and the same small distance */
    uint8_t posing_ttl;
};

/* One kind of end of one server's flows, with all that a rule may look at. */
struct rule_case {
    const struct facts *facts;
    const struct server *server;
    const struct tcp_facts *tcp;
    const struct ending *ending;
    const struct flow_record *flow; /* its exemplar; never NULL when rules are asked */
    const struct crowd *crowd;
    enum vantage vantage;
    struct ruler ruler;             /* how far the server is, by its DNS answers or else its other traffic */
    struct reading end;             /* the decisive packet against that */
    struct reading synack;          /* the SYN-ACK against that */
    struct reading ack;             /* the ACK of the query against that */
    uint32_t alike;                 /* flows of this server whose decisive packet bore the same TTL */
    bool forged_alike;              /* a packet with that TTL was forged, as another flow proves */
    bool constant;                  /* all decisive packets of this server bore that TTL */
    bool udp_alive;                 /* the server answered UDP while TCP failed, or after */
    const struct pair_server *both; /* what two captures have in common of this server; NULL with one */
    const struct path *path;        /* its path as a probe walked it; NULL: none did */
    enum vantage far;               /* where the server side's capture was taken, of two */
    uint8_t far_ttl;                /* the decisive packet's TTL there; 0: it is not there */
};

struct rule {
    const char *id;
    enum culprit blames;
    enum strength strength;
    enum rule_group group;
    bool (*holds)(const struct rule_case *rule_case);
    const char *sentence; /* what was seen; words in braces are filled in, see rules_sentence() */
    const char *meaning;  /* why that tells, for `explain` */
    const char *source;   /* on what it rests */
};

/* Rules of one kind, in one file. */
struct rule_set {
    const struct rule *rows;
    size_t count;
};

extern const struct rule_set rules_sequence, rules_distance, rules_form, rules_other, rules_path, rules_pair;

/* All rules, one after the other; NULL behind the last. */
const struct rule *rules_at(size_t index);
/* The rule's sentence with the numbers of a case, newly allocated; NULL without memory. */
char *rules_sentence(const struct rule *rule, const struct rule_case *rule_case);

/* Stable words: "intermediary", "strong", "distance". */
const char *culprit_name(enum culprit culprit);
const char *strength_name(enum strength strength);
const char *rule_group_name(enum rule_group group);

#endif
