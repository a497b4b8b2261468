/*
 * Every model is brought to one form when it is prepared: pixel -> normalised undistorted image coordinates
 * (x/z, y/z in the camera) -> ground, the last step by the inverse of the plane's own homography [r1 r2 t].
 * That inverse's third row gives 1/depth, so its sign tells what is behind the camera, which is above the
 * horizon.
 *
 * Tsai: R. Y. Tsai, "A versatile camera calibration technique", IEEE J. Robotics and Automation 3(4), 1987,
 * in the convention of R. Willson's calibration code, in which PETS publishes its cameras: rotation Rz Ry Rx,
 * Xu = Xd (1 + kappa1 rd^2), Xd = dpx (u - cx) / sx, Yd = dpy (v - cy). Pinhole: D. C. Brown, "Decentering
 * distortion of lenses", 1966, with the coefficient order of OpenCV.
 */
#include "geo/camera.h"

#include <math.h>
#include <string.h>

/* Layout of camera_model.derived */
enum { ROTATION = 0, TRANSLATION = 9, PLANE_INVERSE = 12, SIGN = 21 };

static const double MM_PER_M = 1000;

static int check_finite(const double *numbers, size_t count, const char *const *names, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(numbers[i])) {
            return error_set(error, ERR_INVALID, "%s is not a finite number", names[i]);
        }
    }
    return 0;
}

static int check_positive(double value, const char *name, struct error *error)
{
    return value > 0 ? 0 : error_set(error, ERR_INVALID, "%s must be greater than 0, it is %g", name, value);
}

/* Rotation and translation are in place: the map from the camera's normalised coordinates to the ground. */
static int prepare_plane(struct camera_model *c, struct error *error)
{
    const double *r = c->derived + ROTATION;
    const double *t = c->derived + TRANSLATION;
    const struct homography plane = {{r[0], r[1], t[0], r[3], r[4], t[1], r[6], r[7], t[2]}};
    struct homography inverse;
    if (homography_invert(&plane, &inverse, NULL)) {
        return error_set(error, ERR_INVALID, "the camera lies in the ground plane");
    }
    memcpy(c->derived + PLANE_INVERSE, inverse.h, sizeof(inverse.h));
    return 0;
}

static void tsai_rotation(const struct camera_tsai *t, double r[9])
{
    const double sa = sin(t->rx);
    const double ca = cos(t->rx);
    const double sb = sin(t->ry);
    const double cb = cos(t->ry);
    const double sg = sin(t->rz);
    const double cg = cos(t->rz);
    r[0] = cb * cg;
    r[1] = cg * sa * sb - ca * sg;
    r[2] = sa * sg + ca * cg * sb;
    r[3] = cb * sg;
    r[4] = sa * sb * sg + ca * cg;
    r[5] = ca * sb * sg - cg * sa;
    r[6] = -sb;
    r[7] = cb * sa;
    r[8] = ca * cb;
}

static int prepare_tsai(struct camera_model *c, struct error *error)
{
    const struct camera_tsai *t = &c->u.tsai;
    static const char *const names[] = {"dpx", "dpy", "cx", "cy", "sx", "focal", "kappa1",
                                        "tx",  "ty",  "tz", "rx", "ry", "rz"};
    const double numbers[] = {t->dpx, t->dpy, t->cx, t->cy, t->sx, t->focal, t->kappa1,
                              t->tx,  t->ty,  t->tz, t->rx, t->ry, t->rz};
    int rc = check_finite(numbers, sizeof(numbers) / sizeof(numbers[0]), names, error);
    if (rc || (rc = check_positive(t->dpx, "dpx", error)) || (rc = check_positive(t->dpy, "dpy", error)) ||
        (rc = check_positive(t->sx, "sx", error)) || (rc = check_positive(t->focal, "focal", error))) {
        return rc;
    }
    tsai_rotation(t, c->derived + ROTATION);
    c->derived[TRANSLATION] = t->tx / MM_PER_M;
    c->derived[TRANSLATION + 1] = t->ty / MM_PER_M;
    c->derived[TRANSLATION + 2] = t->tz / MM_PER_M;
    return prepare_plane(c, error);
}

