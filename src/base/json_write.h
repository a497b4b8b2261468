/*
 * Append-only JSON writer over a buffer. Commas are its business; nesting is asserted. Strings are escaped,
 * and bytes that are not UTF-8 become U+FFFD; numbers that are not finite become null. Check `buffer.failed`
 * once at the end. (No function is called json_string or json_null: jansson exports these.)
 */
#ifndef SCI_BASE_JSON_WRITE_H
#define SCI_BASE_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

enum { JSON_DEPTH_MAX = 64 };

struct json_writer {
    struct buffer *out;
    unsigned depth;
    bool has_item[JSON_DEPTH_MAX];
    bool after_key;
};

struct json_writer json_writer_on(struct buffer *out);
void json_object_begin(struct json_writer *w);
void json_object_end(struct json_writer *w);
void json_array_begin(struct json_writer *w);
void json_array_end(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
void json_text(struct json_writer *w, const char *text); /* NULL writes null */
void json_text_n(struct json_writer *w, const char *text, size_t size);
void json_int(struct json_writer *w, int64_t value);
/* Rounded to `decimals` places (0-9), trailing zeros removed, the same bytes everywhere; |value| >= 1e9 in
 * shortest form. */
void json_number(struct json_writer *w, double value, int decimals);
void json_double(struct json_writer *w,
                 double value); /* 17 significant digits, shortest that reads back the same */
void json_bool(struct json_writer *w, bool value);
void json_null_value(struct json_writer *w);
void json_time(struct json_writer *w, int64_t wall_ns); /* RFC 3339 string */
/* Text that is JSON already, put in as a value. */
void json_raw(struct json_writer *w, const char *json, size_t size);

/* key and value in one call */
void json_put_string(struct json_writer *w, const char *key, const char *text);
void json_put_int(struct json_writer *w, const char *key, int64_t value);
void json_put_number(struct json_writer *w, const char *key, double value, int decimals);
void json_put_bool(struct json_writer *w, const char *key, bool value);
void json_put_null(struct json_writer *w, const char *key);
void json_put_time(struct json_writer *w, const char *key, int64_t wall_ns);

#endif
