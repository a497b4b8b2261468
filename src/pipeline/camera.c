#include "pipeline/camera.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/text.h"
#include "media/recorder.h"
#include "media/source.h"
#include "vision/picture_health.h"

const double manager_latency_bounds[LATENCY_BUCKETS] = STREAM_LATENCY_BOUNDS;

static void enter_state(struct camera *camera, enum stream_state state, enum stream_cause cause,
                        const char *reason)
{
    struct stream_status *s = &camera->status;
    if (s->state != state || s->entered[state] == 0)
        s->entered[state]++;
    s->state = state;
    s->cause = cause;
    text_copy(s->reason, sizeof s->reason, reason);
    if (camera->shared->on_state && !camera->removed)
        camera->shared->on_state(camera->shared->user, s->stream_id, state, cause, s->reason);
}

void camera_set_state(struct camera *camera, enum stream_state state, enum stream_cause cause,
                      const char *reason)
{
    const struct stream_status *s = &camera->status;
    if (s->state != state || s->cause != cause || strcmp(s->reason, reason) != 0)
        enter_state(camera, state, cause, reason);
}

static double snapshot_rate(const struct camera *camera, int64_t now_ns)
{
    size_t size = sizeof camera->rate_times / sizeof *camera->rate_times;
    size_t count = camera->rate_count < size ? camera->rate_count : size;
    if (count < 2)
        return 0;
    int64_t oldest = camera->rate_times[camera->rate_count < size ? 0 : camera->rate_count % size];
    int64_t newest = camera->rate_times[(camera->rate_count - 1) % size];
    if (now_ns - newest > 5 * NS_PER_S)
        return 0;
    return newest > oldest ? (double)(count - 1) * 1e9 / (double)(newest - oldest) : 0;
}

void camera_get_status(const struct camera *camera, int64_t now_ns, struct stream_status *status)
{
    *status = camera->status;
    status->picture_age_s = camera->last_picture_ns ? (double)(now_ns - camera->last_picture_ns) / 1e9 : NAN;
    status->retry_in_s = NAN;
    if (camera->status.state == STREAM_FAILED)
        status->retry_in_s = fmax(0, (double)(camera->retry_at_ns - now_ns) / 1e9);
    status->analyzed_fps = snapshot_rate(camera, now_ns);
    camera_get_notes(camera, now_ns, status);
}

void camera_watch(struct camera *camera, int64_t now_ns)
{
    int64_t age = now_ns - camera->last_picture_ns;
    if (camera->status.state == STREAM_LIVE && age > camera->stall_after_ns) {
        char reason[64];
        const char *what = camera->status.gives == OBSERVATION_PICTURE
                               ? "picture"
                               : observation_kind_name(camera->status.gives);
        text_format(reason, sizeof reason, "no %s for %.1f s", what, (double)age / 1e9);
        camera_set_state(camera, STREAM_STALLED, CAUSE_TIMEOUT, reason);
    }
}

void camera_count_snapshot(struct camera *camera, const struct snapshot *snapshot)
{
    struct stream_status *s = &camera->status;
    double latency = (double)(snapshot->published.mono_ns - snapshot->capture.mono_ns) / 1e9;
    s->frames_analyzed++;
    s->seq = snapshot->seq;
    s->people = snapshot->measures.of[MEASURE_PEOPLE];
    s->health = snapshot->health;
    s->latency_s = latency;
    s->latency_sum_s += latency;
    for (size_t i = 0; i < LATENCY_BUCKETS; i++)
        s->latency_buckets[i] += latency <= manager_latency_bounds[i];
    camera->rate_times[camera->rate_count++ % (sizeof camera->rate_times / sizeof *camera->rate_times)] =
        snapshot->published.mono_ns;
}

