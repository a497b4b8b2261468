#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/clock.h"

void text_copy(char *out, size_t out_size, const char *text)
{
    size_t n = strlen(text);
    if (out_size == 0)
        return;
    if (n >= out_size) {
        n = out_size - 1;
        while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
            n--;
    }
    memmove(out, text, n);
    out[n] = '\0';
}

void text_format(char *out, size_t out_size, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_copy(out, out_size, text);
}

bool text_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends_with(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

char *text_duplicate(const char *text)
{
    return text ? text_duplicate_n(text, strlen(text)) : NULL;
}

char *text_duplicate_n(const char *text, size_t size)
{
    char *copy = malloc(size + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

/* Length of the well-formed character at s (Unicode 15, table 3-7), 0 when it is none. */
static size_t utf8_length(const unsigned char *s, size_t left)
{
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || left < n)
        return 0;
    unsigned char least = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char most = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
    if (s[1] < least || s[1] > most)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

bool text_is_utf8(const char *text, size_t size)
{
    const unsigned char *s = (const unsigned char *)text;
    for (size_t i = 0, n; i < size; i += n) {
        n = utf8_length(s + i, size - i);
        if (n == 0)
            return false;
    }
    return true;
}

bool text_is_identifier(const char *text)
{
    size_t n = strlen(text);
    if (n == 0 || n > 64 || text[0] == '.' || text[0] == '-')
        return false;
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == n;
}

bool text_to_double(const char *text, double *value)
{
    char *end;
    if (text[0] == '\0' || strchr(" \t\n\r\v\f", text[0]))
        return false;
    double number = strtod(text, &end);
    if (*end != '\0' || !isfinite(number) || strpbrk(text, "xX"))
        return false;
    *value = number;
    return true;
}

bool text_to_int64(const char *text, int64_t *value)
{
    char *end;
    if (text[0] == '\0' || strchr(" \t\n\r\v\f", text[0]))
        return false;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (*end != '\0' || errno != 0)
        return false;
    *value = number;
    return true;
}

bool text_to_duration_ns(const char *text, int64_t *ns)
{
    static const struct {
        const char *suffix;
        int64_t ns;
    } units[] = {{"ms", NS_PER_MS},
                 {"s", NS_PER_S},
                 {"m", 60 * NS_PER_S},
                 {"h", 3600 * NS_PER_S},
                 {"d", 86400 * NS_PER_S}};
    if (strcmp(text, "0") == 0) {
        *ns = 0;
        return true;
    }
    char number[32];
    size_t n = strspn(text, "0123456789.");
    double value;
    if (n == 0 || n >= sizeof number)
        return false;
    memcpy(number, text, n);
    number[n] = '\0';
    if (!text_to_double(number, &value))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(text + n, units[i].suffix) != 0)
            continue;
        double product = value * (double)units[i].ns;
        if (product > 9e18)
            return false;
        *ns = llround(product);
        return true;
    }
    return false;
}

bool text_to_size(const char *text, int *width, int *height)
{
    int64_t w, h;
    const char *x = strchr(text, 'x');
    char first[8];
    if (!x || x - text > 5 || x == text || strspn(text, "0123456789x") != strlen(text))
        return false;
    memcpy(first, text, (size_t)(x - text));
    first[x - text] = '\0';
    if (!text_to_int64(first, &w) || !text_to_int64(x + 1, &h) || w < 1 || h < 1 || w > 65536 || h > 65536)
        return false;
    *width = (int)w;
    *height = (int)h;
    return true;
}
