/*
 * The inner loops of flow.c, twice: plain C and AVX2. Both give the same numbers: all sums are of integers.
 *
 * A patch is 8 x 8 pixels. Its arrays hold rows y and y + 4 side by side, as a 256-bit register does: pixel
 * (x, y) is at PATCH_INDEX(x, y). Grey levels and differences of them are in 1/64.
 */
#ifndef SCI_VISION_FLOW_KERNELS_H
#define SCI_VISION_FLOW_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum {
    PATCH = 8,
    PATCH_PIXELS = PATCH * PATCH,
    FLOW_GREY_BITS = 6,     /* grey levels of a patch are in 1 / 64 */
    FLOW_POSITION_BITS = 6, /* a patch is compared at multiples of 1 / 64 pixel */
    FLOW_POSITIONS = 1 << FLOW_POSITION_BITS
};

#define PATCH_INDEX(x, y) (((y)&3) * 16 + ((y) >> 2) * 8 + (x))

struct flow_patch {
    _Alignas(32) int16_t grey[PATCH_PIXELS];
    _Alignas(32)
        int16_t slope_x[PATCH_PIXELS]; /* right neighbour less left one: twice the slope, whole grey levels */
    _Alignas(32) int16_t slope_y[PATCH_PIXELS];
    _Alignas(32) int16_t difference[PATCH_PIXELS]; /* of the last comparison, 1 / 64 */
};

struct patch_sums {
    int32_t xx, xy, yy, x, y; /* of products of slopes, and of slopes */
};

struct comparison_sums {
    int32_t difference, by_x, by_y; /* of differences; of differences times slopes */
    int32_t square;                 /* of differences in 1/16 grey level, rounded down, squared */
};

struct flow_kernels {
    /* `at`: the patch's first pixel; one pixel around it is read. */
    void (*take)(const uint8_t *at, size_t stride, struct flow_patch *patch, struct patch_sums *sums);
    /* Other picture, at + fraction of a pixel (0 to FLOW_POSITIONS - 1), less the patch. Reads 16 bytes of 9
     * rows. */
    void (*compare)(const uint8_t *at, size_t stride, int fraction_x, int fraction_y,
                    struct flow_patch *patch, struct comparison_sums *sums);
    /* Sums of |difference - mean| over the four quarters: upper left, upper right, lower left, lower right.
     */
    void (*residual)(const struct flow_patch *patch, int16_t mean, int32_t quarters[4]);
    /* Half the size: mean of 2 x 2 pixels of rows `above` and `below`, rounded; `count` pixels come out. */
    void (*halve)(const uint8_t *above, const uint8_t *below, uint8_t *out, size_t count);
};

extern const struct flow_kernels flow_scalar;
/* NULL where this processor, or the compiler's target, has no AVX2. */
const struct flow_kernels *flow_avx2(void);

#endif
