/*
 * network: pictures in, people out. The plug-point of the detector families, and of a density head on the
 * same pass.
 *
 * A detector's file may hold a density head besides (models/attach_head.py): the outputs density_head.h tells
 * of, which no family sees. Boxes are what they are without it. What it says of a picture is had by
 * network_density, once network_infer has looked at it, at the size that the detector sees the picture at.
 *
 * A network is loaded once per process and shared; each worker has a context of its own with the scratch
 * memory, so `network_infer` may run in several threads with different contexts.
 */
#ifndef SCI_VISION_NETWORK_H
#define SCI_VISION_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "core/detection.h"
#include "core/picture.h"
#include "geo/point.h"

struct density_result;
struct network;
struct network_context;

struct network_options {
    const char *model_path; /* "hog": no model, the built-in detector (hog.h) */
    /* "auto" (or NULL), "nanodet", "nanodet-plus", "yolov5", "yolov8" (YOLO11 too), "yolox", "hog" */
    const char *family;
    int threads;          /* per run, from 1 */
    const char *provider; /* NULL is "cpu": infer/session.h */
    bool may_fall_back;   /* HOG where there is no file and the family is "auto": network_degraded says so */
};

/* How one camera is looked at. Prepared once per camera; immutable. Polygons in 0-1 of the displayed picture.
 */
struct view_options {
    double confidence_low; /* least score that comes out */
    double nms_iou;
    double min_width_px, min_height_px;
    int input_width, input_height; /* 0 x 0 = by the picture's shape */
    const struct point *region; /* feet (middle of the bottom edge) outside are dropped; NULL = everywhere */
    size_t region_count;
    size_t mask_count; /* polygons filled with grey before the network sees the picture, and boxes whose
                          centre is inside dropped */
    const struct point *const *masks;
    const size_t *mask_counts;
};
struct view; /* opaque */

int view_create(const struct view_options *options, struct view **view, struct error *error);
void view_destroy(struct view **view);
/* Clips boxes to the picture and drops what the view does not want: too small, feet outside its region, in a
 * mask. In place; returns how many are left. For boxes that no network of ours has found. */
size_t view_apply(const struct view *view, struct detection *detections, size_t count, int width, int height);

/* Loads the model and runs it once. ERR_FORMAT says which shapes were found and which the family or the
 * density head needs; ERR_UNSUPPORTED for a head on a family whose input it cannot have learned on, or with a
 * fixed input size; else as session_open. */
int network_open(const struct network_options *options, struct network **network, struct error *error);
void network_close(struct network **network);
/* What runs it, and why it is not what was wanted (empty when it is). */
const char *network_provider(const struct network *network, const char **reason);
const char *network_family(const struct network *network);
/* NULL, or in words why this is not the detector that was asked for. */
const char *network_degraded(const struct network *network);
/* The input that pictures of this size are brought to. ERR_INVALID when the view asks for one that the model
 * cannot take. */
int network_input_size(const struct network *network, const struct view *view, int picture_width,
                       int picture_height, int *width, int *height, struct error *error);

/*
 * The ladder of input sizes that live cameras go down under load, from the automatic size (rung 0) to ever
 * smaller ones of the picture's shape. A view with a size of its own and a model with a fixed one have one
 * rung: what was asked for is kept. docs/cameras.md says what each costs in accuracy.
 */
enum { NETWORK_RUNGS = 4 };
bool network_has_ladder(const struct network *network, const struct view *view);
/* The last rung on which people are counted as well as on the first: which of these it is is a matter of cost
 * alone. */
int network_last_equal_rung(const struct network *network);
/* Pixels of a rung, roughly: what one costs against another. */
int network_rung_pixels(int rung);

int network_context_create(struct network *network, struct network_context **context, struct error *error);
void network_context_destroy(struct network_context **context);
/* The rung for the next pictures of this context; 0 at first. */
void network_context_set_rung(struct network_context *context, int rung);
/* The input that the newest picture was brought to; 0 x 0 before the first. */
void network_context_input(const struct network_context *context, int *width, int *height);

/* Detections in pixels of the displayed picture, clipped to it, score descending (ties by position, so that
 * the order is the same everywhere). They live in the context until its next call. No allocation in the
 * steady state. */
int network_infer(struct network *network, struct network_context *context, const struct picture *picture,
                  const struct view *view, const struct detection **detections, size_t *count,
                  struct error *error);

bool network_has_density(const struct network *network);
/*
 * The density of the picture that the context has looked at last, from the pass that has found its boxes; the
 * view's region and masks apply, its limits of size and score do not. The map lives in the context until its
 * next call. ERR_UNSUPPORTED without a head, ERR_NOT_FOUND when no picture was looked at. density.h says what
 * a result is.
 */
int network_density(struct network_context *context, const struct view *view, struct density_result *result,
                    struct error *error);

#endif
