/* Small things about text and numbers in text. */
#ifndef SCI_BASE_TEXT_H
#define SCI_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* snprintf that never reads past, and whose truncation ends at a whole UTF-8 character. */
void text_copy(char *out, size_t out_size, const char *text);
void text_format(char *out, size_t out_size, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool text_starts_with(const char *text, const char *prefix);
bool text_ends_with(const char *text, const char *suffix);
char *text_duplicate(const char *text); /* NULL stays NULL; NULL without memory */
char *text_duplicate_n(const char *text, size_t size);
bool text_is_utf8(const char *text, size_t size);

/* An identifier of ours: 1-64 characters of a-z A-Z 0-9 _ - . , not starting with '.' or '-'. */
bool text_is_identifier(const char *text);

/* The whole text must be the number; finite. */
bool text_to_double(const char *text, double *value);
bool text_to_int64(const char *text, int64_t *value);
/* "5s", "200ms", "2m", "1h", "7d" (or "0") to nanoseconds; not negative. */
bool text_to_duration_ns(const char *text, int64_t *ns);
/* "512x384": both 1 to 65536. WIDTHxHEIGHT. */
bool text_to_size(const char *text, int *width, int *height);

#endif
