/*
 * A request as it comes from outside: method, target, a line of credentials, body. Everything of the API that
 * looks at it runs: the router, identity, every handler's reading of query and body. Store and service below
 * it answer at once and from nothing.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/problem.h"
#include "api/router.h"
#include "base/text.h"
#include "config/config.h"

static int find_key(struct store *store, const char *hash, struct api_key *key, struct error *error)
{
    (void)store;
    (void)hash;
    (void)error;
    *key = (struct api_key){.name = "fuzz", .role = ROLE_ADMIN};
    return 0;
}

static int find_session(struct store *store, const char *hash, int64_t now, struct session_row *row,
                        struct error *error)
{
    (void)store;
    (void)hash;
    (void)now;
    (void)row;
    return error_set(error, ERR_NOT_FOUND, "no session");
}

static int put_session(struct store *store, const struct session_row *row, struct error *error)
{
    (void)store;
    (void)row;
    (void)error;
    return 0;
}

static int delete_session(struct store *store, const char *hash, struct error *error)
{
    (void)store;
    (void)hash;
    (void)error;
    return 0;
}

static int read_analytics(struct store *store, const struct analytics_query *query,
                          int (*row)(void *user, const struct analytics_row *row), void *user,
                          struct error *error)
{
    (void)store;
    (void)error;
    struct analytics_row one = {
        .measure = MEASURE_PEOPLE, .step = query->step, .start_ns = query->from_ns, .mean = 1};
    return row(user, &one);
}

static int read_alerts(struct store *store, const struct alert_query *query,
                       int (*row)(void *user, const struct alert *alert, int64_t version), void *user,
                       struct error *error)
{
    (void)store;
    (void)query;
    (void)error;
    struct alert one = {.alert_id = "a", .level = LEVEL_LOW};
    return row(user, &one, 1);
}

static int read_alert(struct store *store, const char *id, struct alert *alert, int64_t *version,
                      struct error *error)
{
    (void)store;
    *version = 1;
    *alert = (struct alert){.level = LEVEL_LOW};
    text_copy(alert->alert_id, sizeof alert->alert_id, id);
    return id[0] == 'x' ? error_set(error, ERR_NOT_FOUND, "no alert %s", id) : 0;
}

static int read_history(struct store *store, const char *id,
                        int (*row)(void *user, const struct alert_event *event), void *user,
                        struct error *error)
{
    (void)store;
    (void)id;
    (void)error;
    struct alert_event one = {.kind = ALERT_RAISED, .version = 1};
    return row(user, &one);
}

static const struct store_kind store = {
    .name = "fuzz",
    .find_key = find_key,
    .find_session = find_session,
    .put_session = put_session,
    .delete_session = delete_session,
    .read_analytics = read_analytics,
    .read_alerts = read_alerts,
    .read_alert = read_alert,
    .read_alert_history = read_history,
};

static int streams_json(void *self, struct json_writer *w, struct error *error)
{
    (void)self;
    (void)error;
    json_array_begin(w);
    json_array_end(w);
    return 0;
}

static int stream_json(void *self, const char *id, struct json_writer *w, struct error *error)
{
    (void)self;
    (void)error;
    json_text(w, id);
    return 0;
}

/* The fields are read as the service reads them. */
static int stream_add(void *self, const struct json *body, char id[65], control_field_error *on_field,
                      void *user, struct error *error)
{
    const struct config *config = self;
    struct stream_config *stream = NULL;
    int rc = stream_config_from_json(config, body, &stream, on_field, user, error);
    text_copy(id, 65, rc == 0 ? stream->stream_id : "");
    stream_config_free(&stream);
    return rc;
}

static int stream_change(void *self, const char *id, const struct json *body, control_field_error *on_field,
                         void *user, struct error *error)
{
    char name[65];
    (void)id;
    return stream_add(self, body, name, on_field, user, error);
}

static int on_stream(void *self, const char *id, struct error *error)
{
    (void)self;
    return id[0] == 'x' ? error_set(error, ERR_NOT_FOUND, "no stream %s", id) : 0;
}

static int picture(void *self, const char *id, int width, struct buffer *jpeg, int64_t *seq,
                   int64_t *capture_ns, struct error *error)
{
    (void)self;
    (void)id;
    (void)width;
    (void)error;
    buffer_append_text(jpeg, "jpeg");
    *seq = *capture_ns = 1;
    return 0;
}

static int on_alert(void *self, const char *id, const char *who, const char *comment,
                    struct alert_event *result, struct error *error)
{
    (void)self;
    (void)error;
    text_copy(result->alert.alert_id, sizeof result->alert.alert_id, id);
    text_copy(result->who, sizeof result->who, who);
    text_copy(result->alert.comment, sizeof result->alert.comment, comment);
    return 0;
}

