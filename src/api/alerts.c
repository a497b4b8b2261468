/*
 * /alerts. What is open is known by the process that raised it, in memory and ahead of the store: open alerts
 * are listed and acknowledged without a store. Lists that hold resolved ones too come from the store, and
 * what is open replaces its rows.
 */
#include <stdlib.h>
#include <string.h>

#include "api/file_answer.h"
#include "api/problem.h"
#include "api/resources.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 500, STILL_MAX = 16 << 20 };

struct filter {
    int state; /* enum alert_state, STORE_OPEN, -1 = every */
    const char *stream_id;
    enum alert_level level;
    int64_t before_ns; /* cursor; 0 = none */
    char before_id[ALERT_ID_SIZE];
    size_t limit;
};

struct list {
    struct alert *items;
    size_t count, capacity;
};

static int list_add(struct list *list, const struct alert *alert)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        struct alert *items = realloc(list->items, capacity * sizeof *items);
        if (items == NULL)
            return ERR_NOMEM;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *alert;
    return 0;
}

static int add_row(void *user, const struct alert *alert, int64_t version)
{
    (void)version;
    return list_add(user, alert);
}

/* Newest first; ties by id, falling, as the store's cursor has it. */
static int newest_first(const void *a, const void *b)
{
    const struct alert *x = a, *y = b;
    if (x->raised_ns != y->raised_ns)
        return x->raised_ns < y->raised_ns ? 1 : -1;
    return -strcmp(x->alert_id, y->alert_id);
}

static bool is_before(const struct alert *alert, const struct filter *filter)
{
    if (filter->before_ns == 0 || alert->raised_ns < filter->before_ns)
        return true;
    return alert->raised_ns == filter->before_ns && strcmp(alert->alert_id, filter->before_id) < 0;
}

static bool passes(const struct alert *alert, const struct filter *filter)
{
    bool state = filter->state == -1 || (int)alert->state == filter->state ||
                 (filter->state == STORE_OPEN && alert->state != ALERT_RESOLVED);
    return state && alert->level >= filter->level && is_before(alert, filter) &&
           (filter->stream_id == NULL || strcmp(alert->stream_id, filter->stream_id) == 0);
}

static struct alert *list_find(struct list *list, const char *alert_id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].alert_id, alert_id) == 0)
            return &list->items[i];
    }
    return NULL;
}

/* A cursor is the raising time of the last alert, a comma and its id. */
static int query_cursor(const struct request *request, struct answer *answer, struct filter *filter)
{
    const char *text = target_query(&request->target, "cursor");
    if (text == NULL)
        return 0;
    char number[24];
    const char *comma = strchr(text, ',');
    if (comma != NULL && (size_t)(comma - text) < sizeof number && strlen(comma + 1) < ALERT_ID_SIZE) {
        memcpy(number, text, (size_t)(comma - text));
        number[comma - text] = '\0';
        text_copy(filter->before_id, sizeof filter->before_id, comma + 1);
        if (text_to_int64(number, &filter->before_ns) && filter->before_ns > 0)
            return 0;
    }
    problem_add_field(answer, "cursor", "not a cursor that a list gave as 'next'");
    return ERR_INVALID;
}

static int query_state(const struct request *request, struct answer *answer, int *state)
{
    const char *text = target_query(&request->target, "state");
    enum alert_state parsed;
    *state = -1;
    if (text == NULL)
        return 0;
    if (strcmp(text, "open") == 0) {
        *state = STORE_OPEN;
        return 0;
    }
    if (alert_state_parse(text, &parsed) == 0) {
        *state = (int)parsed;
        return 0;
    }
    problem_add_field(answer, "state", "expected active, acknowledged, resolved or open");
    return ERR_INVALID;
}

static int read_filter(const struct request *request, struct answer *answer, struct filter *filter,
                       struct error *error)
{
    int64_t limit = 0;
    const char *level = target_query(&request->target, "level");
    int rc = query_known(request, answer, error);
    rc |= query_state(request, answer, &filter->state);
    rc |= query_identifier(request, answer, "stream", &filter->stream_id);
    rc |= query_int(request, answer, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT, &limit);
    rc |= query_cursor(request, answer, filter);
    filter->limit = (size_t)limit;
    if (level != NULL && alert_level_parse(level, &filter->level) != 0) {
        problem_add_field(answer, "level", "expected LOW, MEDIUM, HIGH or CRITICAL");
        rc = ERR_INVALID;
    }
    return rc == 0 ? 0 : error_set(error, ERR_INVALID, "the query has wrong parameters");
}

