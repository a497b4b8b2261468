/*
 * The ground that a camera measures, as a grid of square cells: which share of each cell is in the picture,
 * in the region of interest and near enough that a person can be placed on it. Made once per camera and
 * picture size. Metres.
 */
#ifndef SCI_CROWD_GROUND_AREA_H
#define SCI_CROWD_GROUND_AREA_H

#include <stddef.h>

#include "base/error.h"
#include "core/zone.h"
#include "crowd/view.h"

enum { GROUND_CELLS_MAX = 8192 };

struct ground_area {
    double origin_x, origin_y; /* outer corner of cell (0, 0) */
    double cell_m; /* may be larger than asked for, so that no more than GROUND_CELLS_MAX cells are needed */
    int columns, rows;
    float *share;   /* rows * columns, 0-1 */
    double area_m2; /* sum of the shares; 0 = nothing can be measured */
};

/* A zone's part of the area: its cells and how many m2 of each belong to it. */
struct zone_area {
    size_t count;
    struct zone_cell {
        int cell; /* row * columns + column */
        float m2;
    } * cells;
    double area_m2;
};

int ground_area_build(const struct view *view, double cell_m, struct ground_area *area, struct error *error);
void ground_area_free(struct ground_area *area);

int zone_area_build(const struct view *view, const struct ground_area *area, const struct zone *zone,
                    struct zone_area *out, struct error *error);
void zone_area_free(struct zone_area *area);

#endif
