/* A report: everything that the renderers show, made once from the facts. */
#ifndef TCP53_REPORT_REPORT_H
#define TCP53_REPORT_REPORT_H

#include "dissect/analysis.h"
#include "dissect/attempt.h"
#include "dissect/path.h"
#include "report/rules.h"

#include <stdio.h>

enum report_outcome {
    REPORT_NONE,
    REPORT_ANSWERED,
    REPORT_ABORTED,
    REPORT_MIXED,
    REPORT_UNANSWERED,
    REPORT_REJECTED,
    REPORT_OUTCOMES
};

/* Some or all queries over TCP failed. */
static inline bool report_outcome_is_failure(enum report_outcome outcome)
{
    return outcome == REPORT_REJECTED || outcome == REPORT_UNANSWERED || outcome == REPORT_MIXED;
}

enum confidence { CONFIDENCE_NONE, CONFIDENCE_INDICATED, CONFIDENCE_STRONG, CONFIDENCE_PROVEN, CONFIDENCES };

enum {
    REPORT_SERVERS = 1000, /* servers shown; the worst first */
    REPORT_CLIENTS = 16,   /* clients shown for a server */
    REPORT_LOST = 32,      /* lost lookups shown for a server */
    REPORT_EVIDENCE = 12,
    REPORT_ADVICE = 4,
    REPORT_FLOWS = 4,
    REPORT_FRAMES = 6,
};

#define REPORT_HOPS_UNKNOWN UINT32_MAX
#define REPORT_SCHEMA_VERSION "1.0"

/* What the judging commands tell the report of where its frames came from. Strings belong to the caller. */
struct report_input {
    unsigned operand; /* which of the named captures it belongs to, from 0 */
    const char *path, *format;
    const char *compression; /* NULL: none */
    const char *time_zone;   /* what its times were taken for, which the file does not tell; NULL: it does */
    char link_types[8][40];
    unsigned link_type_count;
    uint64_t frames, bytes;
    int64_t first_ns, last_ns; /* 0: no frame */
    uint64_t selected;         /* frames that were judged */
    uint64_t skipped;          /* records that are no frames, or of an unknown kind */
    uint64_t cut;              /* frames of which the capture holds less than the wire carried */
    uint64_t backward;         /* frames with an earlier time than the one before them */
    uint32_t snaplen;
    bool truncated;
    const char *trouble;    /* NULL: none */
    int64_t kernel_dropped; /* -1: not known */
    const char *sha256;     /* NULL: not asked for */
};

/* An answer that a server gave, as it came, the two bytes of TCP's length left off. */
struct report_answer {
    struct addr server;
    uint16_t port;
    const uint8_t *bytes;
    size_t length;
};

/* What a probe did. Strings and lists belong to the caller. */
struct report_probe {
    const char *qname, *qtype; /* what was asked, as the user wrote it: "microsoft.com", "MX" */
    const char *other_name;    /* the harmless name that was asked as well; NULL: none */
    uint16_t other_port;       /* of the same hosts that was tried as well; 0: none */
    const char *obstacle;      /* why its packets were not captured, in a sentence; NULL: they were */
    const char *servers_from;  /* where the list of servers comes from: "/etc/resolv.conf"; NULL: the user named them */
    const struct attempt *attempts;
    size_t attempt_count;
    const struct path *paths; /* of --locate, of the servers that were located */
    size_t path_count;
    const struct report_answer
        *answers; /* one for each server that gave any, over whichever protocol; TCP's if both did */
    size_t answer_count;
};

struct report_source {
    const char *command;
    const struct report_input *inputs;
    size_t input_count;
    const char *pcap_version, *wiretap_version; /* NULL: built without libwiretap */
    uint64_t late;                              /* frames too late to be put in order of time */
    bool interrupted;                           /* the reading was ended before the inputs' end */
    const char *selection;                      /* the options that chose frames, in words; NULL: all frames */
    const char *(*note_of)(const void *notes, uint8_t note); /* what the files say of a frame; may be NULL */
    const void *notes;
    int64_t generated_ns;
    const struct addr *servers; /* --server: report only these; none means all */
    size_t server_count;
    const struct pair *pair;            /* compare: the client side's capture against the server side's; else NULL */
    const struct analysis *server_side; /* compare: what the latter says by itself */
    bool swapped;                       /* compare: the server side's capture was named first */
    const struct report_probe *probe;   /* probe; else NULL */
};

