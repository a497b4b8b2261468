#include "vision/hog_features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vision/preprocess_kernels.h"

enum { ROW_BEGIN = 8, VOTE_BEGIN = HOG_CELL / 2 };

struct hog_buffers {
    const struct preprocess_kernels *scaling;
    size_t source_width, width, cells, features; /* what the memory below is for */
    int16_t *column;                             /* a row of the picture, scaled down the columns */
    int16_t *rows[3];                            /* scaled rows; pixel x at ROW_BEGIN + x */
    float *votes[2];                             /* [HOG_BINS][vote_stride]; pixel x at VOTE_BEGIN + x */
    float *cell_rows[3];                         /* [HOG_BINS][cell_stride] */
    float *energy[3], *norms[2];                 /* of a row of cells; of a row of blocks */
    size_t vote_stride, cell_stride;
};

bool hog_features_init(struct hog_features *f, bool fast)
{
    const struct hog_kernels *kernels = fast ? hog_avx2() : NULL;
    const struct preprocess_kernels *scaling = fast ? preprocess_avx2() : NULL;
    *f = (struct hog_features){.kernels = kernels != NULL ? kernels : &hog_scalar};
    f->buffers = calloc(1, sizeof *f->buffers);
    if (f->buffers == NULL)
        return false;
    f->buffers->scaling = scaling != NULL ? scaling : &preprocess_scalar;
    return true;
}

static void free_rows(struct hog_buffers *b)
{
    free(b->column);
    b->column = NULL;
    for (size_t i = 0; i < 3; i++) {
        free(b->rows[i]);
        free(b->cell_rows[i]);
        free(b->energy[i]);
        b->rows[i] = NULL;
        b->cell_rows[i] = b->energy[i] = NULL;
    }
    for (size_t i = 0; i < 2; i++) {
        free(b->votes[i]);
        free(b->norms[i]);
        b->votes[i] = b->norms[i] = NULL;
    }
    b->source_width = b->width = 0;
}

void hog_features_free(struct hog_features *f)
{
    if (f->buffers != NULL)
        free_rows(f->buffers);
    free(f->buffers);
    free(f->features);
    *f = (struct hog_features){0};
}

static int make_rows(struct hog_buffers *b, size_t source_width, size_t width)
{
    if (source_width <= b->source_width && width <= b->width)
        return 0;
    source_width = source_width > b->source_width ? source_width : b->source_width;
    width = width > b->width ? width : b->width;
    free_rows(b);
    size_t votes = width + 2 * HOG_CELL + HOG_ROW_SLACK, cells = width / HOG_CELL + 2 + HOG_ROW_SLACK;
    bool made = (b->column = calloc(source_width + ROW_SLACK, sizeof *b->column)) != NULL;
    for (size_t i = 0; i < 3; i++) {
        b->rows[i] = calloc(ROW_BEGIN + width + ROW_SLACK, sizeof *b->rows[i]);
        b->cell_rows[i] = calloc(HOG_BINS * cells, sizeof *b->cell_rows[i]);
        b->energy[i] = calloc(cells, sizeof *b->energy[i]);
        made = made && b->rows[i] != NULL && b->cell_rows[i] != NULL && b->energy[i] != NULL;
    }
    for (size_t i = 0; i < 2; i++) {
        b->votes[i] = calloc(HOG_BINS * votes, sizeof *b->votes[i]);
        b->norms[i] = calloc(cells, sizeof *b->norms[i]);
        made = made && b->votes[i] != NULL && b->norms[i] != NULL;
    }
    if (!made) {
        free_rows(b);
        return -1;
    }
    b->source_width = source_width;
    b->width = width;
    b->vote_stride = votes;
    b->cell_stride = cells;
    return 0;
}

static int make_features(struct hog_features *f)
{
    size_t needed = (size_t)f->cells_x * (size_t)f->cells_y * HOG_FEATURES;
    if (needed > f->buffers->features) {
        free(f->features);
        f->buffers->features = 0;
        f->features = aligned_alloc(64, (needed * sizeof *f->features + 63) / 64 * 64);
        if (f->features == NULL)
            return -1;
        f->buffers->features = needed;
    }
    memset(f->features, 0, needed * sizeof *f->features);
    return 0;
}

struct scaling {
    const uint8_t *grey;
    size_t stride;
    const struct axis *across, *down;
};

/* Row `y` of the scaled picture, its ends repeated, into `out`. */
static void scale_row(struct hog_buffers *b, const struct scaling *s, int y, int16_t *out)
{
    size_t width = (size_t)s->across->out_size;
    const uint8_t *rows = s->grey + (size_t)s->down->first[y] * s->stride;
    const int16_t *weights = s->down->weights + (size_t)y * (size_t)s->down->stride;
    b->scaling->vertical(rows, s->stride, weights, s->down->taps, b->column, (size_t)s->across->samples);
    b->scaling->horizontal(b->column, s->across, out + ROW_BEGIN);
    out[ROW_BEGIN - 1] = out[ROW_BEGIN];
    out[ROW_BEGIN + width] = out[ROW_BEGIN + width - 1];
}

