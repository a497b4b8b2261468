#include "pipeline/looks.h"

#include <stdlib.h>

static int make_view(const struct detection_config *d, struct looks *looks, struct error *error)
{
    struct view_options options = {
        .confidence_low = d->confidence_low,
        .nms_iou = d->nms_iou,
        .min_width_px = d->min_width_px,
        .min_height_px = d->min_height_px,
        .input_width = d->input_width,
        .input_height = d->input_height,
        .region = d->region_count ? d->region : NULL,
        .region_count = d->region_count,
        .mask_count = d->mask_count,
        .masks = looks->masks,
        .mask_counts = looks->mask_counts,
    };
    return view_create(&options, &looks->view, error);
}

int looks_make(const struct detection_config *detection, int long_side, struct looks *looks,
               struct error *error)
{
    const struct detection_config *d = detection;
    *looks = (struct looks){
        .masks = calloc(d->mask_count + 1, sizeof *looks->masks),
        .mask_counts = calloc(d->mask_count + 1, sizeof *looks->mask_counts),
    };
    int result = looks->masks && looks->mask_counts ? 0 : error_nomem(error, "view");
    for (size_t i = 0; result == 0 && i < d->mask_count; i++) {
        looks->masks[i] = d->masks[i].corners;
        looks->mask_counts[i] = d->masks[i].corner_count;
    }
    if (result == 0)
        result = make_view(d, looks, error);
    looks->density = (struct density_view){
        .long_side = long_side,
        .region = d->region_count ? d->region : NULL,
        .region_count = d->region_count,
        .mask_count = d->mask_count,
        .masks = looks->masks,
        .mask_counts = looks->mask_counts,
    };
    if (result != 0)
        looks_free(looks);
    return result;
}

void looks_free(struct looks *looks)
{
    view_destroy(&looks->view);
    free(looks->masks);
    free(looks->mask_counts);
    *looks = (struct looks){0};
}
