/*
 * Voronoi profile: on a grid of square cells, the mean of the field that is 1 / A_i (and v_i) in every
 * person's cell, exactly. The part of a grid cell that no person's cell covers counts as empty (density) and
 * as standing (speed), as in PedPy.
 */
#ifndef SCI_CROWD_PROFILE_H
#define SCI_CROWD_PROFILE_H

#include <stddef.h>

#include "base/error.h"
#include "crowd/voronoi.h"

struct profile; /* opaque: keeps its memory; used by one thread at a time */

struct profile_grid {
    double x, y, step; /* outer corner of cell (0, 0) */
    int columns, rows;
};

int profile_create(const struct profile_grid *grid, struct profile **profile, struct error *error);
void profile_destroy(struct profile **profile);
/* Adds up from nothing. speeds may be NULL. People who share a place count once each. */
void profile_compute(struct profile *profile, const struct voronoi *voronoi, const struct point *positions,
                     const double *speeds, size_t count);
const double *
profile_density(const struct profile *profile); /* people per m2; rows * columns, row 0 has the least y */
const double *profile_speed(const struct profile *profile); /* m/s */

/* The share of each grid cell that is walkable, 0-1; shares: rows * columns. */
int profile_walkable_shares(const struct profile_grid *grid, const struct walkable *walkable, double *shares,
                            struct error *error);

#endif