/* Inner row of cells `r`, which has all its votes: histograms and energies. */
static void finish_cells(struct hog_features *f, int r)
{
    struct hog_buffers *b = f->buffers;
    size_t cells = (size_t)(f->cells_x - 2 * HOG_PAD), ring = (size_t)r % 3;
    float *energy = b->energy[ring], *histograms = b->cell_rows[ring];
    f->kernels->pool(b->votes[0], b->vote_stride, histograms, b->cell_stride, cells);
    memset(energy, 0, cells * sizeof *energy);
    for (size_t k = 0; k < HOG_BINS; k++)
        for (size_t c = 0; c < cells; c++)
            energy[c] += histograms[k * b->cell_stride + c] * histograms[k * b->cell_stride + c];
}

/* 1 / norm of the blocks between two rows of cells; beyond the picture's edge there is the edge again. */
static void make_norms(float *norms, const float *above, const float *below, size_t cells)
{
    for (size_t j = 0; j <= cells; j++) {
        size_t left = j > 0 ? j - 1 : 0, right = j < cells ? j : cells - 1;
        norms[j] = 1 / sqrtf((above[left] + above[right]) + (below[left] + below[right]) + HOG_NOISE);
    }
}

/* Features of the inner row of cells `r`; rows r - 1 to r + 1, where they are, are finished. */
static void write_features(struct hog_features *f, int r)
{
    struct hog_buffers *b = f->buffers;
    int rows = f->cells_y - 2 * HOG_PAD;
    size_t cells = (size_t)(f->cells_x - 2 * HOG_PAD);
    const float *energy = b->energy[(size_t)r % 3];
    if (r == 0)
        make_norms(b->norms[1], energy, energy, cells);
    float *above = b->norms[1], *below = b->norms[0];
    make_norms(below, energy, r + 1 < rows ? b->energy[(size_t)(r + 1) % 3] : energy, cells);
    const float *const blocks[4] = {above, above + 1, below, below + 1};
    size_t at = ((size_t)(r + HOG_PAD) * (size_t)f->cells_x + HOG_PAD) * HOG_FEATURES;
    f->kernels->normalise(b->cell_rows[(size_t)r % 3], b->cell_stride, blocks, f->features + at, cells);
    b->norms[0] = above;
    b->norms[1] = below;
}

static void shift_votes(struct hog_buffers *b)
{
    float *finished = b->votes[0];
    memset(finished, 0, HOG_BINS * b->vote_stride * sizeof *finished);
    b->votes[0] = b->votes[1];
    b->votes[1] = finished;
}

static void vote_row(struct hog_features *f, int y, size_t width)
{
    static const float lower[HOG_CELL] = {.625F, .875F, .125F, .375F};
    struct hog_buffers *b = f->buffers;
    size_t above = (size_t)(y + 2) % 3, row = (size_t)y % 3, below = (size_t)(y + 1) % 3;
    float share = lower[y % HOG_CELL];
    f->kernels->vote(b->rows[above] + ROW_BEGIN, b->rows[row] + ROW_BEGIN, b->rows[below] + ROW_BEGIN,
                     1 - share, share, b->votes[0] + VOTE_BEGIN, b->votes[1] + VOTE_BEGIN, b->vote_stride,
                     width);
}

int hog_features_compute(struct hog_features *f, const uint8_t *grey, size_t stride,
                         const struct axis *across, const struct axis *down)
{
    struct hog_buffers *b = f->buffers;
    int width = across->out_size, height = down->out_size, rows = height / HOG_CELL;
    f->cells_x = width / HOG_CELL + 2 * HOG_PAD;
    f->cells_y = rows + 2 * HOG_PAD;
    if (make_rows(b, (size_t)across->samples, (size_t)width) < 0 || make_features(f) < 0)
        return -1;
    if (rows == 0 || width < HOG_CELL)
        return 0;
    const struct scaling s = {grey, stride, across, down};
    size_t row_bytes = (ROW_BEGIN + (size_t)width + 1) * sizeof(int16_t);
    shift_votes(b);
    shift_votes(b);
    scale_row(b, &s, 0, b->rows[0]);
    memcpy(b->rows[2], b->rows[0], row_bytes);
    for (int y = 0; y < height; y++) {
        if (y + 1 < height)
            scale_row(b, &s, y + 1, b->rows[(size_t)(y + 1) % 3]);
        else
            memcpy(b->rows[(size_t)(y + 1) % 3], b->rows[(size_t)y % 3], row_bytes);
        vote_row(f, y, (size_t)width);
        if (y % HOG_CELL != HOG_CELL / 2 - 1)
            continue;
        int finished = y / HOG_CELL - 1; /* no later pixel votes for this row of cells */
        if (finished >= 0 && finished < rows)
            finish_cells(f, finished);
        if (finished >= 1)
            write_features(f, finished - 1);
        shift_votes(b);
    }
    if (height % HOG_CELL < HOG_CELL / 2)
        finish_cells(f, rows - 1);
    if (rows > 1 && height % HOG_CELL < HOG_CELL / 2)
        write_features(f, rows - 2);
    write_features(f, rows - 1);
    return 0;
}
