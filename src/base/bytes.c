#include "base/bytes.h"

#include <string.h>

uint32_t bytes_load_u32(const void *at)
{
    const unsigned char *b = at;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

int64_t bytes_load_i64(const void *at)
{
    uint64_t low = bytes_load_u32(at);
    uint64_t high = bytes_load_u32((const unsigned char *)at + 4);
    return (int64_t)(low | high << 32);
}

void bytes_store_u32(void *at, uint32_t value)
{
    unsigned char *b = at;
    for (int i = 0; i < 4; i++)
        b[i] = (unsigned char)(value >> (8 * i));
}

void bytes_store_i64(void *at, int64_t value)
{
    bytes_store_u32(at, (uint32_t)value);
    bytes_store_u32((unsigned char *)at + 4, (uint32_t)((uint64_t)value >> 32));
}

void bytes_put_u8(struct buffer *out, uint8_t value)
{
    buffer_append(out, &value, 1);
}

void bytes_put_u32(struct buffer *out, uint32_t value)
{
    unsigned char bytes[4];
    bytes_store_u32(bytes, value);
    buffer_append(out, bytes, sizeof bytes);
}

void bytes_put_i64(struct buffer *out, int64_t value)
{
    unsigned char bytes[8];
    bytes_store_i64(bytes, value);
    buffer_append(out, bytes, sizeof bytes);
}

void bytes_put_f64(struct buffer *out, double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bytes_put_i64(out, bits);
}

void bytes_put_text(struct buffer *out, const char *text)
{
    size_t size = strnlen(text, UINT16_MAX);
    const unsigned char length[2] = {(unsigned char)size, (unsigned char)(size >> 8)};
    buffer_append(out, length, sizeof length);
    buffer_append(out, text, size);
}

struct byte_reader byte_reader_on(const void *bytes, size_t size)
{
    return (struct byte_reader){.at = bytes, .left = size};
}

/* The next `size` bytes, or NULL. */
static const unsigned char *take(struct byte_reader *reader, size_t size)
{
    if (reader->failed || reader->left < size) {
        reader->failed = true;
        return NULL;
    }
    const unsigned char *at = reader->at;
    reader->at += size;
    reader->left -= size;
    return at;
}

uint8_t bytes_get_u8(struct byte_reader *reader)
{
    const unsigned char *at = take(reader, 1);
    return at ? at[0] : 0;
}

uint32_t bytes_get_u32(struct byte_reader *reader)
{
    const unsigned char *at = take(reader, 4);
    return at ? bytes_load_u32(at) : 0;
}

int64_t bytes_get_i64(struct byte_reader *reader)
{
    const unsigned char *at = take(reader, 8);
    return at ? bytes_load_i64(at) : 0;
}

double bytes_get_f64(struct byte_reader *reader)
{
    int64_t bits = bytes_get_i64(reader);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void bytes_get_text(struct byte_reader *reader, char *out, size_t out_size)
{
    out[0] = '\0';
    const unsigned char *length = take(reader, 2);
    size_t size = length ? (size_t)length[0] | (size_t)length[1] << 8 : 0;
    const unsigned char *text = take(reader, size);
    if (!text)
        return;
    if (size >= out_size || memchr(text, '\0', size)) {
        reader->failed = true;
        return;
    }
    memcpy(out, text, size);
    out[size] = '\0';
}
