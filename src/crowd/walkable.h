/*
 * The ground that people can walk on: a polygon with holes (walls, pillars), prepared for the questions "is
 * this place on it?" and "how far is the next wall?", which cost next to nothing far from walls. Immutable
 * after create; any number of threads may read it.
 */
#ifndef SCI_CROWD_WALKABLE_H
#define SCI_CROWD_WALKABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "geo/point.h"
#include "geo/wkt.h"

struct walkable; /* opaque */

/* Copies the polygon. ERR_INVALID where a hole is not inside, or rings cross. */
int walkable_create(const struct wkt_polygon *polygon, struct walkable **walkable, struct error *error);
void walkable_destroy(struct walkable **walkable);

double walkable_area(const struct walkable *walkable);
struct rect walkable_bounds(const struct walkable *walkable);
bool walkable_contains(const struct walkable *walkable, struct point p);
/* No wall is nearer than this; exact within a grid step. At most `walkable_wall_distance`. */
double walkable_clearance(const struct walkable *walkable, struct point p);
double walkable_wall_distance(const struct walkable *walkable, struct point p); /* exact */

/* Rings without the repeated corner, the inside on their left: the outer one counter-clockwise, holes
 * clockwise. */
size_t walkable_ring_count(const struct walkable *walkable);
const struct point *walkable_ring(const struct walkable *walkable, size_t ring, size_t *count);

#endif
