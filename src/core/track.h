/* A track: one person over time, as published for one picture. */
#ifndef SCI_CORE_TRACK_H
#define SCI_CORE_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/detection.h"
#include "geo/point.h"

struct track_ground {
    bool valid;
    struct point position; /* metres: the middle of the box's bottom edge on the ground */
    double error_m;        /* one sigma */
    bool velocity_valid;
    struct point velocity; /* m/s, over about one second of stream time */
};

struct track {
    int64_t track_id; /* from 1, never reused within an epoch */
    struct box box;   /* of the detection, or predicted when coasted; pixels */
    float score;      /* of its last detection */
    bool coasted;     /* not detected in this picture */
    double age_s;     /* since birth, stream time */
    bool velocity_px_valid;
    struct point velocity_px; /* dx, dy: pixels per second, x right, y down */
    struct track_ground ground;
};

#endif
