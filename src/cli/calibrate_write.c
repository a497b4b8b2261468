#include "cli/calibrate_write.h"

#include <math.h>

#include "base/json_write.h"
#include "geo/projection.h"

/* Boxes of walking adults, shoes and hair included; children and hats are why the bounds are wide. */
static const double EXPECTED_M = 1.72;
static const double TOLERATED = 0.08;
enum { LEAST_PEOPLE = 5 };

static const char *kind_of(const struct camera_model *c)
{
    return c->kind == CAMERA_HOMOGRAPHY ? "homography" : c->kind == CAMERA_TSAI ? "tsai" : "pinhole";
}

static void put_list(struct buffer *out, const char *indent, const char *name, const double *numbers,
                     size_t count)
{
    buffer_printf(out, "%s%s: [", indent, name);
    for (size_t i = 0; i < count; i++) {
        buffer_printf(out, "%s%.17g", i ? ", " : "", numbers[i]);
    }
    buffer_append_text(out, "]\n");
}

static void put_numbers(struct buffer *out, const char *const *names, const double *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buffer_printf(out, "  %s: %.17g\n", names[i], numbers[i]);
    }
}

void calibration_write_yaml(struct buffer *out, const struct calibration *calibration)
{
    const struct camera_model *c = &calibration->camera;
    buffer_printf(out, "# Made by sci calibrate.\nsize: %.0fx%.0f\n%s:\n", c->width, c->height, kind_of(c));
    if (c->kind == CAMERA_HOMOGRAPHY) {
        put_list(out, "  ", "matrix", c->u.to_ground.h, 9);
        if (isfinite(c->residual_m)) {
            buffer_printf(out, "  residual: %.6g\n", c->residual_m);
        }
    } else if (c->kind == CAMERA_TSAI) {
        const struct camera_tsai *t = &c->u.tsai;
        static const char *const names[] = {"ncx", "nfx", "dx", "dy", "dpx", "dpy", "focal", "kappa1", "cx",
                                            "cy",  "sx",  "tx", "ty", "tz",  "rx",  "ry",    "rz"};
        const double numbers[] = {t->ncx, t->nfx, t->dx, t->dy, t->dpx, t->dpy, t->focal, t->kappa1, t->cx,
                                  t->cy,  t->sx,  t->tx, t->ty, t->tz,  t->rx,  t->ry,    t->rz};
        put_numbers(out, names, numbers, 17);
    } else {
        const struct camera_pinhole *p = &c->u.pinhole;
        static const char *const names[] = {"fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3"};
        const double numbers[] = {p->fx, p->fy, p->cx, p->cy, p->k1, p->k2, p->p1, p->p2, p->k3};
        put_numbers(out, names, numbers, 9);
        put_list(out, "  ", "rotation", p->r, 9);
        put_list(out, "  ", "translation", p->t, 3);
    }
}

static void report_pairs(struct buffer *out, const struct calibration *c)
{
    buffer_printf(out, "pairs: %zu\n", c->pair_count);
    if (c->pair_count == 4) {
        buffer_append_text(out, "residual: unknown; four pairs fit whatever they are, give five or more\n");
        return;
    }
    buffer_printf(out, "residual: %.3f m rms, largest %.3f m at pair %zu\n", c->fit.rms, c->fit.max,
                  c->fit.worst + 1);
    if (isfinite(c->fit.leave_one_out)) {
        buffer_printf(out, "leave-one-out: %.3f m rms: how far off a point is that was not used\n",
                      c->fit.leave_one_out);
    }
    for (size_t i = 0; i < c->pair_count; i++) {
        buffer_printf(out, "  pair %zu: %.3f m\n", i + 1, c->errors[i]);
    }
}

static void report_places(struct buffer *out, const struct camera_model *c)
{
    static const double heights[] = {1, 0.75, 0.5, 0.25};
    for (size_t i = 0; i < 4; i++) {
        const struct point p = {c->width / 2, c->height * heights[i]};
        struct point ground;
        double j[4];
        if (!camera_to_ground(c, p, &ground) || !camera_ground_jacobian(c, p, j)) {
            buffer_printf(out, "pixel %.0f, %.0f: above the horizon\n", p.x, p.y);
            continue;
        }
        double least;
        double greatest;
        camera_ground_scale(j, &least, &greatest);
        buffer_printf(out, "pixel %.0f, %.0f: ground %.2f, %.2f m; one pixel is %.3f m across, %.3f m away\n",
                      p.x, p.y, ground.x, ground.y, least, greatest);
    }
}

