/*
 * message.c - DNS questions and answers with varied names, types and sizes.
 *
 * Everything follows from the seed, so a message can be made again when only
 * its second half is to be sent.
 */
#include "tests/bench/message.h"

#include <stdbool.h>
#include <string.h>

#include "tests/bench/rng.h"

enum record_type {
    TYPE_A = 1,
    TYPE_MX = 15,
    TYPE_TXT = 16,
};

enum {
    HEADER_SIZE = 12,
    RECORD_FIXED = 12, /* name pointer, type, class, TTL, data length */
    RECORD_TTL = 3600,
    OPT_SIZE = 11,
    TEXT_MAX = 250,
};

struct writer {
    uint8_t *at;
    size_t used;
    struct rng rng;
};

struct shape {
    uint16_t flags;
    uint16_t size_min;
    uint16_t size_spread; /* 0: no records */
};

static const struct shape shapes[] = {
    [MESSAGE_QUESTION] = {0x0000, 0, 0},
    [MESSAGE_ANSWER] = {0x8400, 60, 1140},
    [MESSAGE_SHORT] = {0x8400, 60, 440},
    [MESSAGE_TRUNCATED] = {0x8600, 0, 0},
};

static void put8(struct writer *writer, uint32_t value)
{
    writer->at[writer->used++] = (uint8_t)value;
}

static void put16(struct writer *writer, uint32_t value)
{
    put8(writer, value >> 8);
    put8(writer, value);
}

static void put32(struct writer *writer, uint32_t value)
{
    put16(writer, value >> 16);
    put16(writer, value);
}

static void put_label(struct writer *writer, const char *label)
{
    size_t size = strlen(label);

    put8(writer, (uint32_t)size);
    memcpy(writer->at + writer->used, label, size);
    writer->used += size;
}

/* A label that can be spoken: one to four pairs of letters. */
static void put_spoken_label(struct writer *writer)
{
    static const char first[] = "bdfgklmnprstvz";
    static const char second[] = "aeiou";
    uint32_t pairs = 1 + rng_below(&writer->rng, 4);

    put8(writer, pairs * 2);
    while (pairs--) {
        put8(writer, (uint8_t)first[rng_below(&writer->rng, 14)]);
        put8(writer, (uint8_t)second[rng_below(&writer->rng, 5)]);
    }
}

static void put_name(struct writer *writer)
{
    static const char *const hosts[] = {
        "www", "mail", "mx1", "_dmarc", "api", "cdn", "selector1", "static",
    };
    static const char *const tops[] = {
        "com", "net", "org", "de", "nl", "info", "example", "test",
    };

    if (rng_below(&writer->rng, 3))
        put_label(writer, hosts[rng_below(&writer->rng, 8)]);
    put_spoken_label(writer);
    put_spoken_label(writer);
    put_label(writer, tops[rng_below(&writer->rng, 8)]);
    put8(writer, 0);
}

static enum record_type put_question(struct writer *writer)
{
    static const enum record_type types[] = {
        TYPE_A,
        TYPE_A,
        TYPE_MX,
        TYPE_TXT,
    };
    enum record_type type;

    put_name(writer);
    type = types[rng_below(&writer->rng, 4)];
    put16(writer, type);
    put16(writer, 1);
    return type;
}

static void put_record_head(struct writer *writer, uint32_t type, size_t data_size)
{
    put16(writer, 0xc000 | HEADER_SIZE);
    put16(writer, type);
    put16(writer, 1);
    put32(writer, RECORD_TTL);
    put16(writer, (uint32_t)data_size);
}

static void put_a(struct writer *writer)
{
    put_record_head(writer, TYPE_A, 4);
    put32(writer, 0xc6120000 | rng_below(&writer->rng, 0x10000));
}

static void put_mx(struct writer *writer)
{
    put_record_head(writer, TYPE_MX, 8);
    put16(writer, 10 + rng_below(&writer->rng, 40));
    put_label(writer, "mx9");
    put16(writer, 0xc000 | HEADER_SIZE);
}

static void put_txt(struct writer *writer, size_t room)
{
    size_t size = room > RECORD_FIXED + 1 ? room - RECORD_FIXED - 1 : 1;

    if (size > TEXT_MAX)
        size = TEXT_MAX;
    put_record_head(writer, TYPE_TXT, size + 1);
    put8(writer, (uint32_t)size);
    memset(writer->at + writer->used, 'a' + (int)(size % 26), size);
    writer->used += size;
}

static void put_record(struct writer *writer, enum record_type type, size_t room)
{
    if (type == TYPE_A)
        put_a(writer);
    else if (type == TYPE_MX)
        put_mx(writer);
    else
        put_txt(writer, room);
}

static uint32_t put_records(struct writer *writer, enum record_type type, const struct shape *shape)
{
    size_t size = shape->size_min + rng_below(&writer->rng, shape->size_spread);
    uint32_t count = 0;

    do {
        put_record(writer, type, size > writer->used ? size - writer->used : 0);
        count++;
    } while (writer->used + RECORD_FIXED + OPT_SIZE < size);
    return count;
}

static void put_opt(struct writer *writer)
{
    put8(writer, 0);
    put16(writer, 41);
    put16(writer, 1232);
    put32(writer, 0);
    put16(writer, 0);
}

static void put_header(struct writer *writer, uint16_t id, uint16_t flags)
{
    put16(writer, id);
    put16(writer, flags);
    put16(writer, 1); /* questions */
    put16(writer, 0); /* answers: known later */
    put16(writer, 0); /* authority */
    put16(writer, 1); /* additional: the OPT record */
}

size_t message_make(uint8_t *at, enum message_kind kind, uint32_t seed, uint16_t id)
{
    const struct shape *shape = &shapes[kind];
    struct writer writer = {at, 0, rng_seeded(seed)};
    enum record_type type;
    uint32_t count;

    put_header(&writer, id, shape->flags);
    type = put_question(&writer);
    if (shape->size_spread) {
        count = put_records(&writer, type, shape);
        at[6] = (uint8_t)(count >> 8);
        at[7] = (uint8_t)count;
    }
    put_opt(&writer);
    return writer.used;
}
