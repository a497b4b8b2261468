#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Cuts a UTF-8 text that was truncated in the middle of a character. */
static void trim_partial_character(char *text)
{
    size_t n = strlen(text);
    size_t back = 0;
    while (back < n && back < 4 && ((unsigned char)text[n - 1 - back] & 0xC0) == 0x80)
        back++;
    if (back == n)
        return;
    unsigned char lead = (unsigned char)text[n - 1 - back];
    size_t needed = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (needed > back)
        text[n - 1 - back] = '\0';
}

int error_set_v(struct error *error, int code, const char *format, va_list args)
{
    if (!error)
        return code;
    error->code = code;
    int n = vsnprintf(error->text, sizeof error->text, format, args);
    if (n >= (int)sizeof error->text)
        trim_partial_character(error->text);
    return code;
}

int error_set(struct error *error, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_set_v(error, code, format, args);
    va_end(args);
    return code;
}

int error_prefix(struct error *error, const char *format, ...)
{
    if (!error)
        return ERR_INTERNAL;
    struct error old = *error;
    va_list args;
    va_start(args, format);
    error_set_v(error, old.code, format, args);
    va_end(args);
    size_t n = strlen(error->text);
    int more = snprintf(error->text + n, sizeof error->text - n, ": %s", old.text);
    if (more >= (int)(sizeof error->text - n))
        trim_partial_character(error->text);
    return old.code;
}

static int code_of_errno(int value)
{
    switch (value) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_FULL;
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case ENOMEM:
        return ERR_NOMEM;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    default:
        return ERR_IO;
    }
}

int error_set_errno(struct error *error, int errno_value, const char *format, ...)
{
    int code = code_of_errno(errno_value);
    if (!error)
        return code;
    va_list args;
    va_start(args, format);
    error_set_v(error, code, format, args);
    va_end(args);
    size_t n = strlen(error->text);
    char reason[128];
    snprintf(error->text + n, sizeof error->text - n, ": %s", strerror_r(errno_value, reason, sizeof reason));
    return code;
}

int error_nomem(struct error *error, const char *what)
{
    return error_set(error, ERR_NOMEM, "%s: out of memory", what);
}

const char *error_code_name(int code)
{
    switch (code) {
    case ERR_NOMEM:
        return "out of memory";
    case ERR_INVALID:
        return "invalid";
    case ERR_NOT_FOUND:
        return "not found";
    case ERR_EXISTS:
        return "exists already";
    case ERR_IO:
        return "input/output error";
    case ERR_FORMAT:
        return "not in the expected format";
    case ERR_TIMEOUT:
        return "timed out";
    case ERR_UNSUPPORTED:
        return "not supported";
    case ERR_AUTH:
        return "not authorised";
    case ERR_FULL:
        return "full";
    case ERR_CLOSED:
        return "closed";
    case ERR_CANCELED:
        return "canceled";
    case ERR_CONFLICT:
        return "not allowed in the present state";
    case ERR_END:
        return "end";
    case ERR_INTERNAL:
        return "internal error";
    default:
        return code >= 0 ? "no error" : "unknown error";
    }
}