static int read_open(struct api *api, struct list *open, struct error *error)
{
    int rc = api->control.ops->alerts_open(api->control.self, &open->items, &open->count, error);
    open->capacity = open->count;
    return rc;
}

/* Rows of the store, those that are open replaced by what they are now, and what is open and not stored yet.
 */
static int read_stored(struct api *api, const struct filter *filter, struct list *open, struct list *all,
                       struct error *error)
{
    struct alert_query query = {.state = filter->state,
                                .stream_id = filter->stream_id,
                                .least_level = (int)filter->level,
                                .before_raised_ns = filter->before_ns,
                                .before_id = filter->before_id,
                                .limit = filter->limit + 1};
    int rc = api->store.kind->read_alerts(api->store.store, &query, add_row, all, error);
    for (size_t i = 0; rc == 0 && i < open->count; i++) {
        struct alert *row = list_find(all, open->items[i].alert_id);
        if (row != NULL)
            *row = open->items[i];
        else
            rc = list_add(all, &open->items[i]);
    }
    return rc;
}

static void keep_passing(struct list *list, const struct filter *filter)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (passes(&list->items[i], filter))
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
    if (kept > 1)
        qsort(list->items, kept, sizeof *list->items, newest_first);
}

static int write_list(const struct list *list, size_t limit, struct answer *answer, struct error *error)
{
    size_t count = list->count < limit ? list->count : limit;
    struct json_writer w = json_writer_on(&answer->body);
    json_object_begin(&w);
    json_key(&w, "items");
    json_array_begin(&w);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(&w);
        alert_write_json(&w, &list->items[i]);
        json_object_end(&w);
    }
    json_array_end(&w);
    char cursor[24 + ALERT_ID_SIZE] = "";
    if (count < list->count) {
        const struct alert *last = &list->items[count - 1];
        text_format(cursor, sizeof cursor, "%lld,%s", (long long)last->raised_ns, last->alert_id);
    }
    json_put_string(&w, "next", cursor[0] != '\0' ? cursor : NULL);
    json_object_end(&w);
    return answer_json(answer, 200, error);
}

int alerts_list(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    struct filter filter = {0};
    struct list open = {0}, all = {0};
    int rc = read_filter(request, answer, &filter, error);
    if (rc != 0)
        return rc;
    bool needs_store = filter.state == -1 || filter.state == ALERT_RESOLVED;
    rc = read_open(api, &open, error);
    if (rc == 0 && needs_store)
        rc = read_stored(api, &filter, &open, &all, error);
    if (rc == 0) {
        struct list *given = needs_store ? &all : &open;
        keep_passing(given, &filter);
        rc = write_list(given, filter.limit, answer, error);
    }
    free(open.items);
    free(all.items);
    return rc;
}

static int find_alert(struct api *api, const char *alert_id, struct alert *alert, struct error *error)
{
    struct list open = {0};
    int rc = read_open(api, &open, error);
    const struct alert *found = rc == 0 ? list_find(&open, alert_id) : NULL;
    if (found != NULL)
        *alert = *found;
    free(open.items);
    if (found != NULL)
        return 0;
    int64_t version = 0;
    return api->store.kind->read_alert(api->store.store, alert_id, alert, &version, error);
}

static int write_change(void *user, const struct alert_event *event)
{
    struct json_writer *w = user;
    json_object_begin(w);
    json_put_int(w, "version", event->version);
    json_put_string(w, "event", alert_event_kind_name(event->kind));
    json_put_time(w, "timestamp", event->alert.updated_ns);
    json_put_string(w, "who", event->who[0] != '\0' ? event->who : NULL);
    json_put_string(w, "level", alert_level_name(event->alert.level));
    json_put_string(w, "state", alert_state_name(event->alert.state));
    json_put_bool(w, "blind", event->alert.blind);
    json_put_number(w, "value", event->alert.value, measure_info(event->alert.measure)->decimals);
    json_put_string(w, "comment", event->alert.comment[0] != '\0' ? event->alert.comment : NULL);
    json_object_end(w);
    return 0;
}

