#include "vision/vector_motion.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/motion_sum.h"

enum { NEIGHBOURS = 9 };

/* Mean square of slopes in the direction in which there are least, grey levels per two pixels. */
static const float STRUCTURE_LEAST = 40;
/* Pixels between a cell and the median of its neighbourhood, and share of the motion. */
static const float FAR_PX = 1.0F, FAR_SHARE = 0.25F;
static const float ERROR_LEAST = 0.4F; /* one sigma where all neighbours agree, pixels */

struct vector_motion {
    int columns, rows, cell_px;
    uint64_t run;
    uint32_t pictures;
    bool has_last;
    int64_t last_ns;
    struct motion_sum_cell *last;
    struct motion_cell *raw, *cells; /* error INFINITY in `raw`: not known */
    struct motion_field field;
};

struct vector_motion *vector_motion_create(void)
{
    return calloc(1, sizeof(struct vector_motion));
}

static void release(struct vector_motion *m)
{
    free(m->last);
    free(m->raw);
    free(m->cells);
    *m = (struct vector_motion){0};
}

void vector_motion_destroy(struct vector_motion **motion)
{
    struct vector_motion *m = *motion;
    *motion = NULL;
    if (!m)
        return;
    release(m);
    free(m);
}

void vector_motion_forget(struct vector_motion *motion)
{
    motion->has_last = false;
}

static size_t cell_count(const struct motion_sum *s)
{
    return (size_t)s->columns * (size_t)s->rows;
}

static int prepare(struct vector_motion *m, const struct motion_sum *s)
{
    if (m->last && m->columns == s->columns && m->rows == s->rows && m->cell_px == s->cell_px)
        return 0;
    release(m);
    size_t count = cell_count(s);
    m->last = malloc(count * sizeof *m->last);
    m->raw = malloc(count * sizeof *m->raw);
    m->cells = malloc(count * sizeof *m->cells);
    if (!m->last || !m->raw || !m->cells) {
        release(m);
        return -1;
    }
    m->columns = s->columns, m->rows = s->rows, m->cell_px = s->cell_px;
    return 0;
}

static void keep(struct vector_motion *m, const struct picture *picture)
{
    const struct motion_sum *s = picture->motion;
    memcpy(m->last, s->cells, cell_count(s) * sizeof *m->last);
    m->run = s->run;
    m->pictures = s->pictures;
    m->last_ns = picture->stream_ns;
    m->has_last = true;
}

/* Sums of products of slopes over every other pixel of a square. */
struct structure {
    int xx, xy, yy, count;
};

static void add_structure(const uint8_t *row, ptrdiff_t stride, int step, int from, int to,
                          struct structure *s)
{
    int xx = 0, xy = 0, yy = 0;
    for (int x = from; x < to; x += 2) {
        const uint8_t *p = row + (ptrdiff_t)x * step;
        int dx = p[step] - p[-step], dy = p[stride] - p[-stride];
        xx += dx * dx;
        xy += dx * dy;
        yy += dy * dy;
    }
    s->xx += xx, s->xy += xy, s->yy += yy;
    s->count += (to - from + 1) / 2;
}

static int inside(int at, int size)
{
    return at < 1 ? 1 : at > size - 1 ? size - 1 : at;
}

/* Mean square of the slopes in the direction that has least of them. Green stands in for luma. */
static float structure_of(const struct picture *p, int cell_px, int column, int row)
{
    bool packed = p->format == PIXEL_RGB24 || p->format == PIXEL_BGR24;
    int step = packed ? 3 : 1;
    int left = inside(column * cell_px, p->width), right = inside((column + 1) * cell_px, p->width);
    int top = inside(row * cell_px, p->height), bottom = inside((row + 1) * cell_px, p->height);
    struct structure s = {0};
    for (int y = top; y < bottom; y += 2)
        add_structure(p->planes[0] + (ptrdiff_t)y * p->strides[0] + (packed ? 1 : 0), p->strides[0], step,
                      left, right, &s);
    if (s.count == 0)
        return 0;
    float scale = 1 / (float)s.count;
    float xx = (float)s.xx * scale, xy = (float)s.xy * scale, yy = (float)s.yy * scale;
    return 0.5F * (xx + yy) - sqrtf(0.25F * (xx - yy) * (xx - yy) + xy * xy);
}

