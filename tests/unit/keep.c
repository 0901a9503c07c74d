/* What keep writes, frame by frame: frames are told by a number that is their one byte beyond their time. */
#include "capture/keep.h"
#include "tests/unit/wire.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { MOST = 1 << 17, SERVER = 1, CLIENT = 10, TINY = 64 * 1024 };

#define START_NS (1700000000 * FLOW_SECOND_NS)
#define MS (FLOW_SECOND_NS / 1000)

static struct written {
    int64_t time_ns;
    uint32_t captured, declared, number;
} written[MOST];

static size_t count;
static unsigned file;
static struct keep *keep;
static int64_t now_ns;
static uint32_t number;

static unsigned note(void *context, const struct frame *frame)
{
    (void)context;
    cr_assert_lt(count, MOST);
    struct written *next = &written[count++];
    *next = (struct written){frame->time_ns, frame->captured, frame->declared, 0};
    if (frame->captured >= sizeof next->number)
        memcpy(&next->number, frame->data, sizeof next->number);
    return file;
}

static bool note_at_hand(void *context, const struct frame *frame)
{
    note(context, frame);
    return true;
}

static void begin(void)
{
    keep = keep_new(0, note, NULL);
    cr_assert_not_null(keep);
    now_ns = START_NS;
    count = 0;
    file = 1;
    number = 0;
}

static void end(void)
{
    keep_free(keep);
}

TestSuite(keep, .init = begin, .fini = end);

static void begin_tiny(void)
{
    keep_free(keep);
    keep = keep_new(TINY, note, NULL);
    cr_assert_not_null(keep);
}

static struct flow_key key_of(unsigned server, unsigned port)
{
    struct flow_record record = {
        .client = {{0, CLIENT}}, .server = {{1, server}}, .client_port = (uint16_t)port, .server_port = 53};
    record.client.word[0] = port >> 16;
    return flow_key_recorded(&record);
}

/* A frame, 5 ms after the one before; returns its number. */
static uint32_t frame_of(uint32_t captured, uint32_t declared, const struct keep_about *about)
{
    static uint8_t bytes[4096];
    now_ns += 5 * MS;
    number++;
    memcpy(bytes, &number, sizeof number);
    for (uint32_t i = sizeof number; i < captured; i++)
        bytes[i] = (uint8_t)(number + i);
    struct frame frame = {
        .data = bytes, .captured = captured, .declared = declared, .time_ns = now_ns, .link_type = LINK_ETHERNET};
    keep_clock(keep, &frame);
    if (about)
        keep_frame(keep, &frame, about);
    return number;
}

static uint32_t segment(unsigned server, unsigned port, bool from_server)
{
    return frame_of(60, 60, &(struct keep_about){key_of(server, port), KEEP_TCP, from_server, false, 0, false});
}

static uint32_t syn(unsigned server, unsigned port, uint32_t isn)
{
    return frame_of(60, 60, &(struct keep_about){key_of(server, port), KEEP_TCP, false, true, isn, false});
}

static uint32_t udp(unsigned server)
{
    return frame_of(60, 60, &(struct keep_about){key_of(server, 5000), KEEP_UDP, number & 1, false, 0, false});
}

static void over(unsigned server, unsigned port, uint32_t isn, enum flow_outcome outcome, enum mechanism mechanism)
{
    struct flow_key key = key_of(server, port);
    struct flow_record record = {.client = key.client,
                                 .server = key.server,
                                 .client_port = key.client_port,
                                 .server_port = key.server_port,
                                 .timeline_count = 1};
    struct flow_end flow_end = {.outcome = (uint8_t)outcome, .mechanism = (uint8_t)mechanism};
    memset(record.at, FLOW_UNSEEN, sizeof record.at);
    if (isn)
        record.at[FLOW_SYN] = 0;
    record.timeline[0].seq = isn;
    keep_flow_over(keep, &record, &flow_end);
}

static void fails(unsigned server, unsigned port, uint32_t isn)
{
    over(server, port, isn, OUTCOME_REJECTED, MECHANISM_SYN_RESET);
}

