/*
 * redis_stream: reads the entries of one Redis stream (XADD) as they come. Wraps hiredis; nobody else
 * includes it.
 *
 * One thread. A lost connection is an error of `read`; the caller closes and opens again. Memory is bounded
 * by REDIS_ENTRIES_MAX entries at a time.
 */
#ifndef SCI_BUS_REDIS_STREAM_H
#define SCI_BUS_REDIS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"

enum { REDIS_ENTRIES_MAX = 64 };

struct redis_stream_options {
    const char *host;
    int port;
    const char *user, *password; /* empty or NULL: none */
    const char *key;             /* of the stream; it need not exist yet */
    const char *field;           /* of an entry, whose value is given */
    int64_t timeout_ns;          /* to connect, and for each answer beyond what it was asked to wait */
    int64_t age_ns;              /* begins with entries that are at most so old */
};

struct redis_entry {
    struct instant arrival; /* when Redis was given it, on this machine's clocks */
    const char *bytes;      /* NULL: the entry has no such field */
    size_t size;
};

struct redis_stream; /* opaque */

/* ERR_IO, ERR_TIMEOUT, ERR_AUTH, ERR_FORMAT (the key holds something else), ERR_NOMEM. Texts name no secret.
 */
int redis_stream_open(const struct redis_stream_options *options, struct redis_stream **stream,
                      struct error *error);
/* Waits for at most wait_ns. 0 with `*count` entries, perhaps none; they live until the next call. */
int redis_stream_read(struct redis_stream *stream, int64_t wait_ns, const struct redis_entry **entries,
                      size_t *count, struct error *error);
/* Whether the stream was trimmed beyond what was read last: entries may be lost. Asks Redis. */
bool redis_stream_was_trimmed(struct redis_stream *stream);
void redis_stream_close(struct redis_stream **stream); /* clears the pointer; NULL is fine */

#endif
