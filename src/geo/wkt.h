/*
 * Well-known text (OGC 06-103r4) of the shapes that a site is described with: POLYGON with holes, and
 * LINESTRING. Letters' case and spaces are free; Z and M coordinates are refused. The first corner of a ring
 * is not repeated in the result.
 */
#ifndef SCI_GEO_WKT_H
#define SCI_GEO_WKT_H

#include <stddef.h>

#include "base/error.h"
#include "geo/point.h"

/* Rings one after the other: ring r is points[starts[r] .. starts[r + 1]), the first one the outer ring. Owns
 * its arrays. */
struct wkt_polygon {
    struct point *points;
    size_t point_count;
    size_t *starts; /* ring_count + 1 */
    size_t ring_count;
};

struct wkt_line {
    struct point *points;
    size_t count;
};

/* Every ring must be simple; ERR_FORMAT for what is not WKT (with the column), ERR_INVALID for a shape that
 * is no polygon. On failure nothing is owned. */
int wkt_parse_polygon(const char *text, struct wkt_polygon *polygon, struct error *error);
void wkt_polygon_free(struct wkt_polygon *polygon);
/* At least two points, no two neighbours the same. */
int wkt_parse_line(const char *text, struct wkt_line *line, struct error *error);
void wkt_line_free(struct wkt_line *line);

#endif
