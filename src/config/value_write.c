/* Values as JSON, as one would write them. */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/uri.h"
#include "config/key.h"
#include "config/value.h"

static const void *kept_at(const struct config_key *key, const void *base)
{
    return (const char *)base + key->offset;
}

/* The largest unit that leaves a whole number: 90000 ms are "90s". */
static void write_duration(struct json_writer *w, int64_t ns)
{
    static const struct {
        const char *suffix;
        int64_t ns;
    } units[] = {{"d", 86400 * NS_PER_S}, {"h", 3600 * NS_PER_S}, {"m", 60 * NS_PER_S}, {"s", NS_PER_S}};
    char text[40];
    text_format(text, sizeof text, "%lldms", (long long)(ns / NS_PER_MS));
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (ns != 0 && ns % units[i].ns == 0) {
            text_format(text, sizeof text, "%lld%s", (long long)(ns / units[i].ns), units[i].suffix);
            break;
        }
    }
    json_text(w, ns == 0 ? "0s" : text);
}

static void write_text(struct json_writer *w, const char *text, bool redact)
{
    if (text != NULL && redact) {
        char shown[VALUE_TEXT_MAX + 64];
        json_text(w, uri_redact(text, shown, sizeof shown));
    } else {
        json_text(w, text != NULL ? text : "");
    }
}

static void write_size(struct json_writer *w, const int size[2])
{
    char text[32];
    text_format(text, sizeof text, "%dx%d", size[0], size[1]);
    json_text(w, size[0] == 0 ? "auto" : text);
}

static void write_row(struct json_writer *w, const double *values, size_t count)
{
    json_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        json_double(w, values[i]);
    }
    json_array_end(w);
}

static void write_points(struct json_writer *w, const struct point *points, size_t count)
{
    json_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        write_row(w, (const double[]){points[i].x, points[i].y}, 2);
    }
    json_array_end(w);
}

static void write_many(const struct config_key *key, const void *base, struct json_writer *w)
{
    size_t count = 0;
    const void *items = NULL;
    memcpy(&count, (const char *)base + key->count_offset, sizeof count);
    memcpy(&items, kept_at(key, base), sizeof items);
    json_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        if (key->type == KEY_TEXTS) {
            json_text(w, ((char *const *)items)[i]);
        } else if (key->type == KEY_ROWS) {
            write_row(w, (const double *)items + i * key->size, key->size);
        } else {
            const struct mask_polygon *polygon = (const struct mask_polygon *)items + i;
            write_points(w, polygon->corners, polygon->corner_count);
        }
    }
    json_array_end(w);
}

static size_t read_size_t(const void *at)
{
    size_t value = 0;
    memcpy(&value, at, sizeof value);
    return value;
}

void value_write_json(const struct config_key *key, const void *base, struct json_writer *w,
                      bool with_secrets)
{
    const void *at = kept_at(key, base);
    switch (key->type) {
    case KEY_BOOL:
        json_bool(w, *(const bool *)at);
        break;
    case KEY_INT:
        json_int(w, *(const int *)at);
        break;
    case KEY_COUNT:
    case KEY_BYTES:
        json_int(w, (int64_t)read_size_t(at));
        break;
    case KEY_NUMBER:
        json_double(w, *(const double *)at);
        break;
    case KEY_DURATION:
        write_duration(w, *(const int64_t *)at);
        break;
    case KEY_TEXT:
        write_text(w, *(char *const *)at, key->secret && !with_secrets);
        break;
    case KEY_FIXED_TEXT:
    case KEY_IDENTIFIER:
        json_text(w, at);
        break;
    case KEY_CHOICE:
        json_text(w, key->choices[*(const int *)at]);
        break;
    case KEY_PICTURE_SIZE:
        write_size(w, at);
        break;
    case KEY_NUMBERS:
        write_row(w, at, key->size);
        break;
    case KEY_POINTS:
        write_points(w, at, read_size_t((const char *)base + key->count_offset));
        break;
    default:
        write_many(key, base, w);
        break;
    }
}
