/*
 * Histograms of oriented gradients (Dalal and Triggs, CVPR 2005) of a grey picture at one scale: cells of
 * HOG_CELL x HOG_CELL pixels, 9 directions of 180 degrees, votes spread over neighbouring cells and
 * directions, and each cell set in relation to the four blocks of 2 x 2 cells around it (clipped at 0.2).
 * Of the four normalised copies of a cell their mean is kept, and of each copy its sum (Felzenszwalb et al.,
 * PAMI 2010, section 6.2, shows that this loses nothing): 13 numbers a cell instead of 36.
 *
 * The same picture gives the same bytes on every processor. One thread; grows its memory when a larger
 * picture than any before comes.
 */
#ifndef SCI_VISION_HOG_FEATURES_H
#define SCI_VISION_HOG_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vision/hog_kernels.h"
#include "vision/resample.h"

/* Cells without gradients around the picture: people cut off by its edge have windows too. */
enum { HOG_PAD = 2 };

struct hog_features {
    const struct hog_kernels *kernels;
    int cells_x, cells_y; /* with HOG_PAD on each side */
    int16_t *features;    /* [cells_y][cells_x][HOG_FEATURES] */
    struct hog_buffers *buffers;
};

/* `fast`: AVX2 where there is one. False without memory. */
bool hog_features_init(struct hog_features *f, bool fast);
void hog_features_free(struct hog_features *f);
/* Of `grey` (rows of `stride` bytes) brought to across->out_size x down->out_size. -1 without memory. */
int hog_features_compute(struct hog_features *f, const uint8_t *grey, size_t stride,
                         const struct axis *across, const struct axis *down);

#endif
