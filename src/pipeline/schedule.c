#include "pipeline/schedule.h"

#include <assert.h>

double schedule_overdue(const struct schedule *s, int64_t now_ns)
{
    assert(s->interval_ns > 0);
    return (double)(now_ns - s->due_ns) / (double)s->interval_ns;
}

void schedule_advance(struct schedule *s, int64_t now_ns)
{
    int64_t next = s->due_ns + s->interval_ns;
    s->due_ns = next > now_ns - s->interval_ns ? next : now_ns;
}

void schedule_set_rate(struct schedule *s, double rate, int64_t now_ns)
{
    assert(rate > 0);
    int64_t interval = (int64_t)(1e9 / rate);
    if (interval < 1)
        interval = 1;
    if (s->due_ns > now_ns) {
        s->due_ns += interval - s->interval_ns;
        if (s->due_ns < now_ns)
            s->due_ns = now_ns;
    }
    s->interval_ns = interval;
}
