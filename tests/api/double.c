#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/text.h"
#include "double.h"

static void write_stream(struct json_writer *w, const char *id)
{
    json_object_begin(w);
    json_put_string(w, "stream_id", id);
    json_put_string(w, "uri", "rtsp://***@10.0.0.7/");
    json_put_string(w, "state", "live");
    json_object_end(w);
}

static int streams_json(void *self, struct json_writer *w, struct error *error)
{
    struct double_service *d = self;
    if (d->fail_with != 0)
        return error_set(error, d->fail_with, "told to fail");
    json_array_begin(w);
    write_stream(w, "gate_a");
    write_stream(w, "gate_f");
    json_array_end(w);
    return 0;
}

static bool is_known(struct double_service *d, const char *id)
{
    return strcmp(id, "gate_a") == 0 || strcmp(id, "gate_f") == 0 || strcmp(id, d->added) == 0;
}

static int stream_json(void *self, const char *id, struct json_writer *w, struct error *error)
{
    if (!is_known(self, id))
        return error_set(error, ERR_NOT_FOUND, "no stream %s", id);
    write_stream(w, id);
    return 0;
}

static int stream_add(void *self, const struct json *body, char id[65], control_field_error *on_field,
                      void *user, struct error *error)
{
    struct double_service *d = self;
    const char *uri = json_as_string(json_get(body, "uri"), NULL);
    const char *name = json_as_string(json_get(body, "stream_id"), NULL);
    if (name == NULL)
        on_field(user, "stream_id", "expected text");
    if (uri == NULL || strstr(uri, "://") == NULL)
        on_field(user, "uri", "expected \"rtsp://...\" or the like");
    if (name == NULL || uri == NULL || strstr(uri, "://") == NULL)
        return error_set(error, ERR_INVALID, "the stream has wrong fields");
    if (is_known(d, name))
        return error_set(error, ERR_EXISTS, "stream %s is there already", name);
    text_copy(d->added, sizeof d->added, name);
    text_copy(id, 65, name);
    return 0;
}

static int stream_change(void *self, const char *id, const struct json *body, control_field_error *on_field,
                         void *user, struct error *error)
{
    struct double_service *d = self;
    if (!is_known(d, id))
        return error_set(error, ERR_NOT_FOUND, "no stream %s", id);
    if (strcmp(id, "gate_f") == 0)
        return error_set(error, ERR_CONFLICT, "stream gate_f is written in the configuration file");
    if (json_get(body, "enabled") == NULL) {
        on_field(user, "enabled", "is all that can be changed here");
        return error_set(error, ERR_INVALID, "the stream has wrong fields");
    }
    return 0;
}

static int stream_remove(void *self, const char *id, struct error *error)
{
    struct double_service *d = self;
    if (!is_known(d, id))
        return error_set(error, ERR_NOT_FOUND, "no stream %s", id);
    if (strcmp(id, "gate_f") == 0)
        return error_set(error, ERR_CONFLICT, "stream gate_f is written in the configuration file");
    d->added[0] = '\0';
    return 0;
}

static int view_accept(void *self, const char *id, const char *who, struct error *error)
{
    struct double_service *d = self;
    if (!is_known(d, id))
        return error_set(error, ERR_NOT_FOUND, "no stream %s", id);
    text_format(d->accepted, sizeof d->accepted, "%s by %s", id, who);
    return 0;
}

static int picture(void *self, const char *id, int width, struct buffer *jpeg, int64_t *seq,
                   int64_t *capture_ns, struct error *error)
{
    (void)width;
    if (!is_known(self, id))
        return error_set(error, ERR_NOT_FOUND, "no stream %s", id);
    if (strcmp(id, "gate_f") == 0)
        return error_set(error, ERR_CONFLICT, "no picture of gate_f yet");
    buffer_append(jpeg, "\xff\xd8jpeg\xff\xd9", 8);
    *seq = 41;
    *capture_ns = INT64_C(1777658587125000000);
    return 0;
}

static int watch(void *self, const char *id, struct error *error)
{
    struct double_service *d = self;
    if (!is_known(d, id))
        return error_set(error, ERR_NOT_FOUND, "no stream %s", id);
    atomic_fetch_add(&d->watched, 1);
    return 0;
}

static int change(struct double_service *d, const char *id, const char *who, const char *comment,
                  bool resolve, struct alert_event *result, struct error *error)
{
    int rc = error_set(error, ERR_NOT_FOUND, "no alert %s", id);
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < d->alert_count; i++) {
        struct alert *a = &d->alerts[i];
        if (strcmp(a->alert_id, id) != 0)
            continue;
        if (a->state == ALERT_RESOLVED) {
            rc = error_set(error, ERR_CONFLICT, "alert %s is resolved already", id);
            break;
        }
        a->state = resolve ? ALERT_RESOLVED : ALERT_ACKNOWLEDGED;
        text_copy(resolve ? a->resolved_by : a->acknowledged_by, ALERT_WHO_MAX, who);
        text_copy(a->comment, sizeof a->comment, comment);
        *(resolve ? &a->resolved_ns : &a->acknowledged_ns) = clock_wall_ns();
        *result = (struct alert_event){
            .kind = resolve ? ALERT_RESOLVED_BY : ALERT_ACKNOWLEDGED_BY, .version = 2, .alert = *a};
        rc = 0;
    }
    pthread_mutex_unlock(&d->lock);
    return rc;
}

