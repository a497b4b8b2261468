/*
 * Kalman filter of a box: its centre, width and height, each with its rate of change, each on its own (the
 * four are measured with independent errors, so the covariance of a joint filter would stay block-diagonal).
 * Constant velocity with white acceleration: Y. Bar-Shalom, X. R. Li, T. Kirubarajan, "Estimation with
 * Applications to Tracking and Navigation" (2001), section 6.2.2. Pixels and seconds.
 *
 * All noise is in parts of the box's height, so that near and far people, large and small pictures, are
 * alike; process noise grows with the time passed, so that any frame rate, also an irregular one, is right.
 */
#ifndef SCI_TRACK_BOX_FILTER_H
#define SCI_TRACK_BOX_FILTER_H

#include "core/detection.h"

enum box_axis { AXIS_X, AXIS_Y, AXIS_W, AXIS_H, AXIS_COUNT }; /* centre x, centre y, width, height */

struct axis_state {
    double position, velocity;
    double p_pp, p_pv, p_vv; /* covariance */
};

struct box_filter {
    struct axis_state axis[AXIS_COUNT];
};

struct box_noise {
    double acceleration;      /* of the centre: heights / s^1.5 */
    double size_acceleration; /* of width and height */
    double centre;            /* of a measured centre, heights, one sigma */
    double size;              /* of a measured width or height */
    double start_velocity;    /* of an unknown velocity: heights / s */
    double start_size_velocity;
};

void box_filter_start(struct box_filter *f, struct box box, const struct box_noise *noise);
void box_filter_predict(struct box_filter *f, double seconds, const struct box_noise *noise);
/* `doubt` >= 1 widens the measurement's noise (a box with a low score). */
void box_filter_update(struct box_filter *f, struct box box, double doubt, const struct box_noise *noise);
/* Width and height are at least one pixel. */
struct box box_filter_box(const struct box_filter *f);
/* The picture moved under the box: p becomes a p + b (a row-major 2x2). */
void box_filter_move(struct box_filter *f, const double a[4], const double b[2]);

#endif