static void is_answered(unsigned server, unsigned port, uint32_t isn)
{
    over(server, port, isn, OUTCOME_ANSWERED, MECHANISM_ANSWERED);
}

/* Those frames have been written since the last time, in this order. */
static void expect(const char *situation, const uint32_t *numbers, size_t expected)
{
    cr_expect_eq(count, expected, "%s: %zu frames, not %zu", situation, count, expected);
    for (size_t i = 0; i < expected && i < count; i++)
        cr_expect_eq(written[i].number, numbers[i], "%s: frame %u, not %u", situation, written[i].number, numbers[i]);
    count = 0;
}

#define EXPECT(situation, ...)                                                                                         \
    expect(situation, (const uint32_t[]){__VA_ARGS__}, sizeof(const uint32_t[]){__VA_ARGS__} / sizeof(uint32_t))

Test(keep, a_failed_flow_and_what_was_before)
{
    uint32_t a = udp(SERVER), b = udp(SERVER);
    udp(SERVER + 1);
    uint32_t c = syn(SERVER, 1, 7), d = segment(SERVER, 1, true);
    is_answered(SERVER, 1, 7);
    uint32_t e = syn(SERVER, 2, 8);
    syn(SERVER, 3, 9);
    uint32_t f = segment(SERVER, 2, true), g = udp(SERVER);
    expect("nothing has failed", NULL, 0);
    fails(SERVER, 2, 8);
    EXPECT("by time, of this server", a, b, c, d, e, f, g);
    fails(SERVER, 2, 8);
    expect("it is over", NULL, 0);
}

Test(keep, each_frame_once_until_its_file_is_gone)
{
    uint32_t a = udp(SERVER), b = syn(SERVER, 1, 1);
    fails(SERVER, 1, 1);
    EXPECT("the first", a, b);
    file = 2;
    uint32_t c = syn(SERVER, 2, 2);
    fails(SERVER, 2, 2);
    EXPECT("the second", c);
    keep_files_gone(keep, 2);
    uint32_t d = syn(SERVER, 3, 3);
    fails(SERVER, 3, 3);
    EXPECT("its UDP was in the file that is gone", a, d);
}

Test(keep, what_could_not_be_written_is_tried_again)
{
    file = 0;
    uint32_t a = udp(SERVER), b = syn(SERVER, 1, 1);
    fails(SERVER, 1, 1);
    EXPECT("in vain", a, b);
    cr_expect_eq(keep_counters(keep).lost, 2);
    file = 1;
    uint32_t c = syn(SERVER, 2, 2);
    fails(SERVER, 2, 2);
    EXPECT("with the next", a, c);
}

Test(keep, answered_flows_afterwards_without_udp)
{
    syn(SERVER, 1, 1);
    fails(SERVER, 1, 1);
    count = 0;
    for (unsigned i = 0; i < 4; i++) {
        syn(SERVER, 10 + i, 5);
        is_answered(SERVER, 10 + i, 5);
    }
    cr_expect_eq(count, KEEP_FLOWS_AFTER);
}

/* Answered flows before the first failure are of another state, those between two failures of the same. */
Test(keep, answered_flows_between_failures)
{
    for (int i = 0; i < 2 * KEEP_UDP_ENOUGH; i++)
        udp(SERVER);
    syn(SERVER, 1, 1);
    is_answered(SERVER, 1, 1);
    count = 0;
    syn(SERVER, 2, 2);
    fails(SERVER, 2, 2);
    cr_expect_eq(count, 2 * KEEP_UDP_ENOUGH + 1);
    syn(SERVER, 3, 3);
    is_answered(SERVER, 3, 3);
    count = 0;
    syn(SERVER, 4, 4);
    fails(SERVER, 4, 4);
    cr_expect_eq(count, 2, "the failed one and the answered one before it");
}

