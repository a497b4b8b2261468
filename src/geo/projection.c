#include "geo/projection.h"

#include <math.h>
#include <string.h>

static const double SKEW_MOST = 1e-3;
static const double LEAST_HEIGHT_M = 0.3;
static const double GREATEST_HEIGHT_M = 3;

static double dot(const double *a, const double *b)
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void cross(const double *a, const double *b, double *out)
{
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

/* Subtracts along * direction, and makes what is left a unit vector; returns its length. */
static double left_over(double *v, const double *direction, double along)
{
    for (int i = 0; i < 3; i++) {
        v[i] -= along * direction[i];
    }
    const double length = sqrt(dot(v, v));
    for (int i = 0; i < 3 && length > 0; i++) {
        v[i] /= length;
    }
    return length;
}

static int finish(struct camera_model *camera, double width, double height, struct error *error)
{
    camera->kind = CAMERA_PINHOLE;
    camera->width = width;
    camera->height = height;
    camera->residual_m = NAN;
    camera->u.pinhole.width = width;
    camera->u.pinhole.height = height;
    return camera_prepare(camera, error);
}

int camera_from_projection(const double p[12], double width, double height, struct camera_model *camera,
                           struct error *error)
{
    double m[3][3];
    double t[3];
    *camera = (struct camera_model){0};
    for (int i = 0; i < 12; i++) {
        if (!isfinite(p[i])) {
            return error_set(error, ERR_INVALID, "number %d of the projection matrix is not finite", i + 1);
        }
    }
    const double size = sqrt(dot(p + 8, p + 8));
    double c[3];
    cross(p, p + 4, c);
    const double volume = dot(c, p + 8);
    if (!(fabs(volume) > 1e-12 * size * sqrt(dot(p, p) * dot(p + 4, p + 4)))) {
        return error_set(error, ERR_INVALID, "the projection matrix is singular");
    }
    const double scale = (volume < 0 ? -1 : 1) / size;
    for (int r = 0; r < 3; r++) {
        for (int k = 0; k < 3; k++) {
            m[r][k] = p[4 * r + k] * scale;
        }
        t[r] = p[4 * r + 3] * scale;
    }
    struct camera_pinhole *h = &camera->u.pinhole;
    h->cy = dot(m[1], m[2]);
    h->fy = left_over(m[1], m[2], h->cy);
    h->cx = dot(m[0], m[2]);
    const double skew = dot(m[0], m[1]);
    (void)left_over(m[0], m[2], h->cx);
    for (int k = 0; k < 3; k++) {
        m[0][k] = p[k] * scale - h->cx * m[2][k];
    }
    h->fx = left_over(m[0], m[1], skew);
    if (fabs(skew) > SKEW_MOST * h->fx) {
        return error_set(error, ERR_INVALID,
                         "the projection matrix has skewed pixels (skew %g of a focal length %g)", skew,
                         h->fx);
    }
    memcpy(h->r, m, sizeof(h->r));
    h->t[2] = t[2];
    h->t[1] = (t[1] - h->cy * t[2]) / h->fy;
    h->t[0] = (t[0] - skew * h->t[1] - h->cx * t[2]) / h->fx;
    return finish(camera, width, height, error);
}

/* 1 / focal length squared of columns a and b, in pixels from the middle. */
static double inverse_square(const double *a, const double *b)
{
    const double a1 = a[0] * b[0] + a[1] * b[1];
    const double b1 = a[2] * b[2];
    const double a2 = a[0] * a[0] + a[1] * a[1] - b[0] * b[0] - b[1] * b[1];
    const double b2 = a[2] * a[2] - b[2] * b[2];
    return -(a1 * b1 + a2 * b2) / (a1 * a1 + a2 * a2);
}

int camera_from_plane(const struct camera_model *plane, struct camera_model *camera, struct error *error)
{
    struct homography to_image;
    *camera = (struct camera_model){0};
    const int rc = homography_invert(&plane->u.to_ground, &to_image, error);
    if (rc) {
        return rc;
    }
    struct camera_pinhole *h = &camera->u.pinhole;
    h->cx = plane->width / 2;
    h->cy = plane->height / 2;
    double column[3][3];
    for (int k = 0; k < 3; k++) {
        const double w = to_image.h[6 + k];
        column[k][0] = to_image.h[k] - h->cx * w;
        column[k][1] = to_image.h[3 + k] - h->cy * w;
        column[k][2] = w;
    }
    const double u = inverse_square(column[0], column[1]);
    h->fx = 1 / sqrt(u);
    h->fy = h->fx;
    if (!(u > 0) || h->fx < 0.2 * plane->width || h->fx > 20 * plane->width) {
        return error_set(error, ERR_INVALID, "no camera with square pixels sees the ground like that");
    }
    for (int k = 0; k < 3; k++) {
        column[k][0] /= h->fx;
        column[k][1] /= h->fx;
    }
    /* The ground in the bottom middle of the picture is before the camera. */
    struct point near = {0, 0};
    (void)homography_apply(&plane->u.to_ground, (struct point){h->cx, plane->height}, &near);
    const double depth = column[0][2] * near.x + column[1][2] * near.y + column[2][2];
    const double length = (sqrt(dot(column[0], column[0])) + sqrt(dot(column[1], column[1]))) / 2;
    const double scale = (depth < 0 ? -1 : 1) / length;
    double r[3][3];
    for (int i = 0; i < 3; i++) {
        r[0][i] = column[0][i] * scale;
        r[1][i] = column[1][i] * scale;
        h->t[i] = column[2][i] * scale;
    }
    (void)left_over(r[0], r[0], 0);
    (void)left_over(r[1], r[0], dot(r[1], r[0]));
    cross(r[0], r[1], r[2]);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 3; k++) {
            h->r[3 * i + k] = r[k][i];
        }
    }
    if (-(r[2][0] * h->t[0] + r[2][1] * h->t[1] + r[2][2] * h->t[2]) < 0) {
        return error_set(error, ERR_INVALID, "the plan is mirrored: its y has to run up, and x to the right");
    }
    return finish(camera, plane->width, plane->height, error);
}

void rotation_from_vector(const double v[3], double rotation[9])
{
    const double angle = sqrt(dot(v, v));
    const double s = angle > 1e-12 ? sin(angle) / angle : 1;
    const double c = angle > 1e-12 ? (1 - cos(angle)) / (angle * angle) : 0.5;
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 3; k++) {
            rotation[3 * i + k] = c * v[i] * v[k] + (i == k ? cos(angle) : 0);
        }
    }
    rotation[1] -= s * v[2];
    rotation[2] += s * v[1];
    rotation[3] += s * v[2];
    rotation[5] -= s * v[0];
    rotation[6] -= s * v[1];
    rotation[7] += s * v[0];
}

bool person_height(const struct camera_model *camera, struct point foot, double head_y, double *metres)
{
    struct point ground;
    struct point low;
    struct point high;
    double least = LEAST_HEIGHT_M;
    double most = GREATEST_HEIGHT_M;
    if (!camera_to_ground(camera, foot, &ground) || !camera_to_image(camera, ground, least, &low) ||
        !camera_to_image(camera, ground, most, &high) || !(low.y > head_y) || !(high.y < head_y)) {
        return false;
    }
    for (int i = 0; i < 40; i++) {
        struct point p;
        const double middle = (least + most) / 2;
        if (!camera_to_image(camera, ground, middle, &p)) {
            return false;
        }
        *(p.y > head_y ? &least : &most) = middle;
    }
    *metres = (least + most) / 2;
    return true;
}
