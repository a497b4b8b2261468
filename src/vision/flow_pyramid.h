/*
 * A picture's luma at halved sizes, each level with its border repeated PYRAMID_MARGIN pixels outwards so
 * that patches may hang over the edge. Used by flow.c.
 */
#ifndef SCI_VISION_FLOW_PYRAMID_H
#define SCI_VISION_FLOW_PYRAMID_H

#include <stddef.h>
#include <stdint.h>

#include "core/picture.h"
#include "vision/flow_kernels.h"

enum {
    PYRAMID_LEVELS_MAX = 8,
    PYRAMID_MARGIN = 32,
    PYRAMID_REACH = PYRAMID_MARGIN - 8 /* a patch whose first pixel is so far outside can still be read */
};

struct pyramid_level {
    int width, height;
    size_t stride;
    uint8_t *pixels; /* the upper left one; the margin lies around */
};

struct pyramid {
    int width, height; /* of the picture; 0 = none yet */
    int shrink;        /* how often it is halved for level 0 */
    int level_count;
    struct pyramid_level levels[PYRAMID_LEVELS_MAX];
    uint8_t *memory;
    uint8_t *rows; /* scratch */
};

/* 0, or -1 without memory (then it is empty). */
int pyramid_prepare(struct pyramid *pyramid, int width, int height);
void pyramid_free(struct pyramid *pyramid);
/* The picture has the prepared size. Green stands in for luma where there is none. */
void pyramid_fill(struct pyramid *pyramid, const struct picture *picture, const struct flow_kernels *kernels);

#endif
