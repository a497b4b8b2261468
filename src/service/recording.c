/* The recorder's place in the service: what it is told, and what is told of it. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "service/internal.h"

static void on_state(void *user, bool recording, const char *reason)
{
    (void)user;
    if (recording)
        log_info("recorder", "recording");
    else
        log_warning("recorder", "nothing is recorded: %s", reason);
}

static void on_clip(void *user, const char *name, const char *reason)
{
    (void)user;
    if (reason[0])
        log_warning("recorder", "clip %s: %s", name, reason);
    else
        log_debug("recorder", "clip %s is there", name);
}

int recording_start(struct service *s, struct error *error)
{
    const struct config *c = s->config;
    struct recorder_options options = {
        .folder = c->recorder.path,
        .clips_folder = c->server.pictures_dir,
        .keep_ns = c->recorder.keep_ns,
        .segment_ns = c->recorder.segment_ns,
        .bytes_camera = (int64_t)c->recorder.max_stream_bytes,
        .bytes_all = (int64_t)c->recorder.max_bytes,
        .free_bytes = (int64_t)c->recorder.min_free_bytes,
        .queue_bytes = c->recorder.queue_bytes,
        .before_ns = c->recorder.clip_before_ns,
        .after_ns = c->recorder.clip_after_ns,
        .on_state = on_state,
        .on_clip = on_clip,
        .user = s,
    };
    return c->recorder.enabled ? recorder_start(&options, &s->recorder, error) : 0;
}

/* A lost camera's alert comes when the time is over that it was given: its clip is of the moment it was lost.
 */
void recording_keep(struct service *s, const struct alert_event *event)
{
    const struct alert *a = &event->alert;
    char name[ALERT_ID_SIZE + 8];
    int64_t moment_ns = a->raised_ns;
    if (!s->recorder || event->kind != ALERT_RAISED || a->is_test || !a->stream_id[0])
        return;
    if (a->measure == MEASURE_PICTURE_AGE && a->value > 0 && a->value < 86400)
        moment_ns -= (int64_t)(a->value * 1e9);
    text_format(name, sizeof name, "%s.mp4", a->alert_id);
    recorder_keep(s->recorder, a->stream_id, moment_ns, name);
}

int recording_clip(struct service *s, const char *alert_id, char why[CONTROL_WHY_MAX])
{
    char name[ALERT_ID_SIZE + 8];
    text_format(name, sizeof name, "%s.mp4", alert_id);
    if (!s->recorder) {
        text_copy(why, CONTROL_WHY_MAX, "nothing is recorded: recorder.enabled is false");
        return ERR_NOT_FOUND;
    }
    switch (recorder_clip_state(s->recorder, name, why)) {
    case RECORDER_CLIP_WAITING:
        text_copy(why, CONTROL_WHY_MAX, "the clip is not ready yet");
        return ERR_CONFLICT;
    case RECORDER_CLIP_FAILED:
        return ERR_NOT_FOUND;
    case RECORDER_CLIP_UNKNOWN:
        break;
    }
    text_copy(why, CONTROL_WHY_MAX, "no clip of it was kept");
    return ERR_NOT_FOUND;
}

void recording_write_json(struct service *s, struct json_writer *w)
{
    struct recorder_state state = {0};
    json_key(w, "recorder");
    json_object_begin(w);
    json_put_bool(w, "enabled", s->recorder != NULL);
    if (s->recorder)
        recorder_get_state(s->recorder, &state);
    json_put_bool(w, "recording", state.recording);
    json_put_string(w, "reason", state.reason[0] ? state.reason : NULL);
    json_put_int(w, "streams", (int64_t)state.streams);
    json_put_int(w, "bytes", state.bytes);
    json_put_int(w, "segments", state.segments);
    json_put_int(w, "dropped_packets", state.dropped);
    json_put_int(w, "clips_waiting", (int64_t)state.clips_waiting);
    json_put_int(w, "clips_made", state.clips_made);
    json_put_int(w, "clips_failed", state.clips_failed);
    json_object_end(w);
}

void recording_write_warning(struct service *s, struct json_writer *w)
{
    struct recorder_state state;
    char text[400];
    if (!s->recorder)
        return;
    recorder_get_state(s->recorder, &state);
    if (state.recording || !state.reason[0])
        return;
    text_format(text, sizeof text, "nothing is recorded: %s", state.reason);
    json_text(w, text);
}

void recording_write_stream(struct service *s, struct json_writer *w, const struct stream_config *stream)
{
    struct recorder_stream_state state = {0};
    json_key(w, "recording");
    json_object_begin(w);
    if (!s->recorder)
        text_copy(state.reason, sizeof state.reason, "recorder.enabled is false");
    else if (!stream->record)
        text_copy(state.reason, sizeof state.reason, "record is false");
    else
        recorder_get_stream(s->recorder, stream->stream_id, &state);
    json_put_bool(w, "active", state.recording);
    json_put_string(w, "reason", state.reason[0] ? state.reason : NULL);
    json_put_int(w, "bytes", state.bytes);
    json_put_int(w, "dropped_packets", state.dropped);
    json_key(w, "from");
    if (state.oldest_ns)
        json_time(w, state.oldest_ns);
    else
        json_null_value(w);
    json_object_end(w);
}

void recording_count(struct service *s, struct stream_counters *counters)
{
    struct recorder_stream_state state = {0};
    if (s->recorder)
        recorder_get_stream(s->recorder, counters->stream_id, &state);
    counters->recording = state.recording;
    counters->recorded_bytes = state.bytes;
    counters->recorder_dropped = state.dropped;
}

void recording_figures(struct service *s, struct recorder_figures *figures)
{
    struct recorder_state state = {0};
    if (s->recorder)
        recorder_get_state(s->recorder, &state);
    *figures = (struct recorder_figures){.enabled = s->recorder != NULL,
                                         .recording = state.recording,
                                         .bytes = state.bytes,
                                         .clips_waiting = (int64_t)state.clips_waiting,
                                         .clips_made = state.clips_made,
                                         .clips_failed = state.clips_failed};
}

/* ---- stills and clips whose alert is gone ---- */

static bool is_open(void *user, const char *alert_id)
{
    struct service *s = user;
    struct alert *alerts = NULL;
    size_t count = 0;
    bool found = alert_engine_list(s->engine, &alerts, &count, NULL) < 0; /* unknown: taken as open */
    for (size_t i = 0; i < count && !found; i++)
        found = strcmp(alerts[i].alert_id, alert_id) == 0;
    free(alerts);
    return found;
}

void recording_sweep(struct service *s)
{
    struct writer_state state;
    writer_get_state(s->writer, &state);
    /* While alerts wait for the store, one it does not know may only be late. */
    if (!state.store_ok || state.spooled_bytes > 0 || state.alerts_waiting > 0)
        return;
    size_t deleted = evidence_sweep(s->config->server.pictures_dir, s->store, clock_wall_ns(), is_open, s);
    if (deleted > 0)
        log_info("service", "%zu stills and clips of alerts that are no longer kept were deleted", deleted);
}
