#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "count_allocations.h"
#include "crowd/section.h"
#include "crowd/voronoi.h"
#include "crowd_test.h"
#include "geo/polygon.h"

static const char SQUARE[] = "POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))";
/* Two pillars and a wall that ends in the room. */
static const char ROOM[] =
    "POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0), (2 2, 3 2, 3 3, 2 3, 2 2), (6 6, 8 6, 7 7, 6 6), "
    "(4 4.5, 9 4.5, 9 4.75, 4 4.75, 4 4.5))";

static struct voronoi *compute(const struct point *p, size_t n, const struct walkable *w, double cutoff)
{
    struct voronoi *v = voronoi_create();
    struct error error = {0};
    assert_non_null(v);
    if (voronoi_compute(v, p, n, w, cutoff, &error)) {
        fail_msg("%s", error.text);
    }
    return v;
}

static double area(const struct voronoi *v, size_t i)
{
    return voronoi_cells(v)[i].area;
}

/* The cell by definition: the outline clipped by the bisector to everybody. */
static double clipped_by_everybody(const struct point *outline, size_t corners, const struct point *p,
                                   size_t n, size_t me)
{
    static struct point now[256];
    static struct point next[256];
    size_t count = corners;
    memcpy(now, outline, corners * sizeof(*outline));
    for (size_t k = 0; k < n; k++) {
        const struct point d = {p[k].x - p[me].x, p[k].y - p[me].y};
        const double limit = (p[k].x * p[k].x + p[k].y * p[k].y - p[me].x * p[me].x - p[me].y * p[me].y) / 2;
        size_t m = 0;
        for (size_t i = 0; k != me && i < count; i++) {
            const struct point a = now[i];
            const struct point b = now[(i + 1) % count];
            const double sa = d.x * a.x + d.y * a.y - limit;
            const double sb = d.x * b.x + d.y * b.y - limit;
            if (sa <= 0) {
                next[m++] = a;
            }
            if ((sa > 0) != (sb > 0)) {
                const double t = sa / (sa - sb);
                next[m++] = (struct point){a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)};
            }
        }
        if (k != me) {
            memcpy(now, next, m * sizeof(*now));
            count = m;
        }
    }
    return polygon_area(now, count);
}

static void cells_are_what_the_definition_says(void **state)
{
    (void)state;
    const struct point outline[] = {{0, 0}, {9, -2}, {14, 5}, {6, 11}, {-3, 6}};
    struct walkable *w = ground("POLYGON ((0 0, 9 -2, 14 5, 6 11, -3 6, 0 0))");
    struct random_state random;
    random_seed(&random, 1);
    static struct point p[120];
    for (size_t n = 1; n <= COUNT(p); n += 7) {
        scatter(p, n, (struct rect){0.5, 0.5, 8, 5}, &random);
        struct voronoi *v = compute(p, n, w, INFINITY);
        for (size_t i = 0; i < n; i++) {
            near_relative(area(v, i), clipped_by_everybody(outline, 5, p, n, i), 1e-9);
        }
        voronoi_destroy(&v);
    }
    walkable_destroy(&w);
}

static void cells_partition_the_ground(void **state)
{
    (void)state;
    struct walkable *w = ground(SQUARE);
    struct random_state random;
    random_seed(&random, 2);
    static struct point p[2000];
    for (size_t n = 1; n <= COUNT(p); n = n * 3 + 1) {
        scatter(p, n, (struct rect){0, 0, 10, 10}, &random);
        struct voronoi *v = compute(p, n, w, INFINITY);
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            assert_true(area(v, i) > 0);
            sum += area(v, i);
        }
        near(sum, 100, 1e-9);
        voronoi_destroy(&v);
    }
    walkable_destroy(&w);
}

/* Pieces behind walls belong to nobody: never more than there is, and nearly all of it. */
static void walls_take_and_nothing_is_counted_twice(void **state)
{
    (void)state;
    struct walkable *w = ground(ROOM);
    near(walkable_area(w), 100 - 1 - 1 - 1.25, 1e-12);
    struct random_state random;
    random_seed(&random, 3);
    static struct point p[600];
    for (int run = 0; run < 60; run++) {
        const size_t n = 1 + random_below(&random, COUNT(p));
        scatter(p, n, (struct rect){0, 0, 10, 10}, &random);
        struct voronoi *v = compute(p, n, w, INFINITY);
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(area(v, i) > 0, walkable_contains(w, p[i]));
            sum += area(v, i);
        }
        assert_true(sum <= walkable_area(w) + 1e-9);
        assert_true(n < 100 || sum > 0.93 * walkable_area(w));
        voronoi_destroy(&v);
    }
    walkable_destroy(&w);
}

