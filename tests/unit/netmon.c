/* Network Monitor captures: their versions, their clocks, names of processes, tables that lie. */
#include "capture/netmon.h"
#include "clock.h"
#include "tests/unit/reading.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADER = 128,
    AT_FRAME_TABLE = 24,
    AT_PROCESS_TABLE = 48,
    FRAMES_MOST = 16,
    CAPTURED = 20,
    DECLARED = 90,
    ETHERNET = 1,
    NO_PROCESS = -1,
};

TestSuite(netmon, .init = draft_begin, .fini = draft_end);

/* A file as it is written: 2.`minor`. */
struct scribe {
    struct draft draft;
    unsigned minor;
    uint32_t frames[FRAMES_MOST], frame_count;
    uint32_t processes, process_count; /* where their table begins */
};

static uint32_t position(const struct scribe *scribe)
{
    return (uint32_t)ftell(scribe->draft.out);
}

/* It says that it began on 2023-11-14 at 22:13:20, local time. */
static struct scribe begin(const char *name, unsigned minor)
{
    static const uint16_t began[] = {2023, 11, 2, 14, 22, 13, 20, 0};
    struct scribe scribe = {.draft = draft_open(name, false), .minor = minor};
    draft_bytes(&scribe.draft, "GMBU", 4);
    draft_put(&scribe.draft, minor, 1);
    draft_put(&scribe.draft, 2, 1);
    draft_put(&scribe.draft, ETHERNET, 2);
    for (size_t i = 0; i < sizeof began / sizeof *began; i++)
        draft_put(&scribe.draft, began[i], 2);
    while (position(&scribe) < HEADER)
        draft_put(&scribe.draft, 0, 1);
    return scribe;
}

/* A frame so many microseconds after the beginning, or, in 2.3, after the beginning in UTC, which is an hour earlier. */
static void put_frame(struct scribe *scribe, uint64_t offset_us, unsigned media, int process)
{
    struct draft *draft = &scribe->draft;
    scribe->frames[scribe->frame_count++] = position(scribe);
    draft_put(draft, offset_us, 8);
    draft_put(draft, DECLARED, 4);
    draft_put(draft, CAPTURED, 4);
    for (int i = 0; i < CAPTURED; i++)
        draft_put(draft, (uint64_t)i, 1);
    if (scribe->minor >= 1)
        draft_put(draft, media, 2);
    if (scribe->minor >= 2)
        draft_put(draft, (uint64_t)process, 4);
    if (scribe->minor >= 3) {
        draft_put(draft, ((DRAFT_SECONDS - 3600 + UINT64_C(11644473600)) * 1000000 + offset_us) * 10, 8);
        draft_put(draft, 0, 1);
    }
}

static void begin_processes(struct scribe *scribe)
{
    scribe->processes = position(scribe);
    draft_put(&scribe->draft, 1, 2);
}

/* Path in ASCII; an icon of three bytes. */
static void put_process(struct scribe *scribe, const char *path, uint32_t id)
{
    struct draft *draft = &scribe->draft;
    if (scribe->process_count++ == 0)
        begin_processes(scribe);
    draft_put(draft, 2 * strlen(path), 4);
    for (const char *at = path; *at; at++)
        draft_put(draft, (uint8_t)*at, 2);
    draft_put(draft, 3, 4);
    draft_put(draft, 0, 3);
    draft_put(draft, id, 4);
    for (int i = 0; i < 44; i++)
        draft_put(draft, 0, 1);
}

static void end(struct scribe *scribe)
{
    struct draft *draft = &scribe->draft;
    uint32_t table = position(scribe);
    for (uint32_t i = 0; i < scribe->frame_count; i++)
        draft_put(draft, scribe->frames[i], 4);
    fseek(draft->out, AT_FRAME_TABLE, SEEK_SET);
    draft_put(draft, table, 4);
    draft_put(draft, 4 * scribe->frame_count, 4);
    fseek(draft->out, AT_PROCESS_TABLE, SEEK_SET);
    draft_put(draft, scribe->processes, 4);
    draft_put(draft, scribe->process_count, 4);
    draft_close(draft);
}

#if TCP53_WIRETAP

