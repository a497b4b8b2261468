/*
 * Kalman filter of a person's place on the ground, metres and seconds: position and velocity with white
 * acceleration, the same in every direction, wherever the person stands. What a pixel is worth in metres, and
 * in which direction, comes from the camera at the place of each box: K. Yi et al., "UCMCTrack: Multi-Object
 * Tracking with Uniform Camera Motion Compensation" (AAAI 2024).
 */
#ifndef SCI_TRACK_GROUND_FILTER_H
#define SCI_TRACK_GROUND_FILTER_H

#include <stdbool.h>

#include "core/detection.h"
#include "geo/camera.h"

/* The middle of a box's bottom edge on the ground, with its covariance (xx, xy, yy). */
struct ground_place {
    bool valid;
    struct point at;
    double xx, xy, yy;
};

struct ground_filter {
    bool valid;
    struct point position, velocity;
    double pp[3], pv[4], vv[3]; /* covariance blocks: symmetric as xx, xy, yy; pv row-major */
};

struct ground_noise {
    double acceleration;   /* m / s^1.5 */
    double start_velocity; /* m / s */
    double foot_x, foot_y; /* of a measured foot, heights, one sigma */
};

/* Not valid without a camera, above the horizon, or where the model has no answer. */
struct ground_place ground_place_of(const struct camera_model *camera, struct box box,
                                    const struct ground_noise *noise);

void ground_filter_start(struct ground_filter *f, const struct ground_place *place,
                         const struct ground_noise *noise);
void ground_filter_predict(struct ground_filter *f, double seconds, const struct ground_noise *noise);
/* Starts the filter if it is not valid; a place that is not valid changes nothing. */
void ground_filter_update(struct ground_filter *f, const struct ground_place *place,
                          const struct ground_noise *noise);
/* Squared Mahalanobis distance of the place from the prediction (chi-square with two degrees of freedom if
 * they are the same person); negative when either is not valid. */
double ground_filter_distance(const struct ground_filter *f, const struct ground_place *place);

#endif
