/*
 * A picture: reference-counted pixels as they were decoded, with their times. Immutable once published, so
 * any thread may read it. `free_picture` is called by the last `picture_unref`, from whichever thread that
 * is; it must touch nothing of the source that made the picture (a picture outlives its source).
 */
#ifndef SCI_CORE_PICTURE_H
#define SCI_CORE_PICTURE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

enum pixel_format {
    PIXEL_I420,  /* planes Y, U, V; chroma halved both ways */
    PIXEL_NV12,  /* planes Y, UV interleaved */
    PIXEL_I422,  /* planes Y, U, V; chroma halved horizontally */
    PIXEL_I444,  /* planes Y, U, V */
    PIXEL_GRAY8, /* one plane */
    PIXEL_RGB24, /* one plane, R first */
    PIXEL_BGR24  /* one plane, B first */
};

enum picture_colour { COLOUR_BT601, COLOUR_BT709 };

enum { PICTURE_SIDE_MAX = 16384 };

struct motion_sum;

struct picture {
    atomic_int references;
    void (*free_picture)(struct picture *picture);
    void *owner; /* for free_picture */

    enum pixel_format format;
    enum picture_colour colour; /* matrix of the YUV formats */
    int full_range;             /* YUV: 0 = 16-235, 1 = 0-255 */
    int width, height;          /* displayed size: rotation applied, square pixels, full resolution */
    const uint8_t *planes[3];
    int strides[3]; /* bytes, positive */

    const struct motion_sum *motion; /* what its video's coder said (motion_sum.h), or NULL; lives as long */
    struct instant capture; /* see contracts: live, when the picture's last packet was read; paced file, when
                      it was due */
    int64_t stream_ns;      /* stream's own time from its first picture; rates and velocities use this */
    int64_t number;         /* counted from 1 within the source */
};

struct picture *picture_ref(struct picture *picture); /* returns it */
void picture_unref(struct picture **picture);         /* clears the pointer; NULL is fine */
/* What the picture shows and where its pixels are, to look at while a reference is held. It has no reference
 * of its own: others count theirs in the picture meanwhile, so it is never copied as a whole. */
struct picture picture_view(const struct picture *picture);

/* Own memory in one block, one reference, planes set. NULL without memory or for a size
 * outside 1..PICTURE_SIDE_MAX. */
struct picture *picture_create(enum pixel_format format, int width, int height);
int picture_plane_count(enum pixel_format format);
/* Width and height of a plane in samples (for NV12's second plane: pairs). */
void picture_plane_size(enum pixel_format format, int width, int height, int plane, int *plane_width,
                        int *plane_height);

/*
 * A pool of equally sized pictures: `picture_pool_take` reuses a free one. Pictures may outlive the pool.
 * NULL when `limit` pictures are out (bounded memory per camera) or memory is gone. Thread-safe.
 */
struct picture_pool;
struct picture_pool *picture_pool_create(size_t limit);
void picture_pool_destroy(struct picture_pool *pool);
struct picture *picture_pool_take(struct picture_pool *pool, enum pixel_format format, int width, int height);

#endif
