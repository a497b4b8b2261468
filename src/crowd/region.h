/*
 * A plane region given by its boundary as a heap of directed edges with the inside on their left: straight
 * edges, and arcs of one circle around the origin. Order does not matter, which makes holes and pieces free:
 * area, clipping by a half-plane and exact coverage of a grid are sums over edges.
 *
 * An arc runs counter-clockwise from its start to its end, at most half way round; its radius is its points'
 * distance from the origin.
 */
#ifndef SCI_CROWD_REGION_H
#define SCI_CROWD_REGION_H

#include <stdbool.h>
#include <stddef.h>

#include "geo/point.h"

struct edge {
    struct point a, b;
    bool arc;
};

/* Angle of an arc from its points; straight from rounding: 0 to pi. */
double arc_angle(struct point a, struct point b);
double region_area(const struct edge *edges, size_t count);

/* Keeps what lies in n.x x + n.y y <= d. `out` needs room for REGION_CLIP_ROOM(count) edges and may not be
 * `edges`. Returns how many. */
#define REGION_CLIP_ROOM(count) (4 * (count))
size_t region_clip(const struct edge *edges, size_t count, struct point n, double d, struct edge *out);

/*
 * A grid's cells that are covered by a region, with the covered area of each, exactly. The grid's corner is
 * at (x, y) in the region's frame, columns along x. What lies outside of the grid is left out.
 */
struct coverage_grid {
    double x, y, step;
    int columns, rows;
    double *areas;  /* rows * columns; only the window's cells are written */
    double *covers; /* scratch of the same size */
};

struct coverage_window {
    int column, row, columns, rows;
};

struct coverage_window region_cover(const struct edge *edges, size_t count, const struct coverage_grid *grid);

#endif