enum { RASTER = 400 };

struct raster {
    int owner[RASTER][RASTER];
    bool seen[RASTER][RASTER];
};

/* Counts little squares: those of the nearest person, within reach, that can be walked to from them. */
static double flood(struct raster *r, int row, int column, int me)
{
    static int stack[RASTER * RASTER][2];
    double count = 0;
    int depth = 0;
    memset(r->seen, 0, sizeof(r->seen));
    stack[depth][0] = row;
    stack[depth++][1] = column;
    r->seen[row][column] = true;
    while (depth > 0) {
        depth--;
        const int at[2] = {stack[depth][0], stack[depth][1]};
        count += 1;
        for (int k = 0; k < 4; k++) {
            const int next[2] = {at[0] + (k == 0) - (k == 1), at[1] + (k == 2) - (k == 3)};
            if (next[0] >= 0 && next[1] >= 0 && next[0] < RASTER && next[1] < RASTER &&
                !r->seen[next[0]][next[1]] && r->owner[next[0]][next[1]] == me) {
                r->seen[next[0]][next[1]] = true;
                stack[depth][0] = next[0];
                stack[depth++][1] = next[1];
            }
        }
    }
    return count * (10.0 / RASTER) * (10.0 / RASTER);
}

static void paint_owners(struct raster *r, const struct walkable *w, const struct point *p, int n,
                         double cutoff)
{
    for (int row = 0; row < RASTER; row++) {
        for (int column = 0; column < RASTER; column++) {
            const struct point at = {(column + 0.5) * 10 / RASTER, (row + 0.5) * 10 / RASTER};
            double least = cutoff;
            r->owner[row][column] = -1;
            for (int i = 0; i < n; i++) {
                const double d = hypot(p[i].x - at.x, p[i].y - at.y);
                if (d < least) {
                    least = d;
                    r->owner[row][column] = i;
                }
            }
            r->owner[row][column] = walkable_contains(w, at) ? r->owner[row][column] : -1;
        }
    }
}

static void walls_and_circles_agree_with_little_squares(void **state)
{
    (void)state;
    static struct raster r;
    struct walkable *w = ground(ROOM);
    struct random_state random;
    random_seed(&random, 4);
    struct point p[12];
    for (int run = 0; run < 6; run++) {
        const double cutoff = run % 2 ? 1.7 : INFINITY;
        for (size_t i = 0; i < COUNT(p); i++) {
            do {
                scatter(&p[i], 1, (struct rect){0.1, 0.1, 9.8, 9.8}, &random);
            } while (!walkable_contains(w, p[i]) || walkable_wall_distance(w, p[i]) < 0.08);
        }
        paint_owners(&r, w, p, (int)COUNT(p), cutoff);
        struct voronoi *v = compute(p, COUNT(p), w, cutoff);
        for (int i = 0; i < (int)COUNT(p); i++) {
            const double rough = flood(&r, (int)(p[i].y * RASTER / 10), (int)(p[i].x * RASTER / 10), i);
            near(area(v, (size_t)i), rough, 0.02 * rough + 0.05);
        }
        voronoi_destroy(&v);
    }
    walkable_destroy(&w);
}

static void turned_and_moved_ground_has_the_same_cells(void **state)
{
    (void)state;
    struct random_state random;
    random_seed(&random, 5);
    static struct point p[150];
    static struct point q[150];
    scatter(p, COUNT(p), (struct rect){0.1, 0.1, 9.8, 9.8}, &random);
    struct walkable *w = ground(SQUARE);
    struct voronoi *v = compute(p, COUNT(p), w, 0.8);
    for (int run = 1; run <= 8; run++) {
        const double a = run;
        const struct point shift = {1000.0 * run, -300.0 * run};
        struct point corners[] = {{0, 0}, {10, 0}, {10, 10}, {0, 10}};
        for (size_t i = 0; i < 4 + COUNT(p); i++) {
            struct point *to = i < 4 ? &corners[i] : &q[i - 4];
            const struct point from = i < 4 ? corners[i] : p[i - 4];
            *to = (struct point){cos(a) * from.x - sin(a) * from.y + shift.x,
                                 sin(a) * from.x + cos(a) * from.y + shift.y};
        }
        size_t starts[] = {0, 4};
        const struct wkt_polygon polygon = {corners, 4, starts, 1};
        struct walkable *turned = NULL;
        assert_int_equal(walkable_create(&polygon, &turned, NULL), 0);
        struct voronoi *t = compute(q, COUNT(q), turned, 0.8);
        for (size_t i = 0; i < COUNT(p); i++) {
            near_relative(area(t, i), area(v, i), 1e-8);
        }
        voronoi_destroy(&t);
        walkable_destroy(&turned);
    }
    voronoi_destroy(&v);
    walkable_destroy(&w);
}

