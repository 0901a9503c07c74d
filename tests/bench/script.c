/*
 * script.c - the tables of scenarios, flow kinds and their steps.
 */
#include "tests/bench/script.h"

#include <string.h>

#include "tests/bench/frame.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    SYN = TCP_SYN,
    RST = TCP_RST,
    ACK = TCP_ACK,
    SYN_ACK = TCP_SYN | TCP_ACK,
    RST_ACK = TCP_RST | TCP_ACK,
    FIN_ACK = TCP_FIN | TCP_ACK,
    PSH_ACK = TCP_PSH | TCP_ACK,
};

const struct content_spec content_specs[CONTENT_COUNT] = {
    [NOTHING] = {0, 0, MESSAGE_NONE, 0, WHOLE},
    [QUESTION] = {0, 0, MESSAGE_QUESTION, 0, WHOLE},
    [SECOND_QUESTION] = {0, 0, MESSAGE_QUESTION, 1, WHOLE},
    [ANSWER] = {0, 0, MESSAGE_ANSWER, 0, WHOLE},
    [SECOND_ANSWER] = {0, 0, MESSAGE_ANSWER, 1, WHOLE},
    [ANSWER_HEAD] = {0, 0, MESSAGE_ANSWER, 0, HEAD},
    [ANSWER_TAIL] = {0, 0, MESSAGE_ANSWER, 0, TAIL},
    [SHORT_ANSWER] = {0, 0, MESSAGE_SHORT, 0, WHOLE},
    [TRUNCATED_ANSWER] = {0, 0, MESSAGE_TRUNCATED, 0, WHOLE},
    [FULL_SEGMENT] = {1448, 1, MESSAGE_NONE, 0, WHOLE},
    [MIDDLE_SEGMENT] = {134, 400, MESSAGE_NONE, 0, WHOLE},
    [SMALL_SEGMENT] = {24, 100, MESSAGE_NONE, 0, WHOLE},
    [FRAGMENTED_ANSWER] = {0, 0, MESSAGE_ANSWER, 0, WHOLE},
    [HELLO] = {517, 1, MESSAGE_NONE, 0, WHOLE},
    [BIG_DATAGRAM] = {1250, 1, MESSAGE_NONE, 0, WHOLE},
    [SMALL_DATAGRAM] = {31, 40, MESSAGE_NONE, 0, WHOLE},
    [VOICE] = {172, 1, MESSAGE_NONE, 0, WHOLE},
};

const struct wait_spec wait_specs[WAIT_COUNT] = {
    [START] = {0, 20000, false},
    [AT_ONCE] = {2, 15, false},
    [SOON] = {20, 100, false},
    [ROUND_TRIP] = {0, 1500, true},
    [THINKING] = {500, 20000, true},
    [BOX_TRIP] = {300, 700, false},
    [VOICE_GAP] = {9900, 200, false},
    [USER_PAUSE] = {50000, 2000000, false},
    [ONE_SECOND] = {1000000, 20000, false},
    [TWO_SECONDS] = {2000000, 30000, false},
    [FOUR_SECONDS] = {4000000, 60000, false},
    [FIVE_SECONDS] = {5000000, 1000, false},
};

/* DNS over TCP */

static const struct step answered_steps[] = {
    {FROM_CLIENT, SYN, NOTHING, START},          {FROM_SERVER, SYN_ACK, NOTHING, ROUND_TRIP},
    {FROM_CLIENT, ACK, NOTHING, SOON},           {FROM_CLIENT, PSH_ACK, QUESTION, SOON},
    {FROM_SERVER, ACK, NOTHING, ROUND_TRIP},     {FROM_SERVER, PSH_ACK, ANSWER, SOON},
    {FROM_CLIENT, ACK, NOTHING, SOON},           {FROM_CLIENT, FIN_ACK, NOTHING, SOON},
    {FROM_SERVER, FIN_ACK, NOTHING, ROUND_TRIP}, {FROM_CLIENT, ACK, NOTHING, SOON},
};

static const struct step split_steps[] = {
    {FROM_CLIENT, SYN, NOTHING, START},
    {FROM_SERVER, SYN_ACK, NOTHING, ROUND_TRIP},
    {FROM_CLIENT, ACK, NOTHING, SOON},
    {FROM_CLIENT, PSH_ACK, QUESTION, SOON},
    {FROM_SERVER, ACK, NOTHING, ROUND_TRIP},
    {FROM_SERVER, PSH_ACK, ANSWER_HEAD, SOON},
    {FROM_SERVER, PSH_ACK, ANSWER_TAIL, AT_ONCE},
    {FROM_CLIENT, ACK, NOTHING, SOON},
    {FROM_CLIENT, FIN_ACK, NOTHING, SOON},
    {FROM_SERVER, FIN_ACK, NOTHING, ROUND_TRIP},
    {FROM_CLIENT, ACK, NOTHING, SOON},
};

