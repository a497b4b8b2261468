#include "core/motion_field.h"

#include <math.h>
#include <string.h>

/* Two pixels' dx and dy. */
typedef float two_pixels __attribute__((vector_size(16)));

struct row_blend {
    const struct motion_cell *above, *below;
    float share; /* of the row below */
};

static int clamp(int value, int most)
{
    return value < 0 ? 0 : value > most ? most : value;
}

static void blend(const struct row_blend *row, int column, float out[2])
{
    const struct motion_cell *a = &row->above[column], *b = &row->below[column];
    out[0] = a->dx + (b->dx - a->dx) * row->share;
    out[1] = a->dy + (b->dy - a->dy) * row->share;
}

/* Pixels first to last - 1 of a row, which lie between two cells' middles: `at` is the first one's distance
 * from the left one, `step` that from pixel to pixel, in cells. */
static void ramp(const float left[2], const float right[2], float at, float step, int count, float *out)
{
    const two_pixels base = {left[0], left[1], left[0], left[1]};
    const two_pixels end = {right[0], right[1], right[0], right[1]};
    const two_pixels rise = end - base;
    two_pixels place = {at, at, at + step, at + step};
    int i = 0;
    for (; i + 2 <= count; i += 2, place += 2 * step) {
        two_pixels value = base + rise * place;
        memcpy(out + (size_t)(2 * i), &value, sizeof value);
    }
    if (i < count) {
        two_pixels value = base + rise * place;
        memcpy(out + (size_t)(2 * i), &value, sizeof value / 2);
    }
}

static void spread_row(const struct motion_field *field, const struct row_blend *row, int width, float *out)
{
    const double cell = field->cell_px;
    int x = 0;
    float left[2], right[2];
    blend(row, 0, right);
    for (int c = -1; c < field->columns && x < width; c++) {
        memcpy(left, right, sizeof left);
        blend(row, clamp(c + 1, field->columns - 1), right);
        /* The first pixel at or behind the right cell's middle. */
        int end = c + 1 < field->columns ? (int)ceil((c + 1.5) * cell - 0.5) : width;
        end = end < width ? end : width;
        if (end > x) {
            ramp(left, right, (float)((x + 0.5) / cell - 0.5 - c), (float)(1 / cell), end - x,
                 out + (size_t)(2 * x));
            x = end;
        }
    }
}

void motion_field_spread(const struct motion_field *field, int width, int height, float *out)
{
    for (int y = 0; y < height; y++) {
        double at = (y + 0.5) / field->cell_px - 0.5;
        int above = clamp((int)floor(at), field->rows - 1), below = clamp(above + 1, field->rows - 1);
        struct row_blend row = {field->cells + (size_t)above * (size_t)field->columns,
                                field->cells + (size_t)below * (size_t)field->columns,
                                (float)fmin(1, fmax(0, at - above))};
        spread_row(field, &row, width, out + 2 * (size_t)y * (size_t)width);
    }
}
