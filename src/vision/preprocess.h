/*
 * From a decoded picture to a network's input: change of size, colour conversion and normalisation in one
 * pass.
 *
 * What comes out is defined, not approximated, so that tests can compare with a reference and every processor
 * gives the same bytes:
 *  1. each plane of the picture is resampled on its own to the content's size (resample.h), first down the
 * columns, then along the rows; between the two, and after, samples are integers of 1/128 grey level, rounded
 * to nearest;
 *  2. Y, U, V become R, G, B there (BT.601 or BT.709, limited or full range; coefficients of 1/8192), clipped
 * to 0-255; chroma samples count as lying in the middle of the luma samples they belong to; GRAY8 is R = G =
 * B, always full range;
 *  3. value * scale + offset per channel, in float, two roundings.
 * Colour is converted at the network's size, a tenth of a large picture's, and each source byte is read about
 * once. Against the same steps in real numbers the result is off by less than 0.05 grey levels.
 *
 * Network inputs are 1 x 3 x height x width. The picture keeps its aspect ratio; what it does not cover is
 * grey.
 */
#ifndef SCI_VISION_PREPROCESS_H
#define SCI_VISION_PREPROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "core/picture.h"
#include "geo/point.h"

/* What a family's networks were trained on. */
struct input_format {
    bool bgr;       /* first channel is blue */
    float scale[3]; /* in the order of the channels: value 0-255 * scale + offset */
    float offset[3];
    float grey;    /* 0-255, where there is no picture */
    bool top_left; /* the picture lies in the corner, else in the middle */
};

/* Where the picture lies in the network's input. */
struct placement {
    int input_width, input_height;
    int x, y, width, height; /* content, in input pixels */
    double scale_x, scale_y; /* input pixels per picture pixel */
};

struct placement placement_fit(int picture_width, int picture_height, int input_width, int input_height,
                               bool top_left);
/* The input size of about `pixels` pixels that shows the most of such a picture; sides are multiples of
 * `step`. */
void placement_choose_size(int picture_width, int picture_height, int pixels, int step, int *input_width,
                           int *input_height);

/* Polygons in 0-1 of the picture that become grey; even-odd rule, by the centres of the input's pixels. */
struct mask_set {
    size_t count;
    const struct point *const *polygons;
    const size_t *corner_counts;
};

enum preprocess_path { PREPROCESS_AUTO, PREPROCESS_SCALAR, PREPROCESS_AVX2 };

struct preprocess; /* scratch of one worker */

struct preprocess *
preprocess_create(enum preprocess_path path); /* NULL without memory, or if this processor has no AVX2 */
void preprocess_destroy(struct preprocess **preprocess);
/* `out` holds 3 * input_height * input_width floats. ERR_INVALID for a picture whose planes or sizes make no
 * sense. Allocates only when a size is met that was not there lately. */
int preprocess_run(struct preprocess *preprocess, const struct picture *picture,
                   const struct input_format *format, const struct placement *placement,
                   const struct mask_set *masks, float *out, struct error *error);

#endif
