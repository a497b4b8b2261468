/* How tall people are in a calibrated camera's picture: what the density network's input is scaled by, so
 * that it sees people at sizes that it has learned (vision/density.h). */
#ifndef SCI_PIPELINE_PERSPECTIVE_H
#define SCI_PIPELINE_PERSPECTIVE_H

#include "config/config.h"

/* Heights of standing people as shares of the picture's height, over the ground that is measured: a tenth of
 * it has smaller ones than `far`, a tenth larger ones than `near`. Both 0 without a calibration. */
void perspective_of(const struct stream_config *stream, double *far_share, double *near_share);

#endif
