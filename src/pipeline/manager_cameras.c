/* The manager's cameras: they come, go, and are asked for. */
#include <string.h>

#include "base/clock.h"
#include "pipeline/manager_internal.h"

static size_t find_position(const struct manager *m, const char *stream_id, bool *found)
{
    size_t i = 0;
    int order = -1;
    while (i < m->camera_count && (order = strcmp(m->cameras[i]->stream->stream_id, stream_id)) < 0)
        i++;
    *found = i < m->camera_count && order == 0;
    return i;
}

static int may_add(struct manager *m, const char *stream_id, struct error *error)
{
    bool found;
    pthread_mutex_lock(&m->shared.lock);
    find_position(m, stream_id, &found);
    bool full = m->camera_count == MANAGER_STREAMS_MAX;
    pthread_mutex_unlock(&m->shared.lock);
    if (found)
        return error_set(error, ERR_EXISTS, "stream %s exists already", stream_id);
    return full ? error_set(error, ERR_FULL, "at most %d streams", MANAGER_STREAMS_MAX) : 0;
}

int manager_add(struct manager *m, const struct stream_config *stream, struct error *error)
{
    int result = may_add(m, stream->stream_id, error);
    struct camera *camera;
    if (result == 0)
        result = camera_start(&m->shared, stream, &camera, error);
    if (result < 0)
        return result;
    bool found;
    pthread_mutex_lock(&m->shared.lock);
    size_t at = find_position(m, stream->stream_id, &found);
    bool refused = found || m->camera_count == MANAGER_STREAMS_MAX; /* somebody was faster */
    if (!refused) {
        memmove(&m->cameras[at + 1], &m->cameras[at], (m->camera_count - at) * sizeof *m->cameras);
        m->cameras[at] = camera;
        m->camera_count++;
        camera->has_ladder = m->network && network_has_ladder(m->network, camera_path_view(camera->path));
        camera->status.degradation = manager_level_of(m, camera);
        pthread_cond_signal(&m->shared.work); /* its first picture may be there already */
    } else {
        camera->removed = true;
    }
    pthread_mutex_unlock(&m->shared.lock);
    if (!refused)
        return 0;
    camera_join_source(camera);
    camera_free(&camera);
    return error_set(error, ERR_EXISTS, "stream %s exists already", stream->stream_id);
}

/* Takes the camera off the list; with the lock held. */
static void unlist(struct manager *m, size_t at)
{
    const struct camera *camera = m->cameras[at];
    m->gone_turns += camera->turns - camera->sampled_turns;
    m->cameras[at]->removed = true;
    m->camera_count--;
    memmove(&m->cameras[at], &m->cameras[at + 1], (m->camera_count - at) * sizeof *m->cameras);
}

int manager_remove(struct manager *m, const char *stream_id, struct error *error)
{
    bool found;
    struct camera *camera = NULL;
    pthread_mutex_lock(&m->shared.lock);
    size_t at = find_position(m, stream_id, &found);
    if (found) {
        camera = m->cameras[at];
        unlist(m, at);
        while (camera->serving)
            pthread_cond_wait(&m->idle, &m->shared.lock);
    }
    pthread_mutex_unlock(&m->shared.lock);
    if (!found)
        return error_set(error, ERR_NOT_FOUND, "there is no stream %s", stream_id);
    camera_join_source(camera);
    camera_free(&camera);
    return 0;
}

struct stream_config *manager_stream_config(struct manager *m, const char *stream_id)
{
    bool found;
    pthread_mutex_lock(&m->shared.lock);
    size_t at = find_position(m, stream_id, &found);
    struct stream_config *copy = found ? stream_config_copy(m->cameras[at]->stream) : NULL;
    pthread_mutex_unlock(&m->shared.lock);
    return copy;
}

int manager_accept_view(struct manager *m, const char *stream_id)
{
    bool found;
    pthread_mutex_lock(&m->shared.lock);
    size_t at = find_position(m, stream_id, &found);
    if (found)
        atomic_store(&m->cameras[at]->accept_view, true);
    pthread_mutex_unlock(&m->shared.lock);
    return found ? 0 : ERR_NOT_FOUND;
}

int manager_status(struct manager *m, const char *stream_id, struct stream_status *status)
{
    bool found;
    pthread_mutex_lock(&m->shared.lock);
    size_t at = find_position(m, stream_id, &found);
    if (found)
        camera_get_status(m->cameras[at], clock_monotonic_ns(), status);
    pthread_mutex_unlock(&m->shared.lock);
    return found ? 0 : ERR_NOT_FOUND;
}

size_t manager_statuses(struct manager *m, struct stream_status *statuses, size_t limit)
{
    pthread_mutex_lock(&m->shared.lock);
    size_t count = m->camera_count;
    int64_t now = clock_monotonic_ns();
    for (size_t i = 0; i < count && i < limit; i++)
        camera_get_status(m->cameras[i], now, &statuses[i]);
    pthread_mutex_unlock(&m->shared.lock);
    return count;
}
