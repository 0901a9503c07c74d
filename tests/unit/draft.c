#include "tests/unit/draft.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char folder[64];

void draft_begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/tcp53-test.XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

void draft_end(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_assert_eq(system(command), 0);
}

const char *draft_folder(void)
{
    return folder;
}

const char *draft_path(const char *name)
{
    static char paths[64][128];
    static unsigned next;
    char *path = paths[next++ % 64];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

struct draft draft_open(const char *name, bool big)
{
    struct draft draft = {.out = fopen(draft_path(name), "w+b"), .big = big};
    cr_assert_not_null(draft.out, "%s", name);
    return draft;
}

void draft_close(struct draft *draft)
{
    cr_assert_eq(fclose(draft->out), 0);
}

void draft_put(struct draft *draft, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        fputc((int)(value >> 8 * (draft->big ? bytes - 1 - i : i) & 0xff), draft->out);
}

void draft_bytes(struct draft *draft, const void *bytes, size_t count)
{
    cr_assert_eq(fwrite(bytes, 1, count, draft->out), count);
}

void draft_save(const char *name, const void *bytes, size_t count)
{
    struct draft draft = draft_open(name, false);
    draft_bytes(&draft, bytes, count);
    draft_close(&draft);
}

size_t draft_size(const char *name)
{
    struct stat status;
    cr_assert_eq(stat(draft_path(name), &status), 0, "%s", name);
    return (size_t)status.st_size;
}

void draft_part(const char *whole, const char *part, size_t from, size_t to)
{
    FILE *in = fopen(draft_path(whole), "rb"), *out = fopen(draft_path(part), "ab");
    cr_assert(in && out);
    cr_assert_eq(fseek(in, (long)from, SEEK_SET), 0);
    for (size_t i = from; i < to; i++)
        fputc(fgetc(in), out);
    fclose(in);
    fclose(out);
}

struct draft draft_pcap(const char *name, bool big, enum draft_unit unit, uint32_t link_type)
{
    static const uint32_t magics[] = {[DRAFT_MICRO] = 0xa1b2c3d4, [DRAFT_NANO] = 0xa1b23c4d};
    struct draft draft = draft_open(name, big);
    draft_put(&draft, magics[unit], 4);
    draft_put(&draft, 2, 2);
    draft_put(&draft, 4, 2);
    draft_put(&draft, 0, 8);
    draft_put(&draft, 65535, 4);
    draft_put(&draft, link_type, 4);
    return draft;
}

static void count_up(struct draft *draft, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        fputc((int)(i & 0xff), draft->out);
}

void draft_frame(struct draft *draft, uint32_t fraction, uint32_t captured, uint32_t declared)
{
    draft_put(draft, DRAFT_SECONDS, 4);
    draft_put(draft, fraction, 4);
    draft_put(draft, captured, 4);
    draft_put(draft, declared, 4);
    count_up(draft, captured);
}

void draft_frames(const char *name, bool big, enum draft_unit unit, uint32_t frames)
{
    struct draft draft = draft_pcap(name, big, unit, LINK_ETHERNET);
    for (uint32_t i = 0; i < frames; i++)
        draft_frame(&draft, 1000 + i, 60, 60);
    draft_close(&draft);
}

void draft_times(const char *name, const unsigned *fractions, size_t count)
{
    struct draft draft = draft_pcap(name, false, DRAFT_MICRO, LINK_ETHERNET);
    for (size_t i = 0; i < count; i++)
        draft_frame(&draft, fractions[i], 60, 60);
    draft_close(&draft);
}

void draft_block(struct draft *draft, uint32_t type)
{
    draft->block = ftell(draft->out);
    draft_put(draft, type, 4);
    draft_put(draft, 0, 4);
}

void draft_option(struct draft *draft, uint32_t code, const void *bytes, size_t count)
{
    draft_put(draft, code, 2);
    draft_put(draft, count, 2);
    draft_bytes(draft, bytes, count);
    draft_put(draft, 0, (int)(-count & 3));
}

void draft_block_end(struct draft *draft)
{
    long end = ftell(draft->out);
    uint32_t length = (uint32_t)(end - draft->block) + 4;
    draft_put(draft, length, 4);
    fseek(draft->out, draft->block + 4, SEEK_SET);
    draft_put(draft, length, 4);
    fseek(draft->out, 0, SEEK_END);
}

struct draft draft_pcapng(const char *name, bool big)
{
    struct draft draft = draft_open(name, big);
    draft_block(&draft, 0x0a0d0d0a);
    draft_put(&draft, 0x1a2b3c4d, 4);
    draft_put(&draft, 1, 2);
    draft_put(&draft, 0, 2);
    draft_put(&draft, UINT64_MAX, 8); /* the section's length is not given */
    draft_block_end(&draft);
    return draft;
}

void draft_interface(struct draft *draft, uint32_t link_type)
{
    draft_block(draft, 1);
    draft_put(draft, link_type, 2);
    draft_put(draft, 0, 2);
    draft_put(draft, 1000, 4);
    draft_block_end(draft);
}

void draft_packet(struct draft *draft, uint32_t interface, uint64_t time)
{
    draft_block(draft, 6);
    draft_put(draft, interface, 4);
    draft_put(draft, time >> 32, 4);
    draft_put(draft, time & UINT32_MAX, 4);
    draft_put(draft, 20, 4);
    draft_put(draft, 90, 4);
    count_up(draft, 20);
}
