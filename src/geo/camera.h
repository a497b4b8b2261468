/*
 * Camera models: from pixels of the displayed picture to metres on the ground plane (z = 0) and back. An
 * immutable value: copy it freely. Image: continuous pixels, origin at the outer corner of the top-left
 * pixel. Ground: metres.
 *
 * - homography: a plane map.
 * - tsai: R. Y. Tsai's model as published with PETS 2009 (rotation, translation in mm, focal length, one
 * radial term kappa1 in 1/mm2, sensor pitch `dpx`), with lens distortion.
 * - pinhole: intrinsics + extrinsics with radial (k1, k2, k3) and tangential (p1, p2) distortion (the
 * Brown-Conrady model), or a 3x4 projection matrix without distortion.
 */
#ifndef SCI_GEO_CAMERA_H
#define SCI_GEO_CAMERA_H

#include <stdbool.h>

#include "base/error.h"
#include "geo/homography.h"
#include "geo/point.h"

enum camera_kind { CAMERA_NONE, CAMERA_HOMOGRAPHY, CAMERA_TSAI, CAMERA_PINHOLE };

struct camera_tsai {
    double width, height;    /* picture that the numbers belong to, pixels */
    double ncx, nfx;         /* sensor elements and samples per line */
    double dx, dy, dpx, dpy; /* pitch, mm; dpx is the one used horizontally */
    double cx, cy, sx;       /* principal point, pixels; horizontal scale */
    double focal;            /* mm */
    double kappa1;           /* 1/mm2 */
    double tx, ty, tz;       /* mm */
    double rx, ry, rz;       /* radians */
};

struct camera_pinhole {
    double width, height;
    double fx, fy, cx, cy;
    double k1, k2, p1, p2, k3;
    double r[9]; /* world to camera, row-major */
    double t[3]; /* metres */
};

struct camera_model {
    enum camera_kind kind;
    double width, height; /* displayed picture size that the model is for, 0 = any; the caller scales pixels
                           * of another size */
    double residual_m;    /* rms residual of the fit, metres; NaN when not known */
    union {
        struct homography to_ground;
        struct camera_tsai tsai;
        struct camera_pinhole pinhole;
    } u;
    double derived[24]; /* numbers computed once by camera_prepare; layout private to camera.c */
};

/* Checks the numbers, computes `derived`. ERR_INVALID says which number is wrong. */
int camera_prepare(struct camera_model *camera, struct error *error);
/* False for CAMERA_NONE, above the horizon, or where the model has no answer. */
bool camera_to_ground(const struct camera_model *camera, struct point pixel, struct point *ground);
/* A world point (metres, z up from the ground) into the picture. False behind the camera. A homography knows
 * z = 0 only. */
bool camera_to_image(const struct camera_model *camera, struct point ground, double z, struct point *pixel);
/* d(ground)/d(pixel), metres per pixel, row-major 2x2, at that pixel. */
bool camera_ground_jacobian(const struct camera_model *camera, struct point pixel, double jacobian[4]);
/* One-sigma position error on the ground, metres: pixel noise (sigma_x, sigma_y) through the Jacobian (root
 * of the trace of the covariance), and the model's own residual, added in quadrature. NaN where there is no
 * ground position. */
double camera_ground_error(const struct camera_model *camera, struct point pixel, double sigma_x,
                           double sigma_y);
/* Where the camera is, metres, z up; false for a plane map, which does not say. */
bool camera_position(const struct camera_model *camera, double position[3]);
/* Mean pixels per metre of ground at a pixel (root of the Jacobian's inverse determinant); NaN where there is
 * none. */
double camera_pixels_per_metre(const struct camera_model *camera, struct point pixel);
/* Metres per pixel of a Jacobian across the line of sight (least) and along it (greatest): its singular
 * values. */
void camera_ground_scale(const double jacobian[4], double *least, double *greatest);

#endif
