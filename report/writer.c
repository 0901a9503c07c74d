#include "report/writer.h"

#include "report/words.h"

#include <stdio.h>
#include <stdlib.h>

void writer_put(struct writer *writer, struct json_object *object, const char *key, struct json_object *value)
{
    unsigned known = JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY; /* all keys here are literals */
    if (object && value && json_object_object_add_ex(object, key, value, known) == 0)
        return;
    json_object_put(value);
    writer->failed = true;
}

void writer_null(struct writer *writer, struct json_object *object, const char *key)
{
    if (!object || json_object_object_add(object, key, NULL) != 0)
        writer->failed = true;
}

void writer_append(struct writer *writer, struct json_object *array, struct json_object *value)
{
    if (array && value && json_object_array_add(array, value) == 0)
        return;
    json_object_put(value);
    writer->failed = true;
}

struct json_object *writer_string(const char *text)
{
    char *clean = words_utf8(text ? text : "");
    struct json_object *value = clean ? json_object_new_string(clean) : NULL;
    free(clean);
    return value;
}

void writer_text(struct writer *writer, struct json_object *object, const char *key, const char *text)
{
    writer_put(writer, object, key, writer_string(text));
}

void writer_text_or_null(struct writer *writer, struct json_object *object, const char *key, const char *text)
{
    if (text)
        writer_text(writer, object, key, text);
    else
        writer_null(writer, object, key);
}

void writer_number(struct writer *writer, struct json_object *object, const char *key, uint64_t number)
{
    writer_put(writer, object, key, json_object_new_uint64(number));
}

void writer_known(struct writer *writer, struct json_object *object, const char *key, uint64_t number, bool known)
{
    if (known)
        writer_number(writer, object, key, number);
    else
        writer_null(writer, object, key);
}

void writer_flag(struct writer *writer, struct json_object *object, const char *key, bool flag)
{
    writer_put(writer, object, key, json_object_new_boolean(flag));
}

void writer_time(struct writer *writer, struct json_object *object, const char *key, int64_t time_ns)
{
    char text[WORDS_TIME];
    writer_text(writer, object, key, words_time(time_ns, text));
}

void writer_time_or_null(struct writer *writer, struct json_object *object, const char *key, int64_t time_ns)
{
    if (time_ns)
        writer_time(writer, object, key, time_ns);
    else
        writer_null(writer, object, key);
}

void writer_address(struct writer *writer, struct json_object *object, const char *key, struct addr address)
{
    char text[ADDR_TEXT];
    writer_text_or_null(writer, object, key, addr_is_none(address) ? NULL : addr_text(address, text));
}

void writer_milliseconds(struct writer *writer, struct json_object *object, const char *key, uint32_t micro)
{
    char text[16]; /* written by us, so that no rounding of doubles shows */
    snprintf(text, sizeof text, "%u.%03u", micro / 1000, micro % 1000);
    writer_put(writer, object, key, json_object_new_double_s(micro / 1000.0, text));
}

void writer_delays(struct writer *writer, struct json_object *object, const char *key, const struct delays *delays)
{
    if (delays->count == 0) {
        writer_null(writer, object, key);
        return;
    }
    struct json_object *value = json_object_new_object();
    writer_milliseconds(writer, value, "min", delays->least_us);
    writer_milliseconds(writer, value, "median", delays_median_us(delays));
    writer_put(writer, object, key, value);
}
