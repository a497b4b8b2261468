/*
 * From what a density head says of an input, or of tiles of one, to the result for the picture in it: the
 * mean of the models, cells of the picture instead of the input, and nobody where the view looks away.
 */
#ifndef SCI_VISION_DENSITY_SUM_H
#define SCI_VISION_DENSITY_SUM_H

#include "vision/density.h"
#include "vision/density_head.h"
#include "vision/preprocess.h"

/* A stretch of one axis of the input: `begin` to `end` is what a tile contributes, `from` to `to` what it
 * sees. All are multiples of DENSITY_STRIDE. */
struct density_stretch {
    int begin, end, from, to;
};

/* What the input shows. All lent. */
struct density_scene {
    struct placement placement;
    int picture_width, picture_height;
    const struct point *region; /* as in density_view */
    size_t region_count;
    struct mask_set masks;
};

struct density_sum {
    const struct density_scene *scene;
    size_t models;
    float *map; /* lent: a cell for each DENSITY_STRIDE x DENSITY_STRIDE pixels of the input */
    /* The rest begins as 0. What the tiles say of the picture as a whole, weighed by what they contribute;
     * means of the models. */
    double rate, crowd[CROWD_CLASSES];
    double floor, share_low, share_high;
    double counts[DENSITY_MODELS_MAX]; /* of each model, within the region */
};

/* One tile by one model. For each tile the models are added in their order, from 0. */
void density_sum_add(struct density_sum *sum, size_t model, const struct density_output *output,
                     struct density_stretch across, struct density_stretch down);
/* Once all is added. The result's map is in `sum->map`. Where the picture does not begin at a cell's border
 * people are shared between the cells that theirs lies across; those at the picture's edge keep them. */
void density_sum_finish(struct density_sum *sum, struct density_result *result);

#endif
