/* What sci calibrate works on, and reading it. */
#ifndef SCI_CLI_CALIBRATE_INPUT_H
#define SCI_CLI_CALIBRATE_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "cli/calibrate_heights.h"
#include "geo/camera.h"

/* As written on the command line; NULL = not given. */
struct calibration_input {
    const char *pairs, *file, *projection, *intrinsics, *extrinsics, *size;
};

struct calibration {
    struct camera_model camera;
    struct camera_model upright; /* knows heights: the camera, or that of a plane map; kind NONE without */
    char no_upright[160];        /* why there is none */
    size_t pair_count;           /* 0 = not out of pairs */
    double *errors;              /* per pair, metres; owned */
    struct homography_fit fit;
    bool heights_known;
    struct heights heights;
};

int calibration_read(const struct calibration_input *input, struct calibration *calibration,
                     struct error *error);

#endif