static int on_test(void *self, const char *who, struct alert_event *result, struct error *error)
{
    return on_alert(self, "test", who, "", result, error);
}

static int alert_clip(void *self, const char *id, char why[CONTROL_WHY_MAX])
{
    (void)self;
    (void)id;
    text_copy(why, CONTROL_WHY_MAX, "no clip");
    return ERR_NOT_FOUND;
}

static int alerts_open(void *self, struct alert **alerts, size_t *count, struct error *error)
{
    (void)self;
    (void)error;
    *alerts = NULL;
    *count = 0;
    return 0;
}

static bool healthy(void *self, char *why, size_t why_size)
{
    (void)self;
    (void)why;
    (void)why_size;
    return true;
}

static void status_json(void *self, struct json_writer *w)
{
    (void)self;
    (void)w;
}

static int config_json(void *self, struct json_writer *w, struct error *error)
{
    (void)error;
    config_write_json(w, self);
    return 0;
}

static size_t counters(void *self, struct stream_counters *c, size_t limit)
{
    (void)self;
    (void)c;
    (void)limit;
    return 0;
}

static void counting(void *self, struct counting_figures *figures)
{
    (void)self;
    *figures = (struct counting_figures){.density_model = "model.onnx", .density_runs = 3, .density_s = 0.25};
}

static void recorder(void *self, struct recorder_figures *figures)
{
    (void)self;
    *figures = (struct recorder_figures){.enabled = true, .recording = true, .bytes = 4096, .clips_made = 1};
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

static int on_view(void *self, const char *id, const char *who, struct error *error)
{
    (void)who;
    return on_stream(self, id, error);
}

static const struct control_ops ops = {
    .streams_json = streams_json,
    .stream_json = stream_json,
    .stream_add = stream_add,
    .stream_change = stream_change,
    .stream_remove = on_stream,
    .view_accept = on_view,
    .picture = picture,
    .watch = on_stream,
    .alert_acknowledge = on_alert,
    .alert_resolve = on_alert,
    .alert_test = on_test,
    .alert_clip = alert_clip,
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

static struct api api;

/* An operation that is missing above would look like a fault of the API, and only once an input reaches it.
 */
static void check_that_every_operation_is_there(void)
{
    static const unsigned char nowhere[sizeof ops.streams_json];
    const unsigned char *entry = (const unsigned char *)&ops;
    for (size_t at = 0; at < sizeof ops; at += sizeof nowhere)
        if (memcmp(entry + at, nowhere, sizeof nowhere) == 0) {
            (void)fprintf(stderr, "fuzz_api_request: operation %zu is missing\n", at / sizeof nowhere);
            abort();
        }
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    check_that_every_operation_is_there();
    static const char yaml[] = "server: {rate_limit: 0}\n";
    struct config *config = NULL;
    if (config_load_text(yaml, sizeof yaml - 1, "fuzz.yaml", &config, NULL, NULL) != 0)
        abort();
    api.config = config;
    api.control = (struct control){.ops = &ops, .self = config};
    api.store.kind = &store;
    api.auth = auth_create(api.store);
    api.limiter = limiter_create(8);
    if (api.auth == NULL || api.limiter == NULL || openapi_write(&api.openapi, NULL) != 0 ||
        docs_write(&api.docs, NULL) != 0)
        abort();
    return 0;
}

/* The text up to the next line end; *rest moves behind it. */
static char *take_line(char **rest)
{
    char *line = *rest;
    size_t size = strcspn(line, "\n");
    *rest = line + size + (line[size] == '\n');
    line[size] = '\0';
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    char *rest = text;
    struct request request = {.method = method_parse(take_line(&rest)), .remote = "192.0.2.1"};
    char *target = take_line(&rest);
    request.header.api_key = "key";
    request.header.host = "h";
    request.header.content_type = "application/json";
    if (rest[0] == 'C') {
        request.header.api_key = NULL;
        request.header.cookie = take_line(&rest);
        request.header.origin = take_line(&rest);
    } else if (rest[0] == 'A') {
        request.header.authorization = take_line(&rest) + 1;
    }
    request.body = rest;
    request.body_size = size - (size_t)(rest - text);
    struct answer answer = {0};
    if (!api_begin(&api, &request, target, (int64_t)request.body_size, &answer))
        api_finish(&api, &request, &answer);
    if (answer.status < 100 || answer.status > 599 || answer.status == 500)
        abort();
    request_release(&request);
    answer_release(&answer);
    free(text);
    return 0;
}
