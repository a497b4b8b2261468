#include "vision/thumb.h"

#include <string.h>

enum { ROWS_OF_A_CELL = 4 };

const uint8_t *picture_luma_row(const struct picture *picture, int y, int *step)
{
    bool packed = picture->format == PIXEL_RGB24 || picture->format == PIXEL_BGR24;
    *step = packed ? 3 : 1;
    return picture->planes[0] + (size_t)y * (size_t)picture->strides[0] + (packed ? 1 : 0);
}

static void add_row(const uint8_t *restrict row, int step, int width, uint16_t *restrict sums)
{
    if (step == 1) {
        for (int x = 0; x < width; x++)
            sums[x] = (uint16_t)(sums[x] + row[x]);
    } else {
        for (int x = 0; x < width; x++)
            sums[x] = (uint16_t)(sums[x] + row[x * step]);
    }
}

static void reduce(const uint16_t *sums, int rows, int width, uint8_t *out)
{
    for (int c = 0; c < THUMB_COLUMNS; c++) {
        int from = (int)((int64_t)c * width / THUMB_COLUMNS);
        int to = (int)((int64_t)(c + 1) * width / THUMB_COLUMNS);
        unsigned sum = 0;
        for (int x = from; x < to; x++)
            sum += sums[x];
        unsigned count = (unsigned)((to - from) * rows);
        out[c] = (uint8_t)((sum + count / 2) / count);
    }
}

bool thumb_take(const struct picture *picture, uint8_t thumb[THUMB_CELLS])
{
    uint16_t sums[PICTURE_SIDE_MAX];
    int width = picture->width, height = picture->height;
    if (width < THUMB_COLUMNS || height < THUMB_ROWS)
        return false;
    for (int r = 0; r < THUMB_ROWS; r++) {
        int from = (int)((int64_t)r * height / THUMB_ROWS);
        int to = (int)((int64_t)(r + 1) * height / THUMB_ROWS);
        int rows = to - from < ROWS_OF_A_CELL ? to - from : ROWS_OF_A_CELL;
        memset(sums, 0, (size_t)width * sizeof *sums);
        for (int i = 0; i < rows; i++) {
            int step, y = from + (2 * i + 1) * (to - from) / (2 * rows);
            const uint8_t *row = picture_luma_row(picture, y, &step);
            add_row(row, step, width, sums);
        }
        reduce(sums, rows, width, thumb + (size_t)r * THUMB_COLUMNS);
    }
    return true;
}
