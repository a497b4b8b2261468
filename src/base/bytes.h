/*
 * Records on disk: little-endian numbers and short texts, written to a buffer and read back with every length
 * checked.
 *
 * A reader that runs out of bytes, or meets a text that does not fit, sets `failed` and gives zeros and empty
 * texts from then on: check once at the end. Nothing is owned.
 */
#ifndef SCI_BASE_BYTES_H
#define SCI_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

void bytes_put_u8(struct buffer *out, uint8_t value);
void bytes_put_u32(struct buffer *out, uint32_t value);
void bytes_put_i64(struct buffer *out, int64_t value);
void bytes_put_f64(struct buffer *out, double value); /* the bits: NaN stays NaN */
void bytes_put_text(struct buffer *out,
                    const char *text); /* u16 length, bytes; at most 65535 bytes, the rest is cut */

struct byte_reader {
    const unsigned char *at;
    size_t left;
    bool failed;
};

struct byte_reader byte_reader_on(const void *bytes, size_t size);
uint8_t bytes_get_u8(struct byte_reader *reader);
uint32_t bytes_get_u32(struct byte_reader *reader);
int64_t bytes_get_i64(struct byte_reader *reader);
double bytes_get_f64(struct byte_reader *reader);
/* ERR_FORMAT in effect: text that does not fit `out` with its NUL, or holds a NUL, fails the reader. */
void bytes_get_text(struct byte_reader *reader, char *out, size_t out_size);

/* At any address, for headers of records. */
uint32_t bytes_load_u32(const void *at);
int64_t bytes_load_i64(const void *at);
void bytes_store_u32(void *at, uint32_t value);
void bytes_store_i64(void *at, int64_t value);

#endif
