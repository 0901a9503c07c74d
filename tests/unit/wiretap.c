/* What libwiretap tells of a capture beside its frames, and what it reads that is none. */
#include "tests/unit/reading.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if TCP53_WIRETAP

#define MICROSECONDS (DRAFT_SECONDS * UINT64_C(1000000))

enum { OPT_COMMENT = 1, OPT_FLAGS = 2, OPT_IFDROP = 5, OPT_OSDROP = 7, BLOCK_STATISTICS = 5, BLOCK_SIMPLE = 3 };

TestSuite(wiretap, .init = draft_begin, .fini = draft_end);

static struct draft begin(uint32_t link_type)
{
    struct draft draft = draft_pcapng("ng", false);
    draft_interface(&draft, link_type);
    return draft;
}

static void put_packet(struct draft *draft, uint32_t interface, uint64_t offset)
{
    draft_packet(draft, interface, MICROSECONDS + offset);
    draft_block_end(draft);
}

static struct source *written(struct draft *draft)
{
    draft_close(draft);
    return reading_of("ng", NULL);
}

Test(wiretap, interfaces_of_several_kinds)
{
    static const int link_types[] = {LINK_ETHERNET, LINK_RAW_DLT, LINK_LINUX_SLL, LINK_ETHERNET};
    struct draft draft = begin(LINK_ETHERNET);
    draft_interface(&draft, LINK_RAW);
    draft_interface(&draft, LINK_LINUX_SLL);
    for (unsigned i = 0; i < 4; i++)
        put_packet(&draft, i % 3, i);
    struct source *source = written(&draft);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(reading_frame(source).link_type, link_types[i], "frame %d", i + 1);
    cr_expect_eq(reading_all(source), 0);
    cr_expect_eq(reading_input(source, 0)->link_type_count, 3);
    cr_expect_str_empty(reading_input(source, 0)->trouble.text);
    source_close(source);
}

Test(wiretap, more_link_types_than_are_told)
{
    static const uint32_t link_types[] = {1, 0, 101, 108, 113, 228, 229, 276, 105, 127, 195, 104};
    enum { KINDS = sizeof link_types / sizeof *link_types };
    struct draft draft = begin(link_types[0]);
    for (size_t i = 1; i < KINDS; i++)
        draft_interface(&draft, link_types[i]);
    for (uint32_t i = 0; i < KINDS; i++)
        put_packet(&draft, i, i);
    struct source *source = written(&draft);
    cr_expect_eq(reading_all(source), KINDS);
    cr_expect_eq(reading_input(source, 0)->link_type_count, INPUT_LINK_TYPES);
    source_close(source);
}

/* What the parser does not know has a name all the same, and a file of nothing else is trouble. */
Test(wiretap, a_link_type_that_cannot_be_judged)
{
    enum { WPAN = 195 }; /* IEEE 802.15.4 */
    struct draft draft = begin(WPAN);
    put_packet(&draft, 0, 1);
    struct source *source = written(&draft);
    cr_expect_eq(reading_all(source), 0);
    const struct input *input = reading_input(source, 0);
    cr_expect(reading_says(input, "link type wpan is not supported"), "%s", input->trouble.text);
    cr_expect_str_eq(input->format, "pcapng");
    source_close(source);
}