/* 2^10 times as large: every bit but the exponent stays. */
static void another_unit_scales_exactly(void **state)
{
    (void)state;
    struct random_state random;
    random_seed(&random, 6);
    static struct point p[150];
    static struct point q[150];
    scatter(p, COUNT(p), (struct rect){0, 0, 10, 10}, &random);
    for (size_t i = 0; i < COUNT(p); i++) {
        q[i] = (struct point){p[i].x * 1024, p[i].y * 1024};
    }
    struct walkable *w = ground(SQUARE);
    struct walkable *large = ground("POLYGON ((0 0, 10240 0, 10240 10240, 0 10240, 0 0))");
    struct voronoi *v = compute(p, COUNT(p), w, 0.5);
    struct voronoi *u = compute(q, COUNT(q), large, 512);
    for (size_t i = 0; i < COUNT(p); i++) {
        near_relative(area(u, i), area(v, i) * 1024 * 1024, 1e-9);
    }
    voronoi_destroy(&v);
    voronoi_destroy(&u);
    walkable_destroy(&w);
    walkable_destroy(&large);
}

static void order_changes_no_bit(void **state)
{
    (void)state;
    struct random_state random;
    random_seed(&random, 7);
    static struct point p[300];
    static struct point q[300];
    scatter(p, COUNT(p), (struct rect){0, 0, 10, 10}, &random);
    for (size_t i = 0; i < COUNT(p) / 2; i++) { /* many ties */
        p[i] = (struct point){floor(p[i].x * 4) / 4, floor(p[i].y * 4) / 4};
    }
    for (size_t i = 0; i < COUNT(p); i++) {
        q[i] = p[COUNT(p) - 1 - i];
    }
    struct walkable *w = ground(ROOM);
    struct voronoi *v = compute(p, COUNT(p), w, 0.8);
    struct voronoi *u = compute(q, COUNT(q), w, 0.8);
    for (size_t i = 0; i < COUNT(p); i++) {
        const double a = area(v, i);
        const double b = area(u, COUNT(p) - 1 - i);
        assert_memory_equal(&a, &b, sizeof(a));
    }
    voronoi_destroy(&v);
    voronoi_destroy(&u);
    walkable_destroy(&w);
}

/* On corners, walls and each other, in rows and columns: what rounding has no say in. */
static void degenerate_places_have_sane_cells(void **state)
{
    (void)state;
    struct walkable *w = ground(ROOM);
    struct random_state random;
    random_seed(&random, 8);
    static struct point p[400];
    static const double cutoffs[] = {INFINITY, 0.25, 0.5, 0.75, 1};
    for (int run = 0; run < 100; run++) {
        const size_t n = 1 + random_below(&random, COUNT(p));
        for (size_t i = 0; i < n; i++) {
            p[i] =
                (struct point){(double)random_below(&random, 41) / 4, (double)random_below(&random, 41) / 4};
        }
        struct voronoi *v = compute(p, n, w, cutoffs[run % (int)COUNT(cutoffs)]);
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            const bool on = walkable_contains(w, p[i]) || walkable_wall_distance(w, p[i]) == 0;
            assert_int_equal(area(v, i) > 0, on);
            sum += area(v, i);
        }
        assert_true(sum <= walkable_area(w) * (1 + 1e-9));
        voronoi_destroy(&v);
    }
    walkable_destroy(&w);
}

static void lattices_have_equal_cells(void **state)
{
    (void)state;
    struct walkable *w = ground("POLYGON ((0 0, 10 0, 10 5, 0 5, 0 0))");
    static struct point p[10000];
    for (size_t i = 0; i < COUNT(p); i++) {
        p[i] = (struct point){(double)(i % 100) * 0.1 + 0.05, (double)(i / 100) * 0.05 + 0.025};
    }
    struct voronoi *v = compute(p, COUNT(p), w, INFINITY);
    for (size_t i = 0; i < COUNT(p); i++) {
        near_relative(area(v, i), 0.005, 1e-9);
    }
    voronoi_destroy(&v);
    walkable_destroy(&w);
}

static void few_people(void **state)
{
    (void)state;
    struct walkable *w = ground(SQUARE);
    struct voronoi *v = compute(NULL, 0, w, 0.8);
    voronoi_destroy(&v);
    const struct point p[] = {{4, 5}, {6, 5}};
    v = compute(p, 1, w, INFINITY);
    near(area(v, 0), 100, 1e-10);
    assert_int_equal(voronoi_compute(v, p, 1, w, 0.8, NULL), 0);
    near_relative(area(v, 0), M_PI * 0.64, 1e-12);
    assert_int_equal(voronoi_compute(v, p, 2, w, INFINITY, NULL), 0);
    near(area(v, 0), 50, 1e-10);
    near(area(v, 1), 50, 1e-10);
    voronoi_destroy(&v);
    walkable_destroy(&w);
}

