#include "pipeline/perspective.h"

#include <math.h>
#include <stdlib.h>

#include "crowd/view.h"

enum { ACROSS = 32, DOWN = 24 };

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void perspective_of(const struct stream_config *stream, double *far_share, double *near_share)
{
    const struct camera_model *camera = &stream->camera;
    const struct detection_config *d = &stream->detection;
    double shares[ACROSS * DOWN];
    size_t count = 0;
    *far_share = *near_share = 0;
    if (camera->kind == CAMERA_NONE || !(camera->width > 0) || !(camera->height > 0))
        return;
    struct view view;
    view_init(&view, camera, (int)camera->width, (int)camera->height, d->region, d->region_count);
    for (int i = 0; i < ACROSS * DOWN; i++) {
        struct point feet = {(i % ACROSS + 0.5) / ACROSS * camera->width,
                             ((double)(i / ACROSS) + 0.5) / DOWN * camera->height};
        double height = view_person_height(&view, feet);
        if (view_is_measurable(&view, feet) && isfinite(height))
            shares[count++] = height / camera->height;
    }
    if (count == 0)
        return;
    qsort(shares, count, sizeof *shares, ascending);
    *far_share = shares[count / 10];
    *near_share = shares[count - 1 - count / 10];
}
