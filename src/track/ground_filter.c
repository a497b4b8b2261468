#include "track/ground_filter.h"

#include <math.h>

struct ground_place ground_place_of(const struct camera_model *camera, struct box box,
                                    const struct ground_noise *noise)
{
    struct ground_place p = {0};
    struct point foot = {(double)box.x + 0.5 * (double)box.w, (double)box.y + (double)box.h};
    double j[4];
    if (camera == NULL || !camera_to_ground(camera, foot, &p.at) ||
        !camera_ground_jacobian(camera, foot, j)) {
        return p;
    }
    double sx = noise->foot_x * (double)box.h, sy = noise->foot_y * (double)box.h, vx = sx * sx, vy = sy * sy;
    p.xx = j[0] * j[0] * vx + j[1] * j[1] * vy;
    p.xy = j[0] * j[2] * vx + j[1] * j[3] * vy;
    p.yy = j[2] * j[2] * vx + j[3] * j[3] * vy;
    p.valid =
        isfinite(p.at.x) && isfinite(p.at.y) && isfinite(p.xx) && isfinite(p.yy) && p.xx > 0 && p.yy > 0;
    return p;
}

void ground_filter_start(struct ground_filter *f, const struct ground_place *place,
                         const struct ground_noise *noise)
{
    double v = noise->start_velocity * noise->start_velocity;
    *f = (struct ground_filter){.valid = place->valid,
                                .position = place->at,
                                .pp = {place->xx, place->xy, place->yy},
                                .vv = {v, 0, v}};
}

void ground_filter_predict(struct ground_filter *f, double t, const struct ground_noise *noise)
{
    double q = noise->acceleration * noise->acceleration;
    f->position.x += t * f->velocity.x;
    f->position.y += t * f->velocity.y;
    f->pp[0] += t * (2 * f->pv[0] + t * f->vv[0]) + q * t * t * t / 3;
    f->pp[1] += t * (f->pv[1] + f->pv[2] + t * f->vv[1]);
    f->pp[2] += t * (2 * f->pv[3] + t * f->vv[2]) + q * t * t * t / 3;
    f->pv[0] += t * f->vv[0] + q * t * t / 2;
    f->pv[1] += t * f->vv[1];
    f->pv[2] += t * f->vv[1];
    f->pv[3] += t * f->vv[2] + q * t * t / 2;
    f->vv[0] += q * t;
    f->vv[2] += q * t;
}

struct innovation {
    double x, y;
    double inverse[3]; /* of its covariance: xx, xy, yy */
};

static bool innovation_of(const struct ground_filter *f, const struct ground_place *p, struct innovation *i)
{
    double xx = f->pp[0] + p->xx, xy = f->pp[1] + p->xy, yy = f->pp[2] + p->yy, det = xx * yy - xy * xy;
    if (!f->valid || !p->valid || !(det > 0)) {
        return false;
    }
    *i = (struct innovation){
        p->at.x - f->position.x, p->at.y - f->position.y, {yy / det, -xy / det, xx / det}};
    return true;
}

/* K = C S^-1 for a 2x2 block C (row-major). */
static void gain(const double c[4], const double inverse[3], double k[4])
{
    k[0] = c[0] * inverse[0] + c[1] * inverse[1];
    k[1] = c[0] * inverse[1] + c[1] * inverse[2];
    k[2] = c[2] * inverse[0] + c[3] * inverse[1];
    k[3] = c[2] * inverse[1] + c[3] * inverse[2];
}

void ground_filter_update(struct ground_filter *f, const struct ground_place *place,
                          const struct ground_noise *noise)
{
    struct innovation i;
    if (!place->valid) {
        return;
    }
    if (!innovation_of(f, place, &i)) {
        ground_filter_start(f, place, noise);
        return;
    }
    const double pp[4] = {f->pp[0], f->pp[1], f->pp[1], f->pp[2]};
    const double vp[4] = {f->pv[0], f->pv[2], f->pv[1], f->pv[3]}; /* pv transposed */
    double kp[4], kv[4];
    gain(pp, i.inverse, kp);
    gain(vp, i.inverse, kv);
    f->position.x += kp[0] * i.x + kp[1] * i.y;
    f->position.y += kp[2] * i.x + kp[3] * i.y;
    f->velocity.x += kv[0] * i.x + kv[1] * i.y;
    f->velocity.y += kv[2] * i.x + kv[3] * i.y;
    /* P -= K (position rows of P) */
    const double pv[4] = {f->pv[0], f->pv[1], f->pv[2], f->pv[3]};
    f->vv[0] -= kv[0] * pv[0] + kv[1] * pv[2];
    f->vv[1] -= kv[0] * pv[1] + kv[1] * pv[3];
    f->vv[2] -= kv[2] * pv[1] + kv[3] * pv[3];
    f->pv[0] -= kp[0] * pv[0] + kp[1] * pv[2];
    f->pv[1] -= kp[0] * pv[1] + kp[1] * pv[3];
    f->pv[2] -= kp[2] * pv[0] + kp[3] * pv[2];
    f->pv[3] -= kp[2] * pv[1] + kp[3] * pv[3];
    f->pp[0] -= kp[0] * pp[0] + kp[1] * pp[2];
    f->pp[1] -= kp[0] * pp[1] + kp[1] * pp[3];
    f->pp[2] -= kp[2] * pp[1] + kp[3] * pp[3];
}

double ground_filter_distance(const struct ground_filter *f, const struct ground_place *place)
{
    struct innovation i;
    if (!innovation_of(f, place, &i)) {
        return -1;
    }
    return i.x * i.x * i.inverse[0] + 2 * i.x * i.y * i.inverse[1] + i.y * i.y * i.inverse[2];
}
