/*
 * A quantity over the last minute: its rate of change, where it will be in a minute, and when it reaches a
 * limit, each with a 90 % interval. A straight line is fitted by least squares to means over one second; what
 * is left over is taken to be correlated over five seconds, and people are counted one by one. A rise that
 * may be chance has no time to a limit. Stream time. A plain value without memory of its own; zero-initialise
 * it.
 */
#ifndef SCI_CROWD_TREND_H
#define SCI_CROWD_TREND_H

#include <stdbool.h>
#include <stdint.h>

#include "core/measure.h"

enum { TREND_SAMPLES = 60 };

struct trend {
    double value[TREND_SAMPLES]; /* means over a second */
    int64_t second[TREND_SAMPLES];
    unsigned head, count;
    int64_t current; /* second that is being filled */
    double sum, n;
};

struct trend_result {
    struct measure change_per_min, forecast, time_to_limit;
};

/* An invalid value is a gap. `one_person` is what one person adds to the quantity: 1 / area for a density. */
void trend_add(struct trend *trend, int64_t now_ns, const struct measure *value);
struct trend_result trend_measure(const struct trend *trend, int64_t now_ns, double one_person, double limit);

#endif
