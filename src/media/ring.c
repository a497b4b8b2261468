#include "media/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "media/ring_internal.h"

void ring_free_camera(struct ring_camera *camera)
{
    free(camera->segments);
    free(camera);
}

void ring_forget(struct ring *ring)
{
    for (size_t i = 0; i < ring->count; i++)
        ring_free_camera(ring->cameras[i]);
    ring->count = ring->segments = 0;
    ring->bytes = 0;
}

struct ring_camera *ring_find_camera(const struct ring *ring, const char *stream_id)
{
    for (size_t i = 0; i < ring->count; i++)
        if (strcmp(ring->cameras[i]->stream_id, stream_id) == 0)
            return ring->cameras[i];
    return NULL;
}

struct ring_camera *ring_make_camera(struct ring *ring, const char *stream_id)
{
    struct ring_camera *camera = ring_find_camera(ring, stream_id);

    if (camera)
        return camera;
    if (ring->count == ring->capacity) {
        size_t capacity = ring->capacity ? 2 * ring->capacity : 16;
        struct ring_camera **cameras = realloc(ring->cameras, capacity * sizeof *cameras);

        if (!cameras)
            return NULL;
        ring->cameras = cameras, ring->capacity = capacity;
    }
    camera = calloc(1, sizeof *camera);
    if (!camera)
        return NULL;
    text_copy(camera->stream_id, sizeof camera->stream_id, stream_id);
    ring->cameras[ring->count++] = camera;
    return camera;
}

int ring_add_segment(struct ring *ring, struct ring_camera *camera, const struct ring_segment *segment)
{
    if (camera->count == camera->capacity) {
        size_t capacity = camera->capacity ? 2 * camera->capacity : 32;
        struct ring_segment *segments = realloc(camera->segments, capacity * sizeof *segments);

        if (!segments)
            return ERR_NOMEM;
        camera->segments = segments, camera->capacity = capacity;
    }
    camera->segments[camera->count++] = *segment;
    camera->bytes += segment->bytes;
    ring->bytes += segment->bytes;
    ring->segments++;
    return 0;
}

void ring_segment_path(const struct ring *ring, const struct ring_camera *camera, int64_t start_ns,
                       char path[RING_PATH_MAX])
{
    text_format(path, RING_PATH_MAX, "%s/%s/%lld" RING_SUFFIX, ring->folder, camera->stream_id,
                (long long)(start_ns / NS_PER_MS));
}

void ring_camera_path(const struct ring *ring, const char *stream_id, char path[RING_PATH_MAX])
{
    text_format(path, RING_PATH_MAX, "%s/%s", ring->folder, stream_id);
}

int ring_create(const char *folder, struct ring **ring, struct error *error)
{
    struct ring *r = calloc(1, sizeof *r);

    *ring = r;
    if (!r)
        return error_nomem(error, folder);
    text_copy(r->folder, sizeof r->folder, folder);
    return ring_look(r, error);
}

void ring_destroy(struct ring **ring)
{
    struct ring *r = *ring;

    *ring = NULL;
    if (!r)
        return;
    ring_forget(r);
    free(r->cameras);
    free(r);
}

/* ---- what is being written ---- */

int ring_begin(struct ring *ring, const char *stream_id, int64_t *start_ns, char path[RING_PATH_MAX],
               struct error *error)
{
    struct ring_camera *camera = ring_make_camera(ring, stream_id);
    char folder[RING_PATH_MAX];

    if (!camera)
        return error_nomem(error, stream_id);
    ring_camera_path(ring, stream_id, folder);
    /* Only the camera's: a ring whose folder is gone has to be looked at anew. */
    if (mkdir(folder, 0750) != 0 && errno != EEXIST)
        return errno == ENOENT ? error_set(error, ERR_NOT_FOUND, "%s: the folder is gone", ring->folder)
                               : error_set_errno(error, errno, "%s", folder);
    *start_ns = *start_ns / NS_PER_MS * NS_PER_MS;
    ring_segment_path(ring, camera, *start_ns, path);
    while (file_exists(path)) {
        *start_ns += NS_PER_MS;
        ring_segment_path(ring, camera, *start_ns, path);
    }
    struct ring_segment segment = {.start_ns = *start_ns, .end_ns = *start_ns, .open = true};
    return ring_add_segment(ring, camera, &segment) < 0 ? error_nomem(error, stream_id) : 0;
}

void ring_update(struct ring *ring, const char *stream_id, int64_t end_ns, int64_t bytes, bool done)
{
    struct ring_camera *camera = ring_find_camera(ring, stream_id);
    struct ring_segment *segment = camera && camera->count ? &camera->segments[camera->count - 1] : NULL;

    if (!segment || !segment->open)
        return;
    camera->bytes += bytes - segment->bytes;
    ring->bytes += bytes - segment->bytes;
    segment->bytes = bytes;
    segment->end_ns = end_ns;
    segment->open = !done;
}

/* ---- questions ---- */

void ring_find(const struct ring *ring, const char *stream_id, int64_t from_ns, int64_t to_ns,
               bool (*visit)(void *user, const struct ring_segment *segment, const char *path), void *user)
{
    const struct ring_camera *camera = ring_find_camera(ring, stream_id);
    char path[RING_PATH_MAX];

    for (size_t i = 0; camera && i < camera->count; i++) {
        const struct ring_segment *s = &camera->segments[i];

        if (s->end_ns < from_ns || s->start_ns > to_ns)
            continue;
        ring_segment_path(ring, camera, s->start_ns, path);
        if (!visit(user, s, path))
            return;
    }
}

int64_t ring_bytes(const struct ring *ring)
{
    return ring->bytes;
}

size_t ring_count(const struct ring *ring)
{
    return ring->segments;
}

bool ring_span(const struct ring *ring, const char *stream_id, struct ring_segment *all)
{
    const struct ring_camera *camera = ring_find_camera(ring, stream_id);

    if (!camera || !camera->count)
        return false;
    *all = (struct ring_segment){.start_ns = camera->segments[0].start_ns,
                                 .end_ns = camera->segments[camera->count - 1].end_ns,
                                 .bytes = camera->bytes,
                                 .open = camera->segments[camera->count - 1].open};
    return true;
}
