/*
 * Camera models out of what other tools give: a 3x4 projection matrix, a rotation vector, a plane map; and a
 * person's height out of a picture. Metres, z up from the ground. Pure functions; nothing is owned.
 */
#ifndef SCI_GEO_PROJECTION_H
#define SCI_GEO_PROJECTION_H

#include <stdbool.h>

#include "base/error.h"
#include "geo/camera.h"

/* P = K [R | t], row-major, of any scale and sign (Hartley and Zisserman, Multiple View Geometry,
 * section 6.2.4). ERR_INVALID where it is singular or its pixels are skewed. Prepared. */
int camera_from_projection(const double p[12], double width, double height, struct camera_model *camera,
                           struct error *error);
/* The pinhole camera with square pixels, its principal point in the picture's middle, that a plane map
 * belongs to (Hartley and Zisserman, section 8.5: two conditions on r1 and r2 for one focal length).
 * ERR_INVALID where the map fits none, as one that looks straight down or a mirrored plan. Prepared. */
int camera_from_plane(const struct camera_model *plane, struct camera_model *camera, struct error *error);
/* Rodrigues' formula: rotation by |v| radians about v, row-major. */
void rotation_from_vector(const double v[3], double rotation[9]);
/* Height of a person whose feet are at `foot` and whose head reaches up to the row `head_y`; false where
 * there is none from 0.3 to 3 m. */
bool person_height(const struct camera_model *camera, struct point foot, double head_y, double *metres);

#endif
