/* Pipes and sockets: what is looked at stays there, however it comes; and what is copied of them. */
#include "capture/pipe.h"
#include "tests/unit/reading.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(pipe, .init = draft_begin, .fini = draft_end, .timeout = 20);

/* Writes bytes into a descriptor, so many at a time with a pause before each, and closes it. */
struct writer {
    int descriptor;
    const void *bytes;
    size_t count, at_a_time;
    unsigned pause_ms;
    pthread_t thread;
};

static void *write_slowly(void *argument)
{
    const struct writer *writer = argument;
    const uint8_t *bytes = writer->bytes;
    for (size_t done = 0; done < writer->count;) {
        size_t left = writer->count - done, part = left < writer->at_a_time ? left : writer->at_a_time;
        usleep(writer->pause_ms * 1000);
        ssize_t written = write(writer->descriptor, bytes + done, part);
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    close(writer->descriptor);
    return NULL;
}

static void start(struct writer *writer)
{
    cr_assert_eq(pthread_create(&writer->thread, NULL, write_slowly, writer), 0);
}

enum kind { PIPE, SOCKETS };

static void open_pair(enum kind kind, int ends[2])
{
    cr_assert_eq(kind == PIPE ? pipe(ends) : socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
}

/* However the bytes come, as many as were asked for are seen, and all can be read afterwards. */
Test(pipe, nothing_is_taken_out)
{
    static const struct {
        const char *situation;
        enum kind kind;
        const char *bytes;
        size_t at_a_time;
        unsigned pause_ms;
        ssize_t seen;
    } rows[] = {
        {"a pipe, at once", PIPE, "abcdefgh", 8, 0, 4},
        {"a pipe, one by one", PIPE, "abcdefgh", 1, 15, 4},
        {"a pipe, late", PIPE, "abcdefgh", 8, 100, 4},
        {"a pipe, as many as asked for", PIPE, "abcd", 4, 0, 4},
        {"a pipe, fewer", PIPE, "abc", 3, 0, 3},
        {"a pipe, fewer, one by one", PIPE, "ab", 1, 15, 2},
        {"a pipe, none", PIPE, "", 1, 0, 0},
        {"sockets, at once", SOCKETS, "abcdefgh", 8, 0, 4},
        {"sockets, one by one", SOCKETS, "abcdefgh", 1, 15, 4},
        {"sockets, late", SOCKETS, "abcdefgh", 8, 100, 4},
        {"sockets, fewer", SOCKETS, "abc", 3, 0, 3},
        {"sockets, fewer, one by one", SOCKETS, "ab", 1, 15, 2},
        {"sockets, none", SOCKETS, "", 1, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int ends[2];
        uint8_t seen[4] = {0};
        char all[16] = "";
        open_pair(rows[i].kind, ends);
        struct writer writer = {.descriptor = ends[1],
                                .bytes = rows[i].bytes,
                                .count = strlen(rows[i].bytes),
                                .at_a_time = rows[i].at_a_time,
                                .pause_ms = rows[i].pause_ms};
        start(&writer);
        cr_expect_eq(pipe_peek(ends[0], seen, sizeof seen), rows[i].seen, "%s", rows[i].situation);
        cr_expect_eq(memcmp(seen, rows[i].bytes, (size_t)rows[i].seen), 0, "%s", rows[i].situation);
        cr_expect_eq(pipe_peek(ends[0], seen, sizeof seen), rows[i].seen, "%s: twice", rows[i].situation);
        pthread_join(writer.thread, NULL);
        ssize_t count, sum = 0;
        while ((count = read(ends[0], all + sum, sizeof all - (size_t)sum - 1)) > 0)
            sum += count;
        cr_expect_str_eq(all, rows[i].bytes, "%s", rows[i].situation);
        close(ends[0]);
    }
}

/* A socket whose writer has shut down its side only. */
Test(pipe, half_a_socket)
{
    int ends[2];
    uint8_t seen[4];
    open_pair(SOCKETS, ends);
    cr_assert_eq(write(ends[1], "ab", 2), 2);
    cr_assert_eq(shutdown(ends[1], SHUT_WR), 0);
    cr_expect_eq(pipe_peek(ends[0], seen, sizeof seen), 2);
    close(ends[0]);
    close(ends[1]);
}

Test(pipe, what_is_none)
{
    uint8_t seen[4];
    cr_expect_eq(pipe_peek(-1, seen, sizeof seen), -1);
    cr_expect_eq(errno, EBADF);
}

static bool never(void)
{
    return false;
}

static bool at_once(void)
{
    return true;
}

Test(pipe, a_copy_holds_all)
{
    enum { BYTES = 300000 };
    static uint8_t bytes[BYTES], copied[BYTES + 1];
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t)(i * 7 >> 3);
    for (enum kind kind = PIPE; kind <= SOCKETS; kind++) {
        int ends[2];
        open_pair(kind, ends);
        struct writer writer = {.descriptor = ends[1], .bytes = bytes, .count = BYTES, .at_a_time = 70001};
        start(&writer);
        int copy = pipe_spool(ends[0], never);
        pthread_join(writer.thread, NULL);
        cr_assert_geq(copy, 0);
        cr_expect_eq(pread(copy, copied, sizeof copied, 0), BYTES);
        cr_expect_eq(memcmp(bytes, copied, BYTES), 0);
        struct stat status;
        cr_expect(fstat(copy, &status) == 0 && status.st_nlink == 0, "it has no name");
        cr_expect(fcntl(copy, F_GETFD) & FD_CLOEXEC);
        close(copy);
        close(ends[0]);
    }
}

Test(pipe, a_copy_ends_early)
{
    int ends[2];
    open_pair(PIPE, ends);
    cr_assert_eq(write(ends[1], "abc", 3), 3);
    int copy = pipe_spool(ends[0], at_once); /* the writer is there still: without the question it would wait */
    cr_expect_geq(copy, 0);
    close(copy);
}

Test(pipe, a_copy_that_cannot_be_made)
{
    int ends[2];
    open_pair(PIPE, ends);
    setenv("TMPDIR", draft_path("nowhere"), 1);
    cr_expect_eq(pipe_spool(ends[0], never), -1);
    cr_expect_eq(errno, ENOENT);
    unsetenv("TMPDIR");
    cr_expect_eq(pipe_spool(ends[1], never), -1, "what cannot be read");
    cr_expect_eq(errno, EBADF);
    setenv("TMPDIR", draft_folder(), 1);
    close(ends[1]);
    int copy = pipe_spool(ends[0], never);
    cr_expect_geq(copy, 0, "an empty one is no error");
    struct stat status;
    cr_expect(fstat(copy, &status) == 0 && status.st_size == 0);
}

/* Captures that come by something else than a file. */

static void write_pcapng(const char *name)
{
    struct draft draft = draft_pcapng(name, false);
    draft_interface(&draft, LINK_ETHERNET);
    for (unsigned i = 0; i < 3; i++) {
        draft_packet(&draft, 0, DRAFT_SECONDS * UINT64_C(1000000) + i);
        draft_block_end(&draft);
    }
    draft_close(&draft);
}

static void compress(const char *name, const char *compressed)
{
    char command[400];
    snprintf(command, sizeof command, "gzip -c '%s' >'%s'", draft_path(name), draft_path(compressed));
    cr_assert_eq(system(command), 0);
}

static void read_standard_input(const char *name, enum kind kind, size_t at_a_time, unsigned pause_ms)
{
    static uint8_t bytes[4096];
    const char *const paths[] = {"-"};
    struct failure failure = {""};
    int ends[2];
    FILE *file = fopen(draft_path(name), "rb");
    cr_assert_not_null(file);
    size_t count = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    open_pair(kind, ends);
    cr_assert_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    struct writer writer = {
        .descriptor = ends[1], .bytes = bytes, .count = count, .at_a_time = at_a_time, .pause_ms = pause_ms};
    start(&writer);
    struct source *source = source_open(paths, 1, NULL, &failure);
    cr_assert_not_null(source);
    cr_expect_eq(reading_all(source), 3, "%s by %s, %zu at a time: %s", name, kind == PIPE ? "pipe" : "sockets",
                 at_a_time, reading_input(source, 0)->trouble.text);
    cr_expect_str_empty(reading_input(source, 0)->trouble.text);
    pthread_join(writer.thread, NULL);
    source_close(source);
}

Test(pipe, captures_by_standard_input)
{
    static const char *const names[] = {"pcap", "pcapng", "pcap.gz", "pcapng.gz"};
    draft_frames("pcap", false, DRAFT_MICRO, 3);
    write_pcapng("pcapng");
    compress("pcap", "pcap.gz");
    compress("pcapng", "pcapng.gz");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (enum kind kind = PIPE; kind <= SOCKETS; kind++) {
            read_standard_input(names[i], kind, 4096, 0);
            read_standard_input(names[i], kind, 1, 1);
            read_standard_input(names[i], kind, 3, 0);
        }
}

/* The writer of a named pipe is gone by the time that its bytes are looked at. */
Test(pipe, captures_by_a_named_pipe)
{
    static const char *const names[] = {"pcap", "pcapng", "pcap.gz"};
    draft_frames("pcap", false, DRAFT_MICRO, 3);
    write_pcapng("pcapng");
    compress("pcap", "pcap.gz");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char command[400];
        unlink(draft_path("fifo"));
        cr_assert_eq(mkfifo(draft_path("fifo"), 0600), 0);
        snprintf(command, sizeof command, "cat '%s' > '%s' &", draft_path(names[i]), draft_path("fifo"));
        cr_assert_eq(system(command), 0);
        struct source *source = reading_of("fifo", NULL);
        cr_expect_eq(reading_all(source), 3, "%s: %s", names[i], reading_input(source, 0)->trouble.text);
        source_close(source);
    }
}

Test(pipe, nothing_by_standard_input)
{
    const char *const paths[] = {"-"};
    struct failure failure = {""};
    int ends[2];
    open_pair(PIPE, ends);
    close(ends[1]);
    cr_assert_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    struct source *source = source_open(paths, 1, NULL, &failure);
    cr_expect_eq(reading_all(source), 0);
    cr_expect(reading_says(reading_input(source, 0), "-: the file is empty"));
    source_close(source);
    close(STDIN_FILENO);
    source = source_open(paths, 1, NULL, &failure);
    cr_expect_eq(reading_all(source), 0);
    cr_expect(reading_says(reading_input(source, 0), "Bad file descriptor"));
    source_close(source);
}
