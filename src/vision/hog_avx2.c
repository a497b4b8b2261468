/*
 * The kernels of hog_scalar.c with AVX2, to the same bytes: every float step is the same operation on the
 * same operands in the same order, none fused; integer sums are exact in any order.
 */
#include "vision/hog_kernels.h"

#ifdef __x86_64__

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256 widen(const int16_t *a, const int16_t *b)
{
    __m256i x = _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)a));
    __m256i y = _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)b));
    return _mm256_cvtepi32_ps(_mm256_sub_epi32(x, y));
}

AVX2 static inline void add_to(float *sum, __m256 value)
{
    _mm256_storeu_ps(sum, _mm256_add_ps(_mm256_loadu_ps(sum), value));
}

AVX2 static void vote(const int16_t *above, const int16_t *row, const int16_t *below, float to_upper,
                      float to_lower, float *upper, float *lower, size_t stride, size_t count)
{
    const __m256 sign = _mm256_set1_ps(-0.0F), scale = _mm256_set1_ps(HOG_VOTE_SCALE);
    const __m256 width = _mm256_set1_ps(HOG_COS_WIDTH), zero = _mm256_setzero_ps();
    const __m256 wu = _mm256_set1_ps(to_upper), wl = _mm256_set1_ps(to_lower);
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m256 gx = widen(row + i + 1, row + (ptrdiff_t)i - 1), gy = widen(below + i, above + i);
        __m256 square = _mm256_add_ps(_mm256_mul_ps(gx, gx), _mm256_mul_ps(gy, gy));
        __m256 limit = _mm256_mul_ps(_mm256_sqrt_ps(square), width);
        for (size_t k = 0; k < HOG_BINS; k++) {
            __m256 a = _mm256_mul_ps(gx, _mm256_set1_ps(hog_directions[k][0]));
            __m256 b = _mm256_mul_ps(gy, _mm256_set1_ps(hog_directions[k][1]));
            __m256 value = _mm256_sub_ps(_mm256_andnot_ps(sign, _mm256_add_ps(a, b)), limit);
            value = _mm256_mul_ps(_mm256_max_ps(value, zero), scale);
            add_to(upper + k * stride + i, _mm256_mul_ps(value, wu));
            add_to(lower + k * stride + i, _mm256_mul_ps(value, wl));
        }
    }
    if (i < count)
        hog_scalar.vote(above + i, row + i, below + i, to_upper, to_lower, upper + i, lower + i, stride,
                        count - i);
}

/* Products of a cell's eight votes; the upper half of the vector are pixels 4 to 7. */
AVX2 static inline __m256 weighted(const float *votes)
{
    const __m256 w = _mm256_setr_ps(.125F, .375F, .625F, .875F, .875F, .625F, .375F, .125F);
    return _mm256_mul_ps(_mm256_loadu_ps(votes), w);
}

AVX2 static void pool(const float *votes, size_t stride, float *cells, size_t cell_stride, size_t count)
{
    for (size_t k = 0; k < HOG_BINS; k++) {
        const float *v = votes + k * stride;
        size_t c = 0;
        for (; c + 4 <= count; c += 4, v += 4 * HOG_CELL) {
            __m256 s01 = _mm256_hadd_ps(weighted(v), weighted(v + HOG_CELL));
            __m256 s23 = _mm256_hadd_ps(weighted(v + 2 * HOG_CELL), weighted(v + 3 * HOG_CELL));
            __m256 s = _mm256_hadd_ps(s01, s23);
            _mm_storeu_ps(cells + k * cell_stride + c,
                          _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1)));
        }
        for (; c < count; c++, v += HOG_CELL) {
            __m256 p = weighted(v), s = _mm256_hadd_ps(p, p);
            s = _mm256_hadd_ps(s, s);
            _mm_store_ss(cells + k * cell_stride + c,
                         _mm_add_ss(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1)));
        }
    }
}

/* Eight cells' values of one kind, as 16-bit integers, to every HOG_FEATURES-th place of `out`. */
AVX2 static inline void spread(__m256 values, float scale, int16_t *out)
{
    int32_t v[8];
    __m256i rounded = _mm256_cvtps_epi32(_mm256_mul_ps(values, _mm256_set1_ps(scale)));
    _mm256_storeu_si256((__m256i *)v, rounded);
    for (size_t i = 0; i < 8; i++)
        out[i * HOG_FEATURES] = (int16_t)v[i];
}

AVX2 static void normalise(const float *cells, size_t cell_stride, const float *const blocks[4], int16_t *out,
                           size_t count)
{
    const __m256 clip = _mm256_set1_ps(HOG_CLIP);
    size_t c = 0;
    for (; c + 8 <= count; c += 8, out += 8 * HOG_FEATURES) {
        __m256 norm[4], energy[4];
        for (size_t b = 0; b < 4; b++) {
            norm[b] = _mm256_loadu_ps(blocks[b] + c);
            energy[b] = _mm256_setzero_ps();
        }
        for (size_t k = 0; k < HOG_BINS; k++) {
            __m256 value = _mm256_loadu_ps(cells + k * cell_stride + c), sum = _mm256_setzero_ps();
            for (size_t b = 0; b < 4; b++) {
                __m256 share = _mm256_min_ps(_mm256_mul_ps(value, norm[b]), clip);
                sum = _mm256_add_ps(sum, share);
                energy[b] = _mm256_add_ps(energy[b], share);
            }
            spread(sum, 0.5F * HOG_FEATURE_ONE, out + k);
        }
        for (size_t b = 0; b < 4; b++)
            spread(energy[b], HOG_ENERGY_WEIGHT * HOG_FEATURE_ONE, out + HOG_BINS + b);
        for (size_t i = 0; i < 8; i++)
            for (size_t k = HOG_BINS + 4; k < HOG_FEATURES; k++)
                out[i * HOG_FEATURES + k] = 0;
    }
    if (c < count) {
        const float *const rest[4] = {blocks[0] + c, blocks[1] + c, blocks[2] + c, blocks[3] + c};
        hog_scalar.normalise(cells + c, cell_stride, rest, out, count - c);
    }
}

AVX2 static inline __m256i product(const int16_t *a, const int16_t *b)
{
    return _mm256_madd_epi16(_mm256_loadu_si256((const __m256i *)a), _mm256_loadu_si256((const __m256i *)b));
}

AVX2 static int32_t dot(const int16_t *features, const int16_t *weights, size_t count)
{
    __m256i even = _mm256_setzero_si256(), odd = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        even = _mm256_add_epi32(even, product(features + i, weights + i));
        odd = _mm256_add_epi32(odd, product(features + i + 16, weights + i + 16));
    }
    if (i < count)
        even = _mm256_add_epi32(even, product(features + i, weights + i));
    even = _mm256_add_epi32(even, odd);
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(even), _mm256_extracti128_si256(even, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    return _mm_cvtsi128_si32(s);
}

static const struct hog_kernels avx2 = {vote, pool, normalise, dot};

const struct hog_kernels *hog_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? &avx2 : NULL;
}

#else

const struct hog_kernels *hog_avx2(void)
{
    return NULL;
}

#endif
