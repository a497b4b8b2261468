/*
 * Individual speed, crossings of a line, N-t and flow of recorded trajectories, as defined by PedPy and the
 * Juelich laboratory (docs/measures.md). Metres, seconds, frames.
 */
#ifndef SCI_CROWD_MOVEMENT_H
#define SCI_CROWD_MOVEMENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/trajectory.h"

/* speeds[row], m/s: from the place `step` frames before to that `step` frames after; where a frame is
 * missing, the person's own takes its place. 0 for a person with one frame only. */
void movement_speeds(const struct trajectories *trajectories, int step, double frame_rate, double *speeds);

struct crossing_event {
    int64_t id, frame; /* frame: the end of the first step with which the person crosses */
    double speed;      /* there, m/s */
};

/* Each person's first crossing of the polyline, by frame, then id. A step that starts on the line counts, one
 * that ends on it does not. *events is malloc'd. */
int movement_crossings(const struct trajectories *trajectories, const struct point *line, size_t point_count,
                       const double *speeds, struct crossing_event **events, size_t *count,
                       struct error *error);

struct flow_interval {
    double flow_per_s, speed_mean;
    int64_t from, to; /* frames: people who crossed after `from`, up to and with `to` */
    size_t people;
};

/* Whole intervals of `frames` from the first crossing on; those in which nobody crossed are left out.
 * *intervals is malloc'd. */
int movement_flow(const struct crossing_event *events, size_t count, int64_t frames, double frame_rate,
                  struct flow_interval **intervals, size_t *interval_count, struct error *error);

#endif