static const struct step two_lookups_steps[] = {
    {FROM_CLIENT, SYN, NOTHING, START},
    {FROM_SERVER, SYN_ACK, NOTHING, ROUND_TRIP},
    {FROM_CLIENT, ACK, NOTHING, SOON},
    {FROM_CLIENT, PSH_ACK, QUESTION, SOON},
    {FROM_SERVER, ACK, NOTHING, ROUND_TRIP},
    {FROM_SERVER, PSH_ACK, ANSWER, THINKING},
    {FROM_CLIENT, ACK, NOTHING, SOON},
    {FROM_CLIENT, PSH_ACK, SECOND_QUESTION, USER_PAUSE},
    {FROM_SERVER, PSH_ACK, SECOND_ANSWER, THINKING},
    {FROM_CLIENT, ACK, NOTHING, SOON},
    {FROM_CLIENT, FIN_ACK, NOTHING, SOON},
    {FROM_SERVER, FIN_ACK, NOTHING, ROUND_TRIP},
    {FROM_CLIENT, ACK, NOTHING, SOON},
};

static const struct step lost_syn_steps[] = {
    {FROM_CLIENT, SYN, NOTHING, START},          {FROM_CLIENT, SYN, NOTHING, ONE_SECOND},
    {FROM_SERVER, SYN_ACK, NOTHING, ROUND_TRIP}, {FROM_CLIENT, ACK, NOTHING, SOON},
    {FROM_CLIENT, PSH_ACK, QUESTION, SOON},      {FROM_SERVER, ACK, NOTHING, ROUND_TRIP},
    {FROM_SERVER, PSH_ACK, ANSWER, SOON},        {FROM_CLIENT, ACK, NOTHING, SOON},
    {FROM_CLIENT, FIN_ACK, NOTHING, SOON},       {FROM_SERVER, FIN_ACK, NOTHING, ROUND_TRIP},
    {FROM_CLIENT, ACK, NOTHING, SOON},
};

static const struct step refused_steps[] = {
    {FROM_CLIENT, SYN, NOTHING, START},
    {FROM_SERVER, RST_ACK, NOTHING, ROUND_TRIP},
};

static const struct step box_refused_steps[] = {
    {FROM_CLIENT, SYN, NOTHING, START},
    {FROM_BOX, RST_ACK, NOTHING, BOX_TRIP},
};

/* The shorter silence is the first three of these. */
static const struct step silent_steps[] = {
    {FROM_CLIENT, SYN, NOTHING, START},
    {FROM_CLIENT, SYN, NOTHING, ONE_SECOND},
    {FROM_CLIENT, SYN, NOTHING, TWO_SECONDS},
    {FROM_CLIENT, SYN, NOTHING, FOUR_SECONDS},
};

static const struct step reset_steps[] = {
    {FROM_CLIENT, SYN, NOTHING, START},          {FROM_SERVER, SYN_ACK, NOTHING, ROUND_TRIP},
    {FROM_CLIENT, ACK, NOTHING, SOON},           {FROM_CLIENT, PSH_ACK, QUESTION, SOON},
    {FROM_SERVER, RST_ACK, NOTHING, ROUND_TRIP},
};

static const struct step box_reset_steps[] = {
    {FROM_CLIENT, SYN, NOTHING, START}, {FROM_SERVER, SYN_ACK, NOTHING, ROUND_TRIP},
    {FROM_CLIENT, ACK, NOTHING, SOON},  {FROM_CLIENT, PSH_ACK, QUESTION, SOON},
    {FROM_BOX, RST, NOTHING, BOX_TRIP},
};

/* DNS over UDP */

static const struct step udp_steps[] = {
    {FROM_CLIENT, 0, QUESTION, START},
    {FROM_SERVER, 0, SHORT_ANSWER, THINKING},
};

static const struct step udp_lost_steps[] = {
    {FROM_CLIENT, 0, QUESTION, START},
    {FROM_CLIENT, 0, QUESTION, FIVE_SECONDS},
    {FROM_SERVER, 0, SHORT_ANSWER, THINKING},
};

static const struct step udp_truncated_steps[] = {
    {FROM_CLIENT, 0, QUESTION, START},
    {FROM_SERVER, 0, TRUNCATED_ANSWER, ROUND_TRIP},
};

