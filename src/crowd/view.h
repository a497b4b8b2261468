/*
 * A camera's view of the ground at the size of the displayed picture, and how well a person's feet can be
 * placed there. Pixels are those of the displayed picture. A value; borrows the camera.
 */
#ifndef SCI_CROWD_VIEW_H
#define SCI_CROWD_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "core/detection.h"
#include "core/zone.h"
#include "geo/camera.h"

struct view {
    const struct camera_model *camera;
    double width, height;       /* displayed picture */
    double scale_x, scale_y;    /* model pixels per displayed pixel */
    const struct point *region; /* 0-1 of the picture; NULL = all of it */
    size_t region_count;
    /* Without a calibration, positions that somebody else measured cover the zones on the ground. */
    const struct zone *zones;
    size_t zone_count;
};

/* Noise of a box's foot point, one sigma, pixels. */
struct foot_noise {
    double x, y;
};

void view_init(struct view *view, const struct camera_model *camera, int width, int height,
               const struct point *region, size_t region_count);
/* No camera: the ground is known where a zone in ground coordinates is. */
void view_init_zones(struct view *view, const struct zone *zones, size_t zone_count);
bool view_is_calibrated(const struct view *view);
bool view_to_ground(const struct view *view, struct point pixel, struct point *ground);
/* False where the ground point is not in the picture (or not in the region). */
bool view_sees(const struct view *view, struct point ground);
bool view_to_image(const struct view *view, struct point ground, struct point *pixel);
/* One sigma on the ground, metres; NaN where there is no ground. */
double view_ground_error(const struct view *view, struct point pixel, struct foot_noise noise);
/* True where a standing person's feet can be placed to better than the limits in view.c. */
bool view_is_measurable(const struct view *view, struct point pixel);

/* Pixels that a standing person of 1.7 m takes up whose feet are there; NaN where there is no ground. */
double view_person_height(const struct view *view, struct point feet);
/* Where the feet of a person are whose head is at this pixel. Without a calibration, or where there is no
 * ground below, the head itself. */
struct point view_feet_below(const struct view *view, struct point head);

/* The middle of the box's bottom edge. */
struct point box_foot(struct box box);
/* Grows with the box's height; a box cut off by the picture's lower edge does not show its feet. */
struct foot_noise box_foot_noise(struct box box, double picture_height, bool coasted);

#endif
