#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "count_allocations.h"
#include "crowd/kernel.h"
#include "crowd/kernel_tile.h"
#include "crowd/profile.h"
#include "crowd_test.h"

enum { CELLS_MAX = 60 * 60, PEOPLE = 700 };

static void compute(const struct kernel_grid *g, double sigma, bool renormalise, const struct point *p,
                    size_t n, double *density)
{
    struct kernel *k = NULL;
    assert_int_equal(kernel_create(g, sigma, renormalise, &k, NULL), 0);
    kernel_compute(k, p, n, density);
    kernel_destroy(&k);
}

static struct point centre(const struct kernel_grid *g, int cell)
{
    return (struct point){g->x + (cell % g->columns + 0.5) * g->step,
                          g->y + (cell / g->columns + 0.5) * g->step};
}

/* The formula itself, every person at every cell. */
static double by_formula(const struct kernel_grid *g, int cell, double sigma, const struct point *p, size_t n)
{
    const struct point c = centre(g, cell);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double dx = p[i].x - c.x;
        const double dy = p[i].y - c.y;
        sum += exp(-(dx * dx + dy * dy) / (2 * sigma * sigma)) / (2 * M_PI * sigma * sigma);
    }
    return sum;
}

static void density_is_what_the_formula_says(void **state)
{
    (void)state;
    static const struct {
        struct kernel_grid grid;
        double sigma;
    } cases[] = {
        {{-3, 2, 0.2, 35, 50, NULL}, 0.2123}, {{0, 0, 0.5, 13, 9, NULL}, 0.7},
        {{0, 0, 0.2, 60, 60, NULL}, 3},       {{0, 0, 1, 1, 1, NULL}, 0.5},
        {{0, 0, 1, 7, 5, NULL}, 0.1},         {{0, 0, 0.3, 12, 4, NULL}, 0.4},
    };
    static double density[CELLS_MAX];
    static struct point p[PEOPLE];
    struct random_state random;
    random_seed(&random, 1);
    for (size_t c = 0; c < COUNT(cases); c++) {
        const struct kernel_grid *g = &cases[c].grid;
        const double w = g->columns * g->step;
        const double h = g->rows * g->step;
        for (size_t n = 0; n <= PEOPLE; n = 3 * n + 1) {
            /* Some stand off the grid, and reach it or do not. */
            scatter(p, n, (struct rect){g->x - 0.3 * w, g->y - 0.3 * h, 1.6 * w, 1.6 * h}, &random);
            compute(g, cases[c].sigma, false, p, n, density);
            const double top = 1 / (2 * M_PI * cases[c].sigma * cases[c].sigma);
            for (int i = 0; i < g->columns * g->rows; i++) {
                const double exact = by_formula(g, i, cases[c].sigma, p, n);
                /* Kernels end at 6 sigma, along each axis. */
                near(density[i], exact, 1e-12 * exact + 1.6e-8 * top * (double)n);
            }
        }
    }
}

static void renormalised_density_holds_everybody(void **state)
{
    (void)state;
    static double share[50 * 40];
    static double density[50 * 40];
    static struct point p[PEOPLE];
    struct random_state random;
    random_seed(&random, 2);
    for (size_t i = 0; i < COUNT(share); i++) { /* walls, whole and in part */
        share[i] = random_unit(&random) < 0.3 ? floor(3 * random_unit(&random)) / 3 : 1;
    }
    const struct kernel_grid grids[] = {{0, 0, 0.25, 50, 40, share}, {0, 0, 0.25, 50, 40, NULL}};
    for (size_t g = 0; g < COUNT(grids); g++) {
        for (double sigma = 0.15; sigma < 5; sigma *= 2) {
            scatter(p, PEOPLE, (struct rect){0, 0, 12.5, 10}, &random);
            compute(&grids[g], sigma, true, p, PEOPLE, density);
            double sum = 0;
            for (size_t i = 0; i < COUNT(share); i++) {
                const double s = grids[g].share ? share[i] : 1;
                assert_true(density[i] >= 0 && (s > 0 || density[i] == 0));
                sum += density[i] * s * 0.0625;
            }
            near_relative(sum, PEOPLE, 1e-11);
        }
    }
}

