/* The pcap files of a ring: whole whatever happens, and within their bounds. */
#include "tests/unit/reading.h"
#include "tests/unit/watching.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FRAME = 84, RECORD = 16 + FRAME, HEAD = 24, KILLS = 20 };

TestSuite(ring, .init = draft_begin, .fini = draft_end);

static uint8_t bytes[8192];
static uint64_t frames; /* written or lost */

static unsigned put_of(struct ring *ring, int link_type, uint32_t captured)
{
    struct frame frame = {.data = bytes,
                          .captured = captured,
                          .declared = captured + 1,
                          .link_type = link_type,
                          .time_ns = DRAFT_NS + (int64_t)frames * 1000001};
    memset(bytes, (int)frames, sizeof bytes);
    frames++;
    return ring_write(ring, &frame);
}

static unsigned put(struct ring *ring)
{
    return put_of(ring, LINK_ETHERNET, FRAME);
}

static struct ring *ring_of(uint64_t most, unsigned files, unsigned first)
{
    struct ring_options options = watching_files(most, files);
    options.first = first;
    struct ring *ring = ring_new(&options);
    cr_assert_not_null(ring);
    return ring;
}

static bool is_there(unsigned number)
{
    char text[RING_NAME];
    return access(draft_path(ring_file_name(text, "tcp53", number)), F_OK) == 0;
}

static size_t size_of(unsigned number)
{
    char text[RING_NAME];
    return draft_size(ring_file_name(text, "tcp53", number));
}

/* Bytes of all files together, as `du --apparent-size`. */
static size_t size_of_all(unsigned last)
{
    size_t sum = 0;
    for (unsigned i = 1; i <= last; i++)
        sum += is_there(i) ? size_of(i) : 0;
    return sum;
}

/* Frames of the folder; each file is whole. */
static uint64_t frames_there(void)
{
    const char *const path = draft_folder();
    struct failure failure;
    struct source *source = source_open(&path, 1, NULL, &failure);
    cr_assert_not_null(source, "%s", failure.text);
    uint64_t count = reading_all(source);
    size_t inputs;
    const struct input *input = source_inputs(source, &inputs);
    for (size_t i = 0; i < inputs; i++)
        cr_expect_not(input[i].truncated || *input[i].trouble.text, "%s", input[i].trouble.text);
    source_close(source);
    return count;
}

static unsigned next_number(const char *path, const char *name, unsigned files)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    unsigned number = ring_next_number(directory, name, files);
    if (directory >= 0)
        close(directory);
    return number;
}

Test(ring, frames_as_they_were)
{
    struct ring *ring = ring_of(0, 0, 0);
    cr_expect_not(is_there(1), "nothing is made before it is needed");
    for (uint32_t i = 0; i < 5; i++) {
        cr_expect_eq(put_of(ring, LINK_ETHERNET, 100 * i), 1);
        cr_expect_eq(size_of(1), HEAD + (i + 1) * 16 + 100 * i * (i + 1) / 2, "it is in the file at once");
    }
    ring_free(ring);
    struct source *source = reading_of("tcp53-0001.pcap", NULL);
    for (uint32_t i = 0; i < 5; i++) {
        struct frame frame = reading_frame(source);
        cr_expect_eq(frame.time_ns, DRAFT_NS + i * INT64_C(1000001));
        cr_expect_eq(frame.captured, 100 * i);
        cr_expect_eq(frame.declared, 100 * i + 1);
        cr_expect_eq(frame.link_type, LINK_ETHERNET);
        for (uint32_t k = 0; k < frame.captured; k++)
            cr_assert_eq(frame.data[k], i);
    }
    cr_expect_eq(reading_all(source), 0);
    source_close(source);
}

/* Whatever is written: so many files, each of so many bytes at most. */
Test(ring, bounds)
{
    enum { FILES = 3, MOST = HEAD + 10 * RECORD + 5 };
    struct ring *ring = ring_of(MOST, FILES, 0);
    for (unsigned i = 0; i < 1000; i++) {
        cr_assert_eq(put(ring), i / 10 + 1);
        cr_assert_leq(size_of_all(i / 10 + 1), FILES * MOST);
    }
    cr_expect(is_there(98) && is_there(99) && is_there(100) && !is_there(97));
    cr_expect_eq(frames_there(), 30);
    struct ring_counters counters = ring_counters(ring);
    cr_expect_eq(counters.written, 1000);
    cr_expect_eq(counters.files, 100);
    cr_expect_eq(counters.oldest, 98);
    ring_free(ring);
}

