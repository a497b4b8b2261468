#include "core/picture.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct picture *picture_ref(struct picture *picture)
{
    atomic_fetch_add_explicit(&picture->references, 1, memory_order_relaxed);
    return picture;
}

void picture_unref(struct picture **picture)
{
    struct picture *p = *picture;
    *picture = NULL;
    if (!p)
        return;
    int before = atomic_fetch_sub_explicit(&p->references, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1)
        p->free_picture(p);
}

struct picture picture_view(const struct picture *picture)
{
    return (struct picture){
        .format = picture->format,
        .colour = picture->colour,
        .full_range = picture->full_range,
        .width = picture->width,
        .height = picture->height,
        .planes = {picture->planes[0], picture->planes[1], picture->planes[2]},
        .strides = {picture->strides[0], picture->strides[1], picture->strides[2]},
        .motion = picture->motion,
        .capture = picture->capture,
        .stream_ns = picture->stream_ns,
        .number = picture->number,
    };
}

int picture_plane_count(enum pixel_format format)
{
    switch (format) {
    case PIXEL_I420:
    case PIXEL_I422:
    case PIXEL_I444:
        return 3;
    case PIXEL_NV12:
        return 2;
    default:
        return 1;
    }
}

void picture_plane_size(enum pixel_format format, int width, int height, int plane, int *plane_width,
                        int *plane_height)
{
    bool half_width = plane > 0 && (format == PIXEL_I420 || format == PIXEL_I422 || format == PIXEL_NV12);
    bool half_height = plane > 0 && (format == PIXEL_I420 || format == PIXEL_NV12);
    *plane_width = half_width ? (width + 1) / 2 : width;
    *plane_height = half_height ? (height + 1) / 2 : height;
}

static size_t bytes_per_sample(enum pixel_format format, int plane)
{
    if (format == PIXEL_RGB24 || format == PIXEL_BGR24)
        return 3;
    return format == PIXEL_NV12 && plane == 1 ? 2 : 1;
}

/* SIMD readers may load a little past a row's end: every row is padded to this, and the block has as much
 * behind it. */
enum { ROW_ALIGNMENT = 64 };

static size_t row_bytes(enum pixel_format format, int width, int height, int plane)
{
    int w, h;
    picture_plane_size(format, width, height, plane, &w, &h);
    size_t bytes = (size_t)w * bytes_per_sample(format, plane);
    return (bytes + ROW_ALIGNMENT - 1) / ROW_ALIGNMENT * ROW_ALIGNMENT;
}

static size_t total_bytes(enum pixel_format format, int width, int height)
{
    size_t total = ROW_ALIGNMENT;
    for (int p = 0; p < picture_plane_count(format); p++) {
        int w, h;
        picture_plane_size(format, width, height, p, &w, &h);
        total += row_bytes(format, width, height, p) * (size_t)h;
    }
    return total;
}

static void set_planes(struct picture *picture, uint8_t *pixels)
{
    for (int p = 0; p < picture_plane_count(picture->format); p++) {
        int w, h;
        size_t row = row_bytes(picture->format, picture->width, picture->height, p);
        picture_plane_size(picture->format, picture->width, picture->height, p, &w, &h);
        picture->planes[p] = pixels;
        picture->strides[p] = (int)row;
        pixels += row * (size_t)h;
    }
}

static void free_own(struct picture *picture)
{
    free(picture->owner);
    free(picture);
}

struct picture *picture_create(enum pixel_format format, int width, int height)
{
    if (width < 1 || height < 1 || width > PICTURE_SIDE_MAX || height > PICTURE_SIDE_MAX)
        return NULL;
    struct picture *picture = calloc(1, sizeof *picture);
    if (!picture)
        return NULL;
    picture->owner = aligned_alloc(ROW_ALIGNMENT, total_bytes(format, width, height));
    if (!picture->owner) {
        free(picture);
        return NULL;
    }
    atomic_init(&picture->references, 1);
    picture->free_picture = free_own;
    picture->format = format;
    picture->width = width;
    picture->height = height;
    set_planes(picture, picture->owner);
    return picture;
}

/* The pool's own memory is counted too: it lives until it is destroyed and its last picture has come back. */
struct pooled {
    struct picture picture; /* first: a picture of the pool is a `struct pooled` */
    struct picture_pool *pool;
    struct pooled *next_free;
    size_t bytes;
    uint8_t *pixels;
};

struct picture_pool {
    pthread_mutex_t lock;
    size_t limit, out;
    bool destroyed;
    struct pooled *free_list;
};

struct picture_pool *picture_pool_create(size_t limit)
{
    struct picture_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pthread_mutex_init(&pool->lock, NULL);
    pool->limit = limit;
    return pool;
}

static void free_pooled(struct pooled *p)
{
    free(p->pixels);
    free(p);
}

static void free_pool(struct picture_pool *pool)
{
    for (struct pooled *p = pool->free_list, *next; p; p = next) {
        next = p->next_free;
        free_pooled(p);
    }
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void picture_pool_destroy(struct picture_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->destroyed = true;
    bool last = pool->out == 0;
    pthread_mutex_unlock(&pool->lock);
    if (last)
        free_pool(pool);
}

static void give_back(struct picture *picture)
{
    struct pooled *p = (struct pooled *)picture;
    struct picture_pool *pool = p->pool;
    pthread_mutex_lock(&pool->lock);
    p->next_free = pool->free_list;
    pool->free_list = p;
    pool->out--;
    bool last = pool->destroyed && pool->out == 0;
    pthread_mutex_unlock(&pool->lock);
    if (last)
        free_pool(pool);
}

/* A free picture or a new one; NULL at the limit. Counts it as out. */
static struct pooled *take_any(struct picture_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct pooled *p = NULL;
    bool room = pool->out < pool->limit;
    if (room && pool->free_list) {
        p = pool->free_list;
        pool->free_list = p->next_free;
    } else if (room) {
        p = calloc(1, sizeof *p);
    }
    if (p)
        pool->out++;
    pthread_mutex_unlock(&pool->lock);
    return p;
}

static void forget(struct picture_pool *pool, struct pooled *p)
{
    pthread_mutex_lock(&pool->lock);
    pool->out--;
    pthread_mutex_unlock(&pool->lock);
    free_pooled(p);
}

struct picture *picture_pool_take(struct picture_pool *pool, enum pixel_format format, int width, int height)
{
    if (width < 1 || height < 1 || width > PICTURE_SIDE_MAX || height > PICTURE_SIDE_MAX)
        return NULL;
    struct pooled *p = take_any(pool);
    if (!p)
        return NULL;
    size_t bytes = total_bytes(format, width, height);
    if (p->bytes < bytes) {
        free(p->pixels);
        p->pixels = aligned_alloc(ROW_ALIGNMENT, bytes);
        p->bytes = p->pixels ? bytes : 0;
    }
    if (!p->pixels) {
        forget(pool, p);
        return NULL;
    }
    p->pool = pool;
    p->picture =
        (struct picture){.free_picture = give_back, .format = format, .width = width, .height = height};
    atomic_init(&p->picture.references, 1);
    set_planes(&p->picture, p->pixels);
    return &p->picture;
}
