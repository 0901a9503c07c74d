/* Saved captures, whole and broken, one and many. */
#include "capture/source.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/tcp53-source.XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void end(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(source, .init = begin, .fini = end);

static const char *path_of(const char *name)
{
    static char paths[8][96];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* A file as it is written: numbers in either byte order. */
struct draft {
    FILE *out;
    bool big;
};

static void put(struct draft *draft, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        fputc((int)(value >> 8 * (draft->big ? bytes - 1 - i : i) & 0xff), draft->out);
}

enum { SECONDS = 1700000000 };
enum unit { MICRO, NANO };

static const uint32_t magics[] = {[MICRO] = 0xa1b2c3d4, [NANO] = 0xa1b23c4d};

static struct draft begin_pcap(const char *name, bool big, enum unit unit, uint32_t link_type)
{
    struct draft draft = {fopen(path_of(name), "wb"), big};
    cr_assert_not_null(draft.out);
    put(&draft, magics[unit], 4);
    put(&draft, 2, 2);
    put(&draft, 4, 2);
    put(&draft, 0, 4);
    put(&draft, 0, 4);
    put(&draft, 65535, 4);
    put(&draft, link_type, 4);
    return draft;
}

static void put_frame(struct draft *draft, uint32_t fraction, uint32_t captured, uint32_t declared)
{
    put(draft, SECONDS, 4);
    put(draft, fraction, 4);
    put(draft, captured, 4);
    put(draft, declared, 4);
    for (uint32_t i = 0; i < captured; i++)
        fputc((int)(i & 0xff), draft->out);
}

static void write_pcap(const char *name, bool big, enum unit unit, uint32_t frames)
{
    struct draft draft = begin_pcap(name, big, unit, LINK_ETHERNET);
    for (uint32_t i = 0; i < frames; i++)
        put_frame(&draft, 1000 + i, 60, 60);
    fclose(draft.out);
}

static void write_bytes(const char *name, const void *bytes, size_t count)
{
    FILE *out = fopen(path_of(name), "wb");
    cr_assert_not_null(out);
    fwrite(bytes, 1, count, out);
    fclose(out);
}

static struct source *open_files(const char *one, const char *two)
{
    const char *paths[] = {path_of(one), two ? path_of(two) : NULL};
    struct failure failure = {""};
    struct source *source = source_open(paths, two ? 2 : 1, NULL, &failure);
    cr_assert_not_null(source, "%s", failure.text);
    return source;
}

static uint64_t read_all(struct source *source)
{
    struct frame frame;
    uint64_t frames = 0;
    while (source_next(source, &frame))
        frames++;
    cr_assert_not(source_next(source, &frame), "the end stays the end");
    return frames;
}

static const struct source_input *input_of(const struct source *source, size_t index)
{
    size_t count;
    const struct source_input *inputs = source_inputs(source, &count);
    cr_assert_gt(count, index);
    return &inputs[index];
}

static bool says(const struct source_input *input, const char *words)
{
    return strstr(input->trouble.text, words) != NULL;
}

Test(source, a_file_of_each_kind_gives_the_same_frames)
{
    static const struct {
        const char *name;
        bool big;
        enum unit unit;
        int64_t unit_ns;
    } rows[] = {
        {"little-micro", false, MICRO, 1000},
        {"big-micro", true, MICRO, 1000},
        {"little-nano", false, NANO, 1},
        {"big-nano", true, NANO, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_pcap(rows[i].name, rows[i].big, rows[i].unit, 1);
        struct source *source = open_files(rows[i].name, NULL);
        struct frame frame;
        cr_assert(source_next(source, &frame), "%s", rows[i].name);
        cr_expect_eq(frame.time_ns, SECONDS * INT64_C(1000000000) + 1000 * rows[i].unit_ns, "%s", rows[i].name);
        cr_expect_eq(frame.captured, 60);
        cr_expect_eq(frame.declared, 60);
        cr_expect_eq(frame.link_type, LINK_ETHERNET);
        cr_expect_eq(frame.data[59], 59);
        cr_expect_eq(frame.ref.number, 1);
        cr_expect_not(source_next(source, &frame));
        const struct source_input *input = input_of(source, 0);
        cr_expect_str_eq(input->format, "pcap");
        cr_expect_eq(input->frames, 1);
        cr_expect_eq(input->bytes, 60);
        cr_expect_eq(input->snaplen, 65535);
        cr_expect_str_empty(input->trouble.text);
        source_close(source);
    }
}

static void write_times(const char *name, const unsigned *offsets, size_t count)
{
    struct draft draft = begin_pcap(name, false, MICRO, LINK_ETHERNET);
    for (size_t i = 0; i < count; i++)
        put_frame(&draft, offsets[i], 60, 60);
    fclose(draft.out);
}

Test(source, numbers_begin_at_1_in_each_file)
{
    write_times("one", (const unsigned[]){1, 2, 3}, 3);
    write_times("two", (const unsigned[]){4, 5}, 2);
    struct source *source = open_files("one", "two");
    static const unsigned numbers[] = {1, 2, 3, 1, 2}, inputs[] = {0, 0, 0, 1, 1};
    for (int i = 0; i < 5; i++) {
        struct frame frame;
        cr_assert(source_next(source, &frame));
        cr_expect_eq(frame.ref.number, numbers[i]);
        cr_expect_eq(frame.ref.input, inputs[i]);
    }
    cr_assert_eq(read_all(source), 0);
    source_close(source);
}

Test(source, a_cut_frame_keeps_what_the_wire_carried)
{
    struct draft draft = begin_pcap("cut", false, MICRO, LINK_ETHERNET);
    put_frame(&draft, 1, 40, 1500);
    put_frame(&draft, 2, 60, 40); /* nonsense: more captured than sent */
    fclose(draft.out);
    struct source *source = open_files("cut", NULL);
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
    struct draft draft = begin_pcap("times", false, MICRO, LINK_ETHERNET);
    put_frame(&draft, 500, 20, 20);
    put_frame(&draft, 300, 20, 20);
    put_frame(&draft, 900, 20, 20);
    put_frame(&draft, 400, 20, 20);
    fclose(draft.out);
    struct source *source = open_files("times", NULL);
    cr_assert_eq(read_all(source), 4);
    cr_assert_eq(input_of(source, 0)->first_ns, SECONDS * INT64_C(1000000000) + 300000);
    cr_assert_eq(input_of(source, 0)->last_ns, SECONDS * INT64_C(1000000000) + 900000);
    source_close(source);
}

Test(source, a_file_without_frames_is_no_trouble)
{
    write_pcap("none", false, MICRO, 0);
    struct source *source = open_files("none", NULL);
    cr_assert_eq(read_all(source), 0);
    cr_assert_str_empty(input_of(source, 0)->trouble.text);
    cr_assert_not(input_of(source, 0)->truncated);
    source_close(source);
}

/* Trouble is noted, and the next file is read. */
static void expect_trouble(const char *name, const char *words)
{
    write_pcap("fine", false, MICRO, 2);
    struct source *source = open_files(name, "fine");
    cr_expect_eq(read_all(source), 2, "%s", name);
    cr_expect(says(input_of(source, 0), words), "%s: \"%s\"", name, input_of(source, 0)->trouble.text);
    cr_expect(says(input_of(source, 0), name), "the sentence names the file");
    cr_expect_str_empty(input_of(source, 1)->trouble.text);
    source_close(source);
}

Test(source, files_that_are_no_captures)
{
    static const uint8_t header[] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0};
    write_bytes("empty", "", 0);
    write_bytes("two-bytes", "hi", 2);
    write_bytes("text", "this is a letter, not a capture\n", 32);
    write_bytes("header", header, sizeof header);
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
        write_pcap("whole", false, MICRO, 2);
        cr_assert_eq(truncate(path_of("whole"), length), 0);
        struct source *source = open_files("whole", NULL);
        uint64_t frames = read_all(source);
        const struct source_input *input = input_of(source, 0);
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
    struct draft draft = begin_pcap("enormous", false, MICRO, LINK_ETHERNET);
    put_frame(&draft, 1, 60, 60);
    put(&draft, SECONDS, 4);
    put(&draft, 2, 4);
    put(&draft, 0x7fffffff, 4);
    put(&draft, 0x7fffffff, 4);
    fclose(draft.out);
    struct source *source = open_files("enormous", NULL);
    cr_assert_eq(read_all(source), 1);
    cr_assert(input_of(source, 0)->truncated);
    source_close(source);
}

Test(source, another_version_of_the_format)
{
    static const uint8_t header[24] = {0xd4, 0xc3, 0xb2, 0xa1, 99, 0, 4, 0};
    write_bytes("version", header, sizeof header);
    struct source *source = open_files("version", NULL);
    cr_assert_eq(read_all(source), 0);
    cr_assert_str_not_empty(input_of(source, 0)->trouble.text);
    source_close(source);
}

Test(source, a_link_type_without_a_name_is_a_number)
{
    cr_assert_str_eq(source_link_name(LINK_ETHERNET), "EN10MB");
    cr_assert_str_eq(source_link_name(54321), "54321");
}

/* A pcapng file with a section and an Ethernet interface. */
static struct draft begin_pcapng(const char *name, bool big)
{
    struct draft draft = {fopen(path_of(name), "wb"), big};
    cr_assert_not_null(draft.out);
    put(&draft, 0x0a0d0d0a, 4);
    put(&draft, 28, 4);
    put(&draft, 0x1a2b3c4d, 4);
    put(&draft, 1, 2);
    put(&draft, 0, 2);
    put(&draft, UINT32_MAX, 4); /* the section's length is not given */
    put(&draft, UINT32_MAX, 4);
    put(&draft, 28, 4);
    put(&draft, 1, 4);
    put(&draft, 20, 4);
    put(&draft, LINK_ETHERNET, 2);
    put(&draft, 0, 2);
    put(&draft, 1000, 4);
    put(&draft, 20, 4);
    return draft;
}

/* A packet of 20 bytes that had 90. */
static void put_packet_block(struct draft *draft, uint64_t time)
{
    put(draft, 6, 4);
    put(draft, 52, 4);
    put(draft, 0, 4);
    put(draft, (uint32_t)(time >> 32), 4);
    put(draft, (uint32_t)time, 4);
    put(draft, 20, 4);
    put(draft, 90, 4);
    for (int i = 0; i < 20; i++)
        fputc(i, draft->out);
    put(draft, 52, 4);
}

Test(source, pcapng_in_both_byte_orders)
{
    for (int big = 0; big < 2; big++) {
        struct draft draft = begin_pcapng("ng", big);
        put_packet_block(&draft, SECONDS * UINT64_C(1000000) + 7);
        fclose(draft.out);
        struct source *source = open_files("ng", NULL);
        struct frame frame;
        cr_assert(source_next(source, &frame));
        cr_expect_eq(frame.time_ns, SECONDS * INT64_C(1000000000) + 7000);
        cr_expect_eq(frame.captured, 20);
        cr_expect_eq(frame.declared, 90);
        cr_expect_not(source_next(source, &frame));
        cr_expect_str_eq(input_of(source, 0)->format, "pcapng");
        source_close(source);
    }
}

/* Nanoseconds since 1970 in 64 bits end in the year 2262; the file's own number goes on. */
Test(source, a_time_beyond_what_can_be_counted)
{
    static const uint64_t times[] = {UINT64_C(1) << 55, UINT64_C(1) << 62, UINT64_MAX};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct draft draft = begin_pcapng("ng", false);
        put_packet_block(&draft, SECONDS * UINT64_C(1000000));
        put_packet_block(&draft, times[i]);
        fclose(draft.out);
        struct source *source = open_files("ng", NULL);
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
    const char *paths[] = {folder};
    return source_open(paths, 1, NULL, failure);
}

Test(source, a_directory_stands_for_the_captures_in_it)
{
    struct failure failure = {""};
    write_pcap("b.pcap", false, MICRO, 2);
    write_pcap("a.cap", false, NANO, 1); /* what is in it counts, not what it is called */
    write_bytes("notes.txt", "not a capture", 13);
    write_bytes("empty.pcap", "", 0);
    cr_assert_eq(mkdir(path_of("deeper"), 0700), 0);
    write_pcap("deeper/c.pcap", false, MICRO, 4);
    struct source *source = open_folder(&failure);
    cr_assert_not_null(source, "%s", failure.text);
    cr_assert_eq(read_all(source), 3);
    size_t count;
    source_inputs(source, &count);
    cr_assert_eq(count, 2);
    cr_assert_not_null(strstr(input_of(source, 0)->path, "/a.cap"), "in order of their names");
    cr_assert_not_null(strstr(input_of(source, 1)->path, "/b.pcap"));
    source_close(source);
}

Test(source, a_directory_without_captures_is_a_failure)
{
    struct failure failure = {""};
    cr_assert_null(open_folder(&failure));
    cr_assert_not_null(strstr(failure.text, folder));
    write_bytes("notes.txt", "not a capture", 13);
    cr_assert_null(open_folder(&failure));
}

Test(source, closed_before_it_is_read)
{
    write_pcap("many", false, MICRO, 5000);
    source_close(open_files("many", "many"));
    struct source *source = open_files("many", NULL);
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
    write_pcap("one", false, MICRO, 1);
    for (int i = 0; i < FILES; i++)
        paths[i] = i == 0 ? path_of("one") : paths[0];
    struct source *source = source_open(paths, FILES, NULL, &failure);
    cr_assert_not_null(source, "%s", failure.text);
    cr_assert_eq(read_all(source), FILES, "each is closed before the next is opened");
    source_close(source);
}

Test(source, a_pipe_can_be_read)
{
    write_pcap("piped", false, MICRO, 3);
    cr_assert_eq(mkfifo(path_of("fifo"), 0600), 0);
    char command[256];
    snprintf(command, sizeof command, "cat '%s' > '%s' &", path_of("piped"), path_of("fifo"));
    cr_assert_eq(system(command), 0);
    struct source *source = open_files("fifo", NULL);
    cr_assert_eq(read_all(source), 3, "%s", input_of(source, 0)->trouble.text);
    source_close(source);
}
