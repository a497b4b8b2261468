/* The inner loops of the HOG detector, twice: plain C and AVX2. Both give the same bytes. */
#ifndef SCI_VISION_HOG_KERNELS_H
#define SCI_VISION_HOG_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum {
    HOG_BINS = 9,
    HOG_CELL = 4,      /* pixels */
    HOG_FEATURES = 16, /* per cell: 9 directions, 4 energies, 3 that stay 0 */
    HOG_ROW_SLACK = 16 /* values past a row's end that kernels may read or write */
};

struct hog_kernels {
    /* Gradients of `count` pixels of `row` vote into two rows of cells: upper[bin * stride + x] grows by the
     * pixel's vote for the bin times `to_upper`, lower by the same times `to_lower`. Reads row[-1] and
     * row[count]. */
    void (*vote)(const int16_t *above, const int16_t *row, const int16_t *below, float to_upper,
                 float to_lower, float *upper, float *lower, size_t stride, size_t count);
    /* cells[bin * cell_stride + c] = triangle-weighted sum of votes[bin * stride + 4 c ... 4 c + 7]. */
    void (*pool)(const float *votes, size_t stride, float *cells, size_t cell_stride, size_t count);
    /* `blocks` are 1 / norm of the blocks above left, above right, below left, below right of a cell.
     * out[c * HOG_FEATURES ...]. */
    void (*normalise)(const float *cells, size_t cell_stride, const float *const blocks[4], int16_t *out,
                      size_t count);
    /* Sum of products of `count` values, a multiple of 16. The sum fits 32 bits (see hog_model.h). */
    int32_t (*dot)(const int16_t *features, const int16_t *weights, size_t count);
};

/* Votes: a gradient g votes for bin k with max(0, |g . u_k| - |g| cos 20) where u_k points to 20 k degrees:
 * its own bin and the nearer neighbour, like linear interpolation, without an angle. Scaled so that a
 * gradient in the middle of a bin gives its length. */
extern const float hog_directions[HOG_BINS][2];
#define HOG_COS_WIDTH 0.93969262F
#define HOG_VOTE_SCALE (1.0F / (128.0F * (1.0F - HOG_COS_WIDTH)))
#define HOG_CLIP 0.2F
/* Added to a block's sum of squares, in grey levels: less than this is noise. */
#define HOG_NOISE 400.0F
#define HOG_FEATURE_ONE 2048.0F
#define HOG_ENERGY_WEIGHT 0.2357F

extern const struct hog_kernels hog_scalar;
/* NULL where this processor, or the compiler's target, has no AVX2. */
const struct hog_kernels *hog_avx2(void);

#endif