static const struct step udp_fragmented_steps[] = {
    {FROM_CLIENT, 0, QUESTION, START},
    {FROM_SERVER, 0, FRAGMENTED_ANSWER, ROUND_TRIP},
};

/* The rest of an office link */

static const struct step download_steps[] = {
    {FROM_CLIENT, SYN, NOTHING, START},
    {FROM_SERVER, SYN_ACK, NOTHING, ROUND_TRIP},
    {FROM_CLIENT, ACK, NOTHING, SOON},
    {FROM_CLIENT, PSH_ACK, HELLO, SOON},
    {FROM_SERVER, ACK, NOTHING, ROUND_TRIP},
    {FROM_SERVER, PSH_ACK, FULL_SEGMENT, SOON},
    {FROM_SERVER, PSH_ACK, MIDDLE_SEGMENT, AT_ONCE},
    {FROM_CLIENT, ACK, NOTHING, SOON},
    {FROM_CLIENT, PSH_ACK, MIDDLE_SEGMENT, SOON},
    {FROM_SERVER, ACK, FULL_SEGMENT, THINKING},
    {FROM_SERVER, ACK, FULL_SEGMENT, AT_ONCE},
    {FROM_CLIENT, ACK, NOTHING, SOON},
    {FROM_SERVER, ACK, FULL_SEGMENT, AT_ONCE},
    {FROM_SERVER, PSH_ACK, FULL_SEGMENT, AT_ONCE},
    {FROM_CLIENT, ACK, NOTHING, SOON},
    {FROM_CLIENT, FIN_ACK, NOTHING, SOON},
    {FROM_SERVER, FIN_ACK, NOTHING, ROUND_TRIP},
    {FROM_CLIENT, ACK, NOTHING, SOON},
};

static const struct step upload_steps[] = {
    {FROM_CLIENT, SYN, NOTHING, START},
    {FROM_SERVER, SYN_ACK, NOTHING, ROUND_TRIP},
    {FROM_CLIENT, ACK, NOTHING, SOON},
    {FROM_CLIENT, PSH_ACK, HELLO, SOON},
    {FROM_SERVER, PSH_ACK, FULL_SEGMENT, ROUND_TRIP},
    {FROM_CLIENT, PSH_ACK, MIDDLE_SEGMENT, SOON},
    {FROM_SERVER, PSH_ACK, SMALL_SEGMENT, ROUND_TRIP},
    {FROM_CLIENT, ACK, FULL_SEGMENT, SOON},
    {FROM_CLIENT, PSH_ACK, FULL_SEGMENT, AT_ONCE},
    {FROM_SERVER, ACK, NOTHING, ROUND_TRIP},
    {FROM_CLIENT, FIN_ACK, NOTHING, SOON},
    {FROM_SERVER, FIN_ACK, NOTHING, ROUND_TRIP},
    {FROM_CLIENT, ACK, NOTHING, SOON},
};

static const struct step talk_steps[] = {
    {FROM_CLIENT, SYN, NOTHING, START},
    {FROM_SERVER, SYN_ACK, NOTHING, ROUND_TRIP},
    {FROM_CLIENT, ACK, NOTHING, SOON},
    {FROM_CLIENT, PSH_ACK, HELLO, SOON},
    {FROM_SERVER, PSH_ACK, FULL_SEGMENT, ROUND_TRIP},
    {FROM_CLIENT, ACK, NOTHING, SOON},
    {FROM_CLIENT, PSH_ACK, SMALL_SEGMENT, USER_PAUSE},
    {FROM_SERVER, ACK, NOTHING, ROUND_TRIP},
    {FROM_SERVER, PSH_ACK, MIDDLE_SEGMENT, THINKING},
    {FROM_CLIENT, ACK, NOTHING, SOON},
    {FROM_CLIENT, FIN_ACK, NOTHING, SOON},
    {FROM_SERVER, FIN_ACK, NOTHING, ROUND_TRIP},
    {FROM_CLIENT, ACK, NOTHING, SOON},
};

static const struct step quic_steps[] = {
    {FROM_CLIENT, 0, BIG_DATAGRAM, START},   {FROM_SERVER, 0, BIG_DATAGRAM, ROUND_TRIP},
    {FROM_CLIENT, 0, SMALL_DATAGRAM, SOON},  {FROM_SERVER, 0, BIG_DATAGRAM, THINKING},
    {FROM_SERVER, 0, BIG_DATAGRAM, AT_ONCE}, {FROM_SERVER, 0, BIG_DATAGRAM, AT_ONCE},
    {FROM_CLIENT, 0, SMALL_DATAGRAM, SOON},
};

