#include "vision/density.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "vision/density_model.h"
#include "vision/density_sum.h"
#include "vision/density_tiles.h"
#include "vision/network_internal.h"
#include "vision/preprocess.h"

/* Sides are multiples of the network's deepest stride, twice over. */
enum { STEP = 32 };

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
    struct network *detector; /* lent: whose head it is; NULL: models of their own */
    atomic_llong runs, busy_ns;
};

struct density_context {
    struct density_network *network;
    struct preprocess *preprocess;
    float *input, *tile, *map;
    size_t input_floats, tile_floats, map_floats;
};

/* One picture being looked at. */
struct look {
    struct density_context *context;
    const struct density_view *view;
    struct density_scene scene;
    struct density_sum sum;
};

const char *crowd_class_name(enum crowd_class crowd)
{
    static const char *const names[CROWD_CLASSES] = {"sparse", "moderate", "dense", "packed"};
    assert((int)crowd >= 0 && crowd < CROWD_CLASSES);
    return names[crowd];
}

/* --- the models ----------------------------------------------------------------------------------------- */

/* No model of its own: what the detector's file holds is run once more, or read off the detector's own
 * passes. */
static int take_head(struct density_network *n, const struct density_options *options, struct error *error)
{
    if (options->more_count > 0)
        return error_set(error, ERR_INVALID,
                         "the detector's own density head counts alone, without an ensemble");
    if (!network_has_density(options->detector))
        return error_set(error, ERR_INVALID,
                         "the detector%s%s has no density head (models/attach_head.py puts one on)",
                         options->detector->session != NULL ? " " : "",
                         options->detector->session != NULL ? session_path(options->detector->session) : "");
    n->models[0] = density_model_of(options->detector->session, &options->detector->head);
    if (n->models[0] == NULL)
        return error_nomem(error, "a density network");
    n->count = 1;
    n->detector = options->detector;
    return 0;
}

static int open_models(struct density_network *n, const struct density_options *options, struct error *error)
{
    if (options->more_count >= DENSITY_MODELS_MAX)
        return error_set(error, ERR_INVALID, "%zu density models: at most %d count together",
                         options->more_count + 1, DENSITY_MODELS_MAX);
    int rc = 0;
    for (size_t i = 0; i <= options->more_count && rc == 0; i++) {
        rc = density_model_open(i == 0 ? options->model_path : options->more[i - 1], options->threads,
                                options->provider, &n->models[i], error);
        n->count += rc == 0;
        if (rc == ERR_NOT_FOUND && i > 0)
            rc = ERR_INVALID; /* what was asked for is not the same without it */
    }
    return rc;
}

int density_open(const struct density_options *options, struct density_network **network, struct error *error)
{
    *network = NULL;
    struct density_network *n = calloc(1, sizeof *n);
    if (n == NULL)
        return error_nomem(error, "a density network");
    int rc = options->detector != NULL ? take_head(n, options, error) : open_models(n, options, error);
    if (rc != 0)
        density_close(&n);
    *network = n;
    return rc;
}

bool density_is_head(const struct density_network *network)
{
    return network->detector != NULL;
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
    if (network->detector != NULL)
        *runs += atomic_load(&network->detector->density_reads);
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

static int prepare(struct look *look, const struct picture *picture, struct error *error)
{
    struct density_context *c = look->context;
    const struct density_view *view = look->view;
    look->scene = (struct density_scene){.picture_width = picture->width,
                                         .picture_height = picture->height,
                                         .region = view->region,
                                         .region_count = view->region_count,
                                         .masks = {view->mask_count, view->masks, view->mask_counts}};
    struct placement *p = &look->scene.placement;
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
    rc = preprocess_run(c->preprocess, picture, &format, p, &look->scene.masks, c->input, error);
    if (rc == 0)
        clear_beyond(c->input, p);
    look->sum = (struct density_sum){.scene = &look->scene, .models = c->network->count, .map = c->map};
    return rc;
}

/* --- tiles ---------------------------------------------------------------------------------------------- */

static void cut(const struct density_context *c, const struct placement *p, struct density_stretch across,
                struct density_stretch down)
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

static int run_tile(struct look *look, struct density_stretch across, struct density_stretch down,
                    struct error *error)
{
    struct density_context *c = look->context;
    const struct placement *p = &look->scene.placement;
    int width = across.to - across.from, height = down.to - down.from;
    bool all = width == p->input_width && height == p->input_height;
    if (!all) {
        if (grow(&c->tile, &c->tile_floats, 3 * (size_t)width * (size_t)height) != 0)
            return error_nomem(error, "a tile");
        cut(c, p, across, down);
    }
    for (size_t i = 0; i < c->network->count; i++) {
        struct density_output out;
        struct session_outputs *hold;
        int rc = density_model_run(c->network->models[i], all ? c->input : c->tile, width, height, &out,
                                   &hold, error);
        if (rc != 0)
            return rc;
        density_sum_add(&look->sum, i, &out, across, down);
        session_outputs_release(&hold);
    }
    return 0;
}

static int margin_of(const struct density_network *network)
{
    int margin = 0;
    for (size_t i = 0; i < network->count; i++) {
        int needed = density_model_margin(network->models[i]);
        margin = needed > margin ? needed : margin;
    }
    return margin;
}

static int run_tiles(struct look *look, struct error *error)
{
    const struct placement *p = &look->scene.placement;
    int limit = look->view->tile_pixels > 0 ? look->view->tile_pixels : DENSITY_TILE_PIXELS;
    bool tiled = (int64_t)p->input_width * p->input_height > limit;
    int across = density_tile_count(p->input_width, tiled), down = density_tile_count(p->input_height, tiled),
        rc = 0;
    int margin = margin_of(look->context->network);
    for (int y = 0; y < down && rc == 0; y++)
        for (int x = 0; x < across && rc == 0; x++)
            rc = run_tile(look, density_tile_stretch(p->input_width, across, x, margin),
                          density_tile_stretch(p->input_height, down, y, margin), error);
    return rc;
}

int density_infer(struct density_network *network, struct density_context *context,
                  const struct picture *picture, const struct density_view *view,
                  struct density_result *result, struct error *error)
{
    assert(context->network == network);
    struct look look = {.context = context, .view = view};
    *result = (struct density_result){0};
    int64_t begin_ns = clock_monotonic_ns();
    int rc = prepare(&look, picture, error);
    rc = rc != 0 ? rc : run_tiles(&look, error);
    if (rc != 0)
        return rc;
    density_sum_finish(&look.sum, result);
    atomic_fetch_add(&network->runs, 1);
    atomic_fetch_add(&network->busy_ns, clock_monotonic_ns() - begin_ns);
    return 0;
}
