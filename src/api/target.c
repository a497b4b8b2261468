#include "api/target.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte at raw[*at], which moves on by one or three; -1 when an escape is not one. */
static int decode_byte(const char *raw, size_t size, size_t *at, bool plus_is_space)
{
    char c = raw[*at];
    if (c != '%') {
        *at += 1;
        return c == '+' && plus_is_space ? ' ' : (unsigned char)c;
    }
    if (size - *at < 3)
        return -1;
    int high = hex_value(raw[*at + 1]), low = hex_value(raw[*at + 2]);
    *at += 3;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Decodes raw[0, size) to *out and a NUL; *out moves behind it. Returns the decoded text, NULL when there is
 * an error. */
static const char *decode(const char *raw, size_t size, bool plus_is_space, char **out, struct error *error)
{
    char *start = *out, *end = start;
    for (size_t at = 0; at < size;) {
        size_t began = at;
        int byte = decode_byte(raw, size, &at, plus_is_space);
        if (byte < 0x20 || byte == 0x7f) {
            error_set(error, ERR_FORMAT, "%s at '%.12s'",
                      byte < 0 ? "a percent sign without two hexadecimal digits" : "a control character",
                      raw + began);
            return NULL;
        }
        *end++ = (char)byte;
    }
    *end = '\0';
    if (!text_is_utf8(start, (size_t)(end - start))) {
        error_set(error, ERR_FORMAT, "text that is not UTF-8 in '%.*s'", size > 60 ? 60 : (int)size, raw);
        return NULL;
    }
    *out = end + 1;
    return start;
}

static int parse_path(const char *path, size_t size, struct target *target, char **out, struct error *error)
{
    const char *end = path + size;
    for (const char *at = path + 1; at < end;) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        const char *stop = slash != NULL ? slash : end;
        if (target->segment_count == TARGET_SEGMENTS_MAX)
            return error_set(error, ERR_FULL, "path has more than %d segments", TARGET_SEGMENTS_MAX);
        const char *segment = decode(at, (size_t)(stop - at), false, out, error);
        if (segment == NULL)
            return error_prefix(error, "path");
        if (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0)
            return error_set(error, ERR_FORMAT, "path: '%s' is not a segment", segment);
        target->segments[target->segment_count++] = segment;
        at = stop + 1;
    }
    return 0;
}

static int parse_query(const char *query, struct target *target, char **out, struct error *error)
{
    for (const char *at = query; *at != '\0';) {
        size_t size = strcspn(at, "&");
        const char *equals = memchr(at, '=', size);
        size_t name_size = equals != NULL ? (size_t)(equals - at) : size;
        if (size > 0) {
            if (target->query_count == TARGET_QUERY_MAX)
                return error_set(error, ERR_FULL, "query has more than %d parts", TARGET_QUERY_MAX);
            const char *name = decode(at, name_size, true, out, error);
            const char *value = name == NULL     ? NULL
                                : equals == NULL ? ""
                                                 : decode(equals + 1, size - name_size - 1, true, out, error);
            if (value == NULL)
                return error_prefix(error, "query");
            target->query[target->query_count].name = name;
            target->query[target->query_count++].value = value;
        }
        at += size + (at[size] == '&');
    }
    return 0;
}

int target_parse(const char *raw, struct target *target, struct error *error)
{
    *target = (struct target){0};
    size_t size = strlen(raw);
    if (size > TARGET_TEXT_MAX)
        return error_set(error, ERR_FULL, "target of %zu bytes; at most %d are taken", size, TARGET_TEXT_MAX);
    if (raw[0] != '/')
        return error_set(error, ERR_FORMAT, "target must begin with '/'");
    /* Each piece loses a separator and gains a NUL: the decoded text never is longer, but for the last NULs.
     */
    target->text = malloc(size + 2 * TARGET_QUERY_MAX + TARGET_SEGMENTS_MAX + 2);
    if (target->text == NULL)
        return error_nomem(error, "request");
    char *out = target->text;
    size_t path_size = strcspn(raw, "?");
    int rc = parse_path(raw, path_size, target, &out, error);
    if (rc == 0 && raw[path_size] == '?')
        rc = parse_query(raw + path_size + 1, target, &out, error);
    if (rc != 0)
        target_free(target);
    return rc;
}

void target_free(struct target *target)
{
    free(target->text);
    *target = (struct target){0};
}

const char *target_query(const struct target *target, const char *name)
{
    for (size_t i = 0; i < target->query_count; i++) {
        if (strcmp(target->query[i].name, name) == 0)
            return target->query[i].value;
    }
    return NULL;
}
