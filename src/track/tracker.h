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
#include "track/box_filter.h"
#include "track/ground_filter.h"

/*
 * The first seven are for people to set; the rest belongs to a kind of detector and is chosen together
 * (tracker_params_for). Overlaps are intersection over union, 0-1; scores 0-1.
 */
struct tracker_params {
    double high_score; /* first association stage: scores from here on */
    double low_score;  /* second stage: from here to high_score */
    double new_score;  /* least score of a new track */
    double iou_gate;   /* least overlap in the first stage */
    int confirm_hits;  /* detections before a track is published */
    int64_t coast_ns;  /* published while lost for at most so long */
    int64_t lost_ns;   /* can be found again for so long */

    double low_gate;          /* least overlap in the second stage */
    double tentative_gate;    /* least overlap for a track that is not confirmed yet */
    double wide_gate;         /* third stage: least overlap of boxes that are widened ... */
    double widening;          /* ... by this share of their size on each side; 0 = no third stage */
    double score_weight;      /* similarity is multiplied by score to this power */
    double height_weight;     /* and by the overlap of the two heights to this power */
    double direction_weight;  /* similarity lost when the box lies opposite to where the person was going */
    double lost_weight;       /* similarity lost per second that the person has been lost */
    double low_lost_s;        /* second stage only for people lost for at most so long, seconds */
    double new_overlap;       /* no new track on a box that overlaps a person just found by more */
    double duplicate_overlap; /* a lost person that overlaps a found one by more is the same one */
    double doubt;             /* measurement variance is multiplied by 1 + doubt (1 - score) */
    double smoothing;         /* share of the filtered box in the published one, the rest is the detection */
    double steadying; /* share of the common shift of all matched people that is taken for the camera's */
    double feature_weight; /* similarity gained from equal appearance */
    double ground_weight; /* share of the similarity on the ground, where there is a camera model; the rest is
                             overlap */
    double ground_gate;   /* a pair farther apart on the ground is none (squared Mahalanobis distance) */
    struct box_noise noise;
    struct ground_noise ground_noise;
};

/* Kinds of detectors for which there is a set. */
enum detector_kind {
    DETECTOR_NANODET, /* the program's own, and other one-stage networks with a low threshold */
    DETECTOR_YOLOX,   /* every score kept, also very low ones; most people above 0.8 */
    DETECTOR_FRCNN,   /* published lists cut at a score of 0.5; most people above 0.9 */
    DETECTOR_COUNT
};

struct tracker_params tracker_default_params(void); /* DETECTOR_NANODET */
struct tracker_params tracker_params_for(enum detector_kind kind);
const char *detector_kind_name(enum detector_kind kind);             /* "nanodet", "yolox", "frcnn" */
int detector_kind_parse(const char *name, enum detector_kind *kind); /* 0 or ERR_INVALID */
/* For detections from a file of unknown make: whether the list, by its first hundred scores, was cut. */
enum detector_kind detector_kind_guess(const float *scores, size_t count);

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