Test(netmon, each_version)
{
    cr_assert(clock_set_zone("UTC"));
    for (unsigned minor = 0; minor <= 3; minor++) {
        struct scribe scribe = begin("a.cap", minor);
        put_frame(&scribe, 0, ETHERNET, NO_PROCESS);
        put_frame(&scribe, 1500001, ETHERNET, NO_PROCESS);
        end(&scribe);
        struct source *source = reading_of("a.cap", NULL);
        int64_t began = DRAFT_NS - (minor == 3 ? INT64_C(3600000000000) : 0);
        struct frame frame = reading_frame(source);
        cr_expect_eq(frame.time_ns, began, "2.%u", minor);
        cr_expect_eq(frame.captured, CAPTURED);
        cr_expect_eq(frame.declared, DECLARED);
        cr_expect_eq(frame.link_type, LINK_ETHERNET);
        cr_expect_eq(frame.data[CAPTURED - 1], CAPTURED - 1);
        cr_expect_eq(frame.ref.number, 1);
        cr_expect_eq(reading_frame(source).time_ns, began + 1500001000, "2.%u", minor);
        cr_expect_eq(reading_all(source), 0);
        const struct input *input = reading_input(source, 0);
        cr_expect_str_eq(input->format, "netmon2");
        cr_expect_str_empty(input->trouble.text);
        cr_expect_eq(input->local_times, minor < 3, "2.%u", minor);
        source_close(source);
    }
}

/*
 * Local times are those of a zone the file does not name; 2.3 tells UTC. The same by standard input, and compressed,
 * where nothing tells the version: the times are right, and called local all the same.
 */
Test(netmon, whose_clock)
{
    static const struct {
        const char *zone;
        int64_t ahead;
    } rows[] = {{"+01:00", 3600}, {"America/New_York", -5 * 3600}, {"UTC", 0}};
    char command[512];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (unsigned minor = 2; minor <= 3; minor++) {
            cr_assert(clock_set_zone(rows[i].zone));
            struct scribe scribe = begin("a.cap", minor);
            put_frame(&scribe, 0, ETHERNET, NO_PROCESS);
            end(&scribe);
            snprintf(command, sizeof command, "gzip -c '%s' >'%s'", draft_path("a.cap"), draft_path("a.gz"));
            cr_assert_eq(system(command), 0);
            cr_assert_not_null(freopen(draft_path("a.cap"), "rb", stdin));
            const char *const paths[] = {draft_path("a.cap"), draft_path("a.gz"), "-"};
            for (size_t k = 0; k < sizeof paths / sizeof *paths; k++) {
                struct failure failure = {""};
                struct source *source = source_open(&paths[k], 1, NULL, &failure);
                cr_assert_not_null(source);
                int64_t due = minor == 3 ? DRAFT_SECONDS - 3600 : DRAFT_SECONDS - rows[i].ahead;
                cr_expect_eq(reading_frame(source).time_ns / 1000000000, due, "2.%u, %s, %s", minor, rows[i].zone,
                             paths[k]);
                cr_expect_eq(reading_all(source), 0);
                cr_expect_eq(reading_input(source, 0)->local_times, minor < 3, "2.%u, %s", minor, paths[k]);
                source_close(source);
            }
        }
}

/* Offsets are signed: a frame may come before the beginning. */
Test(netmon, before_the_beginning)
{
    cr_assert(clock_set_zone("UTC"));
    struct scribe scribe = begin("a.cap", 1);
    put_frame(&scribe, (uint64_t)-5000000, ETHERNET, NO_PROCESS);
    end(&scribe);
    struct source *source = reading_of("a.cap", NULL);
    cr_expect_eq(reading_frame(source).time_ns, DRAFT_NS - INT64_C(5000000000));
    source_close(source);
}

/* Kinds of frames that nobody knows are stepped over and have their numbers. */
Test(netmon, an_unknown_media_type)
{
    static const unsigned unknown[] = {0x0bad, 0x0004, 0x0005, 0xe083, 0xfffe};
    cr_assert(clock_set_zone("UTC"));
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        struct scribe scribe = begin("a.cap", 2);
        put_frame(&scribe, 0, ETHERNET, NO_PROCESS);
        put_frame(&scribe, 1, unknown[i], NO_PROCESS);
        put_frame(&scribe, 2, ETHERNET, NO_PROCESS);
        end(&scribe);
        struct source *source = reading_of("a.cap", NULL);
        struct frame frame;
        uint64_t known = 0;
        while (source_next(source, &frame)) {
            known += frame.link_type == LINK_ETHERNET;
            cr_expect(frame.link_type != LINK_ETHERNET || frame.data[1] == 1);
        }
        cr_expect_eq(known, 2, "%#x", unknown[i]);
        cr_expect_str_empty(reading_input(source, 0)->trouble.text, "%#x: %s", unknown[i],
                            reading_input(source, 0)->trouble.text);
        cr_expect_leq(reading_input(source, 0)->records, 3);
        if (i == 0) {
            cr_expect_eq(frame.ref.number, 3);
            cr_expect_eq(reading_input(source, 0)->skipped, 1);
        }
        source_close(source);
    }
}

