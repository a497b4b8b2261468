/*
 * Voronoi cells of people on the walkable ground: what is nearer to a person than to anybody else, cut by
 * walls and, on request, by an exact circle. If that falls into pieces, the piece with the person counts; its
 * area includes no hole. Individual density is 1 / area (Steffen and Seyfried, Physica A 389, 2010).
 *
 * People at one and the same place share their cell equally. A person off the walkable ground has no area,
 * but still takes space from others. A person exactly on a wall belongs to the piece that touches the place
 * (the larger one where there are two).
 *
 * A tessellation keeps its memory: no allocation once the largest crowd has been seen. Used by one thread at
 * a time.
 */
#ifndef SCI_CROWD_VORONOI_H
#define SCI_CROWD_VORONOI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "crowd/region.h"
#include "crowd/walkable.h"
#include "geo/point.h"

struct voronoi_cell {
    double area;    /* m2, of this person alone; 0 off the walkable ground */
    double radius;  /* the cell lies within this distance of the person */
    size_t sharers; /* people at this very place, 1 or more */
    size_t first,
        count; /* of its edges, which are relative to the person; people who share have the same ones */
};

struct voronoi; /* opaque */

struct voronoi *voronoi_create(void); /* NULL without memory */
void voronoi_destroy(struct voronoi **voronoi);

/* cutoff: radius in metres, greater than 0, INFINITY for none. ERR_INVALID for a position that is not finite
 * (its index is named). */
int voronoi_compute(struct voronoi *voronoi, const struct point *positions, size_t count,
                    const struct walkable *walkable, double cutoff, struct error *error);
const struct voronoi_cell *voronoi_cells(const struct voronoi *voronoi); /* in the order of the positions */
const struct edge *voronoi_edges(const struct voronoi *voronoi);

#endif
