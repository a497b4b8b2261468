/*
 * The pace of a live camera's pictures: how many are analysed and how many come, and whether they come later
 * and later. Pure; zeros at the start; no allocation.
 *
 * - Rates: over the pictures of the last PACE_WINDOW_NS, by the monotonic clock.
 * - Delay: by how much a picture comes later than it could have is known to its source (source_info.late_s).
 * The least of it over PACE_WINDOW_NS has no jitter in it: it is what a buffer on the way has gained, on a
 * congested network, in a camera or a proxy that queues.
 *
 * A gap of PACE_GAP_NS (a reconnect) begins anew.
 */
#ifndef SCI_PIPELINE_PACE_H
#define SCI_PIPELINE_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define PACE_WINDOW_NS (5 * NS_PER_S)
#define PACE_GAP_NS (4 * NS_PER_S)

enum { PACE_RING = 128 };

struct pace {
    struct pace_stamp {
        int64_t mono_ns, number;
    } ring[PACE_RING];
    size_t count; /* noted since the last gap */
    int64_t begin_ns, last_ns;
    int64_t window_from_ns;
    double least_now_s, least_before_s; /* lateness in this window and in the last */
    bool has_before;
    double usual_rate; /* what the camera gave at its best, slowly forgotten */
};

struct pace_figures {
    bool known;      /* a window has passed since the last gap */
    double analysed; /* pictures per second */
    double given;    /* by the camera */
    double usual;    /* given, at its best */
    double delay_s;  /* by which all pictures of the window were late */
};

/* A picture that is analysed, as the `number`th of the camera. */
void pace_note(struct pace *pace, int64_t mono_ns, int64_t number, double late_s,
               struct pace_figures *figures);

#endif
