/*
 * density: a picture in, a density map and a count with its error bar out. For crowds in which people cannot
 * be told apart as boxes.
 *
 * The network (models/count) is loaded once per process and shared; each worker has a context of its own, so
 * `density_infer` may run in several threads with different contexts.
 *
 * Pictures are counted at the size that the network was trained for: `long_side` says how. The map is a local
 * function of the picture, so inputs above DENSITY_TILE_PIXELS are cut into tiles that overlap by
 * DENSITY_MARGIN (a head on a detector: DENSITY_DETECTOR_MARGIN) on every side; each cell's value is taken
 * from the tile in whose inner part it lies, and the count changes by less than one percent (a test holds it
 * to that).
 *
 * Several models count together: the map is the mean of theirs, and where they differ the interval is wider:
 * one deviation of their counts times 1.645, added by squares to the mean of their own shares.
 *
 * The 90 % interval belongs to the weights and comes out of the model file: models/count/export.py says how
 * it was made. It is for pictures like those the network was trained on.
 */
#ifndef SCI_VISION_DENSITY_H
#define SCI_VISION_DENSITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/count_map.h"
#include "core/picture.h"
#include "geo/point.h"

enum {
    DENSITY_STRIDE = 8,            /* input pixels per cell */
    DENSITY_MARGIN = 128,          /* input pixels */
    DENSITY_DETECTOR_MARGIN = 256, /* of a head on a detector */
    DENSITY_LONG_SIDE =
        1280, /* measured: small heads are found more often at a quarter more than what was trained on */
    DENSITY_SIDE_MAX = 8192,   /* of an input */
    DENSITY_PERSON_LEAST = 30, /* input pixels: sizes of people in the pictures that it was trained on */
    DENSITY_PERSON_MOST = 300,
    DENSITY_TILE_PIXELS = 1536 * 1152,
    DENSITY_MODELS_MAX = 4
};

/* By people on 1024 x 768 input pixels: below 50, 150, 500, and more. */
enum crowd_class { CROWD_SPARSE, CROWD_MODERATE, CROWD_DENSE, CROWD_PACKED, CROWD_CLASSES };

const char *crowd_class_name(enum crowd_class crowd); /* "sparse", "moderate", "dense", "packed" */

struct network;
struct density_network;
struct density_context;

struct density_options {
    /* Not NULL: the head of this detector counts (network_has_density), and no model is opened. Lent for the
     * density network's life. ERR_INVALID when it has none, or with further models. */
    struct network *detector;
    const char *model_path;
    const char *const *more; /* further models that count with it; `more_count` of them */
    size_t more_count;
    int threads;          /* per run, from 1 */
    const char *provider; /* NULL is "cpu": infer/session.h */
};

/* How one picture is looked at; all zero is the default. Polygons in 0-1 of the displayed picture. */
struct density_view {
    /* Of the input. 0: pictures under 1280 pixels grow to it, at most twofold, and those above 1536 shrink to
     * that. */
    int long_side;
    /* Heights of people as shares of the picture's height, far and near; 0: not known. Unless `long_side`
     * says otherwise the picture grows, at most twofold and only as far as it has pixels for it, until those
     * far away are DENSITY_PERSON_LEAST pixels tall in the input, or shrinks, at most by half, until those
     * near by are not above DENSITY_PERSON_MOST. */
    double person_far, person_near;
    int tile_pixels;            /* largest input without tiles; 0 = DENSITY_TILE_PIXELS */
    const struct point *region; /* cells whose centre is outside hold nobody; NULL = everywhere */
    size_t region_count;
    size_t mask_count; /* polygons that are grey for the network, and whose cells hold nobody */
    const struct point *const *masks;
    const size_t *mask_counts;
};

struct density_result {
    double count;
    double low, high;       /* the 90 % interval */
    double whole_count;     /* by the network's second head, from the whole picture; a second opinion */
    enum crowd_class crowd; /* by the third head */
    double spread;          /* of several models: one deviation of their counts as a share of the mean */
    struct count_map map;   /* lent: lives in the context until its next call */
    double floor, share_low, share_high; /* of the interval, see count_map.h */
};

/* The result as those see it who blend it with boxes; its map is lent likewise. */
struct count_reading density_reading(const struct density_result *result);

/* ERR_NOT_FOUND when there is no such file; ERR_FORMAT when its inputs and outputs are not a density
 * network's; ERR_INVALID when a further model is not there, or for too many; else as
 * session_open. On failure *network is NULL. */
int density_open(const struct density_options *options, struct density_network **network,
                 struct error *error);
/* Whether it is a detector's head. Its map of a picture that the detector has just looked at costs no further
 * pass: network_density. density_infer runs the whole network, at the size that crowds are counted at. */
bool density_is_head(const struct density_network *network);
/* Pictures that were counted in this process, and the seconds that runs for them alone took, all together. */
void density_figures(struct density_network *network, int64_t *runs, double *seconds);
void density_close(struct density_network **network); /* clears the pointer; NULL is fine */

int density_context_create(struct density_network *network, struct density_context **context,
                           struct error *error);
void density_context_destroy(struct density_context **context);

/* The content's size in the network's input. ERR_INVALID for a long side beyond DENSITY_SIDE_MAX or a
 * negative one. */
int density_input_size(const struct density_view *view, int picture_width, int picture_height, int *width,
                       int *height, struct error *error);

int density_infer(struct density_network *network, struct density_context *context,
                  const struct picture *picture, const struct density_view *view,
                  struct density_result *result, struct error *error);

#endif
