#include "media/vectors.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/frame.h>
#include <libavutil/motion_vector.h>

enum { CELL_LEAST = 8, CELLS_MOST = 8192 };
/* Without a vector for so many pictures the coder gives none any more. */
enum { BARREN_MOST = 250 };

/* Of one picture: weighted by pixels. */
struct cell_mean {
    float x, y, weight;
};

struct vectors {
    struct motion_sum *sum; /* NULL = nothing yet */
    struct cell_mean *means;
    int width, height;
    int since_reference; /* pictures since the last one that others refer to; 0 = none yet */
    int barren;
};

struct vectors *vectors_create(void)
{
    return calloc(1, sizeof(struct vectors));
}

static void forget(struct vectors *v)
{
    free(v->sum);
    free(v->means);
    *v = (struct vectors){0};
}

void vectors_destroy(struct vectors **vectors)
{
    struct vectors *v = *vectors;

    *vectors = NULL;
    if (!v)
        return;
    forget(v);
    free(v);
}

static uint64_t next_run(void)
{
    static atomic_uint_least64_t last;

    return atomic_fetch_add(&last, 1) + 1;
}

static int cells_across(int pixels, int cell)
{
    return (pixels + cell - 1) / cell;
}

static size_t cell_count(const struct motion_sum *sum)
{
    return (size_t)sum->columns * (size_t)sum->rows;
}

static bool begin(struct vectors *v, int width, int height)
{
    int cell = CELL_LEAST;
    size_t count;

    forget(v);
    while (cells_across(width, cell) * cells_across(height, cell) > CELLS_MOST)
        cell *= 2;
    count = (size_t)cells_across(width, cell) * (size_t)cells_across(height, cell);
    v->sum = calloc(1, sizeof *v->sum + count * sizeof *v->sum->cells);
    v->means = calloc(count, sizeof *v->means);
    if (!v->sum || !v->means) {
        forget(v);
        return false;
    }
    v->sum->run = next_run();
    v->sum->columns = cells_across(width, cell);
    v->sum->rows = cells_across(height, cell);
    v->sum->cell_px = cell;
    v->width = width, v->height = height;
    return true;
}

static int at_least(int a, int b)
{
    return a > b ? a : b;
}

static int at_most(int a, int b)
{
    return a < b ? a : b;
}

/* A block's motion, to all cells that it covers. `distance`: pictures from what it refers to. */
static void spread(struct vectors *v, const AVMotionVector *m, int distance)
{
    const struct motion_sum *s = v->sum;
    int cell = s->cell_px, left = m->dst_x - m->w / 2, top = m->dst_y - m->h / 2;
    int first_column = at_least(left, 0) / cell, last_column = at_most(left + m->w - 1, v->width - 1) / cell;
    int first_row = at_least(top, 0) / cell, last_row = at_most(top + m->h - 1, v->height - 1) / cell;
    float scale = -1 / ((float)m->motion_scale * (float)distance);
    float weight = (float)(at_most(m->w, cell) * at_most(m->h, cell));
    float x = weight * scale * (float)m->motion_x, y = weight * scale * (float)m->motion_y;

    if (left + m->w <= 0 || top + m->h <= 0)
        return;
    for (int r = first_row; r <= last_row; r++)
        for (int c = first_column; c <= last_column; c++) {
            struct cell_mean *mean = &v->means[r * s->columns + c];
            mean->x += x, mean->y += y, mean->weight += weight;
        }
}

static uint16_t units(float pixels)
{
    return (uint16_t)(int)lroundf(pixels * MOTION_SUM_UNITS);
}

static void add_means(struct vectors *v)
{
    size_t count = cell_count(v->sum);

    for (size_t i = 0; i < count; i++) {
        struct motion_sum_cell *c = &v->sum->cells[i];
        const struct cell_mean *m = &v->means[i];

        if (m->weight > 0) {
            c->x = (uint16_t)(c->x + units(m->x / m->weight));
            c->y = (uint16_t)(c->y + units(m->y / m->weight));
            c->known++;
        }
    }
    memset(v->means, 0, count * sizeof *v->means);
}

/* The picture's place in the order of references. */
static int distance_of(struct vectors *v, const AVFrame *frame)
{
    int distance = v->since_reference > 0 ? v->since_reference : 1;

    v->since_reference = frame->pict_type == AV_PICTURE_TYPE_B ? distance + 1 : 1;
    return distance;
}

bool vectors_add(struct vectors *v, const struct AVFrame *frame, bool plain)
{
    const AVFrameSideData *side = av_frame_get_side_data(frame, AV_FRAME_DATA_MOTION_VECTORS);
    size_t count = side ? side->size / sizeof(AVMotionVector) : 0;
    const AVMotionVector *vectors = side ? (const AVMotionVector *)(const void *)side->data : NULL;

    v->barren = count ? 0 : v->barren + 1;
    if (v->sum &&
        (!plain || v->barren > BARREN_MOST || frame->width != v->width || frame->height != v->height))
        forget(v);
    if (!plain || (!count && !v->sum))
        return true;
    if (!v->sum && !begin(v, frame->width, frame->height))
        return false;
    int distance = distance_of(v, frame);
    for (size_t i = 0; i < count; i++)
        if (vectors[i].source < 0 && vectors[i].motion_scale > 0)
            spread(v, &vectors[i], distance);
    add_means(v);
    v->sum->pictures++;
    return true;
}

struct motion_sum *vectors_copy(const struct vectors *v)
{
    size_t size;
    struct motion_sum *copy;

    if (!v->sum)
        return NULL;
    size = sizeof *v->sum + cell_count(v->sum) * sizeof *v->sum->cells;
    copy = malloc(size);
    if (copy)
        memcpy(copy, v->sum, size);
    return copy;
}
