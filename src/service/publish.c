/* The sinks: snapshots to the bus, the alert engine, the writer and the newest-picture table; live pictures
 * while somebody watches. */
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "service/internal.h"

enum { STREAM_DATA_TTL_S = 10 };

static void publish_bytes(struct service *s, const char *topic, int64_t number, const struct buffer *bytes)
{
    struct error error;
    struct bus_message *message =
        bytes->failed ? NULL : bus_message_create(topic, number, bytes->data, bytes->size);
    if (!message)
        log_error("service", "%s: out of memory, message lost", topic);
    else if (s->bus.kind->publish(s->bus.bus, message, &error) < 0)
        log_warning("service", "%s: %s", topic, error.text);
    bus_message_unref(&message);
}

static void publish_update(struct service *s, const struct snapshot *snapshot)
{
    char topic[BUS_TOPIC_MAX];
    struct buffer json = {0};
    struct json_writer w = json_writer_on(&json);
    snapshot_write_update(&w, snapshot);
    text_format(topic, sizeof topic, "stream/%s", snapshot->stream_id);
    publish_bytes(s, topic, snapshot->seq, &json);
    text_format(topic, sizeof topic, "stream_data:%s", snapshot->stream_id);
    if (!json.failed)
        s->bus.kind->set(s->bus.bus, topic, json.data, json.size, STREAM_DATA_TTL_S * NS_PER_S, NULL);
    buffer_free(&json);
}

static void write_picture_header(struct buffer *out, const struct snapshot *snapshot, int width, int height)
{
    struct json_writer w = json_writer_on(out);
    json_object_begin(&w);
    json_put_string(&w, "stream_id", snapshot->stream_id);
    json_put_string(&w, "epoch", snapshot->epoch);
    json_put_int(&w, "seq", snapshot->seq);
    json_put_time(&w, "timestamp", snapshot->capture.wall_ns);
    json_put_int(&w, "width", width);
    json_put_int(&w, "height", height);
    json_object_end(&w);
    buffer_append_char(out, '\n');
}

/* Encoded once for all viewers, after the snapshot is out and with its number. */
static void publish_picture(struct service *s, const struct snapshot *snapshot, const struct picture *picture)
{
    char topic[BUS_TOPIC_MAX];
    struct buffer jpeg = {0}, bytes = {0};
    struct error error;
    int width = 0, height = 0;
    if (encoders_encode(s->encoders, picture, s->config->media.live_picture_width,
                        s->config->media.live_picture_quality, &jpeg, &width, &height, &error) < 0) {
        log_warning("service", "stream %s: live picture: %s", snapshot->stream_id, error.text);
    } else {
        write_picture_header(&bytes, snapshot, width, height);
        buffer_append(&bytes, jpeg.data, jpeg.size);
        text_format(topic, sizeof topic, "picture/%s", snapshot->stream_id);
        publish_bytes(s, topic, snapshot->seq, &bytes);
    }
    buffer_free(&jpeg);
    buffer_free(&bytes);
}

static void log_health(const struct snapshot *snapshot)
{
    char codes[200] = "";
    size_t used = 0;
    for (int f = 0; f < HEALTH_FLAG_COUNT; f++)
        if (health_has(&snapshot->health, (enum health_flag)f)) {
            text_format(codes + used, sizeof codes - used, "%s%s", used ? ", " : "",
                        health_info((enum health_flag)f)->code);
            used = strlen(codes);
        }
    log_info("service", "stream %s: health: %s", snapshot->stream_id, used ? codes : "good");
}

/* What is wrong with the pictures has changed. */
static void publish_health(struct service *s, const struct snapshot *snapshot)
{
    char topic[BUS_TOPIC_MAX];
    struct buffer json = {0};
    struct json_writer w = json_writer_on(&json);
    json_object_begin(&w);
    json_put_string(&w, "type", "stream_health");
    json_put_int(&w, "schema", 1);
    json_put_string(&w, "stream_id", snapshot->stream_id);
    json_put_time(&w, "timestamp", snapshot->capture.wall_ns);
    json_key(&w, "health");
    health_write_json(&w, &snapshot->health, true);
    json_object_end(&w);
    text_format(topic, sizeof topic, "state/%s", snapshot->stream_id);
    publish_bytes(s, topic, 0, &json);
    buffer_free(&json);
    log_health(snapshot);
}

void publish_snapshot(void *self, const struct snapshot *snapshot, struct picture *picture)
{
    struct service *s = self;
    latest_put(s->latest, snapshot, picture);
    publish_update(s, snapshot);
    if (snapshot->health.changed)
        publish_health(s, snapshot);
    alert_engine_put_snapshot(s->engine, snapshot, picture);
    writer_put_snapshot(s->writer, snapshot);
    if (picture && latest_is_watched(s->latest, snapshot->stream_id))
        publish_picture(s, snapshot, picture);
}

void publish_alert(struct service *s, const struct alert_event *event)
{
    if (event->alert.state == ALERT_RESOLVED)
        resolved_put(s->resolved, &event->alert);
    struct buffer json = {0};
    struct json_writer w = json_writer_on(&json);
    alert_event_write_json(&w, event);
    char topic[BUS_TOPIC_MAX];
    text_format(topic, sizeof topic, "alert/%s", event->alert.stream_id);
    publish_bytes(s, topic, event->seq, &json);
    buffer_free(&json);
}

static void publish_state_name(struct service *s, const char *stream_id, const char *state, const char *cause,
                               const char *reason)
{
    struct buffer json = {0};
    struct json_writer w = json_writer_on(&json);
    json_object_begin(&w);
    json_put_string(&w, "type", "stream_state");
    json_put_int(&w, "schema", 1);
    json_put_string(&w, "stream_id", stream_id);
    json_put_time(&w, "timestamp", clock_wall_ns());
    json_put_string(&w, "state", state);
    json_put_string(&w, "cause", cause);
    json_put_string(&w, "reason", reason[0] ? reason : NULL);
    json_object_end(&w);
    char topic[BUS_TOPIC_MAX];
    text_format(topic, sizeof topic, "state/%s", stream_id);
    publish_bytes(s, topic, 0, &json);
    buffer_free(&json);
    log_info("service", "stream %s: %s%s%s", stream_id, state, reason[0] ? ": " : "", reason);
}

void publish_state(void *self, const char *stream_id, enum stream_state state, enum stream_cause cause,
                   const char *reason)
{
    publish_state_name(self, stream_id, stream_state_name(state), stream_cause_name(cause), reason);
}

void publish_removed(struct service *s, const char *stream_id)
{
    publish_state_name(s, stream_id, "removed", NULL, "");
}
