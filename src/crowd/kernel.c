/*
 * A Gaussian in the plane is the product of one along each axis, so a person costs a few exponentials per
 * axis, and the grid is a product of two matrices: density = sum over people of gy (a column) times gx (a
 * row). Along an axis the k-th cell from the nearest one, which is at distance d, has
 *
 *     exp(-(d + k step)^2 / 2 s^2) = exp(-d^2 / 2 s^2)  exp(-d step / s^2)^k  exp(-(k step)^2 / 2 s^2)
 *
 * whose last factor is the same for everybody, and comes from a table.
 *
 * The product is computed in tiles (kernel_tile.h) that stay in registers while the people who reach them
 * pass by, a batch at a time. Panels hold each person's factors tile by tile, padded with zeros. A batch is
 * listed from the left to the right, and those who reach a tile's rows are picked from it once per row of
 * tiles; along that row two marks move.
 */
#include "crowd/kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "crowd/kernel_tile.h"

enum { SIDE_MAX = 10000, CHAINS = 4, BATCH = 128, ROWS = KERNEL_TILE_ROWS, COLUMNS = KERNEL_TILE_COLUMNS };
static const double REACH_SIGMAS = 6;
static const double LEAST_MASS = 1e-12;

/* The cells that a person reaches along one axis: from, ..., to - 1. */
struct span {
    int from, to;
};

struct kernel {
    struct kernel_grid grid;
    double sigma;
    bool renormalise;
    double *falloff;         /* exp(-(k step)^2 / 2 s^2), a multiple of CHAINS of them */
    double *axis_x, *axis_y; /* one person's factors, from the first cell of the first tile they reach */
    int column_tiles, row_tiles;
    double *gx;  /* panel: column tile, person, COLUMNS */
    double *gy;  /* panel: row tile, person, ROWS */
    int *broken; /* row, column: how many cells of the row before this column are not wholly walkable */
    struct span x[BATCH], y[BATCH];
    int order[BATCH], listed[BATCH]; /* of those who reach the grid */
    int reaching;
    int *starts; /* per sum of a span's ends, for sorting */
    kernel_tile_add *add_tile;
};

static int allocate(struct kernel *k, struct error *error)
{
    const size_t columns = (size_t)k->grid.columns;
    const size_t rows = (size_t)k->grid.rows;
    k->starts = calloc(2 * columns + 2, sizeof(*k->starts));
    const size_t longest = (columns > rows ? columns : rows) + CHAINS;
    k->falloff = calloc(longest, sizeof(*k->falloff));
    k->axis_x = calloc((size_t)k->column_tiles * COLUMNS, sizeof(*k->axis_x));
    k->axis_y = calloc((size_t)k->row_tiles * ROWS, sizeof(*k->axis_y));
    k->gx = calloc((size_t)k->column_tiles * BATCH * COLUMNS, sizeof(*k->gx));
    k->gy = calloc((size_t)k->row_tiles * BATCH * ROWS, sizeof(*k->gy));
    k->broken = k->grid.share ? calloc(rows * (columns + 1), sizeof(*k->broken)) : NULL;
    const bool all =
        k->starts && k->falloff && k->axis_x && k->axis_y && k->gx && k->gy && (k->broken || !k->grid.share);
    for (size_t i = 0; all && i < longest; i++) {
        const double d = (double)i * k->grid.step / k->sigma;
        k->falloff[i] = exp(-d * d / 2);
    }
    for (size_t r = 0; all && k->broken && r < rows; r++) {
        int *row = k->broken + r * (columns + 1);
        for (size_t c = 0; c < columns; c++) {
            row[c + 1] = row[c] + (k->grid.share[r * columns + c] < 1);
        }
    }
    return all ? 0 : error_nomem(error, "the kernel");
}

int kernel_create(const struct kernel_grid *grid, double sigma, bool renormalise, struct kernel **kernel,
                  struct error *error)
{
    *kernel = NULL;
    if (!(sigma > 0) || !(grid->step > 0) || grid->columns < 1 || grid->rows < 1 ||
        grid->columns > SIDE_MAX || grid->rows > SIDE_MAX) {
        return error_set(error, ERR_INVALID, "a kernel of %g m on a grid of %dx%d cells of %g m", sigma,
                         grid->columns, grid->rows, grid->step);
    }
    struct kernel *k = calloc(1, sizeof(*k));
    if (!k) {
        return error_nomem(error, "the kernel");
    }
    k->grid = *grid;
    k->sigma = sigma;
    k->renormalise = renormalise;
    k->column_tiles = (grid->columns + COLUMNS - 1) / COLUMNS;
    k->row_tiles = (grid->rows + ROWS - 1) / ROWS;
    k->add_tile = kernel_tile_choose();
    const int rc = allocate(k, error);
    if (rc) {
        kernel_destroy(&k);
        return rc;
    }
    *kernel = k;
    return 0;
}