static int check_rotation(const double r[9], struct error *error)
{
    for (int i = 0; i < 3; i++) {
        for (int j = i; j < 3; j++) {
            const double dot =
                r[i * 3] * r[j * 3] + r[i * 3 + 1] * r[j * 3 + 1] + r[i * 3 + 2] * r[j * 3 + 2];
            if (!(fabs(dot - (i == j)) < 1e-3)) {
                return error_set(error, ERR_INVALID,
                                 "the rotation is not one: its rows %d and %d have the product %g", i + 1,
                                 j + 1, dot);
            }
        }
    }
    const double det = r[0] * (r[4] * r[8] - r[5] * r[7]) - r[1] * (r[3] * r[8] - r[5] * r[6]) +
                       r[2] * (r[3] * r[7] - r[4] * r[6]);
    return det > 0 ? 0 : error_set(error, ERR_INVALID, "the rotation mirrors: its determinant is %g", det);
}

static int prepare_pinhole(struct camera_model *c, struct error *error)
{
    const struct camera_pinhole *p = &c->u.pinhole;
    static const char *const names[] = {"fx", "fy", "cx", "cy",  "k1",  "k2",
                                        "p1", "p2", "k3", "t x", "t y", "t z"};
    const double numbers[] = {p->fx, p->fy, p->cx, p->cy,   p->k1,   p->k2,
                              p->p1, p->p2, p->k3, p->t[0], p->t[1], p->t[2]};
    int rc = check_finite(numbers, sizeof(numbers) / sizeof(numbers[0]), names, error);
    if (rc || (rc = check_positive(p->fx, "fx", error)) || (rc = check_positive(p->fy, "fy", error)) ||
        (rc = check_rotation(p->r, error))) {
        return rc;
    }
    memcpy(c->derived + ROTATION, p->r, sizeof(p->r));
    memcpy(c->derived + TRANSLATION, p->t, sizeof(p->t));
    return prepare_plane(c, error);
}

static int prepare_homography(struct camera_model *c, struct error *error)
{
    const double *h = c->u.to_ground.h;
    for (int i = 0; i < 9; i++) {
        if (!isfinite(h[i])) {
            return error_set(error, ERR_INVALID, "number %d of the homography is not finite", i + 1);
        }
    }
    struct homography inverse;
    const int rc = homography_invert(&c->u.to_ground, &inverse, error);
    if (rc) {
        return rc;
    }
    memcpy(c->derived + PLANE_INVERSE, inverse.h, sizeof(inverse.h));
    /* A matrix and its negative are one map, so the visible side of the horizon has to be known: the bottom
     * of the picture shows ground. */
    const double w = h[6] * c->width / 2 + h[7] * c->height + h[8];
    c->derived[SIGN] = c->width > 0 && c->height > 0 && w < 0 ? -1 : 1;
    return 0;
}

int camera_prepare(struct camera_model *camera, struct error *error)
{
    memset(camera->derived, 0, sizeof(camera->derived));
    if (camera->kind == CAMERA_NONE) {
        return 0;
    }
    if (!(camera->width >= 0) || !(camera->height >= 0)) {
        return error_set(error, ERR_INVALID, "the picture size that the calibration is for is %gx%g",
                         camera->width, camera->height);
    }
    switch (camera->kind) {
    case CAMERA_HOMOGRAPHY:
        return prepare_homography(camera, error);
    case CAMERA_TSAI:
        return prepare_tsai(camera, error);
    case CAMERA_PINHOLE:
        return prepare_pinhole(camera, error);
    case CAMERA_NONE:
        break;
    }
    return error_set(error, ERR_INVALID, "unknown kind of camera model %d", (int)camera->kind);
}

/* Normalised undistorted coordinates of a pixel and their derivative by it (2x2, may be NULL). */
static bool tsai_undistort(const struct camera_tsai *t, struct point pixel, struct point *n, double j[4])
{
    const double sx = t->dpx / t->sx;
    const double xd = sx * (pixel.x - t->cx);
    const double yd = t->dpy * (pixel.y - t->cy);
    const double r2 = xd * xd + yd * yd;
    /* A barrel polynomial turns back from here on: those pixels have no ray. */
    if (1 + 3 * t->kappa1 * r2 <= 0) {
        return false;
    }
    const double k = 1 + t->kappa1 * r2;
    *n = (struct point){xd * k / t->focal, yd * k / t->focal};
    if (j) {
        j[0] = (k + 2 * t->kappa1 * xd * xd) * sx / t->focal;
        j[1] = 2 * t->kappa1 * xd * yd * t->dpy / t->focal;
        j[2] = 2 * t->kappa1 * xd * yd * sx / t->focal;
        j[3] = (k + 2 * t->kappa1 * yd * yd) * t->dpy / t->focal;
    }
    return true;
}

