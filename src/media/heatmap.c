#include "media/heatmap.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "media/convert.h"
#include "media/draw.h"

enum { LEGEND_TEXT = 64, LEVELS = 256, BAR_WIDTH = 128 };
static const double unit_px = 100, scale_least = 1;

/* draw_density_ink's colours end at 8. */
static const double ink_end = 8;

/* Between the centres of the four nearest cells, bilinear. */
static double density_at(const struct count_map *m, double x, double y)
{
    double column = fmin(fmax(x / m->cell_width - 0.5, 0), m->columns - 1);
    double row = fmin(fmax(y / m->cell_height - 0.5, 0), m->rows - 1);
    int left = (int)column, top = (int)row;
    int right = left + 1 < m->columns ? left + 1 : left, bottom = top + 1 < m->rows ? top + 1 : top;
    const float *upper = m->people + (size_t)top * (size_t)m->columns;
    const float *lower = m->people + (size_t)bottom * (size_t)m->columns;
    double u = column - left, v = row - top;
    double above = (1 - u) * (double)upper[left] + u * (double)upper[right];
    double below = (1 - u) * (double)lower[left] + u * (double)lower[right];
    return ((1 - v) * above + v * below) * unit_px * unit_px / (m->cell_width * m->cell_height);
}

static double greatest(const struct count_map *m)
{
    float most = 0;
    for (size_t i = 0; i < (size_t)m->rows * (size_t)m->columns; i++)
        most = fmaxf(most, m->people[i]);
    return fmax(scale_least, (double)most * unit_px * unit_px / (m->cell_width * m->cell_height));
}

static uint8_t mix(uint8_t under, unsigned char over, double opacity)
{
    return (uint8_t)lround(under * (1 - opacity) + over * opacity);
}

static void paint(struct picture *out, const struct count_map *map, double most)
{
    struct ink inks[LEVELS];
    for (int i = 0; i < LEVELS; i++)
        inks[i] = draw_density_ink(ink_end * i / (LEVELS - 1));
    for (int y = 0; y < out->height; y++) {
        uint8_t *row = (uint8_t *)(uintptr_t)out->planes[0] + (size_t)y * (size_t)out->strides[0];
        for (int x = 0; x < out->width; x++, row += 3) {
            double share = density_at(map, x + 0.5, y + 0.5) / most;
            struct ink ink = inks[(int)(fmin(fmax(share, 0), 1) * (LEVELS - 1))];
            row[0] = mix(row[0], ink.r, ink.opacity);
            row[1] = mix(row[1], ink.g, ink.opacity);
            row[2] = mix(row[2], ink.b, ink.opacity);
        }
    }
}

static void legend(struct picture *out, double most)
{
    char text[LEGEND_TEXT];
    int scale = out->width >= 1600 ? 2 : 1, bar = BAR_WIDTH * scale, height = 8 * scale;
    int x0 = out->width - bar - 8 * scale, y0 = out->height - height - 8 * scale;
    for (int i = 0; i < bar; i++) {
        struct ink ink = draw_density_ink(ink_end * i / bar);
        struct ink solid = {ink.r, ink.g, ink.b, ink.opacity > 0 ? 1 : 0};
        draw_line(out, (struct point){x0 + i + 0.5, y0}, (struct point){x0 + i + 0.5, y0 + height}, 1, solid);
    }
    text_format(text, sizeof text, "0 to %.1f people per 100x100 px", most);
    draw_label(out, out->width - draw_text_width(text, scale) - 8 * scale,
               y0 - draw_text_height(scale) - 6 * scale, text, scale, (struct ink){255, 255, 255, 1});
}

int heatmap_draw(const struct picture *picture, const struct count_map *map, const char *title,
                 struct picture **result, struct error *error)
{
    *result = NULL;
    struct converter *converter = converter_create();
    struct picture *out = picture_create(PIXEL_RGB24, picture->width, picture->height);
    int rc = converter == NULL || out == NULL ? error_nomem(error, "a heat map") : 0;
    rc = rc != 0 ? rc : converter_run(converter, picture, out, error);
    converter_destroy(&converter);
    if (rc != 0) {
        picture_unref(&out);
        return rc;
    }
    double most = greatest(map);
    paint(out, map, most);
    legend(out, most);
    if (title != NULL)
        draw_label(out, 8, 8, title, out->width >= 1600 ? 2 : 1, (struct ink){255, 255, 255, 1});
    *result = out;
    return 0;
}
