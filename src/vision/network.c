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

#include "base/text.h"
#include "geo/polygon.h"
#include "infer/session.h"
#include "vision/family.h"
#include "vision/suppression.h"
#include "vision/view.h"

enum { PROBE_WIDTH = 96, PROBE_HEIGHT = 64, LIST_TEXT = 256 };

/* First what 512x384 has, which was the best size for the default model on 768x576 pictures, and a tenth more
 * for other shapes. Each further one has about two thirds of the one before, the least that people are still
 * found at. 16:9: 608x352, 512x288, 416x256, 320x192; 4:3: 512x384, 448x320, 352x288, 288x224. */
static const int rung_pixels[NETWORK_RUNGS] = {512 * 384 * 11 / 10, 150000, 107000, 65000};

const struct family *const families[] = {&family_nanodet, &family_nanodet_plus, &family_yolov5,
                                         &family_yolov8,  &family_yolox,        NULL};

struct network {
    struct session *session;
    const struct family *family;
    int fixed_width, fixed_height; /* 0 x 0: any multiple of the family's step */
};

struct network_context {
    struct network *network;
    int rung, input_width, input_height;
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
    if ((height < 0) != (width < 0) || height == 0 || width == 0 || height > PICTURE_SIDE_MAX ||
        width > PICTURE_SIDE_MAX)
        return error_set(error, ERR_UNSUPPORTED,
                         "model %s: input \"%s\" is %s; height and width must be both free or both given",
                         path, in->name, shape);
    n->fixed_height = height < 0 ? 0 : (int)height;
    n->fixed_width = width < 0 ? 0 : (int)width;
    return 0;
}

static void list_shapes(const struct raw_outputs *outputs, char out[LIST_TEXT])
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < outputs->count && used < LIST_TEXT - 1; i++) {
        char shape[TENSOR_SHAPE_TEXT];
        tensor_shape_text(outputs->tensors[i].shape, outputs->tensors[i].rank, shape);
        text_format(out + used, LIST_TEXT - used, "%s%s", i == 0 ? "" : ", ", shape);
        used += strlen(out + used);
    }
}

static void list_families(char out[LIST_TEXT])
{
    size_t used = 0;
    for (size_t i = 0; families[i] != NULL && used < LIST_TEXT - 1; i++) {
        text_format(out + used, LIST_TEXT - used, "%s%s", i == 0 ? "" : ", ", families[i]->name);
        used += strlen(out + used);
    }
}

static int find_family(struct network *n, const char *name, struct error *error)
{
    if (name == NULL || strcmp(name, "auto") == 0)
        return 0;
    for (size_t i = 0; families[i] != NULL; i++)
        if (strcmp(families[i]->name, name) == 0)
            n->family = families[i];
    if (n->family != NULL)
        return 0;
    char known[LIST_TEXT];
    list_families(known);
    return error_set(error, ERR_INVALID, "model %s: no family \"%s\"; there are auto, %s",
                     session_path(n->session), name, known);
}

static int match_family(struct network *n, const struct raw_outputs *outputs, struct error *error)
{
    char shapes[LIST_TEXT], known[LIST_TEXT];
    if (n->family != NULL) {
        if (n->family->fits(outputs))
            return 0;
        list_shapes(outputs, shapes);
        return error_set(error, ERR_FORMAT, "model %s: outputs %s for an input of %dx%d; family %s needs %s",
                         session_path(n->session), shapes, outputs->width, outputs->height, n->family->name,
                         n->family->needs);
    }
    for (size_t i = 0; families[i] != NULL; i++) {
        if (families[i]->fits(outputs)) {
            n->family = families[i];
            return 0;
        }
    }
    list_shapes(outputs, shapes);
    list_families(known);
    return error_set(error, ERR_FORMAT,
                     "model %s: outputs %s for an input of %dx%d are of no known family (%s)",
                     session_path(n->session), shapes, outputs->width, outputs->height, known);
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
        result = match_family(n, &outputs, error);
    }
    session_outputs_release(&hold);
    free(zeros);
    return result;
}

int network_open(const struct network_options *options, struct network **network, struct error *error)
{
    *network = NULL;
    struct network *n = calloc(1, sizeof *n);
    if (n == NULL)
        return error_nomem(error, "a network");
    struct session_options session = {.path = options->model_path, .threads = options->threads};
    int result = session_open(&session, &n->session, error);
    if (result == 0)
        result = check_input(n, error);
    if (result == 0)
        result = find_family(n, options->family, error);
    if (result == 0)
        result = probe(n, error);
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

const char *network_family(const struct network *network)
{
    return network->family->name;
}

bool network_has_ladder(const struct network *network, const struct view *view)
{
    return network->fixed_width == 0 && view->input_width == 0;
}

int network_rung_pixels(int rung)
{
    assert(rung >= 0 && rung < NETWORK_RUNGS);
    return rung_pixels[rung];
}

static int size_at_rung(const struct network *n, const struct view *view, int rung, int picture_width,
                        int picture_height, int *width, int *height, struct error *error)
{
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
        placement_choose_size(picture_width, picture_height, rung_pixels[rung], n->family->step, width,
                              height);
    } else if (*width % n->family->step != 0 || *height % n->family->step != 0) {
        return error_set(error, ERR_INVALID, "network input %dx%d: family %s needs multiples of %d", *width,
                         *height, n->family->name, n->family->step);
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
    c->preprocess = preprocess_create(PREPROCESS_AUTO);
    if (c->preprocess == NULL) {
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
    free(c->detections);
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
    result = match_family(n, &outputs, error);
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

static struct box clip_box(struct box box, int width, int height)
{
    float right = fminf(box.x + box.w, (float)width), bottom = fminf(box.y + box.h, (float)height);
    box.x = fmaxf(box.x, 0);
    box.y = fmaxf(box.y, 0);
    box.w = right - box.x;
    box.h = bottom - box.y;
    return box;
}

/* Feet that the picture's bottom edge cuts off stand half a pixel inside it: a region that ends at the edge
 * has them. */
static bool is_wanted(struct box box, int width, int height, const struct view *view)
{
    if (!(box.w > 0 && box.h > 0) || box.w < view->min_width_px || box.h < view->min_height_px)
        return false;
    double middle = box.x + (double)box.w / 2, bottom = (double)box.y + box.h;
    struct point feet = {middle / width, fmin(bottom, height - 0.5) / height};
    struct point centre = {feet.x, (box.y + (double)box.h / 2) / height};
    if (view->region != NULL && !polygon_contains(view->region, view->region_count, feet))
        return false;
    for (size_t i = 0; i < view->masks.count; i++)
        if (polygon_contains(view->masks.polygons[i], view->masks.corner_counts[i], centre))
            return false;
    return true;
}

size_t view_apply(const struct view *view, struct detection *d, size_t count, int width, int height)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        d[i].box = clip_box(d[i].box, width, height);
        if (is_wanted(d[i].box, width, height, view))
            d[kept++] = d[i];
    }
    return kept;
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
    if (ensure_room(context, width, height) < 0)
        return error_nomem(error, "a network's input");
    const struct input_format *format = &network->family->format;
    struct placement placement =
        placement_fit(picture->width, picture->height, width, height, format->top_left);
    result =
        preprocess_run(context->preprocess, picture, format, &placement, &view->masks, context->input, error);
    if (result == 0)
        result = run(context, &placement, view, error);
    if (result < 0)
        return result;
    size_t found = to_picture(context, &placement);
    found = detections_suppress(context->detections, found, view->nms_iou);
    *count = view_apply(view, context->detections, found, picture->width, picture->height);
    *detections = context->detections;
    return 0;
}
