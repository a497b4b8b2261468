/* Time: int64_t nanoseconds inside, RFC 3339 (UTC, milliseconds) at the borders. */
#ifndef SCI_BASE_CLOCK_H
#define SCI_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

/* Both clocks of one instant: the wall for people, the monotonic for durations. */
struct instant {
    int64_t wall_ns; /* since 1970-01-01 UTC */
    int64_t mono_ns; /* CLOCK_MONOTONIC */
};

int64_t clock_wall_ns(void);
int64_t clock_monotonic_ns(void);
struct instant clock_now(void);
void clock_sleep_ns(int64_t ns);

enum { TIME_TEXT_SIZE = 32 };
/* "2026-05-01T18:03:07.125Z"; returns `out`. Years outside 0000-9999 are clamped. */
char *time_format(int64_t wall_ns, char out[TIME_TEXT_SIZE]);
/* Accepts any RFC 3339 date-time (offset, fraction of any length). ERR_FORMAT otherwise. */
int time_parse(const char *text, int64_t *wall_ns, struct error *error);

#endif
