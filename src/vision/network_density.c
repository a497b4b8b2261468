/* The density head of a detector: its outputs told from the boxes', and its map of the newest picture. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "vision/network_internal.h"
#include "vision/view.h"

bool network_has_density(const struct network *network)
{
    return network->has_head;
}

struct raw_outputs network_boxes(const struct network *network, const struct tensor *outputs, int width,
                                 int height, struct tensor boxes[SESSION_TENSORS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < session_output_count(network->session); i++)
        if (!network->has_head || !density_head_has(&network->head, i))
            boxes[count++] = outputs[i];
    return (struct raw_outputs){boxes, count, width, height};
}

static int ensure_cells(struct network_density *d, size_t count)
{
    if (count <= d->capacity)
        return 0;
    free(d->cells);
    free(d->map);
    d->capacity = 0;
    d->cells = malloc(count * sizeof *d->cells);
    d->map = malloc(count * sizeof *d->map);
    if (d->cells == NULL || d->map == NULL)
        return -1;
    d->capacity = count;
    return 0;
}

int network_density_keep(struct network_context *context, const struct tensor *outputs,
                         const struct placement *placement, const struct picture *picture,
                         struct error *error)
{
    const struct network *n = context->network;
    struct network_density *d = &context->density;
    if (!n->has_head)
        return 0;
    int rc = density_head_read(&n->head, n->session, outputs, placement->input_width, placement->input_height,
                               &d->output, error);
    if (rc != 0)
        return rc;
    size_t count = (size_t)d->output.columns * (size_t)d->output.rows;
    if (ensure_cells(d, count) != 0)
        return error_nomem(error, "a density map");
    memcpy(d->cells, d->output.cells, count * sizeof *d->cells);
    d->output.cells = d->cells;
    d->placement = *placement;
    d->picture_width = picture->width;
    d->picture_height = picture->height;
    d->is_there = true;
    return 0;
}

void network_density_free(struct network_density *density)
{
    free(density->cells);
    free(density->map);
    *density = (struct network_density){0};
}

int network_density(struct network_context *context, const struct view *view, struct density_result *result,
                    struct error *error)
{
    struct network_density *d = &context->density;
    *result = (struct density_result){0};
    if (!context->network->has_head)
        return error_set(error, ERR_UNSUPPORTED, "the detector has no density head");
    if (!d->is_there)
        return error_set(error, ERR_NOT_FOUND, "the detector has not looked at a picture yet");
    const struct density_scene scene = {.placement = d->placement,
                                        .picture_width = d->picture_width,
                                        .picture_height = d->picture_height,
                                        .region = view->region,
                                        .region_count = view->region_count,
                                        .masks = view->masks};
    struct density_sum sum = {.scene = &scene, .models = 1, .map = d->map};
    const struct density_stretch across = {.end = scene.placement.input_width,
                                           .to = scene.placement.input_width},
                                 down = {.end = scene.placement.input_height,
                                         .to = scene.placement.input_height};
    density_sum_add(&sum, 0, &d->output, across, down);
    density_sum_finish(&sum, result);
    atomic_fetch_add(&context->network->density_reads, 1);
    return 0;
}
