/*
 * rate: how often a camera is to be analysed, by what is going on before it.
 *
 * Fixed when both bounds are the same. Else the rate follows the scene between them:
 *  - fast movement: an association by overlap needs successive boxes of a person to overlap well. A step of
 *    a quarter of the box's width leaves an intersection over union of (1 - 1/4) / (1 + 1/4) = 0.6, so four
 *    pictures per box width of movement are wanted;
 *  - people: in proportion, all of the rate from RATE_BUSY_PEOPLE on, because close people are confused;
 *  - somebody who is detected and not yet counted: all of it at once, so that they are counted as soon as
 * with a fixed rate. It rises at once and falls slowly (time constant RATE_FALL_NS).
 */
#ifndef SCI_PIPELINE_RATE_H
#define SCI_PIPELINE_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/track.h"

enum { RATE_BUSY_PEOPLE = 10 };
#define RATE_FALL_NS INT64_C(3000000000)

struct rate {
    double least, most; /* pictures per second, 0 < least <= most */
    double now;
    int64_t time_ns; /* of the last update */
};

struct rate_scene {
    const struct track *tracks; /* people who are counted */
    size_t track_count;
    bool newcomers; /* somebody is detected who is not among them */
};

/* Starts at `most`. `quiet` 0, or not below `most`: fixed. */
struct rate rate_between(double quiet, double most);
/* What is wanted from now on. `now_ns` never decreases. */
double rate_update(struct rate *rate, const struct rate_scene *scene, int64_t now_ns);

#endif
