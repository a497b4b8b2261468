#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "geo/camera.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* PETS 2009, view 1, as published by the University of Reading. */
static struct camera_model pets(void)
{
    struct camera_model c = {
        .kind = CAMERA_TSAI,
        .width = 768,
        .height = 576,
        .residual_m = (double)NAN,
        .u.tsai = {.width = 768,
                   .height = 576,
                   .ncx = 795,
                   .nfx = 752,
                   .dx = 4.85e-3,
                   .dy = 4.65e-3,
                   .dpx = 5.1273271277e-03,
                   .dpy = 4.65e-3,
                   .cx = 3.2422149053e+02,
                   .cy = 2.8256650051e+02,
                   .sx = 1.0937855397,
                   .focal = 5.5549183034,
                   .kappa1 = 5.1113043639e-03,
                   .tx = 8.2873214225e+02,
                   .ty = -3.1754796051e+03,
                   .tz = 3.5469298547e+04,
                   .rx = 2.0405458695,
                   .ry = -8.9337703748e-01,
                   .rz = -4.3056124791e-01},
    };
    assert_int_equal(camera_prepare(&c, NULL), 0);
    return c;
}

/* Six metres above the ground, looking along +y and down by 35 degrees. */
static struct camera_model pinhole(void)
{
    const double a = 35 * M_PI / 180;
    const double r[9] = {1, 0, 0, 0, -sin(a), -cos(a), 0, cos(a), -sin(a)};
    struct camera_model c = {.kind = CAMERA_PINHOLE, .width = 1280, .height = 720, .residual_m = 0.05};
    c.u.pinhole = (struct camera_pinhole){.width = 1280,
                                          .height = 720,
                                          .fx = 900,
                                          .fy = 910,
                                          .cx = 640,
                                          .cy = 360,
                                          .k1 = -0.2,
                                          .k2 = 0.05,
                                          .p1 = 0.001,
                                          .p2 = -0.0005,
                                          .k3 = -0.004};
    memcpy(c.u.pinhole.r, r, sizeof(r));
    const double height = 6;
    for (int i = 0; i < 3; i++) {
        c.u.pinhole.t[i] = -r[i * 3 + 2] * height;
    }
    assert_int_equal(camera_prepare(&c, NULL), 0);
    return c;
}

static struct camera_model plane(void)
{
    struct camera_model c = {.kind = CAMERA_HOMOGRAPHY,
                             .width = 800,
                             .height = 600,
                             .residual_m = 0.1,
                             .u.to_ground = {{-0.02, -0.003, 7, 0.001, 0.05, -40, -0.0001, -0.004, 0.3}}};
    assert_int_equal(camera_prepare(&c, NULL), 0);
    return c;
}

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance)) {
        fail_msg("%.17g is not %.17g within %g", a, b, tolerance);
    }
}

static void there_and_back(const struct camera_model *c, double x0, double y0, double step)
{
    int answered = 0;
    for (double y = y0; y < c->height; y += step) {
        for (double x = x0; x < c->width; x += step) {
            struct point g;
            struct point p;
            if (camera_to_ground(c, (struct point){x, y}, &g)) {
                assert_true(camera_to_image(c, g, 0, &p));
                near(p.x, x, 1e-6);
                near(p.y, y, 1e-6);
                answered++;
            }
        }
    }
    assert_true(answered > 50);
}

static void every_model_comes_back(void **state)
{
    (void)state;
    const struct camera_model a = pets();
    const struct camera_model b = pinhole();
    const struct camera_model c = plane();
    there_and_back(&a, 0, 0, 37);
    there_and_back(&b, 0, 300, 37);
    there_and_back(&c, 0, 120, 37);
}

/* Numbers of Willson's formulas, worked out apart from this code: the foot of the first truth box of
 * PETS09-S2L1 (499, 158, 31.03 x 75.17), millimetres. */
static void pets_known_point(void **state)
{
    (void)state;
    const struct camera_model c = pets();
    struct point g;
    assert_true(camera_to_ground(&c, (struct point){514.515, 233.17}, &g));
    near(g.x, -4.240835, 1e-3);
    near(g.y, -7.440657, 1e-3);
}

