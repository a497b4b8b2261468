/*
 * How sharp the edges of a picture are, tile by tile: a measure of blur that does not depend on the contrast
 * or the brightness of the scene.
 *
 * Along some rows of each tile, in pieces of 16 samples that overlap by half: where a piece has an edge (its
 * range is a good part of the picture's), its sharpness is the steepest step over two samples as a share of
 * that range. A clean step has 1; one that a Gaussian of s samples has blurred has erf(1 / (s sqrt 2)): 0.68
 * for 1, 0.38 for 2, 0.20 for 4. A sample is the mean of WIDTH / 640 pixels, so that a picture with more
 * pixels is not asked for more than the network, which sees some 400, can use. No allocation; pure.
 */
#ifndef SCI_VISION_EDGES_H
#define SCI_VISION_EDGES_H

#include "core/health.h"
#include "core/picture.h"

struct tile_edges {
    float sharpness[HEALTH_TILES]; /* mean over the tile's edges; 0 without any */
    int count[HEALTH_TILES];       /* pieces that had an edge */
};

/* `least_range`: luma levels that make an edge. */
void edges_measure(const struct picture *picture, int least_range, struct tile_edges *edges);

#endif
