#include <stdlib.h>

#include "vision/flow_kernels.h"

static void take(const uint8_t *at, size_t stride, struct flow_patch *patch, struct patch_sums *sums)
{
    *sums = (struct patch_sums){0};
    for (int y = 0; y < PATCH; y++) {
        const uint8_t *row = at + (size_t)y * stride;
        for (int x = 0; x < PATCH; x++) {
            int i = PATCH_INDEX(x, y), sx = row[x + 1] - *(row + x - 1),
                sy = row[(size_t)x + stride] - *(row + x - stride);
            patch->grey[i] = (int16_t)(row[x] << FLOW_GREY_BITS);
            patch->slope_x[i] = (int16_t)sx;
            patch->slope_y[i] = (int16_t)sy;
            sums->xx += sx * sx;
            sums->xy += sx * sy;
            sums->yy += sy * sy;
            sums->x += sx;
            sums->y += sy;
        }
    }
}

/* Between two pixels of a row, in 1/64 grey level. */
static int between(const uint8_t *at, int fraction)
{
    return at[0] * (FLOW_POSITIONS - fraction) + at[1] * fraction;
}

static void compare(const uint8_t *at, size_t stride, int fraction_x, int fraction_y,
                    struct flow_patch *patch, struct comparison_sums *sums)
{
    const int share = fraction_y << (15 - FLOW_POSITION_BITS);
    *sums = (struct comparison_sums){0};
    for (int y = 0; y < PATCH; y++) {
        for (int x = 0; x < PATCH; x++) {
            const uint8_t *here = at + (size_t)y * stride + x;
            int i = PATCH_INDEX(x, y), above = between(here, fraction_x);
            int step = (between(here + stride, fraction_x) - above) * share;
            int d = above + ((step + (1 << 14)) >> 15) - patch->grey[i];
            patch->difference[i] = (int16_t)d;
            sums->square += (d >> 2) * (d >> 2);
            sums->difference += d;
            sums->by_x += d * patch->slope_x[i];
            sums->by_y += d * patch->slope_y[i];
        }
    }
}

static void residual(const struct flow_patch *patch, int16_t mean, int32_t quarters[4])
{
    for (int q = 0; q < 4; q++)
        quarters[q] = 0;
    for (int y = 0; y < PATCH; y++)
        for (int x = 0; x < PATCH; x++)
            quarters[(y >> 2) * 2 + (x >> 2)] += abs(patch->difference[PATCH_INDEX(x, y)] - mean);
}

static void halve(const uint8_t *above, const uint8_t *below, uint8_t *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (uint8_t)((above[2 * i] + above[2 * i + 1] + below[2 * i] + below[2 * i + 1] + 2) >> 2);
}

const struct flow_kernels flow_scalar = {take, compare, residual, halve};
