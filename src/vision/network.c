/*
 * What all detector families have in common: choose the input's size, prepare the picture, run, read the
 * outputs, bring the boxes back to the picture, suppress, and apply what the camera's view asks for.
 *
 * Suppression comes before the view's limits: were they first, a person's surest box could be dropped for its
 * feet and a worse copy of it stay.
 */
#include "vision/network.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "infer/session.h"
#include "vision/family.h"
#include "vision/hog.h"
#include "vision/suppression.h"
#include "vision/view.h"

enum { PROBE_WIDTH = 96, PROBE_HEIGHT = 64, DEGRADED_TEXT = 512, INPUT_SIDE_MAX = 4096 };

/* First what 512x384 has, which was the best size for the default model on 768x576 pictures, and a tenth more
 * for other shapes. Each further one has about two thirds of the one before, the least that people are still
 * found at. 16:9: 608x352, 512x288, 416x256, 320x192; 4:3: 512x384, 448x320, 352x288, 288x224. */
enum { LAST_EQUAL_RUNG = 2 }; /* measured: docs/cameras.md */
static const int rung_pixels[NETWORK_RUNGS] = {512 * 384 * 11 / 10, 150000, 107000, 65000};

struct network {
    struct session *session; /* NULL: HOG */
    const struct family *family;
    char degraded[DEGRADED_TEXT];  /* why it is HOG though a model was asked for */
    int fixed_width, fixed_height; /* 0 x 0: any multiple of the family's step */
};

struct network_context {
    struct network *network;
    int rung, input_width, input_height;
    struct hog *hog; /* instead of what follows; lends its detections */
    struct preprocess *preprocess;
    float *input;
    size_t input_floats;
    struct candidate_list candidates;
    struct detection *detections; /* as many as candidates */
    size_t capacity;
};

static int check_input(struct network *n, struct error *error)
{
    const char *path = session_path(n->session);
    if (session_input_count(n->session) != 1)
        return error_set(error, ERR_FORMAT, "model %s: %zu inputs found, a detector has one", path,
                         session_input_count(n->session));
    const struct tensor_info *in = session_input(n->session, 0);
    char shape[TENSOR_SHAPE_TEXT];
    tensor_shape_text(in->shape, in->rank, shape);
    if (in->rank != 4 || (in->shape[0] != 1 && in->shape[0] != -1) || in->shape[1] != 3)
        return error_set(error, ERR_FORMAT, "model %s: input \"%s\" is %s, needed is 1x3xHEIGHTxWIDTH", path,
                         in->name, shape);
    int64_t height = in->shape[2], width = in->shape[3];
    if ((height < 0) != (width < 0) || height == 0 || width == 0 || height > INPUT_SIDE_MAX ||
        width > INPUT_SIDE_MAX)
        return error_set(
            error, ERR_UNSUPPORTED,
            "model %s: input \"%s\" is %s; height and width must be both free or both given, at most %d",
            path, in->name, shape, INPUT_SIDE_MAX);
    n->fixed_height = height < 0 ? 0 : (int)height;
    n->fixed_width = width < 0 ? 0 : (int)width;
    return 0;
}

/* Free sizes say nothing about the outputs until the network has run once. The probe's size gives each family
 * numbers of rows and values that are not another's. */
static int probe(struct network *n, struct error *error)
{
    int width = n->fixed_width > 0 ? n->fixed_width : PROBE_WIDTH,
        height = n->fixed_height > 0 ? n->fixed_height : PROBE_HEIGHT;
    float *zeros = calloc((size_t)width * (size_t)height, 3 * sizeof *zeros);
    if (zeros == NULL)
        return error_nomem(error, "a network's first input");
    struct tensor in = {.rank = 4, .shape = {1, 3, height, width}, .data = zeros}, out[SESSION_TENSORS_MAX];
    struct session_outputs *hold = NULL;
    int result = session_run(n->session, &in, out, &hold, error);
    if (result == 0) {
        struct raw_outputs outputs = {out, session_output_count(n->session), width, height};
        result = family_match(&n->family, session_path(n->session), &outputs, error);
    }
    session_outputs_release(&hold);
    free(zeros);
    return result;
}

static int open_model(struct network *n, const struct network_options *options, struct error *error)
{
    struct session_options session = {
        .path = options->model_path, .threads = options->threads, .provider = options->provider};
    int result = session_open(&session, &n->session, error);
    if (result == 0)
        result = check_input(n, error);
    if (result == 0)
        result = family_find(options->family, options->model_path, &n->family, error);
    if (result == 0)
        result = probe(n, error);
    return result;
}

static bool is_name(const char *value, const char *name)
{
    return value != NULL && strcmp(value, name) == 0;
}

