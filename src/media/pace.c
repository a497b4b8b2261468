#include "media/pace.h"

#include "base/error.h"

#define LOOK_NS (20 * NS_PER_MS) /* how often the cancel flag is looked at */
#define STANDSTILL_NS (60 * NS_PER_S)
#define FOLLOW_LATE_NS (250 * NS_PER_MS)
#define FOLLOW_EARLY_NS NS_PER_S

int pace_wait(struct pace *pace, int64_t stream_ns, const atomic_bool *cancel, struct instant *due)
{
    struct instant now = clock_now();
    int64_t due_ns;

    if (!pace->running || now.mono_ns - (pace->start_ns + stream_ns) > STANDSTILL_NS) {
        pace->running = true;
        pace->start_ns = now.mono_ns - stream_ns;
    }
    due_ns = pace->start_ns + stream_ns;
    while (now.mono_ns < due_ns) {
        int64_t rest = due_ns - now.mono_ns;

        if (cancel && atomic_load_explicit(cancel, memory_order_relaxed))
            return ERR_CANCELED;
        clock_sleep_ns(rest < LOOK_NS ? rest : LOOK_NS);
        now = clock_now();
    }
    due->mono_ns = due_ns;
    due->wall_ns = now.wall_ns - (now.mono_ns - due_ns);
    return 0;
}

int pace_follow(struct pace *pace, int64_t stream_ns, const atomic_bool *cancel, struct instant *due)
{
    int64_t late_ns = clock_monotonic_ns() - (pace->start_ns + stream_ns);

    if (late_ns > FOLLOW_LATE_NS || late_ns < -FOLLOW_EARLY_NS)
        pace->running = false;
    return pace_wait(pace, stream_ns, cancel, due);
}
