#include "crowd/density_map.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* The normal distribution function, tabulated: 500 people need some 10,000 values of it per picture. Linear
 * interpolation between 1/512 steps is off by at most 5e-7. */
enum { TABLE_STEPS = 512, TABLE_REACH = 4, TABLE_SIZE = 2 * TABLE_REACH * TABLE_STEPS + 2 };
/* Cells that one kernel can reach along an axis: 8 sigma of at least 0.6 ... and at most KERNEL_CELLS cells.
 */
enum { KERNEL_CELLS = 256 };
/* Who has less of his kernel than that on the measured ground is not counted there. */
static const double LEAST_MASS = 0.05;

struct density_map {
    const struct ground_area *area;
    double sigma_m;
    double *table;
    double *sums; /* rows * columns */
    float *values;
};

int density_map_create(const struct ground_area *area, double sigma_m, struct density_map **map,
                       struct error *error)
{
    struct density_map *m = calloc(1, sizeof(*m));
    *map = m;
    if (!m) {
        return error_nomem(error, "the density map");
    }
    const size_t cells = (size_t)area->columns * (size_t)area->rows;
    m->area = area;
    m->sigma_m =
        fmin(fmax(sigma_m, 0.6 * area->cell_m), area->cell_m * (KERNEL_CELLS - 2) / (2 * TABLE_REACH));
    m->table = malloc(TABLE_SIZE * sizeof(*m->table));
    m->sums = calloc(cells ? cells : 1, sizeof(*m->sums));
    m->values = calloc(cells ? cells : 1, sizeof(*m->values));
    if (!m->table || !m->sums || !m->values) {
        density_map_destroy(map);
        return error_nomem(error, "the density map");
    }
    for (int i = 0; i < TABLE_SIZE; i++) {
        m->table[i] = 0.5 * erfc(-((double)i / TABLE_STEPS - TABLE_REACH) / sqrt(2));
    }
    return 0;
}

void density_map_destroy(struct density_map **map)
{
    if (*map) {
        free((*map)->table);
        free((*map)->sums);
        free((*map)->values);
        free(*map);
        *map = NULL;
    }
}

static double normal_cdf(const struct density_map *m, double z)
{
    const double at = (fmin(TABLE_REACH, fmax(-TABLE_REACH, z)) + TABLE_REACH) * TABLE_STEPS;
    const int i = (int)at;
    return m->table[i] + (at - i) * (m->table[i + 1] - m->table[i]);
}

/* The kernel's mass in each cell along one axis; returns the first cell, *count how many. */
static int axis_masses(const struct density_map *m, double x, double origin, int cells, double *mass,
                       int *count)
{
    const double cell = m->area->cell_m;
    const double reach = TABLE_REACH * m->sigma_m;
    const double first = floor((x - reach - origin) / cell);
    const double last = floor((x + reach - origin) / cell);
    if (!(last >= 0) || !(first < cells)) {
        *count = 0;
        return 0;
    }
    const int from = first > 0 ? (int)first : 0;
    const int to = last < cells - 1 ? (int)last : cells - 1;
    double before = normal_cdf(m, (origin + from * cell - x) / m->sigma_m);
    for (int i = from; i <= to; i++) {
        const double after = normal_cdf(m, (origin + (i + 1) * cell - x) / m->sigma_m);
        mass[i - from] = after - before;
        before = after;
    }
    *count = to - from + 1;
    return from;
}

static void spread(struct density_map *m, struct placed *p)
{
    double mx[KERNEL_CELLS];
    double my[KERNEL_CELLS];
    int nx;
    int ny;
    const struct ground_area *a = m->area;
    const int c0 = axis_masses(m, p->position.x, a->origin_x, a->columns, mx, &nx);
    const int r0 = axis_masses(m, p->position.y, a->origin_y, a->rows, my, &ny);
    double seen = 0;
    for (int r = 0; r < ny; r++) {
        const float *share = a->share + (size_t)(r0 + r) * (size_t)a->columns + c0;
        double row = 0;
        for (int c = 0; c < nx; c++) {
            row += mx[c] * (double)share[c];
        }
        seen += row * my[r];
    }
    p->norm = seen >= LEAST_MASS ? 1 / seen : 0;
    if (p->norm <= 0) {
        return;
    }
    for (int r = 0; r < ny; r++) {
        double *sums = m->sums + (size_t)(r0 + r) * (size_t)a->columns + c0;
        const double w = my[r] * p->norm * p->people;
        for (int c = 0; c < nx; c++) {
            sums[c] += w * mx[c];
        }
    }
}

void density_map_update(struct density_map *map, struct placed *people, size_t count)
{
    const struct ground_area *a = map->area;
    const size_t cells = (size_t)a->columns * (size_t)a->rows;
    for (size_t i = 0; i < cells; i++) {
        map->sums[i] = 0;
    }
    for (size_t i = 0; i < count; i++) {
        people[i].norm = 0;
        if (a->area_m2 > 0) {
            spread(map, &people[i]);
        }
    }
    const double m2 = a->cell_m * a->cell_m;
    for (size_t i = 0; i < cells; i++) {
        map->values[i] = a->share[i] > 0 ? (float)(map->sums[i] / m2) : NAN;
    }
}

const float *density_map_values(const struct density_map *map)
{
    return map->values;
}

double density_map_sigma(const struct density_map *map)
{
    return map->sigma_m;
}

/*
 * The value is a sum of kernels k(d). A person who is there with probability p adds p (1 - p) k^2 to the
 * variance; one whose place has the deviation s along each axis moves its kernel by s times the slope k d /
 * sigma^2, which is 0 at the top, where the curvature k s^2 / sigma^2 takes over.
 */
double density_map_deviation(const struct density_map *map, int cell, const struct placed *people,
                             size_t count)
{
    const struct ground_area *a = map->area;
    const struct point at = {a->origin_x + (cell % a->columns + 0.5) * a->cell_m,
                             a->origin_y + (cell / a->columns + 0.5) * a->cell_m};
    const double s2 = map->sigma_m * map->sigma_m;
    double variance = 0;
    for (size_t i = 0; i < count; i++) {
        const double dx = people[i].position.x - at.x;
        const double dy = people[i].position.y - at.y;
        const double d2 = dx * dx + dy * dy;
        if (d2 > TABLE_REACH * TABLE_REACH * s2 || people[i].norm <= 0) {
            continue;
        }
        const double k = people[i].people * people[i].norm * exp(-d2 / (2 * s2)) / (2 * M_PI * s2);
        const double e2 = people[i].error_m * people[i].error_m / 2;
        const double slope = k * k * d2 / (s2 * s2) * e2;
        const double curve = k * e2 / s2;
        variance += k * k * people[i].presence * (1 - people[i].presence) + slope + curve * curve;
    }
    return sqrt(variance);
}
