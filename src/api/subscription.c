#include "api/subscription.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"
#include "base/text.h"

void subscription_free(struct subscription *subscription)
{
    free(subscription->streams);
    *subscription = (struct subscription){0};
}

static struct subscribed *find(const struct subscription *s, const char *stream_id)
{
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->streams[i].stream_id, stream_id) == 0)
            return &s->streams[i];
    }
    return NULL;
}

bool subscription_wants(const struct subscription *s, const char *stream_id)
{
    return s->every || find(s, stream_id) != NULL;
}

bool subscription_wants_pictures(const struct subscription *s, const char *stream_id)
{
    const struct subscribed *one = find(s, stream_id);
    return s->every_pictures || (one != NULL && one->pictures);
}

bool subscription_wants_alerts(const struct subscription *s, const char *stream_id)
{
    return s->any && (stream_id[0] == '\0' || subscription_wants(s, stream_id));
}

static int add(struct subscription *s, const char *stream_id, bool pictures, struct error *error)
{
    struct subscribed *one = find(s, stream_id);
    if (one == NULL) {
        if (s->count == SUBSCRIBED_STREAMS_MAX)
            return error_set(error, ERR_FULL, "streams: at most %d can be named; use \"*\"",
                             SUBSCRIBED_STREAMS_MAX);
        struct subscribed *streams = realloc(s->streams, (s->count + 1) * sizeof *streams);
        if (streams == NULL)
            return error_nomem(error, "subscription");
        s->streams = streams;
        one = &streams[s->count++];
        text_copy(one->stream_id, sizeof one->stream_id, stream_id);
    }
    one->pictures = pictures;
    return 0;
}

static void take_away(struct subscription *s, const char *stream_id)
{
    struct subscribed *one = find(s, stream_id);
    if (one != NULL)
        *one = s->streams[--s->count];
}

static int parse_streams(const struct json *root, struct command *command, struct error *error)
{
    const struct json *streams = json_get(root, "streams");
    if (command->kind == COMMAND_UNSUBSCRIBE && streams == NULL) {
        command->every = true;
        return 0;
    }
    if (strcmp(json_as_string(streams, ""), "*") == 0) {
        command->every = true;
        return 0;
    }
    if (json_kind(streams) != JSON_IS_ARRAY)
        return error_set(error, ERR_INVALID, "streams: expected \"*\" or an array of stream_ids");
    for (size_t i = 0; i < json_size(streams); i++) {
        const char *id = json_as_string(json_at(streams, i), "");
        if (!text_is_identifier(id))
            return error_set(error, ERR_INVALID, "streams[%zu]: expected a stream_id", i);
    }
    command->streams = streams;
    return 0;
}

static int parse_seen(const struct json *root, struct command *command, struct error *error)
{
    const struct json *seen = json_get(root, "seen"), *value;
    const char *id;
    if (seen == NULL)
        return 0;
    if (json_kind(seen) != JSON_IS_OBJECT || json_size(seen) > SUBSCRIBED_STREAMS_MAX)
        return error_set(error, ERR_INVALID, "seen: expected an object of at most %d streams",
                         SUBSCRIBED_STREAMS_MAX);
    for (size_t i = 0; json_entry(seen, i, &id, &value); i++) {
        if (!text_is_identifier(id) || json_as_int(json_get(value, "seq"), -1) < 0 ||
            json_as_string(json_get(value, "epoch"), NULL) == NULL)
            return error_set(error, ERR_INVALID, "seen.%.64s: expected {\"epoch\": text, \"seq\": number}",
                             id);
    }
    command->seen = seen;
    return 0;
}

static int parse_subscribe(const struct json *root, struct command *command, struct error *error)
{
    const struct json *pictures = json_get(root, "pictures"), *after = json_get(root, "alerts_after");
    if (pictures != NULL && json_kind(pictures) != JSON_IS_BOOL)
        return error_set(error, ERR_INVALID, "pictures: expected true or false");
    command->pictures = json_as_bool(pictures, false);
    command->replay = json_kind(after) != JSON_IS_NULL;
    command->alerts_after = json_as_int(after, -1);
    if (command->replay && command->alerts_after < 0)
        return error_set(error, ERR_INVALID, "alerts_after: expected the seq of an alert, or 0");
    int rc = parse_streams(root, command, error);
    return rc != 0 ? rc : parse_seen(root, command, error);
}

static int parse_ping(const struct json *root, struct command *command, struct error *error)
{
    command->id = json_get(root, "id");
    enum json_kind type = json_kind(command->id);
    if (type != JSON_IS_NULL && type != JSON_IS_NUMBER && type != JSON_IS_STRING)
        return error_set(error, ERR_INVALID, "id: expected a number or text");
    return 0;
}

int command_parse(const char *text, size_t size, struct command *command, struct error *error)
{
    *command = (struct command){0};
    int rc = json_parse(text, size, &command->root, error);
    if (rc != 0)
        return rc;
    const char *type = json_as_string(json_get(command->root, "type"), "");
    if (strcmp(type, "ping") == 0) {
        command->kind = COMMAND_PING;
        return parse_ping(command->root, command, error);
    }
    if (strcmp(type, "subscribe") == 0) {
        command->kind = COMMAND_SUBSCRIBE;
        return parse_subscribe(command->root, command, error);
    }
    if (strcmp(type, "unsubscribe") == 0) {
        command->kind = COMMAND_UNSUBSCRIBE;
        return parse_streams(command->root, command, error);
    }
    return error_set(error, ERR_INVALID, "type: expected subscribe, unsubscribe or ping");
}

void command_release(struct command *command)
{
    json_free(command->root);
    *command = (struct command){0};
}

static int apply_subscribe(struct subscription *s, const struct command *command, struct error *error)
{
    s->any = true;
    if (command->every) {
        s->every = true;
        s->every_pictures = command->pictures;
    }
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_size(command->streams); i++)
        rc = add(s, json_as_string(json_at(command->streams, i), ""), command->pictures, error);
    return rc;
}

int subscription_apply(struct subscription *s, const struct command *command, struct error *error)
{
    if (command->kind == COMMAND_SUBSCRIBE)
        return apply_subscribe(s, command, error);
    for (size_t i = 0; i < json_size(command->streams); i++)
        take_away(s, json_as_string(json_at(command->streams, i), ""));
    if (command->every) {
        s->every = s->every_pictures = false;
        s->count = 0;
    }
    s->any = s->every || s->count > 0;
    return 0;
}
