/*
 * Token buckets, one per name (a credential, an address). A fixed number of them: when all are taken, the one
 * that was used longest ago is given to the newcomer, so that memory stays bounded whatever arrives.
 * Thread-safe.
 */
#ifndef SCI_API_LIMITER_H
#define SCI_API_LIMITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limiter; /* opaque */

struct limiter *limiter_create(size_t buckets); /* NULL without memory */
void limiter_destroy(struct limiter *limiter);
/*
 * Takes one token from the bucket of `name`, which holds `burst` and gains `per_second`; now_ns is monotonic.
 * False when it is empty: *retry_after_s (at least 1) says when there is one again.
 */
bool limiter_take(struct limiter *limiter, const char *name, double per_second, double burst, int64_t now_ns,
                  int *retry_after_s);

#endif
