/*
 * One axis of a picture's change of size: for each output sample, which input samples it is made of and with
 * what weight.
 *
 * Pixel centres are at half coordinates. Where the axis shrinks, an output sample is the average of the
 * stretch of input that it covers (area averaging: no aliasing, whatever the factor); where it grows, the two
 * nearest samples are mixed linearly. At a factor of one both are the identity. Weights are integers that sum
 * to RESAMPLE_ONE exactly, so that a flat picture stays what it is and the result is the same bytes on every
 * processor.
 */
#ifndef SCI_VISION_RESAMPLE_H
#define SCI_VISION_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

enum { RESAMPLE_BITS = 14, RESAMPLE_ONE = 1 << RESAMPLE_BITS, RESAMPLE_TAP_STEP = 8 };

struct axis {
    int samples;   /* input samples there are */
    double extent; /* how many of them the picture covers: half a sample less where chroma was padded to a
                      whole one */
    int out_size;
    int taps;       /* weights per output sample that may be other than 0 */
    int stride;     /* from one output sample's weights to the next: taps rounded up to RESAMPLE_TAP_STEP; the
                       rest are 0 */
    int32_t *first; /* [out_size] first input sample; first + taps <= samples */
    int16_t *weights; /* [out_size * stride] */
    uint64_t used;    /* for the cache */
};

enum { AXIS_CACHE_SIZE = 24 };

/* The axes that were used last: a worker serves cameras of a few sizes, each with up to four axes. Not
 * thread-safe. */
struct axis_cache {
    struct axis axes[AXIS_CACHE_SIZE];
    uint64_t clock;
};

/* Lent until AXIS_CACHE_SIZE - 1 others have been asked for. NULL without memory. Allocates for a new axis
 * only. */
const struct axis *axis_cache_get(struct axis_cache *cache, int samples, double extent, int out_size);
void axis_cache_clear(struct axis_cache *cache);

#endif
