#include "crowd/handover.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the formulas of the header are made of; people per block. */
static const double DENSITY_LEAST = 0.1;
static const double BOXES_LEAST = 0.01;
static const double BOXES_SHARE = 0.06;
static const double MISSED_FROM = 0.5;
static const double MISSED_FACTOR = 3;
static const double Z90 = 1.6449;

static const double REGIME_SHARE = 0.1;
static const double REGIME_HYSTERESIS = 0.05;
/* The middle of a head is so far below the top of its box. */
static const double HEAD_SHARE = 0.07;

struct handover {
    int columns, rows;                /* of blocks; 0 = there is no reading */
    double block_width, block_height; /* pixels of the displayed picture */
    double *density, *boxes;          /* per block */
    double *weights;
    size_t capacity;
    enum counting_mode mode;
};

struct handover *handover_create(void)
{
    return calloc(1, sizeof(struct handover));
}

void handover_destroy(struct handover **handover)
{
    if (*handover) {
        free((*handover)->density);
        free((*handover)->boxes);
        free((*handover)->weights);
        free(*handover);
        *handover = NULL;
    }
}

static double variance(double deviation, double count, double other, double other_deviation)
{
    const double missed = fmax(0, other - count - MISSED_FROM * other_deviation);
    return deviation * deviation + MISSED_FACTOR * MISSED_FACTOR * missed * missed;
}

double handover_weight_of(double density, double boxes, double share)
{
    const double of_density = DENSITY_LEAST + share * density;
    const double of_boxes = BOXES_LEAST + BOXES_SHARE * boxes;
    const double v_density = variance(of_density, density, boxes, of_boxes);
    const double v_boxes = variance(of_boxes, boxes, density, of_density);
    return v_density / (v_density + v_boxes);
}

static int reserve(struct handover *h, size_t count, struct error *error)
{
    if (count <= h->capacity) {
        return 0;
    }
    free(h->density);
    free(h->boxes);
    free(h->weights);
    h->density = malloc(count * sizeof(*h->density));
    h->boxes = malloc(count * sizeof(*h->boxes));
    h->weights = malloc(count * sizeof(*h->weights));
    h->capacity = h->density && h->boxes && h->weights ? count : 0;
    return h->capacity ? 0 : error_nomem(error, "the hand-over");
}

/* Between the centres of the four nearest blocks, so that a head and its cell, which are never at quite the
 * same place, do not fall into different ones. */
struct four {
    size_t block[4];
    double share[4];
};

static struct four nearest(const struct handover *h, struct point pixel)
{
    const double x = fmin(fmax(pixel.x / h->block_width - 0.5, 0), h->columns - 1);
    const double y = fmin(fmax(pixel.y / h->block_height - 0.5, 0), h->rows - 1);
    const size_t columns = (size_t)h->columns;
    const size_t left = (size_t)x;
    const size_t top = (size_t)y;
    const size_t right = left + 1 < columns ? left + 1 : left;
    const size_t bottom = top + 1 < (size_t)h->rows ? top + 1 : top;
    const double u = x - (double)left;
    const double v = y - (double)top;
    return (struct four){.block = {top * columns + left, top * columns + right, bottom * columns + left,
                                   bottom * columns + right},
                         .share = {(1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u}};
}

static void spread(const struct handover *h, double *blocks, struct point pixel, double people)
{
    const struct four f = nearest(h, pixel);
    for (int i = 0; i < 4; i++) {
        blocks[f.block[i]] += f.share[i] * people;
    }
}

static void sum_density(struct handover *h, const struct count_map *map)
{
    for (int y = 0; y < map->rows; y++) {
        const float *row = map->people + (size_t)y * (size_t)map->columns;
        for (int x = 0; x < map->columns; x++) {
            const struct point centre = {(x + 0.5) * map->cell_width, (y + 0.5) * map->cell_height};
            spread(h, h->density, centre, (double)row[x]);
        }
    }
}

static void sum_boxes(struct handover *h, const struct point *heads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        spread(h, h->boxes, heads[i], 1);
    }
}

/* Of the block and its neighbours; those at the edge have fewer. */
static double mean_around(const struct handover *h, const double *blocks, int column, int row)
{
    double sum = 0;
    int count = 0;
    for (int y = row - 1; y <= row + 1; y++) {
        for (int x = column - 1; x <= column + 1; x++) {
            if (x >= 0 && y >= 0 && x < h->columns && y < h->rows) {
                sum += blocks[y * h->columns + x];
                count++;
            }
        }
    }
    return sum / count;
}

