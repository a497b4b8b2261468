/*
 * The tracker: detections of one camera, picture by picture, to people with identities. Pure: no I/O, no
 * clock, no global state; the same input gives the same bytes. One tracker per camera, used by one thread at
 * a time.
 *
 * Pixels of the displayed picture; times are stream time in ns; irregular frame rates are fine.
 */
#ifndef SCI_TRACK_TRACKER_H
#define SCI_TRACK_TRACKER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/detection.h"
#include "core/track.h"
#include "geo/camera.h"

struct tracker_params {
    double high_score; /* first association stage: scores from here on */
    double low_score;  /* second stage: from here to high_score */
    double new_score;  /* least score of a new track */
    double iou_gate;   /* least overlap in the first stage */
    int confirm_hits;  /* detections before a track is published */
    int64_t coast_ns;  /* published while lost for at most so long */
    int64_t lost_ns;   /* can be found again for so long */
};

struct tracker_params tracker_default_params(void);

/* How the camera moved since the last picture: p_now = a p_before + b, pixels. */
struct camera_motion {
    double a[4]; /* row-major 2x2 */
    double b[2];
};

struct tracker_input {
    int64_t time_ns;
    int width, height; /* picture */
    const struct detection *detections;
    size_t detection_count;
    const float *features; /* detection_count x feature_size, each of length 1; NULL = off */
    size_t feature_size;
    const struct camera_motion *motion; /* NULL = the camera stands still */
    const struct camera_model *camera;  /* NULL or CAMERA_NONE = no ground plane */
};

struct tracker; /* opaque */

int tracker_create(const struct tracker_params *params, struct tracker **tracker, struct error *error);
void tracker_destroy(struct tracker **tracker);
/* `tracks` (people: confirmed, detected or coasting inside the picture; ascending track_id; `ground` not
 * filled in) live until the next call. Times must increase: ERR_INVALID otherwise, and the picture is
 * ignored. */
int tracker_update(struct tracker *tracker, const struct tracker_input *input, const struct track **tracks,
                   size_t *count, struct error *error);

#endif
