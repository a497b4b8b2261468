#include "track/lap_dense.h"

#include <math.h>

static bool column_minima_from(const double *row, size_t begin, size_t n, double limit, double *least)
{
    bool good = true;
    for (size_t j = begin; j < n; j++) {
        double c = row[j];
        good = good && c >= -limit && (c <= limit || c == INFINITY);
        least[j] = c < least[j] ? c : least[j];
    }
    return good;
}

static void lane_minima_from(const double *row, const double *v, size_t begin, size_t n,
                             double lanes[LAP_LANES])
{
    for (size_t j = begin; j < n; j++) {
        double x = row[j] - v[j];
        size_t k = j % LAP_LANES;
        lanes[k] = x < lanes[k] ? x : lanes[k];
    }
}

static size_t gather_from(const double *row, const double *v, size_t begin, size_t n, double most,
                          int32_t *out, size_t room)
{
    size_t count = 0;
    for (size_t j = begin; j < n && count < room; j++) {
        if (row[j] - v[j] <= most && row[j] < INFINITY) {
            out[count++] = (int32_t)j;
        }
    }
    return count;
}

static bool any_below_from(const double *row, const double *v, size_t begin, size_t n, double u)
{
    bool found = false;
    for (size_t j = begin; j < n; j++) {
        found = found || row[j] - v[j] < u;
    }
    return found;
}

static bool column_minima_scalar(const double *row, size_t n, double limit, double *least)
{
    return column_minima_from(row, 0, n, limit, least);
}

static void lane_minima_scalar(const double *row, const double *v, size_t n, double lanes[LAP_LANES])
{
    for (size_t k = 0; k < LAP_LANES; k++) {
        lanes[k] = INFINITY;
    }
    lane_minima_from(row, v, 0, n, lanes);
}

static bool any_below_scalar(const double *row, const double *v, size_t n, double u)
{
    return any_below_from(row, v, 0, n, u);
}

const struct lap_kernels *lap_dense_kernels_scalar(void)
{
    static const struct lap_kernels scalar = {column_minima_scalar, lane_minima_scalar, gather_from,
                                              any_below_scalar};
    return &scalar;
}

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

AVX2 static bool column_minima_avx2(const double *row, size_t n, double limit, double *least)
{
    __m256d low = _mm256_set1_pd(-limit), high = _mm256_set1_pd(limit), inf = _mm256_set1_pd(INFINITY);
    __m256d good = _mm256_castsi256_pd(_mm256_set1_epi64x(-1));
    size_t j = 0;
    for (; j + 4 <= n; j += 4) {
        __m256d c = _mm256_loadu_pd(row + j);
        __m256d upper = _mm256_or_pd(_mm256_cmp_pd(c, high, _CMP_LE_OQ), _mm256_cmp_pd(c, inf, _CMP_EQ_OQ));
        good = _mm256_and_pd(good, _mm256_and_pd(_mm256_cmp_pd(c, low, _CMP_GE_OQ), upper));
        _mm256_storeu_pd(least + j, _mm256_min_pd(c, _mm256_loadu_pd(least + j)));
    }
    return column_minima_from(row, j, n, limit, least) && _mm256_movemask_pd(good) == 15;
}

AVX2 static void lane_minima_avx2(const double *row, const double *v, size_t n, double lanes[LAP_LANES])
{
    __m256d m[LAP_LANES / 4];
    for (size_t k = 0; k < LAP_LANES / 4; k++) {
        m[k] = _mm256_set1_pd(INFINITY);
    }
    size_t j = 0;
    for (; j + LAP_LANES <= n; j += LAP_LANES) {
        for (size_t k = 0; k < LAP_LANES / 4; k++) {
            __m256d x = _mm256_sub_pd(_mm256_loadu_pd(row + j + 4 * k), _mm256_loadu_pd(v + j + 4 * k));
            m[k] = _mm256_min_pd(x, m[k]);
        }
    }
    for (size_t k = 0; k < LAP_LANES / 4; k++) {
        _mm256_storeu_pd(lanes + 4 * k, m[k]);
    }
    lane_minima_from(row, v, j, n, lanes);
}

AVX2 static size_t gather_avx2(const double *row, const double *v, size_t begin, size_t n, double most,
                               int32_t *out, size_t room)
{
    __m256d limit = _mm256_set1_pd(most), inf = _mm256_set1_pd(INFINITY);
    size_t count = 0, j = begin;
    for (; j + 4 <= n && count < room; j += 4) {
        __m256d c = _mm256_loadu_pd(row + j), x = _mm256_sub_pd(c, _mm256_loadu_pd(v + j));
        __m256d hit = _mm256_and_pd(_mm256_cmp_pd(x, limit, _CMP_LE_OQ), _mm256_cmp_pd(c, inf, _CMP_LT_OQ));
        unsigned mask = (unsigned)_mm256_movemask_pd(hit);
        for (; mask != 0 && count < room; mask &= mask - 1) {
            out[count++] = (int32_t)(j + (size_t)__builtin_ctz(mask));
        }
    }
    return count + (count < room ? gather_from(row, v, j, n, most, out + count, room - count) : 0);
}

AVX2 static bool any_below_avx2(const double *row, const double *v, size_t n, double u)
{
    __m256d limit = _mm256_set1_pd(u), any = _mm256_setzero_pd();
    size_t j = 0;
    for (; j + 4 <= n; j += 4) {
        __m256d x = _mm256_sub_pd(_mm256_loadu_pd(row + j), _mm256_loadu_pd(v + j));
        any = _mm256_or_pd(any, _mm256_cmp_pd(x, limit, _CMP_LT_OQ));
    }
    return _mm256_movemask_pd(any) != 0 || any_below_from(row, v, j, n, u);
}

const struct lap_kernels *lap_dense_kernels(void)
{
    static const struct lap_kernels fast = {column_minima_avx2, lane_minima_avx2, gather_avx2,
                                            any_below_avx2};
    return __builtin_cpu_supports("avx2") ? &fast : lap_dense_kernels_scalar();
}

#else

const struct lap_kernels *lap_dense_kernels(void)
{
    return lap_dense_kernels_scalar();
}

#endif
