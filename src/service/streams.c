/* Cameras from the file and from the store; adding, changing and removing while running. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "service/internal.h"

/* Tells everybody about a new camera, the manager last: from then on snapshots may come. */
static int start_camera(struct service *s, const struct stream_config *stream, struct error *error)
{
    int result = latest_add(s->latest, stream->stream_id, error);
    if (result < 0)
        return result;
    if (stream->enabled) /* one that is switched off is not lost */
        result = alert_engine_add_stream(s->engine, stream->stream_id, error);
    if (result == 0)
        result = manager_add(s->manager, stream, error);
    if (result < 0) {
        alert_engine_remove_stream(s->engine, stream->stream_id, NULL);
        latest_remove(s->latest, stream->stream_id);
    }
    return result;
}

struct start_from_store {
    struct service *service;
    struct error *error;
    int result;
};

static int start_stored_stream(void *user, const char *stream_id, const char *json)
{
    struct start_from_store *start = user;
    struct json *object = NULL;
    struct stream_config *stream = NULL;
    struct error why;
    int result = json_parse(json, strlen(json), &object, &why);
    if (result == 0)
        result = stream_config_from_json(start->service->config, object, &stream, NULL, NULL, &why);
    json_free(object);
    if (result == 0 && config_find_stream(start->service->config, stream_id)) {
        start->result = error_set(
            start->error, ERR_EXISTS,
            "stream %s is written in %s and was also made over the API: remove one of the two", stream_id,
            start->service->config->path ? start->service->config->path : "the configuration");
        stream_config_free(&stream);
        return start->result;
    }
    if (result == 0)
        result = start_camera(start->service, stream, &why);
    if (result < 0) /* one camera that cannot be started must not keep the others from working */
        log_error("service", "stream %s from the store: %s", stream_id, why.text);
    stream_config_free(&stream);
    return 0;
}

int streams_start(struct service *s, struct error *error)
{
    for (size_t i = 0; i < s->config->stream_count; i++) {
        int result = start_camera(s, &s->config->streams[i], error);
        if (result < 0)
            return result;
    }
    struct start_from_store start = {.service = s, .error = error};
    int result = s->store.kind->read_streams(s->store.store, start_stored_stream, &start, error);
    return start.result < 0 ? start.result : result;
}

static int store_stream(struct service *s, const struct stream_config *stream, struct error *error)
{
    struct buffer json = {0};
    struct json_writer w = json_writer_on(&json);
    stream_config_write_json(&w, stream, true);
    int result = json.failed ? error_nomem(error, stream->stream_id)
                             : s->store.kind->put_stream(s->store.store, stream->stream_id, json.data, error);
    buffer_free(&json);
    return result;
}

static int add(struct service *s, const struct json *body, char stream_id[ID_SIZE],
               control_field_error *on_field, void *user, struct error *error)
{
    struct stream_config *stream = NULL;
    struct stream_status status;
    int result = stream_config_from_json(s->config, body, &stream, on_field, user, error);
    if (result < 0)
        return result;
    if (manager_status(s->manager, stream->stream_id, &status) == 0)
        result = error_set(error, ERR_EXISTS, "stream %s exists already", stream->stream_id);
    if (result == 0)
        result = store_stream(s, stream,
                              error); /* stored first: what was answered with 201 is there after a restart */
    if (result == 0) {
        result = start_camera(s, stream, error);
        if (result < 0 && result != ERR_EXISTS)
            s->store.kind->delete_stream(s->store.store, stream->stream_id, NULL);
    }
    if (result == 0)
        text_copy(stream_id, ID_SIZE, stream->stream_id);
    stream_config_free(&stream);
    return result;
}

static int remove_stream(struct service *s, const char *stream_id, struct error *error)
{
    if (config_find_stream(s->config, stream_id))
        return error_set(error, ERR_CONFLICT, "stream %s is written in %s: remove it there", stream_id,
                         s->config->path ? s->config->path : "the configuration");
    struct stream_status status;
    if (manager_status(s->manager, stream_id, &status) < 0)
        return error_set(error, ERR_NOT_FOUND, "there is no stream %s", stream_id);
    int result = s->store.kind->delete_stream(s->store.store, stream_id, error);
    if (result < 0 && result != ERR_NOT_FOUND)
        return result; /* still running: otherwise it would come back after a restart */
    result = manager_remove(s->manager, stream_id, error);
    if (result == 0) {
        alert_engine_remove_stream(s->engine, stream_id, NULL);
        latest_remove(s->latest, stream_id);
        views_forget(s->views, stream_id);
        publish_removed(s, stream_id);
    }
    return result;
}

