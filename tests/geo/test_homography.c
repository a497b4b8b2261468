#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "geo/homography.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A camera that looks down a street: strong perspective. */
static const struct homography STREET = {{0.02, 0.003, -7, -0.001, -0.05, 40, 0.0001, 0.004, 0.3}};

static const struct point PIXELS[] = {{100, 500}, {700, 520}, {650, 200}, {150, 180},
                                      {400, 300}, {320, 420}, {500, 250}};

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance)) {
        fail_msg("%.17g is not %.17g within %g", a, b, tolerance);
    }
}

static void map_all(const struct homography *h, const struct point *from, struct point *to, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_true(homography_apply(h, from[i], &to[i]));
    }
}

static void exact_pairs_are_recovered(void **state)
{
    (void)state;
    struct point to[COUNT(PIXELS)];
    map_all(&STREET, PIXELS, to, COUNT(PIXELS));
    for (size_t n = 4; n <= COUNT(PIXELS); n++) {
        struct homography_fit fit;
        struct error error = {0};
        assert_int_equal(homography_fit(PIXELS, to, n, &fit, &error), 0);
        near(fit.rms, 0, 1e-9);
        for (size_t i = 0; i < 9; i++) {
            near(fit.map.h[i] / fit.map.h[8], STREET.h[i] / STREET.h[8],
                 1e-7 * (1 + fabs(STREET.h[i] / STREET.h[8])));
        }
        assert_int_equal(isnan(fit.leave_one_out) != 0, n == 4);
        if (n > 4) {
            near(fit.leave_one_out, 0, 1e-6);
        }
    }
}

/* A least-squares fit cannot be bettered by moving any of its numbers. */
static void fit_is_a_minimum(void **state)
{
    (void)state;
    struct random_state random;
    random_seed(&random, 11);
    struct point to[COUNT(PIXELS)];
    map_all(&STREET, PIXELS, to, COUNT(PIXELS));
    for (size_t i = 0; i < COUNT(PIXELS); i++) {
        to[i].x += 0.1 * random_normal(&random);
        to[i].y += 0.1 * random_normal(&random);
    }
    struct homography_fit fit;
    assert_int_equal(homography_fit(PIXELS, to, COUNT(PIXELS), &fit, NULL), 0);
    assert_true(fit.rms > 0.01 && fit.rms < 0.3);
    assert_true(fit.leave_one_out > fit.rms);
    for (int k = 0; k < 18; k++) {
        struct homography moved = fit.map;
        moved.h[k / 2] *= k % 2 ? 1.0005 : 0.9995;
        double sum = 0;
        for (size_t i = 0; i < COUNT(PIXELS); i++) {
            struct point p;
            assert_true(homography_apply(&moved, PIXELS[i], &p));
            sum += pow(hypot(p.x - to[i].x, p.y - to[i].y), 2);
        }
        assert_true(sqrt(sum / COUNT(PIXELS)) >= fit.rms * (1 - 1e-9));
    }
}

static void wrong_pair_is_named(void **state)
{
    (void)state;
    struct point to[COUNT(PIXELS)];
    map_all(&STREET, PIXELS, to, COUNT(PIXELS));
    to[4].x += 3;
    struct homography_fit fit;
    assert_int_equal(homography_fit(PIXELS, to, COUNT(PIXELS), &fit, NULL), 0);
    assert_int_equal(fit.worst, 4);
}

static void degenerate_pairs_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        size_t count;
        struct point from[6];
        struct point to[6];
    } cases[] = {
        {"three", 3, {{0, 0}, {1, 0}, {0, 1}}, {{0, 0}, {1, 0}, {0, 1}}},
        {"three of four in line", 4, {{0, 0}, {1, 1}, {2, 2}, {0, 5}}, {{0, 0}, {1, 0}, {1, 1}, {0, 1}}},
        {"plan in line", 4, {{0, 0}, {1, 0}, {1, 1}, {0, 1}}, {{0, 0}, {1, 1}, {2, 2}, {0, 5}}},
        {"same point twice", 4, {{0, 0}, {0, 0}, {1, 1}, {0, 1}}, {{0, 0}, {1, 0}, {1, 1}, {0, 1}}},
        {"all in line",
         5,
         {{0, 0}, {1, 1}, {2, 2}, {3, 3}, {4, 4}},
         {{0, 0}, {1, 0}, {1, 1}, {0, 1}, {5, 5}}},
        {"all but one in line",
         5,
         {{0, 0}, {1, 1}, {2, 2}, {3, 3}, {0, 4}},
         {{0, 0}, {1, 1}, {2, 2}, {3, 3}, {0, 4}}},
        {"not a number", 4, {{0, 0}, {1, (double)NAN}, {2, 2}, {0, 5}}, {{0, 0}, {1, 0}, {1, 1}, {0, 1}}},
        {"order mixed up", 4, {{0, 0}, {1, 0}, {1, 1}, {0, 1}}, {{0, 0}, {1, 1}, {1, 0}, {0, 1}}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct homography_fit fit;
        struct error error = {0};
        if (homography_fit(cases[i].from, cases[i].to, cases[i].count, &fit, &error) != ERR_INVALID ||
            !error.text[0]) {
            fail_msg("%s was accepted", cases[i].what);
        }
    }
}

static void inverse_comes_back(void **state)
{
    (void)state;
    struct homography inverse;
    assert_int_equal(homography_invert(&STREET, &inverse, NULL), 0);
    for (size_t i = 0; i < COUNT(PIXELS); i++) {
        struct point g;
        struct point p;
        assert_true(homography_apply(&STREET, PIXELS[i], &g) && homography_apply(&inverse, g, &p));
        near(p.x, PIXELS[i].x, 1e-9);
        near(p.y, PIXELS[i].y, 1e-9);
    }
    const struct homography singular = {{1, 2, 3, 2, 4, 6, 0, 0, 1}};
    struct error error = {0};
    assert_int_equal(homography_invert(&singular, &inverse, &error), ERR_INVALID);
}

static void jacobian_is_the_derivative(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(PIXELS); i++) {
        double j[4];
        assert_true(homography_jacobian(&STREET, PIXELS[i], j));
        const double e = 1e-4;
        for (int axis = 0; axis < 2; axis++) {
            struct point a;
            struct point b;
            const struct point d = {axis ? 0 : e, axis ? e : 0};
            homography_apply(&STREET, (struct point){PIXELS[i].x + d.x, PIXELS[i].y + d.y}, &a);
            homography_apply(&STREET, (struct point){PIXELS[i].x - d.x, PIXELS[i].y - d.y}, &b);
            near(j[axis], (a.x - b.x) / (2 * e), 1e-6);
            near(j[2 + axis], (a.y - b.y) / (2 * e), 1e-6);
        }
    }
}

static void infinity_has_no_answer(void **state)
{
    (void)state;
    const struct homography h = {{1, 0, 0, 0, 1, 0, 0, 1, -5}};
    struct point p;
    double j[4];
    assert_false(homography_apply(&h, (struct point){3, 5}, &p));
    assert_false(homography_jacobian(&h, (struct point){3, 5}, j));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_pairs_are_recovered), cmocka_unit_test(fit_is_a_minimum),
        cmocka_unit_test(wrong_pair_is_named),       cmocka_unit_test(degenerate_pairs_are_refused),
        cmocka_unit_test(inverse_comes_back),        cmocka_unit_test(jacobian_is_the_derivative),
        cmocka_unit_test(infinity_has_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
