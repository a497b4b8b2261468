/* pace: waits until a recorded picture is due, so that a file behaves like a camera. One thread;
 * zero-initialised at the start. */
#ifndef SCI_MEDIA_PACE_H
#define SCI_MEDIA_PACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct pace {
    bool running;
    int64_t start_ns; /* monotonic time of stream time 0 */
};

/*
 * Sleeps until stream time `stream_ns` is due, on the monotonic clock and counted from the first call, and
 * says when it was due. A late call returns at once with the time at which it had been due; one that is more
 * than a minute late starts the schedule anew. ERR_CANCELED when `cancel` (may be NULL) became true.
 */
int pace_wait(struct pace *pace, int64_t stream_ns, const atomic_bool *cancel, struct instant *due);

/* The same for a live stream that comes in pieces of several seconds (HLS): a picture that is more than a
 * quarter of a second late (the next piece came late) or more than a second early (pieces were left out)
 * begins the schedule anew. */
int pace_follow(struct pace *pace, int64_t stream_ns, const atomic_bool *cancel, struct instant *due);

#endif
