/* Cells against Qhull's Delaunay triangulation: people are mirrored at the four walls of a rectangle, so that
 * the cells within are those that the walls leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libqhull_r/qhull_ra.h>

#include "crowd/voronoi.h"
#include "crowd_test.h"

static const double WIDTH = 12;
static const double HEIGHT = 7;
enum { PEOPLE = 400, CORNERS = 64 };

struct corner {
    double angle;
    struct point at;
};

struct cell {
    size_t count;
    struct corner corners[CORNERS];
};

static struct point middle_of(const struct point t[3])
{
    const double bx = t[1].x - t[0].x;
    const double by = t[1].y - t[0].y;
    const double cx = t[2].x - t[0].x;
    const double cy = t[2].y - t[0].y;
    const double d = 2 * (bx * cy - by * cx);
    const double b2 = bx * bx + by * by;
    const double c2 = cx * cx + cy * cy;
    return (struct point){t[0].x + (cy * b2 - by * c2) / d, t[0].y + (bx * c2 - cx * b2) / d};
}

static int by_angle(const void *a, const void *b)
{
    const struct corner *p = a;
    const struct corner *q = b;
    return p->angle < q->angle ? -1 : p->angle > q->angle;
}

static double area_of(struct cell *c)
{
    qsort(c->corners, c->count, sizeof(c->corners[0]), by_angle);
    double sum = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct point a = c->corners[i].at;
        const struct point b = c->corners[(i + 1) % c->count].at;
        sum += (a.x * b.y - a.y * b.x) / 2;
    }
    return sum;
}

static void add_triangle(struct cell *cells, size_t n, const struct point *all, const int ids[3])
{
    const struct point t[3] = {all[ids[0]], all[ids[1]], all[ids[2]]};
    const struct point middle = middle_of(t);
    for (int k = 0; k < 3; k++) {
        if (ids[k] < (int)n) {
            struct cell *c = &cells[ids[k]];
            const struct point at = {middle.x - t[k].x, middle.y - t[k].y};
            assert_true(c->count < CORNERS);
            c->corners[c->count++] = (struct corner){atan2(at.y, at.x), at};
        }
    }
}

static void triangulate(struct cell *cells, size_t n, struct point *all)
{
    qhT storage;
    qhT *qh = &storage;
    qh_zero(qh, stderr);
    char options[] = "qhull d Qbb Qt";
    assert_int_equal(qh_new_qhull(qh, 2, (int)(5 * n), &all[0].x, False, options, NULL, stderr), 0);
    facetT *facet;
    FORALLfacets
    {
        if (facet->upperdelaunay) {
            continue;
        }
        int ids[3];
        int count = 0;
        vertexT *vertex;
        vertexT **vertexp;
        FOREACHvertex_(facet->vertices)
        {
            assert_true(count < 3);
            ids[count++] = qh_pointid(qh, vertex->point);
        }
        assert_int_equal(count, 3);
        add_triangle(cells, n, all, ids);
    }
    int left;
    int bytes_left;
    qh_freeqhull(qh, !qh_ALL);
    qh_memfreeshort(qh, &left, &bytes_left);
    assert_int_equal(left, 0);
}

static void cells_are_those_of_qhull(void **state)
{
    (void)state;
    static struct point all[5 * PEOPLE];
    static struct cell cells[PEOPLE];
    struct walkable *w = ground("POLYGON ((0 0, 12 0, 12 7, 0 7, 0 0))");
    struct voronoi *v = voronoi_create();
    struct random_state random;
    random_seed(&random, 11);
    for (size_t n = 5; n <= PEOPLE; n = n * 2 + 3) {
        scatter(all, n, (struct rect){0, 0, WIDTH, HEIGHT}, &random);
        for (size_t i = 0; i < n; i++) {
            all[n + i] = (struct point){-all[i].x, all[i].y};
            all[2 * n + i] = (struct point){2 * WIDTH - all[i].x, all[i].y};
            all[3 * n + i] = (struct point){all[i].x, -all[i].y};
            all[4 * n + i] = (struct point){all[i].x, 2 * HEIGHT - all[i].y};
        }
        memset(cells, 0, sizeof(cells));
        triangulate(cells, n, all);
        assert_int_equal(voronoi_compute(v, all, n, w, INFINITY, NULL), 0);
        for (size_t i = 0; i < n; i++) {
            near_relative(voronoi_cells(v)[i].area, area_of(&cells[i]), 1e-9);
        }
    }
    voronoi_destroy(&v);
    walkable_destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cells_are_those_of_qhull)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