int network_open(const struct network_options *options, struct network **network, struct error *error)
{
    *network = NULL;
    struct network *n = calloc(1, sizeof *n);
    if (n == NULL)
        return error_nomem(error, "a network");
    bool automatic = options->family == NULL || is_name(options->family, "auto");
    if (is_name(options->family, "hog") || (is_name(options->model_path, "hog") && automatic)) {
        *network = n;
        return 0;
    }
    if (options->may_fall_back && automatic && !file_exists(options->model_path)) {
        text_format(
            n->degraded, sizeof n->degraded,
            "no model file %s: the built-in HOG detector finds the people instead, and misses more of "
            "them (scripts/setup.sh installs the model)",
            options->model_path);
        *network = n;
        return 0;
    }
    int result = open_model(n, options, error);
    if (result < 0) {
        network_close(&n);
        return result;
    }
    *network = n;
    return 0;
}

void network_close(struct network **network)
{
    struct network *n = *network;
    *network = NULL;
    if (n == NULL)
        return;
    session_close(&n->session);
    free(n);
}

const char *network_provider(const struct network *network, const char **reason)
{
    *reason = network->session != NULL ? session_provider_reason(network->session) : "";
    return network->session != NULL ? session_provider(network->session) : "cpu";
}

const char *network_family(const struct network *network)
{
    return network->session != NULL ? network->family->name : "hog";
}

const char *network_degraded(const struct network *network)
{
    return network->degraded[0] != '\0' ? network->degraded : NULL;
}

bool network_has_ladder(const struct network *network, const struct view *view)
{
    return network->fixed_width == 0 && view->input_width == 0;
}

int network_last_equal_rung(const struct network *network)
{
    return network->session != NULL ? LAST_EQUAL_RUNG : 0;
}

int network_rung_pixels(int rung)
{
    assert(rung >= 0 && rung < NETWORK_RUNGS);
    return rung_pixels[rung];
}

static int size_at_rung(const struct network *n, const struct view *view, int rung, int picture_width,
                        int picture_height, int *width, int *height, struct error *error)
{
    int step = n->session != NULL ? n->family->step : HOG_STEP;
    int64_t pixels = n->session != NULL ? rung_pixels[0] : HOG_PIXELS; /* at the top of the ladder */
    *width = view->input_width;
    *height = view->input_height;
    bool automatic = *width == 0;
    if (n->fixed_width > 0) {
        if (!automatic && (*width != n->fixed_width || *height != n->fixed_height))
            return error_set(error, ERR_INVALID,
                             "network input %dx%d was asked for, model %s takes %dx%d only", *width, *height,
                             session_path(n->session), n->fixed_width, n->fixed_height);
        *width = n->fixed_width;
        *height = n->fixed_height;
    } else if (automatic) {
        placement_choose_size(picture_width, picture_height,
                              (int)(pixels * rung_pixels[rung] / rung_pixels[0]), step, width, height);
    } else if (*width % step != 0 || *height % step != 0) {
        return error_set(error, ERR_INVALID, "network input %dx%d: family %s needs multiples of %d", *width,
                         *height, network_family(n), step);
    }
    return 0;
}

int network_input_size(const struct network *network, const struct view *view, int picture_width,
                       int picture_height, int *width, int *height, struct error *error)
{
    return size_at_rung(network, view, 0, picture_width, picture_height, width, height, error);
}

int network_context_create(struct network *network, struct network_context **context, struct error *error)
{
    *context = NULL;
    struct network_context *c = calloc(1, sizeof *c);
    if (c == NULL)
        return error_nomem(error, "a network context");
    c->network = network;
    if (network->session != NULL)
        c->preprocess = preprocess_create(PREPROCESS_AUTO);
    else
        c->hog = hog_create(true);
    if (c->preprocess == NULL && c->hog == NULL) {
        network_context_destroy(&c);
        return error_nomem(error, "a network context");
    }
    *context = c;
    return 0;
}

void network_context_destroy(struct network_context **context)
{
    struct network_context *c = *context;
    *context = NULL;
    if (c == NULL)
        return;
    preprocess_destroy(&c->preprocess);
    free(c->input);
    free(c->candidates.items);
    if (c->hog == NULL)
        free(c->detections);
    hog_destroy(&c->hog);
    free(c);
}

void network_context_set_rung(struct network_context *context, int rung)
{
    assert(rung >= 0 && rung < NETWORK_RUNGS);
    context->rung = rung;
}

void network_context_input(const struct network_context *context, int *width, int *height)
{
    *width = context->input_width;
    *height = context->input_height;
}

