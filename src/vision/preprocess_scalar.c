#include "vision/preprocess_kernels.h"

static int16_t clip_sample(int32_t v)
{
    return (int16_t)(v < 0 ? 0 : v > SAMPLE_WHITE ? SAMPLE_WHITE : v);
}

static void vertical(const uint8_t *rows, size_t stride, const int16_t *weights, int taps, int16_t *out,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int32_t sum = 1 << (RESAMPLE_BITS - SAMPLE_BITS - 1);
        for (int t = 0; t < taps; t++)
            sum += rows[(size_t)t * stride + i] * weights[t];
        out[i] = (int16_t)(sum >> (RESAMPLE_BITS - SAMPLE_BITS));
    }
}

static void horizontal(const int16_t *in, const struct axis *axis, int16_t *out)
{
    for (int o = 0; o < axis->out_size; o++) {
        const int16_t *samples = in + axis->first[o];
        const int16_t *weights = axis->weights + (size_t)o * (size_t)axis->stride;
        int32_t sum = 1 << (RESAMPLE_BITS - 1);
        for (int t = 0; t < axis->taps; t++)
            sum += samples[t] * weights[t];
        out[o] = (int16_t)(sum >> RESAMPLE_BITS);
    }
}

static void yuv_to_rgb(int16_t *y, int16_t *u, int16_t *v, const struct yuv_matrix *m, size_t count)
{
    const int32_t half = 1 << (MATRIX_BITS - 1);
    for (size_t i = 0; i < count; i++) {
        int32_t luma = (y[i] - m->black) * m->y + half;
        int32_t cb = u[i] - (128 << SAMPLE_BITS), cr = v[i] - (128 << SAMPLE_BITS);
        y[i] = clip_sample((luma + cr * m->rv) >> MATRIX_BITS);
        u[i] = clip_sample((luma + cb * m->gu + cr * m->gv) >> MATRIX_BITS);
        v[i] = clip_sample((luma + cb * m->bu) >> MATRIX_BITS);
    }
}

static void normalise(const int16_t *in, float scale, float offset, float *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float product = (float)in[i] * scale;
        out[i] = product + offset;
    }
}

static void split2(const int16_t *in, int16_t *a, int16_t *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        a[i] = in[2 * i];
        b[i] = in[2 * i + 1];
    }
}

const struct preprocess_kernels preprocess_scalar = {vertical, horizontal, yuv_to_rgb, normalise, split2};