Test(wiretap, comments_become_notes)
{
    static const struct {
        const char *comments[2], *due;
    } rows[] = {
        {{"here it breaks"}, "here it breaks"},
        {{"one", "two"}, "one; two"},
        {{"", "two"}, "two"},
        {{""}, NULL},
        {{NULL}, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct draft draft = begin(LINK_ETHERNET);
        draft_packet(&draft, 0, MICROSECONDS);
        for (int k = 0; k < 2 && rows[i].comments[k]; k++)
            draft_option(&draft, OPT_COMMENT, rows[i].comments[k], strlen(rows[i].comments[k]));
        draft_put(&draft, 0, 4);
        draft_block_end(&draft);
        put_packet(&draft, 0, 1);
        struct source *source = written(&draft);
        uint8_t noted = reading_frame(source).note;
        cr_expect_eq(reading_frame(source).note, 0, "the next frame has none");
        cr_expect_eq(reading_all(source), 0);
        const char *note = source_note(source, noted);
        cr_expect(note == rows[i].due || (note && rows[i].due && strcmp(note, rows[i].due) == 0), "row %zu: \"%s\"", i,
                  note);
        source_close(source);
    }
}

Test(wiretap, directions)
{
    static const struct {
        uint32_t flags;
        uint8_t direction;
    } rows[] = {{0, LINK_DIRECTION_UNKNOWN}, {1, LINK_INCOMING},          {2, LINK_OUTGOING},
                {3, LINK_DIRECTION_UNKNOWN}, {0xfffffffd, LINK_INCOMING}, {4, LINK_DIRECTION_UNKNOWN}};
    struct draft draft = begin(LINK_ETHERNET);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        draft_packet(&draft, 0, MICROSECONDS + i);
        draft_put(&draft, OPT_FLAGS, 2);
        draft_put(&draft, 4, 2);
        draft_put(&draft, rows[i].flags, 4);
        draft_put(&draft, 0, 4);
        draft_block_end(&draft);
    }
    put_packet(&draft, 0, 99);
    struct source *source = written(&draft);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(reading_frame(source).direction, rows[i].direction, "flags %#x", rows[i].flags);
    cr_expect_eq(reading_frame(source).direction, LINK_DIRECTION_UNKNOWN);
    source_close(source);
}

/* Statistics of an interface; options that are negative here are left out. */
static void put_statistics(struct draft *draft, uint32_t interface, int64_t by_interface, int64_t by_system)
{
    draft_block(draft, BLOCK_STATISTICS);
    draft_put(draft, interface, 4);
    draft_put(draft, 0, 8);
    const int64_t counts[] = {by_interface, by_system};
    for (int i = 0; i < 2; i++) {
        if (counts[i] < 0)
            continue;
        draft_put(draft, i == 0 ? OPT_IFDROP : OPT_OSDROP, 2);
        draft_put(draft, 8, 2);
        draft_put(draft, (uint64_t)counts[i], 8);
    }
    draft_put(draft, 0, 4);
    draft_block_end(draft);
}

Test(wiretap, frames_that_were_dropped)
{
    static const struct {
        const char *situation;
        int64_t counts[3][3]; /* interface, by the interface, by the system; ends with interface -1 */
        int64_t due;
    } rows[] = {
        {"nothing told", {{-1}}, -1},
        {"no drops", {{0, 0, 0}, {-1}}, 0},
        {"by the interface", {{0, 5, -1}, {-1}}, 5},
        {"by the system", {{0, -1, 7}, {-1}}, 7},
        {"statistics without drops", {{0, -1, -1}, {-1}}, -1},
        {"sums so far: the last one counts", {{0, 5, -1}, {0, 9, -1}, {-1}}, 9},
        {"two interfaces", {{0, 5, -1}, {1, 6, 1}, {-1}}, 12},
        {"very many", {{0, INT64_C(1) << 31, -1}, {-1}}, INT64_C(1) << 31},
        {"more than can be", {{0, INT64_MAX, -1}, {1, INT64_MAX, INT64_MAX}, {-1}}, -2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct draft draft = begin(LINK_ETHERNET);
        draft_interface(&draft, LINK_ETHERNET);
        put_packet(&draft, 0, 1);
        for (int k = 0; k < 3 && rows[i].counts[k][0] >= 0; k++)
            put_statistics(&draft, (uint32_t)rows[i].counts[k][0], rows[i].counts[k][1], rows[i].counts[k][2]);
        struct source *source = written(&draft);
        cr_expect_eq(reading_all(source), 1);
        int64_t dropped = reading_input(source, 0)->kernel_dropped;
        if (rows[i].due == -2)
            cr_expect_gt(dropped, INT64_C(1) << 31, "%s: %lld", rows[i].situation, (long long)dropped);
        else
            cr_expect_eq(dropped, rows[i].due, "%s: %lld", rows[i].situation, (long long)dropped);
        source_close(source);
    }
}

/* Blocks that are no frames have a number where Wireshark gives them one, and no frame is lost by them. */
Test(wiretap, blocks_of_other_kinds)
{
    static const uint32_t types[] = {0x0bad, 4, 0x80000001, BLOCK_STATISTICS + 100};
    struct draft draft = begin(LINK_ETHERNET);
    put_packet(&draft, 0, 1);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        draft_block(&draft, types[i]);
        draft_put(&draft, 0, 8);
        draft_block_end(&draft);
    }
    put_packet(&draft, 0, 2);
    struct source *source = written(&draft);
    reading_frame(source);
    cr_expect_eq(reading_frame(source).time_ns, DRAFT_NS + 2000);
    cr_expect_eq(reading_all(source), 0);
    cr_expect_str_empty(reading_input(source, 0)->trouble.text);
    source_close(source);
}