void camera_adapt_rate(struct camera *camera, const struct snapshot *snapshot, size_t detected)
{
    size_t seen = 0;
    for (size_t i = 0; i < snapshot->track_count; i++)
        seen += !snapshot->tracks[i].coasted;
    struct rate_scene scene = {
        .tracks = snapshot->tracks, .track_count = snapshot->track_count, .newcomers = detected > seen};
    int64_t now = snapshot->published.mono_ns;
    double rate = rate_update(&camera->rate, &scene, now);
    if (camera->rate.least < camera->rate.most)
        schedule_set_rate(&camera->schedule, rate, now);
    camera->status.target_fps = rate;
}

/* ---- the source thread ---- */

static struct source_faults sum_of_faults(const struct source_faults *before, const struct source_faults *now)
{
    return (struct source_faults){.damaged = before->damaged + now->damaged,
                                  .skipped = before->skipped + now->skipped,
                                  .missing = before->missing + now->missing,
                                  .disordered = before->disordered + now->disordered,
                                  .jumps = before->jumps + now->jumps,
                                  .untrusted = before->untrusted + now->untrusted,
                                  .now_untrusted = now->now_untrusted};
}

static void put_observation(struct camera *camera, struct observation *observation,
                            const struct source_info *info)
{
    struct observation old = {0};
    int64_t now = clock_monotonic_ns();
    pthread_mutex_lock(&camera->shared->lock);
    if (camera->mailbox_full) {
        old = camera->mailbox;
        camera->status.frames_replaced++;
    }
    camera->mailbox = *observation;
    camera->mailbox_full = true;
    camera->last_picture_ns = now;
    camera->status.frames_decoded++;
    camera->status.width = observation->width;
    camera->status.height = observation->height;
    camera->status.late_s = info->late_s;
    camera->status.faults = sum_of_faults(&camera->faults, &info->faults);
    camera_set_state(camera, STREAM_LIVE, CAUSE_NONE, "");
    pthread_cond_signal(&camera->shared->work);
    pthread_mutex_unlock(&camera->shared->lock);
    observation_release(&old);
}

/* The source counts from zero each time it is opened: time and numbers go on where they were, by the clock.
 */
static void continue_time(struct camera *camera)
{
    pthread_mutex_lock(&camera->shared->lock);
    int64_t since = camera->last_picture_ns ? clock_monotonic_ns() - camera->last_picture_ns : 0;
    pthread_mutex_unlock(&camera->shared->lock);
    if (since > 0)
        camera->stream_offset_ns = camera->stream_last_ns + since;
    camera->number_offset = camera->number_last;
}

static int read_until_failure(struct camera *camera, const struct source_kind *kind, struct source *source,
                              struct error *error)
{
    continue_time(camera);
    while (!atomic_load(&camera->cancel)) {
        struct observation observation = {0};
        int result = kind->read(source, &observation, error);
        if (result < 0)
            return result;
        observation.stream_ns += camera->stream_offset_ns;
        observation.number += camera->number_offset;
        if (camera->lived_from_ns == 0)
            camera->lived_from_ns = clock_monotonic_ns();
        camera->stream_last_ns = observation.stream_ns;
        camera->number_last = observation.number;
        if (observation.picture) {
            /* The picture is not published yet: this thread may still write its head. */
            observation.picture->stream_ns = observation.stream_ns;
            observation.picture->number = observation.number;
        }
        struct source_info info;
        kind->info(source, &info);
        put_observation(camera, &observation, &info);
    }
    return ERR_CANCELED;
}

/* A slide show is not stalled while it shows a slide. */
static int64_t stall_after(const struct config *config, const struct source_info *info)
{
    int64_t limit = config->media.stall_after_ns;
    double patience = !info->live && info->frame_rate > 0 ? 2.5 * 1e9 / info->frame_rate : 0;
    return patience > (double)limit && patience < 1e15 ? (int64_t)patience : limit;
}

