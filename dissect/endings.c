#include "dissect/endings.h"

#include "dissect/flow.h"

#include <stddef.h>

/* A key for the parts that endings are told apart by; two kinds of end share one once in 2^32. */
static uint32_t end_key(const struct flow_end *end)
{
    uint64_t numbers = (uint64_t)end->mechanism << 48 | (uint64_t)end->outcome << 40 | (uint64_t)end->ttl << 32 |
                       (uint64_t)end->synack_ttl << 24 | (uint64_t)end->ack_ttl << 16 | (uint64_t)end->icmp_type << 8 |
                       end->icmp_code;
    uint64_t source = end->icmp_source.word[0] * 31 + end->icmp_source.word[1];
    return (uint32_t)hash_mix(numbers ^ hash_mix(source + ((uint64_t)end->crossings << 32 | end->signs)));
}

static struct ending *known(struct ending_list *list, uint32_t key)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->keys[i] == key)
            return &list->rows[i];
    return NULL;
}

static struct ending *append(struct ending_list *list, const struct flow_end *end)
{
    list->keys[list->count] = end_key(end);
    list->rows[list->count] = (struct ending){.end = *end, .exemplar = FACTS_NONE};
    return &list->rows[list->count++];
}

struct ending *endings_find(struct ending_list *list, const struct flow_end *end)
{
    static const uint8_t plain[FLOW_OUTCOMES] = {[OUTCOME_ANSWERED] = MECHANISM_ANSWERED,
                                                 [OUTCOME_REJECTED] = MECHANISM_REJECTED_OTHERWISE,
                                                 [OUTCOME_UNANSWERED] = MECHANISM_SYN_UNANSWERED,
                                                 [OUTCOME_ABORTED] = MECHANISM_CLIENT_ABORTED,
                                                 [OUTCOME_INCOMPLETE] = MECHANISM_INCOMPLETE};
    struct ending *ending = known(list, end_key(end));
    if (ending)
        return ending;
    if (list->count < FACTS_ENDINGS - FLOW_OUTCOMES)
        return append(list, end);
    list->merged++;
    struct flow_end rest = {.mechanism = plain[end->outcome], .outcome = end->outcome};
    ending = known(list, end_key(&rest));
    return ending ? ending : append(list, &rest);
}

/* True when the server's packet surely answers the client's: what it acknowledges reaches that packet's end. */
static bool answers(const struct sighting *reply, const struct sighting *asked)
{
    uint32_t end = asked->seq + asked->length + ((asked->flags & TCP_SYN) != 0) + ((asked->flags & TCP_FIN) != 0);
    return (reply->flags & TCP_ACK) && !seq_before(reply->ack, end);
}

/*
 * From the client's packet to the decisive one that surely answers it, in microseconds; 0 when there is none. A packet
 * that was under way already when the client sent its latest tells nothing of the round trip from there.
 */
static uint32_t reply_delay_us(const struct flow_record *record)
{
    if (record->decisive == FLOW_UNSEEN || !record->timeline[record->decisive].from_server ||
        record->count[FLOW_SYN_AGAIN] > 0 || record->count[FLOW_QUERY_AGAIN] > 0)
        return 0;
    const struct sighting *reply = &record->timeline[record->decisive];
    int i = record->decisive - 1;
    while (i >= 0 && record->timeline[i].from_server)
        i--;
    const struct sighting *asked = i < 0 ? NULL : &record->timeline[i];
    /* whatever else it answers, it was sent after the server had the client's ACK of its SYN-ACK */
    if (asked && !answers(reply, asked))
        asked = flow_saw(record, FLOW_ACK);
    if (!asked || asked >= reply)
        return 0;
    int64_t us = (reply->time_ns - asked->time_ns) / 1000;
    return us <= 0 ? 1 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

void endings_add(struct ending *ending, const struct flow_record *record)
{
    if (record->decisive != FLOW_UNSEEN && ending->count < FACTS_FRAMES)
        ending->frames[ending->count] = record->timeline[record->decisive].ref;
    uint32_t delay = reply_delay_us(record);
    if (delay && (ending->least_us == 0 || delay < ending->least_us))
        ending->least_us = delay;
    if (delay > ending->most_us)
        ending->most_us = delay;
    ending->count++;
}