Test(netmon, frames_of_several_processes)
{
    cr_assert(clock_set_zone("UTC"));
    struct scribe scribe = begin("a.cap", 2);
    put_frame(&scribe, 0, ETHERNET, 1);
    put_frame(&scribe, 1, ETHERNET, 0);
    put_frame(&scribe, 2, ETHERNET, NO_PROCESS);
    put_frame(&scribe, 3, ETHERNET, 2);
    put_frame(&scribe, 4, ETHERNET, 1);
    put_process(&scribe, "C:\\Windows\\System32\\dns.exe", 1234);
    put_process(&scribe, "\\Device\\HarddiskVolume2\\EdgeTransport.exe", 4294967295);
    end(&scribe);
    static const char *const due[] = {"process EdgeTransport.exe, PID 4294967295", "process dns.exe, PID 1234", NULL,
                                      NULL, "process EdgeTransport.exe, PID 4294967295"};
    const char *const paths[] = {draft_path("a.cap"), "-"};
    for (size_t k = 0; k < 2; k++) {
        uint8_t notes[5];
        struct failure failure = {""};
        cr_assert_not_null(freopen(draft_path("a.cap"), "rb", stdin));
        struct source *source = source_open(&paths[k], 1, NULL, &failure);
        for (int i = 0; i < 5; i++)
            notes[i] = reading_frame(source).note;
        cr_expect_eq(reading_all(source), 0);
        for (int i = 0; i < 5; i++) {
            const char *note = source_note(source, notes[i]);
            cr_expect(note == due[i] || (note && due[i] && strcmp(note, due[i]) == 0), "frame %d of %s: %s", i + 1,
                      paths[k], note);
        }
        source_close(source);
    }
}

/* The file ends anywhere: what is read stays within it, and a sentence says why it ends. */
Test(netmon, cut_anywhere)
{
    struct scribe scribe = begin("whole.cap", 2);
    for (unsigned i = 0; i < 3; i++)
        put_frame(&scribe, i, ETHERNET, (int)i % 2);
    put_process(&scribe, "C:\\dns.exe", 1);
    end(&scribe);
    size_t size = draft_size("whole.cap");
    for (size_t length = 0; length < size; length += length < HEADER ? 9 : 1) {
        remove(draft_path("cut.cap"));
        draft_part("whole.cap", "cut.cap", 0, length);
        struct source *source = reading_of("cut.cap", NULL);
        cr_expect_leq(reading_all(source), 3);
        cr_expect_str_not_empty(reading_input(source, 0)->trouble.text, "%zu of %zu bytes", length, size);
        source_close(source);
    }
}

#endif

/* The table of processes, by itself: `name` of the frame that refers to the first entry, or none. */
static void expect_process(const char *situation, const char *due)
{
    char text[128] = "";
    struct netmon *netmon = netmon_open(draft_path("a.cap"));
    cr_assert_not_null(netmon, "%s", situation);
    bool found = netmon_process(netmon, HEADER, text, sizeof text);
    cr_expect_eq(found, due != NULL, "%s: %s", situation, text);
    cr_expect_str_eq(text, due ? due : "", "%s", situation);
    netmon_close(netmon);
}