static void moving_and_scaling_change_nothing(void **state)
{
    (void)state;
    static double one[40 * 30];
    static double other[40 * 30];
    static struct point p[100];
    static struct point q[100];
    struct random_state random;
    random_seed(&random, 3);
    scatter(p, COUNT(p), (struct rect){0, 0, 8, 6}, &random);
    compute(&(struct kernel_grid){0, 0, 0.2, 40, 30, NULL}, 0.5, false, p, COUNT(p), one);
    for (size_t i = 0; i < COUNT(p); i++) {
        q[i] = (struct point){p[i].x * 4 + 1024, p[i].y * 4 - 512};
    }
    compute(&(struct kernel_grid){1024, -512, 0.8, 40, 30, NULL}, 2, false, q, COUNT(q), other);
    for (size_t i = 0; i < COUNT(one); i++) {
        near(other[i] * 16, one[i], 1e-9);
    }
    for (size_t i = 0; i < COUNT(p); i++) {
        q[i] = p[COUNT(p) - 1 - i];
    }
    compute(&(struct kernel_grid){0, 0, 0.2, 40, 30, NULL}, 0.5, false, q, COUNT(q), other);
    for (size_t i = 0; i < COUNT(one); i++) {
        near_relative(other[i], one[i], 1e-13);
    }
}

static void everybody_in_one_spot(void **state)
{
    (void)state;
    enum { MANY = 10000 };
    static struct point p[MANY];
    static double density[20 * 20];
    for (size_t i = 0; i < MANY; i++) {
        p[i] = (struct point){5, 5};
    }
    compute(&(struct kernel_grid){0, 0, 0.5, 20, 20, NULL}, 0.7, true, p, MANY, density);
    double sum = 0;
    for (size_t i = 0; i < COUNT(density); i++) {
        sum += density[i] * 0.25;
    }
    near_relative(sum, MANY, 1e-11);
}

static void fast_tiles_are_the_plain_ones(void **state)
{
    (void)state;
    enum { MOST = 300, STRIDE = 17 };
    static double gx[MOST * KERNEL_TILE_COLUMNS];
    static double gy[MOST * KERNEL_TILE_ROWS];
    static int listed[MOST];
    struct random_state random;
    random_seed(&random, 4);
    for (int run = 0; run < 200; run++) {
        const int count = (int)random_below(&random, MOST);
        for (size_t i = 0; i < COUNT(gx); i++) {
            gx[i] = exp(-20 * random_unit(&random));
        }
        for (size_t i = 0; i < COUNT(gy); i++) {
            gy[i] = exp(-20 * random_unit(&random));
        }
        for (int i = 0; i < count; i++) {
            listed[i] = (int)random_below(&random, MOST);
        }
        double plain[KERNEL_TILE_ROWS * STRIDE] = {0};
        double fast[KERNEL_TILE_ROWS * STRIDE] = {0};
        const struct kernel_people people = {gx, gy, listed, count};
        kernel_tile_add_plain(plain, STRIDE, &people);
        kernel_tile_choose()(fast, STRIDE, &people);
        for (size_t i = 0; i < COUNT(plain); i++) {
            near_relative(fast[i], plain[i], 1e-13);
        }
    }
}

static void bad_grids_are_refused(void **state)
{
    (void)state;
    static const struct kernel_grid grids[] = {{0, 0, 0, 10, 10, NULL},
                                               {0, 0, (double)NAN, 10, 10, NULL},
                                               {0, 0, 1, 0, 10, NULL},
                                               {0, 0, 1, 10, -1, NULL},
                                               {0, 0, 1, 10001, 1, NULL}};
    struct kernel *k = NULL;
    for (size_t i = 0; i < COUNT(grids); i++) {
        assert_int_equal(kernel_create(&grids[i], 1, false, &k, NULL), ERR_INVALID);
        assert_null(k);
    }
    const struct kernel_grid good = {0, 0, 1, 1, 1, NULL};
    assert_int_equal(kernel_create(&good, 0, false, &k, NULL), ERR_INVALID);
    assert_int_equal(kernel_create(&good, (double)NAN, false, &k, NULL), ERR_INVALID);
}