static int acknowledge(void *self, const char *id, const char *who, const char *comment,
                       struct alert_event *result, struct error *error)
{
    return change(self, id, who, comment, false, result, error);
}

static int resolve(void *self, const char *id, const char *who, const char *comment,
                   struct alert_event *result, struct error *error)
{
    return change(self, id, who, comment, true, result, error);
}

static int alert_test_(void *self, const char *who, struct alert_event *result, struct error *error)
{
    struct double_service *d = self;
    (void)error;
    struct alert alert = double_alert("test-1", "", clock_wall_ns());
    alert.is_test = true;
    text_copy(alert.message, sizeof alert.message, "Test alert");
    pthread_mutex_lock(&d->lock);
    d->alerts[d->alert_count++] = alert;
    pthread_mutex_unlock(&d->lock);
    *result = (struct alert_event){.kind = ALERT_RAISED, .version = 1, .alert = alert};
    text_copy(result->who, sizeof result->who, who);
    return 0;
}

static int alerts_open(void *self, struct alert **alerts, size_t *count, struct error *error)
{
    struct double_service *d = self;
    *alerts = calloc(DOUBLE_ALERTS_MAX, sizeof **alerts);
    if (*alerts == NULL)
        return error_nomem(error, "alerts");
    *count = 0;
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < d->alert_count; i++) {
        if (d->alerts[i].state != ALERT_RESOLVED)
            (*alerts)[(*count)++] = d->alerts[i];
    }
    pthread_mutex_unlock(&d->lock);
    return 0;
}

/* The first alert's clip is being recorded; nobody else has one. */
static int alert_clip_(void *self, const char *alert_id, char why[CONTROL_WHY_MAX])
{
    struct double_service *d = self;
    bool first = d->alert_count > 0 && strcmp(d->alerts[0].alert_id, alert_id) == 0;
    text_copy(why, CONTROL_WHY_MAX, first ? "the clip is not ready yet" : "no clip of it was kept");
    return first ? ERR_CONFLICT : ERR_NOT_FOUND;
}

static bool healthy(void *self, char *why, size_t why_size)
{
    struct double_service *d = self;
    text_copy(why, why_size, "the alert thread has stopped");
    return !d->sick;
}

static void status_json(void *self, struct json_writer *w)
{
    (void)self;
    json_put_string(w, "version", SCI_VERSION);
    json_put_number(w, "uptime_s", 12.5, 1);
}

static int config_json(void *self, struct json_writer *w, struct error *error)
{
    (void)error;
    config_write_json(w, ((struct double_service *)self)->config);
    return 0;
}

static size_t counters(void *self, struct stream_counters *c, size_t limit)
{
    (void)self;
    if (limit > 0) {
        c[0] = (struct stream_counters){.state = STREAM_LIVE,
                                        .frames_analyzed = 7,
                                        .people = NAN,
                                        .picture_age_s = 0.25,
                                        .latency_sum_s = 0.5,
                                        .latency_count = 7};
        text_copy(c[0].stream_id, sizeof c[0].stream_id, "gate_a");
    }
    return 1;
}

static void recorder(void *self, struct recorder_figures *figures)
{
    (void)self;
    *figures = (struct recorder_figures){.enabled = true, .bytes = 7, .clips_made = 2};
}

static void counting(void *self, struct counting_figures *figures)
{
    (void)self;
    *figures = (struct counting_figures){.density_model = "model.onnx", .density_runs = 3, .density_s = 0.25};
}

static int image_analyze(void *self, const struct control_image *image, control_image_done *done, void *user,
                         struct error *error)
{
    (void)self;
    (void)image;
    (void)done;
    (void)user;
    return error_set(error, ERR_FULL, "8 pictures wait already");
}

static void image_cancel(void *self)
{
    (void)self;
}

static const struct control_ops ops = {
    .streams_json = streams_json,
    .stream_json = stream_json,
    .stream_add = stream_add,
    .stream_change = stream_change,
    .stream_remove = stream_remove,
    .view_accept = view_accept,
    .picture = picture,
    .watch = watch,
    .alert_acknowledge = acknowledge,
    .alert_resolve = resolve,
    .alert_test = alert_test_,
    .alert_clip = alert_clip_,
    .alerts_open = alerts_open,
    .healthy = healthy,
    .status_json = status_json,
    .config_json = config_json,
    .counters = counters,
    .counting = counting,
    .recorder = recorder,
    .image_analyze = image_analyze,
    .image_cancel = image_cancel,
};

