#include "media/stream_time.h"

#include <math.h>

#include "base/clock.h"

#define JUMP_BACK_NS NS_PER_S
#define JUMP_AHEAD_NS (10 * NS_PER_S)
/* Stamps outside are nonsense, and sums with those inside cannot overflow. */
#define STAMP_MAX_NS (INT64_C(1) << 60)

/* How much time goes by when the stamps do not say. */
static int64_t plain_step(const struct stream_time *time, int64_t arrival_ns)
{
    int64_t passed = arrival_ns - time->arrival_ns;

    if (!time->live)
        return time->duration_ns;
    return passed > NS_PER_MS ? passed : NS_PER_MS;
}

static bool is_cut(const struct stream_time *time, int64_t step, int64_t arrival_ns)
{
    int64_t ahead = JUMP_AHEAD_NS;

    if (time->duration_ns > ahead / 5)
        ahead = 5 * time->duration_ns;
    if (time->live && arrival_ns > time->arrival_ns)
        ahead += arrival_ns - time->arrival_ns;
    return step <= -JUMP_BACK_NS || step > ahead;
}

static int64_t from_stamp(struct stream_time *time, int64_t stamp_ns, int64_t arrival_ns)
{
    int64_t step = stamp_ns + time->offset_ns - time->last_ns;

    if (time->anchor || is_cut(time, step, arrival_ns)) {
        step = plain_step(time, arrival_ns);
        time->offset_ns = time->last_ns + step - stamp_ns;
    } else if (step <= 0) {
        step = time->duration_ns / 2 > 0 ? time->duration_ns / 2 : 1;
    }
    time->anchor = false;
    return time->last_ns + step;
}

int64_t stream_time_next(struct stream_time *time, int64_t stamp_ns, int64_t arrival_ns)
{
    bool stamped = stamp_ns > -STAMP_MAX_NS && stamp_ns < STAMP_MAX_NS;
    int64_t now;

    if (time->rate > 0) {
        now = llround((double)time->number / time->rate * (double)NS_PER_S);
    } else if (time->number == 0) {
        now = 0;
        time->offset_ns = stamped ? -stamp_ns : 0;
        time->anchor = !stamped;
    } else if (stamped) {
        now = from_stamp(time, stamp_ns, arrival_ns);
    } else {
        now = time->last_ns + plain_step(time, arrival_ns);
    }
    time->number++;
    time->last_ns = now;
    time->arrival_ns = arrival_ns;
    return now;
}

void stream_time_restart(struct stream_time *time)
{
    time->anchor = true;
}
