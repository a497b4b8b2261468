/*
 * People in a picture without any model file: histograms of oriented gradients and a linear support vector
 * machine in a window that slides over the picture at many scales (Dalal and Triggs, CVPR 2005). The fallback
 * when there is no network; misses more and sees more that is not there (docs/detector.md says how much).
 *
 * One context per thread; memory grows with the largest picture. The same picture gives the same boxes on
 * every processor, but for the last digit of a score.
 */
#ifndef SCI_VISION_HOG_H
#define SCI_VISION_HOG_H

#include <stdbool.h>

#include "base/error.h"
#include "core/detection.h"
#include "core/picture.h"
#include "vision/preprocess.h"

/* Working sizes of a picture are multiples of HOG_STEP, by default together about HOG_PIXELS: people of 52
 * pixels there are the smallest that are found. */
enum { HOG_STEP = 8, HOG_PIXELS = 768 * 576 };

struct hog;

/* NULL without memory. `fast`: AVX2 where there is one. */
struct hog *hog_create(bool fast);
void hog_destroy(struct hog **hog);
/* People of a score of at least `threshold` (0-1), surest first, one box each, in pixels of the picture (not
 * clipped to it). `placement` says at what size it is looked at. They live in `hog` until its next call;
 * the caller may change them. ERR_INVALID for a picture that makes no
 * sense, ERR_NOMEM. */
int hog_run(struct hog *hog, const struct picture *picture, const struct placement *placement,
            const struct mask_set *masks, float threshold, struct detection **people, size_t *count,
            struct error *error);

#endif
