/*
 * Bounded queue of pointers between threads. It owns the items that are in it: `free_item` is called for
 * those left at destruction and for those that are dropped. What happens when it is full is the caller's
 * choice per call.
 */
#ifndef SCI_BASE_QUEUE_H
#define SCI_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue; /* opaque */

struct queue *queue_create(size_t capacity, void (*free_item)(void *item)); /* NULL without memory */
void queue_destroy(struct queue *queue);                                    /* no thread may still use it */

/* ERR_FULL or ERR_CLOSED leave the item with the caller. Never blocks. */
int queue_try_put(struct queue *queue, void *item);
/* Takes the place of the oldest item when full (which is freed). Returns how many were dropped (0 or 1), or
 * ERR_CLOSED. */
int queue_put_newest(struct queue *queue, void *item);
/* Waits up to `timeout_ns` (< 0: for ever) for room. ERR_TIMEOUT, ERR_CLOSED leave the item with the caller.
 */
int queue_put_wait(struct queue *queue, void *item, int64_t timeout_ns);
/* Waits up to `timeout_ns` for an item (0: do not wait, < 0: for ever). NULL on time-out, or when closed and
 * empty. */
void *queue_take(struct queue *queue, int64_t timeout_ns);
size_t queue_size(struct queue *queue);
/* No more puts; takers get what is left, then NULL at once. */
void queue_close(struct queue *queue);
bool queue_is_closed(struct queue *queue);

#endif
