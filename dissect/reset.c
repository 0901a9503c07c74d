/*
 * The signs of a RST in the server's name: what it shares with the connection and with the packet it answers. Sources
 * for each sign are with its rule (report/rules.c); here stands only how it is read from the numbers.
 */
#include "dissect/flow.h"

enum {
    TOS_LOWDELAY = 0x10,
    DSCP_MASK = 0xfc, /* the two low bits are ECN's and change on the way (RFC 3168) */
    ID_STEPS_MOST = 16,
    TICKS_PER_MS_MOST = 2, /* timestamp clocks run at 1 ms or slower (RFC 7323, 5.4); twice that allows for jitter */
};

/* The client has sent nothing but SYNs (what acknowledges something answers a SYN-ACK, captured or not). */
static bool answers_syn(const struct flow *flow)
{
    return flow->record.at[FLOW_SYNACK] == FLOW_UNSEEN && flow->record.at[FLOW_SYN] != FLOW_UNSEEN &&
           !flow->client_side.has_acked;
}

/* RFC 9293, 3.10.7.3: in SYN-SENT only a RST that acknowledges the SYN counts. */
static uint32_t acknowledgement_sign(const struct flow *flow, const struct packet *packet)
{
    if (!answers_syn(flow))
        return 0;
    bool exact = (packet->flags & TCP_ACK) && seq_before(flow->client_side.isn, packet->ack) &&
                 !seq_before(flow->client_side.next, packet->ack);
    return exact ? 0 : SIGN_BAD_ACK;
}

static bool timestamps_continue(const struct flow *flow, const struct packet *packet, const struct tcp_options *options)
{
    const struct flow_side *server = &flow->server_side;
    int64_t elapsed_ms = (packet->time_ns - server->time_ns) / 1000000;
    if (elapsed_ms < 0 || elapsed_ms > 600000)
        return false;
    uint32_t ticks = options->tsval - server->tsval;
    uint32_t back = flow->client_side.tsval - options->tsecr;
    return ticks <= (uint32_t)elapsed_ms * TICKS_PER_MS_MOST + 100 && back < 0x80000000u;
}

static uint32_t timestamp_sign(const struct flow *flow, const struct packet *packet, const struct tcp_options *options)
{
    if (!options->has_timestamps || !flow->server_side.has_timestamps || !flow->client_side.has_timestamps)
        return 0;
    if (!timestamps_continue(flow, packet, options))
        return SIGN_TIMESTAMP_JUMP;
    bool id_runs = packet->family == 6 || packet->ip_id != 0;
    if (packet->family == 4 && flow->server_side.ip_id != 0)
        id_runs = (uint16_t)(packet->ip_id - flow->server_side.ip_id - 1) < ID_STEPS_MOST;
    return packet->window != 0 && (packet->flags & TCP_ACK) && id_runs ? SIGN_IN_STATE : 0;
}

/* Marks that a box leaves which builds its RST out of the packet it answers. */
static uint32_t echo_signs(const struct flow *flow, const struct packet *packet)
{
    const struct flow_side *client = &flow->client_side;
    uint32_t signs = 0;
    if (packet->family == 4 && packet->ip_id != 0 && packet->ip_id == client->ip_id &&
        packet->ip_id != (uint16_t)(flow->server_side.ip_id + 1))
        signs |= SIGN_ID_ECHO;
    if (packet->window != 0 && packet->window == client->window && packet->window != flow->server_side.window)
        signs |= SIGN_WINDOW_ECHO;
    return signs;
}

static uint32_t tos_signs(const struct flow *flow, const struct packet *packet)
{
    uint8_t asked = flow->client_side.tos & DSCP_MASK;
    uint8_t got = packet->tos & DSCP_MASK;
    if (got == TOS_LOWDELAY && asked != TOS_LOWDELAY)
        return SIGN_TOS_LOWDELAY;
    if (asked == 0)
        return 0;
    return got == 0 ? SIGN_TOS_DROPPED : got == asked ? SIGN_TOS_COPIED : 0;
}

/*
 * Consecutive RSTs, with the guards of S. Khattak's reading of the NDSS 2009 paper: less than 2 s apart, the second
 * beyond everything sent and acknowledged, no FIN and no RST of the other side before.
 */
static uint32_t series_signs(const struct flow *flow, const struct packet *packet)
{
    const struct sighting *before = flow_saw(&flow->record, FLOW_SERVER_RST);
    const struct flow_record *record = &flow->record;
    if (!before || flow->syn_since_rst || packet->time_ns - before->time_ns > 2 * FLOW_SECOND_NS ||
        record->at[FLOW_SERVER_FIN] != FLOW_UNSEEN || record->at[FLOW_CLIENT_RST] != FLOW_UNSEEN)
        return 0;
    uint32_t signs = 0;
    bool beyond_sent = !flow->server_side.has_next || seq_before(flow->server_side.next, packet->seq);
    bool beyond_acked = !flow->client_side.has_acked || seq_before(flow->client_side.acked + 2, packet->seq);
    if (seq_before(before->seq + 2, packet->seq) && beyond_sent && beyond_acked && before->seq != 0)
        signs |= SIGN_SEQ_CHANGE;
    if ((before->flags & packet->flags & TCP_ACK) && before->ack != packet->ack &&
        seq_before(flow->client_side.next, packet->ack))
        signs |= SIGN_ACK_CHANGE;
    if (flow->client_since_rst == 0 && packet->time_ns - before->time_ns < FLOW_SECOND_NS / 20)
        signs |= SIGN_REPEATED;
    return signs;
}

void flow_reset_signs(struct flow *flow, const struct packet *packet, const struct tcp_options *options)
{
    const struct flow_side *client = &flow->client_side;
    flow->signs |= series_signs(flow, packet);
    if (flow->record.count[FLOW_SERVER_RST] > 0)
        return;
    if (flow->record.at[FLOW_SERVER_FIN] != FLOW_UNSEEN)
        flow->signs |= SIGN_AFTER_FIN;
    if (packet->payload_declared > 0)
        flow->signs |= SIGN_RST_PAYLOAD;
    if (!client->has_packet) {
        bool to_syn = (packet->flags & TCP_ACK) && packet->seq == 0;
        if (packet->loopback && to_syn && !addr_is_loopback(packet->source) && !addr_is_loopback(packet->target))
            flow->signs |= SIGN_LOOPBACK;
        return;
    }
    uint32_t state = timestamp_sign(flow, packet, options);
    flow->signs |= state | acknowledgement_sign(flow, packet) | tos_signs(flow, packet);
    if (!(state & SIGN_IN_STATE))
        flow->signs |= echo_signs(flow, packet);
    if (packet->family == 6)
        flow->signs |= packet->flow_label ? SIGN_LABEL_SET : SIGN_LABEL_ZERO;
    if (packet->time_ns - client->time_ns >= 3 * FLOW_SECOND_NS / 2)
        flow->signs |= SIGN_SLOW;
}
