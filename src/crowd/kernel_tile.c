#include "crowd/kernel_tile.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { ROWS = KERNEL_TILE_ROWS, COLUMNS = KERNEL_TILE_COLUMNS };

void kernel_tile_add_plain(double *tile, size_t stride, const struct kernel_people *people)
{
    for (int k = 0; k < people->count; k++) {
        const double *gx = people->gx + (size_t)people->listed[k] * COLUMNS;
        const double *gy = people->gy + (size_t)people->listed[k] * ROWS;
        for (int r = 0; r < ROWS; r++) {
            for (int c = 0; c < COLUMNS; c++) {
                tile[(size_t)r * stride + (size_t)c] += gy[r] * gx[c];
            }
        }
    }
}

#if defined(__x86_64__)
struct row_sums {
    __m256d a, b, c;
};

__attribute__((target("avx2,fma"))) static inline struct row_sums load_row(const double *row)
{
    return (struct row_sums){_mm256_loadu_pd(row), _mm256_loadu_pd(row + 4), _mm256_loadu_pd(row + 8)};
}

__attribute__((target("avx2,fma"))) static inline void store_row(double *row, struct row_sums s)
{
    _mm256_storeu_pd(row, s.a);
    _mm256_storeu_pd(row + 4, s.b);
    _mm256_storeu_pd(row + 8, s.c);
}

__attribute__((target("avx2,fma"))) static inline struct row_sums add_row(struct row_sums s, const double *gy,
                                                                          struct row_sums x)
{
    const __m256d y = _mm256_broadcast_sd(gy);
    s.a = _mm256_fmadd_pd(y, x.a, s.a);
    s.b = _mm256_fmadd_pd(y, x.b, s.b);
    s.c = _mm256_fmadd_pd(y, x.c, s.c);
    return s;
}

/* Twelve sums in registers, three factors and one spread: all sixteen that there are. */
__attribute__((target("avx2,fma"))) static void add_avx2(double *tile, size_t stride,
                                                         const struct kernel_people *people)
{
    struct row_sums s0 = load_row(tile);
    struct row_sums s1 = load_row(tile + stride);
    struct row_sums s2 = load_row(tile + 2 * stride);
    struct row_sums s3 = load_row(tile + 3 * stride);
    for (int k = 0; k < people->count; k++) {
        const struct row_sums x = load_row(people->gx + (size_t)people->listed[k] * COLUMNS);
        const double *gy = people->gy + (size_t)people->listed[k] * ROWS;
        s0 = add_row(s0, gy, x);
        s1 = add_row(s1, gy + 1, x);
        s2 = add_row(s2, gy + 2, x);
        s3 = add_row(s3, gy + 3, x);
    }
    store_row(tile, s0);
    store_row(tile + stride, s1);
    store_row(tile + 2 * stride, s2);
    store_row(tile + 3 * stride, s3);
}
#endif

kernel_tile_add *kernel_tile_choose(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return add_avx2;
    }
#endif
    return kernel_tile_add_plain;
}
