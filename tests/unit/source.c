/* Saved captures, whole and broken, one and many. */
#include "tests/unit/reading.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MICROSECONDS (DRAFT_SECONDS * UINT64_C(1000000))

TestSuite(source, .init = draft_begin, .fini = draft_end);

Test(source, a_file_of_each_kind_gives_the_same_frames)
{
    static const struct {
        const char *name;
        bool big;
        enum draft_unit unit;
        int64_t unit_ns;
    } rows[] = {
        {"little-micro", false, DRAFT_MICRO, 1000},
        {"big-micro", true, DRAFT_MICRO, 1000},
        {"little-nano", false, DRAFT_NANO, 1},
        {"big-nano", true, DRAFT_NANO, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        draft_frames(rows[i].name, rows[i].big, rows[i].unit, 1);
        struct source *source = reading_of(rows[i].name, NULL);
        struct frame frame;
        cr_assert(source_next(source, &frame), "%s", rows[i].name);
        cr_expect_eq(frame.time_ns, DRAFT_NS + 1000 * rows[i].unit_ns, "%s", rows[i].name);
        cr_expect_eq(frame.captured, 60);
        cr_expect_eq(frame.declared, 60);
        cr_expect_eq(frame.link_type, LINK_ETHERNET);
        cr_expect_eq(frame.data[59], 59);
        cr_expect_eq(frame.ref.number, 1);
        cr_expect_not(source_next(source, &frame));
        const struct input *input = reading_input(source, 0);
        cr_expect_str_eq(input->format, "pcap");
        cr_expect_eq(input->frames, 1);
        cr_expect_eq(input->bytes, 60);
        cr_expect_eq(input->snaplen, 65535);
        cr_expect_str_empty(input->trouble.text);
        source_close(source);
    }
}

Test(source, numbers_begin_at_1_in_each_file)
{
    draft_times("one", (const unsigned[]){1, 2, 3}, 3);
    draft_times("two", (const unsigned[]){4, 5}, 2);
    struct source *source = reading_of("one", "two");
    static const unsigned numbers[] = {1, 2, 3, 1, 2}, inputs[] = {0, 0, 0, 1, 1};
    for (int i = 0; i < 5; i++) {
        struct frame frame;
        cr_assert(source_next(source, &frame));
        cr_expect_eq(frame.ref.number, numbers[i]);
        cr_expect_eq(frame.ref.input, inputs[i]);
    }
    cr_assert_eq(reading_all(source), 0);
    source_close(source);
}

Test(source, a_cut_frame_keeps_what_the_wire_carried)
{
    struct draft draft = draft_pcap("cut", false, DRAFT_MICRO, LINK_ETHERNET);
    draft_frame(&draft, 1, 40, 1500);
    draft_frame(&draft, 2, 60, 40); /* nonsense: more captured than sent */
    draft_close(&draft);
    struct source *source = reading_of("cut", NULL);
    struct frame frame;
    cr_assert(source_next(source, &frame));
    cr_assert_eq(frame.captured, 40);
    cr_assert_eq(frame.declared, 1500);
    if (source_next(source, &frame))
        cr_assert_geq(frame.declared, frame.captured);
    source_close(source);
}

Test(source, the_first_and_last_time_are_of_all_frames)
{
    struct draft draft = draft_pcap("times", false, DRAFT_MICRO, LINK_ETHERNET);
    draft_frame(&draft, 500, 20, 20);
    draft_frame(&draft, 300, 20, 20);
    draft_frame(&draft, 900, 20, 20);
    draft_frame(&draft, 400, 20, 20);
    draft_close(&draft);
    struct source *source = reading_of("times", NULL);
    cr_assert_eq(reading_all(source), 4);
    cr_assert_eq(reading_input(source, 0)->first_ns, DRAFT_NS + 300000);
    cr_assert_eq(reading_input(source, 0)->last_ns, DRAFT_NS + 900000);
    source_close(source);
}

Test(source, a_file_without_frames_is_no_trouble)
{
    draft_frames("none", false, DRAFT_MICRO, 0);
    struct source *source = reading_of("none", NULL);
    cr_assert_eq(reading_all(source), 0);
    cr_assert_str_empty(reading_input(source, 0)->trouble.text);
    cr_assert_not(reading_input(source, 0)->truncated);
    source_close(source);
}

/* Trouble is noted, and the next file is read. */
static void expect_trouble(const char *name, const char *words)
{
    draft_frames("fine", false, DRAFT_MICRO, 2);
    struct source *source = reading_of(name, "fine");
    cr_expect_eq(reading_all(source), 2, "%s", name);
    cr_expect(reading_says(reading_input(source, 0), words), "%s: \"%s\"", name,
              reading_input(source, 0)->trouble.text);
    cr_expect(reading_says(reading_input(source, 0), name), "the sentence names the file");
    cr_expect_str_empty(reading_input(source, 1)->trouble.text);
    source_close(source);
}

Test(source, files_that_are_no_captures)
{
    static const uint8_t header[] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0};
    draft_save("empty", "", 0);
    draft_save("two-bytes", "hi", 2);
    draft_save("text", "this is a letter, not a capture\n", 32);
    draft_save("header", header, sizeof header);
    expect_trouble("missing", "No such file");
    expect_trouble("empty", "empty");
    expect_trouble("two-bytes", "not a ");
    expect_trouble("text", "not a ");
    expect_trouble("header", "truncated");
}

