/*
 * Non-maximum suppression: of boxes that overlap, the surest stays. Greedy, by score; equal scores are taken
 * from top to bottom, then left to right, so that the result is the same whatever order the boxes came in.
 */
#ifndef SCI_VISION_SUPPRESSION_H
#define SCI_VISION_SUPPRESSION_H

#include <stddef.h>

#include "core/detection.h"

/* More boxes than this are not looked at (those of least score); a picture full of people gives some
 * thousands. */
enum { SUPPRESSION_MAX = 4096 };

/* In place: score descending. No allocation. */
void detections_sort(struct detection *detections, size_t count);
/* Sorts, removes what overlaps a better box by more than `iou` (and boxes without area), in place; returns
 * how many stay. */
size_t detections_suppress(struct detection *detections, size_t count, float iou);

#endif