Test(netmon, names)
{
    char far[700];
    memset(far, 'd', sizeof far);
    memcpy(far + sizeof far - 9, "\\dns.exe", 9);
    const struct {
        const char *path, *due;
    } rows[] = {
        {"dns.exe", "process dns.exe, PID 7"},
        {"C:\\Program Files\\Microsoft DNS\\dns.exe", "process dns.exe, PID 7"},
        {"/usr/sbin/named", "process named, PID 7"},
        {"a\xfc"
         "b",
         "process a?b, PID 7"},
        {"a\x1b[31m", "process a?[31m, PID 7"},
        {"", NULL},
        {"C:\\", NULL},
        {far, "process dns.exe, PID 7"}, /* longer than is read at once */
        {"1234567890123456789012345678901234567890123456789012345678901234567890.exe",
         "process 123456789012345678901234567890123456789012345678901234567890123, PID 7"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scribe scribe = begin("a.cap", 2);
        put_frame(&scribe, 0, ETHERNET, 0);
        put_process(&scribe, rows[i].path, 7);
        end(&scribe);
        expect_process(rows[i].path, rows[i].due);
    }
}

/* Characters whose lower half is that of a separator are none. */
Test(netmon, names_in_other_letters)
{
    struct scribe scribe = begin("a.cap", 2);
    put_frame(&scribe, 0, ETHERNET, 0);
    begin_processes(&scribe);
    scribe.process_count = 1;
    draft_put(&scribe.draft, 8, 4);
    draft_put(&scribe.draft, 'a', 2);
    draft_put(&scribe.draft, 0x015c, 2);
    draft_put(&scribe.draft, 0x4e2f, 2);
    draft_put(&scribe.draft, 'b', 2);
    draft_put(&scribe.draft, 0, 4);
    draft_put(&scribe.draft, 7, 4);
    for (int i = 0; i < 44; i++)
        draft_put(&scribe.draft, 0, 1);
    end(&scribe);
    expect_process("other letters", "process a??b, PID 7");
}

/* Numbers of the table's header, of its first entry and of the frame, one of which lies. */
Test(netmon, tables_that_lie)
{
    enum { PROCESS_TABLE = 170, PATH_BYTES = 172, ICON_BYTES = 176 + 14 };
    static const struct {
        const char *situation;
        uint32_t at, value;
        const char *due;
    } rows[] = {
        {"as it should be", 6, 1, "process dns.exe, PID 7"},
        {"more processes than there are", AT_PROCESS_TABLE + 4, 100, "process dns.exe, PID 7"},
        {"more than there can be", AT_PROCESS_TABLE + 4, UINT32_MAX, "process dns.exe, PID 7"},
        {"none", AT_PROCESS_TABLE + 4, 0, NULL},
        {"a table beyond the file", AT_PROCESS_TABLE, 1000000, NULL},
        {"a table at the end of all", AT_PROCESS_TABLE, UINT32_MAX, NULL},
        {"a path beyond the file", PATH_BYTES, 1000000, NULL},
        {"a path of all bytes", PATH_BYTES, UINT32_MAX, NULL},
        {"an icon beyond the file", ICON_BYTES, 1000000, NULL},
        {"an icon of all bytes", ICON_BYTES, UINT32_MAX, NULL},
        {"an index beyond the table", HEADER + 16 + CAPTURED + 2, 1, NULL},
        {"an index of all bytes", HEADER + 16 + CAPTURED + 2, UINT32_MAX, NULL},
        {"a frame beyond the file", HEADER + 12, UINT32_MAX, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scribe scribe = begin("a.cap", 2);
        put_frame(&scribe, 0, ETHERNET, 0);
        cr_assert_eq(position(&scribe), PROCESS_TABLE);
        put_process(&scribe, "dns.exe", 7);
        end(&scribe);
        FILE *file = fopen(draft_path("a.cap"), "r+b");
        struct draft patch = {.out = file};
        cr_assert(file && fseek(file, (long)rows[i].at, SEEK_SET) == 0);
        draft_put(&patch, rows[i].value, rows[i].at == 6 ? 2 : 4);
        draft_close(&patch);
        expect_process(rows[i].situation, rows[i].due);
#if TCP53_WIRETAP
        struct source *source = reading_of("a.cap", NULL);
        uint64_t frames = reading_all(source); /* libwiretap refuses files whose table of processes is damaged */
        cr_expect_eq(frames == 0, *reading_input(source, 0)->trouble.text != '\0', "%s", rows[i].situation);
        cr_expect(frames == 1 || i > 0, "%s", rows[i].situation);
        source_close(source);
#endif
    }
}

Test(netmon, what_is_none)
{
    cr_expect_null(netmon_open(draft_path("missing")));
    draft_save("text", "a letter of one line\n", 21);
    cr_expect_null(netmon_open(draft_path("text")));
    draft_frames("pcap", false, DRAFT_MICRO, 3);
    cr_expect_null(netmon_open(draft_path("pcap")));
    cr_expect_not(netmon_has_utc(NULL));
    netmon_close(NULL);
}
