#include "vision/density.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "geo/polygon.h"
#include "vision/density_model.h"
#include "vision/preprocess.h"

/* Sides are multiples of the network's deepest stride, twice over. TILE_CORE is what a tile contributes. */
enum { STEP = 32, TILE_CORE = 768, LONG_SIDE_NATIVE = 1536, GROWTH_MAX = 2 };

static const double Z90 = 1.6449;

/* What the network was trained on: see models/count/network.py. */
static const struct input_format format = {
    .bgr = true,
    .scale = {1 / 57.375F, 1 / 57.12F, 1 / 58.395F},
    .offset = {-103.53F / 57.375F, -116.28F / 57.12F, -123.675F / 58.395F},
    .grey = 114,
    .top_left = true,
};

struct density_network {
    struct density_model *models[DENSITY_MODELS_MAX];
    size_t count;
    atomic_llong runs, busy_ns;
};

struct density_context {
    struct density_network *network;
    struct preprocess *preprocess;
    float *input, *tile, *map;
    size_t input_floats, tile_floats, map_floats;
};

/* A stretch of one axis: `begin` to `end` is what a tile contributes, `from` to `to` what it sees. */
struct stretch {
    int begin, end, from, to;
};

/* What the tiles say of the picture as a whole, weighed by what they contribute; means of the models. */
struct whole {
    double rate, crowd[CROWD_CLASSES];
    double floor, share_low, share_high;
    double counts[DENSITY_MODELS_MAX]; /* of each model, within the region */
};

/* One picture being looked at. */
struct look {
    struct density_context *context;
    const struct picture *picture;
    const struct density_view *view;
    struct placement placement;
    struct whole whole;
};

const char *crowd_class_name(enum crowd_class crowd)
{
    static const char *const names[CROWD_CLASSES] = {"sparse", "moderate", "dense", "packed"};
    assert((int)crowd >= 0 && crowd < CROWD_CLASSES);
    return names[crowd];
}

/* --- the models ----------------------------------------------------------------------------------------- */

int density_open(const struct density_options *options, struct density_network **network, struct error *error)
{
    *network = NULL;
    if (options->more_count >= DENSITY_MODELS_MAX)
        return error_set(error, ERR_INVALID, "%zu density models: at most %d count together",
                         options->more_count + 1, DENSITY_MODELS_MAX);
    struct density_network *n = calloc(1, sizeof *n);
    if (n == NULL)
        return error_nomem(error, "a density network");
    int rc = 0;
    for (size_t i = 0; i <= options->more_count && rc == 0; i++) {
        rc = density_model_open(i == 0 ? options->model_path : options->more[i - 1], options->threads,
                                options->provider, &n->models[i], error);
        n->count += rc == 0;
        if (rc == ERR_NOT_FOUND && i > 0)
            rc = ERR_INVALID; /* what was asked for is not the same without it */
    }
    if (rc != 0)
        density_close(&n);
    *network = n;
    return rc;
}

void density_close(struct density_network **network)
{
    struct density_network *n = *network;
    *network = NULL;
    if (n == NULL)
        return;
    for (size_t i = 0; i < n->count; i++)
        density_model_close(&n->models[i]);
    free(n);
}

void density_figures(struct density_network *network, int64_t *runs, double *seconds)
{
    *runs = atomic_load(&network->runs);
    *seconds = (double)atomic_load(&network->busy_ns) / 1e9;
}

int density_context_create(struct density_network *network, struct density_context **context,
                           struct error *error)
{
    *context = NULL;
    struct density_context *c = calloc(1, sizeof *c);
    if (c == NULL)
        return error_nomem(error, "a density context");
    c->network = network;
    c->preprocess = preprocess_create(PREPROCESS_AUTO);
    if (c->preprocess == NULL) {
        free(c);
        return error_nomem(error, "a density context");
    }
    *context = c;
    return 0;
}

void density_context_destroy(struct density_context **context)
{
    struct density_context *c = *context;
    *context = NULL;
    if (c == NULL)
        return;
    preprocess_destroy(&c->preprocess);
    free(c->input);
    free(c->tile);
    free(c->map);
    free(c);
}

