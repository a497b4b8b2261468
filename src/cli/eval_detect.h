/* What the two files of `sci eval detect` share. */
#ifndef SCI_CLI_EVAL_DETECT_H
#define SCI_CLI_EVAL_DETECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"
#include "vision/detection_score.h"

struct eval_detect_job {
    const char *truth, *det, *video, *config, *model, *family, *write, *json;
    int width, height;
    double iou, threshold; /* threshold < 0: the configuration's */
    int64_t first, last;   /* frames */
    bool all;
};

struct eval_boxes {
    struct scored_box *items;
    size_t count, capacity;
    size_t frames;
    int64_t busy_ns; /* pre-processing, network and suppression */
};

int eval_add_box(struct eval_boxes *boxes, int64_t frame, struct box box, float score, struct error *error);
/* The detector as configured on job->video; writes job->write. ERR_NOT_FOUND if no frame is among those asked
 * for. */
int eval_run_detector(const struct eval_detect_job *job, const struct config *config,
                      struct eval_boxes *boxes, struct error *error);

#endif