void kernel_destroy(struct kernel **kernel)
{
    struct kernel *k = *kernel;
    if (k) {
        free(k->starts);
        free(k->falloff);
        free(k->axis_x);
        free(k->axis_y);
        free(k->gx);
        free(k->gy);
        free(k->broken);
        free(k);
        *kernel = NULL;
    }
}

/* g[way * i] = top ratio^i falloff[i], for i < count. Each of the chains multiplies by the ratio's fourth
 * power, so that the processor has four multiplications under way. */
static void fill_half(double *g, int way, int count, double top, double ratio, const double *falloff)
{
    const double ratio2 = ratio * ratio;
    const double ratio4 = ratio2 * ratio2;
    double p[CHAINS] = {top, top * ratio, top * ratio2, top * (ratio2 * ratio)};
    int i = 0;
    for (; i + CHAINS <= count; i += CHAINS) {
        for (int c = 0; c < CHAINS; c++) {
            g[way * (i + c)] = p[c] * falloff[i + c];
            p[c] *= ratio4;
        }
    }
    for (int c = 0; i + c < count; c++) {
        g[way * (i + c)] = p[c] * falloff[i + c];
    }
}

/* exp(-d2 / 2 s2) at the cells within reach along one axis: cell i is at g[i - from / tile * tile], with
 * zeros to the ends of the tiles. */
static struct span fill_axis(const struct kernel *k, double at, double origin, int cells, int tile, double *g)
{
    const double step = k->grid.step;
    const double reach = REACH_SIGMAS * k->sigma / step;
    const double place = (at - origin) / step - 0.5; /* cell i is at i */
    if (!(place + reach >= 0) || !(place - reach <= cells - 1)) {
        return (struct span){0, 0};
    }
    const int from = place - reach > 0 ? (int)(place - reach) + 1 : 0;
    const int last = place + reach < cells - 1 ? (int)(place + reach) : cells - 1;
    if (from > last) {
        return (struct span){0, 0};
    }
    const struct span span = {from, last + 1};
    const int start = from / tile * tile;
    const int m = place < from ? from : place > last ? last : (int)(place + 0.5);
    const double d = (m - place) * step / k->sigma;
    const double top = exp(-d * d / 2);
    const double ratio = exp(-d * step / k->sigma);
    fill_half(g + m - start, 1, span.to - m, top, ratio, k->falloff);
    fill_half(g + m - start, -1, m - span.from + 1, top, 1 / ratio, k->falloff);
    for (int i = start; i < span.from; i++) {
        g[i - start] = 0;
    }
    for (int i = span.to; i % tile != 0; i++) {
        g[i - start] = 0;
    }
    return span;
}

/* Four sums side by side: the processor need not wait for one addition before it begins the next. */
static double product_sum(const double *a, const double *b, int count)
{
    double s[4] = {0, 0, 0, 0};
    int i = 0;
    for (; i + 4 <= count; i += 4) {
        s[0] += a[i] * b[i];
        s[1] += a[i + 1] * b[i + 1];
        s[2] += a[i + 2] * b[i + 2];
        s[3] += a[i + 3] * b[i + 3];
    }
    for (; i < count; i++) {
        s[0] += a[i] * b[i];
    }
    return (s[0] + s[1]) + (s[2] + s[3]);
}

static double sum_of(const double *a, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += a[i];
    }
    return sum;
}

/* The person's kernel over the walkable ground of the grid. */
static double mass_of(const struct kernel *k, struct span x, struct span y)
{
    const double m2 = k->grid.step * k->grid.step;
    const double *gx = k->axis_x + x.from % COLUMNS;
    const double *gy = k->axis_y + y.from % ROWS;
    const double whole = sum_of(gx, x.to - x.from);
    if (!k->broken) {
        return whole * sum_of(gy, y.to - y.from) * m2;
    }
    const size_t columns = (size_t)k->grid.columns;
    double sum = 0;
    for (int r = y.from; r < y.to; r++) {
        const int *broken = k->broken + (size_t)r * (columns + 1);
        const double *share = k->grid.share + (size_t)r * columns + x.from;
        const bool wholly = broken[x.from] == broken[x.to];
        sum += (wholly ? whole : product_sum(gx, share, x.to - x.from)) * gy[r - y.from];
    }
    return sum * m2;
}

static void fill_panel_x(struct kernel *k, int person, struct span span)
{
    const double *g = k->axis_x;
    for (int tile = span.from / COLUMNS; tile * COLUMNS < span.to; tile++, g += COLUMNS) {
        memcpy(k->gx + ((size_t)tile * BATCH + (size_t)person) * COLUMNS, g, COLUMNS * sizeof(*g));
    }
}

static void fill_panel_y(struct kernel *k, int person, struct span span, double scale)
{
    const double *g = k->axis_y;
    for (int tile = span.from / ROWS; tile * ROWS < span.to; tile++, g += ROWS) {
        double *out = k->gy + ((size_t)tile * BATCH + (size_t)person) * ROWS;
        for (int i = 0; i < ROWS; i++) {
            out[i] = scale * g[i];
        }
    }
}