Test(source, a_file_cut_anywhere_says_so)
{
    enum { HEADER = 24, FRAME = 16 + 60 };
    for (off_t length = HEADER; length < HEADER + 2 * FRAME; length++) {
        draft_frames("whole", false, DRAFT_MICRO, 2);
        cr_assert_eq(truncate(draft_path("whole"), length), 0);
        struct source *source = reading_of("whole", NULL);
        uint64_t frames = reading_all(source);
        const struct input *input = reading_input(source, 0);
        bool clean = (length - HEADER) % FRAME == 0;
        cr_expect_eq(frames, (uint64_t)(length - HEADER) / FRAME, "%d bytes", (int)length);
        cr_expect_eq(input->frames, frames);
        cr_expect_eq(input->truncated, !clean, "%d bytes", (int)length);
        cr_expect_eq(*input->trouble.text != '\0', !clean, "%d bytes: %s", (int)length, input->trouble.text);
        source_close(source);
    }
}

Test(source, a_frame_that_claims_to_be_enormous)
{
    struct draft draft = draft_pcap("enormous", false, DRAFT_MICRO, LINK_ETHERNET);
    draft_frame(&draft, 1, 60, 60);
    draft_put(&draft, DRAFT_SECONDS, 4);
    draft_put(&draft, 2, 4);
    draft_put(&draft, 0x7fffffff, 4);
    draft_put(&draft, 0x7fffffff, 4);
    draft_close(&draft);
    struct source *source = reading_of("enormous", NULL);
    cr_assert_eq(reading_all(source), 1);
    cr_assert(reading_input(source, 0)->truncated);
    source_close(source);
}

Test(source, another_version_of_the_format)
{
    static const uint8_t header[24] = {0xd4, 0xc3, 0xb2, 0xa1, 99, 0, 4, 0};
    draft_save("version", header, sizeof header);
    struct source *source = reading_of("version", NULL);
    cr_assert_eq(reading_all(source), 0);
    cr_assert_str_not_empty(reading_input(source, 0)->trouble.text);
    source_close(source);
}

Test(source, a_link_type_without_a_name_is_a_number)
{
    char name[INPUT_LINK_NAME], other[INPUT_LINK_NAME];
    cr_assert_str_eq(input_link_name(LINK_ETHERNET, name), "EN10MB");
    cr_assert_str_eq(input_link_name(LINK_RAW, name), "RAW");
    cr_assert_str_eq(input_link_name(54321, name), "54321");
    cr_assert_str_eq(input_link_name(-2147483647 - 1, other), "-2147483648"); /* a packet tap may say so */
    cr_assert_str_eq(name, "54321", "each has its own place");
}

Test(source, pcapng_in_both_byte_orders)
{
    for (int big = 0; big < 2; big++) {
        struct draft draft = draft_pcapng("ng", big);
        draft_interface(&draft, LINK_ETHERNET);
        draft_packet(&draft, 0, MICROSECONDS + 7);
        draft_block_end(&draft);
        draft_close(&draft);
        struct source *source = reading_of("ng", NULL);
        struct frame frame;
        cr_assert(source_next(source, &frame));
        cr_expect_eq(frame.time_ns, DRAFT_NS + 7000);
        cr_expect_eq(frame.captured, 20);
        cr_expect_eq(frame.declared, 90);
        cr_expect_not(source_next(source, &frame));
        cr_expect_str_eq(reading_input(source, 0)->format, "pcapng");
        source_close(source);
    }
}

