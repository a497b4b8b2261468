/* The commands that others may give: each finds its part of the service and asks it. */
#include "service/control.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "service/internal.h"

enum { WATCH_S = 10, PICTURE_QUALITY = 85 };

const double control_latency_bounds[12] = STREAM_LATENCY_BOUNDS;

static int write_stream(struct service *s, struct json_writer *w, const struct stream_status *status)
{
    struct stream_config *stream = manager_stream_config(s->manager, status->stream_id);
    if (!stream)
        return ERR_NOT_FOUND; /* removed meanwhile */
    stream_write_json(s, w, stream, status);
    stream_config_free(&stream);
    return 0;
}

static int control_streams_json(void *self, struct json_writer *w, struct error *error)
{
    struct service *s = self;
    struct stream_status *statuses = calloc(MANAGER_STREAMS_MAX, sizeof *statuses);
    if (!statuses)
        return error_nomem(error, "streams");
    size_t count = manager_statuses(s->manager, statuses, MANAGER_STREAMS_MAX);
    json_array_begin(w);
    for (size_t i = 0; i < count && i < MANAGER_STREAMS_MAX; i++)
        write_stream(s, w, &statuses[i]);
    json_array_end(w);
    free(statuses);
    return 0;
}

static int control_stream_json(void *self, const char *stream_id, struct json_writer *w, struct error *error)
{
    struct service *s = self;
    struct stream_status status;
    if (manager_status(s->manager, stream_id, &status) < 0 || write_stream(s, w, &status) < 0)
        return error_set(error, ERR_NOT_FOUND, "there is no stream %s", stream_id);
    return 0;
}

static int control_stream_add(void *self, const struct json *body, char stream_id[ID_SIZE],
                              control_field_error *on_field, void *user, struct error *error)
{
    return streams_add(self, body, stream_id, on_field, user, error);
}

static int control_stream_change(void *self, const char *stream_id, const struct json *body,
                                 control_field_error *on_field, void *user, struct error *error)
{
    return streams_change(self, stream_id, body, on_field, user, error);
}

static int control_stream_remove(void *self, const char *stream_id, struct error *error)
{
    return streams_remove(self, stream_id, error);
}

static int control_view_accept(void *self, const char *stream_id, const char *who, struct error *error)
{
    struct service *s = self;
    if (manager_accept_view(s->manager, stream_id) < 0)
        return error_set(error, ERR_NOT_FOUND, "there is no stream %s", stream_id);
    log_info("service", "stream %s: %s says that its view is right", stream_id, who);
    return 0;
}

static int control_picture(void *self, const char *stream_id, int width, struct buffer *jpeg, int64_t *seq,
                           int64_t *capture_wall_ns, struct error *error)
{
    struct service *s = self;
    struct picture *picture = NULL;
    int out_width, out_height;
    struct stream_status status;
    if (manager_status(s->manager, stream_id, &status) == 0 && status.gives != OBSERVATION_PICTURE)
        return error_set(error, ERR_CONFLICT, "stream %s has no pictures: its source gives %s", stream_id,
                         observation_kind_name(status.gives));
    int result = latest_get(s->latest, stream_id, &picture, seq, capture_wall_ns, error);
    if (result == 0)
        result = encoders_encode(s->encoders, picture, width, PICTURE_QUALITY, jpeg, &out_width, &out_height,
                                 error);
    picture_unref(&picture);
    return result;
}

static int control_watch(void *self, const char *stream_id, struct error *error)
{
    struct service *s = self;
    return latest_watch(s->latest, stream_id, WATCH_S * NS_PER_S, error);
}

static int control_alert_acknowledge(void *self, const char *alert_id, const char *who, const char *comment,
                                     struct alert_event *result, struct error *error)
{
    struct service *s = self;
    return alert_engine_acknowledge(s->engine, alert_id, who, comment, result, error);
}

static int control_alert_resolve(void *self, const char *alert_id, const char *who, const char *comment,
                                 struct alert_event *result, struct error *error)
{
    struct service *s = self;
    return alert_engine_resolve(s->engine, alert_id, who, comment, result, error);
}

static int control_alert_test(void *self, const char *who, struct alert_event *result, struct error *error)
{
    struct service *s = self;
    return alert_engine_raise_test(s->engine, who, result, error);
}