/* --- the input ------------------------------------------------------------------------------------------ */

/* A further factor, so that people have a size that was learned; `height`: of the input so far. */
static double fit_people(const struct density_view *view, double height, double most)
{
    double far_px = view->person_far * height, near_px = view->person_near * height;
    if (far_px > 0 && far_px < DENSITY_PERSON_LEAST)
        return fmin(fmin(GROWTH_MAX, most), DENSITY_PERSON_LEAST / far_px);
    if (near_px > DENSITY_PERSON_MOST)
        return fmax(0.5, DENSITY_PERSON_MOST / near_px);
    return 1;
}

int density_input_size(const struct density_view *view, int picture_width, int picture_height, int *width,
                       int *height, struct error *error)
{
    if (view->long_side < 0 || view->long_side > DENSITY_SIDE_MAX)
        return error_set(error, ERR_INVALID, "a long side of %d pixels: 1 to %d can be counted",
                         view->long_side, DENSITY_SIDE_MAX);
    double side = picture_width > picture_height ? picture_width : picture_height, factor = 1;
    if (view->long_side > 0)
        factor = view->long_side / side;
    else if (side < DENSITY_LONG_SIDE)
        factor = fmin(GROWTH_MAX, DENSITY_LONG_SIDE / side);
    else if (side > LONG_SIDE_NATIVE)
        factor = LONG_SIDE_NATIVE / side;
    if (view->long_side == 0)
        factor *= fit_people(view, picture_height * factor, fmax(1, GROWTH_MAX / factor));
    factor = fmin(factor, DENSITY_SIDE_MAX / side);
    *width = (int)fmax(1, rint(picture_width * factor));
    *height = (int)fmax(1, rint(picture_height * factor));
    return 0;
}

static int round_up(int value, int step)
{
    return (value + step - 1) / step * step;
}

static int grow(float **memory, size_t *have, size_t floats)
{
    if (floats <= *have)
        return 0;
    free(*memory);
    *have = 0;
    *memory = aligned_alloc(64, (floats * sizeof **memory + 63) / 64 * 64);
    if (*memory == NULL)
        return -1;
    *have = floats;
    return 0;
}

/* Beyond the content the input is 0, the mean colour, as in training. */
static void clear_beyond(float *input, const struct placement *p)
{
    for (int c = 0; c < 3; c++) {
        for (int y = 0; y < p->input_height; y++) {
            float *row = input + ((size_t)c * (size_t)p->input_height + (size_t)y) * (size_t)p->input_width;
            int from = y < p->height ? p->width : 0;
            memset(row + from, 0, (size_t)(p->input_width - from) * sizeof *row);
        }
    }
}

static int prepare(struct density_context *c, const struct picture *picture, const struct density_view *view,
                   struct placement *p, struct error *error)
{
    int rc = density_input_size(view, picture->width, picture->height, &p->width, &p->height, error);
    if (rc != 0)
        return rc;
    p->input_width = round_up(p->width, STEP);
    p->input_height = round_up(p->height, STEP);
    p->scale_x = (double)p->width / picture->width;
    p->scale_y = (double)p->height / picture->height;
    size_t floats = 3 * (size_t)p->input_width * (size_t)p->input_height;
    size_t cells = floats / 3 / (DENSITY_STRIDE * DENSITY_STRIDE);
    if (grow(&c->input, &c->input_floats, floats) != 0 || grow(&c->map, &c->map_floats, cells) != 0)
        return error_nomem(error, "a density network's input");
    struct mask_set masks = {view->mask_count, view->masks, view->mask_counts};
    rc = preprocess_run(c->preprocess, picture, &format, p, &masks, c->input, error);
    if (rc == 0)
        clear_beyond(c->input, p);
    return rc;
}

/* --- tiles ---------------------------------------------------------------------------------------------- */

static int tile_count(int side, bool tiled)
{
    return tiled ? (side + TILE_CORE - 1) / TILE_CORE : 1;
}

