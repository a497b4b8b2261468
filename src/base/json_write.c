#include "base/json_write.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

struct json_writer json_writer_on(struct buffer *out)
{
    return (struct json_writer){.out = out};
}

static void before_value(struct json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->has_item[w->depth])
        buffer_append_char(w->out, ',');
    w->has_item[w->depth] = true;
}

static void open_level(struct json_writer *w, char bracket)
{
    before_value(w);
    assert(w->depth + 1 < JSON_DEPTH_MAX);
    buffer_append_char(w->out, bracket);
    w->has_item[++w->depth] = false;
}

static void close_level(struct json_writer *w, char bracket)
{
    assert(w->depth > 0 && !w->after_key);
    w->depth--;
    buffer_append_char(w->out, bracket);
}

void json_object_begin(struct json_writer *w)
{
    open_level(w, '{');
}

void json_object_end(struct json_writer *w)
{
    close_level(w, '}');
}

void json_array_begin(struct json_writer *w)
{
    open_level(w, '[');
}

void json_array_end(struct json_writer *w)
{
    close_level(w, ']');
}

/* Length of the valid UTF-8 character at `s`, 0 when the bytes are not one. */
static size_t character_length(const unsigned char *s, size_t left)
{
    for (size_t n = 1; n <= 4 && n <= left; n++)
        if (text_is_utf8((const char *)s, n))
            return n;
    return 0;
}

static void append_escaped(struct buffer *out, const char *text, size_t size)
{
    const unsigned char *s = (const unsigned char *)text;
    buffer_append_char(out, '"');
    for (size_t i = 0, run; i < size; i += run) {
        run = 0;
        while (i + run < size && s[i + run] >= 0x20 && s[i + run] < 0x7F && s[i + run] != '"' &&
               s[i + run] != '\\')
            run++;
        if (run > 0) {
            buffer_append(out, s + i, run);
            continue;
        }
        unsigned char c = s[i];
        run = 1;
        if (c == '"' || c == '\\')
            buffer_printf(out, "\\%c", c);
        else if (c == '\n')
            buffer_append_text(out, "\\n");
        else if (c < 0x20 || c == 0x7F)
            buffer_printf(out, "\\u%04x", c);
        else if ((run = character_length(s + i, size - i)) > 0)
            buffer_append(out, s + i, run);
        else {
            run = 1;
            buffer_append_text(out, "\xEF\xBF\xBD");
        }
    }
    buffer_append_char(out, '"');
}

void json_key(struct json_writer *w, const char *key)
{
    assert(w->depth > 0 && !w->after_key);
    before_value(w);
    append_escaped(w->out, key, strlen(key));
    buffer_append_char(w->out, ':');
    w->after_key = true;
}

void json_text_n(struct json_writer *w, const char *text, size_t size)
{
    before_value(w);
    append_escaped(w->out, text, size);
}

void json_text(struct json_writer *w, const char *text)
{
    if (text)
        json_text_n(w, text, strlen(text));
    else
        json_null_value(w);
}

void json_int(struct json_writer *w, int64_t value)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        digits[--at] = '-';
    before_value(w);
    buffer_append(w->out, digits + at, sizeof digits - at);
}

/* Fixed-point text by integer arithmetic: fast, and the same bytes with every C library. */
static void append_fixed(struct buffer *out, double value, int decimals)
{
    static const double scales[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    uint64_t scaled = (uint64_t)llround(fabs(value) * scales[decimals]);
    char text[40];
    size_t at = sizeof text;
    int place = 0;
    while (place < decimals && scaled % 10 == 0) {
        scaled /= 10;
        place++;
    }
    bool negative = value < 0 && scaled > 0;
    for (; place < decimals; place++) {
        text[--at] = (char)('0' + scaled % 10);
        scaled /= 10;
        if (place == decimals - 1)
            text[--at] = '.';
    }
    do {
        text[--at] = (char)('0' + scaled % 10);
        scaled /= 10;
    } while (scaled > 0);
    if (negative)
        text[--at] = '-';
    buffer_append(out, text + at, sizeof text - at);
}

void json_number(struct json_writer *w, double value, int decimals)
{
    assert(decimals >= 0 && decimals <= 9);
    if (!isfinite(value)) {
        json_null_value(w);
    } else if (fabs(value) >= 1e9) {
        json_double(w, value);
    } else {
        before_value(w);
        append_fixed(w->out, value, decimals);
    }
}

void json_double(struct json_writer *w, double value)
{
    if (!isfinite(value)) {
        json_null_value(w);
        return;
    }
    char text[40];
    int precision = 15;
    do
        snprintf(text, sizeof text, "%.*g", precision, value);
    while (precision++ < 17 && strtod(text, NULL) != value);
    before_value(w);
    buffer_append_text(w->out, text);
}

void json_bool(struct json_writer *w, bool value)
{
    before_value(w);
    buffer_append_text(w->out, value ? "true" : "false");
}

void json_null_value(struct json_writer *w)
{
    before_value(w);
    buffer_append_text(w->out, "null");
}

void json_time(struct json_writer *w, int64_t wall_ns)
{
    char text[TIME_TEXT_SIZE];
    json_text(w, time_format(wall_ns, text));
}

void json_raw(struct json_writer *w, const char *json, size_t size)
{
    before_value(w);
    buffer_append(w->out, json, size);
}

void json_put_string(struct json_writer *w, const char *key, const char *text)
{
    json_key(w, key);
    json_text(w, text);
}

void json_put_int(struct json_writer *w, const char *key, int64_t value)
{
    json_key(w, key);
    json_int(w, value);
}

void json_put_number(struct json_writer *w, const char *key, double value, int decimals)
{
    json_key(w, key);
    json_number(w, value, decimals);
}

void json_put_bool(struct json_writer *w, const char *key, bool value)
{
    json_key(w, key);
    json_bool(w, value);
}

void json_put_null(struct json_writer *w, const char *key)
{
    json_key(w, key);
    json_null_value(w);
}

void json_put_time(struct json_writer *w, const char *key, int64_t wall_ns)
{
    json_key(w, key);
    json_time(w, wall_ns);
}
