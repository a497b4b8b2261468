/* A calibration as it is written (YAML, JSON) and as it is kept (struct camera_model), and the way between
 * them. */
#ifndef SCI_CONFIG_CALIBRATION_H
#define SCI_CONFIG_CALIBRATION_H

#include <stdbool.h>
#include <stddef.h>

#include "config/key.h"
#include "geo/camera.h"

struct homography_written {
    size_t pair_count;
    double *pairs;     /* rows of px, py, X, Y */
    double matrix[9];  /* the first is NaN when not given */
    double residual_m; /* NaN when not given */
};

struct calibration_written {
    int width, height; /* 0 x 0 = not given */
    char *file;
    bool has_homography, has_tsai, has_pinhole;
    struct homography_written homography;
    struct camera_tsai tsai;
    struct camera_pinhole pinhole;
};

int calibration_keep(struct config_reader *reader, const struct node *node, const void *written, void *kept);
bool calibration_write(const void *kept, void *written);

#endif
