/*
 * retry: how long to wait before a source is opened again. It never gives up.
 *
 * 0.2 s at first, doubled at each failure, at most 3 s: whoever mends a camera waits for its picture. After
 * an outage of ten minutes about every 10 s. Up to 40 % less by chance, so that a hundred cameras behind one
 * switch do not come back in step. A camera that gives a few pictures and fails again counts as failing
 * still.
 *
 * A wrong password does not mend itself, and cameras lock out who asks too often: every 30 s. A camera that
 * was live with the same password may only be starting: its first three refusals count as ordinary failures.
 *
 * Pure: no clock, no chance of its own. One thread. Begin with zeros.
 */
#ifndef SCI_PIPELINE_RETRY_H
#define SCI_PIPELINE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/stream.h"

struct retry {
    int failures;          /* in a row */
    int refusals;          /* of name or password, in a row */
    bool was_live;         /* ever */
    int64_t down_since_ns; /* monotonic; 0 = not down */
};

/* After an attempt that failed. `cause`: why; `lived_ns`: from its first picture to its last, negative when
 * there was none; `chance` is in [0, 1). Nanoseconds. */
int64_t retry_after(struct retry *retry, enum stream_cause cause, int64_t lived_ns, int64_t now_ns,
                    double chance);

#endif
