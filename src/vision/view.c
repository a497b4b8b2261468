#include "vision/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "geo/polygon.h"

enum { INPUT_SIDE_MAX = 4096, CORNERS_MAX = 1000, MASKS_MAX = 100 };

static int check_polygon(const struct point *corners, size_t count, const char *what, struct error *error)
{
    if (count > CORNERS_MAX)
        return error_set(error, ERR_INVALID, "%s: %zu corners; at most %d are possible", what, count,
                         CORNERS_MAX);
    int result = polygon_check_simple(corners, count, error);
    if (result < 0)
        error_prefix(error, "%s", what);
    return result;
}

static int check_numbers(const struct view_options *o, struct error *error)
{
    if (!(o->confidence_low >= 0 && o->confidence_low <= 1))
        return error_set(error, ERR_INVALID, "view: least score %g is outside 0 to 1", o->confidence_low);
    if (!(o->nms_iou >= 0 && o->nms_iou <= 1))
        return error_set(error, ERR_INVALID, "view: overlap limit %g is outside 0 to 1", o->nms_iou);
    if (!(o->min_width_px >= 0 && o->min_height_px >= 0 && isfinite(o->min_width_px) &&
          isfinite(o->min_height_px)))
        return error_set(error, ERR_INVALID, "view: least size %gx%g is negative", o->min_width_px,
                         o->min_height_px);
    bool automatic = o->input_width == 0 && o->input_height == 0;
    if (!automatic && (o->input_width < 32 || o->input_height < 32 || o->input_width > INPUT_SIDE_MAX ||
                       o->input_height > INPUT_SIDE_MAX))
        return error_set(error, ERR_INVALID, "view: network input %dx%d is outside 32x32 to %dx%d",
                         o->input_width, o->input_height, INPUT_SIDE_MAX, INPUT_SIDE_MAX);
    if (o->mask_count > MASKS_MAX)
        return error_set(error, ERR_INVALID, "view: %zu masks; at most %d are possible", o->mask_count,
                         MASKS_MAX);
    return 0;
}

static int check_options(const struct view_options *o, struct error *error)
{
    int result = check_numbers(o, error);
    if (result == 0 && o->region != NULL)
        result = check_polygon(o->region, o->region_count, "view: region of interest", error);
    for (size_t i = 0; i < o->mask_count && result == 0; i++) {
        result = check_polygon(o->masks[i], o->mask_counts[i], "mask", error);
        if (result < 0)
            error_prefix(error, "view, mask %zu", i + 1);
    }
    return result;
}

static struct point *copy_corners(const struct point *corners, size_t count)
{
    struct point *copy = malloc(count * sizeof *copy);
    if (copy != NULL)
        memcpy(copy, corners, count * sizeof *copy);
    return copy;
}

static int copy_polygons(struct view *v, const struct view_options *o)
{
    if (o->region != NULL) {
        v->region = copy_corners(o->region, o->region_count);
        v->region_count = o->region_count;
        if (v->region == NULL)
            return -1;
    }
    if (o->mask_count == 0)
        return 0;
    v->mask_corners = calloc(o->mask_count, sizeof *v->mask_corners);
    v->mask_counts = calloc(o->mask_count, sizeof *v->mask_counts);
    if (v->mask_corners == NULL || v->mask_counts == NULL)
        return -1;
    for (size_t i = 0; i < o->mask_count; i++) {
        v->mask_corners[i] = copy_corners(o->masks[i], o->mask_counts[i]);
        v->mask_counts[i] = o->mask_counts[i];
        if (v->mask_corners[i] == NULL)
            return -1;
        v->masks.count = i + 1;
    }
    v->masks.polygons = (const struct point *const *)v->mask_corners;
    v->masks.corner_counts = v->mask_counts;
    return 0;
}

int view_create(const struct view_options *options, struct view **view, struct error *error)
{
    *view = NULL;
    int result = check_options(options, error);
    if (result < 0)
        return result;
    struct view *v = calloc(1, sizeof *v);
    if (v == NULL)
        return error_nomem(error, "a view");
    v->confidence_low = (float)options->confidence_low;
    v->nms_iou = (float)options->nms_iou;
    v->min_width_px = options->min_width_px;
    v->min_height_px = options->min_height_px;
    v->input_width = options->input_width;
    v->input_height = options->input_height;
    if (copy_polygons(v, options) < 0) {
        view_destroy(&v);
        return error_nomem(error, "a view");
    }
    *view = v;
    return 0;
}

void view_destroy(struct view **view)
{
    struct view *v = *view;
    *view = NULL;
    if (v == NULL)
        return;
    for (size_t i = 0; i < v->masks.count; i++)
        free(v->mask_corners[i]);
    free(v->mask_corners);
    free(v->mask_counts);
    free(v->region);
    free(v);
}

static struct box clip_box(struct box box, int width, int height)
{
    float right = fminf(box.x + box.w, (float)width), bottom = fminf(box.y + box.h, (float)height);
    box.x = fmaxf(box.x, 0);
    box.y = fmaxf(box.y, 0);
    box.w = right - box.x;
    box.h = bottom - box.y;
    return box;
}

/* Feet that the picture's bottom edge cuts off stand half a pixel inside it: a region that ends at the edge
 * has them. */
static bool is_wanted(struct box box, int width, int height, const struct view *view)
{
    if (!(box.w > 0 && box.h > 0) || box.w < view->min_width_px || box.h < view->min_height_px)
        return false;
    double middle = box.x + (double)box.w / 2, bottom = (double)box.y + box.h;
    struct point feet = {middle / width, fmin(bottom, height - 0.5) / height};
    struct point centre = {feet.x, (box.y + (double)box.h / 2) / height};
    if (view->region != NULL && !polygon_contains(view->region, view->region_count, feet))
        return false;
    for (size_t i = 0; i < view->masks.count; i++)
        if (polygon_contains(view->masks.polygons[i], view->masks.corner_counts[i], centre))
            return false;
    return true;
}

size_t view_apply(const struct view *view, struct detection *d, size_t count, int width, int height)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        d[i].box = clip_box(d[i].box, width, height);
        if (is_wanted(d[i].box, width, height, view))
            d[kept++] = d[i];
    }
    return kept;
}