/* The profile's cells hold what the cells of the people hold: the same people, the same way. */
static void profiles_hold_everybody(void **state)
{
    (void)state;
    static struct point p[PEOPLE];
    static double speeds[PEOPLE];
    struct random_state random;
    random_seed(&random, 5);
    struct walkable *w = ground("POLYGON ((0 0, 10 0, 10 6, 0 6, 0 0), (4 2, 5 2, 5 3, 4 3, 4 2))");
    struct voronoi *v = voronoi_create();
    static const double steps[] = {0.1, 0.2, 0.37, 1, 7};
    for (size_t s = 0; s < COUNT(steps); s++) {
        const struct profile_grid g = {-0.2, -0.1, steps[s], (int)(10.5 / steps[s]) + 1,
                                       (int)(6.5 / steps[s]) + 1};
        struct profile *profile = NULL;
        assert_int_equal(profile_create(&g, &profile, NULL), 0);
        for (size_t n = 1; n <= PEOPLE; n = 4 * n + 3) {
            scatter(p, n, (struct rect){0, 0, 10, 6}, &random);
            for (size_t i = 0; i < n; i++) {
                speeds[i] = random_unit(&random);
            }
            assert_int_equal(voronoi_compute(v, p, n, w, 0.8, NULL), 0);
            profile_compute(profile, v, p, speeds, n);
            double people = 0;
            double flow = 0;
            for (int i = 0; i < g.columns * g.rows; i++) {
                people += profile_density(profile)[i] * g.step * g.step;
                flow += profile_speed(profile)[i] * g.step * g.step;
            }
            double expected = 0;
            double expected_flow = 0;
            for (size_t i = 0; i < n; i++) {
                expected += voronoi_cells(v)[i].area > 0;
                expected_flow += voronoi_cells(v)[i].area * speeds[i];
            }
            near_relative(people, expected, 1e-9);
            near(flow, expected_flow, 1e-9 * (1 + expected_flow));
        }
        profile_destroy(&profile);
    }
    voronoi_destroy(&v);
    walkable_destroy(&w);
}

static void walkable_shares_add_up(void **state)
{
    (void)state;
    static double shares[60 * 60];
    struct walkable *w = ground("POLYGON ((0 0, 10 1, 9 6, 1 7, 0 0), (4 2, 5 2, 5 3, 4 4, 4 2))");
    const struct profile_grid g = {-1, -1, 0.21, 60, 60};
    assert_int_equal(profile_walkable_shares(&g, w, shares, NULL), 0);
    double sum = 0;
    for (size_t i = 0; i < COUNT(shares); i++) {
        assert_true(shares[i] >= 0 && shares[i] <= 1);
        sum += shares[i] * g.step * g.step;
    }
    near_relative(sum, walkable_area(w), 1e-9);
    walkable_destroy(&w);
}

static void steady_state_allocates_nothing(void **state)
{
    (void)state;
    if (!ALLOCATIONS_ARE_COUNTED) {
        skip();
    }
    static struct point p[PEOPLE];
    static double density[40 * 40];
    struct random_state random;
    random_seed(&random, 6);
    struct walkable *w = ground("POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))");
    struct voronoi *v = voronoi_create();
    struct profile *profile = NULL;
    struct kernel *k = NULL;
    assert_int_equal(profile_create(&(struct profile_grid){0, 0, 0.25, 40, 40}, &profile, NULL), 0);
    assert_int_equal(kernel_create(&(struct kernel_grid){0, 0, 0.25, 40, 40, NULL}, 0.6, true, &k, NULL), 0);
    size_t before = 0;
    for (int run = 0; run < 20; run++) {
        scatter(p, PEOPLE, (struct rect){0, 0, 10, 10}, &random);
        assert_int_equal(voronoi_compute(v, p, PEOPLE, w, 0.8, NULL), 0);
        before = run == 15 ? allocation_count : before;
        profile_compute(profile, v, p, NULL, PEOPLE);
        kernel_compute(k, p, PEOPLE, density);
    }
    assert_int_equal(allocation_count, before);
    kernel_destroy(&k);
    profile_destroy(&profile);
    voronoi_destroy(&v);
    walkable_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(density_is_what_the_formula_says),
        cmocka_unit_test(renormalised_density_holds_everybody),
        cmocka_unit_test(moving_and_scaling_change_nothing),
        cmocka_unit_test(everybody_in_one_spot),
        cmocka_unit_test(fast_tiles_are_the_plain_ones),
        cmocka_unit_test(bad_grids_are_refused),
        cmocka_unit_test(profiles_hold_everybody),
        cmocka_unit_test(walkable_shares_add_up),
        cmocka_unit_test(steady_state_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
