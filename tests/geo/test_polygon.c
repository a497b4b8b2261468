#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "geo/polygon.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct point SQUARE[] = {{1, 1}, {3, 1}, {3, 3}, {1, 3}};
/* An L with its corner at the origin: not convex. */
static const struct point ELL[] = {{0, 0}, {4, 0}, {4, 1}, {1, 1}, {1, 3}, {0, 3}};

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance)) {
        fail_msg("%.17g is not %.17g within %g", a, b, tolerance);
    }
}

static void areas(void **state)
{
    (void)state;
    near(polygon_signed_area(SQUARE, 4), 4, 0);
    near(polygon_area(ELL, 6), 6, 0);
    const struct point clockwise[] = {{1, 3}, {3, 3}, {3, 1}, {1, 1}};
    near(polygon_signed_area(clockwise, 4), -4, 0);
    struct point far[6];
    for (size_t i = 0; i < 6; i++) {
        far[i] = (struct point){ELL[i].x + 1e7, ELL[i].y - 1e7};
    }
    near(polygon_area(far, 6), 6, 1e-9);
}

static void inside(void **state)
{
    (void)state;
    static const struct {
        struct point p;
        bool in;
    } cases[] = {{{0.5, 2}, true},   {{2, 0.5}, true},   {{2, 2}, false},
                 {{-1, 0.5}, false}, {{3.9, 0.9}, true}, {{3.9, 1.1}, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(polygon_contains(ELL, 6, cases[i].p), cases[i].in);
    }
}

static void distances(void **state)
{
    (void)state;
    near(polygon_distance(SQUARE, 4, (struct point){2, 2}), 1, 0);
    near(polygon_distance(SQUARE, 4, (struct point){0, 0}), sqrt(2), 1e-15);
    near(polygon_distance(SQUARE, 4, (struct point){3, 2}), 0, 0);
    near(segment_distance((struct point){1, 1}, (struct point){1, 1}, (struct point){4, 5}), 5, 0);
}

static void bounds(void **state)
{
    (void)state;
    const struct rect r = polygon_bounds(ELL, 6);
    near(r.x, 0, 0);
    near(r.w, 4, 0);
    near(r.h, 3, 0);
}

static void simple_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        size_t count;
        struct point p[6];
        bool good;
    } cases[] = {
        {"triangle", 3, {{0, 0}, {1, 0}, {0, 1}}, true},
        {"two corners", 2, {{0, 0}, {1, 0}}, false},
        {"bow tie", 4, {{0, 0}, {1, 1}, {1, 0}, {0, 1}}, false},
        {"spike", 4, {{0, 0}, {2, 0}, {1, 0}, {0, 2}}, false},
        {"no area", 3, {{0, 0}, {1, 1}, {2, 2}}, false},
        {"not finite", 3, {{0, 0}, {1, (double)NAN}, {2, 2}}, false},
        {"same corner twice", 4, {{0, 0}, {1, 0}, {1, 0}, {0, 1}}, false},
        {"touches itself", 6, {{0, 0}, {4, 0}, {4, 2}, {2, 0}, {1, 2}, {0, 2}}, false},
        {"corner on a straight side", 4, {{0, 0}, {1, 0}, {2, 0}, {0, 2}}, true},
        {"L", 6, {{0, 0}, {4, 0}, {4, 1}, {1, 1}, {1, 3}, {0, 3}}, true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error error = {0};
        const int rc = polygon_check_simple(cases[i].p, cases[i].count, &error);
        if ((rc == 0) != cases[i].good) {
            fail_msg("%s: %d %s", cases[i].what, rc, error.text);
        }
    }
}

static void rectangle_areas(void **state)
{
    (void)state;
    near(polygon_rect_area(SQUARE, 4, (struct rect){0, 0, 2, 2}), 1, 1e-15);
    near(polygon_rect_area(ELL, 6, (struct rect){0.5, 0.5, 10, 10}), 0.5 * 2.5 + 3 * 0.5, 1e-14);
    near(polygon_rect_area(ELL, 6, (struct rect){1.5, 1.5, 1, 1}), 0, 0);
    near(polygon_rect_area(ELL, 6, (struct rect){-9, -9, 99, 99}), 6, 1e-14);
}

/* The cells of any grid share the polygon out among them. */
static void rectangles_partition(void **state)
{
    (void)state;
    struct random_state random;
    random_seed(&random, 7);
    for (int round = 0; round < 200; round++) {
        struct point star[9];
        for (size_t i = 0; i < COUNT(star); i++) {
            const double angle = 2 * M_PI * (double)i / (double)COUNT(star);
            const double r = 0.2 + 2 * random_unit(&random);
            star[i] = (struct point){r * cos(angle) + random_unit(&random) * 1e-3, r * sin(angle)};
        }
        double sum = 0;
        for (int k = 0; k < 100; k++) {
            sum += polygon_rect_area(star, COUNT(star),
                                     (struct rect){-2.5 + 0.5 * (k % 10), -2.5 + 0.5 * (k / 10), 0.5, 0.5});
        }
        near(sum, polygon_area(star, COUNT(star)), 1e-12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(areas),
        cmocka_unit_test(inside),
        cmocka_unit_test(distances),
        cmocka_unit_test(bounds),
        cmocka_unit_test(simple_or_not),
        cmocka_unit_test(rectangle_areas),
        cmocka_unit_test(rectangles_partition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