void double_add_key(struct double_service *d, const char *name, enum role role, char key[64])
{
    struct api_key row = {.role = role, .created_ns = clock_wall_ns()};
    struct error error = {.text = ""};
    secret_new_key(key);
    text_copy(row.name, sizeof row.name, name);
    secret_hash_key(key, row.hash);
    assert_int_equal(d->store.kind->put_key(d->store.store, &row, &error), 0);
}

void double_open(struct double_service *d, const char *yaml)
{
    struct error error = {.text = ""};
    memset(d, 0, sizeof *d);
    assert_int_equal(secret_init(&error), 0);
    text_copy(d->folder, sizeof d->folder, "/tmp/sci-api-XXXXXX");
    assert_non_null(mkdtemp(d->folder));
    if (yaml == NULL)
        yaml = "server: {port: 0, max_body: 4KiB}\n";
    if (config_load_text(yaml, strlen(yaml), "test.yaml", &d->config, NULL, &error) != 0)
        fail_msg("%s", error.text);
    char path[96];
    text_format(path, sizeof path, "%s/sci.db", d->folder);
    d->store.kind = &store_sqlite;
    if (store_sqlite.open(path, &d->store.store, &error) != 0)
        fail_msg("%s", error.text);
    d->bus.kind = &bus_memory;
    assert_int_equal(bus_memory.open(NULL, &d->bus.bus, &error), 0);
    d->control = (struct control){.ops = &ops, .self = d};
    pthread_mutex_init(&d->lock, NULL);
    double_add_key(d, "vera", ROLE_VIEWER, d->viewer);
    double_add_key(d, "otto", ROLE_OPERATOR, d->operator_);
    double_add_key(d, "anna", ROLE_ADMIN, d->admin);
}

void double_close(struct double_service *d)
{
    char command[128];
    d->store.kind->close(&d->store.store);
    d->bus.kind->close(&d->bus.bus);
    config_unref(&d->config);
    pthread_mutex_destroy(&d->lock);
    text_format(command, sizeof command, "rm -rf '%s'", d->folder);
    assert_int_equal(system(command), 0);
}

struct alert double_alert(const char *id, const char *stream_id, int64_t raised_ns)
{
    struct alert alert = {.measure = MEASURE_OCCUPANCY,
                          .level = LEVEL_HIGH,
                          .peak_level = LEVEL_HIGH,
                          .value = 41,
                          .threshold = 40,
                          .raised_ns = raised_ns,
                          .updated_ns = raised_ns};
    text_copy(alert.alert_id, sizeof alert.alert_id, id);
    text_copy(alert.stream_id, sizeof alert.stream_id, stream_id);
    text_copy(alert.rule_id, sizeof alert.rule_id, "full");
    text_copy(alert.message, sizeof alert.message, "41 people in the zone");
    return alert;
}

static void publish(struct double_service *d, const char *topic, int64_t number, const struct buffer *bytes)
{
    struct bus_message *message = bus_message_create(topic, number, bytes->data, bytes->size);
    assert_non_null(message);
    assert_int_equal(d->bus.kind->publish(d->bus.bus, message, NULL), 0);
    bus_message_unref(&message);
}

void double_publish_update(struct double_service *d, const char *stream_id, const char *epoch, int64_t seq)
{
    char topic[BUS_TOPIC_MAX];
    struct buffer out = {0};
    text_format(topic, sizeof topic, "stream/%s", stream_id);
    buffer_printf(
        &out,
        "{\"type\":\"stream_update\",\"schema\":1,\"epoch\":\"%s\",\"seq\":%lld,\"stream_id\":\"%s\","
        "\"crowd_data\":{}}",
        epoch, (long long)seq, stream_id);
    publish(d, topic, seq, &out);
    buffer_free(&out);
}

void double_publish_picture(struct double_service *d, const char *stream_id, int64_t seq, size_t size)
{
    char topic[BUS_TOPIC_MAX];
    struct buffer out = {0};
    text_format(topic, sizeof topic, "picture/%s", stream_id);
    buffer_printf(&out, "{\"stream_id\":\"%s\",\"seq\":%lld}\n", stream_id, (long long)seq);
    for (size_t i = 0; i < size; i++)
        buffer_append_char(&out, 'J');
    publish(d, topic, seq, &out);
    buffer_free(&out);
}

void double_publish_alert(struct double_service *d, const struct alert *alert, int64_t version, int64_t seq)
{
    char topic[BUS_TOPIC_MAX];
    struct buffer out = {0};
    struct json_writer w = json_writer_on(&out);
    struct alert_event event = {.kind = version == 1 ? ALERT_RAISED : ALERT_LEVEL_CHANGED,
                                .version = version,
                                .seq = seq,
                                .alert = *alert};
    alert_event_write_json(&w, &event);
    text_format(topic, sizeof topic, "alert/%s", alert->stream_id);
    publish(d, topic, seq, &out);
    buffer_free(&out);
}

/* The double stands in for the service, which has these beside its control. */
__attribute__((weak))
const double control_latency_bounds[12] = {0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2};