static int attempt(struct camera *camera, const struct source_kind *kind, bool *live, struct error *error)
{
    const struct config *config = camera->shared->config;
    struct source *source = NULL;
    struct source_info info = {0};
    struct source_options options = {
        .uri = camera->stream->uri,
        .frame_rate = camera->stream->frame_rate,
        .paced = camera->stream->paced,
        .loop = camera->stream->loop,
        .open_timeout_ns = config->media.open_timeout_ns,
        .read_timeout_ns = config->media.read_timeout_ns,
        .picture_limit = config->media.picture_limit,
        .cancel = &camera->cancel,
        .on_note = camera_take_note,
        .note_user = camera,
        .tap = camera->tap,
        .vectors = camera_path_vectors_wanted(camera->path),
        .decoder = media_decoder_name(config->media.decoder),
        .loop_filter = loop_filter_name(config->media.loop_filter),
    };
    int result = kind->open(&options, &source, error);
    if (result < 0)
        return result;
    kind->info(source, &info);
    *live = info.live;
    pthread_mutex_lock(&camera->shared->lock);
    text_copy(camera->status.source, sizeof camera->status.source, info.description ? info.description : "");
    camera->stall_after_ns = stall_after(config, &info);
    camera->status.gives = info.gives;
    pthread_mutex_unlock(&camera->shared->lock);
    result = read_until_failure(camera, kind, source, error);
    kind->info(source, &info);
    camera->faults = sum_of_faults(&camera->faults, &info.faults);
    camera->faults.now_untrusted = false;
    pthread_mutex_lock(&camera->shared->lock);
    camera->status.faults = camera->faults; /* what came without a picture counts too */
    pthread_mutex_unlock(&camera->shared->lock);
    kind->close(&source);
    atomic_store(&camera->shared->memory_freed, true);
    return result;
}

/* Waits until the retry is due or the camera is canceled. */
static void wait_for_retry(struct camera *camera)
{
    pthread_mutex_lock(&camera->shared->lock);
    int64_t until = camera->retry_at_ns;
    struct timespec t = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};
    while (!atomic_load(&camera->cancel) && clock_monotonic_ns() < until)
        pthread_cond_timedwait(&camera->retry, &camera->shared->lock, &t);
    pthread_mutex_unlock(&camera->shared->lock);
}

/* State and time of the next attempt change together: whoever sees the failure sees when it tries again. */
static void note_failure(struct camera *camera, int result, bool live, const struct error *error,
                         int64_t wait_ns)
{
    pthread_mutex_lock(&camera->shared->lock);
    camera->status.reconnects++;
    camera->retry_at_ns = clock_monotonic_ns() + wait_ns;
    const char *reason = result == ERR_END && live ? "the camera ended the stream" : error->text;
    camera_set_state(camera, STREAM_FAILED, stream_cause_of(result),
                     reason[0] ? reason : error_code_name(result));
    pthread_mutex_unlock(&camera->shared->lock);
}

static void end_stream(struct camera *camera)
{
    pthread_mutex_lock(&camera->shared->lock);
    camera_set_state(camera, STREAM_ENDED, CAUSE_NONE, "the file has been played to its end");
    pthread_mutex_unlock(&camera->shared->lock);
}

/* The time that the camera waits before the next attempt. */
static int64_t retry_wait(struct camera *camera, int result)
{
    int64_t now = clock_monotonic_ns(), lived = -1;
    if (camera->lived_from_ns != 0) {
        pthread_mutex_lock(&camera->shared->lock);
        lived = camera->last_picture_ns - camera->lived_from_ns; /* the first came just after */
        pthread_mutex_unlock(&camera->shared->lock);
    }
    return retry_after(&camera->attempts, stream_cause_of(result), lived, now, random_unit(&camera->random));
}