/* The history comes from the store; without it the alert itself is still told, and `history` is null. */
int alert_get(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    struct alert alert;
    struct buffer history = {0};
    int rc = find_alert(api, request->id, &alert, error);
    if (rc != 0)
        return rc;
    struct json_writer h = json_writer_on(&history);
    json_array_begin(&h);
    int history_rc =
        api->store.kind->read_alert_history(api->store.store, request->id, write_change, &h, error);
    if (history_rc == 0)
        json_array_end(&h);
    struct json_writer w = json_writer_on(&answer->body);
    json_object_begin(&w);
    alert_write_json(&w, &alert);
    json_key(&w, "history");
    if (history_rc == 0 && !history.failed)
        json_raw(&w, history.data, history.size);
    else
        json_null_value(&w);
    json_object_end(&w);
    buffer_free(&history);
    return answer_json(answer, 200, error);
}

int alert_picture(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    struct alert alert;
    int rc = find_alert(api, request->id, &alert, error);
    if (rc != 0)
        return rc;
    if (alert.picture[0] == '\0' || strchr(alert.picture, '/') != NULL)
        return error_set(error, ERR_NOT_FOUND, "alert %s has no picture", alert.alert_id);
    char path[512];
    path_join(path, sizeof path, api->config->server.pictures_dir, alert.picture);
    if (file_read(path, STILL_MAX, &answer->body, NULL) != 0)
        return error_set(error, ERR_NOT_FOUND, "the picture of alert %s is not kept any more",
                         alert.alert_id);
    answer->status = 200;
    answer->content_type = "image/jpeg";
    answer_header(answer, "Cache-Control", "private, max-age=86400, immutable");
    return 0;
}

/* The file is the truth: a clip made before a restart is there, whatever is remembered of it. */
int alert_clip(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    struct alert alert;
    char name[ALERT_ID_SIZE + 8], path[512], why[CONTROL_WHY_MAX];
    int rc = find_alert(api, request->id, &alert, error);
    if (rc != 0)
        return rc;
    text_format(name, sizeof name, "%s.mp4", alert.alert_id);
    path_join(path, sizeof path, api->config->server.pictures_dir, name);
    if (file_answer(path, "video/mp4", request->header.range, answer) == 0) {
        answer_header(answer, "Cache-Control", "private, max-age=86400, immutable");
        return 0;
    }
    rc = api->control.ops->alert_clip(api->control.self, alert.alert_id, why);
    if (rc == ERR_CONFLICT)
        answer_header(answer, "Retry-After", "5");
    return error_set(error, rc, "alert %s: %s", alert.alert_id, why);
}

static int write_result(const struct alert_event *event, int status, struct answer *answer,
                        struct error *error)
{
    struct json_writer w = json_writer_on(&answer->body);
    json_object_begin(&w);
    alert_write_json(&w, &event->alert);
    json_object_end(&w);
    return answer_json(answer, status, error);
}

static int read_comment(const struct request *request, struct answer *answer, const char **comment,
                        struct error *error)
{
    const struct json *value = json_get(request->json, "comment");
    *comment = json_as_string(value, "");
    if (json_kind(value) != JSON_IS_NULL && json_kind(value) != JSON_IS_STRING)
        problem_add_field(answer, "comment", "expected text");
    else if (strlen(*comment) >= ALERT_COMMENT_MAX)
        problem_add_field(answer, "comment", "at most 255 bytes");
    else
        return body_known(request, answer, "comment", error);
    return error_set(error, ERR_INVALID, "the comment is wrong");
}

int alerts_acknowledge(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    const char *comment;
    struct alert_event event = {0};
    int rc = read_comment(request, answer, &comment, error);
    if (rc == 0)
        rc = api->control.ops->alert_acknowledge(api->control.self, request->id, request->who.name, comment,
                                                 &event, error);
    return rc != 0 ? rc : write_result(&event, 200, answer, error);
}

int alerts_resolve(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    const char *comment;
    struct alert_event event = {0};
    int rc = read_comment(request, answer, &comment, error);
    if (rc == 0)
        rc = api->control.ops->alert_resolve(api->control.self, request->id, request->who.name, comment,
                                             &event, error);
    return rc != 0 ? rc : write_result(&event, 200, answer, error);
}

int alert_test(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    struct alert_event event = {0};
    int rc = body_known(request, answer, NULL, error);
    if (rc != 0)
        return rc;
    rc = api->control.ops->alert_test(api->control.self, request->who.name, &event, error);
    return rc != 0 ? rc : write_result(&event, 201, answer, error);
}
