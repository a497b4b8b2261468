#include "vision/density.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "geo/polygon.h"
#include "infer/session.h"
#include "vision/preprocess.h"

/* Sides are multiples of the network's deepest stride, twice over. TILE_CORE is what a tile contributes. */
enum { STEP = 32, TILE_CORE = 768, LONG_SIDE_NATIVE = 1536, GROWTH_MAX = 2 };

enum output { OUTPUT_DENSITY, OUTPUT_RATE, OUTPUT_CROWD, OUTPUT_INTERVAL, OUTPUTS };
static const char *const output_names[OUTPUTS] = {"density", "rate", "crowd", "interval"};
enum interval_part { INTERVAL_FLOOR, INTERVAL_LOW, INTERVAL_HIGH, INTERVAL_PARTS };

/* What the network was trained on: see models/count/network.py. */
static const struct input_format format = {
    .bgr = true,
    .scale = {1 / 57.375F, 1 / 57.12F, 1 / 58.395F},
    .offset = {-103.53F / 57.375F, -116.28F / 57.12F, -123.675F / 58.395F},
    .grey = 114,
    .top_left = true,
};

struct density_network {
    struct session *session;
    size_t output[OUTPUTS]; /* their places in the model */
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

/* What the tiles say of the picture as a whole, weighed by what they contribute. */
struct whole {
    double rate, crowd[CROWD_CLASSES];
    double interval[INTERVAL_PARTS];
};

const char *crowd_class_name(enum crowd_class crowd)
{
    static const char *const names[CROWD_CLASSES] = {"sparse", "moderate", "dense", "packed"};
    assert((int)crowd >= 0 && crowd < CROWD_CLASSES);
    return names[crowd];
}

/* --- the model ------------------------------------------------------------------------------------------ */

static int find_outputs(struct density_network *n, struct error *error)
{
    for (size_t o = 0; o < OUTPUTS; o++) {
        size_t i = 0;
        while (i < session_output_count(n->session) &&
               strcmp(session_output(n->session, i)->name, output_names[o]) != 0)
            i++;
        if (i == session_output_count(n->session))
            return error_set(
                error, ERR_FORMAT,
                "model %s: no output \"%s\"; a density network has density, rate, crowd, interval",
                session_path(n->session), output_names[o]);
        n->output[o] = i;
    }
    return 0;
}

static int check_input(const struct density_network *n, struct error *error)
{
    char shape[TENSOR_SHAPE_TEXT];
    const struct tensor_info *in = session_input(n->session, 0);
    if (session_input_count(n->session) == 1 && in->rank == 4 && in->shape[1] == 3 && in->shape[2] == -1 &&
        in->shape[3] == -1)
        return 0;
    return error_set(error, ERR_FORMAT,
                     "model %s: input \"%s\" is %s; a density network takes 1x3xHEIGHTxWIDTH, both free",
                     session_path(n->session), in->name, tensor_shape_text(in->shape, in->rank, shape));
}

int density_open(const struct density_options *options, struct density_network **network, struct error *error)
{
    *network = NULL;
    if (!file_exists(options->model_path))
        return error_set(error, ERR_NOT_FOUND, "no density model installed: %s: no such file",
                         options->model_path);
    struct density_network *n = calloc(1, sizeof *n);
    if (n == NULL)
        return error_nomem(error, "a density network");
    struct session_options session = {
        .path = options->model_path, .threads = options->threads, .provider = options->provider};
    int rc = session_open(&session, &n->session, error);
    rc = rc != 0 ? rc : check_input(n, error);
    rc = rc != 0 ? rc : find_outputs(n, error);
    if (rc != 0) {
        density_close(&n);
        return rc;
    }
    *network = n;
    return 0;
}

void density_close(struct density_network **network)
{
    struct density_network *n = *network;
    *network = NULL;
    if (n == NULL)
        return;
    session_close(&n->session);
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

static int check_outputs(const struct density_network *n, const struct tensor *out, int64_t rows,
                         int64_t columns, struct error *error)
{
    const struct tensor *d = &out[n->output[OUTPUT_DENSITY]], *rate = &out[n->output[OUTPUT_RATE]],
                        *crowd = &out[n->output[OUTPUT_CROWD]], *bar = &out[n->output[OUTPUT_INTERVAL]];
    if (d->rank == 4 && d->shape[0] == 1 && d->shape[1] == 1 && d->shape[2] == rows &&
        d->shape[3] == columns && rate->rank == 2 && rate->shape[1] == 1 && crowd->rank == 2 &&
        crowd->shape[1] == CROWD_CLASSES && bar->rank == 2 && bar->shape[1] == INTERVAL_PARTS)
        return 0;
    char shape[TENSOR_SHAPE_TEXT];
    return error_set(error, ERR_FORMAT,
                     "model %s: output \"density\" is %s where 1x1x%lldx%lld is needed, or "
                     "\"rate\", \"crowd\", \"interval\" are not 1x1, 1x4, 1x3",
                     session_path(n->session), tensor_shape_text(d->shape, d->rank, shape), (long long)rows,
                     (long long)columns);
}

/* The tile's inner part goes into the map. */
static void keep(const struct density_context *c, const struct tensor *out, int map_columns,
                 struct stretch across, struct stretch down, double weight, struct whole *whole)
{
    const struct density_network *n = c->network;
    const float *density = out[n->output[OUTPUT_DENSITY]].data;
    size_t columns = (size_t)(across.to - across.from) / DENSITY_STRIDE;
    size_t left = (size_t)(across.begin - across.from) / DENSITY_STRIDE;
    size_t width = (size_t)(across.end - across.begin) / DENSITY_STRIDE;
    for (int y = down.begin / DENSITY_STRIDE; y < down.end / DENSITY_STRIDE; y++) {
        const float *row = density + (size_t)(y - down.from / DENSITY_STRIDE) * columns + left;
        float *to = c->map + (size_t)y * (size_t)map_columns + (size_t)(across.begin / DENSITY_STRIDE);
        for (size_t x = 0; x < width; x++)
            to[x] = isfinite(row[x]) && row[x] > 0 ? row[x] : 0;
    }
    whole->rate += weight * (double)out[n->output[OUTPUT_RATE]].data[0];
    for (size_t k = 0; k < CROWD_CLASSES; k++)
        whole->crowd[k] += weight * (double)out[n->output[OUTPUT_CROWD]].data[k];
    for (size_t k = 0; k < INTERVAL_PARTS; k++)
        whole->interval[k] = (double)out[n->output[OUTPUT_INTERVAL]].data[k];
}

static int run_tile(struct density_context *c, const struct placement *p, struct stretch across,
                    struct stretch down, struct whole *whole, struct error *error)
{
    int64_t width = across.to - across.from, height = down.to - down.from;
    bool all = width == p->input_width && height == p->input_height;
    if (!all) {
        if (grow(&c->tile, &c->tile_floats, 3 * (size_t)width * (size_t)height) != 0)
            return error_nomem(error, "a tile");
        cut(c, p, across, down);
    }
    struct tensor in = {.rank = 4, .shape = {1, 3, height, width}, .data = all ? c->input : c->tile};
    struct tensor out[SESSION_TENSORS_MAX];
    struct session_outputs *hold = NULL;
    int rc = session_run(c->network->session, &in, out, &hold, error);
    if (rc != 0)
        return rc;
    rc = check_outputs(c->network, out, height / DENSITY_STRIDE, width / DENSITY_STRIDE, error);
    double weight = (double)(across.end - across.begin) * (down.end - down.begin) /
                    ((double)p->input_width * p->input_height);
    if (rc == 0)
        keep(c, out, p->input_width / DENSITY_STRIDE, across, down, weight, whole);
    session_outputs_release(&hold);
    return rc;
}

static int run_tiles(struct density_context *c, const struct placement *p, const struct density_view *view,
                     struct whole *whole, struct error *error)
{
    int limit = view->tile_pixels > 0 ? view->tile_pixels : DENSITY_TILE_PIXELS;
    bool tiled = (int64_t)p->input_width * p->input_height > limit;
    int across = tile_count(p->input_width, tiled), down = tile_count(p->input_height, tiled);
    for (int y = 0; y < down; y++) {
        for (int x = 0; x < across; x++) {
            int rc = run_tile(c, p, tile_stretch(p->input_width, across, x),
                              tile_stretch(p->input_height, down, y), whole, error);
            if (rc != 0)
                return rc;
        }
    }
    return 0;
}

/* --- the result ----------------------------------------------------------------------------------------- */

static bool is_counted(const struct density_view *view, struct point at)
{
    if (view->region != NULL && !polygon_contains(view->region, view->region_count, at))
        return false;
    for (size_t i = 0; i < view->mask_count; i++)
        if (polygon_contains(view->masks[i], view->mask_counts[i], at))
            return false;
    return true;
}

/* Drops the cells that are beyond the content, and empties those that the view leaves out. */
static void trim(struct density_context *c, const struct placement *p, const struct picture *picture,
                 const struct density_view *view, struct count_map *map)
{
    map->columns = round_up(p->width, DENSITY_STRIDE) / DENSITY_STRIDE;
    map->rows = round_up(p->height, DENSITY_STRIDE) / DENSITY_STRIDE;
    map->cell_width = DENSITY_STRIDE / p->scale_x;
    map->cell_height = DENSITY_STRIDE / p->scale_y;
    map->people = c->map;
    size_t stride = (size_t)p->input_width / DENSITY_STRIDE;
    bool limited = view->region != NULL || view->mask_count > 0;
    for (int y = 0; y < map->rows; y++) {
        float *to = c->map + (size_t)y * (size_t)map->columns;
        memmove(to, c->map + (size_t)y * stride, (size_t)map->columns * sizeof *to);
        for (int x = 0; limited && x < map->columns; x++) {
            struct point at = {fmin(1, (x + 0.5) * map->cell_width / picture->width),
                               fmin(1, (y + 0.5) * map->cell_height / picture->height)};
            if (!is_counted(view, at))
                to[x] = 0;
        }
    }
}

static void sum_up(const struct whole *whole, struct density_result *result)
{
    size_t cells = (size_t)result->map.rows * (size_t)result->map.columns;
    for (size_t i = 0; i < cells; i++)
        result->count += (double)result->map.people[i];
    result->floor = whole->interval[INTERVAL_FLOOR];
    result->share_low = whole->interval[INTERVAL_LOW];
    result->share_high = whole->interval[INTERVAL_HIGH];
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
    struct placement placement = {0};
    struct whole whole = {0};
    *result = (struct density_result){0};
    int64_t begin_ns = clock_monotonic_ns();
    int rc = prepare(context, picture, view, &placement, error);
    rc = rc != 0 ? rc : run_tiles(context, &placement, view, &whole, error);
    if (rc != 0)
        return rc;
    trim(context, &placement, picture, view, &result->map);
    sum_up(&whole, result);
    atomic_fetch_add(&network->runs, 1);
    atomic_fetch_add(&network->busy_ns, clock_monotonic_ns() - begin_ns);
    return 0;
}