static struct stretch tile_stretch(int side, int count, int index)
{
    int core = count == 1 ? side : TILE_CORE;
    struct stretch s = {.begin = index * core, .end = (index + 1) * core};
    s.end = s.end < side ? s.end : side;
    s.from = s.begin > DENSITY_MARGIN ? s.begin - DENSITY_MARGIN : 0;
    s.to = s.end + DENSITY_MARGIN < side ? s.end + DENSITY_MARGIN : side;
    return s;
}

static void cut(const struct density_context *c, const struct placement *p, struct stretch across,
                struct stretch down)
{
    size_t width = (size_t)(across.to - across.from), height = (size_t)(down.to - down.from);
    for (size_t channel = 0; channel < 3; channel++) {
        const float *plane = c->input + channel * (size_t)p->input_width * (size_t)p->input_height;
        for (size_t y = 0; y < height; y++)
            memcpy(c->tile + (channel * height + y) * width,
                   plane + ((size_t)down.from + y) * (size_t)p->input_width + (size_t)across.from,
                   width * sizeof *plane);
    }
}

static bool is_counted(const struct look *look, int column, int row)
{
    const struct density_view *view = look->view;
    struct point at = {
        fmin(1, (column + 0.5) * DENSITY_STRIDE / look->placement.scale_x / look->picture->width),
        fmin(1, (row + 0.5) * DENSITY_STRIDE / look->placement.scale_y / look->picture->height)};
    if (view->region != NULL && !polygon_contains(view->region, view->region_count, at))
        return false;
    for (size_t i = 0; i < view->mask_count; i++)
        if (polygon_contains(view->masks[i], view->mask_counts[i], at))
            return false;
    return true;
}

/* A model's share of the mean goes into the tile's inner part of the map. */
static void keep_cells(struct look *look, const struct density_output *out, size_t model,
                       struct stretch across, struct stretch down)
{
    size_t models = look->context->network->count;
    size_t map_columns = (size_t)look->placement.input_width / DENSITY_STRIDE;
    int top = down.begin / DENSITY_STRIDE, left = across.begin / DENSITY_STRIDE;
    bool limited = look->view->region != NULL || look->view->mask_count > 0;
    for (int y = top; y < down.end / DENSITY_STRIDE; y++) {
        const float *row = out->cells + (size_t)(y - down.from / DENSITY_STRIDE) * (size_t)out->columns;
        float *to = look->context->map + (size_t)y * map_columns;
        for (int x = left; x < across.end / DENSITY_STRIDE; x++) {
            float people = row[x - across.from / DENSITY_STRIDE];
            people = isfinite(people) && people > 0 ? people : 0;
            to[x] = (model > 0 ? to[x] : 0) + people / (float)models;
            if (models > 1 && people > 0 && (!limited || is_counted(look, x, y)))
                look->whole.counts[model] += (double)people;
        }
    }
}

static void keep_whole(struct whole *whole, const struct density_output *out, double weight, double models)
{
    whole->rate += weight * out->rate / models;
    for (size_t k = 0; k < CROWD_CLASSES; k++)
        whole->crowd[k] += weight * out->crowd[k] / models;
    whole->floor += weight * out->floor / models;
    whole->share_low += weight * out->share_low / models;
    whole->share_high += weight * out->share_high / models;
}

static int run_tile(struct look *look, struct stretch across, struct stretch down, struct error *error)
{
    struct density_context *c = look->context;
    const struct placement *p = &look->placement;
    int width = across.to - across.from, height = down.to - down.from;
    bool all = width == p->input_width && height == p->input_height;
    if (!all) {
        if (grow(&c->tile, &c->tile_floats, 3 * (size_t)width * (size_t)height) != 0)
            return error_nomem(error, "a tile");
        cut(c, p, across, down);
    }
    double weight = (double)(across.end - across.begin) * (down.end - down.begin) /
                    ((double)p->input_width * p->input_height);
    int rc = 0;
    for (size_t i = 0; i < c->network->count && rc == 0; i++) {
        struct density_output out;
        rc = density_model_run(c->network->models[i], all ? c->input : c->tile, width, height, &out, error);
        if (rc != 0)
            break;
        keep_cells(look, &out, i, across, down);
        keep_whole(&look->whole, &out, weight, (double)c->network->count);
        density_output_release(&out);
    }
    return rc;
}