static void everybody_in_one_spot(void **state)
{
    (void)state;
    struct walkable *w = ground(SQUARE);
    static struct point p[10000];
    for (size_t i = 0; i < COUNT(p); i++) {
        p[i] = (struct point){3, 4};
    }
    struct voronoi *v = compute(p, COUNT(p), w, 0.8);
    near_relative(area(v, 0), M_PI * 0.64 / (double)COUNT(p), 1e-12);
    assert_int_equal(voronoi_cells(v)[COUNT(p) - 1].sharers, COUNT(p));
    voronoi_destroy(&v);
    walkable_destroy(&w);
}

static void bad_positions_are_named(void **state)
{
    (void)state;
    struct walkable *w = ground(SQUARE);
    struct voronoi *v = voronoi_create();
    struct point p[] = {{1, 1}, {2, 2}, {3, 3}};
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct error error = {0};
        p[1].y = bad[i];
        assert_int_equal(voronoi_compute(v, p, 3, w, 0.8, &error), ERR_INVALID);
        assert_non_null(strstr(error.text, "position 2"));
    }
    assert_int_equal(voronoi_compute(v, p, 1, w, 0, NULL), ERR_INVALID);
    assert_int_equal(voronoi_compute(v, p, 1, w, (double)NAN, NULL), ERR_INVALID);
    voronoi_destroy(&v);
    walkable_destroy(&w);
}

static void steady_state_allocates_nothing(void **state)
{
    (void)state;
    if (!ALLOCATIONS_ARE_COUNTED) {
        skip();
    }
    struct walkable *w = ground(ROOM);
    struct random_state random;
    random_seed(&random, 9);
    static struct point p[500];
    struct voronoi *v = voronoi_create();
    size_t before = 0;
    for (int run = 0; run < 60; run++) {
        scatter(p, COUNT(p), (struct rect){0, 0, 10, 10}, &random);
        before = run == 40 ? allocation_count : before;
        assert_int_equal(voronoi_compute(v, p, COUNT(p), w, 0.8, NULL), 0);
    }
    assert_int_equal(allocation_count, before);
    voronoi_destroy(&v);
    walkable_destroy(&w);
}

/* What a measurement area holds of each cell adds up to the area, convex or not. */
static void sections_hold_their_share(void **state)
{
    (void)state;
    static const struct point areas[][6] = {
        {{2, 2}, {7, 3}, {8, 8}, {3, 7}, {2, 5}, {2, 3}},
        {{1, 1}, {9, 1}, {9, 9}, {5, 3}, {3, 9}, {2, 2}},
    };
    struct walkable *w = ground(SQUARE);
    struct random_state random;
    random_seed(&random, 10);
    static struct point p[300];
    scatter(p, COUNT(p), (struct rect){0, 0, 10, 10}, &random);
    struct voronoi *v = compute(p, COUNT(p), w, INFINITY);
    for (size_t a = 0; a < COUNT(areas); a++) {
        struct section *s = NULL;
        assert_int_equal(section_create(areas[a], 6, &s, NULL), 0);
        double sum = 0;
        for (size_t i = 0; i < COUNT(p); i++) {
            const struct voronoi_cell *c = &voronoi_cells(v)[i];
            const double part =
                section_overlap(s, p[i], voronoi_edges(v) + c->first, c->count, c->radius, c->area);
            assert_true(part >= 0 && part <= c->area * (1 + 1e-9));
            sum += part;
        }
        near_relative(sum, polygon_area(areas[a], 6), 1e-9);
        section_destroy(&s);
    }
    voronoi_destroy(&v);
    walkable_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_what_the_definition_says),
        cmocka_unit_test(cells_partition_the_ground),
        cmocka_unit_test(walls_take_and_nothing_is_counted_twice),
        cmocka_unit_test(walls_and_circles_agree_with_little_squares),
        cmocka_unit_test(turned_and_moved_ground_has_the_same_cells),
        cmocka_unit_test(another_unit_scales_exactly),
        cmocka_unit_test(order_changes_no_bit),
        cmocka_unit_test(degenerate_places_have_sane_cells),
        cmocka_unit_test(lattices_have_equal_cells),
        cmocka_unit_test(few_people),
        cmocka_unit_test(everybody_in_one_spot),
        cmocka_unit_test(bad_positions_are_named),
        cmocka_unit_test(steady_state_allocates_nothing),
        cmocka_unit_test(sections_hold_their_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