static void *source_main(void *user)
{
    struct camera *camera = user;
    struct error error = {0};
    const struct source_kind *kind = camera->shared->find_source
                                         ? camera->shared->find_source(camera->stream->uri, &error)
                                         : source_kind_for(camera->stream->uri, &error);
    if (camera->shared->recorder && camera->stream->record)
        camera->tap = recorder_attach(camera->shared->recorder, camera->stream->stream_id);
    while (!atomic_load(&camera->cancel)) {
        bool live = false;
        camera->lived_from_ns = 0;
        if (kind)
            error = (struct error){0};
        int result = kind ? attempt(camera, kind, &live, &error) : error.code;
        if (atomic_load(&camera->cancel))
            break;
        if (result == ERR_END && !live) {
            end_stream(camera);
            break;
        }
        note_failure(camera, result, live, &error, retry_wait(camera, result));
        wait_for_retry(camera);
    }
    if (camera->tap)
        recorder_detach(camera->shared->recorder, &camera->tap);
    return NULL;
}

/* ---- life ---- */

static void set_target(struct camera *camera, const struct config *config, const struct stream_config *stream)
{
    double most = stream->target_fps > 0 ? stream->target_fps : config->inference.max_fps;
    camera->rate = rate_between(stream->quiet_fps, most);
    schedule_set_rate(&camera->schedule, most, 0);
    camera->status.target_fps = most;
}

static int start_thread(struct camera *camera, struct error *error)
{
    bool enabled = camera->stream->enabled;
    enter_state(camera, enabled ? STREAM_CONNECTING : STREAM_DISABLED, CAUSE_NONE, "");
    if (!enabled)
        return 0;
    int failed = pthread_create(&camera->thread, NULL, source_main, camera);
    if (failed)
        return error_set_errno(error, failed, "stream %s: cannot start its thread",
                               camera->stream->stream_id);
    camera->thread_started = true;
    return 0;
}

static void recall_view(struct camera *camera)
{
    const struct camera_shared *shared = camera->shared;
    struct health_memory memory;
    bool recent = false;
    if (shared->find_view && shared->find_view(shared->user, camera->stream, &memory, &recent))
        camera_path_recall_view(camera->path, &memory, recent);
}

int camera_start(struct camera_shared *shared, const struct stream_config *stream, struct camera **camera,
                 struct error *error)
{
    *camera = NULL;
    struct camera *c = calloc(1, sizeof *c);
    if (!c)
        return error_nomem(error, stream->stream_id);
    c->shared = shared;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->retry, &monotonic);
    pthread_condattr_destroy(&monotonic);
    uint64_t seed;
    secret_random(&seed, sizeof seed);
    random_seed(&c->random, seed);
    set_target(c, shared->config, stream);
    c->status.counting = stream->counting.mode;
    text_copy(c->status.stream_id, sizeof c->status.stream_id, stream->stream_id);
    secret_random_hex(c->status.epoch, 8);
    c->status.people = measure_invalid(REASON_NO_PICTURE);
    c->status.latency_s = NAN;
    c->stream = stream_config_copy(stream);
    int result = c->stream ? 0 : error_nomem(error, stream->stream_id);
    if (result == 0)
        result = camera_path_create(shared->config, c->stream, PATH_LIVE, &c->path, error);
    if (result == 0)
        recall_view(c);
    if (result == 0)
        result = start_thread(c, error);
    if (result < 0)
        camera_free(&c);
    *camera = c;
    return result;
}

void camera_join_source(struct camera *camera)
{
    atomic_store(&camera->cancel, true);
    pthread_mutex_lock(&camera->shared->lock);
    pthread_cond_broadcast(&camera->retry);
    pthread_mutex_unlock(&camera->shared->lock);
    if (camera->thread_started)
        pthread_join(camera->thread, NULL);
    camera->thread_started = false;
}

void camera_free(struct camera **camera)
{
    struct camera *c = *camera;
    *camera = NULL;
    if (!c)
        return;
    observation_release(&c->mailbox);
    camera_path_destroy(&c->path);
    stream_config_free(&c->stream);
    pthread_cond_destroy(&c->retry);
    atomic_store(&c->shared->memory_freed, true);
    free(c);
}