static int run_tiles(struct look *look, struct error *error)
{
    const struct placement *p = &look->placement;
    int limit = look->view->tile_pixels > 0 ? look->view->tile_pixels : DENSITY_TILE_PIXELS;
    bool tiled = (int64_t)p->input_width * p->input_height > limit;
    int across = tile_count(p->input_width, tiled), down = tile_count(p->input_height, tiled), rc = 0;
    for (int y = 0; y < down && rc == 0; y++)
        for (int x = 0; x < across && rc == 0; x++)
            rc = run_tile(look, tile_stretch(p->input_width, across, x),
                          tile_stretch(p->input_height, down, y), error);
    return rc;
}

/* --- the result ----------------------------------------------------------------------------------------- */

/* Drops the cells that are beyond the content, and empties those that the view leaves out. */
static void trim(const struct look *look, struct count_map *map)
{
    const struct placement *p = &look->placement;
    float *cells = look->context->map;
    map->columns = round_up(p->width, DENSITY_STRIDE) / DENSITY_STRIDE;
    map->rows = round_up(p->height, DENSITY_STRIDE) / DENSITY_STRIDE;
    map->cell_width = DENSITY_STRIDE / p->scale_x;
    map->cell_height = DENSITY_STRIDE / p->scale_y;
    map->people = cells;
    size_t stride = (size_t)p->input_width / DENSITY_STRIDE;
    bool limited = look->view->region != NULL || look->view->mask_count > 0;
    for (int y = 0; y < map->rows; y++) {
        float *to = cells + (size_t)y * (size_t)map->columns;
        memmove(to, cells + (size_t)y * stride, (size_t)map->columns * sizeof *to);
        for (int x = 0; limited && x < map->columns; x++)
            if (!is_counted(look, x, y))
                to[x] = 0;
    }
}

/* One deviation of the models' counts, as a share of their mean. */
static double spread(const struct whole *whole, size_t models)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < models; i++)
        mean += whole->counts[i] / (double)models;
    for (size_t i = 0; i < models; i++)
        square += (whole->counts[i] - mean) * (whole->counts[i] - mean);
    return models > 1 && mean > 0 ? sqrt(square / (double)(models - 1)) / mean : 0;
}

static void sum_up(const struct whole *whole, size_t models, struct density_result *result)
{
    size_t cells = (size_t)result->map.rows * (size_t)result->map.columns;
    for (size_t i = 0; i < cells; i++)
        result->count += (double)result->map.people[i];
    result->spread = spread(whole, models);
    result->floor = whole->floor;
    result->share_low = hypot(whole->share_low, Z90 * result->spread);
    result->share_high = hypot(whole->share_high, Z90 * result->spread);
    result->low = fmax(0, result->count * (1 - result->share_low) - result->floor);
    result->high = result->count * (1 + result->share_high) + result->floor;
    result->whole_count = whole->rate * (double)cells;
    for (int k = 1; k < CROWD_CLASSES; k++)
        if (whole->crowd[k] > whole->crowd[result->crowd])
            result->crowd = (enum crowd_class)k;
}

struct count_reading density_reading(const struct density_result *result)
{
    return (struct count_reading){result->map, result->floor, result->share_low, result->share_high};
}

int density_infer(struct density_network *network, struct density_context *context,
                  const struct picture *picture, const struct density_view *view,
                  struct density_result *result, struct error *error)
{
    assert(context->network == network);
    struct look look = {.context = context, .picture = picture, .view = view};
    *result = (struct density_result){0};
    int64_t begin_ns = clock_monotonic_ns();
    int rc = prepare(context, picture, view, &look.placement, error);
    rc = rc != 0 ? rc : run_tiles(&look, error);
    if (rc != 0)
        return rc;
    trim(&look, &result->map);
    sum_up(&look.whole, network->count, result);
    atomic_fetch_add(&network->runs, 1);
    atomic_fetch_add(&network->busy_ns, clock_monotonic_ns() - begin_ns);
    return 0;
}
