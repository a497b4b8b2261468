#include "crowd/profile.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE_MAX = 10000, CELLS_MAX = 4000000 };

struct profile {
    struct profile_grid grid;
    double *density, *speed, *areas, *covers;
};

static size_t cell_count(const struct profile_grid *g)
{
    return (size_t)g->columns * (size_t)g->rows;
}

int profile_create(const struct profile_grid *grid, struct profile **profile, struct error *error)
{
    *profile = NULL;
    if (!(grid->step > 0) || grid->columns < 1 || grid->rows < 1 || grid->columns > SIDE_MAX ||
        grid->rows > SIDE_MAX || cell_count(grid) > CELLS_MAX) {
        return error_set(error, ERR_INVALID, "a grid of %dx%d cells of %g m is too large or empty",
                         grid->columns, grid->rows, grid->step);
    }
    struct profile *p = calloc(1, sizeof(*p));
    if (!p) {
        return error_nomem(error, "the profile");
    }
    p->grid = *grid;
    double **all[] = {&p->density, &p->speed, &p->areas, &p->covers};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        *all[i] = calloc(cell_count(grid), sizeof(**all[i]));
        if (!*all[i]) {
            profile_destroy(&p);
            return error_nomem(error, "the profile");
        }
    }
    *profile = p;
    return 0;
}

void profile_destroy(struct profile **profile)
{
    if (*profile) {
        free((*profile)->density);
        free((*profile)->speed);
        free((*profile)->areas);
        free((*profile)->covers);
        free(*profile);
        *profile = NULL;
    }
}

static void add_cell(struct profile *p, const struct edge *edges, const struct voronoi_cell *cell,
                     struct point at, double speed)
{
    const struct profile_grid *g = &p->grid;
    const struct coverage_grid cover = {g->x - at.x, g->y - at.y, g->step,  g->columns,
                                        g->rows,     p->areas,    p->covers};
    const struct coverage_window w = region_cover(edges + cell->first, cell->count, &cover);
    const double square = g->step * g->step;
    /* People who share a place share the cell: each has 1 / sharers of the area and of every part of it. */
    const double part = 1 / (double)cell->sharers;
    for (int r = w.row; r < w.row + w.rows; r++) {
        for (int c = w.column; c < w.column + w.columns; c++) {
            const size_t i = (size_t)r * (size_t)g->columns + (size_t)c;
            p->density[i] += part * p->areas[i] / cell->area / square;
            p->speed[i] += part * p->areas[i] * speed / square;
        }
    }
}

void profile_compute(struct profile *profile, const struct voronoi *voronoi, const struct point *positions,
                     const double *speeds, size_t count)
{
    struct profile *p = profile;
    memset(p->density, 0, cell_count(&p->grid) * sizeof(*p->density));
    memset(p->speed, 0, cell_count(&p->grid) * sizeof(*p->speed));
    const struct voronoi_cell *cells = voronoi_cells(voronoi);
    for (size_t i = 0; i < count; i++) {
        if (cells[i].area > 0) {
            add_cell(p, voronoi_edges(voronoi), &cells[i], positions[i], speeds ? speeds[i] : 0);
        }
    }
}

const double *profile_density(const struct profile *profile)
{
    return profile->density;
}

const double *profile_speed(const struct profile *profile)
{
    return profile->speed;
}

static struct edge *ring_edges(const struct walkable *walkable, size_t *count)
{
    *count = 0;
    size_t n = 0;
    for (size_t r = 0; r < walkable_ring_count(walkable); r++) {
        size_t corners;
        walkable_ring(walkable, r, &corners);
        n += corners;
    }
    struct edge *edges = calloc(n, sizeof(*edges));
    for (size_t r = 0; edges && r < walkable_ring_count(walkable); r++) {
        size_t corners;
        const struct point *p = walkable_ring(walkable, r, &corners);
        for (size_t i = 0; i < corners; i++) {
            edges[(*count)++] = (struct edge){p[i], p[(i + 1) % corners], false};
        }
    }
    return edges;
}

int profile_walkable_shares(const struct profile_grid *grid, const struct walkable *walkable, double *shares,
                            struct error *error)
{
    size_t count;
    struct edge *edges = ring_edges(walkable, &count);
    double *covers = calloc(cell_count(grid), sizeof(*covers));
    if (!edges || !covers) {
        free(edges);
        free(covers);
        return error_nomem(error, "the walkable shares");
    }
    memset(shares, 0, cell_count(grid) * sizeof(*shares));
    const struct coverage_grid cover = {grid->x,    grid->y, grid->step, grid->columns,
                                        grid->rows, shares,  covers};
    region_cover(edges, count, &cover);
    for (size_t i = 0; i < cell_count(grid); i++) {
        const double share = shares[i] / (grid->step * grid->step);
        /* Sums over edges leave rounding: none is none, and all is all. */
        shares[i] = share < 1e-9 ? 0 : share > 1 - 1e-9 ? 1 : share;
    }
    free(edges);
    free(covers);
    return 0;
}
