#include "vision/edges.h"

#include <stdlib.h>

#include "vision/thumb.h"

enum { ROWS_OF_A_TILE = 8, PIECE = 16, STRIDE = 8, SAMPLES_LEAST = 640, SAMPLES_MOST = 2 * SAMPLES_LEAST };

/* One row as samples of `group` pixels each. Returns how many. */
static int gather(const struct picture *picture, int y, int group, uint8_t out[SAMPLES_MOST])
{
    int step, count = picture->width / group;
    const uint8_t *row = picture_luma_row(picture, y, &step);
    for (int i = 0; i < count; i++) {
        int sum = group / 2;
        for (int k = 0; k < group; k++)
            sum += row[(i * group + k) * step];
        out[i] = (uint8_t)(sum / group);
    }
    return count;
}

/* The steepest step as a share of the piece's range; 0 where there is no edge. */
static float piece_sharpness(const uint8_t *p, int least_range)
{
    int low = 255, high = 0, steepest = 0;
    for (int i = 0; i < PIECE; i++) {
        low = p[i] < low ? p[i] : low;
        high = p[i] > high ? p[i] : high;
    }
    if (high - low < least_range)
        return 0;
    for (int i = 2; i < PIECE; i++) {
        int step = abs(p[i] - p[i - 2]);
        steepest = step > steepest ? step : steepest;
    }
    return (float)steepest / (float)(high - low);
}

static void add_row(const uint8_t *samples, int count, int tile_row, int least_range,
                    struct tile_edges *edges)
{
    for (int x = 0; x + PIECE <= count; x += STRIDE) {
        float sharpness = piece_sharpness(samples + x, least_range);
        int tile = tile_row * HEALTH_TILE_COLUMNS + (x + PIECE / 2) * HEALTH_TILE_COLUMNS / count;
        if (sharpness > 0) {
            edges->sharpness[tile] += sharpness;
            edges->count[tile]++;
        }
    }
}

void edges_measure(const struct picture *picture, int least_range, struct tile_edges *edges)
{
    uint8_t samples[SAMPLES_MOST];
    int group = picture->width >= SAMPLES_LEAST ? picture->width / SAMPLES_LEAST : 1;
    *edges = (struct tile_edges){0};
    for (int r = 0; r < HEALTH_TILE_ROWS * ROWS_OF_A_TILE; r++) {
        int y = (int)(((int64_t)2 * r + 1) * picture->height / (2 * HEALTH_TILE_ROWS * ROWS_OF_A_TILE));
        int count = gather(picture, y, group, samples);
        add_row(samples, count, r / ROWS_OF_A_TILE, least_range, edges);
    }
    for (int t = 0; t < HEALTH_TILES; t++)
        if (edges->count[t] > 0)
            edges->sharpness[t] /= (float)edges->count[t];
}
