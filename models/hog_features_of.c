/* For train_hog.py: the program's own features of a grey picture that is already at its scale, and its own sums over windows. */
#include <string.h>

#include "vision/hog_features.h"

/* Writes cells_y * cells_x * HOG_FEATURES values; `size` gets cells_x, cells_y. Not thread-safe. */
int hog_features_of(const uint8_t *grey, int width, int height, int16_t *out, int size[2])
{
    static struct hog_features f;
    static struct axis_cache across, down;
    if (f.buffers == NULL && !hog_features_init(&f, true))
        return -1;
    const struct axis *x = axis_cache_get(&across, width, width, width);
    const struct axis *y = axis_cache_get(&down, height, height, height);
    if (x == NULL || y == NULL || hog_features_compute(&f, grey, (size_t)width, x, y) < 0)
        return -1;
    size[0] = f.cells_x;
    size[1] = f.cells_y;
    memcpy(out, f.features, (size_t)f.cells_x * (size_t)f.cells_y * HOG_FEATURES * sizeof *out);
    return 0;
}

/* out[(cells_y - rows + 1) * (cells_x - columns + 1)]; weights[rows][columns * HOG_FEATURES]. */
void hog_sums_of(const int16_t *features, int cells_x, int cells_y, const int16_t *weights, int columns, int rows, int32_t *out)
{
    const struct hog_kernels *kernels = hog_avx2() != NULL ? hog_avx2() : &hog_scalar;
    size_t values = (size_t)columns * HOG_FEATURES;
    for (int y = 0; y + rows <= cells_y; y++) {
        for (int x = 0; x + columns <= cells_x; x++) {
            int32_t sum = 0;
            for (int r = 0; r < rows; r++) {
                size_t at = ((size_t)(y + r) * (size_t)cells_x + (size_t)x) * HOG_FEATURES;
                sum += kernels->dot(features + at, weights + (size_t)r * values, values);
            }
            *out++ = sum;
        }
    }
}
