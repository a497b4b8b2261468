/*
 * guard: what FFmpeg's interrupt callback looks at: somebody cancels, or a deadline passes. FFmpeg calls an
 * interrupted read an end, bad data or success: the guard's word counts before its own.
 *
 * Threads: one at a time; `cancel` may be set from any.
 */
#ifndef SCI_MEDIA_GUARD_H
#define SCI_MEDIA_GUARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct guard {
    const atomic_bool *cancel; /* lent; may be NULL */
    int64_t deadline_ns;       /* monotonic */
    bool expired, canceled;    /* found by a look */
};

/* A new deadline from now on; 0 = none. A guard that was canceled stays so. */
void guard_arm(struct guard *guard, int64_t timeout_ns);

/* AVIOInterruptCB.callback; `guard` is a struct guard. */
int guard_interrupted(void *guard);

/* 0; or ERR_CANCELED, or ERR_TIMEOUT with the text "shown: what". */
int guard_error(const struct guard *guard, const char *shown, const char *what, struct error *error);

#endif
