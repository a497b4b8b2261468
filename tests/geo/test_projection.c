#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "geo/projection.h"

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance)) {
        fail_msg("%.17g is not %.17g within %g", a, b, tolerance);
    }
}

/* Six metres up, looking along a heading and down. */
static struct camera_model looking(double heading, double down, double focal)
{
    const double ch = cos(heading);
    const double sh = sin(heading);
    const double cd = cos(down);
    const double sd = sin(down);
    /* Rows: right, down, forward. */
    const double r[9] = {sh, -ch, 0, -sd * ch, -sd * sh, -cd, cd * ch, cd * sh, -sd};
    const double at[3] = {3, -4, 6};
    struct camera_model c = {.kind = CAMERA_PINHOLE, .width = 1280, .height = 720, .residual_m = (double)NAN};
    c.u.pinhole =
        (struct camera_pinhole){.width = 1280, .height = 720, .fx = focal, .fy = focal, .cx = 640, .cy = 360};
    memcpy(c.u.pinhole.r, r, sizeof(r));
    for (int i = 0; i < 3; i++) {
        c.u.pinhole.t[i] = -(r[3 * i] * at[0] + r[3 * i + 1] * at[1] + r[3 * i + 2] * at[2]);
    }
    assert_int_equal(camera_prepare(&c, NULL), 0);
    return c;
}

static void same_ground(const struct camera_model *a, const struct camera_model *b)
{
    for (double x = 100; x < 1280; x += 270) {
        for (double y = 420; y < 720; y += 90) {
            struct point p;
            struct point q;
            assert_true(camera_to_ground(a, (struct point){x, y}, &p));
            assert_true(camera_to_ground(b, (struct point){x, y}, &q));
            near(q.x, p.x, 1e-6 * (1 + fabs(p.x)));
            near(q.y, p.y, 1e-6 * (1 + fabs(p.y)));
        }
    }
}

static void projection_matrices_are_taken_apart(void **state)
{
    (void)state;
    struct random_state random;
    random_seed(&random, 1);
    for (int run = 0; run < 50; run++) {
        const struct camera_model c =
            looking(6 * random_unit(&random), 0.5 + 0.5 * random_unit(&random), 900);
        const struct camera_pinhole *h = &c.u.pinhole;
        double p[12];
        const double scale = run % 2 ? -3.7 : 0.01;
        for (int k = 0; k < 4; k++) {
            const double column[3] = {k < 3 ? h->r[k] : h->t[0], k < 3 ? h->r[3 + k] : h->t[1],
                                      k < 3 ? h->r[6 + k] : h->t[2]};
            p[k] = scale * (h->fx * column[0] + h->cx * column[2]);
            p[4 + k] = scale * (h->fy * column[1] + h->cy * column[2]);
            p[8 + k] = scale * column[2];
        }
        struct camera_model back;
        struct error error = {0};
        if (camera_from_projection(p, 1280, 720, &back, &error)) {
            fail_msg("%s", error.text);
        }
        near(back.u.pinhole.fx, 900, 1e-7);
        near(back.u.pinhole.fy, 900, 1e-7);
        near(back.u.pinhole.cx, 640, 1e-7);
        near(back.u.pinhole.cy, 360, 1e-7);
        same_ground(&c, &back);
        double at[3];
        assert_true(camera_position(&back, at));
        near(at[0], 3, 1e-8);
        near(at[2], 6, 1e-8);
    }
}

static void what_is_no_camera_is_refused(void **state)
{
    (void)state;
    static const double singular[12] = {1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 1};
    static const double skewed[12] = {900, 90, 640, 0, 0, 900, 360, 0, 0, 0, 1, 5};
    double nothing[12] = {900, 0, 640, 0, 0, 900, 360, 0, 0, 0, 1, NAN};
    struct camera_model c;
    struct error error = {0};
    assert_int_equal(camera_from_projection(singular, 1280, 720, &c, &error), ERR_INVALID);
    assert_int_equal(camera_from_projection(skewed, 1280, 720, &c, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "skew"));
    assert_int_equal(camera_from_projection(nothing, 1280, 720, &c, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "number 12"));
}

static struct camera_model plane_of(const struct camera_model *c, double mirror)
{
    struct point pixels[9];
    struct point ground[9];
    for (int i = 0; i < 9; i++) {
        pixels[i] = (struct point){200.0 + 400 * (i % 3), 450.0 + 120 * (i / 3.0 - i % 3 / 3.0)};
        assert_true(camera_to_ground(c, pixels[i], &ground[i]));
        ground[i].y *= mirror;
    }
    struct homography_fit fit;
    assert_int_equal(homography_fit(pixels, ground, 9, &fit, NULL), 0);
    struct camera_model plane = {
        .kind = CAMERA_HOMOGRAPHY, .width = 1280, .height = 720, .residual_m = fit.rms};
    plane.u.to_ground = fit.map;
    assert_int_equal(camera_prepare(&plane, NULL), 0);
    return plane;
}

static void a_plane_map_has_its_camera(void **state)
{
    (void)state;
    for (double heading = 0.3; heading < 6; heading += 0.9) {
        const struct camera_model c = looking(heading, 0.6, 1000);
        const struct camera_model plane = plane_of(&c, 1);
        struct camera_model back;
        struct error error = {0};
        if (camera_from_plane(&plane, &back, &error)) {
            fail_msg("%s", error.text);
        }
        near(back.u.pinhole.fx, 1000, 0.01);
        double at[3];
        assert_true(camera_position(&back, at) && !camera_position(&plane, at));
        near(at[2], 6, 1e-3);
        const struct camera_model mirrored = plane_of(&c, -1);
        assert_int_equal(camera_from_plane(&mirrored, &back, &error), ERR_INVALID);
        assert_non_null(strstr(error.text, "mirrored"));
    }
}

static void people_are_as_tall_as_they_are(void **state)
{
    (void)state;
    const struct camera_model c = looking(1, 0.6, 1000);
    const struct point at = {7, 3};
    for (double z = 0.5; z < 2.5; z += 0.3) {
        struct point foot;
        struct point head;
        double height = 0;
        assert_true(camera_to_image(&c, at, 0, &foot) && camera_to_image(&c, at, z, &head));
        assert_true(person_height(&c, foot, head.y, &height));
        near(height, z, 1e-6);
    }
    double height;
    assert_false(person_height(&c, (struct point){640, 600}, 610, &height)); /* the head below the feet */
}

static void rotation_vectors(void **state)
{
    (void)state;
    double r[9];
    rotation_from_vector((const double[]){0, 0, M_PI / 2}, r);
    static const double quarter[9] = {0, -1, 0, 1, 0, 0, 0, 0, 1};
    for (int i = 0; i < 9; i++) {
        near(r[i], quarter[i], 1e-15);
    }
    rotation_from_vector((const double[]){0.4, -1.2, 2}, r);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 3; k++) {
            near(r[3 * i] * r[3 * k] + r[3 * i + 1] * r[3 * k + 1] + r[3 * i + 2] * r[3 * k + 2], i == k,
                 1e-14);
        }
    }
    near(r[0] * 0.4 - r[1] * 1.2 + r[2] * 2, 0.4, 1e-14); /* the axis stays */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(projection_matrices_are_taken_apart),
        cmocka_unit_test(what_is_no_camera_is_refused),
        cmocka_unit_test(a_plane_map_has_its_camera),
        cmocka_unit_test(people_are_as_tall_as_they_are),
        cmocka_unit_test(rotation_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
