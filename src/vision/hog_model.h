/*
 * The HOG detector's trained weights (models/train_hog.py wrote hog_model.inc; models/hog.md is their card).
 *
 * A window is HOG_WINDOW_ROWS x HOG_WINDOW_COLUMNS cells. margin = sum of features * weights * scale + bias;
 * score = 1 / (1 + exp(-margin)). The sum of |weight| * greatest feature stays below 2^31: dot products never
 * leave 32 bits (a test holds it).
 *
 * Rows are looked at in `order`; after each stage of HOG_STAGE_ROWS rows a window whose sum so far is below
 * `least` is given up. The limits are those that the people of the training pictures pass.
 */
#ifndef SCI_VISION_HOG_MODEL_H
#define SCI_VISION_HOG_MODEL_H

#include <stdint.h>

#include "vision/hog_kernels.h"

enum {
    HOG_WINDOW_COLUMNS = 8,
    HOG_WINDOW_ROWS = 16,
    HOG_ROW_VALUES = HOG_WINDOW_COLUMNS * HOG_FEATURES,
    HOG_STAGE_ROWS = 4,
    HOG_STAGES = HOG_WINDOW_ROWS / HOG_STAGE_ROWS
};

struct hog_model {
    float scale, bias;
    float person_width, person_height; /* of the box in the middle of a window, in the window's pixels */
    int order[HOG_WINDOW_ROWS];
    int32_t least[HOG_STAGES - 1];
    int16_t weights[HOG_WINDOW_ROWS][HOG_ROW_VALUES];
};

extern const struct hog_model hog_model;

#endif
