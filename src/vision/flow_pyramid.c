#include "vision/flow_pyramid.h"

#include <stdlib.h>
#include <string.h>

/* The finest level has at most so many pixels; the coarsest at least so many rows and columns. */
enum { PIXELS_MAX = 153600, SIDE_LEAST = 12 };

static size_t stride_of(int width)
{
    return ((size_t)width + 2 * PYRAMID_MARGIN + 31) / 32 * 32;
}

static size_t level_size(int width, int height)
{
    return stride_of(width) * ((size_t)height + 2 * PYRAMID_MARGIN);
}

static int shrink_for(int width, int height)
{
    int shrink = 0;
    while ((int64_t)(width >> shrink) * (height >> shrink) > PIXELS_MAX)
        shrink++;
    /* A picture much longer than it is high keeps its height. */
    while (shrink > 0 && ((width >> shrink) < 2 * SIDE_LEAST || (height >> shrink) < 2 * SIDE_LEAST))
        shrink--;
    return shrink;
}

int pyramid_prepare(struct pyramid *p, int width, int height)
{
    if (p->width == width && p->height == height)
        return 0;
    pyramid_free(p);
    p->shrink = shrink_for(width, height);
    size_t size = 0;
    int w = width >> p->shrink, h = height >> p->shrink;
    do {
        p->levels[p->level_count++] = (struct pyramid_level){w, h, stride_of(w), NULL};
        size += level_size(w, h);
        w /= 2, h /= 2;
    } while (w >= SIDE_LEAST && h >= SIDE_LEAST && p->level_count < PYRAMID_LEVELS_MAX);
    p->memory = calloc(1, size);
    p->rows = malloc(4 * (size_t)width + 64);
    if (!p->memory || !p->rows) {
        pyramid_free(p);
        return -1;
    }
    uint8_t *at = p->memory;
    for (int i = 0; i < p->level_count; i++) {
        struct pyramid_level *l = &p->levels[i];
        l->pixels = at + PYRAMID_MARGIN * l->stride + PYRAMID_MARGIN;
        at += level_size(l->width, l->height);
    }
    p->width = width, p->height = height;
    return 0;
}

void pyramid_free(struct pyramid *p)
{
    free(p->memory);
    free(p->rows);
    *p = (struct pyramid){0};
}

/* The picture's row itself, or its green samples in `out`. */
static const uint8_t *luma_row(const struct picture *picture, int y, uint8_t *out)
{
    const uint8_t *row = picture->planes[0] + (size_t)y * (size_t)picture->strides[0];
    if (picture->format != PIXEL_RGB24 && picture->format != PIXEL_BGR24)
        return row;
    for (size_t x = 0; x < (size_t)picture->width; x++)
        out[x] = row[3 * x + 1];
    return out;
}

/* Row y of the picture halved `times` times; `scratch` has room for twice the row's width before halving, and
 * for what the rows above it need. */
static const uint8_t *shrunk_row(const struct picture *picture, const struct flow_kernels *k, int times,
                                 int y, uint8_t *out, uint8_t *scratch)
{
    if (times == 0)
        return luma_row(picture, y, out);
    size_t width = (size_t)(picture->width >> (times - 1));
    uint8_t *above = scratch, *below = scratch + width, *rest = below + width;
    const uint8_t *a = shrunk_row(picture, k, times - 1, 2 * y, above, rest);
    const uint8_t *b = shrunk_row(picture, k, times - 1, 2 * y + 1, below, rest);
    k->halve(a, b, out, width / 2);
    return out;
}

static void extend(const struct pyramid_level *l)
{
    for (int y = 0; y < l->height; y++) {
        uint8_t *row = l->pixels + (size_t)y * l->stride;
        memset(row - PYRAMID_MARGIN, row[0], PYRAMID_MARGIN);
        memset(row + l->width, row[l->width - 1], l->stride - PYRAMID_MARGIN - (size_t)l->width);
    }
    uint8_t *first = l->pixels - PYRAMID_MARGIN, *last = first + (size_t)(l->height - 1) * l->stride;
    for (size_t m = 1; m <= PYRAMID_MARGIN; m++) {
        memcpy(first - m * l->stride, first, l->stride);
        memcpy(last + m * l->stride, last, l->stride);
    }
}

void pyramid_fill(struct pyramid *p, const struct picture *picture, const struct flow_kernels *k)
{
    for (int i = 0; i < p->level_count; i++) {
        const struct pyramid_level *l = &p->levels[i], *finer = i > 0 ? l - 1 : NULL;
        for (int y = 0; y < l->height; y++) {
            uint8_t *out = l->pixels + (size_t)y * l->stride;
            if (finer) {
                const uint8_t *above = finer->pixels + (size_t)(2 * y) * finer->stride;
                k->halve(above, above + finer->stride, out, (size_t)l->width);
            } else {
                const uint8_t *row = shrunk_row(picture, k, p->shrink, y, out, p->rows);
                if (row != out)
                    memcpy(out, row, (size_t)l->width);
            }
        }
        extend(l);
    }
}
