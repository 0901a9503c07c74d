/* Several saved captures as one trace: each frame once, by its time, with the input and the number that it has there. */
#include "capture/merge.h"
#include "tests/unit/reading.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 50 };

TestSuite(merge, .init = draft_begin, .fini = draft_end);

/* What is expected of a frame: which input, its number there, its time. */
struct due {
    unsigned input, number, fraction;
};

static struct input inputs[FILES];
static struct notes notes;
static bool by_runs; /* of the test's merge */

static struct merge *merge_of(const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        inputs[i] = (struct input){.path = strdup(draft_path(names[i])), .format = "unknown"};
    struct merge *merge = merge_new(inputs, 0, count, by_runs, &notes);
    cr_assert_not_null(merge);
    return merge;
}

static void end(struct merge *merge, size_t count)
{
    merge_free(merge);
    for (size_t i = 0; i < count; i++)
        free((char *)inputs[i].path);
}

static void expect(const char *situation, const char *const *names, size_t count, const struct due *due, size_t frames)
{
    struct merge *merge = merge_of(names, count);
    struct frame frame;
    for (size_t i = 0; i < frames; i++) {
        cr_assert(merge_next(merge, &frame), "%s: frame %zu", situation, i);
        cr_expect_eq(frame.ref.input, due[i].input, "%s: frame %zu", situation, i);
        cr_expect_eq(frame.ref.number, due[i].number, "%s: frame %zu", situation, i);
        cr_expect_eq(frame.time_ns, DRAFT_NS + due[i].fraction * 1000, "%s: frame %zu", situation, i);
        cr_expect_eq(frame.data[59], 59);
    }
    cr_expect_not(merge_next(merge, &frame), "%s: no more", situation);
    cr_expect_not(merge_next(merge, &frame), "%s: the end stays the end", situation);
    end(merge, count);
}

/* One row a situation: files "a", "b", "c", the times of their frames (0: no further one), what must come out. */
Test(merge, in_order_of_time)
{
    enum { MOST = 6 };
    static const struct {
        const char *situation;
        unsigned times[3][MOST];
        struct due due[3 * MOST];
    } rows[] = {
        {"a ring, named in order",
         {{1, 2}, {3, 4}, {5, 6}},
         {{0, 1, 1}, {0, 2, 2}, {1, 1, 3}, {1, 2, 4}, {2, 1, 5}, {2, 2, 6}}},
        {"a ring, named backward",
         {{5, 6}, {3, 4}, {1, 2}},
         {{2, 1, 1}, {2, 2, 2}, {1, 1, 3}, {1, 2, 4}, {0, 1, 5}, {0, 2, 6}}},
        {"a ring, the oldest file in the middle",
         {{3, 4}, {1, 2}, {5, 6}},
         {{1, 1, 1}, {1, 2, 2}, {0, 1, 3}, {0, 2, 4}, {2, 1, 5}, {2, 2, 6}}},
        {"interfaces captured at the same time",
         {{1, 4, 7}, {2, 5, 8}, {3, 6, 9}},
         {{0, 1, 1}, {1, 1, 2}, {2, 1, 3}, {0, 2, 4}, {1, 2, 5}, {2, 2, 6}, {0, 3, 7}, {1, 3, 8}, {2, 3, 9}}},
        {"one within a gap of another", {{1, 9}, {4, 5}, {0}}, {{0, 1, 1}, {1, 1, 4}, {1, 2, 5}, {0, 2, 9}}},
        {"equal times: as they are named",
         {{5, 5}, {5}, {4, 5}},
         {{2, 1, 4}, {0, 1, 5}, {0, 2, 5}, {1, 1, 5}, {2, 2, 5}}},
        {"an empty one among them", {{2, 3}, {0}, {1}}, {{2, 1, 1}, {0, 1, 2}, {0, 2, 3}}},
        {"all empty", {{0}, {0}, {0}}, {{0}}},
        {"one within itself out of order stays so",
         {{5, 2, 6}, {1}, {7}},
         {{1, 1, 1}, {0, 1, 5}, {0, 2, 2}, {0, 3, 6}, {2, 1, 7}}},
    };
    static const char *const names[] = {"a", "b", "c"};
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        size_t frames = 0;
        for (int file = 0; file < 3; file++) {
            size_t count = 0;
            while (count < MOST && rows[row].times[file][count] > 0)
                count++;
            draft_times(names[file], rows[row].times[file], count);
            frames += count;
        }
        expect(rows[row].situation, names, 3, rows[row].due, frames);
    }
}

