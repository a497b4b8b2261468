/*
 * Gaussian density at the centres of a grid: sum of exp(-d2 / 2 sigma2) / (2 pi sigma2), people per m2.
 * Helbing's kernel exp(-d2 / R2) / (pi R2) (Phys. Rev. E 75, 046109, 2007) is the one with sigma = R / sqrt
 * 2; PedPy's has sigma = FWHM / 2.35482.
 *
 * Plain, as the references define it: what falls on the far side of a wall is lost. Renormalised: each
 * person's kernel is divided by what of it the grid's cells hold (weighted by the walkable share of each), so
 * that the density integrates to the number of people.
 */
#ifndef SCI_CROWD_KERNEL_H
#define SCI_CROWD_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "geo/point.h"

#define FWHM_PER_SIGMA 2.35482

struct kernel_grid {
    double x, y, step; /* outer corner of cell (0, 0); row 0 has the least y */
    int columns, rows;
    const double
        *share; /* walkable share of each cell, 0-1; NULL = all of it. Used by the renormalised kernel only */
};

struct kernel; /* opaque: working memory; used by one thread at a time */

/* sigma in metres, greater than 0; grids of up to 10,000 cells a side. */
int kernel_create(const struct kernel_grid *grid, double sigma, bool renormalise, struct kernel **kernel,
                  struct error *error);
void kernel_destroy(struct kernel **kernel);
/* density: rows * columns. Kernels are cut off at 6 sigma, where they are 1.5e-8 of their top. Positions
 * must be finite. */
void kernel_compute(struct kernel *kernel, const struct point *positions, size_t count, double *density);

#endif
