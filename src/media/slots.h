/*
 * slots: a count of pictures that are out, with a limit, so that a camera's memory is bounded. It is shared
 * by the source that makes pictures and by the pictures themselves, which outlive it; the last one out frees
 * it. Thread-safe.
 */
#ifndef SCI_MEDIA_SLOTS_H
#define SCI_MEDIA_SLOTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct slots;

/* NULL without memory. `limit` 0 counts as 1. */
struct slots *slots_create(size_t limit);
/* The creator lets go; taken slots stay valid until they are given back. Clears the pointer; NULL is fine. */
void slots_release(struct slots **slots);

/* Takes a slot if one is free. */
bool slots_try(struct slots *slots);
/*
 * Waits for a slot until `deadline_ns` (monotonic; INT64_MAX = for ever). ERR_FULL when none became free,
 * ERR_CANCELED when `cancel` (may be NULL) became true.
 */
int slots_wait(struct slots *slots, int64_t deadline_ns, const atomic_bool *cancel);
void slots_give_back(struct slots *slots);

/*
 * How a source lets a picture out: 0 with a slot taken. When none is free: with `drop` (live use: the newest
 * picture counts, and nobody waits) 1, the picture has to be dropped, or ERR_FULL after `deadline_ns`; else
 * as slots_wait. `error` gets `shown` and why.
 */
int slots_admit(struct slots *slots, bool drop, int64_t deadline_ns, const atomic_bool *cancel,
                const char *shown, struct error *error);

#endif
