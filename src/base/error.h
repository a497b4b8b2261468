/*
 * Errors: a negative code for the program, one line of text for the person who has to mend it.
 *
 * A fallible function returns 0 (or a count) on success and a negative `enum error_code` on failure, and
 * fills the caller's `struct error` with what failed, where and why ("camera gate_a: cannot open
 * rtsp://10.0.0.7/: connection refused"). It logs nothing: whoever handles the error logs it, once. `struct
 * error` owns nothing and may be copied; every function that takes one accepts NULL.
 */
#ifndef SCI_BASE_ERROR_H
#define SCI_BASE_ERROR_H

#include <stdarg.h>

enum error_code {
    ERR_OK = 0,
    ERR_NOMEM = -1,       /* an allocation failed */
    ERR_INVALID = -2,     /* a value that the caller (a person, a file, a client) has to correct */
    ERR_NOT_FOUND = -3,   /* a named thing does not exist */
    ERR_EXISTS = -4,      /* a named thing exists already */
    ERR_IO = -5,          /* disk, network or device */
    ERR_FORMAT = -6,      /* bytes that are not what they claim to be */
    ERR_TIMEOUT = -7,     /* a time limit passed */
    ERR_UNSUPPORTED = -8, /* valid, but this build or version cannot do it */
    ERR_AUTH = -9,        /* wrong or missing credentials */
    ERR_FULL = -10,       /* disk full or a bounded queue full */
    ERR_CLOSED = -11,     /* the other side, or the queue, is closed */
    ERR_CANCELED = -12,   /* interrupted on request */
    ERR_CONFLICT = -13,   /* not allowed in the present state */
    ERR_END = -14,        /* a stream ended: not a failure for whoever expects it */
    ERR_INTERNAL = -15    /* a foreign library broke its contract */
};

enum { ERROR_TEXT_MAX = 512 };

struct error {
    int code;
    char text[ERROR_TEXT_MAX];
};

/* Sets code and text (truncated at a whole character) and returns `code`, so that `return error_set(...)`
 * reads well. */
int error_set(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int error_set_v(struct error *error, int code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* Puts "prefix: " before the text that is there; returns the code that is there. */
int error_prefix(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same from errno: "what: strerror". ENOSPC and EDQUOT become ERR_FULL, ENOENT ERR_NOT_FOUND, ENOMEM
 * ERR_NOMEM, the rest ERR_IO. */
int error_set_errno(struct error *error, int errno_value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

int error_nomem(struct error *error, const char *what);

/* "not found", "out of memory", ...: the code alone, in words. Never NULL. */
const char *error_code_name(int code);

#endif
