/*
 * The kernels of preprocess_scalar.c with AVX2, to the same bytes: integer sums are exact in any order (no
 * sum leaves 32 bits: at most 255 * 128 * 16384), float steps are one multiplication and one addition each,
 * not fused.
 */
#include "vision/preprocess_kernels.h"

#ifdef __x86_64__

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

/* Two rows' 16 samples, times two weights, added to sums of samples 0-3 and 8-11 (low), 4-7 and 12-15 (high).
 */
AVX2 static inline void add_pair(const uint8_t *a, const uint8_t *b, __m256i weights, __m256i *low,
                                 __m256i *high)
{
    __m256i wide_a = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)a));
    __m256i wide_b = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)b));
    *low = _mm256_add_epi32(*low, _mm256_madd_epi16(_mm256_unpacklo_epi16(wide_a, wide_b), weights));
    *high = _mm256_add_epi32(*high, _mm256_madd_epi16(_mm256_unpackhi_epi16(wide_a, wide_b), weights));
}

AVX2 static inline __m256i two_weights(int16_t first, int16_t second)
{
    return _mm256_set1_epi32((int32_t)((uint32_t)(uint16_t)first | (uint32_t)(uint16_t)second << 16));
}

AVX2 static void vertical(const uint8_t *rows, size_t stride, const int16_t *weights, int taps, int16_t *out,
                          size_t count)
{
    const __m256i half = _mm256_set1_epi32(1 << (RESAMPLE_BITS - SAMPLE_BITS - 1));
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        __m256i low = half, high = half;
        const uint8_t *row = rows + i;
        int t = 0;
        for (; t + 2 <= taps; t += 2, row += 2 * stride)
            add_pair(row, row + stride, two_weights(weights[t], weights[t + 1]), &low, &high);
        if (t < taps)
            add_pair(row, row, two_weights(weights[t], 0), &low, &high);
        low = _mm256_srai_epi32(low, RESAMPLE_BITS - SAMPLE_BITS);
        high = _mm256_srai_epi32(high, RESAMPLE_BITS - SAMPLE_BITS);
        _mm256_storeu_si256((__m256i *)(out + i), _mm256_packs_epi32(low, high));
    }
    if (i < count)
        preprocess_scalar.vertical(rows + i, stride, weights, taps, out + i, count - i);
}

/* Sums of products of two output samples: `o` in the lower half, `o + 4` in the upper. */
AVX2 static inline __m256i dot_pair(const int16_t *in, const struct axis *axis, int o)
{
    const int16_t *a = in + axis->first[o], *b = in + axis->first[o + 4];
    const int16_t *wa = axis->weights + (size_t)o * (size_t)axis->stride;
    const int16_t *wb = wa + 4 * (size_t)axis->stride;
    __m256i sum = _mm256_setzero_si256();
    for (int t = 0; t < axis->stride; t += RESAMPLE_TAP_STEP) {
        __m256i samples = _mm256_loadu2_m128i((const __m128i *)(b + t), (const __m128i *)(a + t));
        __m256i weights = _mm256_loadu2_m128i((const __m128i *)(wb + t), (const __m128i *)(wa + t));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(samples, weights));
    }
    return sum;
}

AVX2 static void horizontal(const int16_t *in, const struct axis *axis, int16_t *out)
{
    const __m256i half = _mm256_set1_epi32(1 << (RESAMPLE_BITS - 1));
    int o = 0;
    for (; o + 8 <= axis->out_size; o += 8) {
        __m256i s01 = _mm256_hadd_epi32(dot_pair(in, axis, o), dot_pair(in, axis, o + 1));
        __m256i s23 = _mm256_hadd_epi32(dot_pair(in, axis, o + 2), dot_pair(in, axis, o + 3));
        __m256i sum = _mm256_add_epi32(_mm256_hadd_epi32(s01, s23), half);
        sum = _mm256_srai_epi32(sum, RESAMPLE_BITS);
        __m128i packed = _mm_packs_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        _mm_storeu_si128((__m128i *)(out + o), packed);
    }
    if (o < axis->out_size) {
        struct axis rest = *axis;
        rest.first += o;
        rest.weights += (size_t)o * (size_t)axis->stride;
        rest.out_size -= o;
        preprocess_scalar.horizontal(in, &rest, out + o);
    }
}

