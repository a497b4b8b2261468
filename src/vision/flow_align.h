/*
 * One patch's motion on one level. Inverse compositional Gauss-Newton (Baker and Matthews, IJCV 56:221,
 * 2004): the slopes of the earlier picture serve for all steps. Differences are taken less their mean, which
 * takes the means off the slopes' products too.
 */
#ifndef SCI_VISION_FLOW_ALIGN_H
#define SCI_VISION_FLOW_ALIGN_H

#include "vision/flow_kernels.h"
#include "vision/flow_pyramid.h"

enum { FLOW_CELL = PATCH / 2 };

/* Pixels of the level. */
struct flow_vector {
    float x, y;
};

/* Patch (i, j) of a level covers its cells i - 1 and i across, j - 1 and j down; those at the border hang
 * over. */
struct flow_node {
    struct flow_vector motion;   /* settled */
    struct flow_vector measured; /* of this patch alone */
    float xx, xy, yy;            /* information on `measured`, 1 / pixel^2 */
    float residual[4];           /* mean |difference| of its quarters, grey levels */
};

struct flow_pair {
    const struct flow_kernels *kernels;
    const struct pyramid_level *earlier, *later;
    int steps; /* at most */
};

/* The best of the suggestions (the first counts a little more) is where it starts. */
void flow_align(const struct flow_pair *pair, int i, int j, const struct flow_vector *suggestions, int count,
                struct flow_node *node);

#endif
