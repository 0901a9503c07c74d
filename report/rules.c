/*
 * The rules, set by set. Each is one small pure function and one row beside it (rules_*.c); verdict.c weighs those that
 * hold, `explain` prints the rows. Their sources name where the fact was learnt; [lab] is what real stacks and
 * firewalls did in network namespaces.
 */
#include "report/rules.h"

#include "report/phrase.h"

#include <assert.h>

static const struct rule_set *const sets[] = {&rules_sequence, &rules_distance, &rules_form,
                                              &rules_other,    &rules_path,     &rules_pair};

const struct rule *rules_at(size_t index)
{
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (index < sets[i]->count)
            return &sets[i]->rows[index];
        index -= sets[i]->count;
    }
    return NULL;
}

char *rules_sentence(const struct rule *rule, const struct rule_case *rule_case)
{
    return phrase(rule->sentence, rule_case);
}

const char *culprit_name(enum culprit culprit)
{
    static const char *const names[] = {
        [CULPRIT_NONE] = "none",     [CULPRIT_UNDETERMINED] = "undetermined",
        [CULPRIT_SERVER] = "server", [CULPRIT_INTERMEDIARY] = "intermediary",
        [CULPRIT_LOCAL] = "local",
    };
    static_assert(sizeof names / sizeof *names == CULPRITS, "each culprit has its name");
    return names[culprit];
}

const char *strength_name(enum strength strength)
{
    static const char *const names[] = {
        [STRENGTH_WEAK] = "weak", [STRENGTH_STRONG] = "strong", [STRENGTH_CONCLUSIVE] = "conclusive"};
    static_assert(sizeof names / sizeof *names == STRENGTHS, "each strength has its name");
    return names[strength];
}

const char *rule_group_name(enum rule_group group)
{
    static const char *const names[] = {
        [GROUP_DISTANCE] = "distance", [GROUP_SEQUENCE] = "sequence", [GROUP_FORM] = "form",
        [GROUP_IP_ID] = "ip-id",       [GROUP_TIMING] = "timing",     [GROUP_ICMP] = "icmp",
        [GROUP_PAYLOAD] = "payload",   [GROUP_VANTAGE] = "vantage",   [GROUP_PATTERN] = "pattern",
        [GROUP_PATH] = "path",         [GROUP_PAIR] = "pair",
    };
    static_assert(sizeof names / sizeof *names == RULE_GROUPS, "each group has its name");
    return names[group];
}