static void people_stand_upright(void **state)
{
    (void)state;
    const struct camera_model c = pets();
    struct point foot;
    struct point head;
    assert_true(camera_to_image(&c, (struct point){-4, -7}, 0, &foot));
    assert_true(camera_to_image(&c, (struct point){-4, -7}, 1.75, &head));
    assert_true(head.y < foot.y - 30);
    assert_true(fabs(head.x - foot.x) < 10);
}

static void jacobians_are_derivatives(void **state)
{
    (void)state;
    const struct camera_model models[] = {pets(), pinhole(), plane()};
    const struct point pixels[] = {{300, 400}, {600, 500}, {120, 550}};
    for (size_t m = 0; m < COUNT(models); m++) {
        for (size_t i = 0; i < COUNT(pixels); i++) {
            double j[4];
            assert_true(camera_ground_jacobian(&models[m], pixels[i], j));
            const double e = 1e-3;
            for (int axis = 0; axis < 2; axis++) {
                const struct point d = {axis ? 0 : e, axis ? e : 0};
                struct point a;
                struct point b;
                assert_true(
                    camera_to_ground(&models[m], (struct point){pixels[i].x + d.x, pixels[i].y + d.y}, &a));
                assert_true(
                    camera_to_ground(&models[m], (struct point){pixels[i].x - d.x, pixels[i].y - d.y}, &b));
                near(j[axis], (a.x - b.x) / (2 * e), 1e-7);
                near(j[2 + axis], (a.y - b.y) / (2 * e), 1e-7);
            }
            double across;
            double along;
            camera_ground_scale(j, &across, &along);
            near(across * along, fabs(j[0] * j[3] - j[1] * j[2]), 1e-12);
            near(camera_pixels_per_metre(&models[m], pixels[i]), 1 / sqrt(across * along), 1e-9);
        }
    }
}

static void error_grows_with_noise(void **state)
{
    (void)state;
    const struct camera_model c = plane();
    const struct point p = {300, 400};
    near(camera_ground_error(&c, p, 0, 0), 0.1, 1e-12);
    const double one = camera_ground_error(&c, p, 1, 2);
    const double two = camera_ground_error(&c, p, 2, 4);
    near(two * two - 0.01, 4 * (one * one - 0.01), 1e-12);
}

static void the_sky_has_no_ground(void **state)
{
    (void)state;
    const struct camera_model b = pinhole();
    struct point g;
    assert_false(camera_to_ground(&b, (struct point){640, -900}, &g));
    assert_true(isnan(camera_ground_error(&b, (struct point){640, -900}, 1, 1)));
    const struct camera_model c = plane();
    assert_false(camera_to_ground(&c, (struct point){400, 40}, &g)); /* above the horizon at y = 65 */
    assert_true(camera_to_ground(&c, (struct point){400, 120}, &g));
    assert_false(camera_to_image(&b, (struct point){0, -50}, 0, &g)); /* behind the camera */
    const struct camera_model none = {.kind = CAMERA_NONE};
    assert_false(camera_to_ground(&none, (struct point){1, 1}, &g));
    assert_false(camera_to_image(&none, (struct point){1, 1}, 0, &g));
}

static void wrong_numbers_are_named(void **state)
{
    (void)state;
    struct error error = {0};
    struct camera_model c = pets();
    c.u.tsai.kappa1 = (double)NAN;
    assert_int_equal(camera_prepare(&c, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "kappa1"));
    c = pets();
    c.u.tsai.focal = 0;
    assert_int_equal(camera_prepare(&c, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "focal"));
    c = pinhole();
    c.u.pinhole.r[0] = 2;
    assert_int_equal(camera_prepare(&c, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "rotation"));
    c = plane();
    memset(&c.u.to_ground, 0, sizeof(c.u.to_ground));
    assert_int_equal(camera_prepare(&c, &error), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_model_comes_back),  cmocka_unit_test(pets_known_point),
        cmocka_unit_test(people_stand_upright),    cmocka_unit_test(jacobians_are_derivatives),
        cmocka_unit_test(error_grows_with_noise),  cmocka_unit_test(the_sky_has_no_ground),
        cmocka_unit_test(wrong_numbers_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