int handover_weigh(struct handover *handover, const struct count_reading *reading, const struct point *heads,
                   size_t head_count, enum counting_mode mode, struct error *error)
{
    struct handover *h = handover;
    h->mode = mode;
    h->columns = 0;
    h->rows = 0;
    if (!reading || mode == COUNTING_BOXES || reading->map.columns < 1 || reading->map.rows < 1) {
        return 0;
    }
    const struct count_map *map = &reading->map;
    const int columns = (map->columns + HANDOVER_BLOCK_CELLS - 1) / HANDOVER_BLOCK_CELLS;
    const int rows = (map->rows + HANDOVER_BLOCK_CELLS - 1) / HANDOVER_BLOCK_CELLS;
    const int rc = reserve(h, (size_t)columns * (size_t)rows, error);
    if (rc) {
        return rc;
    }
    h->columns = columns;
    h->rows = rows;
    h->block_width = map->cell_width * HANDOVER_BLOCK_CELLS;
    h->block_height = map->cell_height * HANDOVER_BLOCK_CELLS;
    memset(h->density, 0, (size_t)columns * (size_t)rows * sizeof(*h->density));
    memset(h->boxes, 0, (size_t)columns * (size_t)rows * sizeof(*h->boxes));
    sum_density(h, map);
    sum_boxes(h, heads, head_count);
    const double share = (reading->share_low + reading->share_high) / 2 / Z90;
    for (int y = 0; y < rows; y++) {
        for (int x = 0; x < columns; x++) {
            h->weights[y * columns + x] =
                handover_weight_of(mean_around(h, h->density, x, y), mean_around(h, h->boxes, x, y), share);
        }
    }
    return 0;
}

bool handover_has_reading(const struct handover *handover)
{
    return handover->columns > 0;
}

double handover_weight(const struct handover *handover, struct point pixel)
{
    const struct handover *h = handover;
    if (h->columns == 0 || h->mode == COUNTING_DENSITY) {
        return h->columns == 0 ? 1 : 0;
    }
    const struct four f = nearest(h, pixel);
    double weight = 0;
    for (int i = 0; i < 4; i++) {
        weight += f.share[i] * h->weights[f.block[i]];
    }
    return weight;
}

struct point box_head(struct box box)
{
    return (struct point){(double)box.x + (double)box.w / 2, (double)box.y + HEAD_SHARE * (double)box.h};
}

void handover_add_box(struct handover_sum *sum, double weight)
{
    sum->boxes += 1;
    sum->boxes_kept += weight;
}

void handover_add_cell(struct handover_sum *sum, double weight, double people)
{
    sum->density += people;
    sum->density_kept += (1 - weight) * people;
}

struct measure handover_measure(const struct handover *handover, const struct handover_sum *sum,
                                const struct measure *boxes, const struct count_reading *reading)
{
    if (!boxes->valid || handover->columns == 0) {
        return *boxes;
    }
    const double kept = sum->boxes > 0 ? sum->boxes_kept / sum->boxes : 1;
    const double value = boxes->value * kept + sum->density_kept;
    const double floor = sum->density > 0 ? reading->floor * sum->density_kept / sum->density : 0;
    const double missed = fmax(0, sum->density - sum->density_kept - sum->boxes_kept);
    const double low = hypot((boxes->value - boxes->low) * kept,
                             fmin(sum->density_kept, floor + reading->share_low * sum->density_kept));
    const double high =
        hypot((boxes->high - boxes->value) * kept + missed, floor + reading->share_high * sum->density_kept);
    return measure_between(value, fmax(0, value - low), value + high);
}

enum regime handover_regime(const struct handover *handover, const struct handover_sum *sum,
                            enum regime before)
{
    const double all = sum->boxes_kept + sum->density_kept;
    if (handover->columns == 0) {
        return REGIME_BOXES;
    }
    if (handover->mode == COUNTING_DENSITY) {
        return REGIME_DENSITY;
    }
    const double share = all > 0 ? sum->density_kept / all : 0;
    const double to_boxes = before == REGIME_BOXES ? REGIME_SHARE + REGIME_HYSTERESIS : REGIME_SHARE;
    const double to_density =
        before == REGIME_DENSITY ? 1 - REGIME_SHARE - REGIME_HYSTERESIS : 1 - REGIME_SHARE;
    return all < 1 || share <= to_boxes ? REGIME_BOXES
           : share >= to_density        ? REGIME_DENSITY
                                        : REGIME_BLENDED;
}
