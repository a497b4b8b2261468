/*
 * Polygons: a ring of at least three corners, closed implicitly (the first corner is not repeated), in any
 * plane. Pure functions; nothing is owned.
 */
#ifndef SCI_GEO_POLYGON_H
#define SCI_GEO_POLYGON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "geo/point.h"

/* Signed area (shoelace): positive when the corners run counter-clockwise with y up. */
double polygon_signed_area(const struct point *corners, size_t count);
double polygon_area(const struct point *corners, size_t count);
/* Even-odd rule; a point on the boundary may be either. */
bool polygon_contains(const struct point *corners, size_t count, struct point p);
struct rect polygon_bounds(const struct point *corners, size_t count);
/* ERR_INVALID with the reason: fewer than three corners, a coordinate that is not finite, no area, edges that
 * cross or touch. */
int polygon_check_simple(const struct point *corners, size_t count, struct error *error);
/* Distance from p to the ring (its edges), 0 on it. */
double polygon_distance(const struct point *corners, size_t count, struct point p);
double segment_distance(struct point a, struct point b, struct point p);
/* Area of the intersection of the polygon with an axis-parallel rectangle (exact; any simple polygon). */
double polygon_rect_area(const struct point *corners, size_t count, struct rect r);

#endif
