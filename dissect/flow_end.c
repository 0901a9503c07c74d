/* What ends of flows come to: the outcome of each mechanism, and the mechanism of each ICMP error. */
#include "dissect/flow_end.h"

#include <assert.h>
#include <stddef.h>

/* ICMP error classes: RFC 792, RFC 1812 5.2.7.1, RFC 4443 3.1. */
static const struct {
    uint8_t family, type, code;
    enum mechanism mechanism;
} icmp_classes[] = {
    {4, 3, 0, MECHANISM_ICMP_HOST},  {4, 3, 1, MECHANISM_ICMP_HOST},  {4, 3, 2, MECHANISM_ICMP_PROTOCOL},
    {4, 3, 3, MECHANISM_ICMP_PORT},  {4, 3, 5, MECHANISM_ICMP_HOST},  {4, 3, 6, MECHANISM_ICMP_HOST},
    {4, 3, 7, MECHANISM_ICMP_HOST},  {4, 3, 9, MECHANISM_ICMP_ADMIN}, {4, 3, 10, MECHANISM_ICMP_ADMIN},
    {4, 3, 11, MECHANISM_ICMP_HOST}, {4, 3, 12, MECHANISM_ICMP_HOST}, {4, 3, 13, MECHANISM_ICMP_ADMIN},
    {6, 1, 0, MECHANISM_ICMP_HOST},  {6, 1, 1, MECHANISM_ICMP_ADMIN}, {6, 1, 2, MECHANISM_ICMP_HOST},
    {6, 1, 3, MECHANISM_ICMP_HOST},  {6, 1, 4, MECHANISM_ICMP_PORT},  {6, 1, 5, MECHANISM_ICMP_ADMIN},
    {6, 1, 6, MECHANISM_ICMP_ADMIN},
};

enum mechanism icmp_mechanism(uint8_t family, uint8_t type, uint8_t code)
{
    for (size_t i = 0; i < sizeof icmp_classes / sizeof *icmp_classes; i++)
        if (icmp_classes[i].family == family && icmp_classes[i].type == type && icmp_classes[i].code == code)
            return icmp_classes[i].mechanism;
    return MECHANISM_NONE;
}

static const uint8_t outcomes[] = {
    [MECHANISM_NONE] = OUTCOME_INCOMPLETE,
    [MECHANISM_ANSWERED] = OUTCOME_ANSWERED,
    [MECHANISM_SYN_RESET] = OUTCOME_REJECTED,
    [MECHANISM_SYN_UNANSWERED] = OUTCOME_UNANSWERED,
    [MECHANISM_ICMP_ADMIN] = OUTCOME_REJECTED,
    [MECHANISM_ICMP_PORT] = OUTCOME_REJECTED,
    [MECHANISM_ICMP_PROTOCOL] = OUTCOME_REJECTED,
    [MECHANISM_ICMP_HOST] = OUTCOME_REJECTED,
    [MECHANISM_RESET_AFTER_HANDSHAKE] = OUTCOME_REJECTED,
    [MECHANISM_RESET_AFTER_QUERY] = OUTCOME_REJECTED,
    [MECHANISM_CLOSED] = OUTCOME_REJECTED,
    [MECHANISM_PARTIAL_ANSWER] = OUTCOME_REJECTED,
    [MECHANISM_QUERY_UNANSWERED] = OUTCOME_UNANSWERED,
    [MECHANISM_QUERY_UNACKED] = OUTCOME_UNANSWERED,
    [MECHANISM_ERROR_RCODE] = OUTCOME_ANSWERED, /* the report asks whether UDP gave the same */
    [MECHANISM_FORGED_RESET] = OUTCOME_REJECTED,
    [MECHANISM_TCP_PROXY] = OUTCOME_REJECTED,
    [MECHANISM_SYN_PROXY] = OUTCOME_REJECTED,
    [MECHANISM_LOCAL_FILTER] = OUTCOME_REJECTED,
    [MECHANISM_SYNACK_IGNORED] = OUTCOME_UNANSWERED,
    [MECHANISM_CLIENT_ABORTED] = OUTCOME_ABORTED,
    [MECHANISM_NOT_DNS] = OUTCOME_ABORTED,
    [MECHANISM_INCOMPLETE] = OUTCOME_INCOMPLETE,
    [MECHANISM_REJECTED_OTHERWISE] = OUTCOME_REJECTED,
};
static_assert(sizeof outcomes == MECHANISMS, "each mechanism has its outcome");

enum flow_outcome mechanism_outcome(enum mechanism mechanism)
{
    return (enum flow_outcome)outcomes[mechanism];
}