/* Two captures, one behind the other in a file; seconds apart, as no disorder of a capture is. */
Test(merge, by_runs_the_parts_of_a_file_are_read_side_by_side)
{
    enum { LATER = 3000000 };
    static const char *const names[] = {"joined", "plain"};
    static const struct due due[] = {{0, 1, 1},         {0, 4, 2},         {1, 1, 3},        {0, 2, LATER + 1},
                                     {0, 3, LATER - 5}, {0, 5, LATER + 2}, {1, 2, LATER + 3}};
    draft_times("joined", (const unsigned[]){1, LATER + 1, LATER - 5, 2, LATER + 2}, 5);
    draft_times("plain", (const unsigned[]){3, LATER + 3}, 2);
    by_runs = true;
    expect("joined", names, 2, due, 7);
    cr_expect_eq(inputs[0].frames, 5, "each frame of the file counts once");
    cr_expect_eq(inputs[0].backward, 2);
    cr_expect_eq(inputs[1].frames, 2);
}

Test(merge, what_cannot_be_read_is_noted_and_the_others_are_read)
{
    static const char *const names[] = {"late", "missing", "text", "none", "early"};
    static const struct due due[] = {{4, 1, 1}, {4, 2, 3}, {0, 1, 5}};
    draft_times("late", (const unsigned[]){5}, 1);
    draft_times("early", (const unsigned[]){1, 3}, 2);
    draft_save("text", "a letter of one line\n", 21);
    draft_save("none", "", 0);
    expect("troubles among them", names, 5, due, 3);
    for (int i = 1; i < 4; i++)
        cr_expect_str_not_empty(inputs[i].trouble.text, "%s", names[i]);
    cr_expect_str_empty(inputs[0].trouble.text);
    cr_expect_eq(inputs[4].frames, 2);
    cr_expect_eq(inputs[4].backward, 0);
}

Test(merge, one_that_breaks_off_ends_early)
{
    static const char *const names[] = {"cut", "whole"};
    static const struct due due[] = {{0, 1, 1}, {1, 1, 2}, {1, 2, 4}};
    draft_times("cut", (const unsigned[]){1, 3}, 2);
    cr_assert_eq(truncate(draft_path("cut"), (off_t)draft_size("cut") - 1), 0);
    draft_times("whole", (const unsigned[]){2, 4}, 2);
    expect("a file that is cut", names, 2, due, 3);
    cr_expect(inputs[0].truncated);
    cr_expect_not(inputs[1].truncated);
}

static void write_round_robin(size_t files, unsigned each, char names[][24], const char **list)
{
    for (size_t i = 0; i < files; i++) {
        unsigned times[8];
        for (unsigned k = 0; k < each; k++)
            times[k] = (unsigned)(k * files + i + 1);
        snprintf(names[i], sizeof names[i], "%zu", i);
        draft_times(names[i], times, each);
        list[i] = names[i];
    }
}

/* As many as are open at once come in order; of more, each frame comes once. */
Test(merge, many_that_overlap)
{
    char names[FILES][24];
    const char *list[FILES];
    write_round_robin(32, 3, names, list);
    struct merge *merge = merge_of(list, 32);
    struct frame frame;
    for (unsigned i = 0; i < 32 * 3; i++) {
        cr_assert(merge_next(merge, &frame));
        cr_assert_eq(frame.ref.input, i % 32);
        cr_assert_eq(frame.ref.number, i / 32 + 1);
    }
    cr_assert_not(merge_next(merge, &frame));
    end(merge, 32);
}

Test(merge, more_than_are_open_at_once)
{
    char names[FILES][24];
    const char *list[FILES];
    unsigned next[FILES] = {0};
    write_round_robin(FILES, 4, names, list);
    struct source *source = reading_with(list, FILES, NULL);
    int64_t previous = 0;
    struct frame frame;
    unsigned frames = 0;
    for (; source_next(source, &frame); frames++) {
        cr_assert_eq(frame.ref.number, ++next[frame.ref.input], "each file's frames in order");
        cr_assert_geq(frame.time_ns, previous, "what the merge cannot put in order, the batches do");
        previous = frame.time_ns;
    }
    cr_assert_eq(frames, FILES * 4);
    cr_assert_eq(source_late(source), 0);
    source_close(source);
}

Test(merge, the_same_file_twice)
{
    static const char *const names[] = {"a", "a"};
    static const struct due due[] = {{0, 1, 1}, {1, 1, 1}, {0, 2, 2}, {1, 2, 2}};
    draft_times("a", (const unsigned[]){1, 2}, 2);
    expect("twice", names, 2, due, 4);
}

/* What is read from a pipe cannot be looked at before: it is opened first and takes part all the same. */
Test(merge, a_pipe_among_files)
{
    static const char *const names[] = {"early", "fifo", "late"};
    static const struct due due[] = {{0, 1, 1}, {1, 1, 2}, {1, 2, 4}, {2, 1, 5}};
    char command[300];
    draft_times("early", (const unsigned[]){1}, 1);
    draft_times("piped", (const unsigned[]){2, 4}, 2);
    draft_times("late", (const unsigned[]){5}, 1);
    cr_assert_eq(mkfifo(draft_path("fifo"), 0600), 0);
    snprintf(command, sizeof command, "cat '%s' > '%s' &", draft_path("piped"), draft_path("fifo"));
    cr_assert_eq(system(command), 0);
    expect("a pipe", names, 3, due, 4);
}

