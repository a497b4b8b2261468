/*
 * How good detections are against labelled boxes: average precision and the best F1 at one overlap, precision
 * and recall at one threshold. As in PASCAL VOC (Everingham et al., IJCV 2010), with the area under the whole
 * curve.
 *
 * Within a frame, detections are taken by score; each takes the free labelled box that it overlaps most, if
 * by at least `iou`. A detection of a box that does not count (labelled, but of somebody the scorer should
 * not care about) is neither right nor wrong.
 */
#ifndef SCI_VISION_DETECTION_SCORE_H
#define SCI_VISION_DETECTION_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/detection.h"

struct labelled_box {
    int64_t frame;
    struct box box;
    bool counts;
};

struct scored_box {
    int64_t frame;
    struct box box;
    float score;
};

struct detection_figures {
    double average_precision; /* 0-1; 0 without truth */
    double best_f1, best_threshold, best_precision, best_recall;
    double precision, recall, f1; /* of scores >= threshold; precision of nothing is 0 */
    size_t right, wrong, missed;  /* the same */
    size_t truth, detections;     /* boxes that count; all detections of any score */
    float greatest_score;
};

/* Both lists ordered by frame. ERR_NOMEM. */
int detection_score(const struct labelled_box *truth, size_t truth_count, const struct scored_box *detections,
                    size_t detection_count, double iou, double threshold, struct detection_figures *figures,
                    struct error *error);

#endif