static int control_alert_clip(void *self, const char *alert_id, char why[CONTROL_WHY_MAX])
{
    return recording_clip(self, alert_id, why);
}

static int control_alerts_open(void *self, struct alert **alerts, size_t *count, struct error *error)
{
    struct service *s = self;
    int result = alert_engine_list(s->engine, alerts, count, error);
    return result < 0 ? result : resolved_merge(s->resolved, alerts, count, error);
}

static bool control_healthy(void *self, char *why, size_t why_size)
{
    return status_healthy(self, why, why_size);
}

static void control_status_json(void *self, struct json_writer *w)
{
    status_write_json(self, w);
}

static int control_config_json(void *self, struct json_writer *w, struct error *error)
{
    struct service *s = self;
    (void)error;
    config_write_json(w, s->config);
    return 0;
}

static void fill_counters(struct stream_counters *c, const struct stream_status *status)
{
    *c = (struct stream_counters){
        .state = status->state,
        .frames_decoded = status->frames_decoded,
        .frames_analyzed = status->frames_analyzed,
        .frames_replaced = status->frames_replaced,
        .reconnects = status->reconnects,
        .refused = status->refused,
        .skipped = status->skipped + status->faults.skipped,
        .damaged = status->faults.damaged,
        .snapshots = status->seq,
        .stamps_missing = status->faults.missing,
        .stamps_disordered = status->faults.disordered,
        .stamps_jumps = status->faults.jumps,
        .stamps_believed = !status->faults.now_untrusted,
        .late_s = status->late_s,
        .people = status->people.valid ? status->people.value : NAN,
        .picture_age_s = status->picture_age_s,
        .health = status->health.flags,
        .analyzed_fps = status->analyzed_fps,
        .target_fps = status->target_fps,
        .input_pixels = (int64_t)status->input_width * status->input_height,
        .degradation = (int)status->degradation,
        .latency_sum_s = status->latency_sum_s,
        .latency_count = status->frames_analyzed,
    };
    text_copy(c->stream_id, sizeof c->stream_id, status->stream_id);
    memcpy(c->entered, status->entered, sizeof c->entered);
    memcpy(c->latency_buckets, status->latency_buckets, sizeof c->latency_buckets);
}

static size_t control_counters(void *self, struct stream_counters *counters, size_t limit)
{
    struct service *s = self;
    struct stream_status *statuses = calloc(MANAGER_STREAMS_MAX, sizeof *statuses);
    size_t count = statuses ? manager_statuses(s->manager, statuses, MANAGER_STREAMS_MAX) : 0;
    for (size_t i = 0; i < count && i < limit; i++) {
        fill_counters(&counters[i], &statuses[i]);
        recording_count(s, &counters[i]);
    }
    free(statuses);
    return count;
}

static void control_counting(void *self, struct counting_figures *figures)
{
    status_counting(self, figures);
}

static void control_recorder(void *self, struct recorder_figures *figures)
{
    recording_figures(self, figures);
}

static int control_image_analyze(void *self, const struct control_image *image, control_image_done *done,
                                 void *user, struct error *error)
{
    struct service *s = self;
    return image_desk_put(s->desk, image, done, user, error);
}

static void control_image_cancel(void *self)
{
    struct service *s = self;
    image_desk_cancel(s->desk);
}

const struct control_ops service_control_ops = {
    .streams_json = control_streams_json,
    .stream_json = control_stream_json,
    .stream_add = control_stream_add,
    .stream_change = control_stream_change,
    .stream_remove = control_stream_remove,
    .view_accept = control_view_accept,
    .picture = control_picture,
    .watch = control_watch,
    .alert_acknowledge = control_alert_acknowledge,
    .alert_resolve = control_alert_resolve,
    .alert_test = control_alert_test,
    .alert_clip = control_alert_clip,
    .alerts_open = control_alerts_open,
    .healthy = control_healthy,
    .status_json = control_status_json,
    .config_json = control_config_json,
    .counters = control_counters,
    .counting = control_counting,
    .recorder = control_recorder,
    .image_analyze = control_image_analyze,
    .image_cancel = control_image_cancel,
};
