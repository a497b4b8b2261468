/* What has to go (ring.h says in which order). */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "media/ring_internal.h"

#define FUTURE_NS (60 * NS_PER_S)

static void delete_at(struct ring *ring, struct ring_camera *camera, size_t at)
{
    struct ring_segment *segment = &camera->segments[at];
    char path[RING_PATH_MAX];

    ring_segment_path(ring, camera, segment->start_ns, path);
    unlink(path); /* one that cannot be deleted now is found again at the next start */
    camera->bytes -= segment->bytes;
    ring->bytes -= segment->bytes;
    ring->segments--;
    camera->count--;
    memmove(segment, segment + 1, (camera->count - at) * sizeof *segment);
}

static size_t delete_aged(struct ring *ring, struct ring_camera *camera, int64_t keep_ns, int64_t now_ns)
{
    size_t deleted = 0;

    for (size_t i = camera->count; i-- > 0;) {
        const struct ring_segment *s = &camera->segments[i];

        if (!s->open && (s->end_ns < now_ns - keep_ns || s->start_ns > now_ns + FUTURE_NS)) {
            delete_at(ring, camera, i);
            deleted++;
        }
    }
    return deleted;
}

static struct ring_camera *camera_with_oldest(const struct ring *ring)
{
    struct ring_camera *best = NULL;

    for (size_t i = 0; i < ring->count; i++) {
        struct ring_camera *c = ring->cameras[i];

        if (c->count && !c->segments[0].open &&
            (!best || c->segments[0].start_ns < best->segments[0].start_ns))
            best = c;
    }
    return best;
}

static size_t make_room(struct ring *ring, const struct ring_limits *limits, int64_t now_ns)
{
    size_t deleted = 0;

    for (struct ring_camera *c;; deleted++) {
        int64_t free_bytes = limits->free_bytes > 0 ? file_free_bytes(ring->folder) : -1;

        if (free_bytes < 0 || free_bytes >= limits->free_bytes)
            return deleted;
        c = camera_with_oldest(ring);
        if (!c || c->segments[0].end_ns > now_ns - limits->least_ns)
            return deleted;
        delete_at(ring, c, 0);
    }
}

static void drop_empty_cameras(struct ring *ring)
{
    char folder[RING_PATH_MAX];

    for (size_t i = ring->count; i-- > 0;) {
        if (ring->cameras[i]->count)
            continue;
        ring_camera_path(ring, ring->cameras[i]->stream_id, folder);
        rmdir(folder); /* stays when somebody else has put something there */
        ring_free_camera(ring->cameras[i]);
        ring->cameras[i] = ring->cameras[--ring->count];
    }
}

size_t ring_trim(struct ring *ring, const struct ring_limits *limits, int64_t now_ns)
{
    size_t deleted = 0;

    for (size_t i = 0; i < ring->count; i++) {
        struct ring_camera *c = ring->cameras[i];

        deleted += delete_aged(ring, c, limits->keep_ns, now_ns);
        while (limits->bytes_camera > 0 && c->bytes > limits->bytes_camera && !c->segments[0].open) {
            delete_at(ring, c, 0);
            deleted++;
        }
    }
    for (struct ring_camera *c;
         limits->bytes_all > 0 && ring->bytes > limits->bytes_all && (c = camera_with_oldest(ring));
         deleted++)
        delete_at(ring, c, 0);
    deleted += make_room(ring, limits, now_ns);
    drop_empty_cameras(ring);
    return deleted;
}