/* (a * wa + b * wb + c * wc + half) >> MATRIX_BITS for 16 samples, clipped to a sample. */
AVX2 static inline __m256i mix(__m256i a, __m256i b, __m256i c, __m256i weights_ab, __m256i weights_c_half)
{
    const __m256i one = _mm256_set1_epi16(1);
    __m256i low = _mm256_add_epi32(_mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), weights_ab),
                                   _mm256_madd_epi16(_mm256_unpacklo_epi16(c, one), weights_c_half));
    __m256i high = _mm256_add_epi32(_mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), weights_ab),
                                    _mm256_madd_epi16(_mm256_unpackhi_epi16(c, one), weights_c_half));
    __m256i packed =
        _mm256_packs_epi32(_mm256_srai_epi32(low, MATRIX_BITS), _mm256_srai_epi32(high, MATRIX_BITS));
    return _mm256_max_epi16(_mm256_min_epi16(packed, _mm256_set1_epi16(SAMPLE_WHITE)),
                            _mm256_setzero_si256());
}

AVX2 static void yuv_to_rgb(int16_t *y, int16_t *u, int16_t *v, const struct yuv_matrix *m, size_t count)
{
    const int16_t half = 1 << (MATRIX_BITS - 1);
    const __m256i black = _mm256_set1_epi16(m->black), middle = _mm256_set1_epi16(128 << SAMPLE_BITS);
    const __m256i y_u = two_weights(m->y, m->gu), v_half = two_weights(m->gv, half);
    const __m256i y_v = two_weights(m->y, m->rv), y_b = two_weights(m->y, m->bu),
                  zero_half = two_weights(0, half);
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        __m256i luma = _mm256_sub_epi16(_mm256_loadu_si256((const __m256i *)(y + i)), black);
        __m256i cb = _mm256_sub_epi16(_mm256_loadu_si256((const __m256i *)(u + i)), middle);
        __m256i cr = _mm256_sub_epi16(_mm256_loadu_si256((const __m256i *)(v + i)), middle);
        _mm256_storeu_si256((__m256i *)(y + i), mix(luma, cr, cr, y_v, zero_half));
        _mm256_storeu_si256((__m256i *)(u + i), mix(luma, cb, cr, y_u, v_half));
        _mm256_storeu_si256((__m256i *)(v + i), mix(luma, cb, cb, y_b, zero_half));
    }
    if (i < count)
        preprocess_scalar.yuv_to_rgb(y + i, u + i, v + i, m, count - i);
}

AVX2 static void normalise(const int16_t *in, float scale, float offset, float *out, size_t count)
{
    const __m256 s = _mm256_set1_ps(scale), b = _mm256_set1_ps(offset);
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m256i wide = _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)(in + i)));
        _mm256_storeu_ps(out + i, _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(wide), s), b));
    }
    if (i < count)
        preprocess_scalar.normalise(in + i, scale, offset, out + i, count - i);
}

AVX2 static void split2(const int16_t *in, int16_t *a, int16_t *b, size_t count)
{
    const __m256i order =
        _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15, /* both halves alike */
                         0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m256i mixed = _mm256_shuffle_epi8(_mm256_loadu_si256((const __m256i *)(in + 2 * i)), order);
        __m256i sorted = _mm256_permute4x64_epi64(mixed, 0xd8);
        _mm_storeu_si128((__m128i *)(a + i), _mm256_castsi256_si128(sorted));
        _mm_storeu_si128((__m128i *)(b + i), _mm256_extracti128_si256(sorted, 1));
    }
    if (i < count)
        preprocess_scalar.split2(in + 2 * i, a + i, b + i, count - i);
}

static const struct preprocess_kernels avx2 = {vertical, horizontal, yuv_to_rgb, normalise, split2};

const struct preprocess_kernels *preprocess_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? &avx2 : NULL;
}

#else

const struct preprocess_kernels *preprocess_avx2(void)
{
    return NULL;
}

#endif
