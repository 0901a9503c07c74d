/* Apple's packet tap: what its header tells, and frames whose header tells nonsense. */
#include "capture/pktap.h"

#include <criterion/criterion.h>
#include <string.h>

enum { TAP = 258, TAP_OLD = 149, HEADER = 108, PAYLOAD = 40 };

static struct notes notes;

static void put(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* A header of 108 bytes, record type "packet", and 40 bytes that count up behind it. */
static struct frame tap_frame(uint8_t *bytes, uint32_t inner_link, uint32_t flags, const char *command)
{
    memset(bytes, 0, HEADER);
    put(bytes, HEADER);
    put(bytes + 4, 1);
    put(bytes + 8, inner_link);
    put(bytes + 36, flags);
    put(bytes + 52, 4711);
    memcpy(bytes + 56, command, strnlen(command, 20));
    for (int i = 0; i < PAYLOAD; i++)
        bytes[HEADER + i] = (uint8_t)i;
    return (struct frame){
        .data = bytes, .captured = HEADER + PAYLOAD, .declared = HEADER + PAYLOAD + 7, .link_type = TAP};
}

Test(pktap, what_it_tells)
{
    static const struct {
        const char *situation;
        int link_type;
        uint32_t inner, flags;
        const char *command;
        uint8_t direction;
        const char *note;
    } rows[] = {
        {"incoming", TAP, LINK_ETHERNET, 1, "named", LINK_INCOMING, "process named, PID 4711"},
        {"outgoing", TAP, LINK_ETHERNET, 2, "mDNSResponder", LINK_OUTGOING, "process mDNSResponder, PID 4711"},
        {"no direction", TAP, LINK_RAW_DLT, 0, "dig", LINK_DIRECTION_UNKNOWN, "process dig, PID 4711"},
        {"other flags", TAP, LINK_RAW_DLT, 0xfffffff0, "dig", LINK_DIRECTION_UNKNOWN, "process dig, PID 4711"},
        {"by its old number", TAP_OLD, LINK_NULL, 1, "dig", LINK_INCOMING, "process dig, PID 4711"},
        {"no process", TAP, LINK_ETHERNET, 1, "", LINK_INCOMING, NULL},
        {"a name that fills its place", TAP, LINK_ETHERNET, 1, "twenty-bytes-long-01", LINK_INCOMING,
         "process twenty-bytes-long-01, PID 4711"},
        {"within itself", TAP, TAP, 1, "dig", LINK_INCOMING, "process dig, PID 4711"},
    };
    uint8_t bytes[HEADER + PAYLOAD];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct frame frame = tap_frame(bytes, rows[i].inner, rows[i].flags, rows[i].command);
        frame.link_type = rows[i].link_type;
        pktap_unwrap(&frame, &notes);
        cr_expect_eq(frame.link_type, (int)rows[i].inner, "%s", rows[i].situation);
        cr_expect_eq(frame.direction, rows[i].direction, "%s", rows[i].situation);
        cr_expect_eq(frame.captured, PAYLOAD, "%s", rows[i].situation);
        cr_expect_eq(frame.declared, PAYLOAD + 7, "%s", rows[i].situation);
        cr_expect_eq(frame.data[PAYLOAD - 1], PAYLOAD - 1, "%s", rows[i].situation);
        const char *note = notes_text(&notes, frame.note);
        cr_expect(note == rows[i].note || (note && rows[i].note && strcmp(note, rows[i].note) == 0), "%s: \"%s\"",
                  rows[i].situation, note);
    }
}

Test(pktap, a_longer_header)
{
    uint8_t bytes[HEADER + PAYLOAD];
    struct frame frame = tap_frame(bytes, LINK_ETHERNET, 1, "dig");
    put(bytes, HEADER + 16);
    pktap_unwrap(&frame, &notes);
    cr_expect_eq(frame.captured, PAYLOAD - 16);
    cr_expect_eq(frame.data[0], 16);
    frame = tap_frame(bytes, LINK_ETHERNET, 1, "dig");
    put(bytes, HEADER + PAYLOAD);
    pktap_unwrap(&frame, &notes);
    cr_expect_eq(frame.captured, 0, "nothing behind it");
}

Test(pktap, a_comment_goes_before_the_process)
{
    uint8_t bytes[HEADER + PAYLOAD];
    struct frame frame = tap_frame(bytes, LINK_ETHERNET, 1, "dig");
    frame.note = notes_add(&notes, "here it breaks");
    pktap_unwrap(&frame, &notes);
    cr_expect_str_eq(notes_text(&notes, frame.note), "here it breaks");
}

/* Damaged ones stay as they are. */
Test(pktap, damaged)
{
    static const struct {
        const char *situation;
        uint32_t at, value;
    } rows[] = {
        {"no packet", 4, 0},
        {"another record", 4, 2},
        {"length 0", 0, 0},
        {"length within the header", 0, HEADER - 1},
        {"length beyond the frame", 0, HEADER + PAYLOAD + 1},
        {"length beyond all", 0, UINT32_MAX},
    };
    uint8_t bytes[HEADER + PAYLOAD];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct frame frame = tap_frame(bytes, LINK_ETHERNET, 1, "dig");
        put(bytes + rows[i].at, rows[i].value);
        struct frame before = frame;
        pktap_unwrap(&frame, &notes);
        cr_expect_eq(frame.link_type, TAP, "%s", rows[i].situation);
        cr_expect_eq(frame.captured, before.captured, "%s", rows[i].situation);
        cr_expect_eq(frame.data, before.data, "%s", rows[i].situation);
    }
    for (uint32_t captured = 0; captured < HEADER; captured++) {
        struct frame frame = tap_frame(bytes, LINK_ETHERNET, 1, "dig");
        frame.captured = captured;
        pktap_unwrap(&frame, &notes);
        cr_expect_eq(frame.link_type, TAP, "%u bytes", captured);
    }
}

Test(pktap, other_frames_stay)
{
    uint8_t bytes[HEADER + PAYLOAD];
    struct frame frame = tap_frame(bytes, LINK_ETHERNET, 1, "dig");
    frame.link_type = LINK_ETHERNET;
    pktap_unwrap(&frame, &notes);
    cr_expect_eq(frame.captured, HEADER + PAYLOAD);
}
