/*
 * Live density: every person is spread over the measured ground by a Gaussian of fixed width, cut off at four
 * sigma, averaged over each cell and renormalised over the ground that is seen, so that the map integrates to
 * the number of people exactly. People per m2; NaN outside the measured ground. No allocation after create.
 */
#ifndef SCI_CROWD_DENSITY_MAP_H
#define SCI_CROWD_DENSITY_MAP_H

#include <stddef.h>

#include "base/error.h"
#include "crowd/ground_area.h"

/* One person on the ground. */
struct placed {
    struct point position;
    double error_m;  /* one sigma, both axes together */
    double presence; /* probability that it is a person and there, 0-1 */
    double norm;     /* set by density_map_update: factor of the kernel; 0 = not on the measured ground */
    double people;   /* how many this stands for: a person counts as one, or less (crowd/handover.h) */
};

struct density_map; /* opaque */

int density_map_create(const struct ground_area *area, double sigma_m, struct density_map **map,
                       struct error *error);
void density_map_destroy(struct density_map **map);
/* The area is borrowed and must outlive the map. */
void density_map_update(struct density_map *map, struct placed *people, size_t count);
const float *density_map_values(const struct density_map *map);
/* One standard deviation of the map's value at a cell's centre, from who may not be there and where they may
 * be instead. */
double density_map_deviation(const struct density_map *map, int cell, const struct placed *people,
                             size_t count);
double density_map_sigma(const struct density_map *map); /* metres; not less than 0.6 cells */

#endif
