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

#endif
