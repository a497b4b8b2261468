#include "pipeline/retry.h"

#include "base/clock.h"

#define FIRST_NS (200 * NS_PER_MS)
#define MOST_NS (3 * NS_PER_S)
#define LONG_OUTAGE_NS (600 * NS_PER_S)
#define SLOW_NS (10 * NS_PER_S)
#define REFUSED_NS (30 * NS_PER_S)
#define SETTLED_NS (5 * NS_PER_S) /* live for so long: the outage is over */
#define SPREAD 0.4
enum { DOUBLINGS = 4, REFUSALS_OF_A_START = 3 };

static void note(struct retry *retry, enum stream_cause cause, int64_t lived_ns, int64_t now_ns)
{
    retry->was_live |= lived_ns >= 0;
    if (lived_ns >= SETTLED_NS)
        retry->failures = 0;
    if (lived_ns >= 0 || retry->down_since_ns == 0)
        retry->down_since_ns = now_ns;
    retry->refusals = cause == CAUSE_AUTHENTICATION ? retry->refusals + 1 : 0;
}

int64_t retry_after(struct retry *retry, enum stream_cause cause, int64_t lived_ns, int64_t now_ns,
                    double chance)
{
    note(retry, cause, lived_ns, now_ns);
    int64_t wait = FIRST_NS << (retry->failures < DOUBLINGS ? retry->failures : DOUBLINGS);
    if (wait > MOST_NS)
        wait = MOST_NS;
    if (now_ns - retry->down_since_ns > LONG_OUTAGE_NS)
        wait = SLOW_NS;
    if (retry->refusals > (retry->was_live ? REFUSALS_OF_A_START : 0))
        wait = REFUSED_NS;
    if (retry->failures < DOUBLINGS)
        retry->failures++;
    return (int64_t)((double)wait * (1 - SPREAD * chance));
}