struct report_evidence {
    const struct rule *rule;
    char *text;
    struct frame_ref frames[REPORT_FRAMES];
    unsigned frame_count;
    char *filter; /* a Wireshark display filter that shows the packets */
};

struct report_client {
    struct addr address;
    enum report_outcome outcome;
    enum culprit culprit;
    uint32_t attempts;
};

struct report_lost {
    char *qname, *qtype; /* presentation format */
    bool truncated_udp;
    uint32_t attempts;
};

/* One answer to "who", for one ending or for a whole server. */
struct judgement {
    enum culprit culprit;
    enum confidence confidence;
    enum mechanism mechanism;
};

struct report_server {
    const struct server *facts;
    const struct tcp_facts *tcp; /* NULL: never asked over TCP */
    uint32_t index;              /* facts_server() index */
    enum report_outcome outcome;
    struct judgement judgement;
    enum vantage vantage;
    struct ruler ruler;
    const struct ending *ending; /* what most of its failed flows came to; NULL when none failed */
    uint32_t answered, rejected, unanswered, aborted, incomplete;
    bool mail_affected; /* MX questions were lost, or any failed while none was seen */
    char *headline, *explanation, *against;
    char *advice[REPORT_ADVICE];
    unsigned advice_count;
    struct report_evidence evidence[REPORT_EVIDENCE];
    unsigned evidence_count;
    struct report_client clients[REPORT_CLIENTS];
    unsigned client_count;
    struct report_lost lost[REPORT_LOST];
    unsigned lost_count;
    const struct flow_record *flows[REPORT_FLOWS];
    enum mechanism flow_stages[REPORT_FLOWS]; /* how each of them ended */
    unsigned flow_count;
};

/* A box that rejects, as evidence shows it. */
struct report_intermediary {
    struct addr address; /* none: it did not show its own */
    unsigned hops;       /* routers between the capture and it, or REPORT_HOPS_UNKNOWN */
    uint32_t servers[8]; /* indices into report.servers */
    unsigned server_count;
};

struct report {
    struct report_source source;
    const struct facts *facts;
    struct analysis_counters counters;
    enum vantage vantage;
    struct report_server *servers; /* worst first */
    size_t server_count, servers_left_out;
    struct report_intermediary intermediaries[8];
    unsigned intermediary_count;
    char *weaknesses[16]; /* what the capture lacks, a sentence each */
    unsigned weakness_count;
    char *remarks[16]; /* what else has to be known of it: assumptions, what was left out on purpose */
    unsigned remark_count;
    bool truncated;  /* an input broke off or could not be read */
    int exit_status; /* by the contract; 2 is the caller's to set where trouble is */
};

/* Makes a report of what an analysis saw; NULL without memory. The facts must outlive it. */
struct report *report_build(const struct facts *facts, struct analysis_counters counters,
                            const struct report_source *source);
void report_free(struct report *report);

const char *report_outcome_name(enum report_outcome outcome);
const char *confidence_name(enum confidence confidence);
/* 0, 1 or 3 by the outcomes of the servers, 2 when the report is truncated. */
int report_exit_status(const struct report *report);

/* The exit status of a monitoring plugin for another one and the worst server's outcome. */
int report_nagios_status(int exit_status, enum report_outcome worst);

/* How a renderer writes. */
struct render_options {
    bool colour, quiet, verbose;
};

typedef bool renderer(const struct report *report, const struct render_options *options, FILE *out);

/* Each returns false when `out` took less than everything. */
bool render_text(const struct report *report, const struct render_options *options, FILE *out);
bool render_json(const struct report *report, const struct render_options *options, FILE *out);
bool render_jsonl(const struct report *report, const struct render_options *options, FILE *out);
bool render_nagios(const struct report *report, const struct render_options *options, FILE *out);
/* What a code means (a rule, a mechanism, an outcome, a culprit); the whole table for NULL; false for an unknown one. */
bool explain(const char *code, FILE *out);

#define TCP53_VERSION "0.1.0"

#endif