static bool tsai_distort(const struct camera_tsai *t, struct point n, struct point *pixel)
{
    const double xu = n.x * t->focal;
    const double yu = n.y * t->focal;
    const double ru = hypot(xu, yu);
    const double k = t->kappa1;
    if (k < 0 && ru >= 2 / (3 * sqrt(-3 * k))) {
        return false;
    }
    /* ru = rd + k rd^3, monotonic on the branch that starts at 0; Newton from the undistorted radius. */
    double rd = k < 0 ? fmin(ru, 0.999 / sqrt(-3 * k)) : ru / (1 + k * ru * ru);
    for (int i = 0; i < 50; i++) {
        const double step = (rd + k * rd * rd * rd - ru) / (1 + 3 * k * rd * rd);
        rd -= step;
        if (fabs(step) <= 1e-15 * (1 + rd)) {
            break;
        }
    }
    const double s = ru > 0 ? rd / ru : 1;
    *pixel = (struct point){xu * s * t->sx / t->dpx + t->cx, yu * s / t->dpy + t->cy};
    return true;
}

static struct point brown_distort(const struct camera_pinhole *p, struct point n, double j[4])
{
    const double x = n.x;
    const double y = n.y;
    const double r2 = x * x + y * y;
    const double radial = 1 + r2 * (p->k1 + r2 * (p->k2 + r2 * p->k3));
    const double slope = 2 * (p->k1 + r2 * (2 * p->k2 + r2 * 3 * p->k3)); /* d(radial)/dx = slope x */
    j[0] = radial + slope * x * x + 2 * p->p1 * y + 6 * p->p2 * x;
    j[1] = slope * x * y + 2 * p->p1 * x + 2 * p->p2 * y;
    j[2] = j[1];
    j[3] = radial + slope * y * y + 6 * p->p1 * y + 2 * p->p2 * x;
    return (struct point){x * radial + 2 * p->p1 * x * y + p->p2 * (r2 + 2 * x * x),
                          y * radial + p->p1 * (r2 + 2 * y * y) + 2 * p->p2 * x * y};
}

static bool pinhole_undistort(const struct camera_pinhole *p, struct point pixel, struct point *n,
                              double jacobian[4])
{
    const struct point d = {(pixel.x - p->cx) / p->fx, (pixel.y - p->cy) / p->fy};
    struct point u = d;
    double j[4];
    double off = INFINITY;
    for (int i = 0; i < 30; i++) {
        const struct point back = brown_distort(p, u, j);
        const double ex = back.x - d.x;
        const double ey = back.y - d.y;
        const double det = j[0] * j[3] - j[1] * j[2];
        off = hypot(ex, ey);
        if (!(det > 1e-6) || off < 1e-14) {
            break;
        }
        u.x -= (j[3] * ex - j[1] * ey) / det;
        u.y -= (j[0] * ey - j[2] * ex) / det;
    }
    const double det = j[0] * j[3] - j[1] * j[2];
    if (!(off < 1e-9) || !(det > 1e-6)) {
        return false;
    }
    *n = u;
    if (jacobian) {
        jacobian[0] = j[3] / det / p->fx;
        jacobian[1] = -j[1] / det / p->fy;
        jacobian[2] = -j[2] / det / p->fx;
        jacobian[3] = j[0] / det / p->fy;
    }
    return true;
}

static bool undistort(const struct camera_model *c, struct point pixel, struct point *n, double j[4])
{
    return c->kind == CAMERA_TSAI ? tsai_undistort(&c->u.tsai, pixel, n, j)
                                  : pinhole_undistort(&c->u.pinhole, pixel, n, j);
}

/* The plane map of the model at a pixel: what to feed it with and which map it is. False where there is none.
 */
static bool plane_at(const struct camera_model *c, struct point pixel, struct point *feed, double jacobian[4],
                     struct homography *map, double *sign)
{
    if (c->kind == CAMERA_NONE || !isfinite(pixel.x) || !isfinite(pixel.y)) {
        return false;
    }
    if (c->kind == CAMERA_HOMOGRAPHY) {
        *map = c->u.to_ground;
        *feed = pixel;
        *sign = c->derived[SIGN];
        if (jacobian) {
            memcpy(jacobian, (const double[4]){1, 0, 0, 1}, 4 * sizeof(double));
        }
        return true;
    }
    memcpy(map->h, c->derived + PLANE_INVERSE, sizeof(map->h));
    *sign = 1;
    return undistort(c, pixel, feed, jacobian);
}

static bool in_front(const struct homography *map, struct point p, double sign)
{
    return sign * (map->h[6] * p.x + map->h[7] * p.y + map->h[8]) > 0;
}