Test(ring, a_frame_larger_than_a_file)
{
    struct ring *ring = ring_of(100, 2, 0);
    for (unsigned i = 1; i <= 5; i++)
        cr_expect_eq(put_of(ring, LINK_ETHERNET, 500), i);
    cr_expect_eq(frames_there(), 2);
    ring_free(ring);
}

Test(ring, numbers_of_more_than_four_digits)
{
    struct ring *ring = ring_of(HEAD + RECORD, 3, 9999);
    put(ring);
    put(ring);
    ring_free(ring);
    cr_expect_eq(draft_size("tcp53-9999.pcap"), HEAD + RECORD);
    cr_expect_eq(draft_size("tcp53-10000.pcap"), HEAD + RECORD);
    cr_expect_eq(next_number(draft_folder(), "tcp53", 3), 10001);
}

Test(ring, link_types_side_by_side)
{
    static const int types[] = {LINK_ETHERNET, LINK_LINUX_SLL2, LINK_RAW, LINK_NULL, LINK_PPP, LINK_IPV4};
    enum { TYPES = sizeof types / sizeof *types };
    struct ring *ring = ring_of(0, 100, 0);
    for (unsigned turn = 0; turn < 3; turn++)
        for (unsigned i = 0; i < RING_LINKS; i++)
            cr_expect_eq(put_of(ring, types[i], FRAME), i + 1);
    cr_expect_eq(put_of(ring, types[4], FRAME), 5);
    cr_expect_eq(put_of(ring, types[5], FRAME), 6);
    cr_expect_eq(put_of(ring, types[2], FRAME), 3, "still open");
    cr_expect_eq(put_of(ring, types[0], FRAME), 7, "it was the least lately used");
    cr_expect_eq(frames_there(), 16);
    ring_free(ring);
    struct source *source = reading_of("tcp53-0003.pcap", NULL);
    cr_expect_eq(reading_frame(source).link_type, LINK_RAW_DLT);
    source_close(source);
}

/* The bound on files counts before the wish to have several open. */
Test(ring, link_types_in_one_file_at_a_time)
{
    struct ring *ring = ring_of(0, 1, 0);
    for (unsigned i = 1; i <= 6; i++) {
        cr_expect_eq(put_of(ring, i & 1 ? LINK_ETHERNET : LINK_RAW, FRAME), i);
        cr_expect_eq(size_of_all(i), HEAD + RECORD);
    }
    ring_free(ring);
}

Test(ring, a_link_type_without_a_number)
{
    struct ring *ring = ring_of(0, 0, 0);
    cr_expect_eq(put_of(ring, 60000, FRAME), 0);
    cr_expect_not(is_there(1));
    frames += 1000;
    cr_expect_eq(put(ring), 1);
    cr_expect_eq(ring_counters(ring).lost, 1);
    ring_free(ring);
}

Test(ring, reopened)
{
    struct ring *ring = ring_of(0, 0, 0);
    put(ring);
    ring_reopen(ring);
    ring_reopen(ring);
    cr_expect_eq(put(ring), 2);
    ring_free(ring);
    cr_expect_eq(frames_there(), 2);
}

/* A new start */

static void save(const char *name)
{
    draft_save(name, "x", 1);
}

Test(ring, goes_on_after_a_restart)
{
    cr_expect_eq(next_number(draft_folder(), "tcp53", 3), 1);
    struct ring *ring = ring_of(HEAD + RECORD, 10, 0);
    for (int i = 0; i < 6; i++)
        put(ring);
    ring_free(ring);
    unlink(draft_path("tcp53-0005.pcap"));
    static const char *const others[] = {"tcp53-001.pcap",  "tcp53-00099.pcap",     "tcp53-0099.pcapng",
                                         "tcp53-.pcap",     "other-0099.pcap",      "tcp53-0000.pcap",
                                         "tcp53--099.pcap", "tcp53-9999999999.pcap"};
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        save(others[i]);
    cr_expect_eq(next_number(draft_folder(), "tcp53", 3), 7);
    cr_expect(!is_there(1) && !is_there(3) && is_there(4) && is_there(6), "those beyond -W are gone");
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        cr_expect_eq(draft_size(others[i]), 1, "%s", others[i]);
    ring = ring_of(HEAD + RECORD, 3, 7);
    cr_expect_eq(put(ring), 7);
    cr_expect(!is_there(4) && is_there(6) && is_there(7));
    ring_free(ring);
    cr_expect_eq(next_number("/nowhere", "tcp53", 3), 0);
}

