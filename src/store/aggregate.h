/*
 * Snapshots to rows of one second: for every measure of the stream, its zones and lines the mean, least and
 * greatest valid value, the share of samples that were valid, and how many samples there were.
 *
 * A second belongs to the picture's capture time on the wall clock. It is closed when a picture of another
 * second comes, or two seconds of monotonic time after it was begun. A measure that a place does not have
 * (REASON_NOT_MEASURED) makes no row; one that it cannot tell just now does, with a share of 0. A picture
 * that comes after its second was closed is left out: a row must not be replaced by less.
 *
 * Not thread-safe. Time comes in as an argument.
 */
#ifndef SCI_STORE_AGGREGATE_H
#define SCI_STORE_AGGREGATE_H

#include "core/snapshot.h"
#include "store/store.h"

struct aggregator; /* opaque */

/* `emit` receives each finished row. NULL without memory. */
struct aggregator *aggregator_create(void (*emit)(void *user, const struct analytics_row *row), void *user);
void aggregator_destroy(struct aggregator *aggregator); /* emits nothing; NULL is fine */
/* ERR_NOMEM: the snapshot was left out. */
int aggregator_add(struct aggregator *aggregator, const struct snapshot *snapshot, int64_t now_mono_ns);
void aggregator_tick(struct aggregator *aggregator, int64_t now_mono_ns);
void aggregator_close_all(struct aggregator *aggregator);

#endif