static void fill_person(struct kernel *k, int person, struct point at)
{
    const struct kernel_grid *g = &k->grid;
    const struct span x = fill_axis(k, at.x, g->x, g->columns, COLUMNS, k->axis_x);
    const struct span y = fill_axis(k, at.y, g->y, g->rows, ROWS, k->axis_y);
    double scale = 1 / (2 * M_PI * k->sigma * k->sigma);
    if (k->renormalise) {
        const double mass = mass_of(k, x, y);
        scale = mass > LEAST_MASS ? 1 / mass : 0;
    }
    k->x[person] = x;
    k->y[person] = y;
    if (x.from < x.to && y.from < y.to) {
        fill_panel_x(k, person, x);
        fill_panel_y(k, person, y, scale);
    }
}

static bool reaches(const struct kernel *k, int person)
{
    return k->x[person].from < k->x[person].to && k->y[person].from < k->y[person].to;
}

/* Those who reach the grid, from the left to the right. Both ends of a span move right with the person, so
 * that their sum puts both in order. */
static void sort_batch(struct kernel *k, int count)
{
    const size_t sums = 2 * (size_t)k->grid.columns + 1;
    memset(k->starts, 0, (sums + 1) * sizeof(*k->starts));
    k->reaching = 0;
    for (int i = 0; i < count; i++) {
        if (reaches(k, i)) {
            k->starts[k->x[i].from + k->x[i].to + 1]++;
            k->reaching++;
        }
    }
    for (size_t s = 1; s <= sums; s++) {
        k->starts[s] += k->starts[s - 1];
    }
    for (int i = 0; i < count; i++) {
        if (reaches(k, i)) {
            k->order[k->starts[k->x[i].from + k->x[i].to]++] = i;
        }
    }
}

/* A tile that the grid ends in is put together beside it. */
static void add_at_end(const struct kernel *k, const struct kernel_people *people, int rows, int columns,
                       double *out)
{
    double tile[ROWS * COLUMNS] = {0};
    const size_t stride = (size_t)k->grid.columns;
    k->add_tile(tile, COLUMNS, people);
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
            out[(size_t)r * stride + (size_t)c] += tile[r * COLUMNS + c];
        }
    }
}

static void add_tile(const struct kernel *k, int row_tile, int column_tile, const int *listed, int count,
                     double *density)
{
    const int rows = k->grid.rows - row_tile * ROWS;
    const int columns = k->grid.columns - column_tile * COLUMNS;
    double *out = density + (size_t)row_tile * ROWS * (size_t)k->grid.columns + column_tile * COLUMNS;
    const struct kernel_people people = {k->gx + (size_t)column_tile * BATCH * COLUMNS,
                                         k->gy + (size_t)row_tile * BATCH * ROWS, listed, count};
    if (rows >= ROWS && columns >= COLUMNS) {
        k->add_tile(out, (size_t)k->grid.columns, &people);
    } else {
        add_at_end(k, &people, rows < ROWS ? rows : ROWS, columns < COLUMNS ? columns : COLUMNS, out);
    }
}

static void add_row_of_tiles(struct kernel *k, int row_tile, double *density)
{
    int n = 0;
    for (int i = 0; i < k->reaching; i++) {
        const struct span y = k->y[k->order[i]];
        k->listed[n] = k->order[i];
        n += y.from < (row_tile + 1) * ROWS && y.to > row_tile * ROWS;
    }
    int first = 0;
    int end = 0;
    for (int t = 0; t < k->column_tiles; t++) {
        while (end < n && k->x[k->listed[end]].from < (t + 1) * COLUMNS) {
            end++;
        }
        while (first < end && k->x[k->listed[first]].to <= t * COLUMNS) {
            first++;
        }
        if (first < end) {
            add_tile(k, row_tile, t, k->listed + first, end - first, density);
        }
    }
}

static void add_batch(struct kernel *k, const struct point *positions, int count, double *density)
{
    for (int i = 0; i < count; i++) {
        fill_person(k, i, positions[i]);
    }
    sort_batch(k, count);
    for (int t = 0; t < k->row_tiles; t++) {
        add_row_of_tiles(k, t, density);
    }
}

void kernel_compute(struct kernel *kernel, const struct point *positions, size_t count, double *density)
{
    const struct kernel_grid *g = &kernel->grid;
    memset(density, 0, (size_t)g->columns * (size_t)g->rows * sizeof(*density));
    for (size_t i = 0; i < count; i += BATCH) {
        add_batch(kernel, positions + i, (int)(count - i < BATCH ? count - i : BATCH), density);
    }
    if (kernel->renormalise && g->share) {
        for (size_t i = 0; i < (size_t)g->columns * (size_t)g->rows; i++) {
            density[i] = g->share[i] > 0 ? density[i] : 0;
        }
    }
}