Test(ring, number_that_is_taken)
{
    struct ring *ring = ring_of(0, 0, 0);
    save("tcp53-0001.pcap");
    cr_expect_eq(put(ring), 2);
    ring_free(ring);
}

static void cut(const char *name, size_t length)
{
    cr_assert_eq(truncate(draft_path(name), (off_t)length), 0);
}

/* A file that ends anywhere is cut back to its last whole frame. */
Test(ring, mended_at_the_start)
{
    for (size_t length = HEAD + 3 * RECORD; length > HEAD; length--) {
        struct ring *ring = ring_of(0, 0, 0);
        for (int i = 0; i < 3; i++)
            put(ring);
        ring_free(ring);
        cut("tcp53-0001.pcap", length);
        cr_expect_eq(next_number(draft_folder(), "tcp53", 0), 2);
        cr_expect_eq(size_of(1), HEAD + (length - HEAD) / RECORD * RECORD);
        cr_expect_eq(frames_there(), (length - HEAD) / RECORD);
        unlink(draft_path("tcp53-0001.pcap"));
    }
}

Test(ring, zeros_at_the_end_are_cut_off)
{
    struct ring *ring = ring_of(0, 0, 0);
    put(ring);
    ring_free(ring);
    cut("tcp53-0001.pcap", HEAD + RECORD + 4096);
    save("target");
    cr_assert_eq(symlink("target", draft_path("tcp53-0002.pcap")), 0);
    draft_save("tcp53-0003.pcap", "", 0);
    cr_expect_eq(next_number(draft_folder(), "tcp53", 0), 4);
    cr_expect_eq(size_of(1), HEAD + RECORD);
    cr_expect_eq(draft_size("target"), 1, "no link is followed");
    cr_expect_not(is_there(3), "an empty file goes");
}

/* Trouble */

/* Writes frames until one is lost; how many were not. */
static uint64_t write_until_lost(struct ring *ring, unsigned most)
{
    for (unsigned i = 0; i < most; i++)
        if (put(ring) == 0)
            return i;
    return most;
}

static int refuse_to_create(void *context, const char *name)
{
    (void)context;
    (void)name;
    errno = EACCES;
    return -1;
}

static bool refuse_to_remove(void *context, const char *name)
{
    (void)context;
    (void)name;
    errno = EACCES;
    return false;
}

Test(ring, files_cannot_be_made)
{
    struct ring_options options = watching_files(0, 0);
    options.create = refuse_to_create;
    struct ring *ring = ring_new(&options);
    cr_expect_eq(put(ring), 0);
    cr_expect_eq(errno, EACCES);
    cr_expect_eq(put(ring), 0);
    cr_expect_eq(errno, EAGAIN, "not tried again at once");
    frames += 1000;
    cr_expect_eq(put(ring), 0);
    cr_expect_eq(errno, EACCES, "a second later it is");
    cr_expect_eq(ring_counters(ring).lost, 3);
    ring_free(ring);
}

/* Then no more are made: the bound holds. */
Test(ring, files_cannot_be_removed)
{
    struct ring_options options = watching_files(HEAD + RECORD, 3);
    options.remove = refuse_to_remove;
    struct ring *ring = ring_new(&options);
    cr_expect_eq(write_until_lost(ring, 10), 3);
    cr_expect_eq(size_of_all(10), 3 * (HEAD + RECORD));
    ring_free(ring);
}

