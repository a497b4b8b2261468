/*
 * The scheduler: a picture is served when its camera is due. The camera's schedule advances by 1 / target
 * rate from where it was (so that a rate that does not divide the camera's is kept on average), but never
 * lags more than one interval behind now (so that a camera that was away or starved does not burst). Among
 * those that are due the one with the oldest schedule is the most overdue. Measured on sixteen cameras,
 * serving the oldest capture first is unfair by a factor of three; this is fair within one per cent.
 */
#include "pipeline/manager.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "pipeline/camera.h"

struct manager {
    struct camera_shared shared; /* its lock guards all below */
    struct network *network;
    struct snapshot_sink sinks[MANAGER_SINKS_MAX];
    size_t sink_count;
    struct camera *cameras[MANAGER_STREAMS_MAX]; /* ordered by stream_id */
    size_t camera_count;
    pthread_cond_t idle; /* a camera is no longer served */
    bool stopping;
    pthread_t *workers;
    int worker_count, workers_started;
    pthread_t watchdog;
    bool watchdog_started;
};

/* ---- workers ---- */

/* The most overdue camera with a full mailbox; else NULL and, in `wake_ns`, when the next one will be due
 * (INT64_MAX: unknown). */
static struct camera *choose_camera(struct manager *m, int64_t now_ns, int64_t *wake_ns)
{
    struct camera *best = NULL;
    *wake_ns = INT64_MAX;
    for (size_t i = 0; i < m->camera_count; i++) {
        struct camera *c = m->cameras[i];
        if (!c->mailbox_full || c->serving || c->removed)
            continue;
        if (c->due_ns > now_ns) {
            if (c->due_ns < *wake_ns)
                *wake_ns = c->due_ns;
        } else if (!best || c->due_ns < best->due_ns) {
            best = c;
        }
    }
    return best;
}

static void wait_for_work(struct manager *m, int64_t wake_ns)
{
    if (wake_ns == INT64_MAX) {
        pthread_cond_wait(&m->shared.work, &m->shared.lock);
        return;
    }
    struct timespec t = {.tv_sec = wake_ns / NS_PER_S, .tv_nsec = wake_ns % NS_PER_S};
    pthread_cond_timedwait(&m->shared.work, &m->shared.lock, &t);
}

static void advance_schedule(struct camera *c, int64_t now_ns)
{
    int64_t next = c->due_ns + c->interval_ns;
    c->due_ns = next > now_ns - c->interval_ns ? next : now_ns;
}

/* Blocks until there is an observation to analyse. NULL at the end. */
static struct camera *take_work(struct manager *m, struct observation *observation)
{
    struct camera *camera = NULL;
    pthread_mutex_lock(&m->shared.lock);
    while (!m->stopping) {
        int64_t now = clock_monotonic_ns(), wake;
        camera = choose_camera(m, now, &wake);
        if (camera) {
            *observation = camera->mailbox;
            camera->mailbox = (struct observation){0};
            camera->mailbox_full = false;
            camera->serving = true;
            advance_schedule(camera, now);
            break;
        }
        wait_for_work(m, wake);
    }
    pthread_mutex_unlock(&m->shared.lock);
    return camera;
}

static void publish(struct manager *m, struct camera *camera, struct snapshot *snapshot,
                    struct picture *picture)
{
    memcpy(snapshot->epoch, camera->status.epoch, sizeof snapshot->epoch);
    snapshot->seq = camera->status.seq + 1; /* only the worker that serves the camera changes it */
    snapshot->published = clock_now();
    /* A picture that shows nothing is none. */
    int64_t seen_ns = snapshot->capture.mono_ns - snapshot->blind_ns;
    double age = (double)(snapshot->published.mono_ns - seen_ns) / 1e9;
    snapshot->measures.of[MEASURE_PICTURE_AGE] = measure_exact(age > 0 ? age : 0);
    for (size_t i = 0; i < m->sink_count; i++)
        m->sinks[i].put(m->sinks[i].self, snapshot, picture);
    pthread_mutex_lock(&m->shared.lock);
    camera_count_snapshot(camera, snapshot);
    pthread_mutex_unlock(&m->shared.lock);
}

static int analyse(struct manager *m, struct network_context *context, struct camera *camera,
                   const struct observation *observation, struct error *error)
{
    const struct detection *detections = NULL;
    size_t count = 0;
    struct snapshot snapshot;
    int result = 0;
    if (observation->kind == OBSERVATION_PICTURE) {
        if (!context)
            return error_set(error, ERR_UNSUPPORTED, "no network is loaded: pictures cannot be analysed");
        result = network_infer(m->network, context, observation->picture, camera_path_view(camera->path),
                               &detections, &count, error);
    }
    if (result == 0)
        result = camera_path_measure(camera->path, observation, detections, count, &snapshot, error);
    if (result == 0)
        publish(m, camera, &snapshot, observation->picture);
    return result == ERR_INVALID ? 0 : result; /* a picture whose time did not advance says nothing new */
}