Test(merge, standard_input_that_is_a_file)
{
    draft_times("early", (const unsigned[]){1, 3}, 2);
    draft_times("late", (const unsigned[]){2, 4}, 2);
    int file = open(draft_path("late"), O_RDONLY);
    cr_assert(file >= 0 && dup2(file, STDIN_FILENO) == STDIN_FILENO);
    close(file);
    const char *const paths[] = {"-", draft_path("early")};
    struct failure failure = {""};
    struct source *source = source_open(paths, 2, NULL, &failure);
    cr_assert_not_null(source);
    for (unsigned i = 1; i <= 4; i++) {
        struct frame frame = reading_frame(source);
        cr_expect_eq(frame.time_ns, DRAFT_NS + i * 1000);
        cr_expect_eq(frame.ref.input, i % 2);
    }
    cr_expect_eq(reading_all(source), 0);
    cr_expect_str_empty(reading_input(source, 0)->trouble.text);
    source_close(source);
}

Test(merge, counts_the_bytes_of_all)
{
    static const char *const names[] = {"a", "b"};
    draft_times("a", (const unsigned[]){1, 2}, 2);
    draft_times("b", (const unsigned[]){3}, 1);
    struct merge *merge = merge_of(names, 2);
    struct frame frame;
    while (merge_next(merge, &frame))
        continue;
    cr_expect_eq(merge_position(merge), draft_size("a") + draft_size("b"));
    end(merge, 2);
    merge_free(NULL);
}

static unsigned entries_of(const char *directory)
{
    unsigned count = 0;
    DIR *open = opendir(directory);
    cr_assert_not_null(open);
    while (readdir(open))
        count++;
    closedir(open);
    return count;
}

/* Descriptors and threads. */
static unsigned held(void)
{
    return entries_of("/proc/self/fd") + entries_of("/proc/self/task");
}

static void write_kinds(const char *const names[6])
{
    draft_times(names[0], (const unsigned[]){1, 9}, 2);
    draft_times(names[1], (const unsigned[]){3, 4}, 2);
    cr_assert_eq(truncate(draft_path(names[1]), (off_t)draft_size(names[1]) - 1), 0);
    draft_save(names[2], "a letter of one line\n", 21);
    struct draft ng = draft_pcapng(names[4], false);
    draft_interface(&ng, LINK_ETHERNET);
    for (unsigned i = 0; i < 2; i++) {
        draft_packet(&ng, 0, DRAFT_SECONDS * UINT64_C(1000000) + 5);
        draft_block_end(&ng);
    }
    draft_close(&ng);
    char command[400];
    snprintf(command, sizeof command, "gzip -c '%s' >'%s'", draft_path(names[0]), draft_path(names[5]));
    cr_assert_eq(system(command), 0);
}

/* Errors in the middle, files left unread: every descriptor is given back, and every thread ends. */
Test(merge, leaves_nothing_open)
{
    static const char *const names[] = {"a", "cut", "text", "missing", "ng", "a.gz"};
    write_kinds(names);
    source_close(reading_with(names, 6, NULL)); /* what libraries open once and keep */
    unsigned before = held();
    for (int round = 0; round < 50; round++) {
        struct source *source = reading_with(names, 6, NULL);
        for (int i = 0; i < round % 8; i++)
            reading_frame(source);
        source_close(source);
    }
    cr_assert_eq(held(), before);
}

Test(merge, two_thousand_files_some_of_them_broken)
{
    enum { COUNT = 2000 };
    static const char *const names[] = {"a", "cut", "text", "missing", "ng", "a.gz"};
    const char *paths[COUNT], *kinds[6];
    struct failure failure = {""};
    write_kinds(names);
    for (int i = 0; i < 6; i++)
        kinds[i] = draft_path(names[i]);
    for (int i = 0; i < COUNT; i++)
        paths[i] = kinds[i % 6];
    source_close(reading_with(names, 6, NULL));
    unsigned before = held();
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){100, 100});
    struct source *source = source_open(paths, COUNT, NULL, &failure);
    cr_assert_not_null(source);
    uint64_t due = 0;
    for (int i = 0; i < COUNT; i++)
        due += (uint64_t)(const int[]){2, 1, 0, 0, 2, 2}[i % 6];
    cr_expect_eq(reading_all(source), due);
    for (size_t i = 0; i < COUNT; i++) {
        bool broken = i % 6 >= 1 && i % 6 <= 3;
        cr_assert_eq(*reading_input(source, i)->trouble.text != '\0', broken, "%zu: %s", i,
                     reading_input(source, i)->trouble.text);
    }
    source_close(source);
    cr_expect_eq(held(), before);
}
