#include "crowd/walkable.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "geo/polygon.h"

enum { GRID_SIDE_MAX = 128, GRID_WORK_MAX = 4000000 };

struct walkable {
    struct point *points;
    size_t point_count;
    size_t *starts;
    size_t ring_count;
    double area;
    struct rect bounds;
    /* At every node of a grid over the bounds: signed distance to the nearest wall, negative off the ground.
     */
    double step;
    int columns, rows;
    double *nodes;
};

static bool contains_exactly(const struct walkable *w, struct point p)
{
    bool inside = false;
    for (size_t r = 0; r < w->ring_count; r++) {
        inside ^= polygon_contains(w->points + w->starts[r], w->starts[r + 1] - w->starts[r], p);
    }
    return inside;
}

double walkable_wall_distance(const struct walkable *walkable, struct point p)
{
    const struct walkable *w = walkable;
    double least = INFINITY;
    for (size_t r = 0; r < w->ring_count; r++) {
        least = fmin(least, polygon_distance(w->points + w->starts[r], w->starts[r + 1] - w->starts[r], p));
    }
    return least;
}

static void orient(struct walkable *w)
{
    for (size_t r = 0; r < w->ring_count; r++) {
        struct point *p = w->points + w->starts[r];
        const size_t n = w->starts[r + 1] - w->starts[r];
        const double area = polygon_signed_area(p, n);
        if ((area > 0) != (r == 0)) {
            for (size_t i = 0; i < n / 2; i++) {
                const struct point t = p[i];
                p[i] = p[n - 1 - i];
                p[n - 1 - i] = t;
            }
        }
        w->area += r == 0 ? fabs(area) : -fabs(area);
    }
}

static double turn(struct point a, struct point b, struct point c)
{
    return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

static bool edges_cross(struct point a, struct point b, struct point c, struct point d)
{
    return turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0;
}

static bool rings_cross(const struct walkable *w, size_t r, size_t s)
{
    const struct point *p = w->points + w->starts[r];
    const struct point *q = w->points + w->starts[s];
    const size_t n = w->starts[r + 1] - w->starts[r];
    const size_t m = w->starts[s + 1] - w->starts[s];
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < m; j++) {
            if (edges_cross(p[i], p[(i + 1) % n], q[j], q[(j + 1) % m])) {
                return true;
            }
        }
    }
    return false;
}

/* True when a corner of `ring` lies inside `other` and not on it. */
static bool has_corner_in(const struct walkable *w, size_t ring, size_t other)
{
    const struct point *q = w->points + w->starts[other];
    const size_t m = w->starts[other + 1] - w->starts[other];
    for (size_t i = w->starts[ring]; i < w->starts[ring + 1]; i++) {
        if (polygon_contains(q, m, w->points[i]) && polygon_distance(q, m, w->points[i]) > 0) {
            return true;
        }
    }
    return false;
}

static int check_rings(const struct walkable *w, struct error *error)
{
    for (size_t r = 0; r < w->ring_count; r++) {
        for (size_t s = r + 1; s < w->ring_count; s++) {
            if (rings_cross(w, r, s)) {
                return error_set(error, ERR_INVALID, "the walkable area's rings %zu and %zu cross", r + 1,
                                 s + 1);
            }
            if (r > 0 && (has_corner_in(w, r, s) || has_corner_in(w, s, r))) {
                return error_set(error, ERR_INVALID, "the walkable area's holes %zu and %zu overlap", r, s);
            }
        }
        if (r > 0 && !has_corner_in(w, r, 0)) {
            return error_set(error, ERR_INVALID, "hole %zu does not lie in the walkable area", r);
        }
    }
    return 0;
}

static int build_grid(struct walkable *w, struct error *error)
{
    const double side = fmin(GRID_SIDE_MAX, fmax(8, sqrt(GRID_WORK_MAX / (double)w->point_count)));
    w->step = fmax(w->bounds.w, w->bounds.h) / side;
    w->columns = (int)ceil(w->bounds.w / w->step) + 1;
    w->rows = (int)ceil(w->bounds.h / w->step) + 1;
    w->nodes = calloc((size_t)w->columns * (size_t)w->rows, sizeof(*w->nodes));
    if (!w->nodes) {
        return error_nomem(error, "the walkable area's grid");
    }
    for (int i = 0; i < w->columns * w->rows; i++) {
        const struct point p = {w->bounds.x + (i % w->columns) * w->step,
                                w->bounds.y + (i / w->columns) * w->step};
        const double d = walkable_wall_distance(w, p);
        w->nodes[i] = contains_exactly(w, p) ? d : -d;
    }
    return 0;
}

int walkable_create(const struct wkt_polygon *polygon, struct walkable **walkable, struct error *error)
{
    struct walkable *w = calloc(1, sizeof(*w));
    *walkable = w;
    if (!w) {
        return error_nomem(error, "the walkable area");
    }
    w->point_count = polygon->point_count;
    w->ring_count = polygon->ring_count;
    w->points = calloc(w->point_count + 1, sizeof(*w->points));
    w->starts = calloc(w->ring_count + 1, sizeof(*w->starts));
    int rc = w->points && w->starts ? 0 : error_nomem(error, "the walkable area");
    if (rc == 0) {
        memcpy(w->points, polygon->points, w->point_count * sizeof(*w->points));
        memcpy(w->starts, polygon->starts, (w->ring_count + 1) * sizeof(*w->starts));
        w->bounds = polygon_bounds(w->points, w->starts[1]);
        orient(w);
        rc = check_rings(w, error);
    }
    if (rc == 0) {
        rc = build_grid(w, error);
    }
    if (rc) {
        walkable_destroy(walkable);
    }
    return rc;
}

void walkable_destroy(struct walkable **walkable)
{
    if (*walkable) {
        free((*walkable)->points);
        free((*walkable)->starts);
        free((*walkable)->nodes);
        free(*walkable);
        *walkable = NULL;
    }
}

double walkable_area(const struct walkable *walkable)
{
    return walkable->area;
}

struct rect walkable_bounds(const struct walkable *walkable)
{
    return walkable->bounds;
}

/* Signed distance at the nearest node and how far that node is; false off the grid. */
static bool nearest_node(const struct walkable *w, struct point p, double *node, double *away)
{
    const double c = floor((p.x - w->bounds.x) / w->step + 0.5);
    const double r = floor((p.y - w->bounds.y) / w->step + 0.5);
    if (!(c >= 0 && r >= 0 && c < w->columns && r < w->rows)) {
        return false;
    }
    *node = w->nodes[(int)r * w->columns + (int)c];
    const double dx = p.x - (w->bounds.x + c * w->step);
    const double dy = p.y - (w->bounds.y + r * w->step);
    *away = sqrt(dx * dx + dy * dy);
    return true;
}

bool walkable_contains(const struct walkable *walkable, struct point p)
{
    double node;
    double away;
    if (!nearest_node(walkable, p, &node, &away)) {
        return false;
    }
    return fabs(node) > away * (1 + 1e-9) ? node > 0 : contains_exactly(walkable, p);
}

double walkable_clearance(const struct walkable *walkable, struct point p)
{
    double node;
    double away;
    return nearest_node(walkable, p, &node, &away) ? fmax(0, fabs(node) - away) : 0;
}

size_t walkable_ring_count(const struct walkable *walkable)
{
    return walkable->ring_count;
}

const struct point *walkable_ring(const struct walkable *walkable, size_t ring, size_t *count)
{
    *count = walkable->starts[ring + 1] - walkable->starts[ring];
    return walkable->points + walkable->starts[ring];
}