/* Nanoseconds since 1970 in 64 bits end in the year 2262; the file's own number goes on. */
Test(source, a_time_beyond_what_can_be_counted)
{
    static const uint64_t times[] = {UINT64_C(1) << 55, UINT64_C(1) << 62, UINT64_MAX};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct draft draft = draft_pcapng("ng", false);
        draft_interface(&draft, LINK_ETHERNET);
        draft_packet(&draft, 0, MICROSECONDS);
        draft_block_end(&draft);
        draft_packet(&draft, 0, times[i]);
        draft_block_end(&draft);
        draft_close(&draft);
        struct source *source = reading_of("ng", NULL);
        struct frame first, second;
        cr_assert(source_next(source, &first));
        cr_assert(source_next(source, &second));
        cr_expect_geq(second.time_ns, first.time_ns, "a later time became an earlier one");
        cr_expect_leq(second.time_ns, INT64_MAX / 2, "deadlines are added to it, and differences taken");
        source_close(source);
    }
}

/* directories */

static struct source *open_folder(struct failure *failure)
{
    const char *paths[] = {draft_folder()};
    return source_open(paths, 1, NULL, failure);
}

Test(source, a_directory_stands_for_the_captures_in_it)
{
    struct failure failure = {""};
    draft_frames("b.pcap", false, DRAFT_MICRO, 2);
    draft_frames("a.cap", false, DRAFT_NANO, 1); /* what is in it counts, not what it is called */
    draft_save("notes.txt", "not a capture", 13);
    draft_save("empty.pcap", "", 0);
    cr_assert_eq(mkdir(draft_path("deeper"), 0700), 0);
    draft_frames("deeper/c.pcap", false, DRAFT_MICRO, 4);
    struct source *source = open_folder(&failure);
    cr_assert_not_null(source, "%s", failure.text);
    cr_assert_eq(reading_all(source), 3);
    size_t count;
    source_inputs(source, &count);
    cr_assert_eq(count, 2);
    cr_assert_not_null(strstr(reading_input(source, 0)->path, "/a.cap"), "in order of their names");
    cr_assert_not_null(strstr(reading_input(source, 1)->path, "/b.pcap"));
    source_close(source);
}

Test(source, a_directory_without_captures_is_a_failure)
{
    struct failure failure = {""};
    cr_assert_null(open_folder(&failure));
    cr_assert_not_null(strstr(failure.text, draft_folder()));
    draft_save("notes.txt", "not a capture", 13);
    cr_assert_null(open_folder(&failure));
}

Test(source, closed_before_it_is_read)
{
    draft_frames("many", false, DRAFT_MICRO, 5000);
    source_close(reading_of("many", "many"));
    struct source *source = reading_of("many", NULL);
    struct frame frame;
    cr_assert(source_next(source, &frame));
    source_close(source);
    source_close(NULL);
}

Test(source, two_thousand_files)
{
    enum { FILES = 2000 };
    const char *paths[FILES];
    struct failure failure = {""};
    draft_frames("one", false, DRAFT_MICRO, 1);
    for (int i = 0; i < FILES; i++)
        paths[i] = i == 0 ? draft_path("one") : paths[0];
    struct source *source = source_open(paths, FILES, NULL, &failure);
    cr_assert_not_null(source, "%s", failure.text);
    cr_assert_eq(reading_all(source), FILES, "each is closed before the next is opened");
    source_close(source);
}

Test(source, a_pipe_can_be_read)
{
    draft_frames("piped", false, DRAFT_MICRO, 3);
    cr_assert_eq(mkfifo(draft_path("fifo"), 0600), 0);
    char command[256];
    snprintf(command, sizeof command, "cat '%s' > '%s' &", draft_path("piped"), draft_path("fifo"));
    cr_assert_eq(system(command), 0);
    struct source *source = reading_of("fifo", NULL);
    cr_assert_eq(reading_all(source), 3, "%s", reading_input(source, 0)->trouble.text);
    source_close(source);
}
