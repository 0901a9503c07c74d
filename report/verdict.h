/* From facts to "who": the rules that hold, weighed, for one kind of end and for a whole server. */
#ifndef TCP53_REPORT_VERDICT_H
#define TCP53_REPORT_VERDICT_H

#include "report/report.h"

enum { VERDICT_FINDINGS = 24 };

/* The verdict on one ending, with the rules that hold. */
struct verdict {
    struct rule_case rule_case;
    struct judgement judgement;
    enum report_outcome outcome; /* of these flows: rejected, unanswered, answered, aborted or none (incomplete) */
    const struct rule *findings[VERDICT_FINDINGS];
    unsigned finding_count;
    bool contested; /* conclusive rules name different sides */
};

/* Judges ending `index` of a server. */
struct verdict verdict_of(const struct facts *facts, const struct server *server, uint32_t index,
                          const struct crowd *crowd);

/* The pattern that servers share. */
struct crowd verdict_crowd(const struct facts *facts);

/* A server's verdict: its endings together. */
struct server_verdict {
    enum report_outcome outcome;
    struct judgement judgement;
    uint32_t answered, rejected, unanswered, aborted, incomplete;
    uint32_t decisive; /* index of the ending that stands for it; FACTS_NONE: none failed */
    unsigned causes;   /* different sides that are each to blame for a part */
};

/* Judges the flows whose endings have their bit in `mask`. */
struct server_verdict verdict_server(const struct facts *facts, const struct server *server, uint32_t mask,
                                     const struct crowd *crowd);

#endif
