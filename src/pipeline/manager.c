/*
 * The scheduler: a picture is served when its camera is due (schedule.h), the most overdue camera first. Once
 * a second the watchdog looks at how much of what was wanted was done, and lets the rate or the resolution
 * give way (load.h).
 *
 * One picture at a time per worker, no batches: on a CPU a batch of eight costs per picture what one does,
 * and four times the memory, and everybody in it waits for the last.
 */
#include "pipeline/manager.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "pipeline/manager_internal.h"
#include "vision/picture_health.h"

/* ---- workers ---- */

/* The most overdue camera with a full mailbox; else NULL and, in `wake_ns`, when the next one will be due
 * (INT64_MAX: unknown). */
static struct camera *choose_camera(struct manager *m, int64_t now_ns, int64_t *wake_ns)
{
    struct camera *best = NULL;
    double most = -1;
    *wake_ns = INT64_MAX;
    for (size_t i = 0; i < m->camera_count; i++) {
        struct camera *c = m->cameras[i];
        if (!c->mailbox_full || c->serving || c->removed)
            continue;
        double overdue = schedule_overdue(&c->schedule, now_ns);
        if (overdue < 0) {
            if (c->schedule.due_ns < *wake_ns)
                *wake_ns = c->schedule.due_ns;
        } else if (overdue > most) {
            most = overdue;
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

/* What a worker does at the moment. */
struct turn {
    struct camera *camera;
    struct observation observation;
    int rung; /* of the ladder of input sizes */
    enum load_level level;
    int64_t began_ns;
};

/* Blocks until there is an observation to analyse. False at the end. */
static bool take_work(struct manager *m, struct turn *turn)
{
    struct camera *camera = NULL;
    pthread_mutex_lock(&m->shared.lock);
    while (!m->stopping) {
        int64_t now = clock_monotonic_ns(), wake;
        camera = choose_camera(m, now, &wake);
        if (camera) {
            *turn = (struct turn){.camera = camera,
                                  .observation = camera->mailbox,
                                  .rung = camera->has_ladder ? m->load.rung : 0,
                                  .level = manager_level_of(m, camera),
                                  .began_ns = now};
            camera->mailbox = (struct observation){0};
            camera->mailbox_full = false;
            camera->serving = true;
            camera->turns++;
            schedule_advance(&camera->schedule, now);
            break;
        }
        wait_for_work(m, wake);
    }
    pthread_mutex_unlock(&m->shared.lock);
    return camera != NULL;
}

static void note_degradation(const struct turn *turn, struct snapshot *snapshot)
{
    static const char *const texts[] = {NULL, "overload: analysed less often than asked for",
                                        "overload: analysed at a smaller size"};
    if (!snapshot->degraded)
        snapshot->degraded = texts[turn->level];
}

static void publish(struct manager *m, const struct turn *turn, struct snapshot *snapshot, size_t detected)
{
    struct camera *camera = turn->camera;
    struct picture *picture = turn->observation.picture;
    note_degradation(turn, snapshot);
    memcpy(snapshot->epoch, camera->status.epoch, sizeof snapshot->epoch);
    snapshot->seq = camera->status.seq + 1; /* only the worker that serves the camera changes it */
    snapshot->published = clock_now();
    /* A picture that shows nothing is none. */
    int64_t seen_ns = snapshot->capture.mono_ns - snapshot->blind_ns;
    double age = (double)(snapshot->published.mono_ns - seen_ns) / 1e9;
    snapshot->measures.of[MEASURE_PICTURE_AGE] = measure_exact(age > 0 ? age : 0);
    snapshot->measures.of[MEASURE_UNRECORDED] = camera_unrecorded(camera, snapshot->published.mono_ns);
    for (size_t i = 0; i < m->sink_count; i++)
        m->sinks[i].put(m->sinks[i].self, snapshot, picture);
    pthread_mutex_lock(&m->shared.lock);
    camera_count_snapshot(camera, snapshot);
    camera_adapt_rate(camera, snapshot, detected);
    pthread_mutex_unlock(&m->shared.lock);
}

/* People whom the tracker would begin a track with. */
static size_t count_sure(const struct manager *m, const struct detection *detections, size_t count)
{
    size_t sure = 0;
    for (size_t i = 0; i < count; i++)
        sure += detections[i].score >= m->shared.config->tracking.new_score;
    return sure;
}

/* `context`: the worker's own; NULL where there is no network, or no memory. */
static int infer(struct manager *m, struct network_context *context, const struct turn *turn,
                 const struct detection **detections, size_t *count, struct error *error)
{
    struct camera *camera = turn->camera;
    if (!context)
        return error_set(error, ERR_UNSUPPORTED, "no network is loaded: pictures cannot be analysed");
    network_context_set_rung(context, turn->rung);
    int result = network_infer(m->network, context, turn->observation.picture, camera_path_view(camera->path),
                               detections, count, error);
    pthread_mutex_lock(&m->shared.lock);
    network_context_input(context, &camera->status.input_width, &camera->status.input_height);
    pthread_mutex_unlock(&m->shared.lock);
    if (result == 0)
        result = density_turn_look(&m->density, camera->path, context, &turn->observation, error);
    return result;
}

static void prepare_health(struct manager *m, struct camera *camera)
{
    if (atomic_exchange(&camera->accept_view, false))
        camera_path_accept_view(camera->path);
    pthread_mutex_lock(&m->shared.lock);
    struct camera_pace pace = {.target_fps = camera->rate.now, .late_s = camera->status.late_s};
    pthread_mutex_unlock(&m->shared.lock);
    camera_path_set_pace(camera->path, &pace);
}

static void keep_view(struct camera *camera)
{
    const struct camera_shared *shared = camera->shared;
    struct health_memory memory;
    if (shared->keep_view && camera_path_remember_view(camera->path, clock_monotonic_ns(), &memory))
        shared->keep_view(shared->user, camera->stream, &memory);
}

static int analyse(struct manager *m, struct network_context *context, const struct turn *turn,
                   struct error *error)
{
    const struct observation *observation = &turn->observation;
    const struct detection *detections = NULL;
    size_t count = 0;
    struct snapshot snapshot;
    int result = 0;
    if (observation->kind == OBSERVATION_PICTURE)
        result = infer(m, context, turn, &detections, &count, error);
    if (result == 0) {
        prepare_health(m, turn->camera);
        result = camera_path_measure(turn->camera->path, observation, detections, count, &snapshot, error);
    }
    if (result == 0) {
        publish(m, turn, &snapshot, count_sure(m, detections, count));
        keep_view(turn->camera);
    }
    return result == ERR_INVALID ? 0 : result; /* a picture whose time did not advance says nothing new */
}

static void release_camera(struct manager *m, const struct turn *turn)
{
    pthread_mutex_lock(&m->shared.lock);
    m->busy_s += (double)(clock_monotonic_ns() - turn->began_ns) / 1e9;
    turn->camera->serving = false;
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
    struct turn turn;
    while (take_work(m, &turn)) {
        error.text[0] = '\0';
        if (analyse(m, context, &turn, &error) < 0)
            log_error("pipeline", "stream %s: %s", turn.camera->stream->stream_id, error.text);
        observation_release(&turn.observation);
        release_camera(m, &turn);
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
        manager_watch_load(m, now);
        manager_give_memory_back(m, now);
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
    m->shared.recorder = options->recorder;
    m->shared.find_source = options->find_source;
    m->shared.on_state = options->on_state;
    m->shared.find_view = options->find_view;
    m->shared.keep_view = options->keep_view;
    m->shared.user = options->user;
    m->network = options->network;
    m->load = load_start(options->config->inference.workers);
    m->load_sampled_ns = clock_monotonic_ns();
    m->sink_count = options->sink_count;
    if (m->sink_count > 0)
        memcpy(m->sinks, options->sinks, m->sink_count * sizeof *m->sinks);
    int result = density_turn_open(&m->density, options->density, options->config->inference.density_share,
                                   options->config->inference.workers, error);
    if (result == 0)
        result = start_threads(m, error);
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
    density_turn_close(&m->density);
    for (size_t i = 0; i < m->camera_count; i++)
        camera_free(&m->cameras[i]);
    pthread_cond_destroy(&m->idle);
    pthread_cond_destroy(&m->shared.work);
    pthread_mutex_destroy(&m->shared.lock);
    config_unref(&m->shared.config);
    free(m->workers);
    free(m);
}
