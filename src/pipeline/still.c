#include "pipeline/still.h"

#include <stdlib.h>

#include "crowd/counts.h"
#include "crowd/handover.h"
#include "pipeline/looks.h"

struct still_analyst {
    struct still_options options;
    struct looks looks;
    struct network_context *context;
    struct density_context *density_context;
    struct handover *handover;
};

int still_analyst_create(const struct still_options *options, struct still_analyst **analyst,
                         struct error *error)
{
    *analyst = NULL;
    struct still_analyst *a = calloc(1, sizeof *a);
    if (a == NULL)
        return error_nomem(error, "an analyst");
    a->options = *options;
    a->handover = handover_create();
    int rc = a->handover != NULL ? 0 : error_nomem(error, "an analyst");
    rc = rc != 0 ? rc : looks_make(options->detection, options->long_side, &a->looks, error);
    if (rc == 0 && options->network != NULL)
        rc = network_context_create(options->network, &a->context, error);
    if (rc == 0 && options->density != NULL)
        rc = density_context_create(options->density, &a->density_context, error);
    if (rc != 0)
        still_analyst_destroy(&a);
    *analyst = a;
    return rc;
}

void still_analyst_destroy(struct still_analyst **analyst)
{
    struct still_analyst *a = *analyst;
    *analyst = NULL;
    if (a == NULL)
        return;
    if (a->context != NULL)
        network_context_destroy(&a->context);
    density_context_destroy(&a->density_context);
    handover_destroy(&a->handover);
    looks_free(&a->looks);
    free(a);
}

/* Detections come with the best first: those that count are the first ones. */
static int find_boxes(struct still_analyst *a, const struct picture *picture, struct still_result *r,
                      struct error *error)
{
    size_t count = 0;
    int rc = network_infer(a->options.network, a->context, picture, a->looks.view, &r->boxes, &count, error);
    while (rc == 0 && r->box_count < count &&
           (double)r->boxes[r->box_count].score >= a->options.detection->confidence)
        r->box_count++;
    return rc;
}

static struct measure count_boxes(const struct still_result *r)
{
    struct count_sum sum = {0};
    for (size_t i = 0; i < r->box_count; i++) {
        const struct track track = {.score = r->boxes[i].score};
        count_add(&sum, track_presence(&track), 1, 1);
    }
    return count_measure(&sum);
}

static int weigh(struct still_analyst *a, const struct count_reading *reading, enum counting_mode mode,
                 const struct still_result *r, struct error *error)
{
    struct point *heads = malloc((r->box_count + 1) * sizeof *heads);
    if (heads == NULL)
        return error_nomem(error, "heads");
    for (size_t i = 0; i < r->box_count; i++)
        heads[i] = box_head(r->boxes[i].box);
    int rc = handover_weigh(a->handover, reading, heads, r->box_count, mode, error);
    free(heads);
    return rc;
}

static int blend(struct still_analyst *a, const struct density_result *density, enum counting_mode mode,
                 struct still_result *r, struct error *error)
{
    const struct count_reading reading = density_reading(density);
    const struct count_map *map = &reading.map;
    struct handover_sum sum = {0};
    int rc = weigh(a, &reading, mode, r, error);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < r->box_count; i++)
        handover_add_box(&sum, handover_weight(a->handover, box_head(r->boxes[i].box)));
    for (int y = 0; y < map->rows; y++) {
        for (int x = 0; x < map->columns; x++) {
            const struct point centre = {(x + 0.5) * map->cell_width, (y + 0.5) * map->cell_height};
            handover_add_cell(&sum, handover_weight(a->handover, centre),
                              (double)map->people[(size_t)y * (size_t)map->columns + (size_t)x]);
        }
    }
    const struct measure boxes = count_boxes(r);
    const struct measure people = handover_measure(a->handover, &sum, &boxes, &reading);
    r->count = people.value;
    r->low = people.low;
    r->high = people.high;
    r->regime = handover_regime(a->handover, &sum, REGIME_BLENDED);
    return 0;
}

static void by_boxes(struct still_result *r)
{
    const struct measure boxes = count_boxes(r);
    r->count = boxes.value;
    r->low = boxes.low;
    r->high = boxes.high;
    r->regime = REGIME_BOXES;
}

static void by_density(const struct density_result *density, struct still_result *r)
{
    r->count = density->count;
    r->low = density->low;
    r->high = density->high;
    r->regime = REGIME_DENSITY;
}

/* What there is decides what `auto` can do. */
static int choose_mode(const struct still_options *o, enum counting_mode *mode, struct error *error)
{
    if (*mode == COUNTING_AUTO && o->density == NULL)
        *mode = COUNTING_BOXES;
    else if (*mode == COUNTING_AUTO && o->network == NULL)
        *mode = COUNTING_DENSITY;
    if (*mode == COUNTING_DENSITY && o->density == NULL)
        return error_set(error, ERR_UNSUPPORTED, "no density model installed: only boxes can be counted");
    if (*mode == COUNTING_BOXES && o->network == NULL)
        return error_set(error, ERR_UNSUPPORTED, "no detector installed: boxes cannot be counted");
    return 0;
}

int still_analyse(struct still_analyst *analyst, const struct picture *picture, enum counting_mode mode,
                  struct still_result *result, struct error *error)
{
    struct still_analyst *a = analyst;
    struct density_result density;
    *result = (struct still_result){0};
    int rc = choose_mode(&a->options, &mode, error);
    if (rc == 0 && mode != COUNTING_DENSITY)
        rc = find_boxes(a, picture, result, error);
    if (rc == 0 && mode != COUNTING_BOXES)
        rc = density_infer(a->options.density, a->density_context, picture, &a->looks.density, &density,
                           error);
    if (rc != 0)
        return rc;
    if (mode == COUNTING_BOXES) {
        by_boxes(result);
        return 0;
    }
    result->has_map = true;
    result->map = density.map;
    result->crowd = density.crowd;
    if (mode == COUNTING_AUTO)
        return blend(a, &density, mode, result, error);
    by_density(&density, result);
    return 0;
}
