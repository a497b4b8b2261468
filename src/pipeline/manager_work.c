/*
 * The scheduler: a picture is served when its camera is due (schedule.h), the most overdue camera first. Once
 * a second the watchdog looks at how much of what was wanted was done, and lets the rate or the resolution
 * give way (load.h).
 *
 * One picture at a time per worker, no batches: on a CPU a batch of eight costs per picture what one does,
 * and four times the memory, and everybody in it waits for the last.
 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "pipeline/manager_internal.h"
#include "vision/picture_health.h"

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

void *manager_work(void *user)
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
