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
#include <stdlib.h>

#include "vision/network_internal.h"
#include "vision/suppression.h"
#include "vision/view.h"

/* First what 512x384 has, which was the best size for the default model on 768x576 pictures, and a tenth more
 * for other shapes. Each further one has about two thirds of the one before, the least that people are still
 * found at. 16:9: 608x352, 512x288, 416x256, 320x192; 4:3: 512x384, 448x320, 352x288, 288x224. */
enum { LAST_EQUAL_RUNG = 2 }; /* measured: docs/cameras.md */
static const int rung_pixels[NETWORK_RUNGS] = {512 * 384 * 11 / 10, 150000, 107000, 65000};

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
    network_density_free(&c->density);
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

static int run(struct network_context *c, const struct picture *picture, const struct placement *placement,
               const struct view *view, struct error *error)
{
    struct network *n = c->network;
    int64_t width = placement->input_width, height = placement->input_height;
    struct tensor in = {.rank = 4, .shape = {1, 3, height, width}, .data = c->input},
                  out[SESSION_TENSORS_MAX];
    struct session_outputs *hold = NULL;
    int result = session_run(n->session, &in, out, &hold, error);
    if (result < 0)
        return result;
    struct tensor boxes[SESSION_TENSORS_MAX];
    struct raw_outputs outputs = network_boxes(n, out, (int)width, (int)height, boxes);
    c->candidates.count = 0;
    result = family_match(&n->family, session_path(n->session), &outputs, error);
    if (result == 0)
        result = network_density_keep(c, out, placement, picture, error);
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
        result = run(c, picture, placement, view, error);
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
    context->density.is_there = false;
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
