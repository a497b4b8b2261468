#include "track/ground_filter.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct ground_noise noise = {
    .acceleration = 0.5, .start_velocity = 2, .foot_x = 0.07, .foot_y = 0.1};

static struct ground_place place(double x, double y)
{
    return (struct ground_place){.valid = true, .at = {x, y}, .xx = 0.01, .xy = 0.002, .yy = 0.04};
}

static void test_follows_a_walk(void **state)
{
    (void)state;
    struct ground_filter f;
    struct ground_place p = place(0, 0);
    ground_filter_start(&f, &p, &noise);
    for (int i = 1; i <= 70; i++) {
        ground_filter_predict(&f, 1.0 / 7, &noise);
        p = place(1.4 * i / 7, -0.5 * i / 7);
        assert_true(i < 8 || ground_filter_distance(&f, &p) < 1);
        ground_filter_update(&f, &p, &noise);
    }
    assert_true(fabs(f.velocity.x - 1.4) < 0.02 && fabs(f.velocity.y + 0.5) < 0.02);
    /* Covariance stays one: positive on the diagonal, and no more correlated than possible. */
    assert_true(f.pp[0] > 0 && f.pp[2] > 0 && f.vv[0] > 0 && f.vv[2] > 0);
    assert_true(f.pp[1] * f.pp[1] < f.pp[0] * f.pp[2] && f.pv[0] * f.pv[0] < f.pp[0] * f.vv[0]);
}

/* The scalar filter of a textbook, along each axis alone, when the covariance has no off-diagonal part. */
static void test_same_as_two_axes(void **state)
{
    (void)state;
    struct ground_filter f;
    struct ground_place p = {.valid = true, .at = {3, 7}, .xx = 0.04, .yy = 0.09};
    ground_filter_start(&f, &p, &noise);
    ground_filter_predict(&f, 0.5, &noise);
    const double q = 0.25, t = 0.5, v = 4;
    const double pp = 0.04 + t * t * v + q * t * t * t / 3, pv = t * v + q * t * t / 2;
    assert_true(fabs(f.pp[0] - pp) < 1e-12 && fabs(f.pv[0] - pv) < 1e-12);
    p.at.x = 4;
    ground_filter_update(&f, &p, &noise);
    assert_true(fabs(f.position.x - (3 + pp / (pp + 0.04))) < 1e-12);
    assert_true(fabs(f.velocity.x - pv / (pp + 0.04)) < 1e-12);
    assert_true(fabs(f.position.y - 7) < 1e-12 && fabs(f.pp[1]) < 1e-15);
}

static void test_distance_is_in_standard_deviations(void **state)
{
    (void)state;
    struct ground_filter f;
    struct ground_place p = {.valid = true, .at = {0, 0}, .xx = 0.02, .yy = 0.02};
    ground_filter_start(&f, &p, &noise);
    const struct ground_place away = {.valid = true, .at = {0.6, 0}, .xx = 0.02, .yy = 0.02};
    assert_true(fabs(ground_filter_distance(&f, &away) - 0.36 / 0.04) < 1e-12);
}

static void test_without_a_camera(void **state)
{
    (void)state;
    const struct ground_place none = ground_place_of(NULL, (struct box){0, 0, 10, 30}, &noise);
    assert_false(none.valid);
    struct ground_filter f = {0};
    struct ground_place p = place(1, 1);
    assert_true(ground_filter_distance(&f, &p) < 0);
    ground_filter_update(&f, &none, &noise);
    assert_false(f.valid);
    ground_filter_update(&f, &p, &noise);
    assert_true(f.valid && f.position.x == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follows_a_walk),
        cmocka_unit_test(test_same_as_two_axes),
        cmocka_unit_test(test_distance_is_in_standard_deviations),
        cmocka_unit_test(test_without_a_camera),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