Test(keep, udp_and_answered_flows_afterwards)
{
    syn(SERVER, 1, 1);
    fails(SERVER, 1, 1);
    count = 0;
    for (int i = 0; i < KEEP_FRAMES_AFTER + 10; i++)
        udp(SERVER);
    cr_expect_eq(count, KEEP_FRAMES_AFTER);
    count = 0;
    for (unsigned i = 0; i < 4; i++) {
        syn(SERVER, 10 + i, 5);
        is_answered(SERVER, 10 + i, 5);
    }
    cr_expect_eq(count, 0, "its UDP tells how far away it is");
    count = 0;
    now_ns += KEEP_AFTER_NS;
    syn(SERVER, 2, 1);
    fails(SERVER, 2, 1);
    count = 0;
    now_ns += KEEP_AFTER_NS;
    udp(SERVER);
    expect("too late", NULL, 0);
}

Test(keep, the_next_flow_on_the_same_ports)
{
    uint32_t a = syn(SERVER, 1, 100), b = syn(SERVER, 1, 200), c = segment(SERVER, 1, true);
    fails(SERVER, 1, 100);
    EXPECT("the older one", a);
    fails(SERVER, 1, 200);
    EXPECT("the newer one", b, c);
    uint32_t d = syn(SERVER, 1, 200), e = syn(SERVER, 1, 200);
    fails(SERVER, 1, 200);
    EXPECT("sent again", d, e);
}

Test(keep, an_answer_before_its_question)
{
    uint32_t a = segment(SERVER, 1, true), b = syn(SERVER, 1, 100);
    fails(SERVER, 1, 100);
    EXPECT("one flow", a, b);
    segment(SERVER, 2, true);
    now_ns += FLOW_EARLY_NS;
    uint32_t c = syn(SERVER, 2, 100);
    fails(SERVER, 2, 100);
    EXPECT("another one", c);
}

Test(keep, a_flow_without_its_beginning)
{
    uint32_t a = segment(SERVER, 1, false), b = segment(SERVER, 1, true);
    fails(SERVER, 1, 0);
    EXPECT("by its ports", a, b);
}

Test(keep, flows_that_prove_nothing_are_forgotten)
{
    static const enum flow_outcome outcomes[] = {OUTCOME_ABORTED, OUTCOME_INCOMPLETE};
    for (unsigned i = 0; i < 2; i++) {
        syn(SERVER, i, 5);
        over(SERVER, i, 5, outcomes[i], MECHANISM_NONE);
    }
    expect("not written", NULL, 0);
    now_ns += MS;
    cr_expect(keep_each(keep, &(struct keep_each){NULL, note_at_hand, NULL}));
    expect("nor at hand", NULL, 0);
}

Test(keep, first_and_latest_frames_of_a_long_flow)
{
    uint32_t first = syn(SERVER, 1, 1), last = 0;
    for (int i = 0; i < 99; i++)
        last = segment(SERVER, 1, i & 1);
    fails(SERVER, 1, 1);
    cr_expect_eq(count, KEEP_FLOW_FIRST + KEEP_FLOW_LATEST);
    cr_expect_eq(written[0].number, first);
    cr_expect_eq(written[KEEP_FLOW_FIRST - 1].number, first + KEEP_FLOW_FIRST - 1);
    cr_expect_eq(written[KEEP_FLOW_FIRST].number, last - KEEP_FLOW_LATEST + 1);
    cr_expect_eq(written[count - 1].number, last);
    cr_expect_eq(keep_counters(keep).dropped, 100 - KEEP_FLOW_FIRST - KEEP_FLOW_LATEST);
}

/* UDP that came before a flow is not pushed out while the flow waits. */
Test(keep, udp_before_a_long_wait)
{
    uint32_t before = udp(SERVER);
    syn(SERVER, 1, 1);
    for (int i = 0; i < 100; i++)
        udp(SERVER);
    fails(SERVER, 1, 1);
    cr_expect_eq(count, 2 + KEEP_EXCHANGE);
    cr_expect_eq(written[0].number, before);
}

