#include <math.h>

#include "vision/hog_kernels.h"

const float hog_directions[HOG_BINS][2] = {
    {1.0F, 0.0F},         {0.93969262F, 0.34202014F},  {0.76604444F, 0.64278761F},
    {0.5F, 0.86602540F},  {0.17364818F, 0.98480775F},  {-0.17364818F, 0.98480775F},
    {-0.5F, 0.86602540F}, {-0.76604444F, 0.64278761F}, {-0.93969262F, 0.34202014F},
};

static void vote(const int16_t *above, const int16_t *row, const int16_t *below, float to_upper,
                 float to_lower, float *upper, float *lower, size_t stride, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float gx = (float)(row[i + 1] - row[(ptrdiff_t)i - 1]), gy = (float)(below[i] - above[i]);
        float xx = gx * gx, yy = gy * gy;
        float limit = sqrtf(xx + yy) * HOG_COS_WIDTH;
        for (size_t k = 0; k < HOG_BINS; k++) {
            float a = gx * hog_directions[k][0], b = gy * hog_directions[k][1];
            float value = fabsf(a + b) - limit;
            value = (value > 0 ? value : 0) * HOG_VOTE_SCALE;
            float u = value * to_upper, l = value * to_lower;
            upper[k * stride + i] += u;
            lower[k * stride + i] += l;
        }
    }
}

/* The order of the sums is that of two horizontal additions of a vector of eight. */
static void pool(const float *votes, size_t stride, float *cells, size_t cell_stride, size_t count)
{
    static const float w[8] = {.125F, .375F, .625F, .875F, .875F, .625F, .375F, .125F};
    for (size_t k = 0; k < HOG_BINS; k++) {
        for (size_t c = 0; c < count; c++) {
            const float *v = votes + k * stride + c * HOG_CELL;
            float p[8];
            for (size_t i = 0; i < 8; i++)
                p[i] = v[i] * w[i];
            float low = (p[0] + p[1]) + (p[2] + p[3]), high = (p[4] + p[5]) + (p[6] + p[7]);
            cells[k * cell_stride + c] = low + high;
        }
    }
}

static void normalise(const float *cells, size_t cell_stride, const float *const blocks[4], int16_t *out,
                      size_t count)
{
    for (size_t c = 0; c < count; c++, out += HOG_FEATURES) {
        float energy[4] = {0};
        for (size_t k = 0; k < HOG_BINS; k++) {
            float value = cells[k * cell_stride + c], sum = 0;
            for (size_t b = 0; b < 4; b++) {
                float share = value * blocks[b][c];
                share = share < HOG_CLIP ? share : HOG_CLIP;
                sum += share;
                energy[b] += share;
            }
            out[k] = (int16_t)lrintf(sum * (0.5F * HOG_FEATURE_ONE));
        }
        for (size_t b = 0; b < 4; b++)
            out[HOG_BINS + b] = (int16_t)lrintf(energy[b] * (HOG_ENERGY_WEIGHT * HOG_FEATURE_ONE));
        for (size_t k = HOG_BINS + 4; k < HOG_FEATURES; k++)
            out[k] = 0;
    }
}

static int32_t dot(const int16_t *features, const int16_t *weights, size_t count)
{
    int32_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += features[i] * weights[i];
    return sum;
}

const struct hog_kernels hog_scalar = {vote, pool, normalise, dot};
