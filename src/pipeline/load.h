/*
 * load: what gives way when there are more pictures than can be analysed. The declared order:
 *
 *  1. the rate: every camera gets the same share of its target (the scheduler does that by itself), down to a
 *     floor: `inference.min_fps`, or two thirds of the target where that is less;
 *  2. the resolution: below the floor all cameras that have a ladder of input sizes (network.h) go down a
 * rung;
 *  3. at the last rung the rate falls on. No camera is ever left out, and nothing after the network
 * (measures, alerts, store) gives way. Recovery goes the other way round, one rung at a time.
 *
 * Before any of that the size is chosen by cost: on the rungs where people are counted as well as at full
 * size (network_last_equal_rung), the largest at which the network takes at most LOAD_THRIFT of the workers'
 * time. That is no degradation. What is left is the decoders', everything behind the network, and a reserve.
 *
 * Hysteresis: a rung is left downwards after LOAD_DOWN_NS below the floor, upwards after LOAD_UP_NS in which
 * the rung above would have kept a quarter more than the floor (where sizes are equal: a tenth less than
 * LOAD_THRIFT), judged by what a picture costs now and by the two rungs' pixels. A rise that does not last a
 * minute doubles the next wait, up to ten minutes. The share is smoothed (LOAD_SMOOTH_NS), anew after every
 * change of rung.
 *
 * Plain arithmetic on figures that are passed in, about once a second; the manager's lock guards it.
 */
#ifndef SCI_PIPELINE_LOAD_H
#define SCI_PIPELINE_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#define LOAD_DOWN_NS INT64_C(3000000000)
#define LOAD_UP_NS INT64_C(10000000000)
#define LOAD_UP_MOST_NS INT64_C(600000000000)
#define LOAD_RELAPSE_NS INT64_C(60000000000)
#define LOAD_SMOOTH_NS INT64_C(2000000000)

#define LOAD_THRIFT 0.45

enum load_level { LOAD_NORMAL, LOAD_RATE, LOAD_RESOLUTION }; /* what has given way so far */

/* What happened since the last sample, over all cameras with pictures. */
struct load_sample {
    double seconds;  /* > 0 */
    double wanted;   /* pictures that should have been analysed: the lesser of target and what came */
    double analysed; /* pictures that were */
    double busy;     /* worker seconds spent on them */
    double floor;    /* 0-1: the largest share of its target below which a camera may not fall */
    bool has_ladder; /* a camera could be looked at smaller */
    int last_equal;  /* network_last_equal_rung */
};

struct load {
    int workers;
    int rung;        /* of the ladder, 0 = full size */
    int last_equal;  /* beyond this one the resolution has given way */
    double share;    /* analysed / wanted, smoothed, 0-1 */
    bool rate_falls; /* the share is noticeably below 1 */
    /* private */
    double wanted, analysed, busy;                     /* per second, smoothed; wanted < 0: nothing yet */
    int64_t low_since_ns, fit_since_ns, rate_since_ns; /* 0 = not */
    int64_t rung_since_ns, raised_ns, up_wait_ns;
};

struct load load_start(int workers);
/* True when what gives way has changed. `now_ns` never decreases. */
bool load_update(struct load *load, const struct load_sample *sample, int64_t now_ns);
enum load_level load_level(const struct load *load);
/* The floor of one camera as a share of its target. */
double load_floor_share(double min_fps, double target_fps);
const char *load_level_name(enum load_level level); /* "none", "rate", "resolution" */

#endif