Test(keep, silence_is_shown_by_what_came_later)
{
    uint32_t a = syn(SERVER, 1, 1);
    frame_of(60, 90, NULL);
    now_ns += 20 * FLOW_SECOND_NS;
    frame_of(60, 91, NULL);
    over(SERVER, 1, 1, OUTCOME_UNANSWERED, MECHANISM_SYN_UNANSWERED);
    cr_expect_eq(written[1].captured, 0);
    cr_expect_eq(written[1].declared, 91);
    EXPECT("an empty frame", a, 0);
    uint32_t b = syn(SERVER, 2, 2);
    over(SERVER, 2, 2, OUTCOME_UNANSWERED, MECHANISM_SYN_UNANSWERED);
    EXPECT("nothing came later", b);
    now_ns += 9 * FLOW_SECOND_NS;
    frame_of(60, 92, NULL);
    expect("too early", NULL, 0);
    now_ns += 2 * FLOW_SECOND_NS;
    frame_of(60, 93, NULL);
    frame_of(60, 94, NULL);
    cr_expect_eq(written[0].declared, 93);
    EXPECT("now it did", 0);
}

/* A long frame takes several cells; one beyond the limit is cut, and says so. */
Test(keep, frames_of_any_length)
{
    static const uint32_t lengths[] = {0, 1, 191, 192, 193, 443, 444, 445, 1514, 2048, 2049, 4096};
    enum { LENGTHS = sizeof lengths / sizeof *lengths };
    struct keep_about about = {key_of(SERVER, 1), KEEP_TCP, false, false, 0, false};
    for (int i = 0; i < LENGTHS; i++)
        frame_of(lengths[i], lengths[i] + 7, &about);
    fails(SERVER, 1, 0);
    cr_assert_eq(count, LENGTHS);
    for (int i = 0; i < LENGTHS; i++) {
        cr_expect_eq(written[i].captured, lengths[i] < KEEP_SNAPLEN ? lengths[i] : KEEP_SNAPLEN);
        cr_expect_eq(written[i].declared, lengths[i] + 7);
    }
}

static bool expect_bytes(void *context, const struct frame *frame)
{
    uint32_t first;
    (void)context;
    if (frame->captured < sizeof first)
        return true;
    memcpy(&first, frame->data, sizeof first);
    for (uint32_t i = sizeof first; i < frame->captured; i++)
        cr_assert_eq(frame->data[i], (uint8_t)(first + i), "byte %u of frame %u", i, first);
    count++;
    return true;
}

Test(keep, bytes_of_long_frames)
{
    struct keep_about about = {key_of(SERVER, 1), KEEP_TCP, false, false, 0, false};
    for (uint32_t i = 0; i < KEEP_FLOW_FIRST; i++)
        frame_of(60 + 90 * i, 4000, &about);
    cr_expect(keep_each(keep, &(struct keep_each){NULL, expect_bytes, NULL}));
    cr_expect_eq(count, KEEP_FLOW_FIRST);
}

/* bounds */

static void outage(unsigned server, unsigned flows)
{
    for (unsigned i = 0; i < flows; i++) {
        syn(server, i + 1, 1);
        segment(server, i + 1, true);
        fails(server, i + 1, 1);
        now_ns -= 10 * MS; /* all at the same time */
    }
}

Test(keep, an_outage_is_written_in_part)
{
    outage(SERVER, 10000);
    cr_expect_eq(count, 2 * KEEP_WRITTEN);
    cr_expect_eq(keep_counters(keep).flows_unwritten, 10000 - KEEP_WRITTEN);
    count = 0;
    now_ns += KEEP_WINDOW_NS;
    outage(SERVER, 10);
    cr_expect_eq(count, 20, "a minute later");
    count = 0;
    now_ns += KEEP_WINDOW_NS;
    for (unsigned server = 1; server <= 100; server++)
        outage(server, KEEP_WRITTEN + 1);
    cr_expect_eq(count, 2 * KEEP_WRITTEN_ALL, "of all servers");
}

Test(keep, errors_over_tcp_are_written_more_rarely)
{
    for (unsigned i = 1; i <= 20; i++) {
        syn(SERVER, i, 1);
        over(SERVER, i, 1, OUTCOME_ANSWERED, MECHANISM_ERROR_RCODE);
    }
    cr_expect_eq(count, KEEP_REFUSED);
}

