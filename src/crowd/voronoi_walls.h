/*
 * The piece of a convex cell (straight edges and arcs around the origin) that walls leave to the person at
 * the origin. Used by voronoi.c only.
 */
#ifndef SCI_CROWD_VORONOI_WALLS_H
#define SCI_CROWD_VORONOI_WALLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "crowd/region.h"
#include "crowd/walkable.h"

struct edge_list {
    struct edge *items;
    size_t count, capacity;
};

bool edge_list_reserve(struct edge_list *list, size_t more); /* false without memory */

struct wall_cutter; /* opaque; keeps its memory */

struct wall_cutter *wall_cutter_create(void);
void wall_cutter_destroy(struct wall_cutter **cutter);

/*
 * `cell`: counter-clockwise, closed, convex, around `person`; `radius`: how far it reaches; `disc`: radius of
 * its arcs, INFINITY where there are none. Appends the boundary of the piece to `out`, relative to the
 * person. 0, ERR_NOMEM, or ERR_INTERNAL when the walls' order cannot be told.
 */
int wall_cutter_apply(struct wall_cutter *cutter, const struct walkable *walkable, struct point person,
                      const struct edge *cell, size_t count, double radius, double disc,
                      struct edge_list *out);

#endif
