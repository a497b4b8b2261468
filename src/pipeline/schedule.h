/*
 * schedule: when one camera is to be served next, and how urgent that is beside others. Plain arithmetic on
 * times that are passed in; the manager's lock guards it.
 *
 * The schedule advances by one interval (1 / target rate) from where it was, so that a target that does not
 * divide the camera's own rate is kept on average, but never lags more than one interval behind now, so that
 * a camera that was away or starved does not burst. Urgency is counted in the camera's own intervals: under
 * overload every camera gets the same share of its target. Measured on sixteen cameras, serving the oldest
 * picture first is unfair by a factor of three; this is fair within a few per cent.
 */
#ifndef SCI_PIPELINE_SCHEDULE_H
#define SCI_PIPELINE_SCHEDULE_H

#include <stdint.h>

struct schedule {
    int64_t due_ns;      /* monotonic; 0 at first: at once */
    int64_t interval_ns; /* > 0 */
};

/* How long it has been due, in intervals; below 0: not yet. */
double schedule_overdue(const struct schedule *schedule, int64_t now_ns);
/* It is being served now. */
void schedule_advance(struct schedule *schedule, int64_t now_ns);
/* A new target, pictures per second, above 0. What is already due stays so; what is not becomes due when the
 * new rate would have it. */
void schedule_set_rate(struct schedule *schedule, double rate, int64_t now_ns);

#endif
