#include "vision/density_sum.h"

#include <math.h>

#include "geo/polygon.h"

static const double Z90 = 1.6449;

static bool is_limited(const struct density_scene *scene)
{
    return scene->region != NULL || scene->masks.count > 0;
}

static bool is_counted(const struct density_scene *scene, int column, int row)
{
    struct point at = {
        fmin(1, (column + 0.5) * DENSITY_STRIDE / scene->placement.scale_x / scene->picture_width),
        fmin(1, (row + 0.5) * DENSITY_STRIDE / scene->placement.scale_y / scene->picture_height)};
    if (scene->region != NULL && !polygon_contains(scene->region, scene->region_count, at))
        return false;
    for (size_t i = 0; i < scene->masks.count; i++)
        if (polygon_contains(scene->masks.polygons[i], scene->masks.corner_counts[i], at))
            return false;
    return true;
}

/* A model's share of the mean goes into the tile's inner part of the map. */
static void add_cells(struct density_sum *sum, size_t model, const struct density_output *out,
                      struct density_stretch across, struct density_stretch down)
{
    size_t map_columns = (size_t)sum->scene->placement.input_width / DENSITY_STRIDE;
    int top = down.begin / DENSITY_STRIDE, left = across.begin / DENSITY_STRIDE;
    bool limited = is_limited(sum->scene);
    for (int y = top; y < down.end / DENSITY_STRIDE; y++) {
        const float *row = out->cells + (size_t)(y - down.from / DENSITY_STRIDE) * (size_t)out->columns;
        float *to = sum->map + (size_t)y * map_columns;
        for (int x = left; x < across.end / DENSITY_STRIDE; x++) {
            float people = row[x - across.from / DENSITY_STRIDE];
            people = isfinite(people) && people > 0 ? people : 0;
            to[x] = (model > 0 ? to[x] : 0) + people / (float)sum->models;
            if (sum->models > 1 && people > 0 && (!limited || is_counted(sum->scene, x, y)))
                sum->counts[model] += (double)people;
        }
    }
}

void density_sum_add(struct density_sum *sum, size_t model, const struct density_output *output,
                     struct density_stretch across, struct density_stretch down)
{
    const struct placement *p = &sum->scene->placement;
    double area = (double)(across.end - across.begin) * (down.end - down.begin);
    double weight = area / ((double)p->input_width * p->input_height), models = (double)sum->models;
    add_cells(sum, model, output, across, down);
    sum->rate += weight * output->rate / models;
    for (size_t k = 0; k < CROWD_CLASSES; k++)
        sum->crowd[k] += weight * output->crowd[k] / models;
    sum->floor += weight * output->floor / models;
    sum->share_low += weight * output->share_low / models;
    sum->share_high += weight * output->share_high / models;
}

/* One axis: the picture's cells, and how far from the input's border the first begins. */
struct axis_cells {
    int count, first; /* the input's cell in which the first begins */
    double shift;     /* by this share of a cell */
    bool reaches_on;  /* the picture reaches into the input's cell after those */
};

static struct axis_cells axis_cells(int offset, int length)
{
    int count = (length + DENSITY_STRIDE - 1) / DENSITY_STRIDE, inside = offset % DENSITY_STRIDE;
    return (struct axis_cells){count, offset / DENSITY_STRIDE, (double)inside / DENSITY_STRIDE,
                               inside + length > count * DENSITY_STRIDE};
}

/* What a cell of the picture holds of the input's cell that it begins in, and of the next one. */
static double share_of_first(const struct axis_cells *a, int index)
{
    return index == 0 ? 1 : 1 - a->shift;
}

static double share_of_next(const struct axis_cells *a, int index)
{
    return index < a->count - 1 ? a->shift : a->reaches_on;
}

static double along_row(const float *row, const struct axis_cells *across, int x)
{
    double next = share_of_next(across, x);
    row += across->first + x;
    return share_of_first(across, x) * (double)row[0] + (next > 0 ? next * (double)row[1] : 0);
}

/* The cells move towards the front of the memory they are in: none is needed again once it is written to. */
static void trim(const struct density_sum *sum, struct count_map *map)
{
    const struct placement *p = &sum->scene->placement;
    const struct axis_cells across = axis_cells(p->x, p->width), down = axis_cells(p->y, p->height);
    size_t stride = (size_t)p->input_width / DENSITY_STRIDE;
    bool limited = is_limited(sum->scene);
    for (int y = 0; y < down.count; y++) {
        const float *from = sum->map + (size_t)(down.first + y) * stride;
        float *to = sum->map + (size_t)y * (size_t)across.count;
        double here = share_of_first(&down, y), below = share_of_next(&down, y);
        for (int x = 0; x < across.count; x++) {
            double people = here * along_row(from, &across, x);
            if (below > 0)
                people += below * along_row(from + stride, &across, x);
            to[x] = !limited || is_counted(sum->scene, x, y) ? (float)people : 0;
        }
    }
    *map = (struct count_map){.columns = across.count,
                              .rows = down.count,
                              .cell_width = DENSITY_STRIDE / p->scale_x,
                              .cell_height = DENSITY_STRIDE / p->scale_y,
                              .people = sum->map};
}

/* One deviation of the models' counts, as a share of their mean. */
static double spread(const struct density_sum *sum)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < sum->models; i++)
        mean += sum->counts[i] / (double)sum->models;
    for (size_t i = 0; i < sum->models; i++)
        square += (sum->counts[i] - mean) * (sum->counts[i] - mean);
    return sum->models > 1 && mean > 0 ? sqrt(square / (double)(sum->models - 1)) / mean : 0;
}

void density_sum_finish(struct density_sum *sum, struct density_result *result)
{
    *result = (struct density_result){0};
    trim(sum, &result->map);
    size_t cells = (size_t)result->map.rows * (size_t)result->map.columns;
    for (size_t i = 0; i < cells; i++)
        result->count += (double)result->map.people[i];
    result->spread = spread(sum);
    result->floor = sum->floor;
    result->share_low = hypot(sum->share_low, Z90 * result->spread);
    result->share_high = hypot(sum->share_high, Z90 * result->spread);
    result->low = fmax(0, result->count * (1 - result->share_low) - result->floor);
    result->high = result->count * (1 + result->share_high) + result->floor;
    result->whole_count = sum->rate * (double)cells;
    for (int k = 1; k < CROWD_CLASSES; k++)
        if (sum->crowd[k] > sum->crowd[result->crowd])
            result->crowd = (enum crowd_class)k;
}

struct count_reading density_reading(const struct density_result *result)
{
    return (struct count_reading){result->map, result->floor, result->share_low, result->share_high};
}