bool camera_to_ground(const struct camera_model *camera, struct point pixel, struct point *ground)
{
    struct point feed;
    struct homography map;
    double sign;
    return plane_at(camera, pixel, &feed, NULL, &map, &sign) && in_front(&map, feed, sign) &&
           homography_apply(&map, feed, ground);
}

static bool homography_to_image(const struct camera_model *c, struct point ground, struct point *pixel)
{
    struct homography inverse;
    memcpy(inverse.h, c->derived + PLANE_INVERSE, sizeof(inverse.h));
    return homography_apply(&inverse, ground, pixel) && in_front(&c->u.to_ground, *pixel, c->derived[SIGN]);
}

bool camera_to_image(const struct camera_model *camera, struct point ground, double z, struct point *pixel)
{
    if (camera->kind == CAMERA_NONE || !isfinite(ground.x) || !isfinite(ground.y)) {
        return false;
    }
    if (camera->kind == CAMERA_HOMOGRAPHY) {
        return z == 0 && homography_to_image(camera, ground, pixel);
    }
    const double *r = camera->derived + ROTATION;
    const double *t = camera->derived + TRANSLATION;
    const double depth = r[6] * ground.x + r[7] * ground.y + r[8] * z + t[2];
    if (!(depth > 1e-6)) {
        return false;
    }
    const struct point n = {(r[0] * ground.x + r[1] * ground.y + r[2] * z + t[0]) / depth,
                            (r[3] * ground.x + r[4] * ground.y + r[5] * z + t[1]) / depth};
    if (camera->kind == CAMERA_TSAI) {
        return tsai_distort(&camera->u.tsai, n, pixel);
    }
    double j[4];
    const struct camera_pinhole *p = &camera->u.pinhole;
    const struct point d = brown_distort(p, n, j);
    *pixel = (struct point){d.x * p->fx + p->cx, d.y * p->fy + p->cy};
    /* Past the turning point of the distortion the picture folds back over itself. */
    return j[0] * j[3] - j[1] * j[2] > 1e-6;
}

bool camera_ground_jacobian(const struct camera_model *camera, struct point pixel, double jacobian[4])
{
    struct point feed;
    struct homography map;
    double sign;
    double inner[4];
    double outer[4];
    if (!plane_at(camera, pixel, &feed, inner, &map, &sign) || !in_front(&map, feed, sign) ||
        !homography_jacobian(&map, feed, outer)) {
        return false;
    }
    jacobian[0] = outer[0] * inner[0] + outer[1] * inner[2];
    jacobian[1] = outer[0] * inner[1] + outer[1] * inner[3];
    jacobian[2] = outer[2] * inner[0] + outer[3] * inner[2];
    jacobian[3] = outer[2] * inner[1] + outer[3] * inner[3];
    return true;
}

double camera_ground_error(const struct camera_model *camera, struct point pixel, double sigma_x,
                           double sigma_y)
{
    double j[4];
    if (!camera_ground_jacobian(camera, pixel, j)) {
        return NAN;
    }
    const double residual = isfinite(camera->residual_m) ? camera->residual_m : 0;
    const double vx = sigma_x * sigma_x;
    const double vy = sigma_y * sigma_y;
    return sqrt((j[0] * j[0] + j[2] * j[2]) * vx + (j[1] * j[1] + j[3] * j[3]) * vy + residual * residual);
}

bool camera_position(const struct camera_model *camera, double position[3])
{
    if (camera->kind != CAMERA_TSAI && camera->kind != CAMERA_PINHOLE) {
        return false;
    }
    const double *r = camera->derived + ROTATION;
    const double *t = camera->derived + TRANSLATION;
    for (int i = 0; i < 3; i++) {
        position[i] = -(r[i] * t[0] + r[3 + i] * t[1] + r[6 + i] * t[2]);
    }
    return true;
}

double camera_pixels_per_metre(const struct camera_model *camera, struct point pixel)
{
    double j[4];
    if (!camera_ground_jacobian(camera, pixel, j)) {
        return NAN;
    }
    const double det = fabs(j[0] * j[3] - j[1] * j[2]);
    return det > 0 ? 1 / sqrt(det) : NAN;
}

void camera_ground_scale(const double j[4], double *least, double *greatest)
{
    /* Singular values of a 2x2: half the sum and difference of two lengths. */
    const double a = hypot(j[0] + j[3], j[2] - j[1]) / 2;
    const double b = hypot(j[0] - j[3], j[2] + j[1]) / 2;
    *greatest = a + b;
    *least = fabs(a - b);
}