/* It keeps its place. */
Test(wiretap, a_packet_without_a_time)
{
    struct draft draft = begin(LINK_ETHERNET);
    put_packet(&draft, 0, 5);
    draft_block(&draft, BLOCK_SIMPLE);
    draft_put(&draft, 8, 4);
    draft_put(&draft, 0x0706050403020100, 8);
    draft_block_end(&draft);
    put_packet(&draft, 0, 6);
    struct source *source = written(&draft);
    reading_frame(source);
    struct frame frame = reading_frame(source);
    cr_expect_eq(frame.captured, 8);
    cr_expect_eq(frame.data[7], 7);
    cr_expect_eq(frame.time_ns, DRAFT_NS + 5000);
    cr_expect_eq(reading_all(source), 1);
    cr_expect_eq(reading_input(source, 0)->backward, 0);
    source_close(source);
}

Test(wiretap, cut_anywhere)
{
    struct draft draft = begin(LINK_ETHERNET);
    size_t begins = (size_t)ftell(draft.out);
    put_packet(&draft, 0, 1);
    size_t second = (size_t)ftell(draft.out);
    put_packet(&draft, 0, 2);
    draft_close(&draft);
    size_t size = draft_size("ng");
    for (size_t length = begins; length < size; length++) {
        remove(draft_path("cut"));
        draft_part("ng", "cut", 0, length);
        bool clean = length == begins || length == second;
        if (!clean && length < begins + 8)
            continue; /* libwiretap takes less than a block's header there for the end */
        struct source *source = reading_of("cut", NULL);
        cr_expect_eq(reading_all(source), length >= second ? 1 : 0, "%zu bytes", length);
        const struct input *input = reading_input(source, 0);
        cr_expect_eq(*input->trouble.text != '\0', !clean, "%zu bytes: %s", length, input->trouble.text);
        cr_expect_eq(input->truncated, !clean, "%zu bytes", length);
        source_close(source);
    }
}

static void compress(const char *command_line, const char *name, const char *compressed)
{
    char command[400];
    snprintf(command, sizeof command, "%s <'%s' >'%s'", command_line, draft_path(name), draft_path(compressed));
    cr_assert_eq(system(command), 0);
}

Test(wiretap, compressed_by_gzip)
{
    draft_frames("a.pcap", false, DRAFT_NANO, 500);
    compress("gzip -n", "a.pcap", "a.gz");
    struct source *source = reading_of("a.gz", NULL);
    struct frame frame = reading_frame(source);
    cr_expect_eq(frame.time_ns, DRAFT_NS + 1000);
    cr_expect_eq(frame.captured, 60);
    cr_expect_eq(reading_all(source), 499);
    cr_expect_str_eq(reading_input(source, 0)->compression, "gzip");
    cr_expect_not_null(strstr(reading_input(source, 0)->format, "pcap"));
    cr_expect_str_empty(reading_input(source, 0)->trouble.text);
    source_close(source);
}