static double scale_of(const struct heights *h)
{
    return h->people >= LEAST_PEOPLE ? h->median / EXPECTED_M : (double)NAN;
}

static const char *verdict_of(const struct heights *h)
{
    const double scale = scale_of(h);
    if (isnan(scale)) {
        return "not enough people walked through";
    }
    if (fabs(scale - 1) > TOLERATED) {
        return "the ground's scale is wrong";
    }
    return fabs(h->near_median / h->far_median - 1) > 2 * TOLERATED
               ? "people shrink or grow with the distance: the ground is tilted, or the lens is bent"
               : "the ground's scale is right";
}

static void report_heights(struct buffer *out, const struct heights *h)
{
    if (h->people) {
        buffer_printf(out, "heights: %zu people, median %.2f m (%.2f to %.2f)\n", h->people, h->median,
                      h->low, h->high);
    }
    if (isfinite(h->near_median)) {
        buffer_printf(out, "  nearer half %.2f m, farther half %.2f m\n", h->near_median, h->far_median);
    }
    buffer_printf(out, "  %s\n", verdict_of(h));
    if (fabs(scale_of(h) - 1) > TOLERATED) {
        buffer_printf(
            out,
            "  people would be %.2f m tall: divide the ground's metres by %.2f, or look for a wrong pair\n",
            h->median, scale_of(h));
    }
}

void calibration_report_text(struct buffer *out, const struct calibration *calibration)
{
    const struct calibration *c = calibration;
    double at[3];
    buffer_printf(out, "%s, %.0fx%.0f\n", kind_of(&c->camera), c->camera.width, c->camera.height);
    if (c->pair_count) {
        report_pairs(out, c);
    }
    if (camera_position(&c->upright, at)) {
        buffer_printf(out, "camera: at %.2f, %.2f, %.2f m above the ground%s\n", at[0], at[1], at[2],
                      c->camera.kind == CAMERA_HOMOGRAPHY ? " (if its pixels are square)" : "");
    } else {
        buffer_printf(out, "camera: unknown; %s\n", c->no_upright);
    }
    report_places(out, &c->camera);
    if (c->heights_known) {
        report_heights(out, &c->heights);
    }
}

void calibration_report_json(struct buffer *out, const struct calibration *calibration)
{
    const struct calibration *c = calibration;
    struct json_writer w = json_writer_on(out);
    double at[3];
    json_object_begin(&w);
    json_put_string(&w, "kind", kind_of(&c->camera));
    json_put_number(&w, "width", c->camera.width, 0);
    json_put_number(&w, "height", c->camera.height, 0);
    if (c->pair_count) {
        json_put_int(&w, "pairs", (int64_t)c->pair_count);
        json_put_number(&w, "residual_m", c->pair_count > 4 ? c->fit.rms : (double)NAN, 6);
        json_put_number(&w, "residual_max_m", c->pair_count > 4 ? c->fit.max : (double)NAN, 6);
        json_put_int(&w, "worst_pair", (int64_t)c->fit.worst + 1);
        json_put_number(&w, "leave_one_out_m", c->fit.leave_one_out, 6);
    }
    if (camera_position(&c->upright, at)) {
        json_put_number(&w, "camera_x_m", at[0], 4);
        json_put_number(&w, "camera_y_m", at[1], 4);
        json_put_number(&w, "camera_height_m", at[2], 4);
    }
    if (c->heights_known) {
        json_put_int(&w, "people", (int64_t)c->heights.people);
        json_put_number(&w, "height_median_m", c->heights.median, 4);
        json_put_number(&w, "height_low_m", c->heights.low, 4);
        json_put_number(&w, "height_high_m", c->heights.high, 4);
        json_put_number(&w, "height_near_m", c->heights.near_median, 4);
        json_put_number(&w, "height_far_m", c->heights.far_median, 4);
        json_put_number(&w, "scale", scale_of(&c->heights), 4);
        json_put_string(&w, "verdict", verdict_of(&c->heights));
    }
    json_object_end(&w);
    buffer_append_char(out, '\n');
}