static void limit_files(rlim_t most)
{
    struct rlimit limit = {most, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A write that is cut short: the part is taken back, and the frame goes to the next file. */
Test(ring, short_writes)
{
    struct ring *ring = ring_of(0, 0, 0);
    limit_files(HEAD + 10 * RECORD + 50);
    for (unsigned i = 0; i < 35; i++)
        cr_expect_eq(put(ring), i / 10 + 1);
    limit_files(RLIM_INFINITY);
    cr_expect_eq(ring_counters(ring).lost, 0);
    cr_expect_eq(ring_counters(ring).torn, 0);
    ring_free(ring);
    cr_expect_eq(size_of(1), HEAD + 10 * RECORD);
    cr_expect_eq(frames_there(), 35);
}

/* Nothing can be written at all: no file is lost over it, whose number makes older ones go. */
Test(ring, no_write_succeeds)
{
    struct ring *ring = ring_of(0, 3, 0);
    put(ring);
    ring_reopen(ring);
    limit_files(10);
    for (int i = 0; i < 20; i++) {
        frames += 1000;
        cr_expect_eq(put(ring), 0);
    }
    limit_files(RLIM_INFINITY);
    cr_expect(is_there(1) && !is_there(2));
    frames += 1000;
    cr_expect_eq(put(ring), 2);
    ring_free(ring);
    cr_expect_eq(frames_there(), 2);
}

/* A file system of so many bytes in the test's folder, in a name space of its own; false without the right to make it. */
static bool mount_small(const char *size)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", draft_folder(), "tmpfs", 0, size) == 0;
}

/* Somebody else fills what is left. */
static void fill(void)
{
    FILE *other = fopen(draft_path("other"), "ab");
    cr_assert_not_null(other);
    while (fwrite(bytes, 1, sizeof bytes, other) == sizeof bytes && fflush(other) == 0)
        continue;
    fclose(other);
}

static void expect_room_by_old_files(struct ring *ring)
{
    for (unsigned i = 0; i < 5000; i++)
        cr_assert_neq(put(ring), 0, "frame %u: %s", i, strerror(errno));
    cr_expect_gt(ring_counters(ring).oldest, 1);
    cr_expect_gt(frames_there(), 700);
    for (int i = 0; i < 50; i++) { /* and what is freed */
        fill();
        frames += 1000;
        cr_expect_neq(put(ring), 0);
    }
    cr_expect_gt(frames_there(), 0);
}

Test(ring, disk_full)
{
    if (!mount_small("size=128k"))
        cr_skip_test("no file system can be mounted");
    struct ring *ring = ring_of(16 * 1024, 1000, 0);
    fill();
    for (unsigned i = 1; i <= 20; i++) {
        frames += 1000;
        cr_expect_eq(put(ring), 0);
        cr_expect_eq(errno, ENOSPC);
        cr_expect_eq(ring_counters(ring).lost, i);
    }
    cr_expect_not(is_there(1));
    unlink(draft_path("other"));
    frames += 1000;
    cr_expect_eq(put(ring), 1, "it goes on");
    expect_room_by_old_files(ring);
    cr_expect_eq(ring_counters(ring).lost, 20);
    ring_free(ring);
    umount(draft_folder());
}

static bool remove_in_vain(void *context, const char *name)
{
    bool gone = unlink(draft_path(name)) == 0;
    (void)context;
    fill();
    return gone;
}

/* Whoever fills what is freed does not make the ring empty itself. */
Test(ring, room_that_is_lost_again)
{
    if (!mount_small("size=128k"))
        cr_skip_test("no file system can be mounted");
    struct ring_options options = watching_files(16 * 1024, 1000);
    options.remove = remove_in_vain;
    struct ring *ring = ring_new(&options);
    while (put(ring) < 5)
        continue;
    fill();
    for (int i = 0; i < 200; i++) { /* the fifth file may have room in its last page */
        frames += 1000;
        put(ring);
    }
    cr_expect(!is_there(1) && is_there(2) && is_there(3) && is_there(4) && is_there(5));
    cr_expect_gt(ring_counters(ring).lost, 0);
    ring_free(ring);
    umount(draft_folder());
}

/* A process that writes as fast as it can, ended by SIGKILL: what a start does afterwards leaves whole files. */
static void write_for_ever(unsigned first)
{
    struct ring *ring = ring_of(1000 * 1000, 3, first);
    for (;;)
        put_of(ring, frames % 3 ? LINK_ETHERNET : LINK_RAW, (uint32_t)(frames * 37 % 2000));
}

Test(ring, killed)
{
    srandom(53);
    for (int i = 0; i < KILLS; i++) {
        unsigned first = next_number(draft_folder(), "tcp53", 3);
        pid_t child = fork();
        if (child == 0)
            write_for_ever(first);
        for (int k = 0; k < 5000 && !is_there(first); k++)
            usleep(1000);
        usleep((useconds_t)(random() % 5000));
        cr_assert_eq(kill(child, SIGKILL), 0);
        int status;
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        unsigned next = next_number(draft_folder(), "tcp53", 3);
        cr_expect_gt(next, first);
        cr_expect_gt(frames_there(), 0);
        cr_expect_leq(size_of_all(next), 3 * 1000 * 1000);
    }
}
