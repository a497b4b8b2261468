/* How tall people who walk through a calibrated picture come out: a check of the ground's scale that needs no
 * tape. Part of sci calibrate. */
#ifndef SCI_CLI_CALIBRATE_HEIGHTS_H
#define SCI_CLI_CALIBRATE_HEIGHTS_H

#include <stddef.h>

#include "base/error.h"
#include "geo/camera.h"

struct heights {
    size_t people;            /* who walked and were seen whole often enough */
    double median, low, high; /* of their heights, metres; 90 % interval of the median */
    double near_median,
        far_median; /* of the nearer and the farther half of what was seen; NaN with few people */
};

/*
 * text: what `sci analyze` writes as CSV or MOT. `image`: the model that boxes are placed by; `upright`: one
 * that knows heights (the same, or the camera of a plane map). ERR_FORMAT with the row. A person counts who
 * is seen whole in at least five pictures and comes two metres far: by the median of their heights.
 */
int heights_measure(const char *text, size_t size, const struct camera_model *image,
                    const struct camera_model *upright, struct heights *heights, struct error *error);

#endif