static const struct step voice_steps[] = {
    {FROM_CLIENT, 0, VOICE, START},
    {FROM_CLIENT, 0, VOICE, VOICE_GAP},
    {FROM_SERVER, 0, VOICE, VOICE_GAP},
};

/* Some scripts are only the first steps of a table. */
static const struct script answered = {
    .steps = answered_steps,
    .step_count = COUNT(answered_steps),
};
static const struct script split = {
    .steps = split_steps,
    .step_count = COUNT(split_steps),
};
static const struct script two_lookups = {
    .steps = two_lookups_steps,
    .step_count = COUNT(two_lookups_steps),
};
static const struct script lost_syn = {
    .steps = lost_syn_steps,
    .step_count = COUNT(lost_syn_steps),
};
static const struct script refused = {
    .steps = refused_steps,
    .step_count = COUNT(refused_steps),
};
static const struct script box_refused = {
    .steps = box_refused_steps,
    .step_count = COUNT(box_refused_steps),
};
static const struct script silent_short = {
    .steps = silent_steps,
    .step_count = COUNT(silent_steps) - 1,
};
static const struct script silent = {
    .steps = silent_steps,
    .step_count = COUNT(silent_steps),
};
static const struct script one_syn = {
    .steps = silent_steps,
    .step_count = 1,
};
static const struct script reset = {
    .steps = reset_steps,
    .step_count = COUNT(reset_steps),
};
static const struct script box_reset = {
    .steps = box_reset_steps,
    .step_count = COUNT(box_reset_steps),
};
static const struct script udp = {
    .steps = udp_steps,
    .step_count = COUNT(udp_steps),
    .udp = true,
};
static const struct script udp_lost = {
    .steps = udp_lost_steps,
    .step_count = COUNT(udp_lost_steps),
    .udp = true,
};
static const struct script udp_truncated = {
    .steps = udp_truncated_steps,
    .step_count = COUNT(udp_truncated_steps),
    .udp = true,
};
static const struct script udp_fragmented = {
    .steps = udp_fragmented_steps,
    .step_count = COUNT(udp_fragmented_steps),
    .udp = true,
};
static const struct script udp_alone = {
    .steps = udp_steps,
    .step_count = 1,
    .udp = true,
};
static const struct script download = {
    .steps = download_steps,
    .step_count = COUNT(download_steps),
    .loop_first = 9,
    .loop_size = 6,
    .rounds_min = 2,
    .rounds_spread = 60,
};
static const struct script upload = {
    .steps = upload_steps,
    .step_count = COUNT(upload_steps),
    .loop_first = 7,
    .loop_size = 3,
    .rounds_min = 2,
    .rounds_spread = 60,
};
static const struct script talk = {
    .steps = talk_steps,
    .step_count = COUNT(talk_steps),
    .loop_first = 6,
    .loop_size = 4,
    .rounds_min = 2,
    .rounds_spread = 30,
};
static const struct script quic = {
    .steps = quic_steps,
    .step_count = COUNT(quic_steps),
    .loop_first = 3,
    .loop_size = 4,
    .rounds_min = 2,
    .rounds_spread = 60,
    .udp = true,
};
static const struct script voice = {
    .steps = voice_steps,
    .step_count = COUNT(voice_steps),
    .loop_first = 1,
    .loop_size = 2,
    .rounds_min = 100,
    .rounds_spread = 500,
    .udp = true,
};

static const struct pool resolvers = {0, 300};
static const struct pool staff = {0, STAFF_HOSTS};
static const struct pool honest_client = {0, 1};
static const struct pool open_servers = {FIRST_SERVER, 260};
static const struct pool flooded_server = {FIRST_SERVER + 1, 1};
static const struct pool refusing_servers = {FIRST_SERVER + 260, 60};
static const struct pool boxed_servers = {FIRST_SERVER + 320, 40};
static const struct pool silent_servers = {FIRST_SERVER + 360, 60};
static const struct pool resetting_servers = {FIRST_SERVER + 420, 30};
static const struct pool cut_servers = {FIRST_SERVER + 450, 30};
static const struct pool dns_servers = {FIRST_SERVER, 480};
static const struct pool web_servers = {
    FIRST_SERVER + 480,
    HOST_COUNT - FIRST_SERVER - 480,
};

/* More servers than a watch remembers. */
static const struct pool far_open_servers = {FIRST_SERVER + 480, 20000};
static const struct pool far_refusing_servers = {FIRST_SERVER + 20480, 3000};
static const struct pool far_boxed_servers = {FIRST_SERVER + 23480, 2000};
static const struct pool far_silent_servers = {FIRST_SERVER + 25480, 2000};
static const struct pool far_cut_servers = {FIRST_SERVER + 27480, 2000};
static const struct pool far_servers = {FIRST_SERVER + 480, 29000};

