/* GET /metrics: Prometheus' text format, version 0.0.4. Names as in contracts: prefix sci_, label stream,
 * base units. */
#include <math.h>
#include <stdlib.h>

#include "api/hub.h"
#include "api/resources.h"
#include "base/log.h"

enum { STREAMS_MAX = 1024 };

static void put_head(struct buffer *out, const char *name, const char *type, const char *help)
{
    buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_gauge(struct buffer *out, const char *name, const char *stream_id, double value)
{
    if (!isnan(value))
        buffer_printf(out, "%s{stream=\"%s\"} %.9g\n", name, stream_id, value);
}

static void put_counters(struct buffer *out, const struct stream_counters *streams, size_t count)
{
    static const struct {
        const char *name, *help;
        size_t offset;
    } counters[] = {
        {"sci_frames_decoded_total", "Pictures that the camera gave.",
         offsetof(struct stream_counters, frames_decoded)},
        {"sci_frames_analyzed_total", "Pictures that were analysed.",
         offsetof(struct stream_counters, frames_analyzed)},
        {"sci_frames_replaced_total", "Pictures replaced by newer ones before their turn.",
         offsetof(struct stream_counters, frames_replaced)},
        {"sci_reconnects_total", "Times the source was opened again.",
         offsetof(struct stream_counters, reconnects)},
        {"sci_observations_refused_total", "Lines or messages of others that did not fit their format.",
         offsetof(struct stream_counters, refused)},
        {"sci_observations_skipped_total",
         "Lines, messages or packets of video that were too old to be live.",
         offsetof(struct stream_counters, skipped)},
        {"sci_damaged_total", "Packets and pictures that could not be decoded without errors.",
         offsetof(struct stream_counters, damaged)},
        {"sci_snapshots_total", "Snapshots published.", offsetof(struct stream_counters, snapshots)},
    };
    for (size_t c = 0; c < sizeof counters / sizeof *counters; c++) {
        put_head(out, counters[c].name, "counter", counters[c].help);
        for (size_t i = 0; i < count; i++) {
            const int64_t *value = (const int64_t *)((const char *)&streams[i] + counters[c].offset);
            buffer_printf(out, "%s{stream=\"%s\"} %lld\n", counters[c].name, streams[i].stream_id,
                          (long long)*value);
        }
    }
}

static void put_states(struct buffer *out, const struct stream_counters *streams, size_t count)
{
    put_head(out, "sci_stream_state", "gauge", "1 for the state that the stream is in.");
    for (size_t i = 0; i < count; i++) {
        for (int state = 0; state < STREAM_STATE_COUNT; state++)
            buffer_printf(out, "sci_stream_state{stream=\"%s\",state=\"%s\"} %d\n", streams[i].stream_id,
                          stream_state_name((enum stream_state)state), (int)streams[i].state == state);
    }
    put_head(out, "sci_stream_state_changes_total", "counter", "Times the stream came into the state.");
    for (size_t i = 0; i < count; i++) {
        for (int state = 0; state < STREAM_STATE_COUNT; state++)
            buffer_printf(out, "sci_stream_state_changes_total{stream=\"%s\",state=\"%s\"} %lld\n",
                          streams[i].stream_id, stream_state_name((enum stream_state)state),
                          (long long)streams[i].entered[state]);
    }
    put_head(out, "sci_stream_health", "gauge",
             "1 while the flag is up (docs/cameras.md has what it means).");
    for (size_t i = 0; i < count; i++)
        for (int flag = 0; flag < HEALTH_FLAG_COUNT; flag++)
            buffer_printf(out, "sci_stream_health{stream=\"%s\",flag=\"%s\"} %u\n", streams[i].stream_id,
                          health_info((enum health_flag)flag)->code, streams[i].health >> flag & 1U);
    put_head(out, "sci_analyzed_fps", "gauge", "Pictures analysed per second, over the last seconds.");
    for (size_t i = 0; i < count; i++)
        put_gauge(out, "sci_analyzed_fps", streams[i].stream_id, streams[i].analyzed_fps);
    put_head(out, "sci_people", "gauge", "People in the picture; absent while not measured.");
    for (size_t i = 0; i < count; i++)
        put_gauge(out, "sci_people", streams[i].stream_id, streams[i].people);
    put_head(out, "sci_picture_age_seconds", "gauge", "Age of the newest picture.");
    for (size_t i = 0; i < count; i++)
        put_gauge(out, "sci_picture_age_seconds", streams[i].stream_id, streams[i].picture_age_s);
}

/* The time stamps of the camera's pictures. */
static void put_stamps(struct buffer *out, const struct stream_counters *streams, size_t count)
{
    put_head(out, "sci_time_stamp_faults_total", "counter", "Time stamps that were missing or wrong.");
    for (size_t i = 0; i < count; i++) {
        const struct stream_counters *s = &streams[i];
        buffer_printf(out,
                      "sci_time_stamp_faults_total{stream=\"%s\",fault=\"missing\"} %lld\n"
                      "sci_time_stamp_faults_total{stream=\"%s\",fault=\"disordered\"} %lld\n"
                      "sci_time_stamp_faults_total{stream=\"%s\",fault=\"jump\"} %lld\n",
                      s->stream_id, (long long)s->stamps_missing, s->stream_id,
                      (long long)s->stamps_disordered, s->stream_id, (long long)s->stamps_jumps);
    }
    put_head(out, "sci_time_stamps_believed", "gauge",
             "0 while the stamps have another pace than the world.");
    for (size_t i = 0; i < count; i++)
        put_gauge(out, "sci_time_stamps_believed", streams[i].stream_id, streams[i].stamps_believed);
    put_head(out, "sci_picture_late_seconds", "gauge",
             "By which the newest picture came later than it could have.");
    for (size_t i = 0; i < count; i++)
        put_gauge(out, "sci_picture_late_seconds", streams[i].stream_id, streams[i].late_s);
}

static void put_rates(struct buffer *out, const struct stream_counters *streams, size_t count)
{
    put_head(out, "sci_target_fps", "gauge", "Pictures per second that are to be analysed now.");
    for (size_t i = 0; i < count; i++)
        put_gauge(out, "sci_target_fps", streams[i].stream_id, streams[i].target_fps);
    put_head(out, "sci_network_input_pixels", "gauge", "Size at which the network sees the pictures.");
    for (size_t i = 0; i < count; i++)
        put_gauge(out, "sci_network_input_pixels", streams[i].stream_id, (double)streams[i].input_pixels);
    put_head(out, "sci_degradation", "gauge",
             "What gives way to overload: 0 nothing, 1 the rate, 2 the resolution.");
    for (size_t i = 0; i < count; i++)
        put_gauge(out, "sci_degradation", streams[i].stream_id, streams[i].degradation);
}

static void put_recorder(struct buffer *out, const struct stream_counters *streams, size_t count)
{
    put_head(out, "sci_recording", "gauge", "1 while the recorder keeps the stream.");
    for (size_t i = 0; i < count; i++)
        put_gauge(out, "sci_recording", streams[i].stream_id, streams[i].recording);
    put_head(out, "sci_recorded_bytes", "gauge", "Recordings of the stream on disk.");
    for (size_t i = 0; i < count; i++)
        put_gauge(out, "sci_recorded_bytes", streams[i].stream_id, (double)streams[i].recorded_bytes);
    put_head(out, "sci_recorder_dropped_packets_total", "counter",
             "Packets that were not recorded: the disk was too slow, full or away.");
    for (size_t i = 0; i < count; i++)
        put_gauge(out, "sci_recorder_dropped_packets_total", streams[i].stream_id,
                  (double)streams[i].recorder_dropped);
}

/* The recorder as a whole; nothing where there is none. */
static void put_recorder_state(struct buffer *out, const struct control *control)
{
    struct recorder_figures f;
    control->ops->recorder(control->self, &f);
    if (!f.enabled)
        return;
    put_head(out, "sci_recorder_recording", "gauge",
             "0 while nothing can be recorded: the disk is full, away, or does not answer.");
    buffer_printf(out, "sci_recorder_recording %d\n", f.recording);
    put_head(out, "sci_recorder_bytes", "gauge", "All recordings on disk.");
    buffer_printf(out, "sci_recorder_bytes %lld\n", (long long)f.bytes);
    put_head(out, "sci_recorder_clips_waiting", "gauge", "Clips of alerts that are to be made.");
    buffer_printf(out, "sci_recorder_clips_waiting %lld\n", (long long)f.clips_waiting);
    put_head(out, "sci_recorder_clips_total", "counter", "Clips of alerts, by what became of them.");
    buffer_printf(out,
                  "sci_recorder_clips_total{result=\"made\"} %lld\n"
                  "sci_recorder_clips_total{result=\"failed\"} %lld\n",
                  (long long)f.clips_made, (long long)f.clips_failed);
}

static void put_latency(struct buffer *out, const struct stream_counters *s)
{
    size_t bounds = sizeof control_latency_bounds / sizeof *control_latency_bounds;
    for (size_t b = 0; b < bounds; b++)
        buffer_printf(out, "sci_latency_seconds_bucket{stream=\"%s\",le=\"%g\"} %lld\n", s->stream_id,
                      control_latency_bounds[b], (long long)s->latency_buckets[b]);
    buffer_printf(out, "sci_latency_seconds_bucket{stream=\"%s\",le=\"+Inf\"} %lld\n", s->stream_id,
                  (long long)s->latency_count);
    buffer_printf(out, "sci_latency_seconds_sum{stream=\"%s\"} %.9g\n", s->stream_id, s->latency_sum_s);
    buffer_printf(out, "sci_latency_seconds_count{stream=\"%s\"} %lld\n", s->stream_id,
                  (long long)s->latency_count);
}

static void put_counting(struct buffer *out, const struct control *control)
{
    struct counting_figures f;
    control->ops->counting(control->self, &f);
    put_head(out, "sci_density_model_info", "gauge",
             "1 when a density model is installed; else boxes alone count.");
    buffer_printf(out, "sci_density_model_info %d\n", f.density_model != NULL);
    put_head(out, "sci_density_runs_total", "counter", "Pictures that the density network has counted.");
    buffer_printf(out, "sci_density_runs_total %lld\n", (long long)f.density_runs);
    put_head(out, "sci_density_seconds_total", "counter", "Time that the density network has taken.");
    buffer_printf(out, "sci_density_seconds_total %.6f\n", f.density_s);
    put_head(out, "sci_images_total", "counter", "Pictures sent in to be analysed, by what became of them.");
    buffer_printf(out,
                  "sci_images_total{result=\"analyzed\"} %lld\nsci_images_total{result=\"refused\"} %lld\n",
                  (long long)f.images_analyzed, (long long)f.images_refused);
}

static void put_api(struct buffer *out, struct api *api)
{
    put_head(out, "sci_http_answers_total", "counter", "HTTP answers by the class of their status.");
    for (int class = 1; class <= 5; class ++)
        buffer_printf(out, "sci_http_answers_total{class=\"%dxx\"} %lld\n", class,
                      (long long)atomic_load(&api->counters.by_class[class]));
    if (api->hub == NULL)
        return;
    struct hub_state state;
    hub_get_state(api->hub, &state);
    put_head(out, "sci_websocket_clients", "gauge", "WebSocket clients that are connected.");
    buffer_printf(out, "sci_websocket_clients %zu\n", state.clients);
    put_head(out, "sci_websocket_messages_total", "counter", "Messages handed to WebSocket clients.");
    buffer_printf(out, "sci_websocket_messages_total %lld\n", (long long)state.sent);
    put_head(out, "sci_websocket_dropped_total", "counter", "Measurements that a slow client did not get.");
    buffer_printf(out, "sci_websocket_dropped_total %lld\n", (long long)state.dropped);
    put_head(out, "sci_websocket_overruns_total", "counter",
             "Clients closed because their alerts no longer fitted.");
    buffer_printf(out, "sci_websocket_overruns_total %lld\n", (long long)state.overruns);
}

static void put_log(struct buffer *out)
{
    put_head(out, "sci_log_lines_lost_total", "counter", "Lines of the log that were not written.");
    buffer_printf(out, "sci_log_lines_lost_total %lld\n", (long long)log_lines_lost());
}

int metrics_get(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    (void)request;
    struct stream_counters *streams = calloc(STREAMS_MAX, sizeof *streams);
    if (streams == NULL)
        return error_nomem(error, "metrics");
    size_t count = api->control.ops->counters(api->control.self, streams, STREAMS_MAX);
    if (count > STREAMS_MAX)
        count = STREAMS_MAX;
    struct buffer *out = &answer->body;
    put_head(out, "sci_build_info", "gauge", "The version that runs.");
    buffer_printf(out, "sci_build_info{version=\"%s\"} 1\n", SCI_VERSION);
    put_counters(out, streams, count);
    put_states(out, streams, count);
    put_stamps(out, streams, count);
    put_rates(out, streams, count);
    put_recorder(out, streams, count);
    put_recorder_state(out, &api->control);
    put_head(out, "sci_latency_seconds", "histogram",
             "From the capture of a picture to its published snapshot.");
    for (size_t i = 0; i < count; i++)
        put_latency(out, &streams[i]);
    put_counting(out, &api->control);
    put_api(out, api);
    put_log(out);
    free(streams);
    if (out->failed)
        return error_nomem(error, "metrics");
    answer->status = 200;
    answer->content_type = "text/plain; version=0.0.4; charset=utf-8";
    return 0;
}