Test(keep, more_flows_than_there_are_places)
{
    for (unsigned i = 1; i <= KEEP_FLOWS + 1000; i++)
        syn(SERVER, i, 1);
    cr_expect_eq(keep_counters(keep).flows_dropped, 1000);
    cr_expect_eq(keep_counters(keep).dropped, 1000);
    fails(SERVER, 1000, 1);
    expect("given up", NULL, 0);
    fails(SERVER, 1001, 1);
    cr_expect_eq(count, 1);
}

/* Servers with flows under way stay, whatever comes by UDP. */
Test(keep, more_servers_than_there_are_places)
{
    uint32_t a = udp(SERVER), b = syn(SERVER, 1, 1);
    for (unsigned i = 2; i <= 3 * KEEP_SERVERS; i++)
        udp(i);
    fails(SERVER, 1, 1);
    EXPECT("still there", a, b);
    for (unsigned i = 1; i <= 3 * KEEP_SERVERS; i++)
        syn(10000 + i, i, 1);
    cr_expect_eq(keep_counters(keep).flows_dropped, 2 * KEEP_SERVERS);
}

Test(keep, memory_runs_out)
{
    begin_tiny();
    for (unsigned i = 1; i <= 10; i++) {
        syn(SERVER, i, 1);
        is_answered(SERVER, i, 1);
    }
    uint32_t old = udp(SERVER + 1);
    for (unsigned i = 11; i <= 1000; i++)
        syn(SERVER, i, 1);
    cr_expect_eq(keep_counters(keep).flows_dropped, 990 - TINY / 256);
    cr_expect(keep_each(keep, &(struct keep_each){NULL, note_at_hand, NULL}));
    cr_expect_eq(count, TINY / 256);
    for (size_t i = 0; i < count; i++)
        cr_expect_neq(written[i].number, old, "what is idle goes first");
    count = 0;
    fails(SERVER, 1000, 1);
    cr_expect_eq(count, 1);
}

static struct keep *frozen;

/* A frame that is larger than all the memory there is. */
Test(keep, memory_for_nothing)
{
    frozen = keep_new(256, note, NULL);
    cr_assert_not_null(frozen);
    static uint8_t bytes[1000];
    struct frame frame = {.data = bytes, .captured = 1000, .declared = 1000, .time_ns = START_NS};
    struct keep_about about = {key_of(SERVER, 1), KEEP_TCP, false, true, 1, false};
    keep_frame(frozen, &frame, &about);
    cr_expect_eq(keep_counters(frozen).dropped, 1);
    frame.captured = 60;
    keep_frame(frozen, &frame, &about);
    cr_expect_eq(keep_counters(frozen).dropped, 1);
    keep_free(frozen);
}

static bool expect_order(void *context, const struct frame *frame)
{
    int64_t *latest_ns = context;
    cr_assert_geq(frame->time_ns, *latest_ns);
    *latest_ns = frame->time_ns;
    count++;
    return true;
}

/* Anything in any order, with little memory. */
Test(keep, at_random)
{
    begin_tiny();
    srandom(53);
    for (unsigned i = 0; i < 60000; i++) {
        unsigned server = (unsigned)random() % 9, port = (unsigned)random() % 40, isn = 1 + (unsigned)random() % 2;
        bool from_server = random() & 1, begins = !from_server && random() % 4 == 0;
        uint32_t length = (uint32_t)(random() % 8 ? random() % 200 : random() % 2500);
        struct keep_about about = {
            key_of(server, port), random() % 3 ? KEEP_TCP : KEEP_UDP, from_server, begins, isn, false};
        now_ns += random() % 20 * MS - 6 * MS;
        frame_of(length, 3000, &about);
        if (random() % 4 == 0)
            over(server, port, (uint32_t)random() % 3, (enum flow_outcome)(random() % FLOW_OUTCOMES), MECHANISM_NONE);
        if (i % 1000 == 0) {
            int64_t latest_ns = 0;
            count = 0;
            cr_expect(keep_each(keep, &(struct keep_each){&latest_ns, expect_order, NULL}));
            cr_expect_leq(count, TINY / 256 + 1);
        }
        if (count > MOST / 2)
            count = 0;
    }
}