static int16_t difference(uint16_t now, uint16_t before)
{
    return (int16_t)(uint16_t)(now - before);
}

/* What the coder said of every cell, where it said anything of most pictures and there is something to see.
 */
static void subtract(struct vector_motion *m, const struct picture *picture)
{
    const struct motion_sum *s = picture->motion;
    int pictures = (int)(s->pictures - m->pictures);
    for (int r = 0, i = 0; r < s->rows; r++) {
        for (int c = 0; c < s->columns; c++, i++) {
            int known = (uint16_t)(s->cells[i].known - m->last[i].known);
            bool told = known > 0 && 2 * known > pictures;
            float scale = told ? (float)pictures / ((float)known * MOTION_SUM_UNITS) : 0;
            m->raw[i] = (struct motion_cell){scale * difference(s->cells[i].x, m->last[i].x),
                                             scale * difference(s->cells[i].y, m->last[i].y), INFINITY};
            if (told && structure_of(picture, m->cell_px, c, r) >= STRUCTURE_LEAST)
                m->raw[i].error = 0;
        }
    }
}

static float median(float *v, int count)
{
    for (int i = 1; i < count; i++) {
        float x = v[i];
        int j = i;
        for (; j > 0 && v[j - 1] > x; j--)
            v[j] = v[j - 1];
        v[j] = x;
    }
    return count % 2 ? v[count / 2] : 0.5F * (v[count / 2 - 1] + v[count / 2]);
}

/* A cell among its neighbours. */
static struct motion_cell settle(const struct vector_motion *m, int column, int row)
{
    const struct motion_cell *own = &m->raw[row * m->columns + column];
    float x[NEIGHBOURS], y[NEIGHBOURS], spread = 0;
    int count = 0;
    for (int r = row > 0 ? row - 1 : 0; r <= row + 1 && r < m->rows; r++)
        for (int c = column > 0 ? column - 1 : 0; c <= column + 1 && c < m->columns; c++) {
            const struct motion_cell *n = &m->raw[r * m->columns + c];
            if (isinf(n->error))
                continue;
            x[count] = n->dx, y[count] = n->dy;
            count++;
        }
    if (count == 0)
        return *own;
    struct motion_cell out = {median(x, count), median(y, count), INFINITY};
    for (int i = 0; i < count; i++)
        spread += fabsf(x[i] - out.dx) + fabsf(y[i] - out.dy);
    spread /= (float)(2 * count);
    float far = FAR_PX + FAR_SHARE * hypotf(out.dx, out.dy);
    if (count >= 3 && isfinite(own->error) && hypotf(own->dx - out.dx, own->dy - out.dy) <= far)
        out.error = hypotf(ERROR_LEAST, spread);
    return out;
}

static void measure(struct vector_motion *m, const struct picture *picture)
{
    subtract(m, picture);
    for (int r = 0; r < m->rows; r++)
        for (int c = 0; c < m->columns; c++)
            m->cells[r * m->columns + c] = settle(m, c, r);
    m->field = (struct motion_field){.columns = m->columns,
                                     .rows = m->rows,
                                     .cell_px = m->cell_px,
                                     .span_ns = picture->stream_ns - m->last_ns,
                                     .cells = m->cells,
                                     .by_coder = true};
}

int vector_motion_update(struct vector_motion *m, const struct picture *picture,
                         const struct motion_field **field, struct error *error)
{
    const struct motion_sum *s = picture->motion;
    *field = NULL;
    if (!s) {
        m->has_last = false;
        return 0;
    }
    if (prepare(m, s) < 0)
        return error_nomem(error, "motion");
    if (m->has_last && s->run == m->run && s->pictures != m->pictures && picture->stream_ns > m->last_ns) {
        measure(m, picture);
        *field = &m->field;
    }
    keep(m, picture);
    return 0;
}
