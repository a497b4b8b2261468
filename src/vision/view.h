/* What network.c reads of a view. */
#ifndef SCI_VISION_VIEW_H
#define SCI_VISION_VIEW_H

#include "vision/network.h"
#include "vision/preprocess.h"

struct view {
    float confidence_low, nms_iou;
    double min_width_px, min_height_px;
    int input_width, input_height;
    struct point *region;
    size_t region_count;
    struct mask_set masks;
    struct point **mask_corners; /* owns what `masks` points to */
    size_t *mask_counts;
};

#endif
