#include "api/multipart.h"

#include <string.h>
#include <strings.h>

static const char type[] = "multipart/form-data";

/* "\r\n--" and at most 70 characters of boundary (RFC 2046). */
enum { BOUNDARY_MAX = 70, DELIMITER_MAX = BOUNDARY_MAX + 4 };

struct text {
    const char *at;
    size_t size;
};

bool multipart_is(const char *content_type)
{
    return content_type != NULL && strncasecmp(content_type, type, sizeof type - 1) == 0;
}

static int find_delimiter(const char *content_type, char delimiter[DELIMITER_MAX + 1], struct error *error)
{
    const char *at = strcasestr(content_type, "boundary=");
    if (at == NULL)
        return error_set(error, ERR_FORMAT, "multipart/form-data without a boundary");
    at += strlen("boundary=");
    bool quoted = *at == '"';
    at += quoted;
    size_t size = strcspn(at, quoted ? "\"" : "; \t");
    if (size == 0 || size > BOUNDARY_MAX)
        return error_set(error, ERR_FORMAT, "multipart/form-data: a boundary has 1 to %d characters",
                         BOUNDARY_MAX);
    memcpy(delimiter, "\r\n--", 4);
    memcpy(delimiter + 4, at, size);
    delimiter[4 + size] = '\0';
    return 0;
}

static const char *find(struct text in, const char *what, size_t size)
{
    return in.size >= size ? memmem(in.at, in.size, what, size) : NULL;
}

static struct text after(struct text in, const char *at)
{
    return (struct text){at, in.size - (size_t)(at - in.at)};
}

static bool has_file_name(struct text head)
{
    static const char name[] = "filename";
    for (size_t i = 0; i + sizeof name - 1 <= head.size; i++)
        if (strncasecmp(head.at + i, name, sizeof name - 1) == 0)
            return true;
    return false;
}

/* The part that `rest` begins with, just behind its delimiter's text; `rest` moves to behind the next one. */
static int take_part(struct text *rest, struct text delimiter, struct text *head, struct text *content,
                     struct error *error)
{
    const char *begin = find(*rest, "\r\n\r\n", 4);
    if (begin == NULL)
        return error_set(error, ERR_FORMAT, "multipart/form-data: a part without a head");
    *head = (struct text){rest->at, (size_t)(begin - rest->at)};
    *rest = after(*rest, begin + 4);
    const char *end = find(*rest, delimiter.at, delimiter.size);
    if (end == NULL)
        return error_set(error, ERR_FORMAT, "multipart/form-data: a part without an end: was it cut off?");
    *content = (struct text){rest->at, (size_t)(end - rest->at)};
    *rest = after(*rest, end + delimiter.size);
    return 0;
}

int multipart_find_file(const char *content_type, const char *body, size_t size, const char **bytes,
                        size_t *byte_count, struct error *error)
{
    char text[DELIMITER_MAX + 1];
    int rc = find_delimiter(content_type, text, error);
    if (rc != 0)
        return rc;
    struct text delimiter = {text, strlen(text)}, rest = {body, size}, head = {0}, content = {0};
    /* The first one may stand at the very beginning, without its line end. */
    const char *begin = find(rest, text + 2, delimiter.size - 2);
    if (begin == NULL)
        return error_set(error, ERR_FORMAT, "multipart/form-data: the boundary is not in the body");
    rest = after(rest, begin + delimiter.size - 2);
    *bytes = NULL;
    *byte_count = 0;
    while (rest.size >= 2 && memcmp(rest.at, "--", 2) != 0) {
        rc = take_part(&rest, delimiter, &head, &content, error);
        if (rc != 0)
            return rc;
        bool file = has_file_name(head);
        if (file || *bytes == NULL) {
            *bytes = content.at;
            *byte_count = content.size;
        }
        if (file)
            break;
    }
    return *bytes != NULL ? 0 : error_set(error, ERR_FORMAT, "multipart/form-data: there is no part in it");
}