/* A file that a disk's end or a transfer cut: what is there is read, and the sentence says that it is not all. */
static void cut_everywhere(const char *command_line, uint64_t frames)
{
    compress(command_line, "a.pcap", "a.packed");
    size_t size = draft_size("a.packed");
    for (size_t length = 1; length < size; length += length < 50 || length + 50 > size ? 1 : size / 10) {
        remove(draft_path("cut"));
        draft_part("a.packed", "cut", 0, length);
        struct source *source = reading_of("cut", NULL);
        uint64_t read = reading_all(source);
        const struct input *input = reading_input(source, 0);
        cr_expect_leq(read, frames);
        cr_expect(*input->trouble.text || read == frames, "%s, %zu of %zu bytes: %d frames", command_line, length, size,
                  (int)read);
        source_close(source);
    }
}

Test(wiretap, compressed_and_cut)
{
    static const char *const command_lines[] = {"gzip -n", "zstd -q", "lz4 -q"};
    for (size_t i = 0; i < sizeof command_lines / sizeof *command_lines; i++) {
        draft_frames("a.pcap", false, DRAFT_MICRO, 500);
        cut_everywhere(command_lines[i], 500);
        draft_frames("a.pcap", false, DRAFT_MICRO, 1);
        cut_everywhere(command_lines[i], 1);
    }
}

#define TEXT(text) text, sizeof text - 1

/* Libwiretap reads pictures, logs and documents as well: there are no packets in them. */
Test(wiretap, what_is_no_capture)
{
    static const uint8_t png[] = {0x89, 'P',  'N',  'G', '\r', '\n', 0x1a, '\n', 0,   0,   0,   13,   'I',  'H',  'D',
                                  'R',  0,    0,    0,   1,    0,    0,    0,    1,   8,   0,   0,    0,    0,    0x3a,
                                  0x7e, 0x9b, 0x55, 0,   0,    0,    0,    'I',  'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};
    static const uint8_t zeros[4096];
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff, 0xe0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0};
    static const uint8_t elf[64] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    static const uint8_t zip[] = {'P', 'K', 3, 4, 20, 0, 0, 0, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    static const struct {
        const char *name;
        const void *bytes;
        size_t count;
    } rows[] = {
        {"picture.png", png, sizeof png},
        {"picture.jpeg", jpeg, sizeof jpeg},
        {"program", elf, sizeof elf},
        {"archive.zip", zip, sizeof zip},
        {"report.json", TEXT("{\n  \"schema_version\": \"1.0\",\n  \"frames\": 12\n}\n")},
        {"page.html", TEXT("<!DOCTYPE html>\n<html><body>no capture</body></html>\n")},
        {"page.xml", TEXT("<?xml version=\"1.0\"?>\n<a><b>no capture</b></a>\n")},
        {"notes.txt", TEXT("remember: port 53 is TCP, too\n")},
        {"list.csv", TEXT("time,source,target\n1,192.0.2.1,192.0.2.2\n")},
        {"mail.log", TEXT("Nov 24 09:30:00 mx postfix/smtp[123]: connect to example.org[192.0.2.1]:25: timed out\n")},
        {"key.pem", TEXT("-----BEGIN CERTIFICATE-----\nMIIBszCCARwCCQDZ\n-----END CERTIFICATE-----\n")},
        {"script", TEXT("#!/bin/sh\necho no capture\n")},
        {"zeros", zeros, sizeof zeros},
    };
    draft_frames("fine.pcap", false, DRAFT_MICRO, 2);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        draft_save(rows[i].name, rows[i].bytes, rows[i].count);
        struct source *source = reading_of(rows[i].name, "fine.pcap");
        cr_expect_eq(reading_all(source), 2, "%s", rows[i].name);
        cr_expect(reading_says(reading_input(source, 0), "not a ") || rows[i].bytes == zeros, "%s: %s", rows[i].name,
                  reading_input(source, 0)->trouble.text);
        cr_expect_str_eq(reading_input(source, 0)->format, "unknown", "%s", rows[i].name);
        source_close(source);
    }
    const char *const paths[] = {draft_folder()};
    struct failure failure = {""};
    struct source *source = source_open(paths, 1, NULL, &failure);
    cr_assert_not_null(source);
    size_t count;
    const struct input *inputs = source_inputs(source, &count);
    cr_expect_eq(count, 1, "in a directory they are left out: %s", inputs[count - 1].path);
    source_close(source);
}

#endif
