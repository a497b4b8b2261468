#include "vision/flow.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "vision/flow_align.h"
#include "vision/flow_pyramid.h"
#include "vision/flow_settle.h"

/* Steps at most: on coarse levels the start may be far off. */
enum { STEPS_COARSE = 6, STEPS_FINEST = 2 };

struct flow {
    const struct flow_kernels *kernels;
    struct pyramid pyramids[2];
    int newest; /* which of them has the last picture */
    bool has_last;
    int64_t last_ns;
    struct flow_node *nodes;
    struct motion_cell *cells[2]; /* of even and odd levels */
    struct motion_field field;
};

/* A level's cells. */
struct grid {
    int columns, rows;
    const struct motion_cell *cells; /* NULL = above the coarsest */
};

struct flow *flow_create(enum flow_path path)
{
    const struct flow_kernels *fast = path == FLOW_SCALAR ? NULL : flow_avx2();
    if (path == FLOW_AVX2 && !fast)
        return NULL;
    struct flow *f = calloc(1, sizeof *f);
    if (f)
        f->kernels = fast ? fast : &flow_scalar;
    return f;
}

static void release(struct flow *f)
{
    for (int i = 0; i < 2; i++) {
        pyramid_free(&f->pyramids[i]);
        free(f->cells[i]);
        f->cells[i] = NULL;
    }
    free(f->nodes);
    f->nodes = NULL;
    f->has_last = false;
}

void flow_destroy(struct flow **flow)
{
    struct flow *f = *flow;
    *flow = NULL;
    if (!f)
        return;
    release(f);
    free(f);
}

void flow_forget(struct flow *flow)
{
    flow->has_last = false;
}

static int cells_in(int pixels)
{
    return (pixels + FLOW_CELL - 1) / FLOW_CELL;
}

static int prepare(struct flow *f, int width, int height)
{
    if (f->nodes && f->pyramids[0].width == width && f->pyramids[0].height == height)
        return 0;
    release(f);
    if (pyramid_prepare(&f->pyramids[0], width, height) < 0 ||
        pyramid_prepare(&f->pyramids[1], width, height) < 0)
        return -1;
    const struct pyramid_level *l = &f->pyramids[0].levels[0];
    size_t columns = (size_t)cells_in(l->width), rows = (size_t)cells_in(l->height);
    f->nodes = calloc((columns + 1) * (rows + 1), sizeof *f->nodes);
    f->cells[0] = calloc(columns * rows, sizeof *f->cells[0]);
    f->cells[1] = calloc(columns * rows, sizeof *f->cells[1]);
    return f->nodes && f->cells[0] && f->cells[1] ? 0 : -1;
}

static const struct motion_cell *cell_near(const struct grid *g, int column, int row)
{
    column = column < 0 ? 0 : column < g->columns ? column : g->columns - 1;
    row = row < 0 ? 0 : row < g->rows ? row : g->rows - 1;
    return &g->cells[row * g->columns + column];
}

/* What the coarser level says of patch (i, j): its middle, pixel 4 i, is at i / 2 - 1/2 in coarser cells. */
static struct flow_vector from_coarser(const struct grid *coarse, int i, int j)
{
    if (!coarse->cells)
        return (struct flow_vector){0, 0};
    int left = (i + 1) / 2 - 1, right = i / 2, above = (j + 1) / 2 - 1, below = j / 2;
    const struct motion_cell *a = cell_near(coarse, left, above), *b = cell_near(coarse, right, above);
    const struct motion_cell *c = cell_near(coarse, left, below), *d = cell_near(coarse, right, below);
    /* Twice the mean: the coarser level's pixels are twice as large. */
    return (struct flow_vector){0.5F * ((a->dx + b->dx) + (c->dx + d->dx)),
                                0.5F * ((a->dy + b->dy) + (c->dy + d->dy))};
}

static void align_level(const struct flow *f, const struct flow_pair *pair, const struct grid *coarse,
                        int columns, int rows)
{
    struct flow_node *n = f->nodes;
    for (int j = 0; j < rows; j++) {
        for (int i = 0; i < columns; i++, n++) {
            struct flow_vector suggestions[4] = {from_coarser(coarse, i, j), {0, 0}};
            int count = 2;
            if (i > 0)
                suggestions[count++] = n[-1].motion;
            if (j > 0)
                suggestions[count++] = n[-columns].motion;
            flow_align(pair, i, j, suggestions, count, n);
        }
    }
}

static void finish(struct flow *f, int columns, int rows)
{
    int shrink = f->pyramids[0].shrink;
    float scale = (float)(1 << shrink);
    for (int i = 0; i < columns * rows; i++) {
        struct motion_cell *c = &f->cells[0][i];
        *c = (struct motion_cell){c->dx * scale, c->dy * scale, c->error * scale};
    }
    f->field = (struct motion_field){
        .columns = columns, .rows = rows, .cell_px = FLOW_CELL << shrink, .cells = f->cells[0]};
}

static void measure(struct flow *f)
{
    const struct pyramid *earlier = &f->pyramids[!f->newest], *later = &f->pyramids[f->newest];
    struct grid coarse = {0};
    for (int l = earlier->level_count - 1; l >= 0; l--) {
        const struct flow_pair pair = {f->kernels, &earlier->levels[l], &later->levels[l],
                                       l > 0 ? STEPS_COARSE : STEPS_FINEST};
        int columns = cells_in(earlier->levels[l].width), rows = cells_in(earlier->levels[l].height);
        align_level(f, &pair, &coarse, columns + 1, rows + 1);
        flow_settle(f->nodes, columns + 1, rows + 1);
        flow_make_cells(f->nodes, columns + 1, rows + 1, f->cells[l & 1]);
        coarse = (struct grid){columns, rows, f->cells[l & 1]};
    }
    finish(f, coarse.columns, coarse.rows);
}

int flow_update(struct flow *flow, const struct picture *picture, const struct motion_field **field,
                struct error *error)
{
    struct flow *f = flow;
    *field = NULL;
    if (picture->width < FLOW_SIDE_MIN || picture->height < FLOW_SIDE_MIN)
        return error_set(error, ERR_INVALID, "motion: the picture's size is %dx%d", picture->width,
                         picture->height);
    if (prepare(f, picture->width, picture->height) < 0) {
        release(f);
        return error_nomem(error, "motion");
    }
    f->newest = !f->newest;
    pyramid_fill(&f->pyramids[f->newest], picture, f->kernels);
    if (f->has_last && picture->stream_ns > f->last_ns) {
        measure(f);
        f->field.span_ns = picture->stream_ns - f->last_ns;
        *field = &f->field;
    }
    f->has_last = true;
    f->last_ns = picture->stream_ns;
    return 0;
}
