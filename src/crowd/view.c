#include "crowd/view.h"

#include <math.h>

#include "geo/polygon.h"

/*
 * Foot noise as a share of the box's height, chosen so that the published error agrees with the errors found
 * on frames 1-397 of PETS 2009 S2.L1 view 1 (docs/measures.md, "Position"). Least one pixel: no detector
 * places a box better.
 */
static const double FOOT_SHARE_X = 0.046;
static const double FOOT_SHARE_Y = 0.030;
static const double FOOT_LEAST_PX = 1.0;
static const double COASTED_FACTOR = 3;
/* Feet below the picture's edge: they may be anywhere up to half a person further down. */
static const double CUT_OFF_SHARE = 0.25;
static const double CUT_OFF_MARGIN_PX = 1.5;

static const double PERSON_HEIGHT_M = 1.7;
static const double HEAD_TO_FEET = 0.93; /* from the middle of the head, of a person's height */
/* Ground is measured where a standing person fills at least this share of the picture's height (smaller ones
 * are found by chance) and can be placed to better than so many metres (beyond, the place says little). */
static const double LEAST_PERSON_SHARE = 0.04;
static const double GREATEST_ERROR_M = 0.5;

void view_init(struct view *view, const struct camera_model *camera, int width, int height,
               const struct point *region, size_t region_count)
{
    *view = (struct view){
        .camera = camera,
        .width = width,
        .height = height,
        .scale_x = camera->width > 0 ? camera->width / width : 1,
        .scale_y = camera->height > 0 ? camera->height / height : 1,
        .region = region_count ? region : NULL,
        .region_count = region_count,
    };
}

void view_init_zones(struct view *view, const struct zone *zones, size_t zone_count)
{
    *view = (struct view){.zones = zones, .zone_count = zone_count};
}

bool view_is_calibrated(const struct view *view)
{
    return view->camera && view->camera->kind != CAMERA_NONE;
}

static struct point to_model(const struct view *view, struct point pixel)
{
    return (struct point){pixel.x * view->scale_x, pixel.y * view->scale_y};
}

bool view_to_ground(const struct view *view, struct point pixel, struct point *ground)
{
    return camera_to_ground(view->camera, to_model(view, pixel), ground);
}

bool view_to_image(const struct view *view, struct point ground, struct point *pixel)
{
    struct point p;
    if (!view->camera || !camera_to_image(view->camera, ground, 0, &p)) {
        return false;
    }
    *pixel = (struct point){p.x / view->scale_x, p.y / view->scale_y};
    return true;
}

static bool in_region(const struct view *view, struct point pixel)
{
    if (!(pixel.x >= 0 && pixel.y >= 0 && pixel.x <= view->width && pixel.y <= view->height)) {
        return false;
    }
    const struct point p = {pixel.x / view->width, pixel.y / view->height};
    return !view->region || polygon_contains(view->region, view->region_count, p);
}

bool view_sees(const struct view *view, struct point ground)
{
    for (size_t i = 0; i < view->zone_count; i++) {
        const struct zone *z = &view->zones[i];
        if (z->coordinates == COORDINATES_GROUND && polygon_contains(z->corners, z->corner_count, ground)) {
            return true;
        }
    }
    struct point pixel;
    return view_to_image(view, ground, &pixel) && view_is_measurable(view, pixel);
}

double view_ground_error(const struct view *view, struct point pixel, struct foot_noise noise)
{
    return camera_ground_error(view->camera, to_model(view, pixel), noise.x * view->scale_x,
                               noise.y * view->scale_y);
}

bool view_is_measurable(const struct view *view, struct point pixel)
{
    double j[4];
    if (!in_region(view, pixel) || !camera_ground_jacobian(view->camera, to_model(view, pixel), j)) {
        return false;
    }
    const double in_displayed[4] = {j[0] * view->scale_x, j[1] * view->scale_y, j[2] * view->scale_x,
                                    j[3] * view->scale_y};
    double across;
    double along;
    camera_ground_scale(in_displayed, &across, &along);
    const double height_px = across > 0 ? PERSON_HEIGHT_M / across : 0;
    const double error = hypot(fmax(FOOT_LEAST_PX, FOOT_SHARE_X * height_px) * across,
                               fmax(FOOT_LEAST_PX, FOOT_SHARE_Y * height_px) * along);
    return height_px >= LEAST_PERSON_SHARE * view->height && error <= GREATEST_ERROR_M;
}

double view_person_height(const struct view *view, struct point feet)
{
    double j[4];
    if (!view_is_calibrated(view) || !camera_ground_jacobian(view->camera, to_model(view, feet), j)) {
        return NAN;
    }
    const double in_displayed[4] = {j[0] * view->scale_x, j[1] * view->scale_y, j[2] * view->scale_x,
                                    j[3] * view->scale_y};
    double across;
    double along;
    camera_ground_scale(in_displayed, &across, &along);
    return across > 0 ? PERSON_HEIGHT_M / across : NAN;
}

/* A fixed point: the feet are as far below the head as a person is tall whose feet are there. */
struct point view_feet_below(const struct view *view, struct point head)
{
    enum { STEPS = 12, SEARCH = 20 };
    struct point feet = head;
    for (int i = 0; i < SEARCH && isnan(view_person_height(view, feet)); i++) {
        feet.y += view->height / SEARCH;
    }
    for (int i = 0; i < STEPS; i++) {
        const double height = view_person_height(view, feet);
        if (isnan(height) || height > 2 * view->height) {
            return head;
        }
        feet.y = head.y + HEAD_TO_FEET * height;
    }
    return feet;
}

struct point box_foot(struct box box)
{
    return (struct point){(double)box.x + (double)box.w / 2, (double)box.y + (double)box.h};
}

struct foot_noise box_foot_noise(struct box box, double picture_height, bool coasted)
{
    const double factor = coasted ? COASTED_FACTOR : 1;
    struct foot_noise noise = {fmax(FOOT_LEAST_PX, FOOT_SHARE_X * (double)box.h) * factor,
                               fmax(FOOT_LEAST_PX, FOOT_SHARE_Y * (double)box.h) * factor};
    if ((double)box.y + (double)box.h >= picture_height - CUT_OFF_MARGIN_PX) {
        noise.y = fmax(noise.y, CUT_OFF_SHARE * (double)box.h);
    }
    return noise;
}
