#include "track/box_filter.h"

#include <math.h>

static double height_of(const struct box_filter *f)
{
    double h = f->axis[AXIS_H].position;
    return h > 1 ? h : 1;
}

static void measured(struct box box, double out[AXIS_COUNT])
{
    out[AXIS_X] = (double)box.x + 0.5 * (double)box.w;
    out[AXIS_Y] = (double)box.y + 0.5 * (double)box.h;
    out[AXIS_W] = (double)box.w;
    out[AXIS_H] = (double)box.h;
}

static double square(double x)
{
    return x * x;
}

void box_filter_start(struct box_filter *f, struct box box, const struct box_noise *noise)
{
    double z[AXIS_COUNT], h = box.h > 1 ? (double)box.h : 1;
    measured(box, z);
    for (int k = 0; k < AXIS_COUNT; k++) {
        int is_size = k >= AXIS_W;
        f->axis[k] = (struct axis_state){
            .position = z[k],
            .p_pp = square(h * (is_size ? noise->size : noise->centre)),
            .p_vv = square(h * (is_size ? noise->start_size_velocity : noise->start_velocity)),
        };
    }
}

void box_filter_predict(struct box_filter *f, double t, const struct box_noise *noise)
{
    double h = height_of(f);
    for (int k = 0; k < AXIS_COUNT; k++) {
        struct axis_state *a = &f->axis[k];
        double q = square(h * (k >= AXIS_W ? noise->size_acceleration : noise->acceleration));
        a->position += t * a->velocity;
        a->p_pp += t * (2 * a->p_pv + t * a->p_vv) + q * t * t * t / 3;
        a->p_pv += t * a->p_vv + q * t * t / 2;
        a->p_vv += q * t;
    }
}

void box_filter_update(struct box_filter *f, struct box box, double doubt, const struct box_noise *noise)
{
    double z[AXIS_COUNT], h = height_of(f);
    measured(box, z);
    for (int k = 0; k < AXIS_COUNT; k++) {
        struct axis_state *a = &f->axis[k];
        double r = doubt * square(h * (k >= AXIS_W ? noise->size : noise->centre));
        double s = a->p_pp + r, gain = a->p_pp / s, velocity_gain = a->p_pv / s;
        double innovation = z[k] - a->position;
        a->position += gain * innovation;
        a->velocity += velocity_gain * innovation;
        a->p_vv -= velocity_gain * a->p_pv;
        a->p_pv *= 1 - gain;
        a->p_pp *= 1 - gain;
    }
}

struct box box_filter_box(const struct box_filter *f)
{
    double w = fmax(1, f->axis[AXIS_W].position), h = height_of(f);
    return (struct box){(float)(f->axis[AXIS_X].position - 0.5 * w),
                        (float)(f->axis[AXIS_Y].position - 0.5 * h), (float)w, (float)h};
}

void box_filter_move(struct box_filter *f, const double a[4], const double b[2])
{
    struct axis_state *x = &f->axis[AXIS_X], *y = &f->axis[AXIS_Y];
    double scale = sqrt(fabs(a[0] * a[3] - a[1] * a[2]));
    double px = x->position, vx = x->velocity, vy = y->velocity;
    x->position = a[0] * px + a[1] * y->position + b[0];
    y->position = a[2] * px + a[3] * y->position + b[1];
    x->velocity = a[0] * vx + a[1] * vy;
    y->velocity = a[2] * vx + a[3] * vy;
    for (int k = 0; k < AXIS_COUNT; k++) {
        struct axis_state *s = &f->axis[k];
        s->position *= k >= AXIS_W ? scale : 1;
        s->velocity *= k >= AXIS_W ? scale : 1;
        s->p_pp *= scale * scale;
        s->p_pv *= scale * scale;
        s->p_vv *= scale * scale;
    }
}