static void release_camera(struct manager *m, struct camera *camera)
{
    pthread_mutex_lock(&m->shared.lock);
    camera->serving = false;
    pthread_cond_signal(&m->shared.work);
    pthread_cond_broadcast(&m->idle);
    pthread_mutex_unlock(&m->shared.lock);
}

static void *worker_main(void *user)
{
    struct manager *m = user;
    struct network_context *context = NULL;
    struct error error = {0};
    if (m->network && network_context_create(m->network, &context, &error) < 0)
        log_error("pipeline", "worker: %s", error.text);
    struct observation observation;
    for (struct camera *camera; (camera = take_work(m, &observation));) {
        error.text[0] = '\0';
        if (analyse(m, context, camera, &observation, &error) < 0)
            log_error("pipeline", "stream %s: %s", camera->stream->stream_id, error.text);
        observation_release(&observation);
        release_camera(m, camera);
    }
    if (context)
        network_context_destroy(&context);
    return NULL;
}

/* ---- watchdog ---- */

static void *watchdog_main(void *user)
{
    struct manager *m = user;
    pthread_mutex_lock(&m->shared.lock);
    while (!m->stopping) {
        int64_t now = clock_monotonic_ns(), until = now + 200 * NS_PER_MS;
        for (size_t i = 0; i < m->camera_count; i++)
            camera_watch(m->cameras[i], now);
        struct timespec t = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};
        while (!m->stopping && clock_monotonic_ns() < until)
            pthread_cond_timedwait(&m->idle, &m->shared.lock, &t);
    }
    pthread_mutex_unlock(&m->shared.lock);
    return NULL;
}

/* ---- cameras ---- */

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

/* ---- life ---- */

static void init_locks(struct manager *m)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&m->shared.lock, NULL);
    pthread_cond_init(&m->shared.work, &monotonic);
    pthread_cond_init(&m->idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static int start_threads(struct manager *m, struct error *error)
{
    m->worker_count = m->shared.config->inference.workers;
    m->workers = calloc((size_t)m->worker_count, sizeof *m->workers);
    if (!m->workers)
        return error_nomem(error, "workers");
    for (; m->workers_started < m->worker_count; m->workers_started++) {
        int failed = pthread_create(&m->workers[m->workers_started], NULL, worker_main, m);
        if (failed)
            return error_set_errno(error, failed, "cannot start a worker");
    }
    int failed = pthread_create(&m->watchdog, NULL, watchdog_main, m);
    if (failed)
        return error_set_errno(error, failed, "cannot start the watchdog");
    m->watchdog_started = true;
    return 0;
}

int manager_start(const struct manager_options *options, struct manager **manager, struct error *error)
{
    *manager = NULL;
    if (options->sink_count > MANAGER_SINKS_MAX)
        return error_set(error, ERR_FULL, "at most %d sinks", MANAGER_SINKS_MAX);
    struct manager *m = calloc(1, sizeof *m);
    if (!m)
        return error_nomem(error, "stream manager");
    init_locks(m);
    m->shared.config = config_ref(options->config);
    m->shared.on_state = options->on_state;
    m->shared.user = options->user;
    m->network = options->network;
    m->sink_count = options->sink_count;
    if (m->sink_count > 0)
        memcpy(m->sinks, options->sinks, m->sink_count * sizeof *m->sinks);
    int result = start_threads(m, error);
    if (result < 0)
        manager_stop(&m);
    *manager = m;
    return result;
}

static void join_threads(struct manager *m)
{
    pthread_mutex_lock(&m->shared.lock);
    m->stopping = true;
    pthread_cond_broadcast(&m->shared.work);
    pthread_cond_broadcast(&m->idle);
    pthread_mutex_unlock(&m->shared.lock);
    for (int i = 0; i < m->workers_started; i++)
        pthread_join(m->workers[i], NULL);
    if (m->watchdog_started)
        pthread_join(m->watchdog, NULL);
}

void manager_stop(struct manager **manager)
{
    struct manager *m = *manager;
    *manager = NULL;
    if (!m)
        return;
    for (size_t i = 0; i < m->camera_count; i++)
        atomic_store(&m->cameras[i]->cancel,
                     true); /* all at once: joining one by one would add their time-outs up */
    for (size_t i = 0; i < m->camera_count; i++)
        camera_join_source(m->cameras[i]);
    join_threads(m);
    for (size_t i = 0; i < m->camera_count; i++)
        camera_free(&m->cameras[i]);
    pthread_cond_destroy(&m->idle);
    pthread_cond_destroy(&m->shared.work);
    pthread_mutex_destroy(&m->shared.lock);
    config_unref(&m->shared.config);
    free(m->workers);
    free(m);
}
