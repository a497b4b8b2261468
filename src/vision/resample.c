#include "vision/resample.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Least and past-the-end input sample that output sample `o` needs. */
static void span_of(const struct axis *a, int o, int *begin, int *end)
{
    double scale = a->extent / a->out_size;
    if (scale >= 1) {
        *begin = (int)floor(o * scale + 1e-9);
        *end = (int)ceil((o + 1) * scale - 1e-9);
    } else {
        double centre = (o + 0.5) * scale - 0.5;
        *begin = (int)floor(centre);
        *end = *begin + 2;
    }
    if (*begin < 0)
        *begin = 0;
    if (*end > a->samples)
        *end = a->samples;
    if (*begin >= *end)
        *begin = *end - 1;
}

static double weight_of(const struct axis *a, int o, int sample)
{
    double scale = a->extent / a->out_size;
    if (scale >= 1) {
        double left = fmax(o * scale, sample), right = fmin((o + 1) * scale, sample + 1);
        return fmax(0, right - left);
    }
    double centre = (o + 0.5) * scale - 0.5;
    /* Beyond the border there is the border again. */
    centre = fmin(fmax(centre, 0), a->samples - 1);
    return fmax(0, 1 - fabs(sample - centre));
}

/* Rounds the weights to integers whose sum is RESAMPLE_ONE: each running sum is rounded, not each weight. */
static void fill_weights(struct axis *a, int o, int begin, int end)
{
    double total = 0, running = 0;
    for (int s = begin; s < end; s++)
        total += weight_of(a, o, s);
    int16_t *weights = a->weights + (size_t)o * (size_t)a->stride;
    long before = 0;
    for (int s = begin; s < end; s++) {
        running += weight_of(a, o, s);
        long now = s == end - 1 ? RESAMPLE_ONE : lround(running / total * RESAMPLE_ONE);
        weights[s - a->first[o]] = (int16_t)(now - before);
        before = now;
    }
}

static void axis_free(struct axis *a)
{
    free(a->first);
    free(a->weights);
    *a = (struct axis){.samples = 0};
}

static int axis_make(struct axis *a, int samples, double extent, int out_size)
{
    assert(samples >= 1 && out_size >= 1 && extent > 0 && extent <= samples);
    *a = (struct axis){.samples = samples, .extent = extent, .out_size = out_size};
    int begin, end;
    for (int o = 0; o < out_size; o++) {
        span_of(a, o, &begin, &end);
        if (end - begin > a->taps)
            a->taps = end - begin;
    }
    a->stride = (a->taps + RESAMPLE_TAP_STEP - 1) / RESAMPLE_TAP_STEP * RESAMPLE_TAP_STEP;
    a->first = calloc((size_t)out_size, sizeof *a->first);
    a->weights = calloc((size_t)out_size * (size_t)a->stride, sizeof *a->weights);
    if (a->first == NULL || a->weights == NULL) {
        axis_free(a);
        return -1;
    }
    for (int o = 0; o < out_size; o++) {
        span_of(a, o, &begin, &end);
        a->first[o] = begin + a->taps <= samples ? begin : samples - a->taps;
        fill_weights(a, o, begin, end);
    }
    return 0;
}

const struct axis *axis_cache_get(struct axis_cache *cache, int samples, double extent, int out_size)
{
    struct axis *oldest = &cache->axes[0];
    cache->clock++;
    for (size_t i = 0; i < AXIS_CACHE_SIZE; i++) {
        struct axis *a = &cache->axes[i];
        if (a->samples == samples && a->extent == extent && a->out_size == out_size) {
            a->used = cache->clock;
            return a;
        }
        if (a->used < oldest->used)
            oldest = a;
    }
    axis_free(oldest);
    if (axis_make(oldest, samples, extent, out_size) < 0)
        return NULL;
    oldest->used = cache->clock;
    return oldest;
}

void axis_cache_clear(struct axis_cache *cache)
{
    for (size_t i = 0; i < AXIS_CACHE_SIZE; i++)
        axis_free(&cache->axes[i]);
}
