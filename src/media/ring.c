#include "media/ring.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "core/zone.h"

#define FUTURE_NS (60 * NS_PER_S)
#define SUFFIX ".mkv"

struct camera {
    char stream_id[ID_SIZE];
    struct ring_segment *segments; /* in the order in which they were begun */
    size_t count, capacity;
    int64_t bytes;
};

struct ring {
    char folder[1024];
    struct camera **cameras;
    size_t count, capacity;
    int64_t bytes;
    size_t segments;
};

static void free_camera(struct camera *camera)
{
    free(camera->segments);
    free(camera);
}

static void forget(struct ring *ring)
{
    for (size_t i = 0; i < ring->count; i++)
        free_camera(ring->cameras[i]);
    ring->count = ring->segments = 0;
    ring->bytes = 0;
}

static struct camera *find_camera(const struct ring *ring, const char *stream_id)
{
    for (size_t i = 0; i < ring->count; i++)
        if (strcmp(ring->cameras[i]->stream_id, stream_id) == 0)
            return ring->cameras[i];
    return NULL;
}

static struct camera *make_camera(struct ring *ring, const char *stream_id)
{
    struct camera *camera = find_camera(ring, stream_id);

    if (camera)
        return camera;
    if (ring->count == ring->capacity) {
        size_t capacity = ring->capacity ? 2 * ring->capacity : 16;
        struct camera **cameras = realloc(ring->cameras, capacity * sizeof *cameras);

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

static int add_segment(struct ring *ring, struct camera *camera, const struct ring_segment *segment)
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

static void segment_path(const struct ring *ring, const struct camera *camera, int64_t start_ns,
                         char path[RING_PATH_MAX])
{
    text_format(path, RING_PATH_MAX, "%s/%s/%lld" SUFFIX, ring->folder, camera->stream_id,
                (long long)(start_ns / NS_PER_MS));
}

static void camera_path(const struct ring *ring, const char *stream_id, char path[RING_PATH_MAX])
{
    text_format(path, RING_PATH_MAX, "%s/%s", ring->folder, stream_id);
}

/* ---- what is there ---- */

static bool parse_name(const char *name, int64_t *start_ns)
{
    char digits[24];
    int64_t ms;
    size_t length = strlen(name);

    if (length <= strlen(SUFFIX) || length - strlen(SUFFIX) >= sizeof digits || !text_ends_with(name, SUFFIX))
        return false;
    memcpy(digits, name, length - strlen(SUFFIX));
    digits[length - strlen(SUFFIX)] = '\0';
    if (!text_to_int64(digits, &ms) || ms < 0 || ms > INT64_MAX / NS_PER_MS)
        return false;
    *start_ns = ms * NS_PER_MS;
    return true;
}

static int by_start(const void *a, const void *b)
{
    const struct ring_segment *x = a, *y = b;

    return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

static int look_at_file(struct ring *ring, const char *stream_id, const char *folder, const char *name)
{
    struct ring_segment segment = {0};
    struct stat st;
    char path[RING_PATH_MAX];

    if (!parse_name(name, &segment.start_ns))
        return 0;
    path_join(path, sizeof path, folder, name);
    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return 0;
    segment.bytes = st.st_size;
    segment.end_ns = (int64_t)st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
    if (segment.end_ns < segment.start_ns)
        segment.end_ns = segment.start_ns;

    struct camera *camera = make_camera(ring, stream_id);

    return camera ? add_segment(ring, camera, &segment) : ERR_NOMEM;
}

static int look_at_camera(struct ring *ring, const char *stream_id)
{
    char folder[RING_PATH_MAX];
    struct dirent *entry;
    int result = 0;

    camera_path(ring, stream_id, folder);
    DIR *dir = opendir(folder);
    if (!dir)
        return 0; /* not ours to read */
    while (result == 0 && (entry = readdir(dir)))
        result = look_at_file(ring, stream_id, folder, entry->d_name);
    closedir(dir);

    struct camera *camera = find_camera(ring, stream_id);

    if (camera && camera->count > 1)
        qsort(camera->segments, camera->count, sizeof *camera->segments, by_start);
    return result;
}

int ring_look(struct ring *ring, struct error *error)
{
    int result = file_make_dirs(ring->folder, error);
    struct dirent *entry;

    forget(ring);
    if (result < 0)
        return result;
    DIR *dir = opendir(ring->folder);
    if (!dir)
        return error_set_errno(error, errno, "%s", ring->folder);
    while (result == 0 && (entry = readdir(dir)))
        if (text_is_identifier(entry->d_name))
            result = look_at_camera(ring, entry->d_name);
    closedir(dir);
    return result < 0 ? error_nomem(error, ring->folder) : 0;
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
    forget(r);
    free(r->cameras);
    free(r);
}

/* ---- what is being written ---- */

int ring_begin(struct ring *ring, const char *stream_id, int64_t *start_ns, char path[RING_PATH_MAX],
               struct error *error)
{
    struct camera *camera = make_camera(ring, stream_id);
    char folder[RING_PATH_MAX];

    if (!camera)
        return error_nomem(error, stream_id);
    camera_path(ring, stream_id, folder);
    /* Only the camera's: a ring whose folder is gone has to be looked at anew. */
    if (mkdir(folder, 0750) != 0 && errno != EEXIST)
        return errno == ENOENT ? error_set(error, ERR_NOT_FOUND, "%s: the folder is gone", ring->folder)
                               : error_set_errno(error, errno, "%s", folder);
    *start_ns = *start_ns / NS_PER_MS * NS_PER_MS;
    segment_path(ring, camera, *start_ns, path);
    while (file_exists(path)) {
        *start_ns += NS_PER_MS;
        segment_path(ring, camera, *start_ns, path);
    }
    struct ring_segment segment = {.start_ns = *start_ns, .end_ns = *start_ns, .open = true};
    return add_segment(ring, camera, &segment) < 0 ? error_nomem(error, stream_id) : 0;
}

void ring_update(struct ring *ring, const char *stream_id, int64_t end_ns, int64_t bytes, bool done)
{
    struct camera *camera = find_camera(ring, stream_id);
    struct ring_segment *segment = camera && camera->count ? &camera->segments[camera->count - 1] : NULL;

    if (!segment || !segment->open)
        return;
    camera->bytes += bytes - segment->bytes;
    ring->bytes += bytes - segment->bytes;
    segment->bytes = bytes;
    segment->end_ns = end_ns;
    segment->open = !done;
}

/* ---- what has to go ---- */

static void delete_at(struct ring *ring, struct camera *camera, size_t at)
{
    struct ring_segment *segment = &camera->segments[at];
    char path[RING_PATH_MAX];

    segment_path(ring, camera, segment->start_ns, path);
    unlink(path); /* one that cannot be deleted now is found again at the next start */
    camera->bytes -= segment->bytes;
    ring->bytes -= segment->bytes;
    ring->segments--;
    camera->count--;
    memmove(segment, segment + 1, (camera->count - at) * sizeof *segment);
}

static size_t delete_aged(struct ring *ring, struct camera *camera, int64_t keep_ns, int64_t now_ns)
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

static struct camera *camera_with_oldest(const struct ring *ring)
{
    struct camera *best = NULL;

    for (size_t i = 0; i < ring->count; i++) {
        struct camera *c = ring->cameras[i];

        if (c->count && !c->segments[0].open &&
            (!best || c->segments[0].start_ns < best->segments[0].start_ns))
            best = c;
    }
    return best;
}

static size_t make_room(struct ring *ring, const struct ring_limits *limits, int64_t now_ns)
{
    size_t deleted = 0;

    for (struct camera *c;; deleted++) {
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
        camera_path(ring, ring->cameras[i]->stream_id, folder);
        rmdir(folder); /* stays when somebody else has put something there */
        free_camera(ring->cameras[i]);
        ring->cameras[i] = ring->cameras[--ring->count];
    }
}

size_t ring_trim(struct ring *ring, const struct ring_limits *limits, int64_t now_ns)
{
    size_t deleted = 0;

    for (size_t i = 0; i < ring->count; i++) {
        struct camera *c = ring->cameras[i];

        deleted += delete_aged(ring, c, limits->keep_ns, now_ns);
        while (limits->bytes_camera > 0 && c->bytes > limits->bytes_camera && !c->segments[0].open) {
            delete_at(ring, c, 0);
            deleted++;
        }
    }
    for (struct camera *c;
         limits->bytes_all > 0 && ring->bytes > limits->bytes_all && (c = camera_with_oldest(ring));
         deleted++)
        delete_at(ring, c, 0);
    deleted += make_room(ring, limits, now_ns);
    drop_empty_cameras(ring);
    return deleted;
}

/* ---- questions ---- */

void ring_find(const struct ring *ring, const char *stream_id, int64_t from_ns, int64_t to_ns,
               bool (*visit)(void *user, const struct ring_segment *segment, const char *path), void *user)
{
    const struct camera *camera = find_camera(ring, stream_id);
    char path[RING_PATH_MAX];

    for (size_t i = 0; camera && i < camera->count; i++) {
        const struct ring_segment *s = &camera->segments[i];

        if (s->end_ns < from_ns || s->start_ns > to_ns)
            continue;
        segment_path(ring, camera, s->start_ns, path);
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
    const struct camera *camera = find_camera(ring, stream_id);

    if (!camera || !camera->count)
        return false;
    *all = (struct ring_segment){.start_ns = camera->segments[0].start_ns,
                                 .end_ns = camera->segments[camera->count - 1].end_ns,
                                 .bytes = camera->bytes,
                                 .open = camera->segments[camera->count - 1].open};
    return true;
}