/* ---- changing ---- */

/* The camera as it would be: what it is, with the changes. */
static int changed_stream(struct service *s, const struct stream_config *now, const struct json *patch,
                          struct stream_config **changed, control_field_error *on_field, void *user,
                          struct error *error)
{
    struct buffer text = {0};
    struct json_writer w = json_writer_on(&text);
    struct json *base = NULL, *merged = NULL;
    stream_config_write_json(&w, now, true);
    int result =
        text.failed ? error_nomem(error, now->stream_id) : json_parse(text.data, text.size, &base, error);
    if (result == 0 && (merged = json_merge(base, patch)) == NULL)
        result = error_nomem(error, now->stream_id);
    if (result == 0)
        result = stream_config_from_json(s->config, merged, changed, on_field, user, error);
    if (result == 0 && strcmp((*changed)->stream_id, now->stream_id) != 0) {
        on_field(user, "stream_id", "a camera keeps its name");
        stream_config_free(changed);
        result = error_set(error, ERR_INVALID, "stream_id: a camera keeps its name");
    }
    json_free(merged);
    json_free(base);
    buffer_free(&text);
    return result;
}

/* Its open alerts stay, so that a new address does not hide them; those of one that is switched off are over.
 */
static int restart_camera(struct service *s, const struct stream_config *was,
                          const struct stream_config *stream, struct error *error)
{
    int result = manager_remove(s->manager, stream->stream_id, error);
    if (result == 0)
        result = manager_add(s->manager, stream, error);
    if (result == 0 && was->enabled && !stream->enabled)
        alert_engine_remove_stream(s->engine, stream->stream_id, NULL);
    if (result == 0 && !was->enabled && stream->enabled)
        result = alert_engine_add_stream(s->engine, stream->stream_id, error);
    return result;
}

static int change(struct service *s, const char *stream_id, const struct json *patch,
                  control_field_error *on_field, void *user, struct error *error)
{
    struct stream_config *stream = NULL;
    if (config_find_stream(s->config, stream_id))
        return error_set(error, ERR_CONFLICT, "stream %s is written in %s: change it there", stream_id,
                         s->config->path ? s->config->path : "the configuration");
    struct stream_config *now = manager_stream_config(s->manager, stream_id);
    if (!now)
        return error_set(error, ERR_NOT_FOUND, "there is no stream %s", stream_id);
    int result = changed_stream(s, now, patch, &stream, on_field, user, error);
    bool nothing = json_size(patch) == 0; /* it need not start anew */
    if (result == 0 && !nothing)
        result = store_stream(s, stream, error);
    if (result == 0 && !nothing)
        result = restart_camera(s, now, stream, error);
    stream_config_free(&stream);
    stream_config_free(&now);
    return result;
}

/* ---- one at a time ---- */

int streams_add(struct service *s, const struct json *body, char stream_id[ID_SIZE],
                control_field_error *on_field, void *user, struct error *error)
{
    pthread_mutex_lock(&s->streams_lock);
    int result = add(s, body, stream_id, on_field, user, error);
    pthread_mutex_unlock(&s->streams_lock);
    return result;
}

int streams_change(struct service *s, const char *stream_id, const struct json *patch,
                   control_field_error *on_field, void *user, struct error *error)
{
    pthread_mutex_lock(&s->streams_lock);
    int result = change(s, stream_id, patch, on_field, user, error);
    pthread_mutex_unlock(&s->streams_lock);
    return result;
}

int streams_remove(struct service *s, const char *stream_id, struct error *error)
{
    pthread_mutex_lock(&s->streams_lock);
    int result = remove_stream(s, stream_id, error);
    pthread_mutex_unlock(&s->streams_lock);
    return result;
}
