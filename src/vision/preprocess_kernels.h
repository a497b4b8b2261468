/* The inner loops of preprocess.c, twice: plain C and AVX2. Both give the same bytes. */
#ifndef SCI_VISION_PREPROCESS_KERNELS_H
#define SCI_VISION_PREPROCESS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "vision/resample.h"

enum {
    SAMPLE_BITS = 7,                   /* a sample is 1 / 128 grey level */
    SAMPLE_WHITE = 255 << SAMPLE_BITS, /* 32640: fits in 16 bits */
    MATRIX_BITS = 13,
    ROW_SLACK = 32 /* samples past a row's end that kernels may read (weight 0) or write */
};

/* R = y * (Y - black) + rv * (V - 128), and so on; coefficients in 1 / 8192. */
struct yuv_matrix {
    int16_t black; /* in samples */
    int16_t y, rv, gu, gv, bu;
};

struct preprocess_kernels {
    /* `count` samples: out = sum over taps of rows[tap * stride + i] * weights[tap], to 1/128 grey level. */
    void (*vertical)(const uint8_t *rows, size_t stride, const int16_t *weights, int taps, int16_t *out,
                     size_t count);
    /* axis->out_size samples; `in` has ROW_SLACK samples more than the axis. */
    void (*horizontal)(const int16_t *in, const struct axis *axis, int16_t *out);
    /* In place: y, u, v become r, g, b. */
    void (*yuv_to_rgb)(int16_t *y, int16_t *u, int16_t *v, const struct yuv_matrix *matrix, size_t count);
    /* out = sample * scale + offset */
    void (*normalise)(const int16_t *in, float scale, float offset, float *out, size_t count);
    void (*split2)(const int16_t *in, int16_t *a, int16_t *b, size_t count);
};

extern const struct preprocess_kernels preprocess_scalar;
/* NULL where this processor, or the compiler's target, has no AVX2. */
const struct preprocess_kernels *preprocess_avx2(void);

#endif
