/*
 * A growable run of bytes, always followed by a NUL that is not counted. Zero-initialise it; `buffer_free`
 * it. Appending may fail: the failure is remembered in `failed`, later appends do nothing, and the writer
 * checks once at the end.
 */
#ifndef SCI_BASE_BUFFER_H
#define SCI_BASE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data;
    size_t size;
    size_t capacity;
    bool failed;
};

void buffer_free(struct buffer *buffer);
void buffer_clear(struct buffer *buffer); /* keeps the memory, forgets a failure */
void buffer_append(struct buffer *buffer, const void *bytes, size_t size);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_char(struct buffer *buffer, char c);
void buffer_printf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Makes room for `size` more bytes and returns where to write them (then add to `size`); NULL when that
 * fails. */
char *buffer_reserve(struct buffer *buffer, size_t size);
/* Hands the memory to the caller (free it); the buffer is empty afterwards. NULL if a write had failed. */
char *buffer_take(struct buffer *buffer);

#endif