static const struct kind dns_kinds[] = {
    {&answered, NULL, &resolvers, &open_servers, 53, false, 300},
    {&split, NULL, &resolvers, &open_servers, 53, false, 60},
    {&two_lookups, NULL, &resolvers, &open_servers, 53, false, 40},
    {&lost_syn, NULL, &resolvers, &open_servers, 53, false, 20},
    {&refused, NULL, &resolvers, &refusing_servers, 53, false, 120},
    {&box_refused, NULL, &resolvers, &boxed_servers, 53, false, 80},
    {&silent_short, NULL, &resolvers, &silent_servers, 53, false, 60},
    {&silent, NULL, &resolvers, &silent_servers, 53, false, 60},
    {&reset, NULL, &resolvers, &resetting_servers, 53, false, 60},
    {&box_reset, NULL, &resolvers, &cut_servers, 53, false, 60},
    {&udp, NULL, &resolvers, &dns_servers, 53, false, 300},
    {&udp_lost, NULL, &resolvers, &dns_servers, 53, false, 10},
    {&udp_truncated, &answered, &resolvers, &open_servers, 53, false, 80},
    {&udp_truncated, &refused, &resolvers, &refusing_servers, 53, false, 40},
    {&udp_truncated, &box_refused, &resolvers, &boxed_servers, 53, false, 20},
    {&udp_truncated, &silent, &resolvers, &silent_servers, 53, false, 40},
};

static const struct kind office_kinds[] = {
    {&download, NULL, &staff, &web_servers, 443, false, 50}, {&upload, NULL, &staff, &web_servers, 443, false, 6},
    {&upload, NULL, &staff, &web_servers, 465, false, 8},    {&talk, NULL, &staff, &web_servers, 993, false, 12},
    {&talk, NULL, &staff, &web_servers, 443, false, 10},     {&quic, NULL, &staff, &web_servers, 443, false, 12},
    {&voice, NULL, &staff, &web_servers, 16402, false, 2},
};

static const struct kind flood_kinds[] = {
    {&one_syn, NULL, &honest_client, &flooded_server, 53, true, 1},
};

static const struct kind honest_kinds[] = {
    {&udp_truncated, &answered, &honest_client, &flooded_server, 53, false, 1},
    {&udp, NULL, &honest_client, &flooded_server, 53, false, 1},
};

static const struct kind soak_kinds[] = {
    {&answered, NULL, &staff, &far_open_servers, 53, false, 300},
    {&split, NULL, &staff, &far_open_servers, 53, false, 40},
    {&two_lookups, NULL, &staff, &far_open_servers, 53, false, 20},
    {&refused, NULL, &staff, &far_refusing_servers, 53, false, 60},
    {&box_refused, NULL, &staff, &far_boxed_servers, 53, false, 60},
    {&silent, NULL, &staff, &far_silent_servers, 53, false, 30},
    {&box_reset, NULL, &staff, &far_cut_servers, 53, false, 40},
    {&udp, NULL, &staff, &far_servers, 53, false, 300},
    {&udp_alone, NULL, &staff, &far_servers, 53, false, 100},
    {&udp_fragmented, NULL, &staff, &far_open_servers, 53, false, 50},
    {&udp_truncated, &answered, &staff, &far_open_servers, 53, false, 60},
    {&udp_truncated, &refused, &staff, &far_refusing_servers, 53, false, 40},
    {&one_syn, NULL, &staff, &far_servers, 53, true, 200}, /* a scan */
};

static const struct mix dns_mix = {dns_kinds, COUNT(dns_kinds)};
static const struct mix office_mix = {office_kinds, COUNT(office_kinds)};
static const struct mix flood_mix = {flood_kinds, COUNT(flood_kinds)};
static const struct mix soak_mix = {soak_kinds, COUNT(soak_kinds)};
static const struct mix honest_mix = {honest_kinds, COUNT(honest_kinds)};

static const struct scenario scenarios[] = {
    {"dns", &dns_mix, &dns_mix, 0, true, 600, HOST_COUNT},
    {"office", &office_mix, &dns_mix, 100, true, 600, HOST_COUNT},
    {"synflood", &flood_mix, &honest_mix, 2, false, 60, HOST_COUNT},
    {"soak", &soak_mix, &soak_mix, 0, true, 900, HOST_MOST},
};

const struct scenario *scenario_find(const char *name)
{
    size_t i;

    for (i = 0; i < COUNT(scenarios); i++)
        if (!strcmp(scenarios[i].name, name))
            return &scenarios[i];
    return NULL;
}
