/*
 * NanoDet and NanoDet-Plus (github.com/RangiLyu/nanodet, Apache-2.0): anchor-free grids. A cell says, per
 * class, how sure it is, and for each side of the box a distribution over distances 0, 1, ..., bins - 1
 * strides from the cell's point; the distance is its expected value (generalised focal loss, Li et al. 2020,
 * arXiv:2006.04388, equation 6 and section 3.2).
 *
 * NanoDet: a pair of outputs per stride 8, 16, 32, first all scores, then all distributions; the point is the
 * cell's centre. NanoDet-Plus: one output, strides 8, 16, 32, 64 one after the other, scores before
 * distributions; the point is the cell's corner. Scores are probabilities already.
 */
#include <math.h>

#include "vision/family.h"

enum { BINS_MAX = 32, PLUS_BINS = 8 };

/* Expected value of the distribution whose logits these are. */
static float expected_distance(const float *logits, int bins)
{
    float greatest = logits[0], total = 0, sum = 0;
    for (int i = 1; i < bins; i++)
        greatest = fmaxf(greatest, logits[i]);
    for (int i = 0; i < bins; i++) {
        float weight = expf(logits[i] - greatest);
        total += weight;
        sum += weight * (float)i;
    }
    return sum / total;
}

/* One stride's grid: rows of `row` floats with the person's score first, distributions at `distances`. */
struct grid {
    const float *scores, *distances;
    size_t score_row, distance_row;
    int stride, bins;
    float shift; /* of the point from the cell's corner, in strides */
};

static void decode_grid(const struct grid *g, const struct raw_outputs *outputs, float threshold,
                        struct candidate_list *list)
{
    size_t columns = (size_t)((outputs->width + g->stride - 1) / g->stride),
           cells = grid_cells(outputs, g->stride);
    float stride = (float)g->stride;
    for (size_t i = 0; i < cells; i++) {
        float score = g->scores[i * g->score_row];
        if (!(score >= threshold))
            continue;
        const float *logits = g->distances + i * g->distance_row;
        float side[4];
        for (int s = 0; s < 4; s++)
            side[s] = expected_distance(logits + s * g->bins, g->bins) * stride;
        float x = ((float)(i % columns) + g->shift) * stride, y = ((float)(i / columns) + g->shift) * stride;
        list->items[list->count++] =
            (struct candidate){x - side[0], y - side[1], x + side[2], y + side[3], score};
    }
}

static bool is_rows(const struct tensor *t, size_t rows)
{
    return t->rank == 3 && t->shape[0] == 1 && t->shape[1] == (int64_t)rows && t->shape[2] >= 1;
}

static const int strides[] = {8, 16, 32, 64};

static bool nanodet_fits(const struct raw_outputs *outputs)
{
    if (outputs->count != 6)
        return false;
    for (size_t i = 0; i < 3; i++) {
        const struct tensor *scores = &outputs->tensors[i], *distances = &outputs->tensors[3 + i];
        size_t cells = grid_cells(outputs, strides[i]);
        if (!is_rows(scores, cells) || !is_rows(distances, cells))
            return false;
        int64_t bins = distances->shape[2];
        if (scores->shape[2] != outputs->tensors[0].shape[2] || bins != outputs->tensors[3].shape[2] ||
            bins % 4 != 0 || bins < 8 || bins > 4 * BINS_MAX)
            return false;
    }
    return true;
}

static void nanodet_decode(const struct raw_outputs *outputs, float threshold, struct candidate_list *list)
{
    for (size_t i = 0; i < 3; i++) {
        const struct tensor *scores = &outputs->tensors[i], *distances = &outputs->tensors[3 + i];
        struct grid grid = {.scores = scores->data,
                            .distances = distances->data,
                            .score_row = (size_t)scores->shape[2],
                            .distance_row = (size_t)distances->shape[2],
                            .stride = strides[i],
                            .bins = (int)distances->shape[2] / 4,
                            .shift = 0.5F};
        decode_grid(&grid, outputs, threshold, list);
    }
}

static bool plus_fits(const struct raw_outputs *outputs)
{
    size_t cells = 0;
    for (size_t i = 0; i < 4; i++)
        cells += grid_cells(outputs, strides[i]);
    return outputs->count == 1 && is_rows(&outputs->tensors[0], cells) &&
           outputs->tensors[0].shape[2] > 4 * PLUS_BINS;
}

static void plus_decode(const struct raw_outputs *outputs, float threshold, struct candidate_list *list)
{
    size_t row = (size_t)outputs->tensors[0].shape[2], first = 0;
    for (size_t i = 0; i < 4; i++) {
        const float *cells = outputs->tensors[0].data + first * row;
        struct grid grid = {.scores = cells,
                            .distances = cells + row - 4 * PLUS_BINS,
                            .score_row = row,
                            .distance_row = row,
                            .stride = strides[i],
                            .bins = PLUS_BINS};
        decode_grid(&grid, outputs, threshold, list);
        first += grid_cells(outputs, strides[i]);
    }
}

/* (value - mean) / deviation, in BGR. */
#define NANODET_FORMAT                                                                                       \
    {                                                                                                        \
        .bgr = true, .scale = {1 / 57.375F, 1 / 57.12F, 1 / 58.395F},                                        \
        .offset = {-103.53F / 57.375F, -116.28F / 57.12F, -123.675F / 58.395F}, .grey = 114                  \
    }

const struct family family_nanodet = {
    .name = "nanodet",
    .needs = "six outputs: scores 1xNxCLASSES at strides 8, 16, 32, then distances 1xNx(4*BINS) at the same "
             "strides",
    .step = 32,
    .format = NANODET_FORMAT,
    .may_have_head = true,
    .fits = nanodet_fits,
    .decode = nanodet_decode,
};

const struct family family_nanodet_plus = {
    .name = "nanodet-plus",
    .needs = "one output 1xNx(CLASSES+32), N the cells of strides 8, 16, 32, 64 together",
    .step = 32,
    .format = NANODET_FORMAT,
    .fits = plus_fits,
    .decode = plus_decode,
};
