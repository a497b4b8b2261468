/* The kernels of flow_scalar.c with AVX2, to the same numbers. A register holds rows y and y + 4 of a patch.
 */
#include "vision/flow_kernels.h"

#ifdef __x86_64__

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256i two_rows(const uint8_t *at, size_t stride)
{
    __m128i upper = _mm_loadl_epi64((const __m128i *)(const void *)at);
    __m128i lower = _mm_loadl_epi64((const __m128i *)(const void *)(at + 4 * stride));
    return _mm256_cvtepu8_epi16(_mm_unpacklo_epi64(upper, lower));
}

AVX2 static inline void store(int16_t *to, __m256i values)
{
    _mm256_store_si256((__m256i *)(void *)to, values);
}

AVX2 static inline __m256i load(const int16_t *from)
{
    return _mm256_load_si256((const __m256i *)(const void *)from);
}

/* The sums of four registers of eight. */
AVX2 static inline __m128i sum4(__m256i a, __m256i b, __m256i c, __m256i d)
{
    __m256i s = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    return _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
}

AVX2 static void take(const uint8_t *at, size_t stride, struct flow_patch *patch, struct patch_sums *sums)
{
    const __m256i one = _mm256_set1_epi16(1);
    __m256i xx = _mm256_setzero_si256(), xy = xx, yy = xx, x = xx, y = xx;
    for (size_t r = 0; r < 4; r++) {
        const uint8_t *row = at + r * stride;
        __m256i sx = _mm256_sub_epi16(two_rows(row + 1, stride), two_rows(row - 1, stride));
        __m256i sy = _mm256_sub_epi16(two_rows(row + stride, stride), two_rows(row - stride, stride));
        store(patch->grey + 16 * r, _mm256_slli_epi16(two_rows(row, stride), FLOW_GREY_BITS));
        store(patch->slope_x + 16 * r, sx);
        store(patch->slope_y + 16 * r, sy);
        xx = _mm256_add_epi32(xx, _mm256_madd_epi16(sx, sx));
        xy = _mm256_add_epi32(xy, _mm256_madd_epi16(sx, sy));
        yy = _mm256_add_epi32(yy, _mm256_madd_epi16(sy, sy));
        x = _mm256_add_epi16(x, sx);
        y = _mm256_add_epi16(y, sy);
    }
    int32_t out[4];
    _mm_storeu_si128((__m128i *)(void *)out, sum4(xx, xy, yy, _mm256_madd_epi16(x, one)));
    __m128i last = sum4(_mm256_madd_epi16(y, one), xx, xx, xx);
    *sums = (struct patch_sums){out[0], out[1], out[2], out[3], _mm_cvtsi128_si32(last)};
}

/* Between neighbours of rows y and y + 4, in 1/64 grey level. */
AVX2 static inline __m256i between(const uint8_t *at, size_t stride, __m256i shares)
{
    const __m256i pairs =
        _mm256_setr_epi8(0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, /* both halves alike */
                         0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8);
    __m256i rows = _mm256_loadu2_m128i((const __m128i *)(const void *)(at + 4 * stride),
                                       (const __m128i *)(const void *)at);
    return _mm256_maddubs_epi16(_mm256_shuffle_epi8(rows, pairs), shares);
}

AVX2 static void compare(const uint8_t *at, size_t stride, int fraction_x, int fraction_y,
                         struct flow_patch *patch, struct comparison_sums *sums)
{
    const __m256i one = _mm256_set1_epi16(1);
    const __m256i shares = _mm256_set1_epi16((int16_t)(fraction_x << 8 | (FLOW_POSITIONS - fraction_x)));
    const __m256i down = _mm256_set1_epi16((int16_t)(fraction_y << (15 - FLOW_POSITION_BITS)));
    __m256i all = _mm256_setzero_si256(), by_x = all, by_y = all, square = all;
    __m256i above = between(at, stride, shares);
    for (size_t r = 0; r < 4; r++) {
        __m256i below = between(at + (r + 1) * stride, stride, shares);
        __m256i value = _mm256_add_epi16(above, _mm256_mulhrs_epi16(_mm256_sub_epi16(below, above), down));
        __m256i d = _mm256_sub_epi16(value, load(patch->grey + 16 * r));
        store(patch->difference + 16 * r, d);
        __m256i coarse = _mm256_srai_epi16(d, 2);
        square = _mm256_add_epi32(square, _mm256_madd_epi16(coarse, coarse));
        all = _mm256_add_epi32(all, _mm256_madd_epi16(d, one));
        by_x = _mm256_add_epi32(by_x, _mm256_madd_epi16(d, load(patch->slope_x + 16 * r)));
        by_y = _mm256_add_epi32(by_y, _mm256_madd_epi16(d, load(patch->slope_y + 16 * r)));
        above = below;
    }
    int32_t out[4];
    _mm_storeu_si128((__m128i *)(void *)out, sum4(all, by_x, by_y, square));
    *sums = (struct comparison_sums){out[0], out[1], out[2], out[3]};
}

AVX2 static void residual(const struct flow_patch *patch, int16_t mean, int32_t quarters[4])
{
    const __m256i m = _mm256_set1_epi16(mean), one = _mm256_set1_epi16(1);
    __m256i sum = _mm256_setzero_si256();
    for (size_t r = 0; r < 4; r++) {
        /* |d - mean| is at most 32640: it fits. */
        __m256i d = _mm256_abs_epi16(_mm256_sub_epi16(load(patch->difference + 16 * r), m));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(d, one));
    }
    __m256i pairs =
        _mm256_hadd_epi32(sum, sum); /* left, right, left, right of the upper, then the lower half */
    _mm_storel_epi64((__m128i *)(void *)quarters, _mm256_castsi256_si128(pairs));
    _mm_storel_epi64((__m128i *)(void *)(quarters + 2), _mm256_extracti128_si256(pairs, 1));
}

AVX2 static void halve(const uint8_t *above, const uint8_t *below, uint8_t *out, size_t count)
{
    const __m256i one = _mm256_set1_epi8(1), two = _mm256_set1_epi16(2);
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(above + 2 * i));
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(below + 2 * i));
        __m256i sum = _mm256_add_epi16(_mm256_maddubs_epi16(a, one), _mm256_maddubs_epi16(b, one));
        sum = _mm256_srli_epi16(_mm256_add_epi16(sum, two), 2);
        __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi16(sum, sum), 0x08);
        _mm_storeu_si128((__m128i *)(void *)(out + i), _mm256_castsi256_si128(packed));
    }
    if (i < count)
        flow_scalar.halve(above + 2 * i, below + 2 * i, out + i, count - i);
}

static const struct flow_kernels avx2 = {take, compare, residual, halve};

const struct flow_kernels *flow_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? &avx2 : NULL;
}

#else

const struct flow_kernels *flow_avx2(void)
{
    return NULL;
}

#endif
