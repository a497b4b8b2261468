#include "vision/flow_align.h"

#include <math.h>

/* The start weighs so much, as slopes squared (a slope of one grey level in 20 pixels of the patch): it only
 * decides where the patch is flat. */
static const float START_WEIGHT = 2;
/* A suggestion other than the first must be that much better. */
static const float FIRST_FAVOUR = 0.85F;
static const float STEP_LEAST = 0.02F;
/* Noise of a difference: of the camera, grey levels, and of what is left over. */
static const float NOISE_LEAST = 1, RESIDUAL_FACTOR = 2;
/* Flatter than one grey level: nothing to choose by. */
static const float CHOICE_SLOPES = 16 * PATCH_PIXELS;

struct aligned {
    struct flow_patch patch;
    struct comparison_sums sums; /* of the last comparison */
    float mean_x, mean_y;        /* sums of slopes (doubled, as all slopes here) */
    float xx, xy, yy;            /* sums of products, less the means' */
    int x, y;                    /* upper left pixel */
};

static int clamp(int value, int least, int most)
{
    return value < least ? least : value > most ? most : value;
}

/* Compares at the nearest place that there is, and says which. */
static struct flow_vector compare(const struct flow_pair *pair, struct aligned *a, struct flow_vector motion)
{
    const struct pyramid_level *to = pair->later;
    int x = (int)lrintf(((float)a->x + motion.x) * FLOW_POSITIONS);
    int y = (int)lrintf(((float)a->y + motion.y) * FLOW_POSITIONS);
    x = clamp(x, -PYRAMID_REACH * FLOW_POSITIONS, (to->width + PYRAMID_REACH - PATCH) * FLOW_POSITIONS);
    y = clamp(y, -PYRAMID_REACH * FLOW_POSITIONS, (to->height + PYRAMID_REACH - PATCH) * FLOW_POSITIONS);
    int whole_x = x >> FLOW_POSITION_BITS, whole_y = y >> FLOW_POSITION_BITS;
    const uint8_t *at = to->pixels + (ptrdiff_t)whole_y * (ptrdiff_t)to->stride + whole_x;
    pair->kernels->compare(at, to->stride, x & (FLOW_POSITIONS - 1), y & (FLOW_POSITIONS - 1), &a->patch,
                           &a->sums);
    return (struct flow_vector){(float)(x - a->x * FLOW_POSITIONS) / FLOW_POSITIONS,
                                (float)(y - a->y * FLOW_POSITIONS) / FLOW_POSITIONS};
}

static void take(const struct flow_pair *pair, int i, int j, struct aligned *a)
{
    const struct pyramid_level *from = pair->earlier;
    struct patch_sums s;
    a->x = FLOW_CELL * (i - 1);
    a->y = FLOW_CELL * (j - 1);
    pair->kernels->take(from->pixels + (ptrdiff_t)a->y * (ptrdiff_t)from->stride + a->x, from->stride,
                        &a->patch, &s);
    a->mean_x = (float)s.x;
    a->mean_y = (float)s.y;
    a->xx = (float)s.xx - a->mean_x * a->mean_x / PATCH_PIXELS;
    a->xy = (float)s.xy - a->mean_x * a->mean_y / PATCH_PIXELS;
    a->yy = (float)s.yy - a->mean_y * a->mean_y / PATCH_PIXELS;
}

static struct flow_vector choose(const struct flow_pair *pair, struct aligned *a,
                                 const struct flow_vector *suggestions, int count)
{
    int best = 0;
    float least = INFINITY;
    for (int k = 0; count > 1 && k < count; k++) {
        (void)compare(pair, a, suggestions[k]);
        float mean = (float)a->sums.difference / (PATCH_PIXELS * 4); /* 1/16 grey level, as the squares */
        float energy = (float)a->sums.square - mean * mean * PATCH_PIXELS;
        energy = k == 0 ? energy * FIRST_FAVOUR : energy;
        if (energy < least) {
            least = energy;
            best = k;
        }
    }
    return suggestions[best];
}

static float squared(struct flow_vector a, struct flow_vector b)
{
    return (a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y);
}

/* From `here`, where the last comparison was, to the minimum of the differences' squares and the start's
 * weight: (slopes + weight) step = -(slopes differences + weight (here - start)). */
static struct flow_vector step_from(const struct aligned *a, struct flow_vector here,
                                    struct flow_vector start)
{
    /* Slopes are doubled and differences in 1/64: a factor 2 * 64 before, 4 after. */
    const float unit = 1.0F / (2 << (FLOW_GREY_BITS - 2));
    float mean = (float)a->sums.difference / PATCH_PIXELS;
    float x = ((float)a->sums.by_x - mean * a->mean_x) * unit + START_WEIGHT * (here.x - start.x);
    float y = ((float)a->sums.by_y - mean * a->mean_y) * unit + START_WEIGHT * (here.y - start.y);
    float xx = a->xx + START_WEIGHT, yy = a->yy + START_WEIGHT;
    float scale = 1 / (xx * yy - a->xy * a->xy);
    return (struct flow_vector){here.x - (yy * x - a->xy * y) * scale, here.y - (xx * y - a->xy * x) * scale};
}

static void describe(const struct flow_pair *pair, const struct aligned *a, struct flow_node *node)
{
    int32_t quarters[4];
    float sum = 0;
    pair->kernels->residual(&a->patch, (int16_t)lrintf((float)a->sums.difference / PATCH_PIXELS), quarters);
    for (int q = 0; q < 4; q++) {
        node->residual[q] = (float)quarters[q] / (FLOW_POSITIONS * PATCH_PIXELS / 4);
        sum += node->residual[q];
    }
    float mean = sum / 4;
    float noise = 4 * (NOISE_LEAST * NOISE_LEAST + RESIDUAL_FACTOR * mean * mean); /* slopes are doubled */
    node->xx = a->xx / noise;
    node->xy = a->xy / noise;
    node->yy = a->yy / noise;
}

void flow_align(const struct flow_pair *pair, int i, int j, const struct flow_vector *suggestions, int count,
                struct flow_node *node)
{
    struct aligned a;
    take(pair, i, j, &a);
    struct flow_vector start = choose(pair, &a, suggestions, a.xx + a.yy > CHOICE_SLOPES ? count : 1);
    struct flow_vector motion = start;
    for (int k = 0; k < pair->steps; k++) {
        struct flow_vector next = step_from(&a, compare(pair, &a, motion), start);
        float moved = squared(next, motion);
        motion = next;
        if (moved < STEP_LEAST * STEP_LEAST)
            break;
    }
    if (squared(motion, start) > PATCH * PATCH) /* it got lost */
        motion = start;
    node->measured = node->motion = motion;
    describe(pair, &a, node);
}