/* No family has more rows than three per cell of strides 8, 16, 32, or one more stride with one. */
static size_t most_candidates(int width, int height)
{
    struct raw_outputs size = {.width = width, .height = height};
    return 3 * (grid_cells(&size, 8) + grid_cells(&size, 16) + grid_cells(&size, 32)) + grid_cells(&size, 64);
}

/* Room for an input of this size; grows only. What is not used of it costs no memory: the pages stay
 * untouched. */
static int ensure_room(struct network_context *c, int width, int height)
{
    size_t floats = 3 * (size_t)width * (size_t)height, capacity = most_candidates(width, height);
    if (floats > c->input_floats) {
        free(c->input);
        c->input_floats = 0;
        c->input = aligned_alloc(64, (floats * sizeof *c->input + 63) / 64 * 64);
        if (c->input == NULL)
            return -1;
        c->input_floats = floats;
    }
    if (capacity > c->capacity) {
        free(c->candidates.items);
        free(c->detections);
        c->capacity = 0;
        c->candidates.items = malloc(capacity * sizeof *c->candidates.items);
        c->detections = malloc(capacity * sizeof *c->detections);
        if (c->candidates.items == NULL || c->detections == NULL)
            return -1;
        c->capacity = capacity;
    }
    return 0;
}

static int run(struct network_context *c, const struct placement *placement, const struct view *view,
               struct error *error)
{
    struct network *n = c->network;
    int64_t width = placement->input_width, height = placement->input_height;
    struct tensor in = {.rank = 4, .shape = {1, 3, height, width}, .data = c->input},
                  out[SESSION_TENSORS_MAX];
    struct session_outputs *hold = NULL;
    int result = session_run(n->session, &in, out, &hold, error);
    if (result < 0)
        return result;
    struct raw_outputs outputs = {out, session_output_count(n->session), (int)width, (int)height};
    c->candidates.count = 0;
    result = family_match(&n->family, session_path(n->session), &outputs, error);
    if (result == 0)
        n->family->decode(&outputs, view->confidence_low, &c->candidates);
    assert(c->candidates.count <= c->capacity);
    session_outputs_release(&hold);
    return result;
}

static size_t to_picture(struct network_context *c, const struct placement *p)
{
    size_t count = 0;
    for (size_t i = 0; i < c->candidates.count; i++) {
        const struct candidate *a = &c->candidates.items[i];
        double x = (double)a->left - p->x, y = (double)a->top - p->y;
        double w = (double)a->right - a->left, h = (double)a->bottom - a->top;
        struct box box = {(float)(x / p->scale_x), (float)(y / p->scale_y), (float)(w / p->scale_x),
                          (float)(h / p->scale_y)};
        if (isfinite(box.x) && isfinite(box.y) && isfinite(box.w) && isfinite(box.h))
            c->detections[count++] = (struct detection){box, fminf(a->score, 1)};
    }
    return count;
}

static int infer_network(struct network_context *c, const struct picture *picture, const struct view *view,
                         const struct placement *placement, size_t *found, struct error *error)
{
    const struct input_format *format = &c->network->family->format;
    if (ensure_room(c, placement->input_width, placement->input_height) < 0)
        return error_nomem(error, "a network's input");
    int result = preprocess_run(c->preprocess, picture, format, placement, &view->masks, c->input, error);
    if (result == 0)
        result = run(c, placement, view, error);
    if (result < 0)
        return result;
    *found = detections_suppress(c->detections, to_picture(c, placement), view->nms_iou);
    return 0;
}

/* HOG has its own suppression: its windows lie closer to one another than a network's boxes. */
static int infer_hog(struct network_context *c, const struct picture *picture, const struct view *view,
                     const struct placement *placement, size_t *found, struct error *error)
{
    return hog_run(c->hog, picture, placement, &view->masks, view->confidence_low, &c->detections, found,
                   error);
}

int network_infer(struct network *network, struct network_context *context, const struct picture *picture,
                  const struct view *view, const struct detection **detections, size_t *count,
                  struct error *error)
{
    assert(context->network == network);
    *detections = NULL;
    *count = 0;
    int width, height;
    int result =
        size_at_rung(network, view, context->rung, picture->width, picture->height, &width, &height, error);
    if (result < 0)
        return result;
    context->input_width = width;
    context->input_height = height;
    bool hog = network->session == NULL;
    struct placement placement = placement_fit(picture->width, picture->height, width, height,
                                               !hog && network->family->format.top_left);
    size_t found = 0;
    result = hog ? infer_hog(context, picture, view, &placement, &found, error)
                 : infer_network(context, picture, view, &placement, &found, error);
    if (result < 0)
        return result;
    *count = view_apply(view, context->detections, found, picture->width, picture->height);
    *detections = context->detections;
    return 0;
}
