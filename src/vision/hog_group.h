/*
 * From windows to people: a person fills several windows, a little off in place and size. Greedy, by score:
 * the surest window and all that overlap it become one person, whose box is the mean of the windows that
 * overlap it most, weighted by score.
 */
#ifndef SCI_VISION_HOG_GROUP_H
#define SCI_VISION_HOG_GROUP_H

#include <stddef.h>

#include "core/detection.h"

/* Spoils `windows`, whose scores are above 0; `people` has room for `count`. Returns how many people, surest
 * first. No allocation. */
size_t hog_group(struct detection *windows, size_t count, struct detection *people);

#endif
