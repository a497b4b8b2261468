/*
 * A Gaussian in the plane is the product of one along each axis, so a person costs one exponential per column
 * and per row, and one multiplication per cell. The exponentials come by a recurrence from the nearest cell
 * outwards: g(k+1) = g(k) r(k), r(k+1) = r(k) q, which loses one bit in some ten steps where the kernel is
 * largest.
 */
#include "crowd/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE_MAX = 10000 };
static const double REACH_SIGMAS = 6;
static const double LEAST_MASS = 1e-12;

struct kernel {
    struct kernel_grid grid;
    double sigma;
    bool renormalise;
    double *gx, *gy;
    void (*add_block)(double *out, const struct kernel_block *block);
};

void kernel_add_block_plain(double *out, const struct kernel_block *b)
{
    for (int r = 0; r < b->rows; r++) {
        const double weight = b->scale * b->gy[r];
        double *restrict row = out + (size_t)r * (size_t)b->stride;
        for (int c = 0; c < b->columns; c++) {
            row[c] += weight * b->gx[c];
        }
    }
}

#if defined(__x86_64__)
/* The same sums four at a time: no fused operation, so the bits are the same. */
__attribute__((target("avx2"))) static void add_block_avx2(double *out, const struct kernel_block *b)
{
    const double *restrict gx = b->gx;
    for (int r = 0; r < b->rows; r++) {
        const double weight = b->scale * b->gy[r];
        const __m256d weights = _mm256_set1_pd(weight);
        double *restrict row = out + (size_t)r * (size_t)b->stride;
        int c = 0;
        for (; c + 4 <= b->columns; c += 4) {
            const __m256d added = _mm256_mul_pd(weights, _mm256_loadu_pd(gx + c));
            _mm256_storeu_pd(row + c, _mm256_add_pd(_mm256_loadu_pd(row + c), added));
        }
        for (; c < b->columns; c++) {
            row[c] += weight * gx[c];
        }
    }
}
#endif

static void (*choose(void))(double *, const struct kernel_block *)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        return add_block_avx2;
    }
#endif
    return kernel_add_block_plain;
}

void kernel_add_block(double *out, const struct kernel_block *block)
{
    choose()(out, block);
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
    k->gx = calloc((size_t)grid->columns, sizeof(*k->gx));
    k->gy = calloc((size_t)grid->rows, sizeof(*k->gy));
    k->add_block = choose();
    if (!k->gx || !k->gy) {
        kernel_destroy(&k);
        return error_nomem(error, "the kernel");
    }
    *kernel = k;
    return 0;
}

void kernel_destroy(struct kernel **kernel)
{
    if (*kernel) {
        free((*kernel)->gx);
        free((*kernel)->gy);
        free(*kernel);
        *kernel = NULL;
    }
}

/* exp(-d2 / 2 s2) at the cells within reach along one axis; returns the first one. */
static int fill_axis(double at, double origin, double step, int cells, double sigma, double *g, int *count)
{
    const double reach = REACH_SIGMAS * sigma;
    const double first = ceil((at - reach - origin) / step - 0.5);
    const double last = floor((at + reach - origin) / step - 0.5);
    *count = 0;
    if (!(last >= 0) || !(first < cells)) {
        return 0;
    }
    const int from = first > 0 ? (int)first : 0;
    const int to = last < cells - 1 ? (int)last : cells - 1;
    if (from > to) {
        return 0;
    }
    double mid = floor((at - origin) / step);
    const int m = mid < from ? from : mid > to ? to : (int)mid;
    const double d = origin + (m + 0.5) * step - at;
    const double s2 = sigma * sigma;
    const double q = exp(-step * step / s2);
    double r = exp(-(2 * d + step) * step / (2 * s2));
    g[m - from] = exp(-d * d / (2 * s2));
    for (int i = m + 1; i <= to; i++, r *= q) {
        g[i - from] = g[i - 1 - from] * r;
    }
    r = exp((2 * d - step) * step / (2 * s2));
    for (int i = m - 1; i >= from; i--, r *= q) {
        g[i - from] = g[i + 1 - from] * r;
    }
    *count = to - from + 1;
    return from;
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
static double mass_of(const struct kernel *k, int c0, int nx, int r0, int ny)
{
    const double m2 = k->grid.step * k->grid.step;
    if (!k->grid.share) {
        return sum_of(k->gx, nx) * sum_of(k->gy, ny) * m2;
    }
    double sum = 0;
    for (int r = 0; r < ny; r++) {
        sum += product_sum(k->gx, k->grid.share + (size_t)(r0 + r) * (size_t)k->grid.columns + c0, nx) *
               k->gy[r];
    }
    return sum * m2;
}

void kernel_compute(struct kernel *kernel, const struct point *positions, size_t count, double *density)
{
    struct kernel *k = kernel;
    const struct kernel_grid *g = &k->grid;
    memset(density, 0, (size_t)g->columns * (size_t)g->rows * sizeof(*density));
    for (size_t i = 0; i < count; i++) {
        int nx;
        int ny;
        const int c0 = fill_axis(positions[i].x, g->x, g->step, g->columns, k->sigma, k->gx, &nx);
        const int r0 = fill_axis(positions[i].y, g->y, g->step, g->rows, k->sigma, k->gy, &ny);
        double scale = 1 / (2 * M_PI * k->sigma * k->sigma);
        if (k->renormalise) {
            const double mass = mass_of(k, c0, nx, r0, ny);
            scale = mass > LEAST_MASS ? 1 / mass : 0;
        }
        const struct kernel_block block = {k->gx, k->gy, nx, ny, g->columns, scale};
        k->add_block(density + (size_t)r0 * (size_t)g->columns + c0, &block);
    }
    if (k->renormalise && g->share) {
        for (size_t i = 0; i < (size_t)g->columns * (size_t)g->rows; i++) {
            density[i] = g->share[i] > 0 ? density[i] : 0;
        }
    }
}
